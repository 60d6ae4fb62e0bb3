"""How good the suggestions of a scene were when they were measured: "better" only where the gate says so."""

from __future__ import annotations

import math
from typing import Any

from plumbing.words import Message
from recommender.training.trainer import Trainer

PROVEN_FROM = 30
"""Customers who came back: with fewer, no gain over counting can be proven (ranking.gate's `least`)."""

FIRST = ("hr@1", "acc@1")
"""Metrics that say how often the first suggestion was right."""

METHODS = {
    "ranker": "ranker",
    "ranker with counting": "ranker-with-counting",
    "ranker with neighbours": "ranker-with-neighbours",
    "counting": "counting",
    "own frequency": "own-frequency",
    "frequency": "own-frequency",
    "kernel": "kernel",
    "popular": "popular",
    "best_single": "best-single",
    "learned": "learned",
}
"""Rows of an evaluation's table -> the names that the desk has for them (`method-NAME` in the words)."""


def verdict(scene: str, baseline: str, report: dict[str, Any]) -> Message:
    """Whether the served model beats its scene's baseline, and by how much.

    Args:
        baseline: as the scene names it (`Scene.baseline`).
        report: of the version that is served, as its manifest has it; empty without a version.
    """
    if not report:
        return Message.of("quality-no-version", scene=scene)
    proven, method = beats_baseline(report), method_of(report)
    first, counting = first_right(report, method), first_right(report, "counting")
    values: dict[str, str | int | float] = {"scene": scene, "baseline": baseline}
    if not proven:
        shares = {} if counting is None else {"right": round(100 * counting)}
        return Message("quality-not-proven-share" if shares else "quality-not-proven", values | shares)
    if first is None or counting is None:
        return Message("quality-better", values)
    return Message(
        "quality-better-share",
        values
        | {
            "right": round(100 * first),
            "counting": round(100 * counting),
            "n": int(report.get("n_validation") or 0),
        },
    )


def beats_baseline(report: dict[str, Any]) -> bool:
    """Whether the gate proved a gain: another method than the baseline is in use, and the interval of the
    difference lies above zero."""
    low = (report.get("interval") or [None])[0]
    return (
        method_of(report) not in ("", "counting")
        and isinstance(low, int | float)
        and math.isfinite(low)
        and low > 0
    )


def method_of(report: dict[str, Any]) -> str:
    """The row of the report's table that is served."""
    return str(report.get("method") or report.get("in_force") or "")


def method_name(method: str) -> Message:
    """A method in plain words; one without words keeps its own name."""
    known = METHODS.get(method)
    return Message.of(f"method-{known}") if known else Message.of("method-other", name=method)


def first_right(report: dict[str, Any], method: str) -> float | None:
    """How often the first suggestion was right, 0 to 1; None: it was not measured."""
    rows = [row for row in report.get("rows", []) if isinstance(row, dict) and row.get("method") == method]
    shares = [row[name] for row in rows for name in FIRST if isinstance(row.get(name), int | float)]
    return float(shares[0]) if shares else None


def what_is_missing(trainer: Trainer, tenant: str, name: str) -> Message | None:
    """What is needed before a gain can be proven, and how much more of it; None: there is enough."""
    scene = trainer.scenes[name]
    if not trainer.catalogue.counts(tenant).get(scene.kind, 0):
        return Message.of("missing-catalogue", kind=scene.kind)
    if trainer.events.has_customers(tenant, scene.learns_from or "", PROVEN_FROM):  # stops counting there
        return None
    back = trainer.events.returning_customers(tenant, scene.learns_from or "", 2)
    if back >= PROVEN_FROM:
        return None
    return Message.of("missing-customers", scene=name, back=back, more=PROVEN_FROM - back)
