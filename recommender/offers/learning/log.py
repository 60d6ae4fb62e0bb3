"""Learning from the decision log: closed windows in, a policy out. Reward is margin after the offer's cost. Pure.

Open windows are censored. Every mean is weighted by the logged propensities, so that an arm that was shown to a
favoured few is not taken for a good one. The holdout tells what visits earn when nothing is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.offers.bandit import Posterior, common_prior, gaussian_posterior
from recommender.offers.decision import FEATURES, HOLDOUT, SCHEMA_VERSION, Policy
from recommender.offers.errors import UnusableLog
from recommender.offers.learning.off_policy import OfferLog, effective_sample_size
from recommender.offers.learning.uplift import Trees, VisitFeatures
from recommender.offers.portfolio import KINDS, NONE, Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Report, Trained

Floats = NDArray[np.float64]

LEAST_TO_JUDGE = 200
"""Closed decisions below which a policy is neither believed nor mistrusted: it goes on exploring."""
SURE = 0.9
"""Chance of being the best offer from which on it is taken for known; falling back on less would be a guess."""
TOLERANCE = 0.012
"""Of the best single offer's value: the learned policy may be so much worse at its lower bound, not more."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Decisions whose windows have ended; n rows, by time. Rewards in minor units."""

    log: OfferLog  # propensities marginal over the holdout: see `read_closed`
    within: Floats  # (n,) propensity of what was shown within its own cell
    features: Floats  # (n, len(FEATURES))
    held_out: NDArray[np.bool_]
    decided_us: NDArray[np.int64]
    customers: NDArray[np.str_]
    eligible: NDArray[np.bool_]  # (n, arms)
    n_open: int
    aware: int  # completions after a view: those that earn credit
    blind: int  # completions without one

    def __len__(self) -> int:
        return len(self.log)


def read_closed(rows: Sequence[Mapping[str, Any]], settings: OfferSettings) -> Closed:
    """From the store's judged decisions.

    The propensity used for learning is marginal over the holdout: (1 - h) p for an offer, h + (1 - h) p for
    `none`. It takes what is known of customers to be alike in both cells; the floor of `none` becomes h, and the
    largest weight 1/h.

    Raises:
        UnusableLog: a propensity is missing; its rows are named.
    """
    done = [row for row in rows if not row["open"] and row["schema_version"] == SCHEMA_VERSION]
    spreads = [json.loads(row["propensities"] or "{}") for row in done]
    missing = [i for i, (row, s) in enumerate(zip(done, spreads, strict=True), 1) if row["arm"] not in s]
    if missing:
        raise UnusableLog("A decision was logged without the propensity of what it showed.", missing)
    arms = (NONE, *sorted({arm for spread in spreads for arm in spread} - {NONE}))
    at = {arm: code for code, arm in enumerate(arms)}
    h = settings.holdout_share
    held = np.array([row["cell"] == HOLDOUT for row in done], dtype=bool)
    within = np.array([s[row["arm"]] for row, s in zip(done, spreads, strict=True)], dtype=float)
    arm = np.array([at[row["arm"]] for row in done], dtype=np.int64)
    inside = np.where(held, _mean_nothing(spreads, held), within)
    marginal = np.where(arm == 0, h + (1 - h) * inside, (1 - h) * inside)
    reward = [row["spent"] * settings.margin_share - row["cost"] for row in done]
    customers, customer = np.unique(np.array([row["pseudonym"] for row in done], np.str_), return_inverse=True)
    contexts = [json.loads(row["context"]) for row in done]
    eligible = np.zeros((len(done), len(arms)), np.bool_)
    for row, spread in enumerate(spreads):
        eligible[row, [at[one] for one in spread]] = True
    seen = [row["completed_us"] for row in done if row["completed_us"] is not None]
    aware = sum(
        row["completed_us"] is not None
        and row["viewed_us"] is not None
        and row["viewed_us"] <= row["completed_us"]
        for row in done
    )
    features = np.array([[context[name] for name in FEATURES] for context in contexts], dtype=float)
    return Closed(
        OfferLog(arm, marginal, np.array(reward, dtype=float), customer.astype(np.int64), arms), within,
        features.reshape(len(done), len(FEATURES)), held,
        np.array([row["decided_us"] for row in done], dtype=np.int64), customers, eligible,
        len(rows) - len(done), aware, len(seen) - aware,
    )  # fmt: skip


def _mean_nothing(spreads: Sequence[Mapping[str, float]], held: NDArray[np.bool_]) -> float:
    """How often the policy's own cell shows nothing: what a held-out visit would have had as propensity."""
    shown = [s.get(NONE, 0.0) for s, out in zip(spreads, held, strict=True) if not out]
    return float(np.mean(shown)) if shown else 1.0


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """Weighted mean reward of each arm, the effective number of visits behind it, and the spread of one reward."""

    mean: Floats
    count: Floats
    spread: float


def arm_statistics(closed: Closed) -> ArmStatistics:
    """Offers from the policy's cell; `none` from the holdout and the cell together."""
    log = closed.log
    mean, count = np.zeros(len(log.arms)), np.zeros(len(log.arms))
    squares, weight_sum = 0.0, 0.0
    for arm in range(len(log.arms)):
        rows = log.arm == arm
        if not rows.any():
            continue
        weight, reward = 1 / log.propensity[rows], log.reward[rows]
        mean[arm] = float((weight * reward).sum() / weight.sum())
        count[arm] = effective_sample_size(weight)
        squares += float((weight * (reward - mean[arm]) ** 2).sum())
        weight_sum += float(weight.sum())
    spread = float(np.sqrt(squares / weight_sum)) if weight_sum else 1.0
    return ArmStatistics(mean, count, max(spread, 1.0))


def arm_table(arms: Sequence[str], offers: Mapping[str, Offer]) -> Floats:
    """(arms, 5): kind, least spend, cost, window, items; noughts for an offer that is gone from the portfolio."""
    rows = [np.zeros(5)]
    for arm in arms[1:]:
        one = offers.get(arm)
        rows.append(
            np.zeros(5) if one is None else np.array([
                KINDS.index(one.kind) + 1, one.min_spend, one.redemption_cost, one.window_hours, len(one.items),
            ], dtype=float)
        )  # fmt: skip
    return np.vstack(rows)


@dataclass(frozen=True)
class Whether:
    """Gain of the best single offer over showing nothing, for one customer at a time."""

    rewards: tuple[Trees, ...]
    table: Floats  # (2, k): none, and the best single offer
    threshold: float = 0.0

    def gain(self, features: Floats) -> float:
        return float(self.gains(features[None])[0])

    def gains(self, features: Floats) -> Floats:
        """(n, d) -> (n,)"""
        visits = VisitFeatures(features, FEATURES, self.table)
        n = len(features)
        offer, nothing = (visits.with_arms(np.full(n, arm)) for arm in (1, 0))
        both = np.concatenate([offer, nothing])
        expected = np.mean([model.predict(both) for model in self.rewards], axis=0)
        return np.asarray(expected[:n] - expected[n:])


def context_free(closed: Closed, mode: str = "thompson", whether: Whether | None = None) -> Policy:
    """Posterior of every arm's mean reward; the version is made of the content."""
    arms = closed.log.arms
    found = arm_statistics(closed)
    prior_mean, prior_sd = common_prior(found.count[1:], found.mean[1:], found.spread)
    believed = gaussian_posterior(found.count[1:], found.mean[1:], found.spread, prior_mean, prior_sd)
    known = found.count[0] >= 1
    none_sd = found.spread / float(np.sqrt(max(found.count[0], 1.0)))
    policy = Policy(
        "",
        arms[1:],
        believed,
        prior_mean,
        prior_sd,
        float(found.mean[0]) if known else None,
        none_sd,
        mode,
        whether,
    )
    return _versioned(policy)


def _versioned(policy: Policy) -> Policy:
    arrays, texts = to_parts(policy)
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return Policy(
        f"offers-{digest.hexdigest()[:12]}", policy.arms, policy.posterior, policy.prior_mean, policy.prior_sd,
        policy.none_mean, policy.none_sd, policy.mode, policy.whether,
    )  # fmt: skip


def to_parts(policy: Policy) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays and texts as the artefacts keep them."""
    whether = policy.whether if isinstance(policy.whether, Whether) else None
    told = {
        "schema_version": SCHEMA_VERSION, "features": FEATURES, "arms": policy.arms, "mode": policy.mode,
        "prior_mean": policy.prior_mean, "prior_sd": policy.prior_sd, "none_mean": policy.none_mean,
        "none_sd": policy.none_sd, "threshold": whether.threshold if whether else None,
        "bags": len(whether.rewards) if whether else 0,
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {"mean": policy.posterior.mean, "sd": policy.posterior.sd}
    texts = {"policy.json": json.dumps(told, sort_keys=True)}
    if whether:
        arrays["table"] = whether.table
        texts |= {f"reward{number}.txt": model.text for number, model in enumerate(whether.rewards)}
    return arrays, texts


def from_parts(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> Policy:
    """The inverse of `to_parts`.

    Raises:
        ValueError: unreadable, or fitted on other features than are known now.
    """
    try:
        told = json.loads(texts["policy.json"])
        if told["schema_version"] != SCHEMA_VERSION or tuple(told["features"]) != FEATURES:
            raise ValueError("the policy was fitted on other features; train again")
        whether = None
        if told["threshold"] is not None:
            rewards = tuple(Trees(texts[f"reward{number}.txt"]) for number in range(told["bags"]))
            whether = Whether(rewards, arrays["table"], told["threshold"])
        believed = Posterior(np.asarray(arrays["mean"], float), np.asarray(arrays["sd"], float))
        policy = Policy(
            "", tuple(told["arms"]), believed, told["prior_mean"], told["prior_sd"], told["none_mean"],
            told["none_sd"], told["mode"], whether,
        )  # fmt: skip
        if not len(policy.arms) == len(believed.mean) == len(believed.sd):
            raise ValueError("the policy's arms and beliefs differ in number")
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a policy of offers: {error}") from error
    return _versioned(policy)


def trained(policy: Policy, report: Report) -> Trained:
    """The policy as a version stores it, with its report."""
    arrays, texts = to_parts(policy)
    return Trained(arrays, texts, report)
