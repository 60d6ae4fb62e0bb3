"""The record in words: what was changed, and the sentence that answers "who changed what?"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desk.web import WORDS
from plumbing.access.changes import CHANGE, REFUSAL, SIGN_IN, Change
from plumbing.access.heard import REFUSED
from plumbing.clock import DAY, HOUR, MINUTE

SIGN_INS_REFUSED = frozenset(
    {"sign_in_refused", "invitation_refused", "key_refused", "pairing_refused", "code_refused"}
)


def thing(language: str, row: Change) -> str:
    """What a row is about: "the offer spring-10", "a wrong key", "sign-in"."""
    if row.kind == REFUSAL and row.why in REFUSED:
        return _text(language, f"record-refused-{_dashed(row.why)}", row.why)
    if row.kind == SIGN_IN:
        return _text(language, f"record-event-{_dashed(row.subject)}", row.route)
    return named(language, row.subject) or row.route


def named(language: str, subject: str) -> str:
    """The subject of a change in words: its first word is the kind of thing, the rest its name."""
    word, _, name = subject.partition(" ")
    if word == "proposal":
        name = named(language, name)
    return _text(language, f"record-thing-{word}", subject, name=name)


def answer_of(language: str, week: Sequence[Change], name: Callable[[Change], str], now_us: int) -> str:
    """The first line of the page, of the changes of the last seven days (newest first)."""
    changes = [row for row in week if row.kind == CHANGE and row.state == "done"]
    refused = sum(row.times for row in week if row.kind == REFUSAL and row.why in SIGN_INS_REFUSED)
    if not changes:
        return WORDS.text(language, "record-answer-none", refused=refused)
    latest = changes[0]
    return WORDS.text(
        language,
        "record-answer",
        who=name(latest),
        what=thing(language, latest),
        ago=_ago(language, now_us - latest.at_us),
        changes=len(changes),
        refused=refused,
    )


def _ago(language: str, us: int) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if us >= unit:
            return WORDS.text(language, f"record-ago-{name}", n=us // unit)
    return WORDS.text(language, "record-ago-now")


def _text(language: str, message_id: str, otherwise: str, **values: str) -> str:
    try:
        return WORDS.text(language, message_id, **values)
    except KeyError:
        return otherwise


def _dashed(name: str) -> str:
    return name.replace("_", "-")
