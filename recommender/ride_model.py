"""Fitting and using a model of rides: examples over time, the kernel's parameters, the ranker, the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation import highest
from recommender.interactions import NO_TIME
from recommender.places import haversine_km
from recommender.ranking import Pairs, Ranker, best_lists, fit_ranker, gate, sample_negatives
from recommender.ride_crowd import Crowd, crowd_of, from_arrays, to_arrays
from recommender.ride_features import KM_SHIFT, Ground, candidates
from recommender.ride_signals import (
    DAY_US,
    Kernel,
    Moments,
    Visits,
    gaps_of,
    in_sight,
    kernel_weights,
    moments_at,
)

Floats = NDArray[np.float64]
K = 20
WALK_KM = 0.4
"""Nearer than this people walk (five minutes at 5 km/h)."""

RIDE_FACTOR = 0.6
"""Where somebody asks for a ride, a place within walking distance counts at most this much of its score."""

REFRESH_US = 7 * DAY_US
"""How often the crowd is summed up anew in training and in batches: as old as a weekly retrained version."""

MOST_EXAMPLES = 40_000
MOST_TRIAL = 12_000  # of these, for the trial that the gate judges
WARM_UP = 0.1  # share of the log's time before the first example: there is nothing to know yet
LEAST_EXAMPLES = 300


@dataclass(frozen=True, slots=True)
class Counting:
    """The method without learning: the kernel over own visits, then what is popular near the pick-up."""

    kernel: Kernel = field(default_factory=Kernel)
    new_share: float = 0.05  # weight of places the rider has not been to
    walking: float = 0.3  # factor for places within walking distance of the pick-up


@dataclass(frozen=True, eq=False)
class RideModel:
    """What `fit` found. `method` is "ranker", "kernel" or "frequency": the one in force."""

    method: str
    counting: Counting
    ranker: Ranker | None
    crowd: Crowd


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
        near = np.nan_to_num(np.exp(pairs.features[:, column["near_now"]]), nan=1e-6)
        near = near * (0.05 + np.nan_to_num(pairs.features[:, column["alike"]]))
        values = own + counting.new_share * near / (np.bincount(pairs.question, near, minlength=n)[pairs.question])
        values = np.where(walkable(pairs, names), values * counting.walking, values)
    total = np.bincount(pairs.question, values, minlength=n)[pairs.question]
    return values / np.maximum(total, 1e-12)


def rank(
    model: RideModel, visits: Visits, moments: Moments, ground: Ground, k: int = K, *, riding: bool = True
) -> tuple[NDArray[np.int32], Pairs, list[str], Floats]:
    """The k best places of each moment, (m, k) with -1 at the end, and the candidates with their final scores.

    The pick-up place never comes first, and with `riding` places within walking distance are demoted. (A log of
    check-ins is walked as much as ridden: there the likeliest place is asked for, near or far.)
    """
    n = len(moments)
    pairs, names = candidates(visits, moments, model.crowd, ground, model.counting.kernel)
    values = score(model.method, model.counting, model.ranker, pairs, names, n)
    here = pairs.item == moments.origin[pairs.question]
    if riding and len(pairs):
        already = 1.0 if model.method == "ranker" else model.counting.walking
        values = np.where(walkable(pairs, names), values * min(RIDE_FACTOR / already, 1.0), values)
    values = behind_the_best(pairs.question, values, here, n)
    tie = np.nan_to_num(pairs.features[:, names.index("visits")]) if len(pairs) else None
    lists = best_lists(pairs.question, pairs.item, values, n, k, tie)
    return spread(lists, pairs, values, ground), pairs, names, values


SPREAD_KM, SPREAD_WEIGHT, BUTTONS = 0.5, 0.3, 3


def spread(lists: NDArray[np.int32], pairs: Pairs, values: Floats, ground: Ground) -> NDArray[np.int32]:
    """The same lists with their second and third place chosen so that the first three cover more ground.

    Three buttons that lead to one block are one suggestion. A place counts for its own score and, with a weight
    of `SPREAD_WEIGHT`, for the scores within `SPREAD_KM` that the places before it do not cover (the greedy
    maximal marginal relevance of Carbonell & Goldstein 1998). The first place stays what it is.
    """
    n, k = lists.shape
    if not n or not k or not len(pairs):
        return lists
    width = np.int64(len(ground.lat) + 1)
    keys = pairs.question * width + pairs.item
    wanted = np.arange(n)[:, None] * width + lists
    worth = np.where(lists >= 0, values[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)], 0.0)
    lat, lon = np.r_[ground.lat, np.nan][lists], np.r_[ground.lon, np.nan][lists]
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
    """Scores in which no row marked `here` is its question's first: it comes just behind the best other row."""
    best = np.zeros(n)
    np.maximum.at(best, question[~here], values[~here])
    return np.where(here, np.minimum(values, best[question] * (1 - 1e-9)), values)


def snapshots(
    visits: Visits, ground: Ground, rows: NDArray[np.intp], refresh_us: int = REFRESH_US
) -> Iterator[tuple[NDArray[np.intp], Crowd, Moments]]:
    """Blocks of visits to foretell, each with the crowd as it was at the beginning of its week."""
    week = visits.time_us[rows] // refresh_us
    for number in np.unique(week):
        block = rows[week == number]
        crowd = crowd_of(visits, ground.lat, ground.lon, int(number * refresh_us))
        yield block, crowd, moments_at(visits, block, ground.lat, ground.lon)


def to_foretell(visits: Visits, since: float = WARM_UP) -> NDArray[np.intp]:
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
    "origin_km": (0.25, 0.5, 1.0),
}


def fit_kernel(visits: Visits, ground: Ground, rows: NDArray[np.intp], sample: int = 3000) -> Kernel:
    """The kernel whose parameters foretell the given visits best (mean reciprocal rank), one parameter at a time.

    Starts from the values that worked on public check-ins and moves only where the gain is above noise.
    """
    kernel = Kernel()
    rows = rows[-sample:]
    if len(rows) < LEAST_EXAMPLES:
        return kernel
    moments = moments_at(visits, rows, ground.lat, ground.lon)
    sight = in_sight(visits, moments)
    gaps = gaps_of(visits, moments, sight, ground.lat, ground.lon)
    truth = visits.place[rows]

    def value(candidate: Kernel) -> float:
        mass = sight.total(kernel_weights(candidate, gaps))
        lists = best_lists(sight.group_moment, sight.group_place, mass, len(rows), K)
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
    """Candidates of many moments with the right one marked, and the visits they came from."""

    pairs: Pairs
    label: NDArray[np.bool_]
    rows: NDArray[np.intp]
    names: list[str]


def examples(
    visits: Visits,
    ground: Ground,
    rows: NDArray[np.intp],
    kernel: Kernel,
    tick: Callable[[float], None] = lambda share: None,
) -> Examples:
    """Candidates and signals of the given visits, each as it could be known just before it."""
    parts, labels, taken, done = [], [], [], 0
    names: list[str] = []
    for block, crowd, moments in snapshots(visits, ground, rows):
        pairs, names = candidates(visits, moments, crowd, ground, kernel)
        parts.append(pairs)
        labels.append(visits.place[block][pairs.question] == pairs.item)
        taken.append(block)
        done += len(block)
        tick(done / len(rows))
    offsets = np.cumsum([0, *(len(block) for block in taken)])
    questions = [part.question + offset for part, offset in zip(parts, offsets, strict=False)]
    pairs = Pairs(
        np.concatenate(questions),
        np.concatenate([part.item for part in parts]),
        np.concatenate([part.features for part in parts]),
    )
    return Examples(pairs, np.concatenate(labels), np.concatenate(taken), names)


def learn(
    found: Examples,
    questions: NDArray[np.bool_],
    *,
    seed: int,
    progress: Callable[[float], None] | None = None,
    columns: Sequence[int] | None = None,
) -> Ranker:
    """The ranker from the chosen questions, over all signals or the chosen columns.

    It learns from the hardest wrong places by the kernel, and a few drawn at random.

    Raises:
        ValueError: none of the questions has its right answer among the candidates.
    """
    column = {name: i for i, name in enumerate(found.names)}
    features = found.pairs.features
    hard = 10 * np.nan_to_num(features[:, column["kernel_share"]])
    hard += 0.02 * np.nan_to_num(features[:, column["near_now"]], nan=-10.0)
    rows = sample_negatives(found.pairs.question, found.label, hard, np.random.default_rng(seed), hard=40, easy=20)
    rows = rows[questions[found.pairs.question[rows]]]
    kept = list(range(len(found.names)) if columns is None else columns)
    sample = Pairs(found.pairs.question[rows], found.pairs.item[rows], features[np.ix_(rows, kept)])
    names = [found.names[j] for j in kept]
    return fit_ranker(sample, found.label[rows], names, seed=seed, progress=progress, **SETTINGS)


SETTINGS: Mapping[str, Any] = {
    "objective": "lambdarank",
    "rounds": 150,
    "settings": {"learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 100, "feature_fraction": 0.4},
}


def fit(
    visits: Visits, ground: Ground, *, seed: int, progress: Callable[[str, float], None] = lambda what, share: None
) -> tuple[RideModel, dict[str, Any]]:
    """The model in force after an inner validation on the last fifth of the rides, and its report.

    The learned ranker replaces the kernel only where it wins a paired bootstrap, and the kernel stays only where
    it is not below the rider's most frequent places by hour and weekend.
    """
    rng = np.random.default_rng(seed)
    rows = to_foretell(visits)
    crowd = crowd_of(visits, ground.lat, ground.lon, highest(visits.time_us) + 1)
    if len(rows) < LEAST_EXAMPLES:
        why = f"counting stays in force: {len(rows)} rides with a known pick-up are too few to learn from"
        return RideModel("kernel", Counting(), None, crowd), report_of("kernel", why, {}, len(rows), 0, None)
    if len(rows) > MOST_EXAMPLES:
        rows = rng.choice(rows, MOST_EXAMPLES, replace=False)
    rows = rows[np.lexsort((rows, visits.time_us[rows]))]
    cut = np.quantile(visits.time_us[rows], 0.8)
    progress("fitting the kernel", 0.05)
    kernel = fit_kernel(visits, ground, rows[visits.time_us[rows] < cut])
    found = examples(visits, ground, rows, kernel, lambda share: progress("signals", 0.1 + 0.3 * share))
    inner = visits.time_us[found.rows] < cut
    counting = fit_counting(found, inner, visits.place[found.rows], kernel)
    measured = trial(found, inner, visits, counting, rng, seed=seed, progress=progress)
    base = "frequency" if measured["frequency"].mean() > measured["kernel"].mean() else "kernel"
    challengers = {name: values for name, values in measured.items() if name == "ranker"}
    verdict = gate(challengers, measured[base], rng, metric="mrr@20")
    report = report_of(
        "ranker" if verdict.in_force == "ranker" else base,
        verdict.why,
        measured,
        int(inner.sum()),
        int((~inner).sum()),
        verdict,
    )
    if verdict.in_force != "ranker":
        return RideModel(base, counting, None, crowd), report
    everything = np.ones(len(inner), bool)
    ranker = learn(found, everything, seed=seed, progress=lambda s: progress("fitting the ranker", 0.65 + 0.3 * s))
    return RideModel("ranker", counting, ranker, crowd), report


def fit_counting(found: Examples, inner: NDArray[np.bool_], truth: NDArray[np.int32], kernel: Kernel) -> Counting:
    """How much new places and places within walking distance count beside the kernel, by the inner questions."""

    def value(counting: Counting) -> float:
        values = score("kernel", counting, None, found.pairs, found.names, len(inner))
        lists = best_lists(found.pairs.question, found.pairs.item, values, len(inner), K)
        return float(reciprocal(lists, truth)[inner].mean())

    grid = [Counting(kernel, new, walk) for walk in (0.3, 0.6, 1.0) for new in (0.02, 0.05, 0.15)]
    return max(grid, key=value)


def trial(
    found: Examples,
    inner: NDArray[np.bool_],
    visits: Visits,
    counting: Counting,
    rng: np.random.Generator,
    *,
    seed: int,
    progress: Callable[[str, float], None],
) -> dict[str, Floats]:
    """The reciprocal place of the right answer for each method on the questions that are not `inner`.

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
    return measured


def report_of(
    method: str, why: str, methods: Mapping[str, Floats], n_train: int, n_validation: int, verdict: Any
) -> dict[str, Any]:
    """The part of `Trained.report` that decides on publishing."""
    means = {name: float(values.mean()) if len(values) else 0.0 for name, values in methods.items()}
    base = max((means.get(name, 0.0), name) for name in ("frequency", "kernel"))
    return {
        "in_force": "ranker" if method == "ranker" else "counting",
        "method": method,
        "why": why,
        "rows": [{"method": name, "mrr@20": value} for name, value in means.items()],
        "n_train": n_train,
        "n_validation": n_validation,
        "metric": "mrr@20",
        "value": means.get(method, 0.0),
        "baseline_value": base[0],
        "interval": [verdict.interval.low, verdict.interval.high] if verdict else [0.0, 0.0],
    }


def model_arrays(model: RideModel) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The model as plain arrays and texts."""
    texts = {
        "rides.json": json.dumps({"method": model.method, "counting": asdict(model.counting)}, sort_keys=True)
    }
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
        method = str(head["method"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"the model of destinations cannot be read: {error!r}") from error
    if method not in ("ranker", "kernel", "frequency"):
        raise ValueError(f"the model of destinations names a method that is not known: {method!r}")
    return RideModel(method, counting, Ranker.from_texts(texts) if method == "ranker" else None, crowd)
