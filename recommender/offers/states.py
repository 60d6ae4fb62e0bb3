"""In which state an offer really is: it runs only when some visit could see it now. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plumbing.words import Message
from recommender.offers.eligibility import NO_USAGE, Moment, Usage, closed, is_over
from recommender.offers.portfolio import Offer

DRAFT, SCHEDULED, RUNNING, PAUSED, ENDED = STATES = ("draft", "scheduled", "running", "paused", "ended")
_SEARCHED_DAYS = 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an offer meets: the tenant's local time, its sites, and what is on the menu. None: not known."""

    local: datetime
    sites: Collection[str] | None = None
    items: Collection[str] | None = None  # that can be ordered at some site
    categories: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One of STATES, why, and what a marketer should know besides."""

    name: str
    why: Message
    warnings: tuple[Message, ...] = ()


def state_of(offer: Offer, around: Surroundings, usage: Usage = NO_USAGE) -> State:
    """The state of an offer now."""
    warnings = _warnings(offer, around)
    if offer.status == DRAFT:
        return State(DRAFT, Message.of("offer-why-draft"), warnings)
    if offer.status == ENDED:
        return State(ENDED, Message.of("offer-why-ended"), warnings)
    if is_over(offer, around.local):
        return State(ENDED, Message.of("offer-why-over", day=offer.ends_on or ""), warnings)
    if _used_up(offer, usage):
        return State(ENDED, Message.of("offer-why-used-up"), warnings)
    if offer.status == PAUSED:
        return State(PAUSED, Message.of("offer-why-paused"), warnings)
    if stuck := _stuck(offer, around, usage):
        return State(PAUSED, stuck, warnings)
    start = _next_start(offer, around.local)
    if start is None:
        return State(ENDED, Message.of("offer-why-never"), warnings)
    if start > around.local:
        why = Message.of("offer-why-scheduled", day=start.date().isoformat(), time=f"{start:%H:%M}")
        return State(SCHEDULED, why, warnings)
    return State(RUNNING, Message.of("offer-why-running"), warnings)


def _used_up(offer: Offer, usage: Usage) -> bool:
    """Nothing is left, even if all that is reserved were given back."""
    return _short(offer, replace(usage, reserved_count=0, reserved_money=0))


def _short(offer: Offer, usage: Usage) -> bool:
    """Whether one more redemption does not fit into a budget."""
    count, money = usage.spent_count + usage.reserved_count + 1, usage.spent_money + usage.reserved_money
    over = offer.budget_money is not None and money + offer.redemption_cost > offer.budget_money
    return over or (offer.budget_count is not None and count > offer.budget_count)


def _stuck(offer: Offer, around: Surroundings, usage: Usage) -> Message | None:
    """What keeps every visit from seeing it, although nobody paused it."""
    if around.sites is not None and offer.sites and not set(offer.sites) & set(around.sites):
        return Message.of("offer-why-no-site", sites=", ".join(offer.sites))
    if around.items is not None and (offer.items or offer.categories):
        there = set(offer.items) & set(around.items) or set(offer.categories) & set(around.categories or ())
        if not there:
            return Message.of("offer-why-no-dish")
    return Message.of("offer-why-reserved") if _short(offer, usage) else None


def _warnings(offer: Offer, around: Surroundings) -> tuple[Message, ...]:
    """Sites and dishes that do not exist, by name."""
    found = []
    named = (
        ("offer-warns-sites", offer.sites, around.sites),
        ("offer-warns-items", offer.items, around.items),
        ("offer-warns-categories", offer.categories, around.categories),
    )
    for message_id, given, known in named:
        missing = [one for one in given if known is not None and one not in known]
        if missing:
            found.append(Message.of(message_id, names=", ".join(missing[:5])))
    if offer.discount is None and offer.kind != "informational":
        found.append(Message.of("offer-warns-no-discount"))
    return tuple(found)


def _next_start(offer: Offer, local: datetime) -> datetime | None:
    """When somebody can see it next by date, weekday and hour: `local` itself if now; None: never again."""
    anywhere = replace(offer, sites=(), items=(), categories=(), status="active")

    def seen_at(at: datetime) -> bool:
        return closed(anywhere, Moment(0, at)) is None

    if seen_at(local):
        return local
    hour = local.replace(minute=0, second=0, microsecond=0)
    first = hour + timedelta(hours=1)
    if offer.starts_on and offer.starts_on > local.date().isoformat():
        first = datetime.fromisoformat(offer.starts_on).replace(tzinfo=local.tzinfo)
    hours = (first + timedelta(hours=n) for n in range(24 * _SEARCHED_DAYS))
    return next((at for at in hours if seen_at(at)), None)
