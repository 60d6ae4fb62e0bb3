"""Learning from the decision log: closed windows in, a policy out. The reward is margin (revenue while the
margin is not given) minus the offer's cost.
Pure.

Open windows are left out. Every mean is weighted by the logged propensities, so that an arm that was shown to good
customers only does not look good itself. The holdout shows what visits earn without any offer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from recommender.scene import Arrays, Texts

Floats = NDArray[np.float64]

LEAST_TO_JUDGE = 200
"""With fewer closed decisions a policy is not compared with the best single offer: it continues to explore."""
SURE = 0.9
"""The best offer counts as known from this probability on; only then is there a fallback to it."""
TOLERANCE = 0.012
"""Share of the best single offer's value by which the learned policy's lower bound may be worse than it."""


@dataclass(frozen=True, slots=True)
class ClosedDecisions:
    """Decisions whose windows have ended; n rows in the order of time. Rewards in minor units."""

    log: OfferLog  # propensities are marginal over the holdout, see `read_closed`
    within: Floats  # (n,) propensity of the shown arm within its own cell
    features: Floats  # (n, len(FEATURES))
    held_out: NDArray[np.bool_]
    decided_us: NDArray[np.int64]
    customers: NDArray[np.str_]
    eligible: NDArray[np.bool_]  # (n, arms)
    n_open: int  # decisions whose windows are open
    aware: int  # completions after a view: these earn credit
    blind: int  # completions without a view

    def __len__(self) -> int:
        return len(self.log)


def read_closed(rows: Sequence[Mapping[str, Any]], settings: OfferSettings) -> ClosedDecisions:
    """From decisions with their outcomes (`OfferStore.with_outcomes`).

    The propensity for learning is marginal over the holdout h: (1 - h) p for an offer, h + (1 - h) p for `none`.
    This assumes that customers are alike in both cells. The largest weight of `none` is then 1 / h.

    Raises:
        UnusableLog: a propensity is missing; the error has the rows.
    """
    done = [row for row in rows if not row["open"] and row["schema_version"] == SCHEMA_VERSION]
    chances: list[dict[str, float]] = [json.loads(row["propensities"] or "{}") for row in done]
    missing = [i for i, (row, one) in enumerate(zip(done, chances, strict=True), 1) if row["arm"] not in one]
    if missing:
        raise UnusableLog("A decision was logged without the propensity of what it showed.", missing)
    arms = (NONE, *sorted({arm for one in chances for arm in one} - {NONE}))
    at = {arm: code for code, arm in enumerate(arms)}
    arm = np.array([at[row["arm"]] for row in done], dtype=np.int64)
    held_out = np.array([row["cell"] == HOLDOUT for row in done], dtype=bool)
    within = np.array([one[row["arm"]] for row, one in zip(done, chances, strict=True)], dtype=float)
    h = settings.holdout_share
    inside = np.where(held_out, _mean_nothing(chances, held_out), within)
    marginal = np.where(arm == 0, h + (1 - h) * inside, (1 - h) * inside)
    reward = np.array([settings.worth(row["spent"]) - row["cost"] for row in done], dtype=float)
    customers, customer = np.unique(np.array([row["pseudonym"] for row in done], np.str_), return_inverse=True)
    eligible = np.zeros((len(done), len(arms)), np.bool_)
    for number, one in enumerate(chances):
        eligible[number, [at[name] for name in one]] = True
    aware, blind = _completions(done)
    return ClosedDecisions(
        log=OfferLog(arm, marginal, reward, customer.astype(np.int64), arms),
        within=within,
        features=_features(done),
        held_out=held_out,
        decided_us=np.array([row["decided_us"] for row in done], dtype=np.int64),
        customers=customers,
        eligible=eligible,
        n_open=len(rows) - len(done),
        aware=aware,
        blind=blind,
    )


def _features(done: Sequence[Mapping[str, Any]]) -> Floats:
    contexts = [json.loads(row["context"]) for row in done]
    features = np.array([[context[name] for name in FEATURES] for context in contexts], dtype=float)
    return features.reshape(len(done), len(FEATURES))


def _completions(done: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many redemptions came after a view, and how many did not."""
    completed = [row for row in done if row["completed_us"] is not None]
    aware = sum(row["viewed_us"] is not None and row["viewed_us"] <= row["completed_us"] for row in completed)
    return aware, len(completed) - aware


def _mean_nothing(chances: Sequence[Mapping[str, float]], held_out: NDArray[np.bool_]) -> float:
    """The mean propensity of `none` outside the holdout: that of a held-out visit, had it not been held out."""
    nothing = [one.get(NONE, 0.0) for one, out in zip(chances, held_out, strict=True) if not out]
    return float(np.mean(nothing)) if nothing else 1.0


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """Weighted mean reward of each arm, its effective number of visits, the standard deviation of one reward."""

    mean: Floats
    count: Floats
    spread: float


def arm_statistics(closed: ClosedDecisions) -> ArmStatistics:
    """Of offers from the policy's cell; of `none` from both cells together."""
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
    """(arms, 5): kind, least spend, cost, window, items; zeros for `none` and for an offer that is gone."""
    rows = [np.zeros(5)]
    for arm in arms[1:]:
        one = offers.get(arm)
        rows.append(
            np.zeros(5)
            if one is None
            else np.array(
                [
                    KINDS.index(one.kind) + 1,
                    one.min_spend,
                    one.redemption_cost,
                    one.window_hours,
                    len(one.items),
                ],
                dtype=float,
            )
        )
    return np.vstack(rows)


@dataclass(frozen=True)
class UpliftModel:
    """Gain of the best single offer over showing nothing, from the features of a customer."""

    rewards: tuple[Trees, ...]
    table: Floats  # (2, k): none, and the best single offer
    threshold: float = 0.0

    def gain(self, features: Floats) -> float:
        """Of one customer, (d,), in minor units."""
        return float(self.gains(features[None])[0])

    def gains(self, features: Floats) -> Floats:
        """Of n customers: (n, d) -> (n,)."""
        visits = VisitFeatures(features, FEATURES, self.table)
        n = len(features)
        offer, nothing = (visits.with_arms(np.full(n, arm)) for arm in (1, 0))
        both = np.concatenate([offer, nothing])
        expected = np.mean([model.predict(both) for model in self.rewards], axis=0)
        return np.asarray(expected[:n] - expected[n:])


def context_free(closed: ClosedDecisions, mode: str = "thompson", uplift: UpliftModel | None = None) -> Policy:
    """A policy from the averages of each arm. Its version is a hash of its content."""
    arms = closed.log.arms
    found = arm_statistics(closed)
    prior_mean, prior_sd = common_prior(found.count[1:], found.mean[1:], found.spread)
    posterior = gaussian_posterior(found.count[1:], found.mean[1:], found.spread, prior_mean, prior_sd)
    policy = Policy(
        version="",
        arms=arms[1:],
        posterior=posterior,
        prior_mean=prior_mean,
        prior_sd=prior_sd,
        none_mean=float(found.mean[0]) if found.count[0] >= 1 else None,
        none_sd=found.spread / float(np.sqrt(max(found.count[0], 1.0))),
        mode=mode,
        uplift=uplift,
    )
    return _versioned(policy)


def _versioned(policy: Policy) -> Policy:
    arrays, texts = to_parts(policy)
    digest = hashlib.sha256(json.dumps(texts, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return replace(policy, version=f"offers-{digest.hexdigest()[:12]}")


def to_parts(policy: Policy) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The policy as arrays and texts, for a stored version."""
    uplift = policy.uplift if isinstance(policy.uplift, UpliftModel) else None
    head = {
        "schema_version": SCHEMA_VERSION,
        "features": FEATURES,
        "arms": policy.arms,
        "mode": policy.mode,
        "prior_mean": policy.prior_mean,
        "prior_sd": policy.prior_sd,
        "none_mean": policy.none_mean,
        "none_sd": policy.none_sd,
        "threshold": uplift.threshold if uplift else None,
        "bags": len(uplift.rewards) if uplift else 0,
    }
    arrays: dict[str, NDArray[Any]] = {"mean": policy.posterior.mean, "sd": policy.posterior.sd}
    texts = {"policy.json": json.dumps(head, sort_keys=True)}
    if uplift:
        arrays["table"] = uplift.table
        texts |= {f"reward{number}.txt": model.text for number, model in enumerate(uplift.rewards)}
    return arrays, texts


def from_parts(arrays: Arrays, texts: Texts) -> Policy:
    """The inverse of `to_parts`.

    Raises:
        ValueError: unreadable, or fitted on other features than `FEATURES`.
    """
    try:
        head = json.loads(texts["policy.json"])
        if head["schema_version"] != SCHEMA_VERSION or tuple(head["features"]) != FEATURES:
            raise ValueError("the policy was fitted on other features; train again")
        uplift = None
        if head["threshold"] is not None:
            rewards = tuple(Trees(texts[f"reward{number}.txt"]) for number in range(head["bags"]))
            uplift = UpliftModel(rewards, arrays["table"], head["threshold"])
        policy = Policy(
            version="",
            arms=tuple(head["arms"]),
            posterior=Posterior(np.asarray(arrays["mean"], float), np.asarray(arrays["sd"], float)),
            prior_mean=head["prior_mean"],
            prior_sd=head["prior_sd"],
            none_mean=head["none_mean"],
            none_sd=head["none_sd"],
            mode=head["mode"],
            uplift=uplift,
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a policy of offers: {error}") from error
    if not len(policy.arms) == len(policy.posterior.mean) == len(policy.posterior.sd):
        raise ValueError("the policy has not one mean and one sd for each arm")
    return _versioned(policy)
