"""PURE: how well a pack recognises people, computed from vectors and their people alone.

Every threshold is set on other people than it is tested on: strangers are split into ten parts, and each part is
tested at a threshold that is set on the other nine. Rates are means over the parts and over several random splits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.errors import TooFewScores
from identity.matching.calibration import stranger_quantile
from identity.matching.decide import top_scores
from identity.matching.tails import LEAST_TAIL, Scoring, fit_tail
from identity.vectors import mean_probe, mean_template, unit

Vectors = NDArray[np.float32]
Tested = tuple[float, NDArray[np.float64], NDArray[np.float64]]
"""(threshold, share missed of each customer, share greeted of each stranger)."""
SIZES = (100, 300, 400, 600, 1_000, 3_000, 10_000)
FILLED_TO = 1_000  # galleries are filled up to this size with people who have no picture left to probe with
FEWEST_STRANGERS = 10  # one for each part; with fewer there is no figure
LEAST_STRANGERS = 40  # with fewer the figure has a warning
ENOUGH_STRANGERS = 200  # with so many, nobody with enough pictures for a customer is made a stranger
PARTS = 10  # of the strangers: nine set a threshold, one is tested at it
SEEN = 4  # so many strangers must score above a threshold for it to be read from their scores
TOPS_SHARE = 0.2  # of strangers' scores: the tail that is fitted for a stricter promise


@dataclass(frozen=True)
class LabelledVectors:
    """Unit vectors (n, d) of faces and the numbers of their people (n,), in the order of the files."""

    vectors: Vectors
    people: NDArray[np.intp]

    def by_person(self) -> list[NDArray[np.intp]]:
        """The rows of each person."""
        order = np.argsort(self.people, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(self.people[order])) + 1)


@dataclass(frozen=True)
class Identification:
    """One line of the table: open-set identification (ISO/IEC 19795-1).

    `fpir`: share of strangers who are taken for a customer; `fnir`: share of customers' probes that do not return
    that customer. Intervals are 95 % over people. `filled` customers of the gallery are never probed, because they
    have too few pictures; the templates of some are made of one picture. `warning` says when the strangers are too
    few for the promise.
    """

    enrolled_images: int
    probe_frames: int
    fpir_target: float
    gallery: int
    threshold: float
    fpir: float
    fnir: float
    fpir_interval: tuple[float, float]
    fnir_interval: tuple[float, float]
    strangers: int
    customers_probed: int
    filled: int = 0
    warning: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)


@dataclass
class Split:
    """A random split of people: a gallery with probes of its customers, and probes of strangers in disjoint
    parts."""

    gallery: Vectors  # (N, d): customers who are probed, then those who only fill it
    probes: Vectors  # (m, d), of customers
    owners: NDArray[np.intp]  # (m,), gallery rows
    strangers: Vectors  # (k, d)
    stranger_people: NDArray[np.intp]  # (k,), rows of `stranger_names`
    stranger_parts: NDArray[np.intp]  # (k,), 0 ... PARTS - 1
    customer_names: NDArray[np.intp]  # (N,), the album's numbers of people
    stranger_names: NDArray[np.intp]  # the album's numbers of people
    filled: int = 0  # the number of last rows that only fill the gallery


def split_people(
    album: LabelledVectors, enrolled: int, frames: int, size: int, rng: np.random.Generator, most_probes: int = 4
) -> Split | None:
    """Split people at random into customers and strangers; None when there are too few of either.

    Customers who are probed have at least `enrolled` + `frames` images. Strangers are first those who have too few
    for that; when these are few, people with enough images become strangers as well. A larger gallery is filled
    with people who are neither, then with up to half of the strangers.
    """
    people = album.by_person()
    able = [rows for rows in people if len(rows) >= enrolled + frames]
    others = [rows for rows in people if frames <= len(rows) < enrolled + frames]
    spare = [rows for rows in people if len(rows) < frames]
    rng.shuffle(able)
    keep = min(size, room(album, enrolled, frames)[0])
    customers, strangers = able[:keep], others + able[keep:]
    rng.shuffle(strangers)
    rng.shuffle(spare)
    fillers = spare[: size - keep]
    moved = max(0, min(size - keep - len(fillers), len(others) // 2))
    fillers, strangers = fillers + strangers[:moved], strangers[moved:]
    if keep < 2 or len(strangers) < FEWEST_STRANGERS:
        return None
    gallery, probes, owners = [], [], []
    for row, images in enumerate(customers):
        images = rng.permutation(images)
        gallery.append(mean_template(album.vectors[images[:enrolled]]))
        for start in range(enrolled, min(len(images) - frames + 1, enrolled + most_probes * frames), frames):
            probes.append(mean_probe(album.vectors[images[start : start + frames]]))
            owners.append(row)
    gallery += [mean_template(album.vectors[rng.permutation(images)[:enrolled]]) for images in fillers]
    vectors, whose = _stranger_probes(album, strangers, frames, rng)
    return Split(
        gallery=np.stack(gallery),
        probes=np.stack(probes),
        owners=np.array(owners),
        strangers=vectors,
        stranger_people=whose,
        stranger_parts=whose % PARTS,
        customer_names=np.array([album.people[rows[0]] for rows in customers + fillers]),
        stranger_names=np.array([album.people[rows[0]] for rows in strangers]),
        filled=len(fillers),
    )


def room(album: LabelledVectors, enrolled: int, frames: int) -> tuple[int, int]:
    """The largest number of customers that `split_people` can probe, and the largest size of a filled gallery."""
    counts = [len(rows) for rows in album.by_person()]
    able = sum(count >= enrolled + frames for count in counts)
    others = sum(frames <= count < enrolled + frames for count in counts)
    spare = sum(count < frames for count in counts)
    probed = able if others >= min(able, ENOUGH_STRANGERS) else min(able, (able + others) // 2)
    return probed, max(probed, min(FILLED_TO, probed + spare + others // 2))


def gallery_sizes(album: LabelledVectors, enrolled: int, frames: int) -> list[int]:
    """Those of SIZES that the album can fill, and the largest gallery in which every customer is probed."""
    probed, filled = room(album, enrolled, frames)
    return sorted({*(size for size in SIZES if size <= filled), probed} - {0})


def _stranger_probes(
    album: LabelledVectors, people: Sequence[NDArray[np.intp]], frames: int, rng: np.random.Generator
) -> tuple[Vectors, NDArray[np.intp]]:
    """Probes (k, d) of strangers and their people (k,): one per person with a single frame and many people,
    otherwise several random ones."""
    probes, owners = [], []
    draws = 1 if frames == 1 and len(people) >= ENOUGH_STRANGERS else 10
    for person, rows in enumerate(people):
        for start in range(min(draws, comb(len(rows), frames))):
            chosen = rows[start : start + 1] if frames == 1 else rng.permutation(rows)[:frames]
            probes.append(mean_probe(album.vectors[chosen]))
            owners.append(person)
    return np.stack(probes), np.array(owners)


def threshold_on(
    tops: NDArray[np.floating], people: int, target: float, singles: Callable[[], float] | None = None
) -> float:
    """The threshold that a share `target` of such strangers reaches, from the best scores (k,) of `people`
    strangers.

    When at least SEEN of them score above it, it is the score of that rank: one more stranger scores above the
    r-th of n scores with probability r / (n + 1), for any distribution. A stricter promise needs the fitted tail
    of their scores, and with too few people `singles`, the tail of single comparisons: more presses of the same
    people do not replace more people.
    """
    if people * target >= SEEN or (singles is None and len(tops) * TOPS_SHARE < LEAST_TAIL):
        return float(np.quantile(tops, 1 - target, method="weibull"))
    if singles is None or people * TOPS_SHARE >= LEAST_TAIL:
        return fit_tail(tops, TOPS_SHARE).quantile(target)
    return singles()


def identify(
    album: LabelledVectors,
    *,
    enrolled: int,
    frames: int,
    targets: Sequence[float],
    size: int,
    rng: np.random.Generator,
    scoring: Scoring,
    deals: int = 5,
) -> list[Identification]:
    """Open-set identification for each target at one gallery size: means over `deals` random splits. Empty with
    too few people."""
    per_target: dict[float, list[Tested]] = {target: [] for target in targets}
    n = strangers = probed = filled = 0
    for _ in range(deals):
        dealt = split_people(album, enrolled, frames, size, rng)
        if dealt is None:
            return []
        n, probed, filled = len(dealt.gallery), len(np.unique(dealt.owners)), dealt.filled
        strangers = len(np.unique(dealt.stranger_people))
        try:
            for target in targets:
                per_target[target] += _tested(dealt, target, scoring)
        except TooFewScores:
            return []
    return [
        replace(_row(enrolled, frames, target, n, found, strangers, probed), filled=filled)
        for target, found in per_target.items()
    ]


def _tested(dealt: Split, target: float, scoring: Scoring) -> list[Tested]:
    """The figures of each part of the strangers."""
    index, score, _ = top_scores(dealt.probes, dealt.gallery, scoring)
    tops = top_scores(dealt.strangers, dealt.gallery, scoring)[1]
    found = []
    parts = np.unique(dealt.stranger_parts)
    # Thresholds from single comparisons are slow. Few people are split more often: one part is enough.
    few = len(dealt.stranger_names) * TOPS_SHARE < LEAST_TAIL
    for part in parts[:1] if few else parts:
        tested = dealt.stranger_parts == part
        people = len(np.unique(dealt.stranger_people[~tested]))

        def singles(setters: Vectors = dealt.strangers[~tested]) -> float:
            comparisons = fit_tail(setters @ dealt.gallery.T)
            return stranger_quantile(target, len(dealt.gallery), comparisons, scoring)

        threshold = threshold_on(tops[~tested], people, target, singles)
        missed = (index != dealt.owners) | (score < threshold)
        _, whose = np.unique(dealt.stranger_people[tested], return_inverse=True)
        found.append((threshold, _mean_by(missed, dealt.owners), _mean_by(tops[tested] >= threshold, whose)))
    return found


def _row(
    enrolled: int,
    frames: int,
    target: float,
    n: int,
    found: list[Tested],
    strangers: int,
    probed: int,
) -> Identification:
    missed = np.concatenate([entry[1] for entry in found])
    greeted = np.concatenate([entry[2] for entry in found])
    return Identification(
        enrolled_images=enrolled,
        probe_frames=frames,
        fpir_target=target,
        gallery=n,
        threshold=float(np.mean([entry[0] for entry in found])),
        fpir=float(greeted.mean()),
        fnir=float(missed.mean()),
        fpir_interval=interval(float(greeted.mean()), strangers),
        fnir_interval=interval(float(missed.mean()), probed),
        strangers=strangers,
        customers_probed=probed,
        warning=f"{strangers} strangers are few" if strangers < LEAST_STRANGERS else "",
    )


def _mean_by(values: NDArray[np.bool_], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean of `values` in each group, so that a person with many pictures counts once."""
    return np.bincount(groups, values) / np.bincount(groups)


def interval(share: float, people: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share that is observed on so many people."""
    z = 1.959964
    centre = (share + z * z / (2 * people)) / (1 + z * z / people)
    half = z * np.sqrt(share * (1 - share) / people + z * z / (4 * people * people)) / (1 + z * z / people)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def verification(
    album: LabelledVectors, rng: np.random.Generator, most_impostors: int = 1_000_000
) -> dict[str, Any]:
    """One-to-one figures: EER, and TAR at FAR 1e-2 ... 1e-4, over all pairs of pictures of one person and up to
    `most_impostors` random pairs of two."""
    genuine = []
    for rows in album.by_person():
        scores = album.vectors[rows] @ album.vectors[rows].T
        genuine.append(scores[np.triu_indices(len(rows), 1)])
    same = np.concatenate(genuine)
    a, b = rng.integers(0, len(album.vectors), (2, most_impostors))
    apart = album.people[a] != album.people[b]
    other = np.concatenate(
        [
            np.einsum("nd,nd->n", album.vectors[a[i : i + 65_536]], album.vectors[b[i : i + 65_536]])
            for i in range(0, most_impostors, 65_536)
        ]
    )[apart]
    if not len(same) or not len(other):
        return {"pairs_same": len(same), "pairs_other": len(other)}
    grid = np.quantile(np.concatenate([same, other]), np.linspace(0, 1, 4_001))
    missed = np.searchsorted(np.sort(same), grid) / len(same)
    passed = 1 - np.searchsorted(np.sort(other), grid) / len(other)
    nearest = int(np.abs(missed - passed).argmin())
    at = [
        {"far": far, "threshold": float(t), "tar": float((same >= t).mean())}
        for far in (1e-2, 1e-3, 1e-4)
        for t in [np.quantile(other, 1 - far)]
    ]
    eer = float((missed[nearest] + passed[nearest]) / 2)
    return {"pairs_same": len(same), "pairs_other": len(other), "eer": eer, "tar_at_far": at}


def labelled_vectors(vectors: Sequence[Vectors], people: Sequence[int]) -> LabelledVectors:
    """Vectors of any length and their people. Raises ValueError on a zero vector."""
    return LabelledVectors(unit(np.stack(vectors)), np.asarray(people, np.intp))
