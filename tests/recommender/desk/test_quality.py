"""What the desk says of a model: "better" only where the gate proved it, in plain words, in three languages."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.words import LANGUAGES
from recommender.desk.models import explained, sentence
from recommender.desk.quality import METHODS, beats_baseline, method_name, method_of
from recommender.desk.words import WORDS
from recommender.orders.model import LEARNED
from recommender.scenes.registry import SCENE_NAMES, Scenes
from tests.recommender.service_fixtures import World

REPORT = {
    "in_force": "ranker",
    "method": "ranker with neighbours",
    "metric": "ndcg@10",
    "value": 0.77,
    "baseline_value": 0.67,
    "interval": [0.07, 0.13],
    "n_validation": 1189,
    "why": "it wins",
    "rows": [{"method": "counting", "hr@1": 0.51}, {"method": "ranker with neighbours", "hr@1": 0.72}],
}
TIE = {
    "in_force": "counting",
    "method": "counting",
    "interval": [-0.002, 0.008],
    "value": 0.863,
    "baseline_value": 0.863,
}
BETTER = {"en": "better", "de": "besser", "ja": "優れて"}


def test_a_win_that_is_proven() -> None:
    text = sentence("orders", REPORT)
    assert "right 72 times out of 100" in text
    assert "counting alone manages 51" in text
    assert "better than counting" in text
    assert "1,189 orders" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "changes",
    [
        TIE,
        {"interval": [-0.002, 0.008]},
        {"interval": [0.0, 0.1]},
        {"interval": None},
        {"interval": [None, None]},
        {"interval": [float("nan"), 0.1]},
        {"rows": [], "interval": [-1, 1]},
        {"method": "counting"},
    ],
)
def test_no_win_is_claimed_that_is_not_there(changes: dict[str, Any], language: str) -> None:
    """Of a tie, of an unknown interval, of counting itself: no language says "better"."""
    for scene, baseline in (("orders", "counting"), ("destinations", "counting"), ("offers", "best_single")):
        assert BETTER[language] not in sentence(scene, REPORT | changes, baseline, language)
    assert not beats_baseline(REPORT | changes)


def test_each_scene_names_its_baseline(world: World) -> None:
    scenes = Scenes(world.half.service.stores.offers)
    for language in LANGUAGES:
        for name in SCENE_NAMES:
            assert WORDS.text(language, f"baseline-{scenes[name].baseline}")
    assert scenes["offers"].baseline == "best_single"


def test_a_page_without_a_model_says_what_happens_instead() -> None:
    assert "Nothing has been learned about rides" in sentence("destinations", {})


def test_the_method_is_the_one_that_serves() -> None:
    """ "ranker" is not said where "ranker with counting" serves."""
    assert method_of({"in_force": "ranker", "method": "ranker with counting"}) == "ranker with counting"
    for name in (*LEARNED, "counting"):
        assert name in METHODS
        assert WORDS.say("en", method_name(name)) != name
    assert WORDS.say("en", method_name("something new")) == "something new"


def test_figures_are_explained() -> None:
    """The metric in plain words for analysts; an unknown metric by its name."""
    assert "how high up" in explained(REPORT)
    assert explained({"metric": "novel@3"}) == "novel@3"
