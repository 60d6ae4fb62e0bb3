"""PURE: is "at most one wrong greeting in M strangers" kept by the product's own threshold?

In each split the people fall into three groups that share nobody: customers, people on whom the tail of single
comparisons is measured (as a pack ships it), and strangers who are tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.calibration import Scoring, Tail, fit_tail, impostor_scores, own_tops, threshold_for
from identity.evaluation import Album
from identity.matching import mean_template, top_scores

ENROLLED = 3
SPLITS = 20
SIZES = (100, 300, 600)
LEAST_TEMPLATES = 12
Rows = NDArray[np.intp]


def _draws(album: Album, people: Sequence[Rows], frames: int, rng: np.random.Generator, most: int) -> tuple:
    """Mean probes of `frames` random pictures and whose they are, up to `most` for a person."""
    probes, owners = [], []
    for person, rows in enumerate(people):
        spare = len(rows) if frames == 1 else len(rows) - frames + 1
        for _ in range(min(most, max(0, spare))):
            probes.append(mean_template(album.vectors[rng.permutation(rows)[:frames]]))
            owners.append(person)
    return np.stack(probes), np.array(owners)


def measure_tail(album: Album, people: Sequence[Rows], frames: int, rng: np.random.Generator) -> Tail:
    """The tail of probes of `frames` pictures against mean-of-3 templates of others.

    Everybody with 3 pictures lends two templates, everybody with enough of them up to 4 probes. Raises ValueError
    when they are too few to show a tail.
    """
    able = [i for i, rows in enumerate(people) if len(rows) >= ENROLLED]
    if len(able) < LEAST_TEMPLATES:
        raise ValueError(f"a tail needs {LEAST_TEMPLATES} people with {ENROLLED} pictures each")
    templates = [
        mean_template(album.vectors[rng.permutation(people[i])[:ENROLLED]]) for _ in range(2) for i in able
    ]
    probes, owners = _draws(album, people, frames, rng, 4)
    return fit_tail(impostor_scores(probes, owners, np.stack(templates), np.array(able * 2)))


def tails_to_ship(album: Album, rng: np.random.Generator) -> dict[str, Any]:
    """What a manifest's `calibration.tails` holds: frames -> tail, as plain numbers."""
    people = album.by_person()
    return {str(frames): asdict(measure_tail(album, people, frames, rng)) for frames in (1, 2, 3)}


def kept(
    album: Album, rng: np.random.Generator, scoring: Scoring, targets: Sequence[float], splits: int = SPLITS
) -> list[dict[str, Any]]:
    """Greeted / promised for galleries of 100, 300, 600 where there are people for it; 1 and 3 probe frames.

    The interval is 95 % over splits, which deal the same people anew each time.
    """
    rows = []
    for frames in (1, 3):
        for size in SIZES:
            found = [_split(album, rng, scoring, targets, frames, size) for _ in range(splits)]
            if found[0] is None:
                continue
            per_split = np.array(found, np.float64)  # (splits, targets, 3): ratio, missed, threshold
            means, spread = per_split.mean(axis=0), per_split.std(axis=0, ddof=1)
            for target, (ratio, missed, threshold), (scatter, _, _) in zip(targets, means, spread, strict=True):
                half = 1.96 * scatter / np.sqrt(splits)
                rows.append(
                    {
                        "gallery": size,
                        "probe_frames": frames,
                        "fpir_target": target,
                        "ratio": float(ratio),
                        "ratio_interval": (max(0.0, float(ratio - half)), float(ratio + half)),
                        "fnir": float(missed),
                        "threshold": float(threshold),
                        "splits": splits,
                    }
                )
    return rows


def _split(
    album: Album, rng: np.random.Generator, scoring: Scoring, targets: Sequence[float], frames: int, size: int
) -> list[tuple[float, float, float]] | None:
    """(greeted / promised, missed, threshold) for each target in one dealing of people; None: too few of them."""
    people = album.by_person()
    rng.shuffle(people)
    able = [rows for rows in people if len(rows) >= ENROLLED + frames]
    if len(able) < size:
        return None
    customers = able[:size]
    taken = {int(rows[0]) for rows in customers}
    rest = [rows for rows in people if int(rows[0]) not in taken and len(rows) >= frames]
    setters, tested = rest[::2], rest[1::2]
    if len(tested) < 100 or sum(len(rows) >= ENROLLED for rows in setters) < LEAST_TEMPLATES:
        return None
    tail = measure_tail(album, setters, frames, rng)
    images = [rng.permutation(rows) for rows in customers]
    gallery = np.stack([mean_template(album.vectors[rows[:ENROLLED]]) for rows in images])
    tops = _own(album, [rows[:ENROLLED] for rows in images], gallery, frames, scoring)
    probes, owners = _draws(album, [rows[ENROLLED:] for rows in images], frames, rng, 3)
    index, score, _ = top_scores(probes, gallery, scoring)
    strangers, whose = _draws(album, tested, frames, rng, 1 if frames == 1 else 4)
    theirs = top_scores(strangers, gallery, scoring)[1]
    found = []
    for target in targets:
        threshold = threshold_for(target, size, pack_tail=tail, gallery_tops=tops, scoring=scoring)
        greeted = np.bincount(whose, theirs >= threshold) / np.bincount(whose)
        missed = float(((index != owners) | (score < threshold)).mean())
        found.append((float(greeted.mean()) / target, missed, threshold))
    return found


def _own(album: Album, images: list[Rows], gallery: NDArray, frames: int, scoring: Scoring) -> NDArray:
    """The gallery's own scores, for probes of one frame, or of all enrolment frames together."""
    who = np.arange(len(images))
    if frames == 1:
        vectors = album.vectors[np.concatenate(images)]
        return own_tops(vectors, np.repeat(who, [len(rows) for rows in images]), gallery, who, scoring)
    return own_tops(gallery, who, gallery, who, scoring)
