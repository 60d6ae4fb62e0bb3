"""A form becomes a draft, or every wrong field of it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recommender.experiments.plan import Experiment, from_dict, parse
from tests.recommender.experiments.worlds import experiment

FORM: dict[str, Any] = {
    "name": "Autumn",
    "question": "Does the new version suggest better?",
    "scene": "orders",
    "metric": "first",
    "minimum_effect": 0.03,
    "variants": [
        {"label": "now", "share": 0.5, "kind": "as_it_is"},
        {"label": "new", "share": 0.5, "kind": "model", "version": "0002-abc"},
    ],
}


def test_a_form_becomes_a_draft() -> None:
    made, wrong = parse(FORM, "exp-1")
    assert made is not None
    assert not wrong
    assert [variant.name for variant in made.variants] == ["A", "B"]
    assert from_dict(json.loads(json.dumps(made.to_dict()))) == made


OFF = {"kind": "offers", "off": ["lunch"], "share": 0.5}
NOW = {"kind": "as_it_is", "share": 0.5}
WRONG: list[tuple[str, Any, str]] = [
    ("name", "", "name"),
    ("name", 7, "name"),
    ("name", "x" * 501, "name"),
    ("scene", "lunch", "scene"),
    ("scene", None, "scene"),
    ("metric", "redeemed", "metric"),
    ("minimum_effect", 0, "minimum_effect"),
    ("minimum_effect", True, "minimum_effect"),
    ("minimum_effect", float("nan"), "minimum_effect"),
    ("minimum_effect", 0.9, "minimum_effect"),
    ("traffic", 0, "traffic"),
    ("traffic", 1.2, "traffic"),
    ("ends_us", "tomorrow", "ends_us"),
    ("starts_us", 1_800_000_000_000_000_000, "starts_us"),  # nanoseconds: no date can be written of it
    ("variants", None, "variants"),
    ("variants", "AB", "variants"),
    ("variants", [NOW], "variants"),
    ("variants", [NOW] * 6, "variants"),
    ("variants", [NOW, NOW], "variants"),
    ("variants", [NOW, {"kind": "model", "version": "v2", "share": 0.6}], "variants"),
    ("variants", [{"share": 0.99}, {"kind": "model", "version": "v2", "share": 0.01}], "variants"),
    ("variants", [NOW, {"kind": "model", "share": 0.5}], "variants.1.version"),
    ("variants", [NOW, {"kind": "model", "version": "v" * 201, "share": 0.5}], "variants.1.version"),
    ("variants", [NOW, OFF], "variants.1.kind"),
    ("variants", [NOW, {"kind": ["x"], "share": 0.5}], "variants.1.kind"),
    ("variants", [NOW, {"kind": "model", "version": "v2", "share": "half"}], "variants"),
]


@pytest.mark.parametrize(("field", "value", "named"), WRONG)
def test_what_is_wrong_is_named(field: str, value: Any, named: str) -> None:
    made, wrong = parse(FORM | {field: value}, "exp-1")
    assert made is None
    assert named in [name for name, _, _ in wrong]


def test_the_end_is_after_the_start() -> None:
    _, wrong = parse(FORM | {"starts_us": 10, "ends_us": 10}, "exp-1")
    assert [name for name, _, _ in wrong] == ["ends_us"]


@pytest.mark.parametrize(
    "given",
    [
        {"settings": {}, "off": []},
        {"settings": {"holdout_share": 0.2}},
        {"settings": {"salt": "another one of 16 letters"}},
        {"settings": {"exploration": 7}},
        {"settings": {"nag_count": 1.5}},
        {"settings": "all", "off": []},
        {"off": [1, 2]},
        {"off": ["x"] * 101},
    ],
)
def test_the_holdout_of_offers_cannot_differ(given: dict[str, Any]) -> None:
    form = FORM | {"scene": "offers", "metric": "value", "minimum_effect": 30}
    variants = [NOW, {"kind": "offers", "share": 0.5, **given}]
    assert parse(form | {"variants": variants}, "exp-1")[0] is None


def test_offers_may_differ_in_settings_and_in_what_is_off() -> None:
    form = FORM | {"scene": "offers", "metric": "value", "minimum_effect": 30}
    variants = [
        NOW,
        {"kind": "offers", "share": 0.5, "settings": {"exploration": 0.2, "share": None}, "off": ["b", "a"]},
    ]
    made, wrong = parse(form | {"variants": variants}, "exp-1")
    assert made is not None, wrong
    assert made.variants[1].off == ("a", "b")


def test_a_document_of_a_later_release_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        from_dict(experiment().to_dict() | {"v": 2})


def test_an_experiment_is_live_between_start_and_end() -> None:
    running: Experiment = experiment(state="running", starts_us=10, ends_us=20)
    assert [running.is_live(now) for now in (9, 10, 19, 20)] == [False, True, True, False]
    assert not experiment(state="stopped").is_live(15)
