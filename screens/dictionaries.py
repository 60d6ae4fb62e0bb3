"""The words of the pages: one JSON file for each folder of `words/`, made once, addressed by its content.

A sentence that a language lacks is taken from English, and the server's log says which: nobody reads an id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from babel.core import Locale, UnknownLocaleError, negotiate_locale
from werkzeug import Request

from plumbing.patterns import Pattern
from plumbing.words import Words

FOLDER = Path(__file__).parent / "words"
VERSION = 1
"""Of the JSON: `{"v", "language", "direction", "messages", "english"}`; `english` are the ids that fell back."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """One language as it is sent."""

    language: str
    name: str
    """As its speakers write it."""
    body: bytes

    messages: Mapping[str, Pattern]

    @property
    def file(self) -> str:
        """Its file name: another content has another one, so that a browser may keep it for good."""
        return f"{self.language}.{hashlib.sha256(self.body).hexdigest()[:16]}.json"


@cache
def dictionaries(folder: Path = FOLDER) -> Mapping[str, Dictionary]:
    """The languages that `folder` has, English first. What is missing or cannot be read is logged once."""
    words = Words(folder)
    english = words.compiled("en").patterns
    found = {}
    for language in words.languages:
        own = words.compiled(language)
        missing = [name for name in english if name not in own.patterns]
        if missing or own.faults:
            log.warning("screen_words_incomplete", language=language, in_english=missing, faults=own.faults)
        messages = {name: own.patterns.get(name, pattern) for name, pattern in english.items()}
        content = {
            "v": VERSION,
            "language": language,
            "direction": _direction(language),
            "messages": messages,
            "english": missing,
        }
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        found[language] = Dictionary(language, str(own.patterns.get("language_name", language)), body, messages)
    return found


def language_for(request: Request, offered: Mapping[str, Dictionary]) -> str:
    """The language of `?lang=`, else the one that the browser asks for, else English."""
    wanted = [request.args.get("lang", ""), *request.accept_languages.values()]
    return negotiate_locale([name.replace("-", "_") for name in wanted if name], list(offered), sep="_") or "en"


def _direction(language: str) -> str:
    try:
        return "rtl" if Locale.parse(language, sep="-").character_order == "right-to-left" else "ltr"
    except (UnknownLocaleError, ValueError):
        return "ltr"
