"""PURE: how well people are recognised above a mask, with the template and the threshold that masks have.

What the product does is done here: a picture in which it sees no mask is judged as a clear one. Thresholds are set
on strangers apart from those they are tested on, masked ones on masked strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.calibration import Scoring, Tail, TopTail, fit_tail, impostor_scores
from identity.evaluation import (
    LEAST_STRANGERS,
    PARTS,
    Album,
    interval,
    threshold_on,
)
from identity.matching import mean_template, top_scores, unit

Vectors = NDArray[np.float32]
Rows = NDArray[np.intp]
ENROLLED = 3
DEALS = 5
MOST_CUSTOMERS, MOST_STRANGERS = 400, 1_500


@dataclass(frozen=True)
class MaskPlan:
    """Who is covered: rows of the album. `able` are enrolled with their first three pictures, and these get a mask
    drawn over them as an enrolment does; the next ones, up to three, are masked probes. `others` are strangers
    with one or three masked probes."""

    able: list[Rows]
    others: list[Rows]

    def twins(self) -> list[int]:
        """Pictures that are embedded as an enrolment embeds them."""
        return [int(row) for rows in self.able for row in rows[:ENROLLED]]

    def probes(self) -> list[int]:
        """Pictures that are masked as if somebody stood there with a mask."""
        return [int(r) for rows in self.able for r in rows[ENROLLED:]] + [
            int(r) for rows in self.others for r in rows
        ]


@dataclass(frozen=True)
class Masked:
    """Vectors by row of the album: `twins` and `probes` are zero where there is none; `told` is whether the
    product saw a mask on the probe, `found` whether it saw a face at all."""

    album: Album
    plan: MaskPlan
    twins: Vectors
    probes: Vectors
    told: NDArray[np.bool_]
    hints: dict[str, int] = field(default_factory=dict)  # what a kiosk says of the masked probes

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) of the album's rows."""
        return np.asarray(np.abs(self.probes).sum(axis=1) > 0)


def mask_plan(album: Album, rng: np.random.Generator) -> MaskPlan | None:
    """Up to MOST_CUSTOMERS people with four pictures or more, and MOST_STRANGERS others; None: too few of
    either."""
    people = [rng.permutation(rows) for rows in album.by_person()]
    rng.shuffle(people)
    able = [rows[: 2 * ENROLLED] for rows in people if len(rows) > ENROLLED]
    others = [rows[:ENROLLED] if len(rows) == ENROLLED else rows[:1] for rows in people if len(rows) <= ENROLLED]
    others.sort(key=lambda rows: -len(rows))
    if len(able) < 2 or len(able) + len(others) < 2 + LEAST_STRANGERS:
        return None
    return MaskPlan(able[:MOST_CUSTOMERS], others[:MOST_STRANGERS])


def mask_templates(masked: Masked, people: Sequence[Rows], clear_share: float) -> Vectors:
    """(n, d): `covers.masked_template` of each."""
    templates = []
    for rows in people:
        clear, twins = masked.album.vectors[rows[:ENROLLED]], masked.twins[rows[:ENROLLED]]
        templates.append(unit(clear_share * mean_template(clear) + (1 - clear_share) * mean_template(twins)))
    return np.stack(templates)


def mask_rows(
    masked: Masked, clear_share: float | None, scoring: Scoring, rng: np.random.Generator, target: float = 0.01
) -> list[dict[str, Any]]:
    """The rows of the occlusion table about masks: one frame in the largest gallery and in one of 100, and three
    frames, as far as there are people for it. Without `clear_share` the pack has no figures for masks, and the
    product takes every face as a clear one."""
    if clear_share is None:
        masked = replace(masked, told=np.zeros_like(masked.told))
    plan = masked.plan
    rows = []
    largest = len(plan.able) if len(plan.others) >= LEAST_STRANGERS else len(plan.able) // 2
    for kind, size in (("mask", largest), ("mask_gallery_100", 100)):
        if size <= largest:
            rows.append(
                _row(masked, plan.able, plan.others, size, 1, clear_share, scoring, rng, target) | {"kind": kind}
            )
    able = [rows for rows in plan.able if len(rows) == 2 * ENROLLED]
    others = [rows for rows in plan.others if len(rows) == ENROLLED]
    size = len(able) if len(others) >= max(LEAST_STRANGERS, len(able)) else len(able) // 2
    if size >= 2 and len(others) + len(able) - size >= LEAST_STRANGERS:
        row = _row(masked, able, others, size, ENROLLED, clear_share, scoring, rng, target)
        rows.append(row | {"kind": "mask_three_frames"})
    return rows


@dataclass(frozen=True)
class _Judged:
    """Presses of masked people: the best customer (n,), the score there (n,), whether as masked, whether at
    all."""

    index: Rows
    score: NDArray[np.float64]
    told: NDArray[np.bool_]
    found: NDArray[np.bool_]

    def greeted(self, clear: float, masked: float) -> NDArray[np.bool_]:
        """At a threshold for each side."""
        return self.found & (self.score >= np.where(self.told, masked, clear))


def _judged(masked: Masked, presses: list[Rows], clear: Vectors, above: Vectors, scoring: Scoring) -> _Judged:
    index, score = np.zeros(len(presses), np.intp), np.full(len(presses), -np.inf)
    told = np.zeros(len(presses), bool)
    found = np.array([masked.found[rows].any() for rows in presses])
    for n, rows in enumerate(presses):
        seen = rows[masked.found[rows]]
        if not len(seen):
            continue
        with_mask = masked.told[seen]
        told[n] = with_mask.sum() * 2 > len(seen)
        probe = mean_template(masked.probes[seen[with_mask == told[n]]])[None, :]
        best, value, _ = top_scores(probe, above if told[n] else clear, scoring)
        index[n], score[n] = best[0], value[0]
    return _Judged(index, score, told, found)


def _row(
    masked: Masked,
    able: list[Rows],
    others: list[Rows],
    size: int,
    frames: int,
    clear_share: float | None,
    scoring: Scoring,
    rng: np.random.Generator,
    target: float,
) -> dict[str, Any]:
    missed, greeted, thresholds = [], [], []
    strangers: list[Rows] = []
    for _ in range(DEALS):
        order = rng.permutation(len(able))
        customers = [able[n] for n in order[:size]]
        strangers = [rows[:frames] for rows in others] + [
            able[n][ENROLLED : ENROLLED + frames] for n in order[size:]
        ]
        strangers = [strangers[n] for n in rng.permutation(len(strangers))]
        clear = np.stack([mean_template(masked.album.vectors[rows[:ENROLLED]]) for rows in customers])
        above = clear if clear_share is None else mask_templates(masked, customers, clear_share)
        own = _judged(masked, [r[ENROLLED : ENROLLED + frames] for r in customers], clear, above, scoring)
        theirs = _judged(masked, strangers, clear, above, scoring)
        bare = np.stack([mean_template(masked.album.vectors[rows]) for rows in strangers])
        tops = top_scores(bare, clear, scoring)[1]
        parts = np.arange(len(strangers)) % PARTS
        for part in range(PARTS):
            setting = parts != part
            at_clear = threshold_on(tops[setting], int(setting.sum()), target)
            with_mask = theirs.score[setting & theirs.told & theirs.found]
            at_mask = threshold_on(with_mask, len(with_mask), target) if len(with_mask) else np.inf
            thresholds.append(at_mask)
            right = own.greeted(at_clear, at_mask) & (own.index == np.arange(size))
            missed.append(1 - right.mean())
            greeted.append(theirs.greeted(at_clear, at_mask)[parts == part])
    fnir, fpir = float(np.mean(missed)), float(np.concatenate(greeted).mean())
    probes = masked.plan.probes()
    return {
        "fpir": fpir,
        "fnir": fnir,
        "fpir_target": target,
        "threshold": float(np.mean(thresholds)),
        "gallery": size,
        "probe_frames": frames,
        "strangers": len(strangers),
        "detected": float(masked.found[probes].mean()),
        "mask_told": float(masked.told[probes].sum()) / max(int(masked.found[probes].sum()), 1),
        "fpir_interval": interval(fpir, len(strangers)),
        "fnir_interval": interval(fnir, size),
    }


def mask_tails(masked: Masked, clear_share: float, scoring: Scoring) -> dict[str, Any]:
    """What a manifest's `calibration.masked` holds: tails of 1 to 3 masked frames against masked templates of
    others, and of whole scores, as plain numbers."""
    from dataclasses import asdict

    people = masked.plan.able
    templates = mask_templates(masked, people, clear_share)
    tails: dict[str, Tail] = {}
    for frames in (1, 2, 3):
        probes, owners = [], []
        presses = [(n, rows[ENROLLED:]) for n, rows in enumerate(people)] + [(-1, r) for r in masked.plan.others]
        for owner, rows in presses:
            seen = rows[masked.found[rows] & masked.told[rows]]
            for start in range(0, len(seen) - frames + 1, frames):
                probes.append(mean_template(masked.probes[seen[start : start + frames]]))
                owners.append(owner)
        scores = impostor_scores(np.stack(probes), np.array(owners), templates, np.arange(len(people)))
        tails[str(frames)] = fit_tail(scores)
    first = [rows[0] for rows in masked.plan.others if masked.found[rows[0]] and masked.told[rows[0]]]
    tops = TopTail(len(people), fit_tail(top_scores(masked.probes[first], templates, scoring)[1]))
    told = {"tails": {name: asdict(tail) for name, tail in tails.items()}, "tops": asdict(tops)}
    return {"clear_share": clear_share, **told}
