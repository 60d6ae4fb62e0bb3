"""What a scene is: the agreement between orders, destinations and offers on one side, the service on the other.

A scene is one kind of suggestion. The types below are what passes between it and the service.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from plumbing.problem import Problem
from recommender.item import Choice as Choice
from recommender.item import Item as Item
from recommender.item import OptionGroup as OptionGroup
from recommender.ranking.interactions import Interactions
from recommender.ranking.people import LEAST_PEOPLE

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Texts: TypeAlias = Mapping[str, str]
Kind: TypeAlias = Literal["item", "place"]
"""The two catalogues of a tenant: dishes and places."""

KINDS: tuple[Kind, ...] = ("item", "place")

TAKES_BACK = ("voided", "refunded")
"""Types of events that take an order or a ride back: all of it, or the lines that they have."""

Progress = Callable[[str, float], None]
"""Called with the name of the present step and the share done, 0 to 1. A terminal and the desk draw a bar."""


def event_key(sender: str, event_id: str) -> str:
    """One text for sender and id: two senders may choose the same id. Neither holds the character between."""
    return f"{sender}\x1f{event_id}" if sender else event_id


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One item of an event."""

    item: str
    quantity: int = 1
    price: int | None = None  # minor units, at the time of the event, with the options
    options: tuple[str, ...] = ()  # ids of choices
    listed: int | None = None  # the catalogue's price when the event came, where another was shown

    def __repr__(self) -> str:
        """What an event is recognised by when it is sent again: earlier lines had no options."""
        options = f", options={self.options!r}" if self.options else ""
        return f"OrderLine(item={self.item!r}, quantity={self.quantity!r}, price={self.price!r}{options})"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, validated and ready to be stored. `customer` is a pseudonym, or "" for a guest."""

    event_id: str
    type: str
    scene: str
    customer: str
    time_us: int
    hour: float
    weekday: int
    lines: tuple[OrderLine, ...]
    site: str = ""
    region: str = ""
    origin: str = ""
    recommendation_id: str = ""
    sender: str = ""  # the device or key that sent it; "" came from a file
    order_id: str = ""  # the event_id of the order that it is about: of a redemption, voided or refunded
    order_sender: str = ""  # who sent that order; "" the sender of this event
    sent_print: str = ""  # the fingerprint of the event as it was sent, where lines were left out of it

    def fingerprint(self) -> str:
        """Equal for the same event sent again, different for any other event under its id.

        The sender is not in it, nor an order that is not named: rows from before there were these keep theirs.
        """
        if self.sent_print:
            return self.sent_print
        # What takes an order back is filed under the customer of its order as soon as that is known.
        whose = "" if self.type in TAKES_BACK else f", customer={self.customer!r}"
        about = f", order_id={self.order_id!r}" if self.order_id else ""
        if self.order_sender not in ("", self.sender):
            about += f", order_sender={self.order_sender!r}"
        said = (
            f"Event(event_id={self.event_id!r}, type={self.type!r}, scene={self.scene!r}{whose},"
            f" time_us={self.time_us!r}, hour={self.hour!r}, weekday={self.weekday!r}, lines={self.lines!r},"
            f" site={self.site!r}, region={self.region!r}, origin={self.origin!r},"
            f" recommendation_id={self.recommendation_id!r}{about})"
        )
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def key(self) -> str:
        """See `event_key`."""
        return event_key(self.sender, self.event_id)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the moment of a request. Nothing in it identifies the customer."""

    site: str = ""
    region: str = ""
    local_time: datetime | None = None  # aware
    basket: tuple[str, ...] = ()
    party_size: int | None = None
    lat: float | None = None  # pick-up
    lon: float | None = None
    pickup: str = ""  # pick-up place id, if known
    repeat: str = "prefer"  # prefer | allow | avoid
    without_allergens: tuple[str, ...] = ()
    max_price: int | None = None
    min_price: int | None = None


@dataclass(frozen=True, slots=True)
class OfferChanges:
    """How a variant of an experiment decides offers: `settings` in place of the tenant's, offers that are `off`.

    `share` is the probability of the variant: the log of decisions gets it, beside the propensities within it.
    """

    share: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    off: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a scene: whose history (read live), in which context, from which catalogue."""

    history: Interactions | None  # this customer's rows only; None for a guest
    context: Context
    catalogue: Sequence[Item]
    n: int
    now_us: int
    rng: np.random.Generator
    recent: Interactions | None = None  # the tenant's latest events, for popularity when there is no model
    tenant: str = ""
    customer: str | None = None  # the pseudonym; None for a guest
    sender: str = ""  # the device or key that asks
    least_people: int = LEAST_PEOPLE  # so many different people must stand behind what others may see
    hidden: Collection[str] = ()  # ids of items that the house's rules leave out
    offers: OfferChanges | None = None  # of the experiment that this customer is in


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is suggested."""

    code: str  # stable, e.g. "usual", "with_basket", "popular_here"
    text: str  # for the customer's screen


@dataclass(frozen=True, slots=True)
class Label:
    """What a screen shows for a suggestion that is not in the catalogue."""

    name: str
    text: str | None = None
    offer: Mapping[str, Any] | None = None  # of an offer: what a till applies and a screen shows


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One item of an answer."""

    item_id: str
    score: float
    reason: Reason
    bundle: tuple[tuple[str, int], ...] = ()  # a whole usual basket: (item_id, quantity)
    explored: bool = False  # drawn at random, so that something new is tried
    propensity: float = 1.0  # the probability of this item in this place
    label: Label | None = None  # None: name and price are in the catalogue
    sponsor: str = ""  # who pays for this place; "" nobody


class Further(Protocol):
    """The candidates behind a list; each suggestion is made only when it is asked for."""

    def __iter__(self) -> Iterator[Suggestion]:
        """The best first, without those of the list."""
        ...

    def of(self, item_id: str) -> Suggestion | None:
        """One of all candidates; None: it is none of them."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Ranked suggestions, and what the caller should know about them."""

    suggestions: tuple[Suggestion, ...]
    fallback: str | None = None  # why this is not a personal answer: "no_token", "no_model", "no_history"
    excluded: Mapping[str, str] = field(default_factory=dict)  # item_id -> the filter that removed it
    decision_id: str | None = None  # under which a scene with its own log stored this answer
    model_version: str | None = None  # as that log names it; None: the name of the loaded version
    more: Further | None = field(default=None, compare=False, repr=False)
    """The candidates behind the list; None: the scene does not give them."""
    never_first: Collection[str] = ()  # ids that may not stand first, such as the place where the rider is
    held_out: bool = False  # the customer belongs to a holdout: nothing is shown, whatever an experiment says


@dataclass(frozen=True, slots=True)
class Reduced:
    """An order, or a ride, after what was taken back of it: `lines` are what is left, none of all of it."""

    sender: str
    event_id: str
    time_us: int
    lines: tuple[OrderLine, ...] = ()

    @property
    def key(self) -> str:
        """As `Event.key`."""
        return event_key(self.sender, self.event_id)


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """A batch of events that the service just stored; its transaction is still open."""

    tenant: str
    events: Sequence[Event]  # all of one customer, or all of guests
    now_us: int
    purposes: Collection[str]  # that the customer consented to; empty for guests
    items: Mapping[str, Item]  # the tenant's dishes by id, for their prices
    reduced: Sequence[Reduced] = ()  # orders of which something was taken back, now or before


@dataclass(frozen=True, slots=True)
class KnownIds:
    """The ids that events of one scene may name, and the word for such a thing in an error."""

    noun: str  # item, place or offer
    ids: Container[str]


@cache
def no_interactions() -> Interactions:
    """A table of events without rows."""
    return Interactions.from_columns({"customer": [], "item": []})


@dataclass(frozen=True, slots=True)
class TrainingInput:
    """What one training reads: the tenant's events of the type that the scene learns from, and the catalogue.

    A scene with its own log reads that log itself, as of `now_us`.
    """

    interactions: Interactions = field(default_factory=no_interactions)
    catalogue: tuple[Item, ...] = ()
    tenant: str = ""
    now_us: int = 0
    least_people: int = LEAST_PEOPLE  # so many different people must stand behind what others may see


@dataclass(frozen=True, slots=True)
class DataCut:
    """Which data a version was trained on: how much, until when, and a hash of all of it."""

    lines: int
    customers: int
    until_us: int | None
    sha256: str
    least_people: int = 0  # who stand behind what the version shows to others; 0: made before this was counted


@dataclass(frozen=True, slots=True)
class Report:
    """How a training went: the figures that decide on publishing, and those that the marketer reads.

    A manifest and a run store it as JSON (`to_dict`); `from_dict` reads it back.
    """

    in_force: str  # "ranker" or "counting"
    why: str  # a sentence
    metric: str  # the name of the gate's metric
    value: float  # of the method in force; NaN: not measured
    baseline_value: float  # of counting, or of the best single offer
    interval: tuple[float, float]  # 95 %, of the paired difference to the baseline
    rows: Sequence[Mapping[str, Any]]  # the evaluation's table: {method, metric: value, ...}
    n_train: int
    n_validation: int
    method: str = ""  # the table's row that is in force; "" where a scene has no such row
    figures: Mapping[str, Any] = field(default_factory=dict)  # of one scene alone, see OfferFigures

    def to_dict(self) -> dict[str, Any]:
        """One flat JSON object: `figures` stand beside the common fields."""
        common: dict[str, Any] = {name: getattr(self, name) for name in _COMMON}
        common["interval"] = list(self.interval)
        return common | ({"method": self.method} if self.method else {}) | dict(self.figures)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`. JSON has no NaN: null is read as NaN. A missing field is empty."""
        low, high = stored.get("interval") or (None, None)
        return cls(
            in_force=str(stored.get("in_force", "")),
            why=str(stored.get("why", "")),
            metric=str(stored.get("metric", "")),
            value=_number(stored.get("value")),
            baseline_value=_number(stored.get("baseline_value")),
            interval=(_number(low), _number(high)),
            rows=stored.get("rows", ()),
            n_train=int(stored.get("n_train", 0)),
            n_validation=int(stored.get("n_validation", 0)),
            method=str(stored.get("method", "")),
            figures={name: value for name, value in stored.items() if name not in (*_COMMON, "method")},
        )


_COMMON = (
    "in_force",
    "why",
    "metric",
    "value",
    "baseline_value",
    "interval",
    "rows",
    "n_train",
    "n_validation",
)


def _number(stored: float | None) -> float:
    return float("nan") if stored is None else float(stored)


@dataclass(frozen=True, slots=True)
class Trial:
    """The model as it is without the latest events: on these the gate compares it with the live version. It is
    never published.

    It has not seen the last order of the customers in `asked`, (customers,) by the codes of the training's events;
    or nothing from `after_us` on.
    """

    arrays: Arrays
    texts: Texts
    asked: NDArray[np.bool_] | None = None
    after_us: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model as plain arrays and texts (never pickled), and the report that decides on publishing it."""

    arrays: Arrays
    texts: Texts
    report: Report
    cut: DataCut | None = None  # what a scene read of its own log; None: all of the input
    rows: tuple[str, ...] = ()  # whose the rows of the tables of customers are, in their order; never in a version
    trial: Trial | None = None  # never in a version
    profile: Mapping[str, Any] | None = None  # counts of the log that was read (`training.gate.profile`)


Model = TypeVar("Model")


class Scene(Protocol[Model]):
    """One kind of suggestion. The published model and the live history are its state; it has no other.

    `CatalogueScene` has the parts that are alike wherever a scene keeps no log of its own.
    """

    name: str
    kind: Kind  # the catalogue that requests carry
    learns_from: str | None
    """The type of event that it learns from. None: it learns from its own log of decisions, so each `suggest`
    writes; the service opens the transaction, and shows nothing when the database is locked."""
    second_factor: bool  # whether a token needs one to open this scene
    baseline: str
    """What a model must beat: "counting", or "best_single" (the best single offer). The desk has words for it."""
    own_gate: bool  # whether `train` falls back by itself: a value below the baseline is then no reason to refuse

    def train(self, data: TrainingInput, *, seed: int, progress: Progress) -> Trained:
        """Fit, evaluate against the baseline, and say which of the two is in force. Same input, same bytes.

        Raises:
            NotEnoughEvents: its own log is too short to learn from.
        """
        ...

    def load(self, arrays: Arrays, texts: Texts) -> Model:
        """The model as `suggest` needs it, from what `train` returned. Raises ValueError when unreadable."""
        ...

    def suggest(self, model: Model | None, request: Request) -> Answer:
        """Rank for one request. Always answers; without model or history it answers with what is popular."""
        ...

    def record(self, batch: RecordedEvents) -> None:
        """Take from stored events what this scene's own log needs, in the same transaction.

        Raises:
            Problem: an event contradicts the log; nothing of the batch is stored.
        """
        ...

    def refuses(self, batch: RecordedEvents) -> Mapping[int, Problem]:
        """The events of a batch, by place, that contradict this scene's log or its terms: they are not stored, the
        others are. Called inside the transaction, before anything of the batch is stored."""
        ...

    def forget(self, tenant: str, customer: str) -> None:
        """Erase a customer from this scene's own log."""
        ...

    def known(self, tenant: str, catalogue: Mapping[str, Item]) -> KnownIds:
        """The ids that this scene's events may name; `catalogue` is the tenant's catalogue of `kind`, by id."""
        ...

    def report(self, tenant: str, now_us: int, published: Report | None) -> dict[str, Any]:
        """The marketer's figures, JSON-able; `published` is the training report of the version in force."""
        ...


AnyScene: TypeAlias = Scene[Any]


class CatalogueScene:
    """The parts that are alike for every scene that suggests from the catalogue and keeps no log of its own."""

    kind: Kind = "item"
    learns_from: str | None = None
    second_factor: bool = False
    own_gate: bool = False
    baseline: str = "counting"

    def record(self, batch: RecordedEvents) -> None:
        """Nothing: the history is read from the stored events."""

    def refuses(self, batch: RecordedEvents) -> Mapping[int, Problem]:
        """Nothing: what is stored contradicts no log."""
        return {}

    def forget(self, tenant: str, customer: str) -> None:
        """Nothing: the service erases the events."""

    def known(self, tenant: str, catalogue: Mapping[str, Item]) -> KnownIds:
        """What the catalogue has."""
        return KnownIds(self.kind, catalogue)

    def report(self, tenant: str, now_us: int, published: Report | None) -> dict[str, Any]:
        """The training report of the version in force, empty without a version."""
        return published.to_dict() if published else {}
