"""What the desk keeps of wrong rows: enough to mend the file, and nothing that may be about a person.

In a file with shifted columns a name or a pseudonym stands where an item should be. So a value is kept as it is
only when it is a number or a date, or looks like an id that the tenant has; of all others the shape is kept:
`Ann 7` is `aaa 9`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from recommender.errors import RowProblem
from recommender.store.import_log import MOST_ROWS, WrongRow

MOST_LETTERS = 40
MOST_COMPARED = 500
"""Different values that are compared with the ids: a file of a million wrong ones is not looked at for hours."""

_PLAIN = re.compile(r"^[-+]?\d{0,6}(\.\d{1,4})?$|^\d{4}-\d\d-\d\d([T ][\d:.]{5,15}(Z|[-+]\d\d:?\d\d)?)?$")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_FIELD = re.compile(r"^([a-z_]+(?:\.[\w]+)*)[: ]")


class Shown:
    """Decides what of a value is kept; `known` are ids of the tenant: items, places, offers, sites, types."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = {one.lower(): one for one in known}
        self._seen: dict[str, str] = {}

    def of(self, value: str) -> str:
        """The value, or its shape."""
        if value not in self._seen:
            if len(self._seen) >= 20 * MOST_COMPARED:
                return _shape(value)
            self._seen[value] = self._kept(value, compare=len(self._seen) < MOST_COMPARED)
        return self._seen[value]

    def _kept(self, value: str, *, compare: bool) -> str:
        text = value[:MOST_LETTERS]
        if _PLAIN.match(text) or text.lower() in self._known:
            return text
        close = compare and get_close_matches(text.lower(), self._known, 1, 0.75)
        return text if close else _shape(text)


def kept(problems: Sequence[RowProblem], known: Collection[str]) -> list[WrongRow]:
    """The wrong rows as the log of imports keeps them."""
    shown = Shown(known)
    return [_row(one, shown) for one in problems[:MOST_ROWS]]


def _row(problem: RowProblem, shown: Shown) -> WrongRow:
    found = _FIELD.match(problem.message)
    field = found[1] if found else problem.column
    quoted = _QUOTED.search(problem.message)
    value = problem.value or (quoted[1] or quoted[2] or "" if quoted else "")
    message = _QUOTED.sub(lambda one: f"'{shown.of(one[1] or one[2] or '')}'", problem.message)
    about_somebody = field.split(".")[0] == "customer"
    return WrongRow(problem.row, field, "" if about_somebody else shown.of(value), message[:300])


def _shape(text: str) -> str:
    return "".join(map(_kind, text[:MOST_LETTERS]))


def _kind(letter: str) -> str:
    if letter.isdecimal():
        return "9"
    return "a" if letter.isalpha() else letter if letter in " .,-_:/@" else "?"
