"""For `usual keys mode`: whether customers are recognised at once when a device sends the other thing."""

from __future__ import annotations

from pathlib import Path

from identity.cli.commands import open_half
from identity.desk.recognition import of_path
from identity.web.desk import WORDS
from plumbing.settings import Config


def in_words(home: Path, tenant: str) -> str:
    """A sentence, from what `usual calibrate` measured. Raises a Problem: the half cannot be opened."""
    half = open_half(home, Config.from_environment().pack)
    try:
        return WORDS.say("en", of_path(half.matchers.clear.thresholds.agreement(tenant)))
    finally:
        half.close()
