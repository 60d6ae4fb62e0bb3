"""The two-stage model of orders: fitting it on earlier orders of everybody, and what it says about candidates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation import Interval, Truth, orders_per_customer, score_lists, split_last, summary
from recommender.interactions import Interactions
from recommender.ranking import Pairs, Ranker, best_lists, fit_ranker, gate, sample_negatives, standardise
from recommender.scenes.base import Progress
from recommender.signals import NAMES, Crowd, ask, column

METRIC = "ndcg@10"
PRIOR_ORDERS = (1.0, 3.0, 10.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is trained. The defaults suit a nightly run of a restaurant; the batch takes more time."""

    rounds: int = 4  # orders of each customer that are learned from, newest first
    max_questions: int = 20_000  # in one round
    trees: int = 150
    copies: int = 1
    objective: str = "binary"
    hard: int = 30
    easy: int = 30
    ranker: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderModel:
    """What is published: statistics of the crowd, a ranker if there is one, and which method is in force."""

    items: NDArray[np.str_]
    sites: NDArray[np.str_]
    regions: NDArray[np.str_]
    crowd: Crowd
    ranker: Ranker | None
    in_force: str  # "ranker", "blend" or "counting"
    prior_orders: float  # of the counting back-off

    def score(self, pairs: Pairs, n: int, method: str | None = None) -> NDArray[np.float64]:
        """Each candidate's score by the method in force (or another), shape (rows,)."""
        method = method or self.in_force
        if method == "counting" or self.ranker is None:
            return counting(pairs, self.prior_orders)
        learned = self.ranker.score(pairs.features)
        if method == "ranker":
            return learned
        plain = counting(pairs, self.prior_orders)
        return 0.7 * standardise(pairs.question, learned, n) + 0.3 * standardise(pairs.question, plain, n)

    def lists(self, pairs: Pairs, n: int, k: int, method: str | None = None) -> NDArray[np.int32]:
        """The k best items of each of n questions, shape (n, k), -1 after the end."""
        tie = pairs.features[:, column("item_orders")]
        return best_lists(pairs.question, pairs.item, self.score(pairs, n, method), n, k, tie)

    def saved(self) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        """Arrays and texts from which `load` builds the same model."""
        head = {"in_force": self.in_force, "prior_orders": self.prior_orders, "names": NAMES, "version": 1}
        arrays = {**self.crowd.arrays(), "items": self.items, "sites": self.sites, "regions": self.regions}
        texts = {"orders.json": json.dumps(head), **self.crowd.texts()}
        return arrays, texts | (self.ranker.to_texts() if self.ranker else {})

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> OrderModel:
        """Raises ValueError when a part is missing, unreadable or of another version."""
        try:
            head = json.loads(texts["orders.json"])
            crowd = Crowd.from_saved(arrays, texts)
            vocabularies = (arrays["items"], arrays["sites"], arrays["regions"])
            in_force, prior = str(head["in_force"]), float(head["prior_orders"])
            if tuple(head["names"]) != NAMES:
                raise ValueError("the model was trained with other signals; train again")
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the orders model cannot be read: {error}") from error
        ranker = Ranker.from_texts(texts) if "ranker.json" in texts else None
        return cls(*vocabularies, crowd, ranker, in_force, prior)


def counting(pairs: Pairs, prior_orders: float) -> NDArray[np.float64]:
    """The back-off: own orders of the item + prior_orders * p(item | place, hour).

    That is the posterior mean of a Dirichlet prior worth `prior_orders` orders; up to 1 it is own frequency
    with ties broken by what is popular here and now.
    """
    own = pairs.features[:, column("own_count")].astype(np.float64)
    return own + prior_orders * np.exp(pairs.features[:, column("here_now")].astype(np.float64))


def truth_of(history: Interactions, targets: Interactions) -> Truth:
    """The right answers of the questions that `ask(history, targets)` makes."""
    asked, question = np.unique(targets.customer, return_inverse=True)
    width = max(len(history.items), 1)
    had = np.unique(history.customer.astype(np.int64) * width + history.item)
    known = np.isin(targets.customer.astype(np.int64) * width + targets.item, had)
    return Truth.from_pairs(question, targets.item, known, len(asked))


def labels(pairs: Pairs, truth: Truth, n_items: int) -> NDArray[np.bool_]:
    """Which candidates are right, shape (rows,)."""
    wanted = truth.question * n_items + truth.items
    return np.isin(pairs.question * n_items + pairs.item, wanted)


@dataclass(frozen=True, slots=True)
class Round:
    """One past order of many customers as questions: what the crowd knew then, candidates, right answers."""

    pairs: Pairs
    label: NDArray[np.bool_]
    truth: Truth
    crowd: Crowd


def make_round(
    seen: Interactions,
    back: int,
    features: Sequence[Sequence[str]],
    seed: int,
    *,
    least: int,
    most: int,
) -> Round:
    """The orders `back` from the end, with everything of their customers from then on taken away.

    At most `most` customers, drawn by the seed, are asked about.
    """
    counts = orders_per_customer(seen)
    able = np.flatnonzero(counts >= max(least, back + 1))
    if len(able) > most:
        able = np.random.default_rng([seed, back]).choice(able, most, replace=False)
    mask = np.zeros(len(counts), np.bool_)
    mask[able] = True
    history, targets = split_last(seen, back, least, mask)
    crowd = Crowd.fit(history, features, seed)
    pairs = crowd.pairs(ask(history, targets))
    truth = truth_of(history, targets)
    return Round(pairs, labels(pairs, truth, max(len(features), 1)), truth, crowd)


def _sample(made: Round, settings: Settings, seed: int, back: int) -> tuple[Pairs, NDArray[np.bool_]]:
    """The rows of a round that the ranker learns from."""
    hardness = counting(made.pairs, 100.0).astype(np.float32)
    rng = np.random.default_rng([seed, back, 1])
    rows = sample_negatives(made.pairs.question, made.label, hardness, rng, hard=settings.hard, easy=settings.easy)
    return made.pairs.take(rows), made.label[rows]


def _fit(parts: Sequence[tuple[Pairs, NDArray[np.bool_]]], settings: Settings, seed: int) -> Ranker | None:
    """A ranker from the rows of several rounds, None where there is nothing to learn from."""
    label = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.bool_)
    if label.sum() < 50 or label.all():
        return None
    return fit_ranker(
        Pairs.join([part[0] for part in parts]),
        label,
        NAMES,
        seed=seed,
        objective=settings.objective,
        rounds=settings.trees,
        copies=settings.copies,
        settings=settings.ranker,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model and how it came out on validation."""

    model: OrderModel
    rows: tuple[dict[str, float | str], ...]
    why: str
    interval: Interval
    n_train: int
    n_validation: int
    value: float
    baseline: float


def fit_orders(
    seen: Interactions,
    features: Sequence[Sequence[str]],
    *,
    seed: int,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Learn from earlier orders, choose on everybody's last order, then fit again on everything.

    Customers with >= 4 orders give a validation question each (their last order). The ranker learns from the
    orders before it, each seen with the history that came before it. The counting back-off stays in force
    unless the ranker wins (`ranking.gate`). The published ranker has learned from the last orders as well.

    Args:
        seen: all interactions; their items are the first len(features) codes.
    """
    settings = settings or Settings()
    tick = progress or (lambda _what, _share: None)
    tick("asking about everybody's last order", 0.05)
    valid = make_round(seen, 1, features, seed, least=4, most=settings.max_questions)
    parts = []
    for back in range(2, settings.rounds + 2):
        tick(f"learning from the orders {back} back", 0.1 + 0.6 * (back - 1) / (settings.rounds + 1))
        made = make_round(seen, back, features, seed, least=2, most=settings.max_questions)
        parts.append(_sample(made, settings, seed, back))
    tick("fitting the ranker", 0.7)
    trial = OrderModel(
        seen.items, seen.sites, seen.regions, valid.crowd, _fit(parts, settings, seed), "counting", 1.0
    )
    chosen = _choose(trial, valid, np.random.default_rng([seed, 7]))
    tick("fitting on everything", 0.85)
    if chosen.model.ranker is not None:
        final = make_round(seen, 1, features, seed, least=2, most=settings.max_questions)
        ranker = _fit([_sample(final, settings, seed, 1), *parts], settings, seed)
    else:
        ranker = None
    crowd = Crowd.fit(seen, features, seed)
    tick("done", 1.0)
    n_train = sum(len(np.unique(part[0].question)) for part in parts)
    return replace(chosen, model=replace(chosen.model, crowd=crowd, ranker=ranker), n_train=n_train)


def _choose(trial: OrderModel, valid: Round, rng: np.random.Generator) -> Fitted:
    """Which method is in force, by the validation round."""
    n, truth = valid.truth.n, valid.truth
    prior, plain = 1.0, score_lists(trial.lists(valid.pairs, n, 20, "counting"), truth)
    rows: list[dict[str, float | str]] = [{"method": "own frequency", **summary(plain)}]
    for candidate in PRIOR_ORDERS[1:]:
        other = score_lists(replace(trial, prior_orders=candidate).lists(valid.pairs, n, 20, "counting"), truth)
        if gate({"more": other[METRIC]}, plain[METRIC], rng, level=0.8).in_force == "more":
            prior, plain = candidate, other
    trial = replace(trial, prior_orders=prior)
    rows.append({"method": "counting", **summary(plain)})
    methods = ("ranker", "blend") if trial.ranker else ()
    scored = {name: score_lists(trial.lists(valid.pairs, n, 20, name), truth) for name in methods}
    rows += [{"method": name, **summary(scores)} for name, scores in scored.items()]
    verdict = gate({name: scores[METRIC] for name, scores in scored.items()}, plain[METRIC], rng)
    winner = {**scored, "counting": plain}[verdict.in_force]
    return Fitted(
        model=replace(trial, in_force=verdict.in_force),
        rows=tuple(rows),
        why=verdict.why,
        interval=verdict.interval,
        n_train=0,
        n_validation=n,
        value=float(np.mean(winner[METRIC])) if n else 0.0,
        baseline=float(np.mean(plain[METRIC])) if n else 0.0,
    )
