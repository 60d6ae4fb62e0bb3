"""Candidates for the next destination and their signals: one row for each (moment, place)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.places import cell_of, haversine_km
from recommender.destinations.signals.crowd import PlaceCrowd
from recommender.destinations.signals.kernel import Kernel, gaps_of, pair_visits
from recommender.destinations.signals.others import Others
from recommender.destinations.signals.own import own_signals, rider_signals
from recommender.destinations.visits import Moments, Positions, Visits
from recommender.ranking.metrics import highest
from recommender.ranking.pairs import Pairs

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

KM_SHIFT = 0.05
"""Distances enter as log(km + this): 0 km must have a logarithm."""


def candidates(
    visits: Visits,
    moments: Moments,
    crowd: PlaceCrowd,
    positions: Positions,
    kernel: Kernel,
    *,
    own_only: bool = False,
) -> tuple[Pairs, list[str]]:
    """All candidates of the moments with their signals, sorted by moment, then place, and the signals' names.

    Candidates are the rider's own places, where similar riders go, where rides from the pick-up or its area
    end, and what is near the pick-up: the nearest, the most popular in this three-hour bin, where similar riders
    go there.
    """
    visit_pairs = pair_visits(visits, moments)
    gaps = gaps_of(visits, moments, visit_pairs, positions.lat, positions.lon)
    m, p = visit_pairs.group_moment, visit_pairs.group_place.astype(np.int64)
    width = len(positions.lat) + 1
    key = m * width + p
    others = Others(visit_pairs, moments, crowd, positions)
    keys = key if own_only else np.union1d(key, others.keys(key, width))
    question, place = keys // width, keys % width
    at = np.minimum(np.searchsorted(key, keys), max(len(key) - 1, 0))
    own = key[at] == keys if len(key) else np.zeros(len(keys), bool)
    columns: Columns = {}
    for name, values in own_signals(visits, moments, visit_pairs, gaps, kernel).items():
        columns[name] = np.where(own, values[at] if len(key) else 0.0, np.nan)
    share = columns["kernel_share"]
    columns |= _around(question, place, share, positions)
    rider = rider_signals(visits, moments, visit_pairs)
    columns |= {name: values[question] for name, values in rider.items()}
    columns |= _from_pickup(moments, positions, question, place)
    columns |= others.signals(question, place)
    features = np.column_stack(list(columns.values())).astype(np.float32) if len(keys) else np.zeros((0, 0), "f4")
    return Pairs(question, place.astype(np.int32), features), list(columns)


def _around(question: NDArray[np.int64], place: NDArray[np.int64], share: Floats, positions: Positions) -> Columns:
    """Summed kernel weight of the rider's places near each candidate (rows,), in cells of 300 m and of 1 km."""
    own = ~np.isnan(share)
    columns = {}
    for name, side in (("around_300", 300.0), ("around_1000", 1000.0)):
        cell = cell_of(positions.lat[place], positions.lon[place], side)
        _, code = np.unique(cell, return_inverse=True)
        width = np.int64(highest(code) + 1)
        block = question * width + code
        keys, group = np.unique(block, return_inverse=True)
        mass = np.bincount(group, np.where(own, share, 0.0), minlength=len(keys))
        columns[name] = np.where(cell < 0, np.nan, mass[group])
    return columns


def _from_pickup(
    moments: Moments, positions: Positions, question: NDArray[np.int64], place: NDArray[np.int64]
) -> Columns:
    km = haversine_km(moments.lat[question], moments.lon[question], positions.lat[place], positions.lon[place])
    return {"km": np.log(km + KM_SHIFT), "is_pickup": (moments.origin[question] == place).astype(np.float64)}
