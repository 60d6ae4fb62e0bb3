"""What puts a row into the record of changes: who changed what, when, from what to what.

A row stands there before its change is made, so a change without a row does not happen. A route says what was
there earlier and what is there later (`note_change`); the door does the rest. Sign-ins and what was refused come
from `heard.py`, the commands of an operator from `watch.py`. The rows themselves: `changes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import g, has_request_context, request

from plumbing.access.caller import Caller
from plumbing.access.changes import Change, ChangeRecord, Wanted
from plumbing.access.redaction import cleaned
from plumbing.etags import ChangedMeanwhile, tag_of
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull

__all__ = ["Change", "ChangeRecord", "Wanted", "note_change", "noted", "recorded", "who_is"]

APPROVED = "usual.approved"
"""Where an approved change, which is carried out now, is named in the WSGI environment. No header comes there."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The change that a second person approved: `second` is theirs ("user:ID"), `tag` that of what was to
    change."""

    proposal_id: str
    second: str
    tag: str


class Proposed(Exception):
    """Raised by `note_change` in place of going on, when the change needs a second person: nothing was written."""

    def __init__(self, subject: str, earlier: Any, later: Any) -> None:
        super().__init__(subject)
        self.subject, self.earlier, self.later = subject, earlier, later


@contextmanager
def recorded(
    record: ChangeRecord, caller: Caller, route: str, *, must: bool, scopes: Sequence[str] = ()
) -> Iterator[None]:
    """Around the work of a route that changes something: its row in the record.

    `must`: without a row nothing is changed. What a customer has a right to (an erasure) does not wait for a row.

    Raises:
        DatabaseBusy, DiskFull: the row cannot be written; nothing was changed.
    """
    approved = approved_now()
    try:
        change_id = record.begin(
            caller.tenant,
            who_is(caller),
            route,
            scopes=scopes,
            second="" if approved is None else approved.second,
        )
    except (DatabaseBusy, DiskFull):
        if must:
            raise
        yield
        return
    state, why = "failed", ""
    g.recording = True
    try:
        yield
        state = "done"
    except Proposed as proposed:
        state = "waiting"
        g.change = {"subject": proposed.subject, "earlier": proposed.earlier, "later": proposed.later}
        raise
    except Problem as error:
        state, why = "refused", error.code
        raise
    finally:
        g.recording = False
        record.end(caller.tenant, change_id, state, why, **noted())


def note_change(subject: str = "", *, earlier: Any = None, later: Any = None) -> None:
    """Say what a route changes: `subject` names it ("offer spring-10"); JSON on both sides, never personal data.

    A route that may need a second person (`approval=` at its door) calls this after its checks and BEFORE it
    writes: while the change waits for that person, the call does not return. When it is carried out, the call
    makes sure that what is there is still what both have seen; so it stands inside the transaction that writes.

    Raises:
        ChangedMeanwhile: the change was approved, and what it changes is not the same any more.
    """
    if g.get("proposing"):
        raise Proposed(subject, earlier, later)
    approved = approved_now()
    if approved is not None and approved.tag != tag_of(earlier):
        raise ChangedMeanwhile("Somebody changed this after the proposal was made. Propose your change again.")
    g.change = {"subject": subject, "earlier": earlier, "later": later}


def note_what_was_sent(*, must: bool) -> None:
    """For a route that has not said what it changed: the parts of its address and its body, without secrets. What
    concerns a person (not `must`) is not looked at."""
    if "change" in g or not must:
        return
    body = request.get_json(silent=True) if request.is_json else None
    parts = cleaned(request.view_args or {})
    g.change = {"subject": " ".join(str(value) for value in parts.values()), "earlier": None, "later": body}


def noted() -> Mapping[str, Any]:
    """What the route of this request said about its change."""
    found: Mapping[str, Any] = g.get("change") or {"subject": "", "earlier": None, "later": None}
    return found


def approved_now() -> Approved | None:
    """The approved change that this request carries out."""
    found = request.environ.get(APPROVED) if has_request_context() else None
    return found if isinstance(found, Approved) else None


def who_is(caller: Caller) -> str:
    """The caller as the record names them."""
    return f"user:{caller.user}" if caller.user else f"key:{caller.key_id}"
