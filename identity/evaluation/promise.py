"""PURE: does the product's own threshold meet the promise "at most one wrong greeting in M strangers"?

In each random split there are three disjoint groups: customers, people on whom the tails are measured (as they are
for a pack's manifest), and strangers who are tested. Other rows test the tails that the manifest ships: these
figures are valid only for people on whom the tails were not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.evaluation.identification import LabelledVectors
from identity.matching.calibration import dependence, threshold_for
from identity.matching.decide import top_scores
from identity.matching.tails import (
    LEAST_TAIL,
    TAIL_SHARE,
    Scoring,
    Tail,
    TopTail,
    fit_tail,
    impostor_scores,
    own_tops,
    shipped_tail,
    shipped_tops,
)
from identity.vectors import mean_probe, mean_template

ENROLLED = 3
SPLITS = 20
SIZES = (100, 300, 600)
LEAST_TEMPLATES = 12
LENDERS = 50  # people with enough pictures for a template who are reserved for measuring tails, if available
LEAST_TESTED = 40
DRAWS = 10  # presses of one stranger, when a press has several pictures
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Tails:
    """The data of a threshold: the tail of single comparisons, and that of whole scores."""

    one: Tail
    tops: TopTail | None


def _draws(
    album: LabelledVectors, people: Sequence[Rows], frames: int, rng: np.random.Generator, most: int
) -> tuple[NDArray[np.float32], Rows]:
    """Probes (n, d) of `frames` random pictures each, up to `most` for a person, and their people (n,)."""
    probes, owners = [], []
    for person, rows in enumerate(people):
        for _ in range(min(most, comb(len(rows), frames))):
            probes.append(mean_probe(album.vectors[rng.permutation(rows)[:frames]]))
            owners.append(person)
    return np.stack(probes), np.array(owners)


def measure_tail(
    album: LabelledVectors, people: Sequence[Rows], rng: np.random.Generator, filled: float = 0.0
) -> Tail:
    """The tail of single pictures against other people's templates, each the mean of 3 pictures.

    Each person with 3 pictures gives two templates, and every person up to 4 probes. A share `filled` of the
    templates is made of one picture, as in a gallery with that share. Raises ValueError with too few people.
    """
    able = _lenders(people, filled)
    templates = _templates(album, [people[i] for i in able] * 2, rng)
    probes, owners = _draws(album, people, 1, rng, 4)
    return fit_tail(impostor_scores(probes, owners, templates, np.array(able * 2)))


def measure_tops(
    album: LabelledVectors, people: Sequence[Rows], scoring: Scoring, rng: np.random.Generator, filled: float = 0.0
) -> TopTail:
    """The tail of whole scores, with their cohort term, of single pictures against one template of each person who
    gives one. These people give no probes."""
    able = _lenders(people, filled)
    templates = _templates(album, [people[i] for i in able], rng)
    probes, _ = _draws(album, [rows for i, rows in enumerate(people) if i not in set(able)], 1, rng, 1)
    cosines = -np.sort(-(probes @ templates.T), axis=1)
    ranked = cosines[:, 1 : 1 + scoring.cohort_ranks]
    term = scoring.cohort_weight * ranked.mean(axis=1) if scoring.cohort_weight > 0 else 0.0
    return TopTail(len(able), fit_tail(cosines[:, 0] - term))


def measured(
    album: LabelledVectors, people: Sequence[Rows], scoring: Scoring, rng: np.random.Generator, filled: float = 0.0
) -> Tails:
    """Both tails, measured on the same people. Raises ValueError with too few people."""
    one = measure_tail(album, people, rng, filled)
    tops = None
    lending = len(_lenders(people, filled))
    enough = lending > 2 * scoring.cohort_ranks and (len(people) - lending) * TAIL_SHARE >= LEAST_TAIL
    if scoring.cohort_weight > 0 and enough:
        tops = measure_tops(album, people, scoring, rng, filled)
    return Tails(one, tops)


def _lenders(people: Sequence[Rows], filled: float) -> list[int]:
    """Indices of the people who give a template: all with 3 pictures, and as many with fewer as make up a share
    `filled`, but at most half of those."""
    able = _able(people)
    few = [i for i, rows in enumerate(people) if len(rows) < ENROLLED]
    return able + few[: min(len(few) // 2, round(len(able) * filled / max(1 - filled, 0.01)))]


def _able(people: Sequence[Rows]) -> list[int]:
    able = [i for i, rows in enumerate(people) if len(rows) >= ENROLLED]
    if len(able) < LEAST_TEMPLATES:
        raise ValueError(f"at least {LEAST_TEMPLATES} people with {ENROLLED} pictures each are needed for a tail")
    return able


def _templates(album: LabelledVectors, people: Sequence[Rows], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.stack([mean_template(album.vectors[rng.permutation(rows)[:ENROLLED]]) for rows in people])


def tails_to_ship(album: LabelledVectors, rng: np.random.Generator, scoring: Scoring) -> dict[str, Any]:
    """The numbers for `tail` and `tops` in a manifest's `calibration`."""
    people = album.by_person()
    tail = measure_tail(album, people, rng)
    return {"tail": asdict(tail), "tops": asdict(measure_tops(album, people, scoring, rng))}


def shipped(calibration: Mapping[str, Any]) -> Tails | None:
    """The tails in a manifest's `calibration`, or None without any."""
    tail = shipped_tail(calibration)
    return None if tail is None else Tails(tail, shipped_tops(calibration))


def measure_promise(
    album: LabelledVectors,
    rng: np.random.Generator,
    scoring: Scoring,
    targets: Sequence[float],
    splits: int = SPLITS,
    calibration: Mapping[str, Any] | None = None,
    sizes: Sequence[int] = SIZES,
) -> list[dict[str, Any]]:
    """Greeted / promised in galleries of `sizes` for which there are enough people, for 1 and 3 probe frames.

    `tails` in a row says where the tails come from: "measured" on other people here, or "shipped" in the pack's
    `calibration`. The interval is 95 % over random splits. `filled` people of the gallery are never probed and are
    enrolled from the pictures there are, often one.
    """
    rows = []
    for tails in ("measured", "shipped"):
        for frames in (1, 3):
            given = None if tails == "measured" else shipped(calibration or {})
            if tails == "shipped" and given is None:
                continue
            for size in sizes:
                dealings = [_dealt(album, rng, frames, size, given is not None) for _ in range(splits)]
                dealt = [one for one in dealings if one is not None]
                if not dealt:
                    continue
                found = [_split(album, one, rng, scoring, targets, frames, given) for one in dealt]
                head = {"tails": tails, "gallery": size, "probe_frames": frames}
                head |= {"filled": len(dealt[0].fillers), "strangers": len(dealt[0].tested)}
                rows += [head | row for row in _rows(np.array(found, np.float64), targets)]
    return rows


def _rows(per_split: NDArray[np.float64], targets: Sequence[float]) -> list[dict[str, Any]]:
    """Means over (splits, targets, 3): ratio, missed, threshold."""
    splits = len(per_split)
    rows = []
    for n, target in enumerate(targets):
        ratio, missed, threshold = per_split[:, n].mean(axis=0).tolist()
        half = 1.96 * float(per_split[:, n, 0].std(ddof=1)) / np.sqrt(splits)
        rows.append(
            {
                "fpir_target": target,
                "ratio": ratio,
                "ratio_interval": (max(0.0, float(ratio - half)), float(ratio + half)),
                "fnir": missed,
                "threshold": threshold,
                "splits": splits,
            }
        )
    return rows


@dataclass(frozen=True)
class _Dealt:
    """The roles in a split, all disjoint: customers who are probed, people who only fill the gallery, people on
    whom tails are measured, and strangers to test."""

    customers: list[Rows]
    fillers: list[Rows]
    setters: list[Rows]
    tested: list[Rows]


def _dealt(
    album: LabelledVectors, rng: np.random.Generator, frames: int, size: int, shipped: bool
) -> _Dealt | None:
    """A random split; None with too few people.

    With one frame almost everybody can be a stranger, and people with many pictures are customers or give
    templates for the tails. With several frames most people with many pictures are needed as strangers: a sixth of
    them are customers, and the gallery is filled. With shipped tails nobody is needed for measuring them.
    """
    people = album.by_person()
    rng.shuffle(people)
    able = [rows for rows in people if len(rows) >= ENROLLED + frames]
    some = [rows for rows in people if ENROLLED <= len(rows) < ENROLLED + frames]
    few = [rows for rows in people if len(rows) < ENROLLED]
    spared = 0 if shipped else max(0, LENDERS - len(some))
    if frames == 1:
        probed = max(len(able) - spared, len(able) // 2)
    else:
        probed = len(able) if len(some) >= 2 * max(LENDERS, len(able) // 2) else len(able) // 6
    probed = min(size, probed)
    rest = some + able[probed:]
    lent = min(LENDERS, len(rest) // 5)
    fillers, few = few[: size - probed], few[size - probed :]
    if shipped:
        setters, tested = [], rest + few
    elif frames == 1:
        setters, tested = rest + few[::2], few[1::2]
    else:
        setters, tested = rest[:lent] + few, rest[lent:]
    tested = [rows for rows in tested if len(rows) >= frames]
    if probed < 2 or probed + len(fillers) < size or len(tested) < LEAST_TESTED:
        return None
    if not shipped and sum(len(rows) >= ENROLLED for rows in setters) < LEAST_TEMPLATES:
        return None
    return _Dealt(able[:probed], fillers, setters, tested)


def _split(
    album: LabelledVectors,
    dealt: _Dealt,
    rng: np.random.Generator,
    scoring: Scoring,
    targets: Sequence[float],
    frames: int,
    given: Tails | None,
) -> list[tuple[float, float, float]]:
    """(greeted / promised, missed, threshold) for each target in one split."""
    size = len(dealt.customers) + len(dealt.fillers)
    tails = given or measured(album, dealt.setters, scoring, rng, len(dealt.fillers) / size)
    images = [rng.permutation(rows) for rows in dealt.customers]
    enrolled = [rows[:ENROLLED] for rows in [*images, *dealt.fillers]]
    gallery = np.stack([mean_template(album.vectors[rows]) for rows in enrolled])
    who = np.repeat(np.arange(size), [len(rows) for rows in enrolled])
    tops = own_tops(album.vectors[np.concatenate(enrolled)], who, gallery, np.arange(size), scoring)
    probes, owners = _draws(album, [rows[ENROLLED:] for rows in images], frames, rng, 3)
    index, score, _ = top_scores(probes, gallery, scoring)
    strangers, whose = _draws(album, dealt.tested, frames, rng, 1 if frames == 1 else DRAWS)
    theirs = top_scores(strangers, gallery, scoring)[1]
    found = []
    for target in targets:
        shift = dependence(target, tails.one, tails.tops, scoring)
        threshold = threshold_for(
            target, size, pack_tail=tails.one, gallery_tops=tops, scoring=scoring, shift=shift
        )
        greeted = np.bincount(whose, theirs >= threshold) / np.bincount(whose)
        missed = float(((index != owners) | (score < threshold)).mean())
        found.append((float(greeted.mean()) / target, missed, threshold))
    return found
