"""Pictures with something before the face, drawn in memory: embedded once, for the figures about what is
covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from identity.capture.drawn_mask import mask
from identity.capture.embed import isolate, masked_twin
from identity.capture.quality import quality_of
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.evaluation import identification as evaluation
from identity.evaluation.folder import Picture, Vectors, embed, hint_of, read_picture, subject, watched
from identity.evaluation.identification import LabelledVectors
from identity.evaluation.masks import Masked, mask_plan
from identity.evaluation.occlusions import KINDS
from identity.matching.tails import Scoring


def masked_pictures(
    engine: FaceEngine, seen: list[Picture], album: LabelledVectors, seed: int, *, twins_too: bool
) -> Masked | None:
    """Masks on a part of the pictures, `seen` in the order of the album. None when there are too few people.

    `twins_too` draws masks as an enrolment does, which needs a pack with figures for masks, or one to get them.
    """
    plan = mask_plan(album, np.random.default_rng(seed))
    if plan is None:
        return None
    twins, probes = np.zeros_like(album.vectors), np.zeros_like(album.vectors)
    told = np.zeros(len(seen), bool)
    hints: Counter[str] = Counter()
    for row in watched(plan.twins() if twins_too else [], "drawing masks for enrolments"):
        vector = _twin(engine, seen[row])
        twins[row] = album.vectors[row] if vector is None else vector
    for row in watched(plan.probes(), "mask"):
        covered = _covered(seen[row], partial(mask, style=row))
        faces = [] if covered is None else engine.detect(covered)
        if covered is None:
            continue
        hints[hint_of(covered, faces)] += 1
        vector, found = embed(engine, covered, faces), subject(faces, covered.shape)
        if vector is not None and found is not None:
            probes[row], told[row] = vector, quality_of(covered, found).cover == "mask"
    return Masked(album, plan, twins, probes, told, dict(hints.most_common()))


def _twin(engine: FaceEngine, shot: Picture) -> Vectors | None:
    """As `capture.embed_one` draws it: over the face where it was found, in the enrolment's own style."""
    pixels = read_picture(shot.path)
    face = None if pixels is None else subject(shot.faces, pixels.shape)
    if pixels is None or face is None:
        return None
    return masked_twin(engine, *isolate(pixels, shot.faces, face))


def _covered(shot: Picture, draw: Callable[[Pixels, Face], Pixels]) -> Pixels | None:
    """The picture with something drawn over its subject; None without one."""
    pixels = read_picture(shot.path)
    face = None if pixels is None else subject(shot.faces, pixels.shape)
    return None if pixels is None or face is None else draw(pixels, face)


def occlusion_rows(
    engine: FaceEngine, seen: list[Picture], album: LabelledVectors, scoring: Scoring, seed: int, most: int
) -> list[dict[str, Any]]:
    """Probes with something before the face, at the threshold of clear ones (1 %): {kind, fpir, fnir, ...}."""
    plan = evaluation.occlusion_plan(album, np.random.default_rng(seed), most)
    if plan is None:
        return []
    rows = []
    for kind in KINDS:
        wanted = [*plan.probes, *plan.strangers]
        vectors = []
        for shot in watched([seen[row] for row in wanted], kind):
            covered = _covered(shot, KINDS[kind])
            vectors.append(None if covered is None else embed(engine, covered))
        count = len(plan.probes)
        rows.append(
            {"kind": kind} | evaluation.occlusion_row(album, plan, vectors[:count], vectors[count:], scoring)
        )
    return rows
