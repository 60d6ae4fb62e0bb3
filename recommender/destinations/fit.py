"""Fitting a model of rides: examples over time, the kernel's parameters, the ranker, the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.model import STAYED, Counting, Floats, K, RideModel, score
from recommender.destinations.signals.crowd import PlaceCrowd, Shared, crowd_of
from recommender.destinations.signals.kernel import Kernel, gaps_of, kernel_weights, pair_visits
from recommender.destinations.visits import TRAIL, Positions, Visits, moments_at, stays
from recommender.destinations.weeks import REFRESH_US, Log, week_of_candidates, weeks_of
from recommender.ranking.gate import gate
from recommender.ranking.interactions import NO_TIME
from recommender.ranking.metrics import highest
from recommender.ranking.pairs import Pairs, best_lists, place_within, sample_negatives
from recommender.ranking.partitions import InTurn, Mapper
from recommender.ranking.ranker import Ranker, fit_ranker
from recommender.scene import Report

MOST_CROWDS = 40  # in training; over many years it is computed less often
MOST_EXAMPLES = 40_000
MOST_TRIAL = 8_000  # of these, for the trial that the gate judges
WARM_UP = 0.1  # share of the log's time before the first example: little is known yet
LEAST_EXAMPLES = 300


def moments_to_predict(visits: Visits, since: float = WARM_UP) -> NDArray[np.intp]:
    """Rows of known riders' drop-offs with a known pick-up and time, but for the first tenth of the log's time."""
    timed = visits.time_us != NO_TIME
    usable = (visits.rider >= 0) & (visits.origin >= 0) & timed
    if not usable.any():
        return np.zeros(0, np.intp)
    begin, end = visits.time_us[timed].min(), visits.time_us[timed].max()
    return np.flatnonzero(usable & (visits.time_us >= begin + since * (end - begin)))


_GRID: Mapping[str, tuple[float, ...]] = {
    "age_days": (15.0, 30.0, 60.0, 120.0),
    "hour_sigma": (1.0, 1.5, 2.5),
    "origin_floor": (0.15, 0.3, 0.6),
    "age_floor": (0.05, 0.15, 0.4),
    "pickup_weight": (0.4, 0.7, 1.0),
    "other_class": (0.3, 0.5, 0.8),
    "hour_floor": (0.05, 0.15),
    "origin_km": (0.15, 0.25, 0.5, 1.0),
    "wait_sigma": (0.2, 0.35, 0.5, 0.8, 1.2),
    "wait_floor": (0.1, 0.2, 0.5, 2.0),
}


def fit_kernel(visits: Visits, positions: Positions, rows: NDArray[np.intp], sample: int = 3000) -> Kernel:
    """The kernel whose parameters predict the given visits best (mean reciprocal rank), one parameter at a time.

    Starts from the values that worked on public check-ins and changes only where the gain is above noise.
    """
    kernel = Kernel()
    rows = rows[-sample:]
    if len(rows) < LEAST_EXAMPLES:
        return kernel
    moments = moments_at(visits, rows, positions.lat, positions.lon)
    visit_pairs = pair_visits(visits, moments)
    gaps = gaps_of(visits, moments, visit_pairs, positions.lat, positions.lon)
    truth = visits.place[rows]

    def value(candidate: Kernel) -> float:
        mass = visit_pairs.total(kernel_weights(candidate, gaps))
        lists = best_lists(visit_pairs.group_moment, visit_pairs.group_place, mass, len(rows), K)
        return float(reciprocal(lists, truth).mean())

    best = value(kernel)
    for name, values in _GRID.items():
        for setting in values:
            trial = kernel.with_values(**{name: setting})
            if trial != kernel and (gain := value(trial)) > best + 0.001:
                kernel, best = trial, gain
    return kernel


def reciprocal(lists: NDArray[np.int32], truth: NDArray[np.int32]) -> Floats:
    """1 / place of the right answer in each list, 0 where it is not there (m,)."""
    hit = lists == truth[:, None]
    return np.where(hit.any(axis=1), 1.0 / (hit.argmax(axis=1) + 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates of many moments with the right one marked, and the visits they came from.

    Of moments that are only learned from, just the rows to learn from are in memory.
    """

    pairs: Pairs
    label: NDArray[np.bool_]
    drawn: NDArray[np.bool_]  # the rows to learn from
    rows: NDArray[np.intp]
    names: list[str]
    weight: Floats  # of each moment in learning


def examples(
    visits: Visits,
    positions: Positions,
    rows: NDArray[np.intp],
    kernel: Kernel,
    *,
    seed: int,
    ranked: NDArray[np.bool_],
    shared: Shared | None = None,
    tick: Callable[[float], None] = lambda share: None,
    mapper: Mapper | None = None,
) -> Examples:
    """Candidates and signals of the given visits, each as it could be known just before it.

    `ranked` (rows,) marks the moments of which all candidates are kept, to be ranked. `mapper` works on several
    weeks at once.
    """
    rng = np.random.default_rng(seed)
    parts, labels, drawn, taken, done = [], [], [], [], 0
    names: list[str] = []
    time_us = visits.time_us[rows]
    weeks = (highest(time_us) - int(np.min(time_us))) // REFRESH_US + 1
    refresh_us = int(REFRESH_US * (1 + weeks // MOST_CROWDS))
    pieces = weeks_of(time_us, refresh_us)
    work = [(as_of_us, [rows[chosen] for chosen in blocks]) for as_of_us, blocks in pieces]
    log = Log(visits, positions, shared)
    made = (mapper or InTurn()).map(week_of_candidates, work, shared=(log, kernel), name="signals")
    every = (
        (chosen, *one)
        for (_, blocks), found in zip(pieces, made, strict=True)
        for chosen, one in zip(blocks, found, strict=True)
    )
    for chosen, pairs, names in every:
        block = rows[chosen]
        label = visits.place[block][pairs.question] == pairs.item
        learned = np.zeros(len(pairs), bool)
        learned[to_learn_from(pairs, label, names, rng)] = True
        wanted = learned | ranked[chosen][pairs.question]
        parts.append(Pairs(pairs.question + done, pairs.item, pairs.features).take(wanted))
        labels.append(label[wanted])
        drawn.append(learned[wanted])
        taken.append(block)
        done += len(block)
        tick(done / len(rows))
    together = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("question", "item", "features")
    )
    order = np.concatenate(taken)
    ends = np.nan_to_num(stays(visits)[order]) > TRAIL
    weight = np.where(ends, END_WEIGHT, 1.0)
    return Examples(Pairs(*together), np.concatenate(labels), np.concatenate(drawn), order, names, weight)


def to_learn_from(
    pairs: Pairs, label: NDArray[np.bool_], names: Sequence[str], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Rows of the right places, of the hardest wrong ones, and of a few drawn at random.

    The hardest are the rider's own by the kernel and, half as many, the nearest of the others.
    """
    share, km = (pairs.features[:, names.index(name)] for name in ("kernel_share", "km"))
    new = np.isnan(share)
    hard = place_within(2 * pairs.question + new, np.where(new, np.nan_to_num(km, nan=np.inf), -share))
    hard = np.where(new, 2 * hard, hard)
    return sample_negatives(pairs.question, label, -hard.astype(np.float32), rng, hard=HARD, easy=EASY)


END_WEIGHT = 2.0
"""Of a ride that ended a trail, in learning (docs/decisions/0051-destination-ranker.md)."""

HARD, EASY = 50, 15
"""Wrong places of each question to learn from: with 45 and 8, acc@10 fell by .01 (0051)."""


def learn(
    found: Examples,
    questions: NDArray[np.bool_],
    *,
    seed: int,
    progress: Callable[[float], None] | None = None,
    columns: Sequence[int] | None = None,
    copies: int = 1,
) -> Ranker:
    """The ranker from the chosen questions, over all signals or the chosen columns: the mean of `copies`.

    Raises:
        ValueError: none of the questions has its right answer among the candidates.
    """
    rows = np.flatnonzero(found.drawn & questions[found.pairs.question])
    kept = list(range(len(found.names)) if columns is None else columns)
    features = found.pairs.features[rows]
    features = features if columns is None else features[:, kept]
    sample = Pairs(found.pairs.question[rows], found.pairs.item[rows], features)
    names = [found.names[j] for j in kept]
    weight = found.weight[sample.question]
    return fit_ranker(
        sample, found.label[rows], names, seed=seed, weight=weight, copies=copies, progress=progress, **SETTINGS
    )


SETTINGS: Mapping[str, Any] = {
    "objective": "lambdarank",
    "rounds": 90,
    "settings": {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 300,
        "lambda_l2": 20.0,
        "feature_fraction": 0.4,
    },
}


@dataclass(frozen=True, eq=False)
class FittedRides:
    """A model, its figures, and the same method without the rides from `after_us` on."""

    model: RideModel
    report: Report
    trial: RideModel | None = None  # None: too few rides
    after_us: int | None = None


def fit(
    visits: Visits,
    positions: Positions,
    *,
    seed: int,
    progress: Callable[[str, float], None] = lambda what, share: None,
    mapper: Mapper | None = None,
) -> tuple[RideModel, Report]:
    """`fit_rides` of a log whose every ride may be seen by all: the model and its report."""
    fitted = fit_rides(visits, positions, seed=seed, progress=progress, mapper=mapper)
    return fitted.model, fitted.report


def fit_rides(
    visits: Visits,
    positions: Positions,
    *,
    seed: int,
    shared: Shared | None = None,
    progress: Callable[[str, float], None] = lambda what, share: None,
    mapper: Mapper | None = None,
) -> FittedRides:
    """The model in force after an inner validation on the last fifth of the rides, and its report.

    The learned ranker replaces the kernel only if it wins a paired bootstrap. The kernel is used only if it is not
    worse than the rider's most frequent places by hour and weekend. `shared` says what of the rides others may
    see (`crowd_of`).
    """
    rng = np.random.default_rng(seed)
    rows = moments_to_predict(visits)
    crowd = crowd_of(visits, positions.lat, positions.lon, highest(visits.time_us) + 1, shared)
    stayed = float(np.mean(visits.place[rows] == visits.origin[rows])) if len(rows) else 0.0
    if len(rows) < LEAST_EXAMPLES:
        return FittedRides(*_too_few(len(rows), crowd, stayed))
    if len(rows) > MOST_EXAMPLES:
        rows = rng.choice(rows, MOST_EXAMPLES, replace=False)
    rows = rows[np.lexsort((rows, visits.time_us[rows]))]
    cut = np.quantile(visits.time_us[rows], 0.8)
    progress("fitting the kernel", 0.05)
    kernel = fit_kernel(visits, positions, rows[visits.time_us[rows] < cut])
    found = examples(
        visits,
        positions,
        rows,
        kernel,
        seed=seed,
        ranked=visits.time_us[rows] >= cut,
        shared=shared,
        tick=lambda share: progress("signals", 0.1 + 0.3 * share),
        mapper=mapper,
    )
    inner = visits.time_us[found.rows] < cut
    counting = fit_counting(found, ~inner, visits.place[found.rows], kernel)
    measured, tried = trial(found, inner, visits, counting, rng, seed=seed, progress=progress)
    base = "frequency" if measured["frequency"].mean() > measured["kernel"].mean() else "kernel"
    challengers = {name: values for name, values in measured.items() if name == "ranker"}
    verdict = gate(challengers, measured[base], rng, metric="mrr@20")
    method = "ranker" if verdict.in_force == "ranker" else base
    report = report_of(method, verdict.why, measured, int(inner.sum()), int((~inner).sum()), verdict)
    ranker = None
    if method == "ranker":
        ranker = learn(
            found,
            np.ones(len(inner), bool),
            seed=seed,
            copies=2,
            progress=lambda share: progress("fitting the ranker", 0.65 + 0.3 * share),
        )
    since_us = int(cut)
    earlier = crowd_of(visits, positions.lat, positions.lon, since_us, shared)
    without = RideModel(method, counting, tried if method == "ranker" else None, earlier, stayed)
    return FittedRides(RideModel(method, counting, ranker, crowd, stayed), report, without, since_us)


def _too_few(n: int, crowd: PlaceCrowd, stayed: float) -> tuple[RideModel, Report]:
    """Counting with its default parameters, where n rides are too few to fit any."""
    why = f"counting stays in force: {n} rides with a known pick-up are too few to learn from"
    counting = Counting(walking=0.3 if stayed <= STAYED else 1.0)
    return RideModel("kernel", counting, None, crowd, stayed), report_of("kernel", why, {}, n, 0, None)


def fit_counting(
    found: Examples, validation: NDArray[np.bool_], truth: NDArray[np.int32], kernel: Kernel
) -> Counting:
    """How much new places and places within walking distance count beside the kernel, one number at a time.

    Chosen on the questions of the trial itself, which favours counting over the ranker.
    """

    def value(counting: Counting) -> float:
        values = score("kernel", counting, None, found.pairs, found.names, len(validation))
        lists = best_lists(found.pairs.question, found.pairs.item, values, len(validation), K)
        return float(reciprocal(lists, truth)[validation].mean())

    best = max((Counting(kernel, walking=factor) for factor in (0.3, 0.6, 1.0)), key=value)
    best = max((replace(best, here=factor) for factor in (0.3, 0.1, 1.0)), key=value)
    best = max((replace(best, popularity=exponent) for exponent in (1.0, 0.5, 0.0)), key=value)
    return max((replace(best, new_share=share) for share in (0.05, 0.02, 0.15)), key=value)


def trial(
    found: Examples,
    inner: NDArray[np.bool_],
    visits: Visits,
    counting: Counting,
    rng: np.random.Generator,
    *,
    seed: int,
    progress: Callable[[str, float], None],
) -> tuple[dict[str, Floats], Ranker | None]:
    """The reciprocal place of the right answer for each method on the questions that are not `inner`, and the
    ranker that was tried.

    The ranker of the trial learns from at most `MOST_TRIAL` inner questions; without one that can be answered
    there is no ranker.
    """
    n = len(found.rows)
    chosen = inner & (rng.random(n) < MOST_TRIAL / max(int(inner.sum()), 1))
    ranker = None
    if found.label[chosen[found.pairs.question]].any():
        ranker = learn(found, chosen, seed=seed, progress=lambda s: progress("trying the ranker", 0.4 + 0.25 * s))
    measured = {}
    for method in ("frequency", "kernel", *(["ranker"] if ranker else [])):
        values = score(method, counting, ranker, found.pairs, found.names, n)
        lists = best_lists(found.pairs.question, found.pairs.item, values, n, K)
        measured[method] = reciprocal(lists, visits.place[found.rows])[~inner]
    return measured, ranker


def report_of(
    method: str, why: str, methods: Mapping[str, Floats], n_train: int, n_validation: int, verdict: Any
) -> Report:
    """The training report from the reciprocal ranks of each method, one per question."""
    means = {name: float(values.mean()) if len(values) else 0.0 for name, values in methods.items()}
    base = max((means.get(name, 0.0), name) for name in ("frequency", "kernel"))
    return Report(
        in_force="ranker" if method == "ranker" else "counting",
        method=method,
        why=why,
        rows=[{"method": name, "mrr@20": value} for name, value in means.items()],
        n_train=n_train,
        n_validation=n_validation,
        metric="mrr@20",
        value=means.get(method, 0.0),
        baseline_value=base[0],
        interval=(verdict.interval.low, verdict.interval.high) if verdict else (0.0, 0.0),
    )
