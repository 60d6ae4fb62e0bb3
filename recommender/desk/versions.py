"""What a marketer asks of versions: which is live, why, and what keeps another one back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plumbing.words import Message
from recommender.store.version_notes import AUTOMATIC, PUBLISHED, Note, Pin
from recommender.times import from_us
from recommender.training.gate.changes import ABOUT_DATA
from recommender.training.outcomes import WORDS

NameOf = Callable[[str, str], str]
"""What to call somebody: (tenant, who), where `who` is as in `store.version_notes.Pin`."""


def by_id(tenant: str, who: str) -> str:
    """Somebody without a name to show."""
    return "Usual" if who == AUTOMATIC else who.partition(":")[2] or who


def named(message: Message, tenant: str, name_of: NameOf) -> Message:
    """A message that names somebody, with their name."""
    who = message.values.get("who")
    return message if who is None else Message(message.id, {**message.values, "who": name_of(tenant, str(who))})


def pin_row(pin: Pin, tenant: str, language: str, name_of: NameOf) -> dict[str, Any]:
    """The pin as the routes answer it."""
    return {
        "version": pin.version,
        "at": from_us(pin.at_us),
        "who": name_of(tenant, pin.who),
        "automatic": pin.automatic,
        "says": WORDS.say(language, named(pin.message, tenant, name_of)),
    }


def state_of(name: str, live: str | None, pin: Pin | None, note: Note | None) -> str:
    """live, pinned, earlier, held_back, refused or rolled_back."""
    if name == live:
        return "pinned" if pin is not None and pin.version == name else "live"
    return "earlier" if note is None or note.state == PUBLISHED else note.state


def note_row(
    name: str, live: str | None, pin: Pin | None, note: Note | None, tenant: str, language: str, name_of: NameOf
) -> dict[str, Any]:
    """What is added to a version's row: its state, why in a sentence, and the gate's figures for analysts."""
    state = state_of(name, live, pin, note)
    message = pin.message if state == "pinned" and pin is not None else note.message if note else None
    return {
        "state": state,
        "state_says": WORDS.text(language, f"state-{state}"),
        "says": WORDS.say(language, named(message, tenant, name_of)) if message else "",
        "gate": dict(note.figures) if note else {},
    }


def run_says(report: Mapping[str, Any], tenant: str, language: str, name_of: NameOf) -> tuple[str, bool]:
    """Why a training ended as it did, in a language; and whether a person may accept the changed log."""
    message = said(report.get("message"))
    if message is None:
        return "", False
    return WORDS.say(language, named(message, tenant, name_of)), message.id in ABOUT_DATA


def said(stored: Any) -> Message | None:
    """The message of a run's report; None: an older release wrote it."""
    if not isinstance(stored, Mapping) or "id" not in stored:
        return None
    return Message(str(stored["id"]), stored.get("values") or {})
