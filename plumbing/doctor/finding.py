"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "remark", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` is what was found; `mend` is what to do about it, empty where nothing is to be done."""

    what: str
    level: Level
    says: str
    mend: str = ""


def well(what: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(what, "ok", says)


def remark(what: str, says: str, mend: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(what, "remark", says, mend)


def wrong(what: str, says: str, mend: str) -> Finding:
    """It does not work, or will not for long."""
    return Finding(what, "wrong", says, mend)
