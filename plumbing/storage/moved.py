"""A state folder whose content was moved elsewhere: what is still in it is an older copy, and nobody writes it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from plumbing.problem_json import Problem

if TYPE_CHECKING:
    from plumbing.storage.database import Database

MOVED = "moved.json"
UNFINISHED, MARK = "move.json", "move"
"""The mark in the place that a move goes to, while it lasts: in a home, and on a server."""


class StateMoved(Problem):
    """The state was moved to another place by `usual move`."""

    code = "state_moved"
    status = 503
    title = "The state was moved"
    what_to_do = "Use the place that the reply names."


class MoveUnfinished(Problem):
    """A move to this place is not finished: what is written here would be deleted when it goes on."""

    code = "move_unfinished"
    status = 503
    title = "A move to this place is not finished"
    says = "Start the same `usual move` again; until it has ended, the place that it comes from counts."


def require_finished(folder: Path, access: Database | None) -> None:
    """Return when no move to this place lasts. `access`: the keys of devices on a server; None: a home.

    Raises MoveUnfinished; DatabaseBusy.
    """
    if access is None:
        lasts = (folder / UNFINISHED).exists()
    else:
        there = access.row("SELECT to_regclass('usual_access_files.files') IS NOT NULL")[0]
        marked = "SELECT 1 FROM usual_access_files.files WHERE name = ? AND size > 0"
        lasts = bool(there and access.rows(marked, (MARK,)))
    if lasts:
        raise MoveUnfinished


@lru_cache
def _mark_in(folder: Path) -> Path:
    """Made once: each transaction looks for it."""
    return folder / MOVED


def require_here(folder: Path) -> None:
    """Return when the state of this folder is the one that counts. Costs one look for a file.

    Raises:
        StateMoved: it says where it went.
    """
    path = _mark_in(folder)
    if path.exists():
        to = json.loads(path.read_bytes())["to"]
        raise StateMoved(f"{folder} was moved to {to}. Start the server with USUAL_DATABASE set to that place.")
