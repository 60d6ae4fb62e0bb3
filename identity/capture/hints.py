"""PURE: what a person can do when they are not greeted, told from the decision and the pictures alone.

A hint must not say more than the decision beside it: a stranger, somebody who never enrolled, who opted out, who
took a consent back or belongs to another tenant get the same one, because nothing but their pictures makes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from identity.capture.quality import CaptureRules, Quality, check_quality
from identity.errors import CaptureError, FaceCovered

GO_ON, AGAIN, PIN = "go_on_without", "try_again", "give_the_pin"

EASY = CaptureRules(eye_distance=80.0, yaw=15.0, sharpness=6.0, darkest=50.0, brightest=215.0, contrast=16.0)
"""A picture that is usable and yet not good: between `capture.RULES` and these there is something to do better."""


def hint_of(decision: str, qualities: Sequence[Quality], *, with_token: bool) -> str | None:
    """The code of a hint for the decision of a press with pictures of these `qualities`; None: nothing to do.

    `with_token`: somebody was found whose PIN can settle it.
    """
    if decision == "matched":
        return None
    if decision == "low_quality":
        return FaceCovered.hint
    if decision == "ambiguous":
        return PIN if with_token else complaint(qualities) or AGAIN
    return complaint(qualities) or GO_ON


def complaint(qualities: Sequence[Quality]) -> str | None:
    """What would make the pictures better, or None when one of them is good already."""
    found = []
    for quality in qualities:
        try:
            check_quality(quality, EASY)
        except CaptureError as error:
            found.append(error.hint)
        else:
            return None
    return found[0] if found else None
