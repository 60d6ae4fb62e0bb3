"""Routes of offers: write, change, duplicate, pause, end and restore them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.clock import Clock
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from recommender.assembly import RecommenderStores
from recommender.desk.offer_list import House
from recommender.exchange.checks import check_offers
from recommender.offers.discount import DISCOUNTS, estimated_cost
from recommender.offers.errors import UnknownOffer
from recommender.offers.portfolio import KINDS, STATUSES, WEEKDAYS, Offer, parse_offer
from recommender.schemas import BASE, Id
from recommender.schemas.catalogue import OfferRowsBody, PageQuery, StoredReply
from recommender.store.offers import OfferStore
from recommender.web.catalogue import READ, WRITE, check_same_id
from recommender.web.sizes import CATALOGUE

_LIMIT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}
_DATE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 500}}
_LIST = {"type": "array", "items": {"type": "string"}}
_DAYS = {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"enum": list(WEEKDAYS)}]}}


def described(default: Any, schema: Mapping[str, Any], description: str | None = None) -> Any:
    """Described here, checked by the portfolio: it names every wrong field, pydantic those of a wrong type."""

    def describe(found: dict[str, Any]) -> None:
        found.update(schema)
        if default is None and "anyOf" not in schema:
            found.pop("default")  # left out is not null

    return Field(default, description=description, json_schema_extra=describe)


class OfferModel(BaseModel):
    """An offer; every wrong field is named by the checks of the portfolio itself."""

    model_config = ConfigDict(extra="allow")
    offer_id: Any = described(None, {"type": "string", "minLength": 1, "maxLength": 64})
    name: Any = described(None, {"type": "string", "maxLength": 500})
    text: Any = described("", {"type": "string", "maxLength": 500})
    kind: Any = described("discount", {"enum": list(KINDS)})
    items: Any = described([], _LIST, "item ids it applies to; empty: to everything")
    starts_on: Any = described(None, _DATE)
    ends_on: Any = described(None, _DATE)
    weekdays: Any = described([], _DAYS, "empty: every day; 0 is Monday")
    from_hour: Any = described(0, {"type": "integer"})
    to_hour: Any = described(24, {"type": "integer"})
    sites: Any = described([], _LIST, "empty: everywhere")
    budget_count: Any = described(None, _LIMIT, "redemptions")
    budget_money: Any = described(None, _LIMIT, "minor units given away")
    cap_count: Any = described(None, _LIMIT, "shown to one customer ...")
    cap_days: Any = described(None, _LIMIT, "... in so many days; null: ever")
    never_twice: Any = described(False, {"type": "boolean"})
    redemption_cost: Any = described(0, {"type": "integer"}, "what one redemption costs the house, minor units")
    min_spend: Any = described(0, {"type": "integer"})
    window_hours: Any = described(72, {"type": "integer"}, "it can be redeemed for so long after it was shown")
    status: Any = described("active", {"enum": list(STATUSES)})
    categories: Any = described([], _LIST, "of dishes it applies to, besides `items`")
    discount: Any = described(
        None,
        {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "kind": {"enum": list(DISCOUNTS)},
                        "value": {"type": "integer"},
                        "item": {"type": "string"},
                    },
                    "required": ["kind"],
                },
                {"type": "null"},
            ]
        },
        "what a till takes off: percent, an amount in minor units, or one free item",
    )
    once_per_visit: Any = described(True, {"type": "boolean"})
    terms: Any = described("", {"type": "string", "maxLength": 500}, "as shown; empty: made of the fields")
    names: Any = described({}, _TEXTS, "by language (BCP 47); `name` where one is missing")
    terms_in: Any = described({}, _TEXTS, "terms as shown, by language; `terms` where one is missing")


class OfferPath(BaseModel):
    offer_id: Id


class OffersReply(BaseModel):
    rows: list[OfferModel]
    next_cursor: str | None


@dataclass(frozen=True)
class OfferTools:
    """What these routes work with. `sites` are those of a tenant's keys and orders."""

    stores: RecommenderStores
    sites: Callable[[str], set[str]]
    now_us: Clock

    @property
    def offers(self) -> OfferStore:
        return self.stores.offers

    def house(self, tenant: str) -> House:
        """What the offers of a tenant meet, as of now."""
        return House.read(self.stores, tenant, self.sites(tenant), self.now_us())


def offer_routes(door: Door, tools: OfferTools) -> None:
    """GET a page, GET one, PUT, DELETE (ends it: its decisions stay; a draft goes) and POST many offers."""
    _read_routes(door, tools.offers)
    _write_routes(door, tools)
    _life_routes(door, tools)


OF_THE_DESK = ("budget_count", "budget_money", "redemption_cost", "cap_count", "cap_days", "never_twice")
"""What an offer costs and how far it goes: for those who read figures, never for a screen's key."""


def visible(caller: Caller, offer: Offer) -> dict[str, Any]:
    """An offer as this caller may read it."""
    row = asdict(offer)
    return row if "view" in caller.scopes else {name: row[name] for name in row if name not in OF_THE_DESK}


def _seen(caller: Caller, offer: Offer) -> bool:
    """Drafts are for those who read figures."""
    return offer.status != "draft" or "view" in caller.scopes


def _read_routes(door: Door, offers: OfferStore) -> None:
    @door.route("GET", BASE + "/offers", scopes=READ, reply=OffersReply, summary="Offers, page by page")
    def list_offers(caller: Caller, query: PageQuery) -> Body:
        """Offers in the order of their ids. Drafts, and what an offer costs, need the scope `view`."""
        seen = [one for one in offers.offers(caller.tenant) if _seen(caller, one)]
        after = [one for one in seen if one.offer_id > query.cursor]
        rows = [visible(caller, one) for one in after[: query.n]]
        return {"rows": rows, "next_cursor": rows[-1]["offer_id"] if len(after) > query.n else None}

    @door.route(
        "GET",
        BASE + "/offers/<offer_id>",
        scopes=READ,
        reply=OfferModel,
        summary="One offer",
        errors=("unknown_offer",),
    )
    def get_offer(caller: Caller, path: OfferPath) -> Body:
        """One offer with its terms. The reply has an `ETag` for `If-Match`."""
        offer = offers.offer(caller.tenant, path.offer_id)
        if not _seen(caller, offer):
            raise UnknownOffer(path.offer_id)
        note_tag(asdict(offer))
        return visible(caller, offer)


def stored_or_none(offers: OfferStore, tenant: str, offer_id: str) -> Offer | None:
    """The offer, None when there is none yet."""
    try:
        return offers.offer(tenant, offer_id)
    except UnknownOffer:
        return None


def with_cost(given: Mapping[str, Any], offer: Offer, house: House) -> Offer:
    """Where nobody said what one redemption costs, what its discount costs about."""
    if given.get("redemption_cost") not in (None, "") or offer.discount is None:
        return offer
    prices = {item.item_id: item.price for item in house.items if item.price is not None}
    about = [i.item_id for i in house.items if i.item_id in offer.items or i.category in offer.categories]
    return replace(offer, redemption_cost=estimated_cost(offer.discount, offer.min_spend, prices, about))


def _note(earlier: Offer | None, later: Offer | None) -> None:
    """For the record of changes."""
    offer = later or earlier
    before, after = (asdict(one) if one else None for one in (earlier, later))
    note_change(f"offer {offer.offer_id}" if offer else "", earlier=before, later=after)


def _write_routes(door: Door, tools: OfferTools) -> None:
    offers = tools.offers

    @door.route(
        "PUT",
        BASE + "/offers/<offer_id>",
        scopes=WRITE,
        reply=OfferModel,
        summary="Write, change, pause or end an offer",
        errors=("catalogue_error", "changed_meanwhile", "invalid_offer", "too_many_offers"),
    )
    def put_offer(caller: Caller, path: OfferPath, body: OfferModel) -> Body:
        """Creates the offer or replaces it whole; `status` pauses or ends it. `If-Match` refuses a change of
        what somebody else changed meanwhile.
        """
        # As it was sent, not `body`: the portfolio's own checks name every wrong field.
        given, house = request.get_json(), tools.house(caller.tenant)
        with offers.transaction():
            stored = stored_or_none(offers, caller.tenant, path.offer_id)
            require_unchanged(asdict(stored) if stored else None)
            offer = with_cost(given, parse_offer(given, known=house.known(stored)), house)
            check_same_id(path.offer_id, offer.offer_id)
            _note(stored, offer)
            offers.save_offers(caller.tenant, [offer], tools.now_us())
        note_tag(asdict(offer))
        return asdict(offer)

    @door.route(
        "DELETE",
        BASE + "/offers/<offer_id>",
        scopes=WRITE,
        status=204,
        reply=None,
        summary="End an offer; a draft is deleted",
        errors=("changed_meanwhile", "unknown_offer"),
    )
    def delete_offer(caller: Caller, path: OfferPath) -> Body:
        """Ends the offer: what was decided with it stays in the figures. A draft is deleted."""
        with offers.transaction():
            stored = offers.offer(caller.tenant, path.offer_id)
            require_unchanged(asdict(stored))
            if stored.status == "draft":
                _note(stored, None)
                if offers.remove_draft(caller.tenant, path.offer_id):
                    return None
            ended = replace(stored, status="ended")
            _note(stored, ended)
            offers.save_offers(caller.tenant, [ended], tools.now_us())
        return None

    @door.route(
        "POST",
        BASE + "/offers",
        scopes=WRITE,
        size=CATALOGUE,
        reply=StoredReply,
        summary="Write or replace many offers, all or none",
        errors=("bad_rows", "too_many_offers"),
    )
    def put_offers(caller: Caller, body: OfferRowsBody) -> Body:
        """All rows are stored or none; the reply names every wrong row."""
        house = tools.house(caller.tenant)
        rows = check_offers(body.rows, house.known())
        priced = [with_cost(given, offer, house) for given, offer in zip(body.rows, rows, strict=True)]
        note_change("offers", later=[offer.offer_id for offer in rows][:100])
        offers.save_offers(caller.tenant, priced, tools.now_us())
        return {"stored": len(rows)}


def _life_routes(door: Door, tools: OfferTools) -> None:
    offers = tools.offers

    @door.route(
        "POST",
        BASE + "/offers/<offer_id>/duplicate",
        scopes=WRITE,
        status=201,
        reply=OfferModel,
        summary="A draft with the same fields and another id",
        errors=("too_many_offers", "unknown_offer"),
    )
    def duplicate_offer(caller: Caller, path: OfferPath) -> Body:
        """A draft with the same fields; its id is the old one with a number."""
        with offers.transaction():
            original = offers.offer(caller.tenant, path.offer_id)
            taken = {one.offer_id for one in offers.offers(caller.tenant)}
            copy = replace(original, offer_id=free_id(path.offer_id, taken), status="draft")
            _note(None, copy)
            offers.save_offers(caller.tenant, [copy], tools.now_us())
        note_tag(asdict(copy))
        return asdict(copy)

    @door.route(
        "POST",
        BASE + "/offers/<offer_id>/restore",
        scopes=WRITE,
        reply=OfferModel,
        summary="Make an ended offer what it was before it ended",
        errors=("offer_not_ended", "too_many_offers", "unknown_offer"),
    )
    def restore_offer(caller: Caller, path: OfferPath) -> Body:
        """An ended offer is again what it was before it ended."""
        with offers.transaction():
            ended = offers.offer(caller.tenant, path.offer_id)
            restored = offers.as_before_end(caller.tenant, path.offer_id)
            _note(ended, restored)
            offers.save_offers(caller.tenant, [restored], tools.now_us())
        note_tag(asdict(restored))
        return asdict(restored)


def free_id(wanted: str, taken: Collection[str]) -> str:
    """`wanted` with the next free number behind it."""
    base = re.sub(r"-\d{1,4}$", "", wanted)[:58]
    return next(name for number in range(2, len(taken) + 3) if (name := f"{base}-{number}") not in taken)
