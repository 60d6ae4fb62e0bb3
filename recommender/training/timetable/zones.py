"""The zones that one chooses from, by region, and the zone that a word means."""

from __future__ import annotations

from functools import cache

from recommender.store.tenant_settings import zones


def regions() -> dict[str, list[str]]:
    """The names of zones ("Europe/Berlin") by their region ("Europe"); UTC stands alone."""
    found: dict[str, list[str]] = {}
    for name in zones():
        found.setdefault(name.split("/")[0], []).append(name)
    return found


def zone_named(word: str) -> str:
    """The zone that a word means, in any capitals. Raises KeyError: there is none."""
    return _by_lower()[{"gmt": "utc"}.get(word.lower(), word.lower())]


@cache
def _by_lower() -> dict[str, str]:
    return {name.lower(): name for name in zones()}
