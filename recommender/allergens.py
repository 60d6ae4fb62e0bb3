"""Names of allergens, as people write them: each one by itself, whatever stands between two of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

EU_ALLERGENS = frozenset(
    {
        *("gluten", "crustaceans", "egg", "eggs", "fish", "peanut", "peanuts", "soy", "soya", "soybeans", "milk"),
        *("nuts", "celery", "mustard", "sesame", "sulphites", "sulfites", "lupin", "molluscs"),
    }
)
"""Names of the fourteen substances of Regulation (EU) 1169/2011, annex II, as catalogues write them."""

UNKNOWN = frozenset({"?", "-", "--", "n/a", "na", "unknown", "not known"})
"""Cells of a spreadsheet by which people say that they do not know."""

_BETWEEN = re.compile(r"[,;/|:&+()\[\]\"\n、，；／｜・：]|\s(?:and|und|-)\s")
_CODE = re.compile(r"[a-z]\d{0,2}|\d{1,2}")


def plain(name: str) -> str:
    """An allergen's name as it is compared: "Nuts " and "nuts" are one."""
    return name.strip().casefold()


def parted(text: str) -> tuple[str, ...]:
    """The allergens that a text names, each once: "gluten, milk" names two. No allergen's name holds a separator,
    and a dish that is said to have one too many harms nobody."""
    named = {plain(part): part.strip() for part in reversed(_BETWEEN.split(text)) if part.strip()}
    return tuple(reversed(named.values()))


def stated(given: Iterable[str] | None) -> tuple[str, ...] | None:
    """What somebody said is in a dish, name by name; None: nobody said. What names nothing says nothing."""
    if given is None:
        return None
    texts = tuple(given)
    names = tuple(dict.fromkeys(name for text in texts for name in parted(text)))
    return names if names or not texts else None


def compared(given: Iterable[str] | None) -> frozenset[str]:
    """The same as they are compared (`plain`)."""
    return frozenset(map(plain, stated(given) or ()))


def says_too_little(names: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether a dish names its allergens by a letter or a number ("G, L") and the visit does not: nobody can say
    which ones they are. Both as `compared`."""
    return any(map(_CODE.fullmatch, names)) and not all(map(_CODE.fullmatch, asked))
