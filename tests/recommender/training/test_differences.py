"""For how many customers the suggestions of two versions differ, and how; never who they are."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.clock import DAY
from recommender.errors import NoSuchVersion, SceneUntrained
from recommender.scene import Event, OrderLine
from recommender.training import differences
from recommender.training.differences import Changed, answer, error_of, summed
from recommender.web.versions import differences_of
from tests.recommender.service_fixtures import NOON, World


def ordered(world: World, item: str, numbers: range, hour: float = 12.0) -> None:
    events = [
        Event(f"{item}{n}", "ordered", "orders", f"c{n:03d}", NOON - 2 * DAY - n, hour, 0, (OrderLine(item),))
        for n in numbers
    ]
    world.half.service.events.record("grill", events, NOON)


def trained(world: World) -> str:
    outcome = world.half.trainer.train("grill", "orders", seed=0, progress=lambda what, share: None)
    assert outcome.state == "published", outcome.why
    return str(outcome.version)


def compared(world: World, earlier: str, later: str, key: str = "desk") -> Any:
    return world.call("GET", "/models/orders/diff", key=key, query_string={"from": earlier, "to": later})


@pytest.fixture
def two(world: World) -> tuple[World, str, str]:
    """Forty customers order cola; in the second version burgers are more popular than salad."""
    ordered(world, "cola", range(40))
    ordered(world, "salad", range(40, 55), hour=19.0)
    ordered(world, "cola", range(100, 102))
    events = [
        Event(f"again{n}", "ordered", "orders", f"c{n:03d}", NOON, 12.0, 0, (OrderLine("cola"),))
        for n in range(40)
    ]
    world.half.service.events.record("grill", events, NOON)
    first = trained(world)
    ordered(world, "burger", range(60, 80))
    return world, first, trained(world)


def test_how_many_changed_and_how(two: tuple[World, str, str]) -> None:
    """The first suggestion of all is as it was; further down burgers changed places with salad."""
    world, first, second = two
    body = compared(world, first, second).json
    assert (body["customers"], body["error"]) == ({"asked": 77, "all": 77}, 0.0)
    assert (body["first"], body["moves"]) == (0.0, [])
    assert body["five"] == pytest.approx(62 / 77, abs=0.3)
    assert body["same"] == pytest.approx(1 - body["five"])
    assert {group["group"] for group in body["by_length"]} == {"1-3"}
    assert {group["group"] for group in body["by_daypart"]} >= {"lunch"}
    assert body["says"][0].startswith("The first suggestion changed for 0 of 100 customers")
    assert "c0" not in str(body)


def test_two_versions_that_exist(two: tuple[World, str, str]) -> None:
    world, first, second = two
    assert compared(world, first, first).json["same"] == 1.0
    assert compared(world, first, "0009-abcabcabcabc").json["code"] == "version_not_found"
    assert compared(world, first, second, key="kiosk").status_code == 403
    half = world.half
    with pytest.raises(SceneUntrained):
        differences_of_offers(world)
    with pytest.raises(NoSuchVersion):
        world.half.trainer.pins.go_back("grill", "orders", "../x", who="key:x")
    assert half.trainer.shelf("grill", "orders").current() == second


def differences_of_offers(world: World) -> None:
    class Tools:
        trainer = world.half.trainer

    differences_of(Tools(), "grill", "offers")  # type: ignore[arg-type]  # only the trainer is read


def one(first: bool, move: tuple[str, str] = ("a", "b"), length: str = "1-3") -> Changed:
    return Changed(length, "lunch", first, first, move)


def test_groups_of_fewer_than_ten_people_are_hidden() -> None:
    """They are summed up; and what is left of fewer than ten people is not shown either."""
    many = [one(True)] * 12 + [one(True, ("a", "c"))] * 6 + [one(True, ("a", "d"))] * 5 + [one(False)] * 30
    body = summed([*many, *[one(False, length="11+")] * 9], 5_000)
    assert body["moves"] == [
        {"from": "a", "to": "b", "customers": 12},
        {"from": None, "to": None, "customers": 11},
    ]
    assert [group["group"] for group in body["by_length"]] == ["1-3"]
    assert summed(many[:15], 5_000)["moves"] == [{"from": "a", "to": "b", "customers": 12}]
    assert [message.id for message in answer(summed(many[:9], 9))] == ["diff-few"]
    assert [message.id for message in answer(body)] == ["diff-answer", "diff-sampled"]


def test_the_error_of_a_sample_is_said() -> None:
    assert error_of(500, 50_000) == pytest.approx(0.044, abs=0.001)
    assert error_of(40, 40) == 0.0


def test_it_ends_in_time(two: tuple[World, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a slow model fewer are asked for, and it says how many."""
    world, first, second = two
    monkeypatch.setattr(differences, "LONGEST_S", 0.0)
    body = compared(world, first, second).json
    assert body["customers"] == {"asked": 25, "all": 77}
    assert body["error"] > 0.1
    assert "77" in body["says"][1]
