"""Changing how a house decides about offers, with every wrong field named. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from recommender.offers.decision import RANGES, Settings
from recommender.offers.errors import InvalidSettings

FIXED_ONCE_DECIDED = ("holdout_share", "effect_scale", "window_hours")
"""Another holdout would move customers between the groups that are compared; the size of effect and the reward's
window are said before the figures are seen."""

_MAY_BE_NONE = ("share", "nag_count")
_WHOLE = ("nag_count", "nag_days", "window_hours", "lateness_hours")


def changed(now: Settings, given: Mapping[str, Any], fixed: Collection[str] = ()) -> Settings:
    """`now` with what was given; None where a setting may be without limit.

    Raises:
        InvalidSettings: naming every field that is unknown, out of its range, or cannot change any more.
    """
    wrong, values = [], {}
    known = {field.name for field in fields(Settings)} - {"salt"}
    for name, value in given.items():
        if name == "fixed":  # the reply's own field, sent back
            continue
        if name not in known:
            wrong.append((str(name), "is not known"))
        elif problem := _problem(name, value):
            wrong.append((name, problem))
        elif name in fixed and value != getattr(now, name):
            wrong.append((name, "stays as it is: customers were decided about with it"))
        else:
            values[name] = value
    if wrong:
        raise InvalidSettings(wrong)
    return replace(now, **values)


def _problem(name: str, value: Any) -> str | None:
    if value is None:
        return None if name in _MAY_BE_NONE else "is needed"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "must be a number"
    if name in _WHOLE and value != int(value):
        return "must be a whole number"
    low, high = RANGES[name]
    return None if low <= value <= high else f"must lie between {low:g} and {high:g}"
