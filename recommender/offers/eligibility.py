"""Which offers may be shown now, and one reason for each offer that may not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plumbing.clock import DAY
from recommender.offers.portfolio import Offer


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of an offer's budget is used; money in minor units. Reserved: shown, and its window is open."""

    spent_count: int = 0
    reserved_count: int = 0
    spent_money: int = 0
    reserved_money: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """Where and when the decision is made, and which offers the customer saw before."""

    now_us: int
    local_time: datetime
    site: str = ""
    shown: Mapping[str, Sequence[int]] = field(default_factory=dict)  # offer_id -> times, microseconds UTC
    available: Collection[str] | None = None  # ids of items that can be ordered here and now; None: unknown
    categories: Collection[str] = ()  # of these items
    nag_count: int | None = None  # offers of any kind shown to one customer ...
    nag_days: int = 7  # ... in so many days


NO_USAGE = Usage()


def screen(
    offers: Sequence[Offer], usage: Mapping[str, Usage], moment: Moment
) -> tuple[list[Offer], dict[str, str]]:
    """The offers that may be shown, and offer_id -> reason for the others.

    An offer shown "later" than now counts too: a clock that was set back must not open a cap again.
    """
    nagged = _nagged(moment)
    known = moment.shown  # most customers were shown few of the offers
    eligible, excluded = [], {}
    for offer in offers:
        reason = (
            closed(offer, moment)
            or _spent(offer, usage.get(offer.offer_id, NO_USAGE))
            or (offer.offer_id in known and _capped(offer, moment))
            or nagged
        )
        if reason:
            excluded[offer.offer_id] = reason
        else:
            eligible.append(offer)
    return eligible, excluded


def closed(offer: Offer, moment: Moment) -> str | None:
    """Why nobody can see it now by status, date, weekday, hour, site and items; None: it can be seen."""
    if offer.status != "active":
        return offer.status
    local = moment.local_time
    if offer.from_hour < offer.to_hour:
        if not offer.from_hour <= local.hour < offer.to_hour:
            return "hour"
    elif offer.to_hour <= local.hour < offer.from_hour:
        return "hour"
    elif local.hour < offer.to_hour:  # after midnight the date and weekday of the evening count
        local -= timedelta(days=1)
    if offer.starts_on or offer.ends_on:
        today = local.date().isoformat()
        if offer.starts_on and today < offer.starts_on:
            return "not_started"
        if offer.ends_on and today > offer.ends_on:
            return "expired"
    if offer.weekdays and local.weekday() not in offer.weekdays:
        return "weekday"
    if offer.sites and moment.site not in offer.sites:
        return "site"
    if moment.available is not None and not _on_the_menu(offer, moment.available, moment.categories):
        return "items_unavailable"
    return None


def _on_the_menu(offer: Offer, available: Collection[str], categories: Collection[str]) -> bool:
    """Whether something that the offer is about can be ordered."""
    if not offer.items and not offer.categories:
        return True
    return any(i in available for i in offer.items) or any(c in categories for c in offer.categories)


def is_over(offer: Offer, local: datetime) -> bool:
    """Whether its last day has passed. The night of an offer that runs past midnight belongs to the day before."""
    if offer.from_hour >= offer.to_hour and local.hour < offer.to_hour:
        local -= timedelta(days=1)
    return offer.ends_on is not None and local.date().isoformat() > offer.ends_on


def _spent(offer: Offer, used: Usage) -> str | None:
    """One more redemption must fit into both budgets, even if everything reserved is redeemed."""
    if offer.budget_count is not None and used.spent_count + used.reserved_count + 1 > offer.budget_count:
        return "budget_count"
    committed = used.spent_money + used.reserved_money + offer.redemption_cost
    if offer.budget_money is not None and committed > offer.budget_money:
        return "budget_money"
    return None


def _capped(offer: Offer, moment: Moment) -> str | None:
    times = moment.shown.get(offer.offer_id, ())
    if not times:
        return None
    if offer.never_twice:
        return "shown_before"
    if offer.cap_count is None:
        return None
    since = moment.now_us - offer.cap_days * DAY if offer.cap_days is not None else None
    recent = sum(since is None or time > since for time in times)
    return "cap" if recent >= offer.cap_count else None


def _nagged(moment: Moment) -> str | None:
    if moment.nag_count is None:
        return None
    since = moment.now_us - moment.nag_days * DAY
    recent = sum(time > since for times in moment.shown.values() for time in times)
    return "nag_cap" if recent >= moment.nag_count else None
