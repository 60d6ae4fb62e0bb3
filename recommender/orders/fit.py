"""Fitting favourite orders: training rows from past orders, the rankers, and the choice on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders.model import LEARNED, PRIOR_ORDERS, OrderModel
from recommender.orders.rounds import AnyRound, Features, Mask, Round, Rounds, asked, make_round
from recommender.orders.signals.crowd import NAMES, ItemCrowd
from recommender.ranking.gate import gate
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import Interval, Targets, orders_per_customer, score_lists, summary
from recommender.ranking.pairs import Pairs, sample_negatives
from recommender.ranking.ranker import Mixture, fit_rankers
from recommender.scene import Progress

Sample = tuple[Pairs, NDArray[np.bool_]]

METRIC = "ndcg@10"

OBJECTIVES = {"chance": "binary", "order": "lambdarank"}
OLDER = 0.5  # an order further back counts half: tastes and menus change
LARGE = 200_000  # rows; fewer are enough for small trees only
RANKER: Mapping[str, Any] = {
    "min_data_in_leaf": 60,
    "feature_fraction": 0.4,
    "lambda_l2": 20.0,
}
ENOUGH_TARGETS = 2_000  # target customers; with fewer, all customers' orders are learned from and chosen by


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How much is trained. The defaults suit a nightly run of a restaurant; the batch takes more time."""

    rounds: int = 2  # orders of each customer that are learned from, newest first
    max_questions: int = 4_000  # in one round
    trees: int = 160
    learning_rate: float = 0.06  # of a tree: fewer trees with more weight are as accurate on every history tried
    copies: int = 3  # of each ranker where rows are few: averaging different draws reduces variance
    least_people: int = 1  # so many different people must stand behind every figure about others
    easy: int = 60  # wrong candidates drawn for each question; hard ones teach the ranker to doubt repeats


def labels_of(truth: Targets, n_items: int) -> NDArray[np.int64]:
    """question * n_items + item of every right answer."""
    return truth.question * n_items + truth.items


def sample_of(made: AnyRound, settings: FitSettings, seed: int, back: int) -> Sample:
    """The rows of a round that the ranker learns from, collected part by part to bound the memory."""
    rng, parts, n_items = np.random.default_rng([seed, back, 1]), [], max(made.crowd.n_items, 1)
    right = labels_of(made.truth, n_items)
    for start, _, part in made.parts():
        label = np.isin((part.question + start) * n_items + part.item, right)
        rows = sample_negatives(part.question, label, None, rng, easy=settings.easy)
        parts.append((part.take(rows), label[rows]))
    if not parts:
        return _nothing()
    return Pairs.join([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def learn_from(
    seen: Interactions,
    back: int,
    features: Features,
    settings: FitSettings,
    seed: int,
    target_customers: Mask | None = None,
) -> Sample:
    """What the ranker learns from the orders `back` from the end: rows and their labels."""
    made = make_round(
        seen,
        back,
        features,
        seed,
        least=2,
        most=settings.max_questions,
        target_customers=target_customers,
        least_people=settings.least_people,
    )
    return sample_of(made, settings, seed, back)


def _nothing() -> Sample:
    empty = np.zeros(0, np.int64)
    return Pairs(empty, empty.astype(np.int32), np.zeros((0, len(NAMES)), np.float32)), np.zeros(0, np.bool_)


def fit_mixture(
    parts: Sequence[Sample],
    settings: FitSettings,
    seed: int,
    tick: Callable[[float], None] = lambda share: None,
) -> Mixture | None:
    """Rankers of both objectives from the rows of several rounds, the newest first, each older one by half.

    None where there is nothing to learn from.
    """
    label = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, np.bool_)
    if label.sum() < 50 or label.all():
        return None
    pairs = Pairs.join([part[0] for part in parts])
    weight = np.concatenate([np.full(len(part[1]), OLDER**age) for age, part in enumerate(parts)])
    leaves, copies = (15, 1) if len(label) >= LARGE else (7, settings.copies)
    rankers = fit_rankers(
        pairs,
        label,
        NAMES,
        list(OBJECTIVES.values()),
        seed=seed,
        rounds=settings.trees,
        copies=copies,
        settings={**RANKER, "learning_rate": settings.learning_rate, "num_leaves": leaves},
        weight=weight,
        progress=tick,
    )
    return Mixture({name: rankers[objective] for name, objective in OBJECTIVES.items()})


@dataclass(frozen=True, slots=True)
class FittedOrders:
    """A model and its figures on validation."""

    model: OrderModel
    rows: tuple[dict[str, float | str], ...]
    why: str
    interval: Interval
    n_train: int
    n_validation: int
    value: float
    baseline: float
    trial: OrderModel | None = None  # without the last orders of those in `asked`, by the method in force
    asked: Mask | None = None  # (customers,) whose last order the choice was made on


def fit_orders(
    seen: Interactions,
    features: Features,
    *,
    seed: int,
    settings: FitSettings | None = None,
    target_customers: Mask | None = None,
    progress: Progress | None = None,
) -> FittedOrders:
    """Learn from earlier orders, choose on the last order, then fit again on everything.

    Customers with >= 3 orders give a validation question each (their last order). The rankers learn from the
    orders before it, the newest first, each with the history that came before it. The
    counting back-off stays in force unless a learned method wins (`ranking.gate`). The published rankers have
    learned from the validation orders as well.

    Args:
        seen: all interactions; their items are the first len(features) codes.
        target_customers: (customers,) whose next order is to be predicted, where that is known: then their orders
            are learned from and chosen by, if they are enough. None is everybody.
    """
    settings = settings or FitSettings()
    target_customers = enough_targets(target_customers)
    fitted = fit_rounds(_Whole(seen, features, settings, seed, target_customers), settings, seed, progress)
    return replace(fitted, asked=asked_last(orders_per_customer(seen), settings, seed, target_customers))


def asked_last(counts: NDArray[np.int32], settings: FitSettings, seed: int, targets: Mask | None) -> Mask:
    """(customers,) who are asked for their last order (`Rounds.last`); `counts` are orders of each customer."""
    return asked(counts, 1, seed, least=3, most=settings.max_questions, target_customers=targets)


def enough_targets(target_customers: Mask | None) -> Mask | None:
    """The same, or None (everybody) where they are too few to learn from."""
    return None if target_customers is None or target_customers.sum() < ENOUGH_TARGETS else target_customers


@dataclass
class _Whole:
    """The rounds of a log in memory."""

    seen: Interactions
    features: Features
    settings: FitSettings
    seed: int
    target_customers: Mask | None
    known: Interactions | None = None

    @property
    def words(self) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
        return self.seen.items, self.seen.sites, self.seen.regions

    def last(self) -> Round:
        made = self._round(self.seen, 1, least=3)
        self.known = made.history
        return made

    def earlier(self, back: int) -> Round:
        return self._round(self.seen if self.known is None else self.known, back)

    def newest(self) -> Round:
        return self._round(self.seen, 1)

    def everything(self) -> ItemCrowd:
        return ItemCrowd.fit(self.seen, self.features, self.seed, least_people=self.settings.least_people)

    def _round(self, seen: Interactions, back: int, *, least: int = 2) -> Round:
        return make_round(
            seen,
            back,
            self.features,
            self.seed,
            least=least,
            most=self.settings.max_questions,
            target_customers=self.target_customers,
            least_people=self.settings.least_people,
        )


def fit_rounds(rounds: Rounds, settings: FitSettings, seed: int, progress: Progress | None = None) -> FittedOrders:
    """`fit_orders`, however the log lies."""
    tick = progress or (lambda _what, _share: None)
    tick("counting without the last orders", 0.02)
    valid = rounds.last()
    samples: list[Sample] = []
    for back in range(1, settings.rounds + 1):
        tick(f"learning from the orders {back} back", 0.05 + 0.2 * (back - 1) / settings.rounds)
        samples.append(sample_of(rounds.earlier(back), settings, seed, back))

    def fitting(parts: Sequence[Sample], begin: float, end: float) -> Mixture | None:
        return fit_mixture(
            parts, settings, seed, lambda share: tick("fitting the rankers", begin + (end - begin) * share)
        )

    ranker = fitting(samples, 0.25, 0.55)
    trial = OrderModel(*rounds.words, valid.crowd, ranker, "counting", 1)
    tick("choosing on the last order", 0.55)
    chosen = _choose(trial, valid, np.random.default_rng([seed, 7]))
    ranker = None
    if chosen.model.in_force != "counting":
        tick("learning from the last orders too", 0.6)
        newest = sample_of(rounds.newest(), settings, seed, 1)
        ranker = fitting([newest, *samples[: settings.rounds - 1]], 0.65, 0.95)
    tick("counting everything", 0.95)
    crowd = rounds.everything()
    tick("done", 1.0)
    n_train = sum(len(np.unique(sample[0].question)) for sample in samples)
    whole = replace(chosen.model, crowd=crowd, ranker=ranker)
    return replace(chosen, model=whole, trial=chosen.model, n_train=n_train)


def _choose(trial: OrderModel, valid: AnyRound, rng: np.random.Generator) -> FittedOrders:
    """Which method is in force, by the validation round."""
    n = valid.questions.n
    names = LEARNED if trial.ranker else ()
    lists: dict[str, list[NDArray[np.int32]]] = {name: [] for name in (*names, *map(str, PRIOR_ORDERS))}
    for _, part, pairs in valid.parts():
        for prior in PRIOR_ORDERS:
            lists[str(prior)].append(replace(trial, prior_orders=prior).lists(pairs, part.n, 20, "counting"))
        for name, made in trial.learned_lists(pairs, part.n, 20).items():
            lists[name].append(made)
    empty = np.zeros((0, 20), np.int32)
    scored = {name: score_lists(np.concatenate([empty, *made]), valid.truth) for name, made in lists.items()}
    prior, plain = PRIOR_ORDERS[0], scored[str(PRIOR_ORDERS[0])]
    rows: list[dict[str, float | str]] = [{"method": "own frequency", **summary(plain)}]
    for other in PRIOR_ORDERS[1:]:
        if gate({"more": scored[str(other)][METRIC]}, plain[METRIC], rng, level=0.8).in_force == "more":
            prior, plain = other, scored[str(other)]
    rows.append({"method": "counting", **summary(plain)})
    learned = {name: scored[name] for name in names}
    rows += [{"method": name, **summary(scores)} for name, scores in learned.items()]
    figures = {name: scores[METRIC] for name, scores in learned.items()}
    verdict = gate(figures, plain[METRIC], rng, level=0.9)
    in_force = verdict.in_force if verdict.in_force == "counting" else steadiest(figures)
    why = verdict.why
    if in_force != verdict.in_force:
        why += f"; the {in_force} is steadier and within a standard error of it"
    winner = {**learned, "counting": plain}[in_force]
    return FittedOrders(
        model=replace(trial, in_force=in_force, prior_orders=prior),
        rows=tuple(rows),
        why=why,
        interval=verdict.interval,
        n_train=0,
        n_validation=n,
        value=float(np.mean(winner[METRIC])) if n else 0.0,
        baseline=float(np.mean(plain[METRIC])) if n else 0.0,
    )


def steadiest(learned: Mapping[str, NDArray[np.float64]]) -> str:
    """The first method that is within one standard error of the best, by its metric for each question.

    Validation cannot separate such methods, and the steadier is the safer choice (the one-standard-error rule,
    Breiman et al. 1984).
    """
    best = max(learned, key=lambda name: float(learned[name].mean()))
    for name, values in learned.items():
        behind = learned[best] - values
        if behind.mean() <= behind.std() / len(behind) ** 0.5:
            return name
    return best
