"""Checks that every engine pack must pass before it is used with customers. No pictures of people are needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity.capture.drawn_mask import mask
from identity.engines.manifests import ACCEPTED_LICENCES, DENIED_VENDORS, Pack, is_denied
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.engines.warm_up import pattern, some_face
from identity.evaluation.occlusions import blur

Draw = Callable[[int, int], Pixels]
"""draw(person, moment): a picture of a person who does not exist."""

PEOPLE = 12
SLOWEST_MS = 500
NEARER = 0.02  # cosine; between two drawn strangers .65 to .75 (open-model-zoo), .95 to .96 (dlib)


class Finding(NamedTuple):
    """One check and its result."""

    name: str
    passed: bool
    detail: str


def examine_pack(engine: FaceEngine, draw: Draw | None = None, second: FaceEngine | None = None) -> list[Finding]:
    """Run the checks: policy, shape and length of vectors, determinism, empty picture, speed; faces, masks, blur.

    The last three need `draw`. `second` is the same pack in another process, for one more check of determinism.
    """
    findings = [*policy(engine.pack), *numbers(engine, second), *speed(engine)]
    return findings if draw is None else findings + covered(engine, draw)


def policy(pack: Pack) -> list[Finding]:
    """Hashes, licences and vendor in the manifest. The files were compared with it when the pack was opened."""
    licences = sorted({pack.licence, *(file.licence for file in pack.files)})
    return [
        Finding(
            "files",
            all(len(file.sha256) == 64 for file in pack.files),
            ", ".join(f"{Path(file.name).name} {file.bytes} bytes {file.sha256[:12]}" for file in pack.files),
        ),
        Finding("licence", set(licences) <= ACCEPTED_LICENCES, ", ".join(licences)),
        Finding("vendor", not is_denied(pack.vendor), f"{pack.vendor}; {len(DENIED_VENDORS)} vendors are denied"),
    ]


def numbers(engine: FaceEngine, second: FaceEngine | None) -> list[Finding]:
    """Shape, length, equal vectors for equal pictures and different ones for different pictures."""
    picture, face = pattern(), some_face(engine)
    vector, again, other = (engine.embed(p, face) for p in (picture, picture.copy(), pattern(1)))
    norm = float(np.linalg.norm(vector))
    detail = f"{vector.dtype} {vector.shape}, manifest says {engine.pack.size}"
    shape = vector.shape == (engine.pack.size,) and vector.dtype == np.float32
    findings = [
        Finding("vector", shape, detail),
        Finding("length", bool(np.isfinite(vector).all()) and abs(norm - 1) < 1e-4, f"{norm:.6f}"),
        Finding("the same picture twice", bool(np.array_equal(vector, again)), largest_difference(vector, again)),
    ]
    if second is not None:
        other_process = second.embed(picture, face)
        same = bool(np.array_equal(vector, other_process))
        findings.append(Finding("the same in another process", same, largest_difference(vector, other_process)))
    alike = float(vector @ other)
    return [*findings, Finding("another picture", alike < 0.9999, f"cosine {alike:.3f}")]


def largest_difference(a: Vector, b: Vector) -> str:
    """The largest difference between two vectors, as text."""
    return f"largest difference {float(np.abs(a - b).max()):g}"


def speed(engine: FaceEngine, times: int = 5) -> list[Finding]:
    """No face in an empty picture, and the median time of some runs."""
    picture, face, plain = pattern(), some_face(engine), np.full((240, 320, 3), 127, np.uint8)
    found = engine.detect(plain)
    medians = []
    for work in (lambda: engine.embed(picture, face), lambda: engine.detect(plain)):
        runs = []
        for _ in range(times):
            started = time.perf_counter()
            work()
            runs.append(1000 * (time.perf_counter() - started))
        medians.append(float(np.median(runs)))
    return [
        Finding("nobody in an empty picture", not found, f"{len(found)} faces"),
        Finding("speed", max(medians) < SLOWEST_MS, f"embed {medians[0]:.1f} ms, detect {medians[1]:.1f} ms"),
    ]


def covered(engine: FaceEngine, draw: Draw, people: int = PEOPLE) -> list[Finding]:
    """Drawn people are recognised, and a mask or blur makes nobody more similar to another person.

    A covered face may be missed; that person is a guest. But it must not be nearer to another person than bare
    faces are, or a threshold would not hold.
    """
    seen = [
        (first, second)
        for n in range(people)
        if (first := _bare(engine, draw(n, 0))) is not None and (second := _bare(engine, draw(n, 1))) is not None
    ]
    if len(seen) < people * 3 // 4:
        return [Finding("faces are found", False, f"{len(seen)} of {people} drawn people")]
    templates = np.stack([first[2] for first, _ in seen])
    own, others = _nearest(np.stack([second[2] for _, second in seen]), templates)
    findings = [
        Finding("faces are found", True, f"{len(seen)} of {people} drawn people"),
        Finding("people are distinguished", own > others, f"own at least {own:.3f}, others at most {others:.3f}"),
    ]
    for kind, alter in (("mask", mask), ("blur", blur)):
        vectors, found = [], 0
        for _, (pixels, face, _) in seen:
            altered = alter(pixels, face)
            again = engine.detect(altered)
            found += bool(again)
            vectors.append(engine.embed(altered, again[0] if again else face))
        own, others_now = _nearest(np.stack(vectors), templates)
        detail = f"found {found} of {len(seen)}; own at least {own:.3f}, "
        detail += f"others at most {others_now:.3f} (bare {others:.3f})"
        sound = bool(np.isfinite(vectors).all()) and others_now <= others + NEARER
        findings.append(Finding(f"{kind}: nobody looks more like somebody else", sound, detail))
    return findings


def _bare(engine: FaceEngine, pixels: Pixels) -> tuple[Pixels, Face, Vector] | None:
    faces = engine.detect(pixels)
    return (pixels, faces[0], engine.embed(pixels, faces[0])) if faces else None


def _nearest(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> tuple[float, float]:
    """The lowest cosine with the same person and the highest with another; row n of both arrays is person n."""
    cosines = probes @ templates.T
    own = np.diag(cosines).copy()
    np.fill_diagonal(cosines, -1)
    return float(np.min(own)), float(np.max(cosines))
