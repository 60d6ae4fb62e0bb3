"""The figures of the marketer's report on offers: numbers alone, in minor units. `answers.py` says them. Pure.

The comparison with the holdout and what each offer earns are made from the log. What needs models (the learned
choice against the best single offer, other choices, whom offers move) is from the training report of the version
that decides.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY
from recommender.offers.decision import FEATURES
from recommender.offers.learning.confidence import LEAST_CUSTOMERS, Comparison, compare, group_mean, sample_ratio
from recommender.offers.learning.fit import LEAST_TO_FIT
from recommender.offers.learning.lifts import Lift, lifts_of
from recommender.offers.learning.log import ClosedDecisions
from recommender.offers.learning.train import OfferFigures, day_ends
from recommender.offers.learning.uplift import qini_of_curve
from recommender.offers.settings import OfferSettings
from recommender.scene import Report

Floats = NDArray[np.float64]

RATIO_ALARM = 0.01
"""With an always-valid p-value of the sample ratio below this, the assignment to groups is broken."""

SMALL_GROUP = 10
"""Of a group of fewer customers no mean is shown: it would say what one of them spends."""

_KNOWN_BEFORE = ("n_tx", "spend", "max_tx", "spend_7d", "n_tx_7d")


def figures_of(
    closed: ClosedDecisions, settings: OfferSettings, published: Report | None = None
) -> dict[str, Any]:
    """All figures about what offers earn, as JSON. `published` is the training report of the version that decides.

    Of a group of fewer than `SMALL_GROUP` customers there is no figure.
    """
    groups = _Groups.of(closed)
    figures: OfferFigures = cast(OfferFigures, published.figures) if published else {}
    return {
        "value_is": settings.value_is,
        **_verdict(groups.compare(settings)),
        "missing": _missing(groups),
        "history": _history(closed, settings),
        "groups": groups.table(),
        "holdout_share": settings.holdout_share,
        "ratio": _ratio(groups, settings),
        "lifts": [_of_offer(lift) for lift in lifts_of(closed, settings)],
        "best_single": _best_single(figures, published.in_force if published else ""),
        "exploring": {"cost": figures.get("cost_of_exploring"), "share": settings.exploration},
        "what_if": _what_if(figures),
        "whom": _whom(figures, len(closed)),
        "arms": [_of_many(arm) for arm in figures.get("arms", [])],
        "policy": _policy(published),
        "why": published.why if published else "",
        "decisions": len(closed),
        "visits_a_day": _visits_a_day(closed),
        "open_windows": closed.n_open,
        "completed_aware": closed.aware,
        "completed_blind": closed.blind,
    }


def _visits_a_day(closed: ClosedDecisions) -> float | None:
    """How many visits with a decision there are a day; None when all are of one day."""
    days = (int(closed.decided_us[-1]) - int(closed.decided_us[0])) / DAY if len(closed) else 0.0
    return len(closed) / days if days >= 1 else None


def _policy(published: Report | None) -> str:
    """How offers are chosen now: a code for the sentence."""
    if published is None:
        return "none"
    if published.in_force == "counting":
        return "best_single"
    return "whom" if published.figures.get("chooses_visits") else "in_turn"


def _of_offer(lift: Lift) -> dict[str, Any]:
    """What one offer earns, as JSON."""
    row: dict[str, Any] = {"offer_id": lift.offer_id, "shown": lift.shown, "missing": lift.missing}
    if lift.customers < SMALL_GROUP:
        row |= {"shown": None}
    if lift.verdict is None:
        return row | dict.fromkeys(("difference", "low", "high", "more_visits", "total")) | {"decided": False}
    found = _verdict(lift.verdict)
    return row | found | {"total": None if found["difference"] is None else found["difference"] * lift.shown}


def _missing(groups: _Groups) -> dict[str, Any] | None:
    """Which group lacks customers before there can be a verdict, and how many."""
    ones, others = int(groups.treated.sum()), int((~groups.treated).sum())
    lacking = LEAST_CUSTOMERS - min(ones, others)
    return {"group": "offers" if ones < others else "no_offers", "customers": lacking} if lacking > 0 else None


def _of_many(arm: dict[str, Any]) -> dict[str, Any]:
    """An arm's figures; of one that few visits had, only its name."""
    return arm if arm.get("shown", 0) >= SMALL_GROUP else arm | {"shown": None, "mean": None, "ess": None}


class _Groups:
    """Sums per customer, (n_customers,): `treated` may be shown offers, the others are the holdout."""

    def __init__(self, reward: Floats, visits: Floats, treated: NDArray[np.bool_], before: Floats) -> None:
        self.reward, self.visits, self.treated, self.before = reward, visits, treated, before

    @classmethod
    def of(cls, closed: ClosedDecisions, until_us: int | None = None) -> _Groups:
        """From the decisions up to `until_us`; customers without one are left out."""
        ended = closed.decided_us <= (until_us if until_us is not None else np.iinfo(np.int64).max)
        n, who = closed.log.n_customers, closed.log.customer
        visits = np.bincount(who[ended], minlength=n).astype(float)
        reward = np.bincount(who[ended], weights=closed.log.reward[ended], minlength=n)
        treated = np.ones(n, bool)
        treated[who[closed.held_out]] = False
        seen = visits > 0
        return cls(reward[seen], visits[seen], treated[seen], _before(closed)[seen])

    def compare(self, settings: OfferSettings) -> Comparison:
        """Treated against holdout, per visit."""
        return compare(self.reward, self.visits, self.treated, scale=settings.effect_scale, before=self.before)

    def table(self) -> list[dict[str, Any]]:
        """One row for each group."""
        rows = []
        for name, mine in (("offers", self.treated), ("no_offers", ~self.treated)):
            n = int(mine.sum())
            value = group_mean(self.reward[mine], self.visits[mine])[0] if n >= SMALL_GROUP else None
            rows.append({"group": name, "customers": n, "visits": int(self.visits[mine].sum()), "value": value})
        return rows


def _before(closed: ClosedDecisions) -> Floats:
    """What was known of each customer before any offer, at the first decision: (n_customers, d)."""
    first = np.unique(closed.log.customer, return_index=True)[1]  # decisions are sorted by time
    columns = closed.features[first][:, [FEATURES.index(name) for name in _KNOWN_BEFORE]]
    n, spend = columns[:, 0], columns[:, 1]
    return np.column_stack([columns, np.log1p(n), spend / np.maximum(n, 1)])


def against_holdout(closed: ClosedDecisions, settings: OfferSettings, until_us: int | None = None) -> Comparison:
    """Value per visit of treated customers against the holdout, on decisions up to `until_us`."""
    return _Groups.of(closed, until_us).compare(settings)


def _verdict(verdict: Comparison) -> dict[str, Any]:
    """The comparison as JSON; null where nothing is known."""
    known = math.isfinite(verdict.low)
    return {
        "difference": verdict.difference if known else None,
        "low": verdict.low if known else None,
        "high": verdict.high if known else None,
        "decided": verdict.decided,
        "more_visits": verdict.more_visits,
    }


def _history(closed: ClosedDecisions, settings: OfferSettings) -> list[dict[str, Any]]:
    """The comparison with the holdout as it was day by day."""
    rows = []
    for end in day_ends(closed):
        then = against_holdout(closed, settings, end)
        if math.isfinite(then.low):
            rows.append({"until_us": end, "difference": then.difference, "low": then.low, "high": then.high})
    return rows


def _ratio(groups: _Groups, settings: OfferSettings) -> dict[str, Any]:
    """Whether the holdout has the size that was set."""
    held_out, n = int((~groups.treated).sum()), len(groups.treated)
    meant = settings.holdout_share
    p = sample_ratio(held_out, n - held_out, meant) if n and 0 < meant < 1 else 1.0
    return {"p": p, "broken": p < RATIO_ALARM, "held_out": held_out, "customers": n, "meant": meant}


def _best_single(figures: OfferFigures, in_force: str) -> dict[str, Any]:
    """The way offers are chosen now against always showing the best single offer. Which that is, the lifts say."""
    found = figures.get("against_best_single") or {}
    if found.get("low") is None or "difference" not in found:
        return {"known": False, "same": False, "history": []}
    names = ("difference", "low", "high", "decided", "more_visits")
    return {
        "known": True,
        "same": in_force == "counting" or found["high"] - found["low"] < 1e-9,
        **{name: found.get(name) for name in names},
        "history": found.get("history", []),
    }


def _what_if(figures: OfferFigures) -> dict[str, Any]:
    """Other ways to choose on the same visits by doubly robust value, best first."""
    rows = [
        {
            "policy": row["method"],
            "snips": row["snips"],
            "dr": row["dr"],
            "ess": row["snips"].get("ess") or 0.0,
            "warning": row["snips"].get("warning", ""),
        }
        for row in figures.get("what_if", [])
        if row.get("dr", {}).get("value") is not None
    ]
    return {"rows": sorted(rows, key=lambda row: -row["dr"]["value"])}


def _whom(figures: OfferFigures, n: int) -> dict[str, Any]:
    """What an offer gains by tenth of visits, and the Qini curve."""
    deciles, curve = figures.get("deciles") or [], figures.get("gain_curve") or []
    return {
        "deciles": deciles,
        "curve": curve,
        "qini": qini_of_curve(curve) if deciles else None,
        "missing": max(LEAST_TO_FIT - n, 0),
    }
