"""PURE: what a person can do when they are not greeted, from the decision and the quality of the pictures.

A hint must not reveal more than the decision. A stranger, a person who opted out or withdrew a consent, and a
customer of another tenant get the same hint, because it depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.capture.quality import CaptureRules, Quality, check_quality
from identity.errors import CaptureError, FaceCovered

GO_ON, AGAIN, PIN = "go_on_without", "try_again", "give_the_pin"

COMFORTABLE = CaptureRules(
    eye_distance=80.0, yaw=15.0, sharpness=6.0, darkest=50.0, brightest=215.0, contrast=16.0
)
"""Stricter than `quality.RULES`: a picture that is usable but misses these rules can be improved."""


def hint_of(decision: str, qualities: Sequence[Quality], *, with_token: bool) -> str | None:
    """The code of the hint for the `decision` of a press; None when there is nothing to do.

    `with_token`: a customer was found, and their PIN can confirm it.
    """
    if decision == "matched":
        return None
    if decision == "low_quality":
        return FaceCovered.hint
    if decision == "ambiguous":
        return PIN if with_token else quality_hint(qualities) or AGAIN
    return quality_hint(qualities) or GO_ON


def quality_hint(qualities: Sequence[Quality]) -> str | None:
    """The hint of the first picture that misses COMFORTABLE, or None when one picture meets it."""
    found = []
    for quality in qualities:
        try:
            check_quality(quality, COMFORTABLE)
        except CaptureError as error:
            found.append(error.hint)
        else:
            return None
    return found[0] if found else None
