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

from identity.evaluation.identification import (
    ENOUGH_STRANGERS,
    LEAST_STRANGERS,
    PARTS,
    LabelledVectors,
    interval,
    threshold_on,
)
from identity.matching.decide import top_scores
from identity.matching.tails import Scoring, TopTail, fit_tail, impostor_scores
from identity.vectors import mean_probe, mean_template, unit

Vectors = NDArray[np.float32]
Rows = NDArray[np.intp]
ENROLLED = 3
DEALS = 5
MOST_CUSTOMERS, MOST_STRANGERS = 400, 1_500


@dataclass(frozen=True)
class MaskPlan:
    """Who is covered: rows of the album. `able` are enrolled with their first three pictures, and these get a mask
    drawn over them as an enrolment does; the next ones, up to three, are masked probes. `others` are strangers
    with one or three masked probes. `fillers` are enrolled from the one picture there is of them and never probed:
    they make the gallery as large as MOST_CUSTOMERS."""

    able: list[Rows]
    others: list[Rows]
    fillers: list[Rows] = field(default_factory=list)

    def twins(self) -> list[int]:
        """Pictures that are embedded as an enrolment embeds them."""
        return [int(row) for rows in [*self.able, *self.fillers] for row in rows[:ENROLLED]]

    def probes(self) -> list[int]:
        """Pictures that are masked as if somebody stood there with a mask."""
        return [int(r) for rows in self.able for r in rows[ENROLLED:]] + [
            int(r) for rows in self.others for r in rows
        ]


@dataclass(frozen=True)
class Masked:
    """Vectors by row of the album: `twins` and `probes` are zero where there is none; `told` is whether the
    product saw a mask on the probe, `found` whether it saw a face at all."""

    album: LabelledVectors
    plan: MaskPlan
    twins: Vectors
    probes: Vectors
    told: NDArray[np.bool_]
    hints: dict[str, int] = field(default_factory=dict)  # what a kiosk says of the masked probes

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) of the album's rows."""
        return np.asarray(np.abs(self.probes).sum(axis=1) > 0)


def mask_plan(album: LabelledVectors, rng: np.random.Generator) -> MaskPlan | None:
    """Up to MOST_CUSTOMERS people with four pictures or more, and MOST_STRANGERS others; None: too few of
    either."""
    people = [rng.permutation(rows) for rows in album.by_person()]
    rng.shuffle(people)
    able = [rows[: 2 * ENROLLED] for rows in people if len(rows) > ENROLLED]
    others = [rows[:ENROLLED] if len(rows) == ENROLLED else rows[:1] for rows in people if len(rows) <= ENROLLED]
    others.sort(key=lambda rows: -len(rows))
    if len(able) < 2 or len(able) + len(others) < 2 + LEAST_STRANGERS:
        return None
    able = able[:MOST_CUSTOMERS]
    # Half of `able` are strangers where three frames are asked for: fillers take their place, too.
    strangers = min(MOST_STRANGERS, max(ENOUGH_STRANGERS, len(others) - MOST_CUSTOMERS))
    return MaskPlan(able, others[:strangers], others[strangers:][: MOST_CUSTOMERS - len(able) // 2])


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
    """The rows of the occlusion table about masks: one frame and three, in galleries of 100, of all who can be
    probed, and of 400, filled where there are too few. Without `clear_share` the pack has no figures for masks,
    and the product takes every face as a clear one."""
    if clear_share is None:
        masked = replace(masked, told=np.zeros_like(masked.told))
    plan = masked.plan
    rows = []
    for frames, name in ((1, ""), (ENROLLED, "_three_frames")):
        able = [rows for rows in plan.able if len(rows) >= ENROLLED + frames]
        others = [rows for rows in plan.others if len(rows) >= frames]
        probed = len(able) if len(others) >= (LEAST_STRANGERS if frames == 1 else len(able)) else len(able) // 2
        if probed < 2 or len(others) + len(able) - probed < LEAST_STRANGERS:
            continue
        for size in sorted({100, MOST_CUSTOMERS, probed}):
            if size > probed + len(plan.fillers):
                continue
            people = _People(able, others, plan.fillers[: max(0, size - probed)], min(size, probed), frames)
            kind = f"mask{name}" if size == probed else f"mask{name}_gallery_{size}"
            rows.append({"kind": kind} | _row(masked, people, clear_share, scoring, rng, target))
    return rows


@dataclass(frozen=True)
class _People:
    """Who is dealt: `probed` of `able` are customers, the rest of them and `others` strangers with `frames`
    pictures; `fillers` are customers who never come."""

    able: list[Rows]
    others: list[Rows]
    fillers: list[Rows]
    probed: int
    frames: int


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
        probe = mean_probe(masked.probes[seen[with_mask == told[n]]])[None, :]
        best, value, _ = top_scores(probe, above if told[n] else clear, scoring)
        index[n], score[n] = best[0], value[0]
    return _Judged(index, score, told, found)


def _row(
    masked: Masked,
    dealt: _People,
    clear_share: float | None,
    scoring: Scoring,
    rng: np.random.Generator,
    target: float,
) -> dict[str, Any]:
    able, size, frames = dealt.able, dealt.probed, dealt.frames
    missed, greeted, thresholds = [], [], []
    strangers: list[Rows] = []
    for _ in range(DEALS):
        order = rng.permutation(len(able))
        customers = [able[n] for n in order[:size]]
        strangers = [rows[:frames] for rows in dealt.others] + [
            able[n][ENROLLED : ENROLLED + frames] for n in order[size:]
        ]
        strangers = [strangers[n] for n in rng.permutation(len(strangers))]
        enrolled = customers + dealt.fillers
        clear = np.stack([mean_template(masked.album.vectors[rows[:ENROLLED]]) for rows in enrolled])
        above = clear if clear_share is None else mask_templates(masked, enrolled, clear_share)
        own = _judged(masked, [r[ENROLLED : ENROLLED + frames] for r in customers], clear, above, scoring)
        theirs = _judged(masked, strangers, clear, above, scoring)
        bare = np.stack([mean_probe(masked.album.vectors[rows]) for rows in strangers])
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
        "gallery": size + len(dealt.fillers),
        "filled": len(dealt.fillers),
        "probe_frames": frames,
        "strangers": len(strangers),
        "detected": float(masked.found[probes].mean()),
        "mask_told": float(masked.told[probes].sum()) / max(int(masked.found[probes].sum()), 1),
        "fpir_interval": interval(fpir, len(strangers)),
        "fnir_interval": interval(fnir, size),
    }


def mask_tails(masked: Masked, clear_share: float, scoring: Scoring) -> dict[str, Any]:
    """What a manifest's `calibration.masked` holds: the tails of masked frames against masked templates of others,
    and of whole scores, as plain numbers."""
    from dataclasses import asdict

    people = masked.plan.able
    templates = mask_templates(masked, people, clear_share)
    presses = [(n, rows[ENROLLED:]) for n, rows in enumerate(people)] + [(-1, r) for r in masked.plan.others]
    seen = [(owner, row) for owner, rows in presses for row in rows[masked.found[rows] & masked.told[rows]]]
    owners, probes = (np.array(part) for part in zip(*seen, strict=True))
    tail = fit_tail(impostor_scores(masked.probes[probes], owners, templates, np.arange(len(people))))
    first = [rows[0] for rows in masked.plan.others if masked.found[rows[0]] and masked.told[rows[0]]]
    tops = TopTail(len(people), fit_tail(top_scores(masked.probes[first], templates, scoring)[1]))
    return {"clear_share": clear_share, "tail": asdict(tail), "tops": asdict(tops)}
