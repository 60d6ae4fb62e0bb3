"""What pydantic found wrong with a field, in plain words; of a name that does not exist, the nearest that does."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ALIKE = 0.75  # of 1: how alike a wrong name must be to one that is known, to be called a slip


def meant(name: str, known: Collection[str], otherwise: str = "") -> str:
    """ "; NAME was meant?" for the nearest of the names, in any capitals; `otherwise` where none is alike."""
    by_lower = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), by_lower, 1, ALIKE)
    return f"; {by_lower[near[0]]} was meant?" if near else otherwise


def in_words(part: ErrorDetails, known: Collection[str] = (), what: str = "field") -> str:
    """One error of a ValidationError as a sentence without its field, unless that does not exist or is missing.

    Args:
        known: names that exist, of which one may have been meant.
        what: what a field is called: "column".
    """
    name = str(part["loc"][-1]) if part["loc"] else ""
    if part["type"] == "extra_forbidden":
        return f"there is no {what} {name!r}{meant(name, known)}"
    if part["type"] == "missing":
        return f"the {what} {name!r} is missing"
    return part["msg"].removeprefix("Value error, ")


def names_itself(part: ErrorDetails) -> bool:
    """Whether the sentence of `in_words` names its field."""
    return part["type"] in ("extra_forbidden", "missing")
