"""Pictures with something before the face, drawn in memory: embedded once, for the figures about what is
covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from identity import evaluation
from identity.archive import Shot, Vectors, embed, read_picture, subject, watched
from identity.calibration import Scoring
from identity.capture import isolate, quality_of
from identity.engines import FaceEngine
from identity.evaluation import Album
from identity.mask_evaluation import Masked, mask_plan
from identity.occlusion import KINDS, mask


def masked_pictures(
    engine: FaceEngine, seen: list[Shot], album: Album, seed: int, *, twins_too: bool
) -> Masked | None:
    """Masks on a part of the pictures, `seen` in the order of the album. None when there are too few people.

    `twins_too` draws masks as an enrolment does, which needs a pack with figures for masks, or one to get them.
    """
    plan = mask_plan(album, np.random.default_rng(seed))
    if plan is None:
        return None
    twins, probes = np.zeros_like(album.vectors), np.zeros_like(album.vectors)
    told = np.zeros(len(seen), bool)
    for row in watched(plan.twins() if twins_too else [], "drawing masks for enrolments"):
        vector = _twin(engine, seen[row].path)
        twins[row] = album.vectors[row] if vector is None else vector
    for row in watched(plan.probes(), "mask"):
        vector, told[row] = _probe(engine, seen[row].path, style=row)
        if vector is not None:
            probes[row] = vector
    return Masked(album, plan, twins, probes, told)


def _twin(engine: FaceEngine, path: Path) -> Vectors | None:
    """As `capture.embed_one` draws it: over the face where it was found, in the enrolment's own style."""
    pixels = read_picture(path)
    faces = [] if pixels is None else engine.detect(pixels)
    face = None if pixels is None else subject(faces, pixels.shape)
    if pixels is None or face is None:
        return None
    crop, moved = isolate(pixels, faces, face)
    return engine.embed(mask(crop, moved), moved)


def _probe(engine: FaceEngine, path: Path, style: int) -> tuple[Vectors | None, bool]:
    """Somebody with a mask of another colour and shape: the vector, None without a face, and whether the product
    sees the mask."""
    pixels = read_picture(path)
    face = None if pixels is None else subject(engine.detect(pixels), pixels.shape)
    if pixels is None or face is None:
        return None, False
    covered = mask(pixels, face, style)
    faces = engine.detect(covered)
    found = subject(faces, covered.shape)
    if found is None:
        return None, False
    return embed(engine, covered, faces), quality_of(covered, found).cover == "mask"


def occlusion_rows(
    engine: FaceEngine, seen: list[Shot], album: Album, scoring: Scoring, seed: int, most: int
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
            vectors.append(occluded(engine, shot.path, kind))
        count = len(plan.probes)
        rows.append(
            {"kind": kind} | evaluation.occlusion_row(album, plan, vectors[:count], vectors[count:], scoring)
        )
    return rows


def occluded(engine: FaceEngine, path: Path, kind: str) -> Vectors | None:
    """The vector of a picture after `kind` was drawn over its subject; None when no face is found then."""
    pixels = read_picture(path)
    face = None if pixels is None else subject(engine.detect(pixels), pixels.shape)
    if pixels is None or face is None:
        return None
    return embed(engine, KINDS[kind](pixels, face))
