"""A fitted model of rides: scores, the rules on top of them, the ranked list, and how it is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.places import haversine_km
from recommender.destinations.signals.candidates import KM_SHIFT, candidates
from recommender.destinations.signals.crowd import PlaceCrowd, from_arrays, to_arrays
from recommender.destinations.signals.kernel import Kernel
from recommender.destinations.signals.others import CLOSE_KM, LEAST_ALIKE
from recommender.destinations.visits import Moments, Positions, Visits
from recommender.ranking.pairs import Pairs, best_lists, place_within
from recommender.ranking.ranker import Ranker

Floats = NDArray[np.float64]
K = 20
WALK_KM = 0.4
"""Nearer than this people walk (five minutes at 5 km/h)."""

RIDE_FACTOR = 0.6
"""For a request of a ride, a place within walking distance keeps at most this share of its score."""

FAR_AWAY_KM = 10.0
"""The distance that is assumed for a place of unknown position."""

STAYED = 0.02
"""Share of rides that end where they began; a log with more is one of check-ins."""


@dataclass(frozen=True, slots=True)
class Counting:
    """The method without learning: the kernel over own visits, then what is popular near the pick-up."""

    kernel: Kernel = field(default_factory=Kernel)
    new_share: float = 0.05  # weight of places the rider has not been to
    walking: float = 0.3  # factor for places within walking distance of the pick-up
    here: float = 0.3  # factor for the pick-up place itself
    popularity: float = 1.0  # exponent of a new place's popularity, beside its nearness and its likeness


@dataclass(frozen=True, eq=False)
class RideModel:
    """What `fit` found. `method` is "ranker", "kernel" or "frequency": the one in force."""

    method: str
    counting: Counting
    ranker: Ranker | None
    crowd: PlaceCrowd
    stayed: float = 0.0  # share of the fitted rides that ended where they began


def walkable(pairs: Pairs, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which candidates lie within walking distance of their pick-up, or are it (rows,)."""
    km = np.exp(pairs.features[:, names.index("km")].astype(np.float64)) - KM_SHIFT
    return (np.nan_to_num(km, nan=np.inf) < WALK_KM) | (pairs.features[:, names.index("is_pickup")] > 0)


def score(
    method: str, counting: Counting, ranker: Ranker | None, pairs: Pairs, names: Sequence[str], n: int
) -> Floats:
    """How likely each candidate is, as a share of its question's total (rows,)."""
    column = {name: i for i, name in enumerate(names)}
    if not len(pairs):
        return np.zeros(0)
    if method == "ranker" and ranker is not None:
        raw = ranker.score(pairs.features)
        top = np.full(n, -np.inf)
        np.maximum.at(top, pairs.question, raw)
        values = np.exp(raw - top[pairs.question])
    else:
        own = np.nan_to_num(pairs.features[:, column["frequency" if method == "frequency" else "kernel_share"]])
        now, km, alike = (pairs.features[:, column[name]].astype(np.float64) for name in ("now", "km", "alike"))
        close = np.exp(counting.popularity * now) / (CLOSE_KM + np.nan_to_num(np.exp(km), nan=FAR_AWAY_KM))
        near = np.nan_to_num(close * (LEAST_ALIKE + alike), nan=1e-6)
        values = own + counting.new_share * near / (np.bincount(pairs.question, near, minlength=n)[pairs.question])
        here = pairs.features[:, column["is_pickup"]] > 0
        nearby = np.where(walkable(pairs, names), counting.walking, 1.0)
        values = values * np.where(here, counting.here, nearby)
    total = np.bincount(pairs.question, values, minlength=n)[pairs.question]
    shares: Floats = values / np.maximum(total, 1e-12)
    return shares


def rank(
    model: RideModel, visits: Visits, moments: Moments, positions: Positions, k: int = K, *, riding: bool = True
) -> tuple[NDArray[np.int32], Pairs, list[str], Floats]:
    """The k best places of each moment, (m, k) with -1 at the end, and the candidates with their final scores.

    With `riding` (a request of a ride) the pick-up place never comes first, and places within walking distance
    are demoted. Without it the list has the likeliest places, near or far, and the pick-up place may come first
    only in a log where more than `STAYED` of the rides end where they began: check-ins, not rides.
    """
    n = len(moments)
    pairs, names = candidates(visits, moments, model.crowd, positions, model.counting.kernel)
    values = score(model.method, model.counting, model.ranker, pairs, names, n)
    here = pairs.item == moments.origin[pairs.question]
    if riding and len(pairs):
        already = 1.0 if model.method == "ranker" else model.counting.walking
        values = np.where(walkable(pairs, names), values * min(RIDE_FACTOR / already, 1.0), values)
    if riding or model.stayed <= STAYED:
        values = behind_the_best(pairs.question, values, here, n)
    tie = np.nan_to_num(pairs.features[:, names.index("visits")]) if len(pairs) else None
    lists = best_lists(pairs.question, pairs.item, with_room_for_new(pairs, values, names), n, k, tie)
    return spread(lists, pairs, values, positions), pairs, names, values


SURE, DISCOVER = 5, 1.5


def with_room_for_new(pairs: Pairs, values: Floats, names: Sequence[str]) -> Floats:
    """Keys to sort by: the first `SURE` places by their scores alone, behind them new places count more.

    Below the first five, a known place is about as unlikely as the best new ones, and only a new place is
    news for the rider (docs/decisions/0051-destination-ranker.md).
    """
    if not len(pairs):
        return values
    sure = place_within(pairs.question, -values) < SURE
    new = np.isnan(pairs.features[:, names.index("count")])
    return np.where(sure, 2.0 + values, np.where(new, DISCOVER * values, values))


SPREAD_KM, SPREAD_WEIGHT, BUTTONS = 0.5, 0.3, 3


def spread(lists: NDArray[np.int32], pairs: Pairs, values: Floats, positions: Positions) -> NDArray[np.int32]:
    """The same lists with their second and third place chosen so that the first three cover more ground.

    Three buttons for one block are like one suggestion. A place counts by its own score and, with the weight
    `SPREAD_WEIGHT`, by the scores within `SPREAD_KM` that the places before it do not cover (greedy maximal
    marginal relevance, Carbonell & Goldstein 1998). The first place does not change.
    """
    n, k = lists.shape
    if not n or not k or not len(pairs):
        return lists
    width = np.int64(len(positions.lat) + 1)
    keys = pairs.question * width + pairs.item
    wanted = np.arange(n)[:, None] * width + lists
    worth = np.where(lists >= 0, values[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)], 0.0)
    lat, lon = np.r_[positions.lat, np.nan][lists], np.r_[positions.lon, np.nan][lists]
    km = haversine_km(lat[:, :, None], lon[:, :, None], lat[:, None, :], lon[:, None, :])
    near = (np.nan_to_num(km, nan=np.inf) < SPREAD_KM) | np.eye(k, dtype=bool)
    every = np.arange(n)
    covered, rank_of = near[:, 0, :].copy(), np.full((n, k), BUTTONS)
    rank_of[:, 0] = 0
    for button in range(1, min(BUTTONS, k)):
        gain = (near & ~covered[:, None, :]).astype(np.float64) @ worth[:, :, None]
        total = SPREAD_WEIGHT * gain[:, :, 0] + (1 - SPREAD_WEIGHT) * worth
        total[rank_of < BUTTONS] = -1.0
        chosen = total.argmax(axis=1)
        rank_of[every, chosen] = button
        covered |= near[every, chosen]
    order = np.argsort(rank_of, axis=1, kind="stable")
    return np.take_along_axis(lists, order, axis=1)


def behind_the_best(question: NDArray[np.int64], values: Floats, here: NDArray[np.bool_], n: int) -> Floats:
    """Scores in which no row marked `here` is its question's first: it comes just after the best other row."""
    best = np.zeros(n)
    np.maximum.at(best, question[~here], values[~here])
    return np.where(here, np.minimum(values, best[question] * (1 - 1e-9)), values)


def model_arrays(model: RideModel) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The model as plain arrays and texts."""
    head = {"method": model.method, "counting": asdict(model.counting), "stayed": model.stayed}
    texts = {"rides.json": json.dumps(head, sort_keys=True)}
    return to_arrays(model.crowd), texts | (model.ranker.to_texts() if model.ranker else {})


def model_from(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> RideModel:
    """What `model_arrays` gave.

    Raises:
        ValueError: a part is missing or does not fit.
    """
    try:
        head = json.loads(texts["rides.json"])
        counting = Counting(**{**head["counting"], "kernel": Kernel(**head["counting"]["kernel"])})
        crowd = from_arrays(arrays)
        method, stayed = str(head["method"]), float(head["stayed"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"the model of destinations cannot be read: {error!r}") from error
    if method not in ("ranker", "kernel", "frequency"):
        raise ValueError(f"the model of destinations names a method that is not known: {method!r}")
    return RideModel(method, counting, Ranker.from_texts(texts) if method == "ranker" else None, crowd, stayed)
