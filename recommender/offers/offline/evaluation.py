"""`usual evaluate offers`: every policy on customers it was not fitted on, with intervals.

Cross-validation over customers. Values come from SNIPS and from doubly robust scores whose expected rewards were
fitted on the other folds too; intervals from a bootstrap over customers that all policies share.
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
from recommender.offers.learning.uplift import by_decile, fit_completion, gain_curve, qini, two_model_uplift
from recommender.offers.offline.fairness import audit
from recommender.offers.offline.plan import Planner, fit_planner
from recommender.offers.offline.replay import thompson
from recommender.offers.offline.tables import Columns, Portfolio, Waves, read_decisions, read_portfolio
from recommender.scene import Progress

Floats = NDArray[np.float64]

SHARES = (0.2, 0.4)
EXPLORATION = 0.05
AUC_RANGE = (0.80, 0.83)
"""Of the completion model; above it something of the outcome has leaked into the features."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What models say about customers they did not see; n rows."""

    policies: Mapping[str, Floats]  # name -> (n, arms)
    expected: Floats  # (n, arms)
    gain: Floats  # (n,) of the arm that would be shown
    shown: NDArray[np.int64]  # (n,) that arm
    completion: Floats  # (n,) probability for the arm that was shown
    gates: list[dict[str, float]]


def folds_of(waves: Waves, n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) the fold of each row; all rows of a customer lie in one."""
    return (rng.permutation(len(waves.customers)) % n_folds)[waves.customer]


def part_of(waves: Waves, log: OfferLog, rows: NDArray[np.bool_]) -> tuple[Waves, OfferLog]:
    """Some customers' rows, their codes renumbered."""
    kept, customer = np.unique(waves.customer[rows], return_inverse=True)
    some = Waves(
        waves.customers[kept],
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
    """The policies that are compared, on the rows of one fold."""
    n: int = len(gains)
    arms: int = gains.shape[1]
    best = planner.best_single

    def one(arm: int | NDArray[np.int64], rows: NDArray[Any] | slice = slice(None)) -> Floats:
        plan = np.zeros((n, arms))
        plan[:, 0] = 1.0
        chosen = np.arange(n)[rows]
        plan[chosen] = 0.0
        plan[chosen, arm if isinstance(arm, int) else arm[rows]] = 1.0
        return plan

    uniform = np.full((n, arms), 1 / max(arms - 1, 1))
    uniform[:, 0] = 0.0
    past = here.visits.features[:, here.visits.names.index("spend")]
    order = np.argsort(-planner.value[1:], kind="stable") + 1
    merit = np.zeros(arms)
    merit[order] = -np.arange(len(order), dtype=float)
    left = np.where(here.shown_before[:, 1:], -np.inf, merit[1:])
    plans = {
        "no offer": one(0),
        "random offer": uniform,
        "best single offer": one(best),
        "by context (greedy)": one(1 + expected[:, 1:].argmax(axis=1)),
        "learned": planner.plan(here, gains),
        "never repeated, best order": one(1 + left.argmax(axis=1)),
        "never repeated, learned": planner.plan(here, gains, no_repeat=True),
    }
    plans["learned, exploring 5 %"] = (1 - EXPLORATION) * plans["learned"] + EXPLORATION / arms
    ranked: dict[str, Floats] = {"random": rng.random(n), "past spend": past, "response": expected.mean(axis=1)}
    for share in SHARES:
        most = int(share * n)
        for name, score in ranked.items():
            top = np.lexsort((rng.random(n), -score))[:most]
            plans[f"{name} at {share:.0%}"] = one(best, top)
        plans[f"uplift at {share:.0%}"] = planner.plan(here, gains, share=share)
    return plans


def evaluate_offers(
    folder: Path,
    *,
    seed: int,
    n_folds: int = 5,
    draws: int = 1000,
    replays: int = 10,
    aa_runs: int = 200,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """The whole report on a folder such as `datasets/offers`; JSON-able.

    `groups` (column -> customer -> group) is an auditor's: joined to the finished policies, it goes nowhere else.

    Raises:
        UnusableLog, SensitiveInput: the tables cannot be evaluated.
    """
    portfolio = read_portfolio(folder / "starbucks_portfolio.csv")
    waves, log, columns = read_decisions(folder / "starbucks_decisions.csv.gz", portfolio)
    completed = columns.numbers("comp_aware")
    found = cross_validate(
        waves, log, completed, portfolio.can_complete, n_folds=n_folds, seed=seed, progress=progress
    )
    progress("estimating values", 0.9)
    bootstrap = Bootstrap(log.n_customers, np.random.default_rng(seed), draws)
    scores = arm_scores(log, found.expected)
    report: dict[str, Any] = {
        "decisions": len(log),
        "customers": log.n_customers,
        "folds": n_folds,
        "seed": seed,
        "values": _values(log, found, scores, bootstrap),
        "gains": _gains(log, found, scores, bootstrap),
        "context_gate": found.gates,
        "repeats": _repeats(waves, found),
        "deciles": by_decile(found.gain, scores[np.arange(len(log)), found.shown] - scores[:, 0], log.customer),
        "gain_curve": gain_curve(found.gain, scores[np.arange(len(log)), found.shown] - scores[:, 0]),
        "completion_auc": _auc(log, found, completed, portfolio.can_complete),
    }
    progress("replaying", 0.93)
    report["replay"] = _replay(log, waves, completed, portfolio, replays, seed)
    by_time = np.argsort(waves.wave, kind="stable")
    alarms = aa_alarms(log.reward[by_time], log.customer[by_time], np.random.default_rng(seed), runs=aa_runs)
    report["aa"] = {"always_valid": alarms.always_valid, "fixed": alarms.fixed, "runs": aa_runs, "looks": 100}
    if groups:
        plan = found.policies[f"uplift at {SHARES[0]:.0%}"]
        gain = (plan * scores).sum(axis=1) - scores[:, 0]
        report["audit"] = {
            column: [
                row.as_dict() for row in audit(list(waves.customers), log.customer, 1 - plan[:, 0], gain, named)
            ]
            for column, named in groups.items()
        }
    progress("Hillstrom", 0.98)
    if (folder / "hillstrom_half.csv.gz").is_file():
        report["hillstrom"] = evaluate_hillstrom(folder / "hillstrom_half.csv.gz", seed=seed)
    progress("done", 1.0)
    return report


def _row(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.as_dict() for name, estimate in estimates.items()}


def _values(log: OfferLog, found: OutOfFold, scores: Floats, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Reward per decision where every visit may carry an offer, and the paired difference to the best single."""
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
    """Gain over showing nothing where only a share of visits may carry an offer."""
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

    Informational offers would be certain noughts and lift it to .86 without any knowledge of customers.
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
    """Completions after a view per shown offer while learning; mean and range over random orders of visits."""
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


_HILLSTROM = ("recency", "history", "mens", "womens", "newbie")
_HILLSTROM_CHOICES = ("history_segment", "zip_code", "channel")


def evaluate_hillstrom(path: Path, *, seed: int, n_folds: int = 5, draws: int = 200) -> list[dict[str, Any]]:
    """Qini on visits of the women's mail against no mail, out of fold, in extra visits per 100 customers."""
    from recommender.offers.offline.tables import read_columns

    table = read_columns(path, ("segment", "visit", *_HILLSTROM, *_HILLSTROM_CHOICES))
    rows = table.text("segment") != "Mens E-Mail"
    treated = table.text("segment")[rows] == "Womens E-Mail"
    visit = table.numbers("visit")[rows]
    features = _hillstrom_features(table, rows)
    fold = np.random.default_rng(seed).permutation(len(visit)) % n_folds
    uplift, response = np.zeros(len(visit)), np.zeros(len(visit))
    for number in range(n_folds):
        test, fit = fold == number, fold != number
        bought = visit[fit] > 0
        uplift[test] = two_model_uplift(features[fit], treated[fit], bought, features[test])
        response[test] = _response(features[fit], bought, features[test])
    report = []
    for name, score in (("uplift", uplift), ("response", response)):
        rng = np.random.default_rng(seed)
        again = []
        for _ in range(draws):
            some = rng.integers(0, len(visit), len(visit))
            again.append(qini(score[some], treated[some], visit[some]).coefficient)
        low, high = np.percentile(again, [2.5, 97.5])
        value = qini(score, treated, visit).coefficient
        report.append({"policy": name, "qini": value, "low": float(low), "high": float(high)})
    return report


def _hillstrom_features(table: Columns, rows: NDArray[np.bool_]) -> Floats:
    numbers = np.column_stack([table.numbers(name)[rows] for name in _HILLSTROM])
    numbers = np.column_stack([numbers, np.log1p(numbers[:, 1])])
    scaled = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-9)
    choices = []
    for name in _HILLSTROM_CHOICES:
        text = table.text(name)[rows]
        choices += [(text == one).astype(float) for one in np.unique(text)[1:]]
    return np.column_stack([scaled, *choices])


def _response(features: Floats, bought: NDArray[np.bool_], ask: Floats) -> Floats:
    from sklearn.linear_model import LogisticRegression

    return np.asarray(LogisticRegression(max_iter=1000).fit(features, bought).predict_proba(ask)[:, 1])
