"""Where somebody enrolled: the one site that is kept of a customer, sealed, shown to them, gone with the face."""

from __future__ import annotations

import pytest

from identity.matching.matcher import Matcher
from identity.results import Device
from tests.identity.halves import World, pictures, row_of

MARKET, HARBOUR = Device("north", "kiosk-1", "market"), Device("north", "kiosk-2", "harbour")


def home(world: World, code: str) -> str | None:
    return world.service.customers.accounts.home_of(row_of(world, code))


def test_the_home_is_where_somebody_enrolled_and_no_visit_changes_it(world: World) -> None:
    code = world.enrol(1, MARKET).receipt
    before = world.half.stores.database.rows("SELECT place, home FROM templates")

    assert world.recognise(1, HARBOUR).decision == "matched"

    assert home(world, code) == "market"
    assert world.half.stores.database.rows("SELECT place, home FROM templates") == before


def test_no_file_names_the_site_of_a_customer_in_the_clear(world: World) -> None:
    world.enrol(1, Device("north", "kiosk-1", "a site with a name of its own"))
    world.half.stores.database.scrub()

    for path in world.home.rglob("*"):
        assert not path.is_file() or b"a site with a name" not in path.read_bytes(), path


def test_a_face_that_is_added_or_renewed_keeps_its_home(world: World) -> None:
    code = world.join(MARKET).receipt
    assert home(world, code) is None
    look = world.service._template_of
    joining, nonce = world.service.customers.joining, world.service.press(HARBOUR)[0]
    joining.add_face(HARBOUR, code, "4711", lambda: look(HARBOUR, nonce, pictures(1), "add_face"))
    assert home(world, code) == "harbour"

    row, stores = row_of(world, code), world.half.stores
    before = stores.galleries.templates_of("north", row.customer_id)
    seen = world.recognise(1, MARKET)
    assert world.service.raise_level(MARKET, seen.token or "", "4711").decision == "matched"
    assert stores.galleries.templates_of("north", row.customer_id) != before
    assert home(world, code) == "harbour"
    joining.drop_face(MARKET, code, "4711")
    assert home(world, code) is None


def test_a_press_is_judged_by_the_stages_of_its_site(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the device's key down to the matcher, for a recognition, an enrolment and an opt-out by face."""
    asked: list[str] = []
    stages = Matcher._stages

    def noted(self: Matcher, *given: object, **more: object) -> object:
        asked.append(str(given[4]))
        return stages(self, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Matcher, "_stages", noted)
    world.enrol(1, MARKET)
    world.enrol(2, HARBOUR)
    assert world.recognise(1, HARBOUR).decision == "matched"
    assert world.service.forget_face(MARKET, world.service.press(MARKET)[0], pictures(1, 1, 50))
    assert set(asked[:-1]) >= {"harbour"}
    assert asked[-1] == "market"
