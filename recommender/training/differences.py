"""What changes for customers between two versions: counted by asking both, never who they are."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbing.words import Message
from recommender.errors import ArtifactError, NoSuchVersion
from recommender.ranking.dayparts import DAYPARTS, daypart_name
from recommender.ranking.interactions import Interactions
from recommender.scene import AnyScene, Item, TrainingInput
from recommender.store.events import EventStore
from recommender.store.version_rows import VersionRows
from recommender.training.gate.questions import Question, ask, next_question

ASKED = 500
"""Customers: the shares are right to within 4.4 points then, whatever they are."""
LONGEST_S = 6.0
SMALL = 10
"""People, of whom a group must have so many to be shown."""
LENGTHS = ((1, 3), (4, 5), (6, 10), (11, None))
AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Changed:
    """One customer who was asked for: whether the first suggestion and the first five changed."""

    length: str
    daypart: str
    first: bool
    five: bool
    move: tuple[str, str]  # the first suggestion of the earlier and of the later version


@dataclass(frozen=True)
class Differences:
    """Compares two versions of a scene."""

    scene: AnyScene
    rows: VersionRows
    events: EventStore
    data: TrainingInput  # catalogue and tenant, without events

    def between(self, earlier: str, later: str, seed: int = 0) -> dict[str, Any]:
        """The body of the reply, without its sentences.

        Raises:
            NoSuchVersion: one of the two is not kept, or does not match its checksums.
        """
        models = [self._loaded(name) for name in (earlier, later)]
        tenant, kind = self.data.tenant, self.scene.learns_from or ""
        drawn, total = self.events.some_customers(tenant, kind, ASKED, seed)
        found = self._asked(models, drawn, lambda who: self.events.history(tenant, who, kind, 200))
        return {"from": earlier, "to": later, **summed(found, total)}

    def _loaded(self, name: str) -> Any:
        shelf = self.rows.shelf(self.data.tenant, self.scene.name)
        if name not in shelf.names():
            raise NoSuchVersion(self.scene.name, name)
        try:
            version = shelf.load(name)
            arrays, _ = self.rows.served(self.data.tenant, self.scene.name, version)
            return self.scene.load(dict(arrays), dict(version.texts))
        except (ArtifactError, ValueError) as error:
            raise NoSuchVersion(self.scene.name, name) from error

    def _asked(
        self, models: Sequence[Any], drawn: Sequence[str], history: Callable[[str], Interactions]
    ) -> list[Changed]:
        """Until everybody was asked for, or `LONGEST_S` have passed."""
        began, found = time.monotonic(), list[Changed]()
        for start in range(0, len(drawn), AT_ONCE):
            questions = [
                next_question(seen) for who in drawn[start : start + AT_ONCE] if len(seen := history(who))
            ]
            found += _changes(self.scene, models, questions, self.data.catalogue, self.data.least_people)
            if time.monotonic() - began > LONGEST_S:
                break
        return found


def _changes(
    scene: AnyScene, models: Sequence[Any], questions: Sequence[Question], catalogue: Sequence[Item], least: int
) -> list[Changed]:
    """One more than five are asked for: in the last place something new is tried now and then."""
    before, after = ask(scene, models, questions, catalogue, n=6, least_people=least)
    return [
        Changed(
            length=_length(int(np.max(question.history.order)) + 1),
            daypart=_daypart(question),
            first=old[:1] != new[:1],
            five=old[:5] != new[:5],
            move=(old[0] if old else "", new[0] if new else ""),
        )
        for question, old, new in zip(questions, before.lists, after.lists, strict=True)
    ]


def summed(found: Sequence[Changed], total: int) -> dict[str, Any]:
    """Shares and groups; of fewer than `SMALL` people nothing."""
    n = len(found)
    if n < SMALL:
        return {"customers": {"asked": 0, "all": 0}, "error": None, "by_length": [], "by_daypart": [], "moves": []}
    lengths = [_length(low) for low, _ in LENGTHS]
    return {
        "customers": {"asked": n, "all": max(total, n)},
        "error": error_of(n, max(total, n)),
        **_shares(found),
        "by_length": _groups(found, lengths, lambda one: one.length),
        "by_daypart": _groups(found, [name for _, name in DAYPARTS], lambda one: one.daypart),
        "moves": _moves(found),
    }


def answer(body: dict[str, Any]) -> list[Message]:
    """The sentences: what changed, and for how many it was counted."""
    asked, total = body["customers"]["asked"], body["customers"]["all"]
    if asked < SMALL:
        return [Message.of("diff-few")]
    shares = {name: round(100 * body[name]) for name in ("first", "five", "same")}
    if asked >= total:
        return [Message.of("diff-answer", **shares), Message.of("diff-everybody", n=asked)]
    error = max(1, math.ceil(100 * body["error"]))
    return [Message.of("diff-answer", **shares), Message.of("diff-sampled", n=asked, all=total, error=error)]


def error_of(n: int, total: int) -> float:
    """Half of the widest 95 % interval of a share among n of `total` people, drawn without replacement."""
    return 1.96 * math.sqrt(0.25 / n * max(total - n, 0) / max(total - 1, 1))


def _shares(found: Sequence[Changed]) -> dict[str, float]:
    n = len(found)
    five = sum(one.five for one in found)
    return {"first": sum(one.first for one in found) / n, "five": five / n, "same": (n - five) / n}


def _groups(found: Sequence[Changed], names: Iterable[str], of: Callable[[Changed], str]) -> list[dict[str, Any]]:
    parts = {name: [one for one in found if of(one) == name] for name in names}
    return [
        {"group": name, "customers": len(part), **_shares(part)}
        for name, part in parts.items()
        if len(part) >= SMALL
    ]


def _moves(found: Sequence[Changed]) -> list[dict[str, Any]]:
    """From which first suggestion to which, of at least `SMALL` customers; the others summed up."""
    counts = Counter(one.move for one in found if one.first)
    shown = [(move, n) for move, n in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if n >= SMALL]
    rows: list[dict[str, Any]] = [{"from": a, "to": b, "customers": n} for (a, b), n in shown]
    rest = sum(counts.values()) - sum(n for _, n in shown)
    if rest >= SMALL:
        rows.append({"from": None, "to": None, "customers": rest})
    return rows


def _length(n_orders: int) -> str:
    low, high = next((low, high) for low, high in LENGTHS if high is None or n_orders <= high)
    return f"{low}+" if high is None else f"{low}-{high}"


def _daypart(question: Question) -> str:
    at = question.context.local_time
    return "" if at is None else daypart_name(at.hour)
