"""The marketer's report on offers: each question answered in a sentence, with its figures. Pure.

The comparison with the holdout is made from the log, at each request. What needs models (best single offer, other
policies, uplift) is from the training report of the version in force. Figures are in minor units of money,
sentences in major ones.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recommender.offers.decision import FEATURES
from recommender.offers.learning.confidence import LEAST_CUSTOMERS, Comparison, compare, group_mean, sample_ratio
from recommender.offers.learning.fit import LEAST_TO_FIT
from recommender.offers.learning.log import ClosedDecisions
from recommender.offers.learning.off_policy import SMALL_ESS
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


def money(minor: float) -> str:
    """Minor units as text: 1234.5 -> "12.35". Without currency, which differs between tenants."""
    return f"{minor / 100:,.2f}"


def earnings(closed: ClosedDecisions, settings: OfferSettings, published: Report | None = None) -> dict[str, Any]:
    """The body of the page "What offers earn". `published` is the training report of the policy in force."""
    groups = _Groups.of(closed)
    verdict = groups.compare(settings)
    figures: OfferFigures = cast(OfferFigures, published.figures) if published else {}
    return {
        "answer": verdict_sentence(verdict, closed),
        **_verdict(verdict),
        "history": _history(closed, settings),
        "groups": groups.table(),
        "ratio": _ratio(groups, settings),
        "best_single": _best_single(figures, published.in_force if published else ""),
        "exploring": _exploring(figures, settings),
        "what_if": _what_if(figures),
        "whom": _whom(figures, len(closed)),
        "arms": [_of_many(arm) for arm in figures.get("arms", [])],
        "why": published.why if published else "",
        "decisions": len(closed),
        "open_windows": closed.n_open,
        "completed_aware": closed.aware,
        "completed_blind": closed.blind,
    }


def _of_many(arm: dict[str, Any]) -> dict[str, Any]:
    """An arm's figures; of one that few visits had, only its name and how often it was shown."""
    return arm if arm.get("shown", 0) >= SMALL_GROUP else arm | {"mean": None, "ess": None}


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
        for name, mine in (("may be shown offers", self.treated), ("left alone", ~self.treated)):
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
    """Margin per visit of treated customers against the holdout, on decisions up to `until_us`."""
    return _Groups.of(closed, until_us).compare(settings)


def _verdict(verdict: Comparison) -> dict[str, Any]:
    """The comparison as JSON; null where nothing is known."""
    known = math.isfinite(verdict.low)
    return {
        "verdict": verdict.text,
        "difference": verdict.difference if known else None,
        "low": verdict.low if known else None,
        "high": verdict.high if known else None,
        "decided": verdict.decided,
        "more_visits": verdict.more_visits,
    }


def verdict_sentence(verdict: Comparison, closed: ClosedDecisions) -> str:
    """What the offers earned against the holdout, in one sentence."""
    if not len(closed):
        if closed.n_open:
            return f"Nothing can be said yet: the windows of all {closed.n_open:,} decisions are still open."
        return "No offer has been decided about yet. It begins with the first customer who agreed to offers."
    if not math.isfinite(verdict.low):
        return verdict.text.replace("yet:", f"yet. Each group needs {LEAST_CUSTOMERS} customers:")
    word = "more" if verdict.difference >= 0 else "less"
    earned = f"Offers earned {money(abs(verdict.difference))} {word} per visit than leaving people alone"
    span = f"between {money(verdict.low)} and {money(verdict.high)}"
    if verdict.decided:
        return f"{earned}; that is certain ({span})."
    return f"{earned}. No verdict yet ({span}): {_how_long(verdict.more_visits)}."


def _how_long(more: int | None) -> str:
    if more is None:
        return "no difference is in sight so far"
    return "the next visits decide" if more < 1 else f"about {more:,} more visits"


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
    share = held_out / n if n else 0.0
    broken = p < RATIO_ALARM
    verdict = "that is within chance."
    if broken:
        verdict = "that is not chance: do not trust the figures until the reason is found."
    counts = f"{held_out:,} of {n:,} customers are left alone, {share:.1%} where {meant:.1%} were meant"
    return {"answer": f"{counts}; {verdict}", "p": p, "broken": broken, "held_out": held_out, "customers": n}


def _best_single(figures: OfferFigures, in_force: str) -> dict[str, Any]:
    """The policy in force against always showing the best single offer."""
    found = figures.get("against_best_single") or {}
    name = str(figures.get("best_single", ""))
    if found.get("low") is None or "difference" not in found or name in ("", "none"):
        return {"answer": "Not known before the first training.", "offer": "", "history": []}
    difference, low, high = found["difference"], found["low"], found["high"]
    if in_force == "counting" or high - low < 1e-9:
        text = "The policy in force shows the best single offer: it earns the same by definition."
    else:
        word, span = "more" if difference >= 0 else "less", f"between {money(low)} and {money(high)}"
        verdict = f". No verdict yet ({span}): {_how_long(found.get('more_visits'))}."
        if found.get("decided"):
            verdict = f"; that is certain ({span})."
        earns = f"The policy in force would earn {money(abs(difference))} {word} per visit"
        text = f"{earns} than the best single offer{verdict}"
    return {
        "answer": text,
        "offer": name,
        "difference": difference,
        "low": low,
        "high": high,
        "history": found.get("history", []),
    }


def _exploring(figures: OfferFigures, settings: OfferSettings) -> dict[str, Any]:
    """What the exploration floor costs."""
    cost, share = figures.get("cost_of_exploring"), f"{settings.exploration:.0%}"
    if cost is None:
        return {"answer": f"{share} of the visits try something else; what that costs is not known yet."}
    text = (
        f"Trying something else on {share} of visits costs {money(cost)} per visit: the price of noticing "
        "when another offer becomes the better one."
    )
    return {"answer": text, "cost": cost, "share": settings.exploration}


def _what_if(figures: OfferFigures) -> dict[str, Any]:
    """Other policies on the same visits by doubly robust value, best first."""
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
    rows.sort(key=lambda row: -row["dr"]["value"])
    if not rows:
        return {"answer": "What other ways would have earned is known after the first training.", "rows": []}
    weak = sum(bool(row["warning"]) for row in rows)
    best = rows[0]
    name = {"learned": "the policy in force"}.get(best["policy"], best["policy"])
    text = f"On these visits {name} would have earned most: {money(best['dr']['value'])} per visit."
    if weak:
        text += f" {weak} of {len(rows)} figures rest on fewer than {SMALL_ESS:.0f} effective visits: hints only."
    return {"answer": text, "rows": rows}


def _whom(figures: OfferFigures, n: int) -> dict[str, Any]:
    """Uplift by tenth of visits, and the Qini curve."""
    deciles, curve = figures.get("deciles") or [], figures.get("gain_curve") or []
    if not deciles:
        missing = "more with and without an offer"
        if n < LEAST_TO_FIT:
            missing = f"{LEAST_TO_FIT - n:,} more closed decisions"
        return {"answer": f"Whom offers move is not known yet: {missing} are needed.", "deciles": [], "curve": []}
    top, last = deciles[0], deciles[-1]
    text = (
        f"In the most promising tenth of visits the best offer gains {money(top['gain'])}, in the least "
        f"promising {money(last['gain'])}."
    )
    at = next((row for row in curve if row["share"] >= 0.2), None)
    if at and curve[-1]["gained"] > 0:
        text += f" A fifth of visits, well chosen, brings {at['gained'] / curve[-1]['gained']:.0%} of all gain."
    return {"answer": text, "deciles": deciles, "curve": curve, "qini": qini_of_curve(curve)}
