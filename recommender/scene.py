"""What a scene is: the agreement between the engines (orders, offers, destinations) and the service round them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.interactions import Interactions

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Texts: TypeAlias = Mapping[str, str]

Progress = Callable[[str, float], None]
"""Called with what is being done and the share done, 0..1. Drawn as a bar on a terminal and on the dashboard."""


@dataclass(frozen=True, slots=True)
class Item:
    """A dish or a place, as the catalogue holds it now."""

    item_id: str
    name: str
    category: str = ""
    price: int | None = None  # minor units (cents); None for places
    dayparts: tuple[str, ...] = ()  # breakfast, lunch, afternoon, dinner, night; empty: always
    allergens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()  # empty: everywhere
    available: bool = True
    sensitive: bool = False  # makes no segment and no reason
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the moment of a request. Nothing in it says who is asking."""

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
class Request:
    """One question to a scene: whose history (read live), in which context, from which catalogue."""

    history: Interactions | None  # this customer's rows only; None for a guest
    context: Context
    catalogue: Sequence[Item]
    n: int
    now_us: int
    rng: np.random.Generator
    recent: Interactions | None = None  # the tenant's latest events, for popularity when there is no model


@dataclass(frozen=True, slots=True)
class Reason:
    code: str  # stable, e.g. "usual", "with_basket", "popular_here"
    text: str  # in a customer's words


@dataclass(frozen=True, slots=True)
class Suggestion:
    item_id: str
    score: float
    reason: Reason
    bundle: tuple[tuple[str, int], ...] = ()  # a whole usual basket: (item_id, quantity)
    explored: bool = False
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Ranked suggestions, and what the caller should know about them."""

    suggestions: tuple[Suggestion, ...]
    fallback: str | None = None  # why this is not a personal answer: "no_token", "no_model", "no_history"
    excluded: Mapping[str, str] = field(default_factory=dict)  # item_id -> the filter that removed it


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
class Trained:
    """A fitted model as plain arrays and texts (never pickled), and the report that decides on publishing it."""

    arrays: Arrays
    texts: Texts
    report: Report


class Scene(Protocol):
    """One kind of suggestion. Stateless: state is the published model and the live history."""

    name: str

    def train(
        self, interactions: Interactions, catalogue: Sequence[Item], *, seed: int, progress: Progress
    ) -> Trained:
        """Fit, evaluate on a time split against counting, and say which of the two is in force."""
        ...

    def load(self, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> Any:
        """The model as `suggest` wants it, from what `train` returned. Raises ValueError when unreadable."""
        ...

    def suggest(self, model: Any | None, request: Request) -> Answer:
        """Rank for one request. Always answers; without model or history it answers with what is popular."""
        ...
