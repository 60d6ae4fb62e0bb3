"""The sentences of the recommender's pages of the desk, in English, German and Japanese (`words/`)."""

from __future__ import annotations

from pathlib import Path

from plumbing.words import Words

WORDS = Words(Path(__file__).parent / "words")
