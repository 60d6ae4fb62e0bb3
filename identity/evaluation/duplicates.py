"""Finds people who appear in an operator's folder under two names.

Each such person counts as a stranger who looks exactly like a customer, and one among a thousand people is as many
as a promise of .1 % allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from identity.evaluation.folder import Picture
from identity.evaluation.identification import LabelledVectors

Pair = tuple[str, str]
MOST_SUSPECTS = 20
ROWS = 1_024  # of the table of cosines at once


def read_pairs(file: Path) -> list[Pair]:
    """Lines of name,name. Raises click.ClickException on any other line."""
    pairs = []
    for line in filter(str.strip, file.read_text("utf-8").splitlines()):
        names = [name.strip() for name in line.split(",")]
        if len(names) != 2 or not all(names):
            raise click.ClickException(f"{file} holds a line that is not two names: person,person is expected.")
        pairs.append((names[0], names[1]))
    return pairs


def merge(shots: Sequence[Picture], pairs: Sequence[Pair]) -> list[Pair]:
    """Make each pair of names one person, in place; the pairs whose names both exist."""
    merged = []
    for pair in pairs:
        numbers = {shot.path.parent.name: shot.person for shot in shots}
        if pair[0] in numbers and pair[1] in numbers:
            person, merged_person = numbers[pair[0]], numbers[pair[1]]
            for shot in shots:
                shot.person = person if shot.person == merged_person else shot.person
            merged.append(pair)
    return merged


def suspects(album: LabelledVectors, names: Sequence[str]) -> list[Pair]:
    """Pairs of names, most similar first, with two pictures that are more similar than the median of all pairs of
    pictures of one person. `names` (n,) belong to the album's pictures.

    The result depends on no threshold, and nothing is changed: a person has to look at the pictures.
    """
    own = [album.vectors[rows] @ album.vectors[rows].T for rows in album.by_person()]
    genuine = np.concatenate([cosines[np.triu_indices(len(cosines), 1)] for cosines in own])
    if not len(genuine):
        return []
    usual = np.median(genuine)
    near, places = [], []
    for start in range(0, len(album.vectors), ROWS):
        cosines = album.vectors[start : start + ROWS] @ album.vectors.T
        found = (cosines > usual) & (album.people[start : start + ROWS, None] < album.people)
        near.append(cosines[found])
        places.append(np.argwhere(found) + np.array([start, 0]))
    order = np.argsort(-np.concatenate(near), kind="stable")
    pairs: dict[Pair, None] = {}
    for one, other in np.concatenate(places)[order]:
        pairs[names[one], names[other]] = None
        if len(pairs) == MOST_SUSPECTS:
            break
    return list(pairs)
