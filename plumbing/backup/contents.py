"""What lies in a state folder, and what of it belongs into which backup.

A new file needs no entry here: it belongs to the data, unless its name says that it is a key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

STAGING = ".backup-"  # beginning of the folder in which a copy is put together
READY = ".restore-ready"  # a copy that was checked and is being put in place
UNPACKED = ".restore-"
BEFORE = "before-upgrade"
"""A copy of what an upgrade changed; it belongs into no backup."""

GOING_BACK = ".upgrade-back"  # the same while it is put in place
MODELS = "models"
LOCK = "backup.lock"
_KEY = re.compile(r"(^|[-_.])keys?($|[-_.])")
_LEFT_OUT = re.compile(
    r"^(\..*|before-upgrade|reserve|runs|screens|versions-copy|server-.*|.*\.lock|.*-moments\.db.*"
    r"|.*\.db-(wal|shm|journal)|.*\.draft)$"
)


class Kind(Enum):
    """How a file is copied and put back."""

    DATABASE = "database"
    KEY = "key"
    TOMBSTONES = "tombstones"
    HEAD = "head"  # of the audit: copied before its log, which may be longer, never shorter
    LOG = "log"
    MODEL = "model"
    FILE = "file"


LASTING = frozenset({"erasures.db"})
"""Databases that are not put back over those that are there: receipts of what was erased since would be lost."""

ORDER = (Kind.DATABASE, Kind.KEY, Kind.TOMBSTONES, Kind.MODEL, Kind.HEAD, Kind.LOG, Kind.FILE)
"""In which order they are copied. Keys come after the databases, or somebody who joins meanwhile would have a row
and no key; tombstones after both, or somebody who leaves meanwhile would be missing there; a log after what
remembers its length."""


def kind_of(name: str) -> Kind | None:
    """The kind of the file `name` (its path below the state folder); None: it belongs into no backup."""
    first, _, _ = name.partition("/")
    last = name.rpartition("/")[2]
    if any(_LEFT_OUT.match(part) for part in name.split("/")):
        return None
    if first == MODELS:
        return Kind.MODEL
    if _KEY.search(last):
        return Kind.KEY
    if name.endswith("-tombstones"):
        return Kind.TOMBSTONES
    if name.endswith("-head"):
        return Kind.HEAD
    if name.endswith(".db"):
        return Kind.DATABASE
    return Kind.LOG if name.endswith(".log") else Kind.FILE


def files_in(folder: Path) -> Iterator[str]:
    """The names of all ordinary files below a folder, sorted, with `/` between their parts."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix()
