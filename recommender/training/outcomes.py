"""How a training ends, in sentences that remember their message (three languages: `words/`)."""

from __future__ import annotations

import errno
from pathlib import Path

from plumbing.sentence import Sentence
from plumbing.words import Words

FOLDER = Path(__file__).parent
WORDS = Words(FOLDER / "words", FOLDER / "gate" / "words")
"""Everything that trainings, their gate and their schedule say."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def sentence(message_id: str, **values: str | int | float) -> Sentence:
    """The message in English, which other languages say too."""
    return Sentence.of(WORDS, message_id, **values)


def not_started(error: OSError) -> Sentence:
    """No process could be started for the training."""
    return sentence("training-not-started", why=str(error))


def cancelled(who: str) -> Sentence:
    """Somebody ended it."""
    return sentence("training-cancelled", who=who)


def killed(signal: int) -> Sentence:
    """Its process was ended from outside."""
    return sentence("training-killed", signal=signal)


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk has no room."""
    return isinstance(error, OSError) and error.errno in NO_ROOM
