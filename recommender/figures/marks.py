"""Recommendation ids that say what was suggested: whether an order took it can be seen from its event alone.

"rec1_", 24 digits of chance, 8 of the version, then 4 for each of the first five items in their order; those of
the items are digits of hashes with the chance in them, so that two ids of one list have nothing in common. Nothing
is remembered between a suggestion and its order: not by another process, over a restart, or on a store box.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PREFIX = "rec1_"
LISTED = 5
"""How many suggestions count as shown: those that stand on the first screen."""

# What may follow names the sponsored item (`rules/apply.py`).
_SHAPE = re.compile(
    rf"^{PREFIX}([0-9a-f]{{24}})([0-9a-f]{{8}})((?:[0-9a-f]{{4}}){{0,{LISTED}}})(?:-s[0-9a-f]{{8}})?$"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What an order took of the suggestions that it names."""

    version_mark: str  # of the version that made them: see `version_mark`
    first: bool  # the first one
    any: bool  # one of the first five


def marked(chance: str, version: str, items: Sequence[str]) -> str:
    """An id for suggestions of `items`, best first, made by `version`; `chance` is 24 hexadecimal digits."""
    marks = "".join(_digits(chance, item, 4) for item in items[:LISTED])
    return f"{PREFIX}{chance}{version_mark(version)}{marks}"


def version_mark(version: str) -> str:
    """Eight digits that stand for a version."""
    return hashlib.sha256(version.encode()).hexdigest()[:8]


def taken(recommendation_id: str, items: Iterable[str]) -> Taken | None:
    """What an order of `items` took; None where the id says nothing: of an older release, or of an offer.

    An item that was not suggested is taken for one that was in 5 of 65,536 cases.
    """
    found = _SHAPE.match(recommendation_id)
    if found is None:
        return None
    chance, version, marks = found.groups()
    listed = [marks[at : at + 4] for at in range(0, len(marks), 4)]
    ordered = {_digits(chance, item, 4) for item in items}
    return Taken(version, bool(listed) and listed[0] in ordered, not ordered.isdisjoint(listed))


def _digits(chance: str, text: str, n: int) -> str:
    return hashlib.sha256(f"{chance}\n{text}".encode()).hexdigest()[:n]
