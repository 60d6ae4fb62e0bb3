"""The gate from top to bottom: the data, the comparison with the live version, the menu, variety and speed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plumbing.words import Message
from recommender.ranking.interactions import Interactions
from recommender.scene import AnyScene, Item, Trained
from recommender.training.gate.changes import Looks, changed, impossible, is_rewritten
from recommender.training.gate.comparison import (
    LEAST,
    LEAST_COVERED,
    SLOWER,
    TRIES,
    Variety,
    collapsed,
    quality,
    remark,
    times,
    uncovered,
    worse,
)
from recommender.training.gate.profile import Profile
from recommender.training.gate.questions import Answers, N, Question, ask, last_orders, suggested

MOST_QUESTIONS = 600
SPREAD = 0.35
"""Standard deviation of a metric from question to question: between .3 and .4 on every log that was measured."""
HARDER, HARDER_REWRITTEN = 0.12, 0.06
EASIER, FAR_EASIER, NEARLY_ALL = 0.10, 0.25, 0.95
"""Known answers make counting right nearly always: that is a leak, and no progress."""
OFFERS_LEAST, OFFERS_FACTOR = 200, 2.0
"""Decisions of each log, before the spending that they saw is compared; it hardly doubles from night to night."""


@dataclass(frozen=True, slots=True)
class Live:
    """The live version: loaded, with its manifest and what its own gate found."""

    name: str
    model: Any
    manifest: Mapping[str, Any]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest.get("report", {})
        return found

    @property
    def until_us(self) -> int | None:
        """The newest event that it has read."""
        found: int | None = self.manifest.get("cut", {}).get("until_us")
        return found

    @property
    def profile(self) -> Profile | None:
        """Of the log that it has read; None: an older release trained it."""
        stored = self.manifest.get("profile")
        return Profile.from_json(stored) if isinstance(stored, Mapping) else None


@dataclass(frozen=True, slots=True)
class Case:
    """What the gate decides on."""

    scene: AnyScene
    trained: Trained
    model: Any  # the candidate, loaded
    live: Live | None
    seen: Interactions  # of at least some customers, all of their rows
    catalogue: Sequence[Item]
    looks: Looks | None  # None: the scene has a log of its own
    least_people: int
    seed: int
    now_us: int
    erased: int = 0  # lines that were erased since the live version read them
    accept_changed_data: bool = False
    owed: bool = False
    """The live version has learned from somebody who was forgotten since: it goes, also where it knows more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused` is None where the candidate may take the place of the live version; `remark` says what is known
    about the two. `figures` are for analysts, JSON-able."""

    refused: Message | None
    remark: Message
    figures: Mapping[str, Any]


def decide(case: Case) -> Verdict:
    """Every check is made, also after one that refuses: the figures are whole. The first one that refuses says
    why."""
    figures: dict[str, Any] = {"live": case.live.name if case.live else None}
    reasons = list(_data(case)) if not case.accept_changed_data else []
    measured, note = _measured(case, figures)
    reasons += measured
    figures["refused_by"] = [reason.id for reason in reasons]
    figures["accepted_changed_data"] = case.accept_changed_data
    return Verdict(_said_of(case, reasons[0]) if reasons else None, _said_of(case, note), figures)


def _said_of(case: Case, message: Message) -> Message:
    """The sentence with its scene: of rides it says rides, where it says orders of orders."""
    return Message(message.id, {**message.values, "scene": case.scene.name})


def _data(case: Case) -> Iterator[Message]:
    live, looks = case.live, case.looks
    rewritten = False
    if looks is not None:
        yield from impossible(looks.whole)
        earlier = live.profile if live is not None else None
        if earlier is not None:
            yield from changed(looks, earlier, case.erased)
            rewritten = is_rewritten(looks, earlier)
    if live is not None:
        yield from _difficulty(case.trained.report.to_dict(), live.report, rewritten)
        yield from _spending(case.trained.report.to_dict(), live.report)


def _difficulty(ours: Mapping[str, Any], theirs: Mapping[str, Any], rewritten: bool) -> Iterator[Message]:
    """How often counting alone is right says how the log hangs together: mixed up it falls, with the answers in it
    twice it is nearly always right."""
    sizes = [int(one.get("n_validation") or 0) for one in (ours, theirs)]
    values = [one.get("baseline_value") for one in (ours, theirs)]
    if ours.get("metric") != theirs.get("metric") or ours.get("rows") is None or min(sizes) < LEAST:
        return
    now, then = values
    if now is None or then is None or not all(map(math.isfinite, (now, then))) or not 0 <= max(now, then) <= 1:
        return
    yield from shifted(now, then, sizes[0], sizes[1], rewritten)


def shifted(now: float, then: float, n_now: int, n_then: int, rewritten: bool = False) -> Iterator[Message]:
    """A share that was right then and now, over so many questions each: refused when it moved beyond what a season
    does, and beyond chance."""
    error = SPREAD * math.sqrt(1 / n_now + 1 / n_then)
    numbers = {"now": round(100 * now), "then": round(100 * then)}
    most = max(HARDER_REWRITTEN, 2.5 * error) if rewritten else max(HARDER, 3 * error)
    if now < then - most:
        yield Message.of("gate-harder", **numbers)
    elif now > then + max(FAR_EASIER, 3 * error) or (now > NEARLY_ALL and now > then + max(EASIER, 3 * error)):
        yield Message.of("gate-easier", **numbers)


def _spending(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Message]:
    """Of offers: what visits earn without any offer."""
    found = [_without_offer(one) for one in (ours, theirs)]
    sizes = [int(one.get("n_train") or 0) for one in (ours, theirs)]
    now, then = found
    if now is None or then is None or min(sizes) < OFFERS_LEAST or then <= 0:
        return
    if not then / OFFERS_FACTOR <= now <= then * OFFERS_FACTOR:
        yield Message.of("gate-spending", now=round(now), then=round(then))


def _without_offer(report: Mapping[str, Any]) -> float | None:
    rows = [one for one in report.get("rows") or [] if isinstance(one, Mapping)]
    values = [one["dr"].get("value") for one in rows if one.get("method") == "no offer" and "dr" in one]
    return values[0] if values and values[0] is not None and math.isfinite(values[0]) else None


def _measured(case: Case, figures: dict[str, Any]) -> tuple[list[Message], Message]:
    """Ask the candidate, the live version, and the candidate as it is without the latest orders."""
    none = Message.of("gate-first") if case.live is None else Message.of("gate-few", n=0)
    if case.scene.learns_from is None:
        return [], Message.of("gate-first" if case.live is None else "gate-offers")
    trial, live = case.trained.trial, case.live
    questions = last_orders(
        case.seen,
        None if trial is None else trial.asked,
        after_us=None if trial is None else trial.after_us,
        live_until_us=None if live is None else live.until_us,
        seed=case.seed,
        most=MOST_QUESTIONS,
    )
    models = [case.model] + ([live.model] if live is not None else [])
    if trial is not None:
        models.append(case.scene.load(dict(trial.arrays), dict(trial.texts)))
    answers = _asked(case, models, questions)
    reasons = []
    if not all(one.finite for one in answers[:1]):
        reasons.append(Message.of("gate-not-numbers"))
    reasons += _menu(case, figures)
    note = none
    if trial is not None:
        figures["asked"] = {"value": _mean(answers[-1], questions), "questions": len(questions)}
    if live is not None:
        reasons += _beside(case, live, answers, questions, figures)
        if trial is not None:
            reasons, note = _quality(case, live, answers, questions, figures, reasons)
    return reasons, note


def _quality(
    case: Case,
    live: Live,
    answers: Sequence[Answers],
    questions: Sequence[Question],
    figures: dict[str, Any],
    reasons: list[Message],
) -> tuple[list[Message], Message]:
    values = answers[-1].ndcg(questions), answers[1].ndcg(questions)
    found = quality(*values, questions, case.seed)
    figures["quality"] = found.to_json()
    before = live.figures.get("asked") or {}
    if not case.accept_changed_data and before.get("questions", 0) >= LEAST and found.n >= LEAST:
        rewritten = case.looks is not None and live.profile is not None and is_rewritten(case.looks, live.profile)
        reasons = reasons + list(
            shifted(found.live, float(before["value"]), found.n, int(before["questions"]), rewritten)
        )
    if case.owed:  # what the live version knows better, it may know from the forgotten
        return reasons, Message.of("gate-owed")
    refused = worse(found)
    return ([refused, *reasons] if refused is not None else reasons), remark(found)


def _beside(
    case: Case, live: Live, answers: list[Answers], questions: Sequence[Question], figures: dict[str, Any]
) -> list[Message]:
    """Variety and speed, beside the live version."""
    ours, theirs = (Variety.of(one.lists, case.seed) for one in answers[:2])
    figures["variety"] = {
        "candidate": ours.to_json() if ours else None,
        "live": theirs.to_json() if theirs else None,
    }
    reasons = [] if (refused := collapsed(ours, theirs)) is None else [refused]
    ratio = times(answers[0], answers[1])
    for _ in range(TRIES - 1):
        if ratio is None or ratio <= SLOWER:
            break
        again = _asked(case, [case.model, live.model], questions)
        ratio = min(ratio, times(again[0], again[1]) or ratio)
    figures["p99_ratio"] = ratio
    if ratio is not None and ratio > SLOWER:
        reasons.append(Message.of("gate-slow", times=round(ratio, 1)))
    return reasons


def _menu(case: Case, figures: dict[str, Any]) -> list[Message]:
    """The share of the active menu that can be suggested, by the candidate and by the live version."""
    active = [item.item_id for item in case.catalogue if item.available]
    if not active:
        return []
    shares = []
    for model in [case.model] + ([case.live.model] if case.live is not None else []):
        found = suggested(case.scene, model, case.catalogue, now_us=case.now_us, least_people=case.least_people)
        shares.append(sum(item in found for item in active) / len(active))
    figures["menu"] = {"candidate": shares[0], "live": shares[1] if len(shares) > 1 else None}
    least = LEAST_COVERED if case.scene.kind == "item" else 0.0  # of places a guest sees those that are near
    refused = uncovered(shares[0], shares[1] if len(shares) > 1 else None, least=least)
    return [refused] if refused is not None else []


def _asked(case: Case, models: Sequence[Any], questions: Sequence[Question]) -> list[Answers]:
    return ask(case.scene, models, questions, case.catalogue, n=N, least_people=case.least_people)


def _mean(answers: Answers, questions: Sequence[Question]) -> float:
    return float(np.mean(answers.ndcg(questions))) if questions else 0.0


def with_profile(trained: Trained, looks: Looks | None) -> Trained:
    """What is published says which log it was made of."""
    return trained if looks is None else replace(trained, profile=looks.whole.to_json())
