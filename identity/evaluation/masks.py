"""PURE: how well people with a mask are recognised, with templates and thresholds for masked faces.

As in the product, a picture in which no mask is detected is compared as a clear one. Each threshold is set on
other strangers than it is tested on; the threshold for masks is set on masked strangers.
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
    """Rows of the album, by person. `able` are enrolled with their first three pictures, with a mask drawn over
    them as in an enrolment; up to three more are masked probes. `others` are strangers with one or three masked
    probes. `fillers` are enrolled from their only picture and never probed: they fill the gallery to
    MOST_CUSTOMERS."""

    able: list[Rows]
    others: list[Rows]
    fillers: list[Rows] = field(default_factory=list)

    def enrolments(self) -> list[int]:
        """Pictures that get a mask as in an enrolment."""
        return [int(row) for rows in [*self.able, *self.fillers] for row in rows[:ENROLLED]]

    def probes(self) -> list[int]:
        """Pictures that get a mask as if the person wore one."""
        return [int(r) for rows in self.able for r in rows[ENROLLED:]] + [
            int(r) for rows in self.others for r in rows
        ]


@dataclass(frozen=True)
class Masked:
    """Vectors by row of the album: `enrolled` (enrolment with a drawn mask) and `probes` are zero where there is
    none. `detected` is whether a mask was detected on the probe, `found` whether a face was."""

    album: LabelledVectors
    plan: MaskPlan
    enrolled: Vectors
    probes: Vectors
    detected: NDArray[np.bool_]
    hints: dict[str, int] = field(default_factory=dict)  # the number of masked probes for each `folder.kiosk_hint`

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,): whether a face was found in the probe of each row."""
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
    # With three frames half of `able` are strangers: fillers take their places as well.
    strangers = min(MOST_STRANGERS, max(ENOUGH_STRANGERS, len(others) - MOST_CUSTOMERS))
    return MaskPlan(able, others[:strangers], others[strangers:][: MOST_CUSTOMERS - len(able) // 2])


def mask_templates(masked: Masked, people: Sequence[Rows], clear_share: float) -> Vectors:
    """(n, d): `matcher.masked_template` of each person."""
    templates = []
    for rows in people:
        clear, covered = masked.album.vectors[rows[:ENROLLED]], masked.enrolled[rows[:ENROLLED]]
        templates.append(unit(clear_share * mean_template(clear) + (1 - clear_share) * mean_template(covered)))
    return np.stack(templates)


def mask_rows(
    masked: Masked, clear_share: float | None, scoring: Scoring, rng: np.random.Generator, target: float = 0.01
) -> list[dict[str, Any]]:
    """The rows about masks: for one frame and three, in galleries of 100, of all people who can be probed, and of
    400, filled when there are too few. A `clear_share` of None means that the pack is not calibrated for masks:
    then every face is compared as a clear one."""
    if clear_share is None:
        masked = replace(masked, detected=np.zeros_like(masked.detected))
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
    """Roles: `probed` people of `able` are customers; the rest of them and `others` are strangers with `frames`
    pictures; `fillers` are customers who are never probed."""

    able: list[Rows]
    others: list[Rows]
    fillers: list[Rows]
    probed: int
    frames: int


@dataclass(frozen=True)
class _Judged:
    """Presses of masked people (n,): the best customer, their score, whether compared as masked, and whether a
    face was found."""

    index: Rows
    score: NDArray[np.float64]
    as_masked: NDArray[np.bool_]
    found: NDArray[np.bool_]

    def greeted(self, clear: float, masked: float) -> NDArray[np.bool_]:
        """(n,): whether each press is greeted, at the thresholds for clear and for masked faces."""
        return self.found & (self.score >= np.where(self.as_masked, masked, clear))


def _judged(masked: Masked, presses: list[Rows], clear: Vectors, above: Vectors, scoring: Scoring) -> _Judged:
    index, score = np.zeros(len(presses), np.intp), np.full(len(presses), -np.inf)
    as_masked = np.zeros(len(presses), bool)
    found = np.array([masked.found[rows].any() for rows in presses])
    for n, rows in enumerate(presses):
        seen = rows[masked.found[rows]]
        if not len(seen):
            continue
        with_mask = masked.detected[seen]
        as_masked[n] = with_mask.sum() * 2 > len(seen)
        probe = mean_probe(masked.probes[seen[with_mask == as_masked[n]]])[None, :]
        best, value, _ = top_scores(probe, above if as_masked[n] else clear, scoring)
        index[n], score[n] = best[0], value[0]
    return _Judged(index, score, as_masked, found)


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
            with_mask = theirs.score[setting & theirs.as_masked & theirs.found]
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
        "mask_told": float(masked.detected[probes].sum()) / max(int(masked.found[probes].sum()), 1),
        "fpir_interval": interval(fpir, len(strangers)),
        "fnir_interval": interval(fnir, size),
    }


def mask_tails(masked: Masked, clear_share: float, scoring: Scoring) -> dict[str, Any]:
    """The numbers for a manifest's `calibration.masked`: the tail of masked frames against masked templates of
    others, and that of whole scores."""
    from dataclasses import asdict

    people = masked.plan.able
    templates = mask_templates(masked, people, clear_share)
    presses = [(n, rows[ENROLLED:]) for n, rows in enumerate(people)] + [(-1, r) for r in masked.plan.others]
    seen = [(owner, row) for owner, rows in presses for row in rows[masked.found[rows] & masked.detected[rows]]]
    owners, probes = (np.array(part) for part in zip(*seen, strict=True))
    tail = fit_tail(impostor_scores(masked.probes[probes], owners, templates, np.arange(len(people))))
    first = [rows[0] for rows in masked.plan.others if masked.found[rows[0]] and masked.detected[rows[0]]]
    tops = TopTail(len(people), fit_tail(top_scores(masked.probes[first], templates, scoring)[1]))
    return {"clear_share": clear_share, "tail": asdict(tail), "tops": asdict(tops)}
