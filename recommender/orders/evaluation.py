"""Favourite orders measured: every method on the same questions, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders import baselines
from recommender.orders.batch import BATCH
from recommender.orders.fit import METRIC, RANKER, FitSettings, FittedOrders, fit_orders, labels_of, learn_from
from recommender.orders.model import LEARNED, ranked_by
from recommender.orders.questions import Questions, questions_of
from recommender.orders.rounds import PART, Mask, truth_of
from recommender.orders.signals.crowd import NAMES, ItemCrowd
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import (
    METRICS,
    Targets,
    orders_per_customer,
    paired_bootstrap,
    score_lists,
    split_last,
    spread,
    summary,
)
from recommender.ranking.pairs import Pairs
from recommender.ranking.ranker import fit_ranker
from recommender.scene import Progress

GATE = "own frequency (the gate)"
LENGTHS = ((1, 3), (4, 5), (6, 10), (11, 10**9))
Per = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out orders: what is known before them, who gets a question, and the right answers."""

    history: Interactions
    questions: Questions
    customers: NDArray[np.integer]
    truth: Targets
    popular: NDArray[np.float32]

    @classmethod
    def of(cls, seen: Interactions, least: int, target_customers: Mask | None = None) -> HeldOut:
        """The last order as the question, for the target customers with at least `least` orders."""
        history, targets = split_last(seen, 1, least, target_customers)
        who = np.unique(targets.customer)
        truth = truth_of(history, targets)
        return cls(history, questions_of(history, targets), who, truth, baselines.popularity(history))

    @property
    def mask(self) -> Mask:
        """(customers,) True for those who have a question."""
        chosen = np.zeros(len(self.history.customers), np.bool_)
        chosen[self.customers] = True
        return chosen

    def lists(self, method: baselines.Method) -> NDArray[np.int32]:
        return baselines.best_of(method, self.questions, self.customers, 20, self.popular)

    def score(self, method: baselines.Method) -> Per:
        return score_lists(self.lists(method), self.truth)


def compare_methods(
    seen: Interactions,
    *,
    seed: int = 0,
    settings: FitSettings = BATCH,
    ablate: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The report on one data set: the last order of every customer with >= 4 orders is the test.

    All choices (parameters of the neighbours, ranker or counting) are made on the same customers' order before
    it, while every order of the other customers is known.

    Raises:
        ValueError: no customer has four orders.
    """
    tick = progress or (lambda _what, _share: None)
    test = HeldOut.of(seen, least=4)
    if not test.questions.n:
        raise ValueError("no customer has four orders: there is nothing to test on")
    target_customers = test.mask
    valid = HeldOut.of(test.history, least=3, target_customers=target_customers)
    tick("choosing neighbours on validation", 0.02)
    chosen = {
        "TIFU-KNN": chosen_tifu(valid),
        "UP-CF": _best(valid, baselines.UpCf.fit, baselines.UP_CF_CHOICES),
    }
    lists = {GATE: test.lists(baselines.own_frequency(test.history))}
    for number, (name, method) in enumerate(_rivals(test.history, chosen, seed).items()):
        tick(name, 0.1 + 0.03 * number)
        lists[name] = test.lists(method())
    fitted = fit_orders(
        test.history,
        [()] * len(seen.items),
        seed=seed,
        settings=settings,
        target_customers=target_customers,
        progress=lambda what, share: tick(what, 0.3 + 0.4 * share),
    )
    tick("ranking the test", 0.7)
    ours, found = _ours(fitted, test, seed, settings)
    lists |= ours
    tick("comparing", 0.85)
    report = _report(lists, test, fitted, chosen, np.random.default_rng([seed, 3]))
    report["candidate_recall"] = found
    report["ablation"] = ablation(test.history, target_customers, seed, settings, tick) if ablate else []
    tick("done", 1.0)
    return report


def _best(valid: HeldOut, make: Callable[[Interactions, Any], baselines.Method], choices: Any) -> Any:
    """The parameters with the highest validation metric."""
    return max(choices, key=lambda choice: float(valid.score(make(valid.history, choice))[METRIC].mean()))


def chosen_tifu(valid: HeldOut) -> tuple[int, int, float, float, float]:
    """TIFU-KNN's parameters, chosen on validation among published good ones."""
    chosen: tuple[int, int, float, float, float] = _best(valid, baselines.TifuKnn.fit, baselines.TIFU_CHOICES)
    return chosen


def _rivals(
    history: Interactions, chosen: Mapping[str, Any], seed: int
) -> dict[str, Callable[[], baselines.Method]]:
    """Published methods, fitted when called."""
    made: dict[str, Callable[[], baselines.Method]] = {
        "TIFU-KNN, published": lambda: baselines.TifuKnn.fit(history, baselines.TIFU_PUBLISHED),
        "TIFU-KNN, tuned": lambda: baselines.TifuKnn.fit(history, chosen["TIFU-KNN"]),
        "UP-CF, tuned": lambda: baselines.UpCf.fit(history, chosen["UP-CF"]),
        "LightFM alone": lambda: baselines.lightfm_alone(history, seed),
    }
    try:
        import implicit  # noqa: F401 a development requirement: without it there is no such row
    except ImportError:
        return made
    return made | {"implicit ALS alone": lambda: baselines.implicit_als(history, seed)}


def _ours(
    fitted: FittedOrders, test: HeldOut, seed: int, settings: FitSettings
) -> tuple[dict[str, NDArray[np.int32]], float]:
    """(lists of our own methods, share of right answers among the candidates)."""
    model, n_items = fitted.model, max(len(test.popular), 1)
    names = ["counting back-off", *((*LEARNED, "HistGradientBoosting") if model.ranker else ())]
    parts: dict[str, list[NDArray[np.int32]]] = {name: [] for name in names}
    runner_up = _runner_up(test.history, seed, settings) if model.ranker else None
    wanted, found = labels_of(test.truth, n_items), 0
    for start, part in test.questions.parts(PART):
        pairs = model.crowd.pairs(part)
        found += int(np.isin((pairs.question + start) * n_items + pairs.item, wanted).sum())
        parts["counting back-off"].append(model.lists(pairs, part.n, 20, "counting"))
        if runner_up is not None:
            for name, made in model.learned_lists(pairs, part.n, 20).items():
                parts[name].append(made)
            parts["HistGradientBoosting"].append(ranked_by(pairs, runner_up(pairs.features), part.n, 20))
    lists = {name: np.concatenate(blocks) for name, blocks in parts.items()}
    lists["in force"] = lists["counting back-off" if model.in_force == "counting" else model.in_force]
    return lists, found / max(len(wanted), 1)


def _runner_up(
    history: Interactions, seed: int, settings: FitSettings
) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """scikit-learn's HistGradientBoosting on the newest orders, with the same sample and signals."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    pairs, label = learn_from(history, 1, [()] * len(history.items), settings, seed)
    usable = ~np.isnan(pairs.features).all(axis=0)  # it accepts no column that is all NaN
    model = HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=120,
        max_leaf_nodes=15,
        min_samples_leaf=60,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(pairs.features[:, usable], label)
    return lambda features: model.predict_proba(features[:, usable])[:, 1]


def _report(
    lists: Mapping[str, NDArray[np.int32]],
    test: HeldOut,
    fitted: FittedOrders,
    chosen: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Rows of all methods, and the one in force against the gate by history length."""
    scored = {name: score_lists(made, test.truth) for name, made in lists.items()}
    gate = scored[GATE]
    rows = []
    for name, scores in scored.items():
        gain = paired_bootstrap(scores[METRIC], gate[METRIC], rng)
        means = summary(scores)
        shown = {metric: means[metric] for metric in (*METRICS, "repeat@10", "explore@10")}
        difference = {"gain": gain.mean, "low": gain.low, "high": gain.high}
        rows.append({"method": name, **shown, **difference, **spread(lists[name], len(test.popular))})
    return {
        "rows": rows,
        "by_length": _by_length(scored["in force"], gate, test),
        "in_force": fitted.model.in_force,
        "why": fitted.why,
        "validation": [dict(row) for row in fitted.rows],
        "chosen": {name: list(values) for name, values in chosen.items()},
        "n_test": test.questions.n,
        "n_validation": fitted.n_validation,
        "importance": fitted.model.ranker.importance() if fitted.model.ranker else {},
    }


def _by_length(ours: Per, gate: Per, test: HeldOut) -> list[dict[str, Any]]:
    """The method in force and the gate for customers with few and with many orders."""
    length = orders_per_customer(test.history)[test.customers]
    rows = []
    for low, high in LENGTHS:
        chosen = (length >= low) & (length <= high)
        if chosen.any():
            name = f"{low}-{high} orders" if high < 10**9 else f"{low} and more"
            mine, theirs = summary(ours, chosen), summary(gate, chosen)
            gain = {"gate ndcg@10": theirs[METRIC], "ndcg@10": mine[METRIC], "recall@10": mine["recall@10"]}
            rows.append({"history": name, "customers": int(chosen.sum()), **gain, "hr@1": mine["hr@1"]})
    return rows


def ablation(
    history: Interactions, target_customers: Mask, seed: int, settings: FitSettings, tick: Progress
) -> list[dict[str, Any]]:
    """What each signal earns: the ranker of chances fitted without it, measured on the validation orders.

    All fits use the same sample and half of the trees; `loss` is how much NDCG@10 falls without the signal.
    """
    features: list[tuple[str, ...]] = [()] * len(history.items)
    valid = HeldOut.of(history, 3, target_customers)
    crowd = ItemCrowd.fit(valid.history, features, seed)
    pairs, label = learn_from(valid.history, 1, features, settings, seed)
    candidates = crowd.pairs(valid.questions)

    def measured(columns: list[int]) -> NDArray[np.float64]:
        chosen = Pairs(pairs.question, pairs.item, np.ascontiguousarray(pairs.features[:, columns]))
        ranker = fit_ranker(
            chosen,
            label,
            [NAMES[c] for c in columns],
            seed=seed,
            objective="binary",
            rounds=max(1, settings.trees // 2),
            settings={**RANKER, "learning_rate": settings.learning_rate, "num_leaves": 7},
        )
        score = ranker.score(np.ascontiguousarray(candidates.features[:, columns]))
        return score_lists(ranked_by(candidates, score, valid.questions.n, 20), valid.truth)[METRIC]

    everything = [c for c in range(len(NAMES)) if not np.isnan(pairs.features[:, c]).all()]
    whole, rng, rows = measured(everything), np.random.default_rng([seed, 5]), []
    for number, gone in enumerate(everything):
        tick(f"without {NAMES[gone]}", 0.85 + 0.15 * number / len(everything))
        without = measured([c for c in everything if c != gone])
        loss = paired_bootstrap(whole, without, rng)
        rows.append({"without": NAMES[gone], "loss": loss.mean, "low": loss.low, "high": loss.high})
    return sorted(rows, key=lambda row: -float(str(row["loss"])))
