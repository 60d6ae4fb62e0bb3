"""What operators and privacy officers see of identity: enough to act on, and nothing that leads to a person."""

from __future__ import annotations

import json

import pytest

from identity.desk.promises import LEAST_PEOPLE
from identity.service import Device
from plumbing.clock import DAY
from tests.identity.halves import Kiosk, World, kiosk_of, pictures


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    return kiosk_of(world)


def asked(world: World, kiosk: Kiosk, path: str, scope: str, language: str = "en") -> dict[str, object]:
    key = world.access.create_key("north", [scope])
    reply = kiosk.client.get(f"/identity/v1/desk/{path}", headers={"X-API-Key": key, "Accept-Language": language})
    assert reply.status_code == 200, reply.text
    body: dict[str, object] = reply.get_json()
    return body


def test_the_operator_sees_pack_threshold_and_promise(world: World, kiosk: Kiosk) -> None:
    kiosk.enrol(pictures(1))
    found = asked(world, kiosk, "recognition", "operate")

    packs = found["packs"]
    assert isinstance(packs, list)
    assert packs[0]["gallery"] == 1
    assert len(packs[0]["sha256"]) == 64
    assert found["promise"] == world.half.config.promise
    assert found["erasures_open"] == 0


def test_numbers_of_people_below_ten_are_hidden(world: World, kiosk: Kiosk) -> None:
    kiosk.enrol(pictures(1))
    found = asked(world, kiosk, "promises", "privacy")

    purposes = found["purposes"]
    assert isinstance(purposes, list)
    assert {row["agree"] for row in purposes} <= {None, 0}
    assert LEAST_PEOPLE == 10


def test_an_erasure_that_waits_is_late_after_a_day_and_then_done(world: World, kiosk: Kiosk) -> None:
    receipt = kiosk.enrol(pictures(1)).get_json()["receipt"]
    world.elsewhere.error = OSError("away")
    world.service.forget(Device("north", "kiosk-1"), receipt)

    assert "waits" in str(asked(world, kiosk, "promises", "privacy")["answer"])
    world.clock.now += 3 * DAY
    late = asked(world, kiosk, "promises", "privacy", "de")
    assert late["late"] == 1
    assert "überfällig" in str(late["answer"])

    world.elsewhere.error = None
    world.service.erasures.finish_all()
    done = asked(world, kiosk, "promises", "privacy")
    assert (done["open"], done["erased"]) == (0, 1)
    assert "All promises are kept" in str(done["answer"])
    assert receipt not in json.dumps(done)


@pytest.mark.parametrize(
    ("path", "scope"), [("recognition", "privacy"), ("promises", "operate"), ("promises", "view")]
)
def test_each_hat_sees_its_own_page_alone(world: World, kiosk: Kiosk, path: str, scope: str) -> None:
    key = world.access.create_key("north", [scope])
    reply = kiosk.client.get(f"/identity/v1/desk/{path}", headers={"X-API-Key": key})

    assert (reply.status_code, reply.get_json()["code"]) == (403, "scope_missing")
