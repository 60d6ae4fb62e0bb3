"""Every offer with the state it is really in, what it gives, and what it has used up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from plumbing.etags import tag_of
from plumbing.words import Message
from recommender.assembly import RecommenderStores
from recommender.offers.eligibility import NO_USAGE, Usage
from recommender.offers.portfolio import Known, Offer
from recommender.offers.states import STATES, Surroundings, state_of
from recommender.offers.wording import WORDS, day, gift, money, terms
from recommender.scene import Item
from recommender.store.tenant_settings import TenantSettings


@dataclass(frozen=True, slots=True)
class House:
    """What the list of a tenant's offers is made from, read once."""

    tenant: TenantSettings
    items: tuple[Item, ...]
    sites: frozenset[str]
    now_us: int

    @classmethod
    def read(cls, stores: RecommenderStores, tenant: str, sites: Iterable[str], now_us: int) -> House:
        """`sites` are those of keys and of orders; the catalogue's come to them."""
        items = stores.catalogue.all(tenant, "item")
        every = frozenset(sites).union(*(item.sites for item in items))
        return cls(stores.offers.tenant_settings(tenant), items, every, now_us)

    @property
    def around(self) -> Surroundings:
        """What is known about here and now."""
        there = [item for item in self.items if item.available]
        local = datetime.fromtimestamp(self.now_us / 1e6, UTC).astimezone(self.tenant.zone)
        return Surroundings(
            local,
            self.sites or None,
            {item.item_id for item in there} if self.items else None,
            {item.category for item in there} - {""} if self.items else None,
        )

    @property
    def names(self) -> dict[str, str]:
        """Dishes by id."""
        return {item.item_id: item.name for item in self.items}

    def known(self, offer: Offer | None = None) -> Known:
        """What an offer may name. What the stored one names already may stay: it can still be paused or ended."""

        def plus(names: Collection[str], field: str) -> frozenset[str]:
            return frozenset(names) | frozenset(getattr(offer, field) if offer else ())

        free = {offer.discount.item} if offer and offer.discount else set()
        return Known(
            plus({item.item_id for item in self.items} | free, "items"),
            plus(self.sites, "sites") if self.sites else None,
            plus({item.category for item in self.items} - {""}, "categories"),
        )


def row_of(
    offer: Offer,
    house: House,
    usage: Usage,
    shown: int,
    language: str,
    around: Surroundings | None = None,
    refused: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """One offer as the desk shows it; `refused` counts redemptions that its terms did not allow, by cause."""
    state = state_of(offer, around or house.around, usage)
    currency, names = house.tenant.currency, house.names
    stored = asdict(offer)
    return stored | {
        "tag": tag_of(stored),
        "state": state.name,
        "state_name": WORDS.text(language, f"offer-state-{state.name}"),
        "why": _said(state.why, language),
        "warnings": [_said(one, language) for one in state.warnings],
        "gives": gift(offer, currency, language, names),
        "as_shown": terms(offer, currency, names),
        **asdict(usage),
        "shown": shown,
        "refused": dict(refused or {}),
        "refused_text": _refused(refused, language) if refused else "",
    }


def _refused(refused: Mapping[str, int], language: str) -> str:
    """One sentence; the most frequent cause first."""
    causes = [
        WORDS.text(language, "offer-refused-cause", n=n, cause=cause)
        for cause, n in sorted(refused.items(), key=lambda one: -one[1])
    ]
    between = "、" if language == "ja" else ", "
    return WORDS.text(language, "offer-refused", n=sum(refused.values()), causes=between.join(causes))


def _said(message: Message, language: str) -> str:
    """A message; the date in it is written as people write it."""
    values = dict(message.values)
    if values.get("day"):
        values["day"] = day(str(values["day"]), language)
    return WORDS.text(language, message.id, **values)


def offers_of(
    stores: RecommenderStores, tenant: str, house: House, shown: Mapping[str, int], language: str = "en"
) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/portfolio."""
    usage, around, refused = stores.offers.all_usage(tenant), house.around, stores.offers.refused(tenant)
    rows = [
        row_of(
            offer,
            house,
            usage.get(offer.offer_id, NO_USAGE),
            shown.get(offer.offer_id, 0),
            language,
            around,
            refused.get(offer.offer_id),
        )
        for offer in stores.offers.offers(tenant)
    ]
    order = {name: place for place, name in enumerate(("running", "scheduled", "draft", "paused", "ended"))}
    rows.sort(key=lambda row: (order[row["state"]], row["name"].casefold()))
    return {
        "rows": rows,
        "items": [{"item_id": item.item_id, "name": item.name, "category": item.category} for item in house.items],
        "categories": sorted({item.category for item in house.items} - {""}),
        "sites": sorted(house.sites),
        "currency": house.tenant.currency,
        "digits": house.tenant.digits,
        "timezone": house.tenant.timezone,
        "languages": list(house.tenant.languages),
        "answer": _answer(rows, house.tenant.currency, language),
    }


def _answer(rows: list[dict[str, Any]], currency: str, language: str) -> str:
    if not rows:
        return WORDS.text(language, "offers-none")
    counts = {state: sum(row["state"] == state for row in rows) for state in STATES}
    return WORDS.text(
        language,
        "offers-counts",
        running=counts["running"],
        waiting=len(rows) - counts["running"] - counts["ended"],
        ended=counts["ended"],
        redeemed=sum(row["spent_count"] for row in rows),
        cost=money(sum(row["spent_money"] for row in rows), currency, language),
    )
