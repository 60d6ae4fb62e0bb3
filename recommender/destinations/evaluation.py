"""How good destination suggestions are: methods side by side on one log, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from plumbing.columns import DatasetError
from recommender.destinations.ablation import ablate
from recommender.destinations.batch import answer_rows, fit_log
from recommender.destinations.log import RideLog, read_log
from recommender.destinations.model import Counting, K
from recommender.destinations.places import haversine_km
from recommender.destinations.signals.candidates import candidates
from recommender.destinations.signals.crowd import crowd_of
from recommender.destinations.signals.kernel import pair_visits
from recommender.destinations.visits import Positions
from recommender.ranking.factor_models import FactorModel, als_factors, lightfm_factors
from recommender.ranking.metrics import paired_bootstrap
from recommender.ranking.pairs import best_lists

Floats = NDArray[np.float64]
CUTS = (1, 3, 5, 10, 20)
NEAR_KM = 0.5
LENGTHS = ((0, 50), (50, 150), (150, None))
BASE = "most frequent by hour x weekend"
REACH: Mapping[str, float] = {
    "acc@1": 0.40,
    "acc@5": 0.645,
    "acc@10": 0.72,
    "mrr@20": 0.50,
    "in500m@3": 0.72,
    "new acc@10": 0.10,
}
FIT_S = 180.0
Tick = Callable[[str, float], None]


def scores(
    lists: NDArray[np.int32],
    truth: NDArray[np.int32],
    positions: Positions,
    true_positions: Positions | None = None,
) -> dict[str, Floats]:
    """Each metric of each question (m,): acc@k (the exact place), mrr@20, in500m@k.

    Args:
        lists: (m, K) place codes, the best first, -1 after the end.
        truth: (m,) the place where the rider went.
        ground: where the suggested places lie; `true_ground` where the right ones do, by default the same.
    """
    true_positions = true_positions or positions
    hit = lists == truth[:, None]
    place = np.where(hit.any(axis=1), hit.argmax(axis=1), K)
    km = haversine_km(
        np.r_[positions.lat, np.nan][lists],
        np.r_[positions.lon, np.nan][lists],
        true_positions.lat[truth][:, None],
        true_positions.lon[truth][:, None],
    )
    near = np.nan_to_num(km, nan=np.inf) < NEAR_KM
    near |= hit
    found = {f"acc@{k}": (place < k).astype(float) for k in CUTS}
    found["mrr@20"] = np.where(place < K, 1 / (place + 1.0), 0.0)
    return found | {f"in500m@{k}": near[:, :k].any(axis=1).astype(float) for k in (1, 3, 10)}


def split_of(log: RideLog) -> tuple[int, NDArray[np.intp]]:
    """The last moment of the part to fit on, and the rows to predict after it.

    The file's own `split` and `target` where it has them; else the last quarter of the log's time and the last
    visit of each of its riders' days.

    Raises:
        DatasetError: there is nothing to fit on or nothing to predict.
    """
    if not len(log.time_us):
        raise DatasetError("the log has no rows")
    if log.train is not None and log.train.any() and not log.train.all():
        until = int(np.max(log.time_us[log.train]))
    else:
        begin, end = int(np.min(log.time_us)), int(np.max(log.time_us))
        until = begin + (end - begin) * 3 // 4
    to_predict = log.target if log.target.any() else (log.origin >= 0)
    rows = np.flatnonzero(to_predict & (log.time_us > until) & (log.rider >= 0))
    if not len(rows):
        raise DatasetError("the log has no row to predict after the part to fit on")
    return until, rows


def evaluate_rides(
    path: Path, *, seed: int, progress: Tick, cpu: Callable[[], float], ablation: bool = False, draws: int = 2000
) -> dict[str, Any]:
    """The report of `usual evaluate destinations` on a file: `evaluate_log` of what `read_log` reads.

    Raises:
        DatasetError: the log cannot be used.
    """
    progress("reading the log", 0.0)
    return evaluate_log(read_log(path), seed=seed, progress=progress, cpu=cpu, ablation=ablation, draws=draws)


def evaluate_log(
    log: RideLog,
    *,
    seed: int,
    progress: Tick,
    cpu: Callable[[], float],
    ablation: bool = False,
    draws: int = 2000,
    true_positions: Positions | None = None,
) -> dict[str, Any]:
    """The report on a log, JSON-able: one row for each method, splits and what was fitted.

    Args:
        cpu: gives seconds of processor time.
        true_ground: where the places really are, if the log's own positions are coarser.

    Raises:
        DatasetError: there is nothing to fit on or to predict.
    """
    until, rows = split_of(log)
    begun = cpu()
    model, report = fit_log(log, until, seed=seed, progress=lambda what, share: progress(what, 0.05 + 0.6 * share))
    seconds = {"fit": cpu() - begun}
    progress("baselines", 0.65)
    lists = baselines(log, rows, model.counting)
    progress("factor models", 0.75)
    lists |= factor_lists(log, rows, until, seed)
    progress("answering", 0.9)
    begun, ours = cpu(), f"usual ({model.method})"
    lists[ours] = answer_rows(log, model, rows)
    seconds["answer"] = cpu() - begun
    lists[f"{ours}, never the pick-up first"] = answer_rows(log, replace(model, stayed=0.0), rows)
    measured = {
        name: scores(found, log.place[rows], log.positions, true_positions) for name, found in lists.items()
    }
    known, moments = known_targets(log, rows), log.moments(rows)
    rng = np.random.default_rng(seed)
    table = [row_of(name, values, measured[BASE], known, rng, draws) for name, values in measured.items()]
    return {
        "reach": reach_of(table, ours, seconds["fit"]),
        "targets": len(rows),
        "riders": len(np.unique(log.rider[rows])),
        "new": float((~known).mean()),
        "fitted": report.to_dict(),
        "seconds": seconds,
        "ablation": ablate(log, until, model.counting.kernel, seed, progress) if ablation else [],
        "rows": table,
        "by_history": by_history(measured, moments.stop - moments.start),
        "by_hour": by_hour(measured[ours], moments.hour),
    }


def known_targets(log: RideLog, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether the rider of each row had been to its place before (m,)."""
    visit_pairs = pair_visits(log.visits, log.moments(rows))
    known = np.zeros(len(rows), bool)
    known[visit_pairs.group_moment[visit_pairs.group_place == log.place[rows][visit_pairs.group_moment]]] = True
    return known


def evaluate_counting(
    log: RideLog, *, true_positions: Positions | None = None, seed: int = 0, draws: int = 2000
) -> list[dict[str, Any]]:
    """The rows of the methods that only count: nothing is fitted, so it takes a second.

    Raises:
        DatasetError: there is nothing to predict.
    """
    _, rows = split_of(log)
    lists = baselines(log, rows, Counting())
    measured = {
        name: scores(found, log.place[rows], log.positions, true_positions) for name, found in lists.items()
    }
    known, rng = known_targets(log, rows), np.random.default_rng(seed)
    return [row_of(name, values, measured[BASE], known, rng, draws) for name, values in measured.items()]


def reach_of(rows: Sequence[Mapping[str, Any]], ours: str, fit_s: float) -> list[dict[str, Any]]:
    """The figures that these suggestions have to reach on the public check-ins, beside those found on this log."""
    by_method = {row["method"]: row for row in rows}
    mine, base = by_method[ours], by_method[BASE]
    found: list[dict[str, Any]] = []
    for metric, wanted in REACH.items():
        found.append({"figure": metric, "found": mine[metric], "asked": wanted, "by counting": base[metric]})
    for rival in ("LightFM", "implicit ALS"):
        if rival in by_method:
            times = mine["acc@1"] / max(by_method[rival]["acc@1"], 1e-9)
            found.append({"figure": f"acc@1 over that of {rival}", "found": times, "asked": 3.0})
    for line in found:
        line["reached"] = "yes" if line["found"] >= line["asked"] else "no"
    reached = "yes" if fit_s <= FIT_S else "no"
    found.append({"figure": "processor seconds of the fit", "found": fit_s, "asked": FIT_S, "reached": reached})
    return found


def row_of(
    name: str,
    values: Mapping[str, Floats],
    base: Mapping[str, Floats],
    known: NDArray[np.bool_],
    rng: np.random.Generator,
    draws: int,
) -> dict[str, Any]:
    """A method's line: means, the two kinds of targets, and the paired interval of its gain in mrr@20."""
    row: dict[str, Any] = {"method": name} | {metric: float(v.mean()) for metric, v in values.items()}
    for label, chosen in (("seen", known), ("new", ~known)):
        row[f"{label} acc@10"] = float(values["acc@10"][chosen].mean()) if chosen.any() else float("nan")
    interval = paired_bootstrap(values["mrr@20"], base["mrr@20"], rng, draws=draws)
    return row | {"gain": interval.mean, "gain_low": interval.low, "gain_high": interval.high}


def by_history(measured: Mapping[str, Mapping[str, Floats]], length: NDArray[np.int64]) -> list[dict[str, Any]]:
    """acc@5 of each method by the number of earlier visits of the rider."""
    found = []
    for low, high in LENGTHS:
        chosen = (length >= low) & (length < (high if high is not None else np.inf))
        if chosen.any():
            words = f"{low} visits or more" if high is None else f"{low} to {high - 1} visits"
            line: dict[str, Any] = {"history": words, "targets": int(chosen.sum())}
            found.append(line | {name: float(values["acc@5"][chosen].mean()) for name, values in measured.items()})
    return found


def by_hour(values: Mapping[str, Floats], hour: NDArray[np.float32]) -> list[dict[str, Any]]:
    """acc@3 by three-hour bin of the local clock."""
    found = []
    for start in range(0, 24, 3):
        chosen = (hour >= start) & (hour < start + 3)
        if chosen.any():
            share = float(values["acc@3"][chosen].mean())
            found.append({"hour": start, "targets": int(chosen.sum()), "acc@3": share})
    return found


def baselines(log: RideLog, rows: NDArray[np.intp], counting: Counting) -> dict[str, NDArray[np.int32]]:
    """Lists of the methods that only count the rider's own visits, all up to each row."""
    moments = log.moments(rows)
    crowd = crowd_of(log.visits, log.positions.lat, log.positions.lon, int(np.min(log.time_us[rows])))
    pairs, names = candidates(log.visits, moments, crowd, log.positions, counting.kernel, own_only=True)

    def best(weights: Mapping[str, float]) -> NDArray[np.int32]:
        values = sum(w * pairs.features[:, names.index(name)].astype(np.float64) for name, w in weights.items())
        tie = pairs.features[:, names.index("fresh_90")]
        return best_lists(pairs.question, pairs.item, np.asarray(values), len(rows), K, tie)

    return {
        "most frequent": best({"count_share": 1.0}),
        BASE: best({"frequency": 1.0}),
        "Markov from the pick-up": best({"from_here_share": 1.0, "count_share": 0.05}),
        "kernel": best({"kernel_share": 1.0}),
    }


def factor_lists(log: RideLog, rows: NDArray[np.intp], until: int, seed: int) -> dict[str, NDArray[np.int32]]:
    """Lists of LightFM and of implicit ALS (where it is installed), fitted on rider x place days up to `until`."""
    seen = log.visits.where((log.visits.time_us <= until) & (log.visits.rider >= 0))
    shape = (int(max(np.max(log.rider), np.max(seen.rider))) + 1, len(log.places))
    counts = sparse.csr_matrix((np.ones(len(seen), np.float32), (seen.rider, seen.place)), shape=shape)
    found = {"LightFM": _top(lightfm_factors(counts, seed, size=32, epochs=15), log.rider[rows])}
    try:
        als = als_factors(counts, seed, size=64, iterations=15, alpha=1.0)
    except ImportError:
        return found
    return found | {"implicit ALS": _top(als, log.rider[rows])}


def _top(model: FactorModel, rider: NDArray[np.int32]) -> NDArray[np.int32]:
    """The K places with the highest score for each rider (m, K)."""
    return np.argsort(-model.scores(rider), axis=1, kind="stable")[:, :K].astype(np.int32)
