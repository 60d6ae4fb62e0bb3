"""Methods side by side on the same questions, as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recommender.destinations.atlas import Atlas
from recommender.destinations.evaluation import evaluate_counting, evaluate_log
from recommender.destinations.log import RideLog, log_of, read_log
from recommender.destinations.places import coarsen
from recommender.destinations.visits import Positions
from recommender.library.destinations import Destinations
from recommender.library.folder import stored_report
from recommender.library.offers import Offers
from recommender.library.orders import Orders
from recommender.library.request import Data, interactions_of, reported
from recommender.orders.evaluation import compare_methods
from recommender.ranking.frames import Columns
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import table
from recommender.scene import Progress


@dataclass(frozen=True)
class Evaluation:
    """A table of methods. `str()` gives it as aligned text; `report` holds everything else that was measured."""

    rows: tuple[Mapping[str, Any], ...]  # one for each method: `method` and its figures
    report: Mapping[str, Any] = field(repr=False)

    def table(self, columns: Sequence[str] | None = None) -> str:
        """The rows as aligned text, all columns or those named."""
        return table(self.rows, columns)

    def columns(self) -> dict[str, list[Any]]:
        """The rows as columns, ready for a data frame; None where a method has no such figure."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name) for row in self.rows] for name in names}

    def __getitem__(self, method: str) -> Mapping[str, Any]:
        """The row of a method. Raises KeyError."""
        for row in self.rows:
            if row["method"] == method:
                return row
        raise KeyError(method)

    def __str__(self) -> str:
        return self.table()


def evaluate(
    estimator: Orders | Destinations | Offers,
    data: Data | Path | str,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    fit: bool = True,
    ablation: bool = False,
) -> Evaluation:
    """What `usual evaluate` prints: our method beside counting and published ones, on the same questions.

    The estimator gives the settings (trees, places); it is not changed and need not be fitted.

    * Orders: everybody's last order is asked for, from what came before it. `gain`, `low` and `high` are the
      paired difference in NDCG@10 to counting the customer's own orders, with its 95 % interval.
    * Destinations: the rides of the last quarter of the time, from what came strictly before each. `gain`,
      `gain_low` and `gain_high` are the difference in mrr@20 to the most frequent places by hour and weekend.
    * Offers: what other policies would have earned on the logged visits, in minor units a visit: `value`, `low`
      and `high` (doubly robust), `snips` and `ess` (effective visits).

    Args:
        data: as for `fit`, or the path of a CSV file as `Orders.read` and `Destinations.read` read it.
        fit: destinations only: False compares just the methods that count, which takes a second.
        ablation: orders and destinations: also measure what each signal earns (`report["ablation"]`); minutes.

    Example:
        >>> visits = {"customer": ["ann"] * 5, "item": ["tea", "tea", "pie", "tea", "tea"]}
        >>> evaluate(Orders(trees=5), visits)["in force"]["hr@1"]
        1.0

    Raises:
        MissingColumns: a column is missing.
        DatasetError: a file cannot be used, or there is nothing to ask for.
        ValueError: no customer has four orders.
        TypeError: not one of the three estimators.
    """
    if isinstance(estimator, Orders):
        seen = Orders.read(data) if isinstance(data, Path | str) else interactions_of(data)
        report = compare_methods(seen, seed=seed, settings=estimator.settings, ablate=ablation, progress=progress)
        return Evaluation(tuple(report["rows"]), report)
    if isinstance(estimator, Destinations):
        return _of_rides(estimator, data, seed, reported(progress), fit, ablation)
    if isinstance(estimator, Offers):
        if isinstance(data, Path | str | Interactions):
            raise TypeError("a log of offers is columns: customer, offer, propensity, reward")
        return _of_offers(estimator, data, seed, progress)
    raise TypeError(f"evaluate needs Orders(...), Destinations(...) or Offers(...), not {estimator!r}")


def _of_rides(
    estimator: Destinations, data: Data | Path | str, seed: int, progress: Progress, fit: bool, ablation: bool
) -> Evaluation:
    log, true_positions = _log_of(estimator, data)
    if not fit:
        rows = evaluate_counting(log, true_positions=true_positions, seed=seed)
        return Evaluation(tuple(rows), {"rows": rows})
    report = evaluate_log(
        log, seed=seed, progress=progress, cpu=time.process_time, ablation=ablation, true_positions=true_positions
    )
    return Evaluation(tuple(report["rows"]), report)


def _log_of(estimator: Destinations, data: Data | Path | str) -> tuple[RideLog, Positions]:
    """The log with positions as coarse as the estimator has them, and where its places really are."""
    if isinstance(data, Path | str):
        log = read_log(Path(data))
    else:
        rides = interactions_of(data)
        log = log_of(rides, Positions(*Atlas.of(estimator.places).positions(rides.items)))
    if estimator.cell_m is None:
        return log, log.positions
    return replace(
        log, positions=Positions(*coarsen(log.positions.lat, log.positions.lon, estimator.cell_m))
    ), log.positions


def _of_offers(estimator: Offers, log: Columns, seed: int, progress: Progress | None) -> Evaluation:
    report = stored_report(estimator.learn(log, seed=seed, progress=progress))
    rows = [
        {
            "method": row["method"],
            **{name: row["dr"][name] for name in ("value", "low", "high")},
            **{"snips": row["snips"]["value"], "ess": row["snips"]["ess"]},
        }
        for row in report["what_if"]
    ]
    return Evaluation(tuple(rows), report)
