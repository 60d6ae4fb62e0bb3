"""PURE: is the promise met in galleries larger than any collection of pictures? Measured on simulated people.

A person is a direction in a space where few axes carry most of the variance, as in real embeddings; a frame is
scattered around that direction. The threshold comes from the data of an installation: the pack's tails, measured
on other people, and the scores of its own enrolments against earlier customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.matching.calibration import dependence, threshold_for
from identity.matching.decide import top_scores
from identity.matching.tails import Scoring, TopTail, fit_tail, scored
from identity.vectors import unit

Vectors = NDArray[np.float32]
SIZES = (100, 1_000, 10_000, 30_000)
ENROLLED = 3
PIECE = 250  # probes compared at once: with a gallery of 30,000 that takes 30 MB
PACK_TEMPLATES, PACK_PROBES, NEWCOMERS = 400, 1_500, 600


class World:
    """Simulated people: each is a unit direction (size,), with frames scattered around it."""

    def __init__(self, seed: int, size: int = 48, scatter: float = 0.12) -> None:
        self.rng = np.random.default_rng(seed)
        self.size, self.scatter = size, scatter
        self.axes = 1 / np.sqrt(1 + np.arange(size) / 8)

    def frames(self, people: int, each: int) -> Vectors:
        """(people, each, size) frames of new people."""
        centres = unit(self.rng.normal(size=(people, self.size)) * self.axes)
        noise = self.rng.normal(size=(people, each, self.size)) * self.axes * self.scatter
        return unit(centres[:, None, :] + noise)


def simulate_promise(
    scoring: Scoring,
    targets: Sequence[float] = (0.01, 0.001),
    sizes: Sequence[int] = SIZES,
    worlds: int = 8,
    strangers: int = 4_000,
) -> list[dict[str, Any]]:
    """Greeted / promised for each size and target: the mean over worlds, with a 95 % interval."""
    ratios: dict[tuple[int, float], list[float]] = {}
    for seed in range(worlds):
        world = World(seed)
        templates = unit(world.frames(PACK_TEMPLATES, ENROLLED).mean(axis=1))
        probes = world.frames(PACK_PROBES, 1)[:, 0]
        tail = fit_tail(probes @ templates.T)
        pack_tops = TopTail(PACK_TEMPLATES, fit_tail(top_scores(probes, templates, scoring)[1]))
        for size in sizes:
            frames = world.frames(size, ENROLLED)
            gallery = unit(frames.mean(axis=1))
            own = _newcomers(frames, gallery, scoring, world.rng)
            tops = _tops(world.frames(strangers, 1)[:, 0], gallery, scoring)
            for target in targets:
                threshold = threshold_for(
                    target,
                    size,
                    pack_tail=tail,
                    gallery_tops=own,
                    scoring=scoring,
                    shift=dependence(target, tail, pack_tops, scoring),
                )
                ratios.setdefault((size, target), []).append(float((tops >= threshold).mean()) / target)
    return [_row(size, target, np.array(found)) for (size, target), found in ratios.items()]


def _row(size: int, target: float, found: NDArray[np.float64]) -> dict[str, Any]:
    half = 1.96 * float(found.std(ddof=1)) / np.sqrt(len(found))
    ratio = float(found.mean())
    bounds = (max(0.0, float(ratio - half)), float(ratio + half))
    return {"gallery": size, "fpir_target": target, "ratio": ratio, "ratio_interval": bounds, "worlds": len(found)}


def _tops(probes: Vectors, gallery: Vectors, scoring: Scoring) -> Vectors:
    pieces = [probes[n : n + PIECE] for n in range(0, len(probes), PIECE)]
    return np.concatenate([top_scores(piece, gallery, scoring)[1] for piece in pieces])


def _newcomers(frames: Vectors, gallery: Vectors, scoring: Scoring, rng: np.random.Generator) -> Vectors:
    """The scores that are stored at enrolments: of each frame against earlier customers, for people who enrol when
    at least half of the gallery exists (`thresholds.Thresholds`)."""
    late = np.arange(max(len(frames) // 2, 20), len(frames))
    scores = []
    for row in rng.permutation(late)[:NEWCOMERS]:
        cosines = frames[row] @ gallery[:row].T
        most = min(int(row), 1 + scoring.cohort_ranks)
        ranked = -np.sort(-np.partition(cosines, row - most, axis=1)[:, row - most :], axis=1)
        scores.append(scored(ranked, len(gallery), scoring))
    return np.concatenate(scores)
