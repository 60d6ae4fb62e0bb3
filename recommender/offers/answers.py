"""The marketer's report on offers in sentences, in the reader's language. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.offers.learning.confidence import LEAST_CUSTOMERS
from recommender.offers.learning.log import ClosedDecisions
from recommender.offers.learning.off_policy import SMALL_ESS
from recommender.offers.report import figures_of
from recommender.offers.settings import OfferSettings
from recommender.offers.wording import WORDS, money
from recommender.scene import Report

FAR_DAYS = 730
"""A verdict that is further away than this is not in sight."""


@dataclass(frozen=True, slots=True)
class Saying:
    """How figures are said: language, the tenant's currency, and the names of offers by id."""

    language: str = "en"
    currency: str = "EUR"
    names: Mapping[str, str] = field(default_factory=dict)

    def text(self, message_id: str, **values: str | int | float) -> str:
        """A message of the offers' words."""
        return WORDS.text(self.language, message_id, **values)

    def money(self, minor: float, *, signed: bool = False) -> str:
        """Minor units as money."""
        return money(minor, self.currency, self.language, signed=signed)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share as text: 0.05 is 5 %."""
        number = f"{100 * share:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{100 * share:.0f}"
        return f"{number}%" if self.language == "ja" else f"{number} %"

    def span(self, row: Mapping[str, Any]) -> str:
        """Between where and where."""
        low, high = self.money(row["low"], signed=True), self.money(row["high"], signed=True)
        return self.text("earn-span", low=low, high=high)


def earnings(
    closed: ClosedDecisions,
    settings: OfferSettings,
    published: Report | None = None,
    saying: Saying | None = None,
) -> dict[str, Any]:
    """What offers earn: the figures of the log with their sentences, in English unless `saying` wants another."""
    return said(figures_of(closed, settings, published), saying or Saying())


def said(figures: Mapping[str, Any], saying: Saying) -> dict[str, Any]:
    """`figures_of` with an `answer` to each question. The figures stay as they are."""
    lifts = [row | _of_offer(row, figures, saying) for row in figures["lifts"]]
    return {
        **figures,
        "answer": verdict(figures, saying),
        "holdout": saying.text("earn-holdout", share=saying.percent(figures["holdout_share"], 1)),
        "groups": [_group(row, figures, saying) for row in figures["groups"]],
        "ratio": figures["ratio"] | {"answer": _ratio(figures["ratio"], saying)},
        "lifts": lifts,
        "best": _best(lifts, figures, saying),
        "best_single": figures["best_single"] | {"answer": _against_best_single(figures, saying)},
        "exploring": figures["exploring"] | {"answer": _exploring(figures["exploring"], saying)},
        "what_if": _what_if(figures, saying),
        "whom": figures["whom"] | {"answer": _whom(figures["whom"], saying)},
        "why": saying.text(f"earn-policy-{figures['policy'].replace('_', '-')}"),
        "counted": saying.text("earn-counted", decisions=figures["decisions"], open=figures["open_windows"]),
        "redemptions": saying.text(
            "earn-redemptions", aware=figures["completed_aware"], blind=figures["completed_blind"]
        ),
    }


def verdict(figures: Mapping[str, Any], saying: Saying) -> str:
    """What the offers earned against those who never see one, in one sentence."""
    if not figures["decisions"]:
        if figures["open_windows"]:
            return saying.text("earn-all-open", n=figures["open_windows"])
        return saying.text("earn-nothing-decided")
    if figures["low"] is None:
        missing = figures["missing"] or {"group": "no_offers", "customers": 0}
        return saying.text(
            "earn-too-few",
            missing=missing["customers"],
            group=missing["group"].replace("_", "-"),
            least=LEAST_CUSTOMERS,
        )
    return _difference("earn-offers", figures, figures, saying)


def _difference(
    message: str, row: Mapping[str, Any], figures: Mapping[str, Any], saying: Saying, **more: str
) -> str:
    """A difference per visit with its certainty: `MESSAGE-certain` or `MESSAGE-open`."""
    values: dict[str, Any] = {
        "amount": saying.money(abs(row["difference"])),
        "direction": "more" if row["difference"] >= 0 else "less",
        "value": figures["value_is"],
        "span": saying.span(row),
    } | more
    if row["decided"]:
        return saying.text(f"{message}-certain", **values)
    return saying.text(f"{message}-open", **values, wait=_wait(row["more_visits"], figures, saying))


def _wait(more: int | None, figures: Mapping[str, Any], saying: Saying) -> str:
    """How much more is needed for a verdict, in visits and in days."""
    if more is None:
        return saying.text("earn-wait-unknown")
    if more < 1:
        return saying.text("earn-wait-next")
    a_day = figures.get("visits_a_day")
    if not a_day:
        return saying.text("earn-wait-visits", visits=more)
    if more / a_day > FAR_DAYS:
        return saying.text("earn-wait-unknown")
    return saying.text("earn-wait-days", visits=more, days=max(1, math.ceil(more / a_day)))


def _group(row: Mapping[str, Any], figures: Mapping[str, Any], saying: Saying) -> dict[str, Any]:
    name = saying.text(f"earn-group-{row['group'].replace('_', '-')}")
    if row["value"] is None:
        return {**row, "name": name, "answer": saying.text("earn-group-small", name=name)}
    values = {"customers": row["customers"], "visits": row["visits"], "amount": saying.money(row["value"])}
    return {
        **row,
        "name": name,
        "answer": saying.text("earn-group", name=name, value=figures["value_is"], **values),
    }


def _of_offer(row: Mapping[str, Any], figures: Mapping[str, Any], saying: Saying) -> dict[str, str]:
    """The name of an offer, and whether it earns."""
    name = saying.names.get(row["offer_id"], row["offer_id"])
    if row["difference"] is None:
        return {"name": name, "answer": saying.text("earn-one-too-few", missing=row["missing"])}
    return {"name": name, "answer": _difference("earn-one", row, figures, saying)}


def _best(lifts: list[dict[str, Any]], figures: Mapping[str, Any], saying: Saying) -> dict[str, Any]:
    """The one place that names the best single offer."""
    judged = [row for row in lifts if row["difference"] is not None]
    if not judged:
        return {"offer_id": None, "certain": False, "answer": saying.text("earn-best-unknown")}
    first, *others = judged
    certain = first["low"] > max((row["high"] for row in others), default=0.0)
    if first["difference"] <= 0:
        return {"offer_id": None, "certain": False, "answer": saying.text("earn-best-none")}
    sentence = saying.text(
        "earn-best-certain" if certain else "earn-best-so-far",
        name=first["name"],
        amount=saying.money(first["difference"], signed=True),
        span=saying.span(first),
        value=figures["value_is"],
    )
    return {"offer_id": first["offer_id"], "certain": certain, "answer": sentence}


def _ratio(ratio: Mapping[str, Any], saying: Saying) -> str:
    n, held_out = ratio["customers"], ratio["held_out"]
    return saying.text(
        "earn-ratio-broken" if ratio["broken"] else "earn-ratio-fine",
        held=held_out,
        customers=n,
        share=saying.percent(held_out / n if n else 0.0, 1),
        meant=saying.percent(ratio["meant"], 1),
    )


def _against_best_single(figures: Mapping[str, Any], saying: Saying) -> str:
    found = figures["best_single"]
    if not found["known"]:
        return saying.text("earn-single-unknown")
    return saying.text("earn-single-same") if found["same"] else _difference("earn-single", found, figures, saying)


def _exploring(exploring: Mapping[str, Any], saying: Saying) -> str:
    share = saying.percent(exploring["share"], 1)
    if exploring["cost"] is None:
        return saying.text("earn-exploring-unknown", share=share)
    return saying.text("earn-exploring", share=share, amount=saying.money(exploring["cost"]))


def _what_if(figures: Mapping[str, Any], saying: Saying) -> dict[str, Any]:
    """Of the ways to choose, not of single offers: which of those is best stands in one place alone."""
    known = {"learned": "earn-way-learned", "no offer": "earn-way-none", "best single offer": "earn-way-single"}
    rows = [
        row | {"name": saying.text(known[row["policy"]]) if row["policy"] in known else _named(row, saying)}
        for row in figures["what_if"]["rows"]
    ]
    ways = [row for row in rows if row["policy"] in known]
    if not ways:
        return {"answer": saying.text("earn-what-if-unknown"), "rows": rows}
    best = ways[0]
    text = saying.text(
        "earn-what-if", way=best["name"], amount=saying.money(best["dr"]["value"]), value=figures["value_is"]
    )
    weak = sum(bool(row["warning"]) for row in rows)
    if weak:
        text += (" " if saying.language != "ja" else "") + saying.text(
            "earn-what-if-weak", weak=weak, all=len(rows), least=int(SMALL_ESS)
        )
    return {"answer": text, "rows": rows}


def _named(row: Mapping[str, Any], saying: Saying) -> str:
    return str(saying.names.get(row["policy"], row["policy"]))


def _whom(whom: Mapping[str, Any], saying: Saying) -> str:
    deciles, curve = whom["deciles"], whom["curve"]
    if not deciles:
        return saying.text("earn-whom-unknown", missing=whom["missing"])
    top, last = saying.money(deciles[0]["gain"], signed=True), saying.money(deciles[-1]["gain"], signed=True)
    text = saying.text("earn-whom", top=top, last=last)
    at = next((row for row in curve if row["share"] >= 0.2), None)
    if at and curve[-1]["gained"] > 0:
        share = saying.percent(at["gained"] / curve[-1]["gained"])
        text += ("" if saying.language == "ja" else " ") + saying.text("earn-whom-fifth", share=share)
    return text
