"""Drawn customers of an experiment, for tests of what is said about them."""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.experiments.assignment import unit_of, variants_of
from recommender.experiments.plan import Experiment, Variant
from recommender.experiments.readout import COLUMNS, People

SALT = "a salt of this experiment"


def experiment(shares: tuple[float, ...] = (0.5, 0.5), **changes: Any) -> Experiment:
    """An experiment about the first suggestion of orders; B and the others stand for another version."""
    variants = tuple(
        Variant("ABCDE"[at], "", share, *(("model", f"v{at}") if at else ())) for at, share in enumerate(shares)
    )
    values: dict[str, Any] = {
        "experiment_id": "exp-1",
        "name": "Autumn",
        "question": "",
        "scene": "orders",
        "metric": "first",
        "minimum_effect": 0.03,
        "variants": variants,
    }
    return Experiment(**(values | changes))


def people(
    n: int,
    rng: np.random.Generator,
    *,
    shares: tuple[float, ...] = (0.5, 0.5),
    rates: tuple[float, ...] = (0.4, 0.4),
    **sums: Any,
) -> People:
    """`n` customers with about three visits each, whose first suggestion is taken at the rate of their variant."""
    units = np.array([unit_of(SALT, f"customer {rng.integers(2**40)} {k}") for k in range(n)])
    visits = (1.0 + rng.poisson(2.0, n)).astype(np.float64)
    taken = rng.binomial(visits.astype(int), np.array(rates)[variants_of(shares, units.tolist())]).astype(float)
    columns = dict.fromkeys(COLUMNS, taken) | {"not_me": np.zeros(n)} | sums
    site = np.where(np.arange(n) % 2 == 0, "north", "south")
    return People(units, site, np.full(n, "lunch"), visits, columns)
