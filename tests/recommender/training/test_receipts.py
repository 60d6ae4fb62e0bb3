"""What the recommender says for the receipt of an erasure: which versions still wait, and when none does."""

from __future__ import annotations

import pytest

from plumbing.handover import Forgotten
from tests.recommender.service_fixtures import World
from tests.recommender.training import test_forgotten
from tests.recommender.training.test_forgotten import ONE, PEOPLE, train

kitchen = pytest.fixture(test_forgotten.kitchen.__wrapped__)  # type: ignore[attr-defined]  # the same house


def erased(world: World, who: str) -> Forgotten:
    return world.half.erase(world.token(who, purposes=["erasure"]))


def test_a_scene_waits_until_a_version_without_the_person_is_live(kitchen: World) -> None:
    service = kitchen.half.service
    train(kitchen, "orders")

    done = erased(kitchen, ONE)

    states = dict(done.places)
    assert states["models/orders"] == "waits for a training"
    assert states["models/destinations"] == "erased"  # never trained: nothing serves
    assert states["recommender.db"] == "erased"
    assert done.events > 0
    marks = dict(done.marks)
    assert service.waiting("grill", marks) == ["orders"]
    assert service.holds("grill", ONE) == []

    train(kitchen, "orders")
    assert service.waiting("grill", marks) == []
    later = erased(kitchen, PEOPLE[5])
    assert service.waiting("grill", dict(later.marks)) == ["orders"]
    assert service.waiting("grill", marks) == []  # the first one stays closed


def test_who_was_in_no_scene_waits_for_nothing_and_odd_marks_are_no_accident(kitchen: World) -> None:
    train(kitchen, "orders")

    done = erased(kitchen, "nobody-of-these")

    assert kitchen.half.service.waiting("grill", {"no such scene": 3}) == []
    assert "recommender.db" in dict(done.places)
