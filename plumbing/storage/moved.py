"""A state folder whose content was moved elsewhere: what is still in it is an older copy, and nobody writes it."""

from __future__ import annotations

import json
from pathlib import Path

from plumbing.problem_json import Problem

MOVED = "moved.json"


class StateMoved(Problem):
    """The state was moved to another place by `usual move`."""

    code = "state_moved"
    status = 503
    title = "The state was moved"


def require_here(folder: Path) -> None:
    """Return when the state of this folder is the one that counts. Costs one look for a file.

    Raises:
        StateMoved: it says where it went.
    """
    path = folder / MOVED
    if path.exists():
        to = json.loads(path.read_bytes())["to"]
        raise StateMoved(f"{folder} was moved to {to}. Start the server with USUAL_DATABASE set to that place.")
