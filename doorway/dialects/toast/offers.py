"""An offer of the house as Toast shows and applies it, and which redemptions of a check hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from doorway.dialects.toast.checks import Check, Selected, major, minor
from recommender.offers.discount import AMOUNT, FREE_ITEM, applies_to, reduction
from recommender.offers.portfolio import Offer
from recommender.offers.redemption import PaidOrder, against_terms

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OnCheck:
    """An offer on a check: how it is shown, what it takes off in minor units, why not ("": it holds)."""

    offer: Offer
    shown: Json
    amount: int
    why: str


def on_check(
    offer: Offer, check: Check, site: str, local: datetime, categories: Mapping[str, str], digits: int
) -> OnCheck:
    """`categories` gives the category of each dish, `digits` the decimals of the currency."""
    parts = _parts(offer, check, categories)
    whole = not offer.items and not offer.categories and not _is_free(offer)
    amount = sum(part for _, part in parts)
    order = PaidOrder(check.guid, 0, site, check.priced)
    refused = against_terms(offer, order, site, local, categories)
    why = refused.detail if refused else "" if amount else "Nothing on this check is reduced by it."
    shown: Json = {
        "identifier": offer.offer_id,
        "name": offer.name,
        "applicable": not why,
        "selectionType": "CHECK" if whole else "ITEM" if len(parts) < 2 else "MULTI_ITEM",
        "amount": major(amount, digits),
        "quantity": 1,
    }
    if not whole:
        shown["itemApplication"] = [
            {"selectionIdentifier": one.guid, "amount": major(part, digits)} for one, part in parts
        ]
    return OnCheck(offer, shown, amount, why)


def _is_free(offer: Offer) -> bool:
    return offer.discount is not None and offer.discount.kind == FREE_ITEM


def _parts(offer: Offer, check: Check, categories: Mapping[str, str]) -> list[tuple[Selected, int]]:
    """What is taken off each selection, minor units; together what a till of ours takes off."""
    if offer.discount is None:
        return []
    if _is_free(offer):
        free = [one for one in check.selected if one.item == offer.discount.item]
        return [(one, one.amount // one.quantity) for one in free[:1]]
    lines = applies_to(check.priced, offer.items, offer.categories, categories)
    items = {line.item for line in lines}
    about = [one for one in check.selected if one.item in items and one.amount]
    whole, spent = reduction(offer.discount, lines, {}), sum(one.amount for one in about)
    shares = [whole * one.amount // spent for one in about]
    if shares:
        shares[-1] += (whole if offer.discount.kind == AMOUNT else min(whole, spent)) - sum(shares)
    return list(zip(about, shares, strict=True))


def asked(redemption: Mapping[str, Any], digits: int) -> int:
    """What a redemption of the till takes off, minor units. Raises ValueError, ArithmeticError, AttributeError."""
    parts = redemption.get("itemApplication") or ()
    if redemption.get("amount") is not None or not parts:
        pieces = max(1, int(redemption.get("quantity") or 1))
        return minor(redemption.get("amount") or 0, digits) * pieces
    return sum(minor(part.get("amount") or 0, digits) for part in parts)


def judged(
    redemptions: Sequence[Mapping[str, Any]], found: OnCheck | None, digits: int
) -> tuple[list[Mapping[str, Any]], list[Json]]:
    """The redemptions that hold, at most one, and those that do not, each with a sentence."""
    applied: list[Mapping[str, Any]] = []
    rejected: list[Json] = []
    for one in redemptions:
        why = "This offer is not on this check any more."
        if found is not None and str(one.get("identifier")) == found.offer.offer_id:
            why = found.why or ("It holds once on a check." if applied else "")
            if not why and asked(one, digits) > found.amount:
                why = "It takes off less than that: ask again."
        if why:
            rejected.append({"redemption": dict(one), "message": why})
        else:
            applied.append(one)
    return applied, rejected
