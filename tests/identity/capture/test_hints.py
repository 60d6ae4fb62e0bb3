"""The hints to a person who is not greeted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity.capture.hints import COMFORTABLE, hint_of, quality_hint
from identity.capture.quality import RULES, Quality

GOOD = Quality(eye_distance=110.0, yaw=3.0, sharpness=12.0, brightness=120.0, contrast=40.0)


@pytest.mark.parametrize(
    ("decision", "known", "with_pin", "hint"),
    [
        ("matched", True, True, None),
        ("low_quality", False, False, "take_off_what_covers_your_face"),
        ("ambiguous", True, True, "give_the_pin"),
        ("ambiguous", True, False, "use_your_code"),
        ("ambiguous", False, False, "try_again"),
        ("unknown", False, False, "go_on_without"),
    ],
)
def test_each_decision_on_good_pictures(decision: str, known: bool, with_pin: bool, hint: str | None) -> None:
    assert hint_of(decision, [GOOD], known=known, with_pin=with_pin) == hint


@pytest.mark.parametrize(
    ("poor", "hint"),
    [
        (replace(GOOD, eye_distance=70.0), "come_closer"),
        (replace(GOOD, yaw=20.0), "look_straight_ahead"),
        (replace(GOOD, brightness=40.0), "more_light"),
        (replace(GOOD, brightness=225.0), "less_light"),
        (replace(GOOD, sharpness=5.0), "hold_still"),
        (replace(GOOD, contrast=14.0), "hold_still"),
    ],
)
def test_a_poor_picture_says_what_would_be_better(poor: Quality, hint: str) -> None:
    """Of nobody and of a near tie; one good picture of several is enough to have nothing to complain about."""
    assert hint_of("unknown", [poor], known=False) == hint
    assert hint_of("ambiguous", [poor], known=False) == hint
    assert hint_of("ambiguous", [poor], known=True) == "give_the_pin"
    assert quality_hint([poor, poor]) == hint
    assert quality_hint([poor, GOOD]) is None


def test_the_hint_limits_are_stricter_than_the_usable_limits() -> None:
    assert COMFORTABLE.eye_distance > RULES.eye_distance
    assert COMFORTABLE.yaw < RULES.yaw
    assert (COMFORTABLE.sharpness, COMFORTABLE.contrast) > (RULES.sharpness, RULES.contrast)
    assert RULES.darkest < COMFORTABLE.darkest < COMFORTABLE.brightest < RULES.brightest
