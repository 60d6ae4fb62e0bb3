"""Replay: how a bandit would have learned, on a log of uniformly random offers. Pure.

Source: Li, Chu, Langford & Wang (2011). Visits are taken in order. Where the bandit chooses the offer that was
shown, the outcome counts and the bandit learns from it; other visits are skipped. Unbiased for uniform offers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Replay:
    """Mean outcome of the visits that counted, and their number."""

    rate: float
    plays: int


_CHUNK = 16


def thompson(
    arm: NDArray[np.int64],
    outcome: NDArray[np.float64],
    wave: NDArray[np.float64],
    n_arms: int,
    rng: np.random.Generator,
    *,
    per_wave: bool,
    sharpness: float = 1.0,
    playable: NDArray[np.bool_] | None = None,
) -> Replay:
    """Bernoulli Thompson sampling over arms 0..n_arms-1, in the order of waves, at random within a wave.

    With `per_wave` it learns only between waves. `sharpness` k draws from the posterior of k times the data, which
    explores less. `playable` (n_arms,) leaves out arms whose outcome is known to be impossible.
    """
    arms = np.flatnonzero(playable) if playable is not None else np.arange(n_arms)
    wins, losses = np.ones(n_arms), np.ones(n_arms)
    total, plays = 0.0, 0
    for time in np.unique(wave):
        rows = rng.permutation(np.flatnonzero(wave == time))
        at = 0
        learned: list[int] = []
        while at < len(rows):
            ahead = rows[at : at + (len(rows) if per_wave else _CHUNK)]
            draws = rng.beta(wins[arms] * sharpness, losses[arms] * sharpness, size=(len(ahead), len(arms)))
            hits = np.flatnonzero(arms[draws.argmax(axis=1)] == arm[ahead])
            if not per_wave:
                hits = hits[:1]  # it learns from one visit before the next
            learned = [int(ahead[hit]) for hit in hits]
            total, plays = total + float(outcome[learned].sum()), plays + len(learned)
            np.add.at(wins, arm[learned], outcome[learned])
            np.add.at(losses, arm[learned], 1 - outcome[learned])
            at += int(hits[0]) + 1 if len(hits) and not per_wave else len(ahead)
    return Replay(total / plays if plays else float("nan"), plays)
