"""Embeds pictures whose faces are covered by something drawn in memory, for the figures about covered faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from identity.capture.drawn_mask import mask
from identity.capture.embed import embed_with_mask, isolate
from identity.capture.quality import quality_of
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.evaluation.folder import Picture, Vectors, embed, kiosk_hint, read_picture_file, subject
from identity.evaluation.identification import LabelledVectors
from identity.evaluation.masks import Masked, mask_plan
from identity.evaluation.occlusion_figures import occlusion_plan, occlusion_row
from identity.evaluation.occlusions import KINDS
from identity.matching.tails import Scoring
from plumbing.cli import track


def masked_pictures(
    engine: FaceEngine, seen: list[Picture], album: LabelledVectors, seed: int, *, templates_too: bool
) -> Masked | None:
    """Draw masks on a part of the pictures and embed them; `seen` are the pictures in the order of the album. None
    when there are too few people.

    With `templates_too` masks are also drawn as an enrolment does, for a pack that is or will be calibrated for
    masks.
    """
    plan = mask_plan(album, np.random.default_rng(seed))
    if plan is None:
        return None
    enrolled, probes = np.zeros_like(album.vectors), np.zeros_like(album.vectors)
    detected = np.zeros(len(seen), bool)
    hints: Counter[str] = Counter()
    for row in track(plan.enrolments() if templates_too else [], "drawing masks for enrolments", unit=" pictures"):
        vector = _embed_with_mask(engine, seen[row])
        enrolled[row] = album.vectors[row] if vector is None else vector
    for row in track(plan.probes(), "mask", unit=" pictures"):
        covered = _covered(seen[row], partial(mask, style=row))
        faces = [] if covered is None else engine.detect(covered)
        if covered is None:
            continue
        hints[kiosk_hint(covered, faces)] += 1
        vector, found = embed(engine, covered, faces), subject(faces, covered.shape)
        if vector is not None and found is not None:
            probes[row], detected[row] = vector, quality_of(covered, found).cover == "mask"
    return Masked(album, plan, enrolled, probes, detected, dict(hints.most_common()))


def _embed_with_mask(engine: FaceEngine, shot: Picture) -> Vectors | None:
    """The vector of a picture's subject with a mask drawn over it as an enrolment does; None without a face."""
    pixels = read_picture_file(shot.path)
    face = None if pixels is None else subject(shot.faces, pixels.shape)
    if pixels is None or face is None:
        return None
    return embed_with_mask(engine, *isolate(pixels, shot.faces, face))


def _covered(shot: Picture, draw: Callable[[Pixels, Face], Pixels]) -> Pixels | None:
    """The picture with something drawn over its subject; None without a face."""
    pixels = read_picture_file(shot.path)
    face = None if pixels is None else subject(shot.faces, pixels.shape)
    return None if pixels is None or face is None else draw(pixels, face)


def occlusion_rows(
    engine: FaceEngine, seen: list[Picture], album: LabelledVectors, scoring: Scoring, seed: int, most: int
) -> list[dict[str, Any]]:
    """Figures of probes with a covered face, at the threshold of clear ones (1 %): {kind, fpir, fnir, ...}."""
    plan = occlusion_plan(album, np.random.default_rng(seed), most)
    if plan is None:
        return []
    rows = []
    for kind in KINDS:
        rows_to_cover = [*plan.probes, *plan.strangers]
        vectors = []
        for shot in track([seen[row] for row in rows_to_cover], kind, unit=" pictures"):
            covered = _covered(shot, KINDS[kind])
            vectors.append(None if covered is None else embed(engine, covered))
        count = len(plan.probes)
        rows.append({"kind": kind} | occlusion_row(album, plan, vectors[:count], vectors[count:], scoring))
    return rows
