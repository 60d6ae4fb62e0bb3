"""Of which formats the files of a state folder are, compared with those that this release writes.

`formats.json` names the steps that make each database (`scripts/formats.py` writes it from the code). So a look at
a folder costs a few milliseconds and imports neither half.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from plumbing.problem import Problem

STEPS = "SELECT migration_set, name FROM _sqlite_migrations ORDER BY id"
OLDER_LOGS = {"identity-audit.log": re.compile(rb"\d{12} \d{17} [0-9a-f]{16} ")}
"""How a log of an older release begins."""

Sets = Mapping[str, frozenset[str]]
"""The steps that were made, by the set that they belong to."""


class HouseNewer(Problem):
    """A later release has written in this state folder: this one would misread it."""

    code = "house_newer"
    status = 503
    title = "The state folder is of a newer release"
    what_to_do = "Start the newer release, or go back with its `usual upgrade --back`."


@dataclass(frozen=True, slots=True)
class Change:
    """What an upgrade does with one file: the steps that are still to be made."""

    file: str
    steps: tuple[str, ...]


@cache
def _known() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = json.loads(
        files("plumbing.upgrade").joinpath("formats.json").read_text()
    )
    return content


def made_in(path: Path) -> Sets:
    """The steps that made a database; empty for one that is not there or was not made by ours."""
    if not path.exists():
        return {}
    found: dict[str, set[str]] = {}
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            for kind, name in connection.execute(STEPS):
                found.setdefault(kind, set()).add(name)
    except sqlite3.Error:  # not there, damaged, or in use: whoever opens it says so
        return {}
    return {kind: frozenset(names) for kind, names in found.items()}


def changes(home: Path) -> list[Change]:
    """What the files of `home` lack of the formats of this release; empty: it is up to date.

    A set that a database has nothing of only adds tables beside the older ones: that is no change of format.
    Raises HouseNewer.
    """
    found = []
    for file, sets in _known().items():
        made = made_in(home / file)
        steps: list[str] = []
        for kind, names in sets.items():
            if newer := sorted(made.get(kind, frozenset()) - set(names)):
                raise HouseNewer(f"{home / file} has what this release does not know ({kind}: {newer[-1]}).")
            if made.get(kind):
                steps += [name for name in names if name not in made[kind]]
        if steps:
            found.append(Change(file, tuple(steps)))
    found += [
        Change(file, ("lines of today",)) for file, older in OLDER_LOGS.items() if _begins(home / file, older)
    ]
    return found


def _begins(path: Path, older: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            return older.match(file.read(256)) is not None
    except OSError:
        return False
