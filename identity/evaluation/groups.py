"""PURE: figures for groups of people, which the operator assigns. No group is derived from a face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.evaluation.curve import Scored
from identity.evaluation.identification import LabelledVectors, Split, interval, room, split_people, threshold_on
from identity.matching.decide import top_scores
from identity.matching.tails import Scoring

ENROLLED = 3


def by_group(
    album: LabelledVectors,
    groups: Mapping[int, str],
    scoring: Scoring,
    rng: np.random.Generator,
    target: float = 0.01,
) -> list[dict[str, Any]]:
    """FPIR and FNIR of each group, in the largest possible gallery of all groups, at one threshold for all; three
    enrolled pictures, one frame. `groups` maps the album's people to the operator's groups; people without a group
    get no row. Empty with too few people."""
    dealt = split_people(album, ENROLLED, 1, room(album, ENROLLED, 1)[0], rng)
    if dealt is None:
        return []
    index, score, _ = top_scores(dealt.probes, dealt.gallery, scoring)
    tops = top_scores(dealt.strangers, dealt.gallery, scoring)[1]
    threshold = threshold_on(tops, len(dealt.stranger_names), target)
    missed = (index != dealt.owners) | (score < threshold)
    customer = dealt.customer_names[dealt.owners]
    stranger = dealt.stranger_names[dealt.stranger_people]
    rows = []
    for group in sorted(set(groups.values())):
        members = [person for person, named in groups.items() if named == group]
        own, other = np.isin(customer, members), np.isin(stranger, members)
        rows.append(
            {"group": group, "threshold": threshold, "gallery": len(dealt.gallery)}
            | _share("fnir", missed[own], customer[own])
            | _share("fpir", (tops >= threshold)[other], stranger[other])
        )
    return rows


def _share(name: str, happened: NDArray[np.bool_], people: NDArray[np.intp]) -> dict[str, Any]:
    """The share, its interval over people, and their number; None without people."""
    count = len(np.unique(people))
    if not count:
        return {name: None, f"{name}_interval": None, f"{name}_people": 0}
    value = float(happened.mean())
    return {name: value, f"{name}_interval": interval(value, count), f"{name}_people": count}


def scores_of(album: LabelledVectors, scoring: Scoring, rng: np.random.Generator) -> Scored | None:
    """Strangers' and customers' scores in the largest gallery, for the curve; None with too few people."""
    dealt: Split | None = split_people(album, ENROLLED, 1, room(album, ENROLLED, 1)[0], rng)
    if dealt is None:
        return None
    index, score, _ = top_scores(dealt.probes, dealt.gallery, scoring)
    own = np.where(index == dealt.owners, score, -np.inf).astype(np.float64)
    tops = top_scores(dealt.strangers, dealt.gallery, scoring)[1].astype(np.float64)
    return Scored(tops, own, len(dealt.gallery))
