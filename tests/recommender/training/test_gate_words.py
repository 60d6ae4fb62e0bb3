"""The gate's sentences speak of what the scene is about: of rides no orders, of orders no rides."""

from __future__ import annotations

import pytest

from plumbing.words import LANGUAGES, Message
from recommender.training.outcomes import WORDS

OF_ORDERS = ("order", "dish for dish", "Bestell", "Gericht für Gericht", "注文")
OF_RIDES = ("ride", "Fahrt", "乗車", "行き先")
VARIABLES = WORDS.variables("en")
GATE = sorted(one for one in VARIABLES if one.startswith("gate-"))
NUMBERS: dict[str, str | int | float] = dict.fromkeys((name for one in GATE for name in VARIABLES[one]), 7)


def said(message_id: str, language: str, **more: str) -> str:
    return WORDS.say(language, Message(message_id, NUMBERS | more))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message_id", GATE)
def test_a_sentence_says_what_its_scene_is_about(message_id: str, language: str) -> None:
    rides, orders = (said(message_id, language, scene=name) for name in ("destinations", "orders"))

    assert not [word for word in OF_ORDERS if word in rides]
    assert not [word for word in OF_RIDES if word in orders]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_that_was_stored_without_its_scene_is_as_it_was(language: str) -> None:
    """Of releases before: all of them say orders."""
    without = {name: value for name, value in NUMBERS.items() if name != "scene"}

    text = WORDS.say(language, Message("gate-better", without))

    assert text == said("gate-better", language, scene="orders")
    assert "scene" not in text
