"""`usual evaluate offers`: every policy on customers that it was not fitted on, with intervals.

Cross-validation over customers. Values are SNIPS and doubly robust; the expected rewards of the latter come
from the other folds too. All policies share one bootstrap over customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.offers.learning.confidence import aa_alarms
from recommender.offers.learning.off_policy import (
    Bootstrap,
    Estimate,
    OfferLog,
    arm_scores,
    doubly_robust,
    snips,
    snips_difference,
)
from recommender.offers.learning.uplift import by_decile, fit_completion, gain_curve
from recommender.offers.offline.fairness import group_reports
from recommender.offers.offline.hillstrom import evaluate_hillstrom
from recommender.offers.offline.plan import Planner, fit_planner
from recommender.offers.offline.replay import thompson
from recommender.offers.offline.tables import Portfolio, Waves, read_decisions, read_portfolio
from recommender.scene import Progress

Floats = NDArray[np.float64]

SHARES = (0.2, 0.4)
EXPLORATION = 0.05
AUC_RANGE = (0.80, 0.83)
"""Of the completion model. Above it the features contain something of the outcome."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions and plans for customers that the models were not fitted on; n rows."""

    policies: Mapping[str, Floats]  # name -> (n, arms)
    expected: Floats  # (n, arms)
    gain: Floats  # (n,) of the arm that would be shown
    shown: NDArray[np.int64]  # (n,) that arm
    completion: Floats  # (n,) probability, of the arm in the log
    gates: list[dict[str, float]]


def folds_of(waves: Waves, n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) the fold of each row; all rows of a customer lie in one."""
    return (rng.permutation(len(waves.customers)) % n_folds)[waves.customer]


def part_of(waves: Waves, log: OfferLog, rows: NDArray[np.bool_]) -> tuple[Waves, OfferLog]:
    """Some customers' rows, their codes renumbered."""
    codes, customer = np.unique(waves.customer[rows], return_inverse=True)
    some = Waves(
        waves.customers[codes],
        customer,
        waves.wave[rows],
        waves.visits.where(rows),
        log.arm[rows],
        waves.shown_before[rows],
    )
    return some, OfferLog(log.arm[rows], log.propensity[rows], log.reward[rows], customer, log.arms)


def cross_validate(
    waves: Waves,
    log: OfferLog,
    completed: Floats,
    can_complete: NDArray[np.bool_],
    *,
    n_folds: int,
    seed: int,
    progress: Progress,
) -> OutOfFold:
    """Fit on all folds but one, decide about that one, for each fold."""
    rng = np.random.default_rng(seed)
    fold = folds_of(waves, n_folds, rng)
    n, arms = len(log), len(log.arms)
    policies: dict[str, Floats] = {}
    expected, gain, completion = np.zeros((n, arms)), np.zeros(n), np.zeros(n)
    shown = np.zeros(n, np.int64)
    gates = []
    for number in range(n_folds):
        progress("fitting on other customers", number / n_folds)
        test = fold == number
        here, _ = part_of(waves, log, test)
        fit_on, fit_log = part_of(waves, log, ~test)
        planner = fit_planner(fit_on, fit_log, seed=seed)
        expected[test], gains = planner.model.judge(here.visits)
        everybody = planner.plan(here, gains)
        shown[test] = np.where(everybody[:, 0] > 0, planner.best_single, everybody.argmax(axis=1))
        gain[test] = gains[np.arange(len(gains)), shown[test]]
        for name, plan in _plans(planner, here, gains, expected[test], rng).items():
            policies.setdefault(name, np.zeros((n, arms)))[test] = plan
        offered = can_complete[fit_log.arm]
        model = fit_completion(
            fit_on.visits.where(offered), fit_log.arm[offered], completed[~test][offered], seed=seed
        )
        completion[test] = model.predict(here.visits.with_arms(log.arm[test]))
        gates.append({"gain": planner.gate.gain, "low": planner.gate.low, "high": planner.gate.high})
    return OutOfFold(policies, expected, gain, shown, completion, gates)


def _plans(
    planner: Planner, here: Waves, gains: Floats, expected: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """The policies that are compared, on the rows of one fold: name -> (n, arms)."""
    n, arms, best = len(gains), int(gains.shape[1]), planner.best_single
    always = _always(n, arms, best)
    uniform = np.full((n, arms), 1 / max(arms - 1, 1))
    uniform[:, 0] = 0.0
    learned = planner.plan(here, gains)
    plans = {
        "no offer": _always(n, arms, 0),
        "random offer": uniform,
        "best single offer": always,
        "by context (greedy)": _always(n, arms, 1 + expected[:, 1:].argmax(axis=1)),
        "learned": learned,
        "never repeated, best order": _always(n, arms, _best_not_shown(planner, here)),
        "never repeated, learned": planner.plan(here, gains, no_repeat=True),
        "learned, exploring 5 %": (1 - EXPLORATION) * learned + EXPLORATION / arms,
    }
    past = here.visits.features[:, here.visits.names.index("spend")]
    ranked: dict[str, Floats] = {"random": rng.random(n), "past spend": past, "response": expected.mean(axis=1)}
    for share in SHARES:
        for name, score in ranked.items():
            top = np.lexsort((rng.random(n), -score))[: int(share * n)]
            plan = plans["no offer"].copy()
            plan[top] = always[top]
            plans[f"{name} at {share:.0%}"] = plan
        plans[f"uplift at {share:.0%}"] = planner.plan(here, gains, share=share)
    return plans


def _always(n: int, arms: int, arm: int | NDArray[np.int64]) -> Floats:
    """The plan that shows `arm`, one for all rows or one for each (n,)."""
    plan = np.zeros((n, arms))
    plan[np.arange(n), arm] = 1.0
    return plan


def _best_not_shown(planner: Planner, here: Waves) -> NDArray[np.int64]:
    """The best arm on average that the customer did not see in an earlier wave, (n,)."""
    order = np.argsort(-planner.value[1:], kind="stable") + 1
    merit = np.zeros(len(planner.value))
    merit[order] = -np.arange(len(order), dtype=float)
    return 1 + np.where(here.shown_before[:, 1:], -np.inf, merit[1:]).argmax(axis=1)


@dataclass(frozen=True, slots=True)
class EvaluationSize:
    """How much work an evaluation does."""

    folds: int = 5
    draws: int = 1000  # of the bootstrap
    replays: int = 10
    aa_runs: int = 200


FULL = EvaluationSize()


def evaluate_offers(
    folder: Path,
    *,
    seed: int,
    size: EvaluationSize = FULL,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """The whole report on a folder such as `datasets/offers`; JSON-able.

    `groups` (column -> customer -> group) is the auditor's table. It is joined to the finished policies only.

    Raises:
        UnusableLog, SensitiveInput: the tables cannot be evaluated.
    """
    portfolio = read_portfolio(folder / "starbucks_portfolio.csv")
    waves, log, columns = read_decisions(folder / "starbucks_decisions.csv.gz", portfolio)
    completed = columns.numbers("comp_aware")
    found = cross_validate(
        waves, log, completed, portfolio.can_complete, n_folds=size.folds, seed=seed, progress=progress
    )
    progress("estimating values", 0.9)
    scores = arm_scores(log, found.expected)
    report: dict[str, Any] = {
        "decisions": len(log),
        "customers": log.n_customers,
        "folds": size.folds,
        "seed": seed,
    }
    report |= _policies(waves, log, found, scores, size, seed)
    report["completion_auc"] = _auc(log, found, completed, portfolio.can_complete)
    progress("replaying", 0.93)
    report["replay"] = _replay(log, waves, completed, portfolio, size.replays, seed)
    report["aa"] = _aa(log, waves, size.aa_runs, seed)
    if groups:
        report["audit"] = _audit(waves, log, found, scores, groups)
    progress("Hillstrom", 0.98)
    if (folder / "hillstrom_half.csv.gz").is_file():
        report["hillstrom"] = evaluate_hillstrom(folder / "hillstrom_half.csv.gz", seed=seed)
    progress("done", 1.0)
    return report


def _policies(
    waves: Waves, log: OfferLog, found: OutOfFold, scores: Floats, size: EvaluationSize, seed: int
) -> dict[str, Any]:
    """Values and gains of the policies, and how well the uplift ranks visits."""
    bootstrap = Bootstrap(log.n_customers, np.random.default_rng(seed), size.draws)
    effect = scores[np.arange(len(log)), found.shown] - scores[:, 0]
    return {
        "values": _values(log, found, scores, bootstrap),
        "gains": _gains(log, found, scores, bootstrap),
        "context_gate": found.gates,
        "repeats": _repeats(waves, found),
        "deciles": by_decile(found.gain, effect, log.customer),
        "gain_curve": gain_curve(found.gain, effect),
    }


def _aa(log: OfferLog, waves: Waves, runs: int, seed: int) -> dict[str, Any]:
    """False alarms of the always-valid interval, with visits in the order of time."""
    by_time = np.argsort(waves.wave, kind="stable")
    alarms = aa_alarms(log.reward[by_time], log.customer[by_time], np.random.default_rng(seed), runs=runs)
    return {"always_valid": alarms.always_valid, "fixed": alarms.fixed, "runs": runs, "looks": 100}


def _audit(
    waves: Waves, log: OfferLog, found: OutOfFold, scores: Floats, groups: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Exposure and gain by group, of the uplift policy at the first of `SHARES`."""
    plan = found.policies[f"uplift at {SHARES[0]:.0%}"]
    gain = (plan * scores).sum(axis=1) - scores[:, 0]
    customers = list(waves.customers)
    return {
        column: [row.as_dict() for row in group_reports(customers, log.customer, 1 - plan[:, 0], gain, named)]
        for column, named in groups.items()
    }


def _row(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.as_dict() for name, estimate in estimates.items()}


def _values(log: OfferLog, found: OutOfFold, scores: Floats, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Reward per decision where every visit may have an offer, and the paired difference to the best single."""
    single = found.policies["best single offer"]
    return [
        {"policy": name}
        | _row(
            {
                "snips": snips(log, plan, bootstrap),
                "dr": doubly_robust(log, plan, scores, bootstrap),
                "dr_against_best_single": doubly_robust(log, plan, scores, bootstrap, against=single),
            }
        )
        for name, plan in found.policies.items()
        if " at " not in name
    ]


def _gains(log: OfferLog, found: OutOfFold, scores: Floats, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Gain over showing nothing, where only a share of visits may have an offer."""
    nothing = found.policies["no offer"]
    return [
        {"policy": name, "share": float(1 - plan[:, 0].mean())}
        | _row(
            {
                "snips": snips_difference(log, plan, nothing, bootstrap),
                "dr": doubly_robust(log, plan, scores, bootstrap, against=nothing),
            }
        )
        for name, plan in found.policies.items()
        if " at " in name
    ]


def _repeats(waves: Waves, found: OutOfFold) -> dict[str, int]:
    return {
        name: int((plan * waves.shown_before).sum())
        for name, plan in found.policies.items()
        if name.startswith("never repeated")
    }


def _auc(log: OfferLog, found: OutOfFold, completed: Floats, can_complete: NDArray[np.bool_]) -> dict[str, Any]:
    """Area under the curve of completions after a view, over shown offers that can be completed.

    Informational offers are left out: they are never completed, and would lift it to .86 without any knowledge.
    """
    from sklearn.metrics import roc_auc_score

    offered = can_complete[log.arm]
    truth, score, who = completed[offered] > 0, found.completion[offered], log.customer[offered]
    value = float(roc_auc_score(truth, score))
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(100):
        weight = rng.multinomial(log.n_customers, np.full(log.n_customers, 1 / log.n_customers))[who]
        draws.append(float(roc_auc_score(truth, score, sample_weight=weight)))
    low, high = np.percentile(draws, [2.5, 97.5])
    leak = value > AUC_RANGE[1]
    return {"value": value, "low": float(low), "high": float(high), "leak_suspected": leak}


def _replay(
    log: OfferLog, waves: Waves, completed: Floats, portfolio: Portfolio, replays: int, seed: int
) -> list[dict[str, Any]]:
    """Completions after a view per shown offer while a bandit learns; mean and range over random orders."""
    offered = log.arm > 0
    arm, outcome, wave = log.arm[offered], completed[offered], waves.wave[offered]
    everything = np.arange(len(log.arms)) > 0
    rows = []
    for name, sharpness, playable in (
        ("Thompson", 1.0, everything),
        ("Thompson, informed and sharpened", 2.0, portfolio.can_complete),
    ):
        for per_wave in (False, True):
            rates = [
                thompson(
                    arm,
                    outcome,
                    wave,
                    len(log.arms),
                    np.random.default_rng([seed, number]),
                    per_wave=per_wave,
                    sharpness=sharpness,
                    playable=playable,
                ).rate
                for number in range(replays)
            ]
            low, high = min(rates), max(rates)
            learns = "per wave" if per_wave else "immediately"
            rows.append(
                {"policy": name, "learns": learns, "rate": float(np.mean(rates)), "low": low, "high": high}
            )
    return rows
