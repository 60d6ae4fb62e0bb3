"""PURE: what a person can do when they are not greeted, from the decision and the quality of the pictures.

A hint must not reveal more than the decision. A stranger, a person who opted out or withdrew a consent, and a
customer of another tenant get the same hint, because it depends on nothing else. Only somebody whose face matched
one customer, and is not enough for them, is asked for the PIN, or for the code when they chose no PIN.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.capture.quality import CaptureRules, Quality, check_quality
from identity.errors import CaptureError, FaceCovered

GO_ON, AGAIN, PIN, CODE = "go_on_without", "try_again", "give_the_pin", "use_your_code"
PAUSED = "paused"  # to somebody who gave code and PIN: nobody else hears it

COMFORTABLE = CaptureRules(
    eye_distance=80.0, yaw=15.0, sharpness=6.0, darkest=50.0, brightest=215.0, contrast=16.0
)
"""Stricter than `quality.RULES`: a picture that is usable but misses these rules can be improved."""


def hint_of(decision: str, qualities: Sequence[Quality], *, known: bool, with_pin: bool = True) -> str | None:
    """The code of the hint for the `decision` of a press; None when there is nothing to do.

    `known`: one customer was found, for whom the face is not enough; `with_pin`: their PIN can confirm it.
    """
    if decision == "matched":
        return None
    if decision == "low_quality":
        return FaceCovered.hint
    if decision == "ambiguous" and known:
        return PIN if with_pin else CODE
    if decision == "ambiguous":
        return quality_hint(qualities) or AGAIN
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
