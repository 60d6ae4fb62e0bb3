"""Fitting and using a model of rides: examples over time, the kernel's parameters, the ranker, the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import NO_TIME
from recommender.places import haversine_km
from recommender.ranking import Pairs, Ranker, best_lists, fit_ranker, gate, sample_negatives
from recommender.ride_crowd import Crowd, crowd_of, from_arrays, to_arrays
from recommender.ride_features import Ground, candidates
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

REFRESH_US = 7 * DAY_US
"""How often the crowd is summed up anew in training and in batches: as old as a weekly retrained version."""

MOST_EXAMPLES = 24_000
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


def near_walk(moments: Moments, ground: Ground, question: NDArray[np.int64], place: NDArray[np.int32]) -> NDArray:
    """Which candidates lie within walking distance of their pick-up (rows,)."""
    km = haversine_km(moments.lat[question], moments.lon[question], ground.lat[place], ground.lon[place])
    return np.nan_to_num(km, nan=np.inf) < WALK_KM


def score(
    method: str, counting: Counting, ranker: Ranker | None, pairs: Pairs, names: Sequence[str], n: int
) -> Floats:
    """How likely each candidate is, as a share of its question's total (rows,)."""
    column = {name: i for i, name in enumerate(names)}
    if not len(pairs):
        return np.zeros(0)
    if method == "ranker" and ranker is not None:
        values = 1 / (1 + np.exp(-ranker.score(pairs.features)))
    else:
        own = np.nan_to_num(pairs.features[:, column["frequency" if method == "frequency" else "kernel_share"]])
        near = np.nan_to_num(np.exp(pairs.features[:, column["near_now"]]), nan=1e-6)
        near = near * (0.05 + np.nan_to_num(pairs.features[:, column["alike"]]))
        values = own + counting.new_share * near / (np.bincount(pairs.question, near, minlength=n)[pairs.question])
    total = np.bincount(pairs.question, values, minlength=n)[pairs.question]
    return values / np.maximum(total, 1e-12)


def rank(
    model: RideModel, visits: Visits, moments: Moments, ground: Ground, k: int = K
) -> tuple[NDArray[np.int32], Pairs, list[str], Floats]:
    """The k best places of each moment, (m, k) with -1 at the end, and the candidates with their final scores.

    Places within walking distance are demoted, and the pick-up place never comes first.
    """
    n = len(moments)
    pairs, names = candidates(visits, moments, model.crowd, ground, model.counting.kernel)
    values = score(model.method, model.counting, model.ranker, pairs, names, n)
    here = pairs.item == moments.origin[pairs.question]
    walk = near_walk(moments, ground, pairs.question, pairs.item)
    factor = 1.0 if model.method == "ranker" else model.counting.walking  # the ranker has learned it from `km`
    values = np.where(walk | here, values * factor, values)
    values = behind_the_best(pairs.question, values, here, n)
    tie = np.nan_to_num(pairs.features[:, names.index("visits")]) if len(pairs) else None
    lists = best_lists(pairs.question, pairs.item, values, n, k, tie)
    return lists, pairs, names, values


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
    found: Examples, questions: NDArray[np.bool_], *, seed: int, progress: Callable[[float], None] | None = None
) -> Ranker:
    """The ranker from the chosen questions: the hardest wrong places by the kernel, and a few drawn at random.

    Raises:
        ValueError: none of the questions has its right answer among the candidates.
    """
    column = {name: i for i, name in enumerate(found.names)}
    features = found.pairs.features
    hard = 10 * np.nan_to_num(features[:, column["kernel_share"]])
    hard += 0.02 * np.nan_to_num(features[:, column["near_now"]], nan=-10.0)
    rows = sample_negatives(found.pairs.question, found.label, hard, np.random.default_rng(seed), hard=25, easy=15)
    rows = rows[questions[found.pairs.question[rows]]]
    return fit_ranker(
        found.pairs.take(rows), found.label[rows], found.names, seed=seed, progress=progress, **SETTINGS
    )


SETTINGS: Mapping[str, Any] = {
    "objective": "binary",
    "rounds": 250,
    "settings": {"learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 100, "feature_fraction": 0.4},
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
    timed = visits.time_us[visits.time_us != NO_TIME]
    end = int(np.max(timed)) + 1 if len(timed) else 0
    crowd = crowd_of(visits, ground.lat, ground.lon, end)
    if len(rows) < LEAST_EXAMPLES:
        why = f"counting stays in force: {len(rows)} rides with a known pick-up are too few to learn from"
        return RideModel("kernel", Counting(), None, crowd), report_of("kernel", why, {}, len(rows), 0, None)
    if len(rows) > MOST_EXAMPLES:
        rows = np.sort(rng.choice(rows, MOST_EXAMPLES, replace=False))
    cut = np.quantile(visits.time_us[rows], 0.8)
    progress("fitting the kernel", 0.05)
    by_time = rows[np.argsort(visits.time_us[rows], kind="stable")]
    early = by_time[visits.time_us[by_time] < cut]
    counting = Counting(kernel=fit_kernel(visits, ground, early))
    found = examples(
        visits, ground, by_time, counting.kernel, lambda share: progress("signals", 0.1 + 0.3 * share)
    )
    inner = visits.time_us[found.rows] < cut
    outer = ~inner
    methods: dict[str, Floats] = {}
    ranker = None
    truth = visits.place[found.rows]
    n = len(found.rows)
    if found.label[inner[found.pairs.question]].any():
        ranker = learn(found, inner, seed=seed, progress=lambda s: progress("trying the ranker", 0.4 + 0.25 * s))
    for method in ("frequency", "kernel", *(["ranker"] if ranker else [])):
        values = score(method, counting, ranker, found.pairs, found.names, n)
        lists = best_lists(found.pairs.question, found.pairs.item, values, n, K)
        methods[method] = reciprocal(lists, truth)[outer]
    base = "frequency" if methods["frequency"].mean() > methods["kernel"].mean() else "kernel"
    verdict = gate({"ranker": methods["ranker"]} if ranker else {}, methods[base], rng, metric="mrr@20")
    method = "ranker" if verdict.in_force == "ranker" else base
    if method == "ranker":
        ranker = learn(
            found, np.ones(n, bool), seed=seed, progress=lambda s: progress("fitting the ranker", 0.65 + 0.3 * s)
        )
    report = report_of(method, verdict.why, methods, int(inner.sum()), int(outer.sum()), verdict)
    return RideModel(method, counting, ranker if method == "ranker" else None, crowd), report


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
