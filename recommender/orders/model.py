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
from recommender.questions import Questions, ask
from recommender.ranking import Pairs, Ranker, best_lists, fit_ranker, gate, sample_negatives, standardise
from recommender.scenes.base import Progress
from recommender.signals import NAMES, Crowd, column

Features = Sequence[Sequence[str]]
Sample = tuple[Pairs, NDArray[np.bool_]]

METRIC = "ndcg@10"
PART = 1000  # questions whose candidates are held at once
PRIOR_ORDERS = (1.0, 3.0, 10.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is trained. The defaults suit a nightly run of a restaurant; the batch takes more time."""

    rounds: int = 2  # orders of each customer that are learned from, newest first
    max_questions: int = 4_000  # in one round
    trees: int = 300
    copies: int = 1
    objective: str = "binary"
    hard: int = 0  # hard negatives are mostly own items: too many of them teach the ranker to doubt repeats
    easy: int = 60
    ranker: Mapping[str, Any] = field(
        default_factory=lambda: {
            "learning_rate": 0.04, "num_leaves": 7, "min_data_in_leaf": 60, "feature_fraction": 0.4,
            "lambda_l2": 20.0,
        }
    )  # fmt: skip


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
        """Each candidate's score by the method in force (or another), shape (rows,).

        Whoever has no history is always answered by counting: the ranker has not learned from such questions.
        """
        method = method or self.in_force
        plain = counting(pairs, self.prior_orders)
        if method == "counting" or self.ranker is None or not len(pairs):
            return plain
        learned = self.ranker.score(pairs.features)
        if method == "blend":
            steady = np.log(counting(pairs, max(PRIOR_ORDERS)) + 0.01)
            learned = 0.7 * standardise(pairs.question, learned, n) + 0.3 * standardise(pairs.question, steady, n)
        return np.where(pairs.features[:, column("asker_orders")] > 0, learned, plain)

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


def labels_of(truth: Truth, n_items: int) -> NDArray[np.int64]:
    """question * n_items + item of every right answer."""
    return truth.question * n_items + truth.items


@dataclass(frozen=True, slots=True)
class Round:
    """One past order of many customers as questions, with what was known before it."""

    history: Interactions
    crowd: Crowd
    asked: Questions
    truth: Truth


def make_round(seen: Interactions, back: int, features: Features, seed: int, *, least: int, most: int) -> Round:
    """The orders `back` from the end, with everything of their customers from then on taken away.

    At most `most` customers, drawn by the seed, are asked about; the others keep all their orders.
    """
    counts = orders_per_customer(seen)
    able = np.flatnonzero(counts >= max(least, back + 1))
    if len(able) > most:
        able = np.random.default_rng([seed, back]).choice(able, most, replace=False)
    mask = np.zeros(len(counts), np.bool_)
    mask[able] = True
    history, targets = split_last(seen, back, least, mask)
    return Round(history, Crowd.fit(history, features, seed), ask(history, targets), truth_of(history, targets))


def _sample(made: Round, settings: Settings, seed: int, back: int) -> Sample:
    """The rows of a round that the ranker learns from, gathered part by part to keep memory low."""
    rng, parts, n_items = np.random.default_rng([seed, back, 1]), [], max(made.crowd.n_items, 1)
    right = labels_of(made.truth, n_items)
    for start in range(0, made.asked.n, PART):
        part = made.crowd.pairs(made.asked.part(start, min(start + PART, made.asked.n)))
        label = np.isin((part.question + start) * n_items + part.item, right)
        hardness = counting(part, 100.0).astype(np.float32)
        rows = sample_negatives(part.question, label, hardness, rng, hard=settings.hard, easy=settings.easy)
        parts.append((part.take(rows), label[rows]))
    if not parts:
        return _nothing()
    return Pairs.join([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def learn_from(seen: Interactions, back: int, features: Features, settings: Settings, seed: int) -> Sample:
    """What the ranker learns from everybody's orders `back` from the end: rows and their labels."""
    made = make_round(seen, back, features, seed, least=2, most=settings.max_questions)
    return _sample(made, settings, seed, back)


def _nothing() -> Sample:
    empty = np.zeros(0, np.int64)
    return Pairs(empty, empty.astype(np.int32), np.zeros((0, len(NAMES)), np.float32)), np.zeros(0, np.bool_)


def _fit(parts: Sequence[Sample], settings: Settings, seed: int) -> Ranker | None:
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
    features: Features,
    *,
    seed: int,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Learn from earlier orders, choose on everybody's last order, then fit again on everything.

    Customers with >= 3 orders give a validation question each (their last order). The ranker learns from the
    orders before it, the last known of everybody first, each with the history that came before it. The
    counting back-off stays in force unless the ranker wins (`ranking.gate`). The published ranker has learned
    from the validation orders as well.

    Args:
        seen: all interactions; their items are the first len(features) codes.
    """
    settings = settings or Settings()
    tick = progress or (lambda _what, _share: None)
    most = settings.max_questions
    tick("what everybody knew before the last order", 0.02)
    valid = make_round(seen, 1, features, seed, least=3, most=most)
    samples: list[Sample] = []
    for back in range(1, settings.rounds + 1):
        tick(f"learning from the orders {back} back", 0.1 + 0.4 * (back - 1) / settings.rounds)
        samples.append(learn_from(valid.history, back, features, settings, seed))
    tick("fitting the ranker", 0.5)
    trial = OrderModel(
        seen.items, seen.sites, seen.regions, valid.crowd, _fit(samples, settings, seed), "counting", 1
    )
    tick("choosing on everybody's last order", 0.65)
    chosen = _choose(trial, valid, np.random.default_rng([seed, 7]))
    ranker = None
    if chosen.model.in_force != "counting":
        tick("learning from the last orders too", 0.75)
        newest = learn_from(seen, 1, features, settings, seed)
        ranker = _fit([newest, *samples[: settings.rounds - 1]], settings, seed)
    tick("counting everything", 0.95)
    crowd = Crowd.fit(seen, features, seed)
    tick("done", 1.0)
    n_train = sum(len(np.unique(sample[0].question)) for sample in samples)
    return replace(chosen, model=replace(chosen.model, crowd=crowd, ranker=ranker), n_train=n_train)


def _choose(trial: OrderModel, valid: Round, rng: np.random.Generator) -> Fitted:
    """Which method is in force, by the validation round."""
    n = valid.asked.n
    methods = ["counting", *(("ranker", "blend") if trial.ranker else ())]
    lists: dict[str, list[NDArray[np.int32]]] = {name: [] for name in (*methods, *map(str, PRIOR_ORDERS))}
    for start in range(0, n, PART):
        part = valid.asked.part(start, min(start + PART, n))
        pairs = trial.crowd.pairs(part)
        for prior in PRIOR_ORDERS:
            lists[str(prior)].append(replace(trial, prior_orders=prior).lists(pairs, part.n, 20, "counting"))
        for name in methods[1:]:
            lists[name].append(trial.lists(pairs, part.n, 20, name))
    empty = np.zeros((0, 20), np.int32)
    scored = {
        name: score_lists(np.concatenate([empty, *made]), valid.truth)
        for name, made in lists.items()
        if name != "counting"
    }
    prior, plain = PRIOR_ORDERS[0], scored[str(PRIOR_ORDERS[0])]
    rows: list[dict[str, float | str]] = [{"method": "own frequency", **summary(plain)}]
    for other in PRIOR_ORDERS[1:]:
        if gate({"more": scored[str(other)][METRIC]}, plain[METRIC], rng, level=0.8).in_force == "more":
            prior, plain = other, scored[str(other)]
    rows.append({"method": "counting", **summary(plain)})
    learned = {name: scored[name] for name in methods[1:]}
    rows += [{"method": name, **summary(scores)} for name, scores in learned.items()]
    verdict = gate({name: scores[METRIC] for name, scores in learned.items()}, plain[METRIC], rng, level=0.9)
    winner = {**learned, "counting": plain}[verdict.in_force]
    return Fitted(
        model=replace(trial, in_force=verdict.in_force, prior_orders=prior),
        rows=tuple(rows),
        why=verdict.why,
        interval=verdict.interval,
        n_train=0,
        n_validation=n,
        value=float(np.mean(winner[METRIC])) if n else 0.0,
        baseline=float(np.mean(plain[METRIC])) if n else 0.0,
    )
