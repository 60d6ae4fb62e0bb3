"""Why a destination is suggested, in a sentence for the rider. No sentence names a place or a home."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recommender.destinations.signals.crowd import UNVISITED
from recommender.destinations.visits import Moments
from recommender.scene import Reason

NO_REASON = Reason("suggested", "one of your suggestions")


def part_of_day(hour: float) -> str:
    """The word for an hour of the local clock."""
    for end, word in ((5, "nights"), (11, "mornings"), (14, "middays"), (17, "afternoons"), (22, "evenings")):
        if hour < end:
            return word
    return "nights"


def when(moment: Moments) -> str | None:
    """ "weekday evenings", or None where the clock is unknown."""
    hour, weekday = float(moment.hour[0]), int(moment.weekday[0])
    if not np.isfinite(hour) or weekday < 0:
        return None
    return f"{'weekend' if weekday >= 5 else 'weekday'} {part_of_day(hour)}"


def reason_for(signals: Mapping[str, float], moment: Moments) -> Reason:
    """The strongest plain fact about a candidate, from its signals (NaN: nothing is known)."""

    def at_least(name: str, least: float) -> bool:
        return signals.get(name, float("nan")) >= least  # False for NaN

    at = when(moment)
    if at_least("count", np.log1p(1)):
        if at_least("drop_off_share", 0.01):
            if at and at_least("hour", 2.5) and at_least("hour_of_place", 0.4) and at_least("class_of_place", 0.5):
                return Reason("usual_now", f"you often go here on {at}")
            if at_least("weekly", 1.5):
                return Reason("weekly", "you go here about every week at this time")
            if at_least("from_here", 2):
                return Reason("from_here", "you often go here from where you are now")
            if at_least("count", np.log1p(3)):
                return Reason("usual", "you often go here")
            return Reason("been_there", "you have gone here before")
        return Reason("return", "an earlier ride of yours began here")
    if at_least("follows", 2):
        return Reason("follows", "others often go here from where you are now")
    if at_least("alike_share", 0.05):
        return Reason("alike", "people with similar rides go here")
    if not at_least("visits", np.log1p(2 * UNVISITED)):
        return Reason("on_the_map", "a place you can go to")
    return Reason("popular_near", f"popular near here on {at}" if at else "popular near here")
