"""Experiments as the product reads them out, many times over: false verdicts, missed ones, broken splits.

Each has its own salt and the real assignment by hash; the same drawn customers come day by day, and the read-out
is looked at every day. A verdict counts however early it comes.
"""

from __future__ import annotations

import numpy as np

from bench.measure import Row
from recommender.experiments.assignment import unit_of, variants_of
from recommender.experiments.plan import Experiment, Variant
from recommender.experiments.power import visits_needed
from recommender.experiments.readout import COLUMNS, People, read_out

SECTION = "Experiments, looked at every day for a month"
CUSTOMERS, MANY, DAYS = 800, 2_000, 30
DAY = 86_400_000_000
SHARES = (0.5, 0.5)
VERDICTS = ("better", "worse")


def rows(short: bool) -> list[Row]:
    """The figures; `short` looks at fewer experiments."""
    runs = 60 if short else 1_000
    same = [_verdict(seed, lambda a: a) for seed in range(runs)]
    better = [_verdict(10_000 + seed, lambda a: np.minimum(a + 0.1, 1)) for seed in range(runs // 5)]
    money = [_verdict(20_000 + seed, lambda a: a, money=True) for seed in range(runs // 2)]
    broken = [_verdict(30_000 + seed, lambda a: a, lost=0.25, n=MANY) for seed in range(runs // 5)]
    found, alarms = _share(better, ("better",)), _share(broken, ("ratio",))
    n = visits_needed(0.24, SHARES, 0.1) or 0
    return [
        Row(SECTION, f"false verdicts of {len(same)} without a difference", _share(same, VERDICTS), "%", 5.0),
        Row(SECTION, f"the same, value of a visit, {len(money)}", _share(money, VERDICTS), "%", 5.0),
        Row(SECTION, f"split called broken, of {len(same)} that are not", _share(same, ("ratio",)), "%", 1.0),
        Row(SECTION, f"10 of 100 visits more: found, of {len(better)}", found, "%", 80.0, "more"),
        Row(SECTION, f"a quarter of B is lost: called broken, of {len(broken)}", alarms, "%", 95.0, "more"),
        Row(SECTION, "visits that the calculator asks for, 10 of 100 more", n, "visits"),
    ]


def _share(found: list[str], kinds: tuple[str, ...]) -> float:
    return 100 * sum(one in kinds for one in found) / len(found)


def _verdict(seed: int, rate_of_b: object, *, money: bool = False, lost: float = 0.0, n: int = CUSTOMERS) -> str:
    """How one experiment ended: the first verdict of its days, "ratio" when its split is called broken."""
    assert callable(rate_of_b)
    rng = np.random.default_rng(seed)
    variants = (Variant("A", "", 0.5), Variant("B", "", 0.5, "model", "v2"))
    metric, effect = ("value", 50.0) if money else ("first", 0.05)
    asked = Experiment("exp-1", "trial", "", "orders", metric, effect, variants)
    units = np.array([unit_of(f"salt {seed}", f"customer {k}") for k in range(n)])
    other = variants_of(SHARES, units.tolist()) == 1
    own = rng.beta(4, 6, n)
    rate = np.where(other, rate_of_b(own), own)
    here = ~(other & (rng.random(n) < lost))
    visits, reward = np.zeros(n), np.zeros(n)
    for day in range(1, DAYS + 1):
        comes = here & (rng.random(n) < 0.12)
        visits += comes
        reward += comes * (rng.lognormal(6.5, 0.8, n) if money else rng.random(n) < rate)
        kind = read_out(asked, _people(units, visits, reward), day * DAY, 0)["verdict"]["kind"]
        if kind in (*VERDICTS, "ratio"):
            return str(kind)
    return "none"


def _people(units: np.ndarray, visits: np.ndarray, reward: np.ndarray) -> People:
    seen = visits > 0
    none = np.full(int(seen.sum()), "")
    sums = {name: reward[seen] if name in ("first", "value") else np.zeros(int(seen.sum())) for name in COLUMNS}
    return People(units[seen], none, none, visits[seen], sums)
