"""What is sent and answered, as pydantic says it; the generated API description is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plumbing.query import Query
from recommender.destinations.places import (
    BadCoordinatesError,
    NoSignalError,
    check_given,
    coarse_id,
    coarse_spot,
    geo_id,
    position_of,
)
from recommender.errors import EventIncomplete, EventPosition, PositionRefused, SiteForeign, TimeWithoutZone
from recommender.scene import TAKES_BACK, Context, Event, OrderLine
from recommender.schemas.base import BASE as BASE
from recommender.schemas.base import Daypart as Daypart
from recommender.schemas.base import EventId as EventId
from recommender.schemas.base import Id as Id
from recommender.schemas.base import Lat as Lat
from recommender.schemas.base import Lon as Lon
from recommender.schemas.base import Mark as Mark
from recommender.schemas.base import Price as Price
from recommender.schemas.base import SceneName as SceneName
from recommender.schemas.base import Strict as Strict
from recommender.schemas.base import Text as Text
from recommender.schemas.base import Word as Word
from recommender.times import aware, hour_of, to_us

MOST_EVENTS = 1_000
MOST_LINES = 5_000
"""Of all events of one batch together."""


# --- suggestions -------------------------------------------------------------------------------------


_NOT_AS_SENT = {"site", "local_time", "basket", "without_allergens", "n", "lat", "lon", "pickup"}


def own_site(named: str, own: str) -> str:
    """The site that is meant. A key of one site may name no other.

    Raises:
        SiteForeign: it did.
    """
    if named and own and named != own:
        raise SiteForeign(own)
    return named or own


class ContextModel(BaseModel):
    """The moment of a request. Nothing in it says who is asking."""

    site: Word = ""
    local_time: str = Field("", max_length=40, description="ISO 8601 with offset")
    region: Word = ""
    basket: list[Id] = Field(default_factory=list, max_length=100)
    party_size: int | None = Field(None, ge=1, le=100)
    lat: Lat | None = Field(None, description="pick-up position")
    lon: Lon | None = None
    pickup: Word = Field("", description="pick-up place, if it is a known one")
    repeat: Literal["prefer", "allow", "avoid"] = "prefer"
    without_allergens: list[Word] = Field(default_factory=list, max_length=30)
    max_price: int | None = Field(None, ge=0, description="minor units")
    min_price: int | None = Field(None, ge=0)

    def to_context(self, site: str = "") -> Context:
        """The same for a scene. `site` is the caller's own: it stands in where none was sent, and no other may
        be named. The position is coarsened: nothing behind this door knows it more precisely.

        Raises:
            TimeWithoutZone: a local time without its offset.
            PositionRefused: half a position, or latitude 0, longitude 0.
            SiteForeign: another site than the caller's own.
        """
        try:
            spot = check_given(self.lat, self.lon)
            pickup = coarse_id(self.pickup)
        except BadCoordinatesError as error:
            raise PositionRefused(f"{error}.") from error
        fields = self.model_dump(exclude=_NOT_AS_SENT)
        moment: datetime | None = aware(self.local_time, "local_time") if self.local_time else None
        names = Context.__dataclass_fields__.keys()
        return Context(
            **{key: value for key, value in fields.items() if key in names},
            site=own_site(self.site, site),
            lat=coarse_spot(*spot)[0] if spot else None,
            lon=coarse_spot(*spot)[1] if spot else None,
            pickup=pickup,
            local_time=moment,
            basket=tuple(self.basket),
            without_allergens=tuple(self.without_allergens),
        )


class SuggestionsQuery(Query, ContextModel):
    """Context and how many."""

    n: int = Field(5, ge=1, le=50)


class ScenePath(BaseModel):
    scene: SceneName


class ReasonModel(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"code": "usual", "text": "Your usual"}})
    code: str
    text: str


class BundlePart(BaseModel):
    item_id: str
    name: str
    quantity: int


class DiscountModel(BaseModel):
    kind: Literal["percent", "amount", "free_item"]
    value: int = Field(0, description="percent, or minor units; 0 of a free item")
    item: str = Field("", description="the free item")


class OfferTermsModel(BaseModel):
    """What a till applies and a screen shows. The same for everybody who may see the offer."""

    discount: DiscountModel | None
    min_spend: int = Field(description="minor units of the order; below it a redemption is refused")
    once_per_visit: bool
    items: list[str] = Field(description="dishes that the discount is about; with no categories either: all")
    categories: list[str]
    currency: str
    terms: dict[str, str] = Field(description="as shown, by language")
    names: dict[str, str] = Field(default_factory=dict, description="by language; `name` where one is missing")


class SuggestionModel(BaseModel):
    item_id: str
    name: str
    price: int | None = Field(None, description="minor units; the same for everybody")
    score: float
    reason: ReasonModel
    text: str | None = Field(None, description="of an offer")
    offer: OfferTermsModel | None = Field(None, description="of an offer: discount, minimum spend, terms")
    bundle: list[BundlePart] | None = None
    explored: bool | None = None
    propensity: float | None = None
    sponsored: str | None = Field(
        None, description="who pays for this place; screens label it. It is never the first one"
    )
    allergens_unknown: bool | None = Field(
        None, description="allergens were excluded, and nobody said what is in this one"
    )


class SuggestionsReply(BaseModel):
    recommendation_id: str
    scene: SceneName
    model_version: str | None
    fallback: str | None = Field(
        None,
        description="why this is not personal: no_token, no_model, no_history, database_busy, disk_full, no_offer",
    )
    items: list[SuggestionModel]
    generation: int = Field(description="of the catalogue: when it is another one, a screen reads its menu again")
    took_ms: float


# --- events ------------------------------------------------------------------------------------------


class LineModel(Strict):
    item_id: Id
    quantity: int = Field(1, ge=1, le=1_000, strict=True)
    price: Price | None = Field(None, description="minor units of one, as it was shown, with its options")
    options: list[Id] = Field(default_factory=list, max_length=40, description="ids of the choices of a dish")


class Pickup(Strict):
    """Where a ride began: a known place, or a position, which is kept as its 200 m cell only."""

    place: Word = ""
    lat: Lat | None = None
    lon: Lon | None = None


class EventModel(Strict):
    event_id: EventId = Field(description="chosen by the sender, unique for it; the same id twice is one event")
    type: Literal["ordered", "rode", "shown", "accepted", "dismissed", "redeemed", "voided", "refunded"] = Field(
        description="voided and refunded take an order back: all of it, or the lines in `items`"
    )
    occurred_at: str = Field(max_length=40, description="ISO 8601 with offset, not in the future")
    items: list[LineModel] = Field(default_factory=list, max_length=200)
    item_id: Id | None = Field(None, description="of one thing, in place of `items`; a ride's destination")
    scene: SceneName | None = Field(None, description="what was shown; ordered and rode have theirs")
    site: Word = ""
    region: Word = ""
    pickup: Word | Pickup | None = Field(None, description="where a ride began: a place's id or a position")
    recommendation_id: Mark = ""
    order_id: Mark = Field(
        "", description="the event_id of the order that it is about: redeemed, voided, refunded"
    )
    order_sender: Word = Field("", description="who sent that order, where it was another device or key")

    def to_event(self, index: int, site: str = "", customer: str = "", sender: str = "") -> Event:
        """The same for the store. `index` is the position in the batch, for errors; `site` the caller's own.

        Raises:
            EventError: the time has no zone, a scene contradicts the type, half a position.
            SiteForeign: another site than the caller's own.
        """
        try:
            moment = aware(self.occurred_at, "occurred_at")
        except TimeWithoutZone as error:
            error.extra["index"] = index
            raise
        own = {"ordered": "orders", "rode": "destinations", "redeemed": "offers"}.get(self.type)
        if own and self.scene not in (None, own):
            raise EventIncomplete(index, f"an event {self.type!r} belongs to {own}, not to {self.scene}.")
        if self.type in TAKES_BACK and self.scene == "offers":
            raise EventIncomplete(index, "an order or a ride is taken back, and with it what was redeemed.")
        if self.order_sender and self.type not in TAKES_BACK:
            raise EventIncomplete(index, "order_sender belongs to an event that takes an order back.")
        return Event(
            event_id=self.event_id,
            type=self.type,
            scene=own or self.scene or "orders",
            customer=customer,
            time_us=to_us(moment),
            hour=round(hour_of(moment), 4),
            weekday=moment.weekday(),
            lines=self._lines(index),
            site=own_site(self.site, site),
            region=self.region,
            origin=self._origin(index),
            recommendation_id=self.recommendation_id,
            sender=sender,
            order_id=self.order_id,
            order_sender=self.order_sender,
        )

    def _lines(self, index: int) -> tuple[OrderLine, ...]:
        if self.item_id is None:
            return tuple(
                OrderLine(_stored_id(line.item_id, index), line.quantity, line.price, tuple(line.options))
                for line in self.items
            )
        if self.items:
            raise EventIncomplete(index, "send item_id or items, not both.")
        return (OrderLine(_stored_id(self.item_id, index)),)

    def _origin(self, index: int) -> str:
        if self.pickup is None or isinstance(self.pickup, str):
            return _stored_id(self.pickup or "", index)
        try:
            position = check_given(self.pickup.lat, self.pickup.lon)
        except NoSignalError as error:
            raise EventPosition(f"{error}.", index) from error
        except BadCoordinatesError as error:
            raise EventIncomplete(index, f"the pick-up is not a position: {error}.") from error
        return _stored_id(self.pickup.place, index) or (geo_id(*position) if position else "")


def _stored_id(item_id: str, index: int) -> str:
    """The id as it may be stored: of a position only its cell. Raises EventPosition."""
    try:
        spot = position_of(item_id)
        check_given(*spot) if spot else None
        return coarse_id(item_id)
    except BadCoordinatesError as error:
        raise EventPosition(f"{error}.", index) from error


class EventsBody(Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "events": [
                    {
                        "event_id": "till-7-000123",
                        "type": "ordered",
                        "occurred_at": "2026-05-04T12:31:10+02:00",
                        "site": "station",
                        "recommendation_id": "r_Yk2p0qF1",
                        "items": [{"item_id": "ramen", "quantity": 1, "price": 1250}],
                    }
                ]
            }
        }
    )
    events: list[EventModel] = Field(min_length=1, max_length=MOST_EVENTS)

    @model_validator(mode="after")
    def bounded(self) -> EventsBody:
        """A batch holds so many lines that one process can check them in a moment."""
        if sum(len(event.items) for event in self.events) > MOST_LINES:
            raise ValueError(f"at most {MOST_LINES} lines in one batch")
        return self


class RefusedEvent(BaseModel):
    """An event about an offer that its terms do not allow. The others of its batch were stored."""

    index: int
    event_id: str
    code: str
    detail: str
    missing: int | None = Field(None, description="minor units that the order lacks")


class LineProblemModel(BaseModel):
    """What is wrong with one line of an order that was taken."""

    index: int = Field(description="of the event in the batch")
    line: int = Field(description="of the line in the event")
    item_id: str
    code: Literal["gone", "unavailable", "option_gone", "price_changed"] = Field(
        description="gone, unavailable: the line was left out; price_changed: it was recorded as shown"
    )
    shown: int | None = Field(None, description="minor units of one, as sent")
    price: int | None = Field(None, description="minor units of one, as the catalogue has it now")


class EventsReply(BaseModel):
    accepted: int = Field(description="events that were new")
    duplicates: int = Field(description="events that had been sent before, exactly so")
    problems: list[LineProblemModel] = Field(
        default_factory=list, description="of single lines of orders, whose other lines were taken"
    )
    waiting: list[int] = Field(
        default_factory=list,
        description="places of events that take back an order which is not here yet: it counts for nothing when"
        " it comes. An order that this sender may not take back is never here",
    )
    refused: list[RefusedEvent] = Field(
        default_factory=list, description="redemptions that were not stored; when all were refused, it is an error"
    )


class ErasedPlace(BaseModel):
    """A place that may hold a customer, and what became of it there."""

    store: str
    state: str


class ErasureReply(BaseModel):
    """Identity, which signs its question (`X-Usual-Challenge`, `X-Usual-Signature`), gets more: the places, the
    numbers by which versions are measured, and a signature of all of it."""

    erased: bool
    events: int
    places: list[ErasedPlace] | None = None
    marks: dict[str, int] | None = None
    acknowledgement: str | None = None


class HeartbeatBody(Strict):
    """Identity's sign of life, and entries of its list of closed tokens."""

    challenge: str = Field(max_length=400)
    asks: str = Field(max_length=100)
    entries: str = Field(max_length=2_000_000)
    signature: str = Field(max_length=64)


class HeartbeatReply(BaseModel):
    accepted: bool
    challenge: str
    name: str
    signature: str


class WaitingBody(Strict):
    """Which scenes still serve a version from before an erasure?"""

    challenge: str = Field(max_length=100)
    tenant: str = Field(max_length=64)
    marks: dict[str, int] = Field(max_length=20)
    signature: str = Field(max_length=64)


class WaitingReply(BaseModel):
    scenes: list[str]
    signature: str
