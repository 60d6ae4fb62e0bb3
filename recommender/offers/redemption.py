"""Whether an offer may be redeemed with an order: by its terms, never by who the customer is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recommender.offers.discount import Line, applies_to, total
from recommender.offers.eligibility import is_over
from recommender.offers.errors import (
    BelowMinimumSpend,
    NoOrder,
    OfferElsewhere,
    OfferEnded,
    OtherItems,
    RedemptionRefused,
)
from recommender.offers.portfolio import Offer


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """The order that a redemption belongs to. `key` names it among all orders."""

    key: str
    time_us: int
    site: str
    lines: Sequence[Line]


def needs_order(offer: Offer) -> bool:
    """Whether it is refused while its order is not known. What it is for is checked where an order is known."""
    return offer.min_spend > 0


def against_terms(
    offer: Offer, order: PaidOrder | None, site: str, local: datetime, category_of: Mapping[str, str]
) -> RedemptionRefused | None:
    """Why the terms do not allow it, the plainest reason first; None: they do.

    `site` and `local` are where and when it is redeemed; `category_of` gives the category of each dish.
    """
    if offer.status in ("ended", "draft") or is_over(offer, local):
        return OfferEnded()
    if offer.sites and site and site not in offer.sites:
        return OfferElsewhere()
    if order is None:
        return NoOrder() if needs_order(offer) else None
    if not applies_to(order.lines, offer.items, offer.categories, category_of):
        return OtherItems()
    spent = total(order.lines)
    return BelowMinimumSpend(offer.min_spend, spent) if spent < offer.min_spend else None
