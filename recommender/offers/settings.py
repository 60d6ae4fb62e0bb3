"""The settings of a tenant's offers, and how they may change. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from recommender.offers.errors import InvalidSettings

FIXED_ONCE_DECIDED = ("holdout_share", "effect_scale", "window_hours")
"""Settings that cannot change after the first decision: another holdout would move customers between the groups
that are compared, and the size of effect and the reward's window must be set before the figures are seen."""

_MAY_BE_NONE = ("share", "nag_count", "margin_share")
_WHOLE = ("nag_count", "nag_days", "window_hours", "lateness_hours")


def changed(now: OfferSettings, given: Mapping[str, Any], fixed: Collection[str] = ()) -> OfferSettings:
    """`now` with the fields of `given`; names in `fixed` must keep their value. None: no limit, where allowed.

    Raises:
        InvalidSettings: with every field that is unknown, out of its range, or fixed.
    """
    wrong, values = [], {}
    known = {field.name for field in fields(OfferSettings)} - {"salt"}
    for name, value in given.items():
        if name == "fixed":  # a field of the reply, sent back by the page
            continue
        if name not in known:
            wrong.append((str(name), "is not known"))
        elif problem := _problem(name, value):
            wrong.append((name, problem))
        elif name in fixed and value != getattr(now, name):
            wrong.append((name, "cannot change: decisions were made with it"))
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


RANGES: Mapping[str, tuple[float, float]] = {
    "holdout_share": (0.0, 0.5),
    "exploration": (0.01, 1.0),
    "share": (0.0, 1.0),
    "margin_share": (0.0, 1.0),
    "window_hours": (1, 24 * 90),
    "lateness_hours": (0, 24 * 90),
    "nag_count": (1, 10**6),
    "nag_days": (1, 3650),
    "effect_scale": (0.01, 1e6),
}
"""The lowest and the highest value of each setting."""


@dataclass(frozen=True, slots=True)
class OfferSettings:
    """How a tenant decides. `salt` makes the holdouts of two tenants independent."""

    salt: str
    holdout_share: float = 0.05
    exploration: float = 0.05
    share: float | None = None  # of visits that may have an offer; None: all with an expected gain
    window_hours: int = (
        72  # the reward is what is earned in these hours after the decision, the same for every arm
    )
    lateness_hours: int = 24  # outcomes may arrive this late; then the window is closed
    margin_share: float | None = None  # the part of the spending that is margin; None: not given, it is revenue
    nag_count: int | None = None  # at most so many offers of any kind to one customer ...
    nag_days: int = 7  # ... in so many days
    effect_scale: float = 50.0  # the expected size of a difference, in minor units a visit, for the intervals

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, got {value}")
        if len(self.salt) < 16:
            raise ValueError("salt must have at least 16 characters")

    @property
    def value_is(self) -> str:
        """What the figures are called: `margin` once its share was given, else `revenue`."""
        return "revenue" if self.margin_share is None else "margin"

    def worth(self, spent: float) -> float:
        """What is earned of what was spent, minor units."""
        return spent if self.margin_share is None else spent * self.margin_share
