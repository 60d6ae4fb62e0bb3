"""Figures by day: counted beside requests, summed from the log once however often an event comes."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest

from plumbing.clock import DAY, HOUR
from plumbing.storage.database import DatabaseBusy
from recommender.figures.days import bounds_us, day_of, daypart_of, days_between
from recommender.figures.marks import marked, taken, version_mark
from recommender.scene import Context
from recommender.service import SuggestRequest
from recommender.store.figures import Cell, Filter
from recommender.store.tenant_settings import TenantSettings
from tests.engines import both_engines
from tests.recommender.service_fixtures import NOON, World

DAY_OF_NOON = "2026-11-23"
ALL = Filter("2026-01-01", "2027-01-01")


def sums(world: World, *by: str) -> list[dict[str, int | str]]:
    world.half.service.figures.refresh()
    return world.half.service.stores.figures.sums("grill", ALL, by)


def test_an_id_says_what_was_taken() -> None:
    """First, one of five, none; an id of an older release or of an offer says nothing."""
    decision = "5e" * 12
    name = marked(decision, "0007-3f9a2c41d0be", ["burger", "cola", "salad"])
    assert len(name) <= 64
    assert "burger" not in name
    first, later, other = (taken(name, items) for items in (["burger"], ["tea", "salad"], ["tea"]))
    assert first
    assert first.first
    assert first.any
    assert later
    assert not later.first
    assert later.any
    assert other
    assert not other.any
    assert first.version_mark == version_mark("0007-3f9a2c41d0be")
    for unknown in ("rec_0123456789abcdef01234567", "", name[:-1], "d4f"):
        assert taken(unknown, ["burger"]) is None


def test_two_ids_of_one_list_have_nothing_in_common() -> None:
    one, two = (marked(chance * 24, "v", ["burger"])[29 + 8 :] for chance in "ab")
    assert one != two


@both_engines
def test_a_visit_its_order_and_what_it_took(world: World) -> None:
    """Recognised and guest, first and any of five, value at the price of the line or of the menu."""
    seen = world.suggest(token=world.token()).json
    assert (
        world.order("burger", token=world.token(), recommendation_id=seen["recommendation_id"]).status_code == 201
    )
    guest = world.suggest(site="north").json
    other = guest["items"][1]["item_id"]
    world.order(other, event_id="e2", recommendation_id=guest["recommendation_id"])
    world.order("salad", event_id="e3")

    found = {row["recognised"]: row for row in sums(world, "recognised")}
    assert (found[1]["visits"], found[1]["shown"], found[1]["taken_any"]) == (1, 1, 1)
    assert (found[1]["taken_first"], found[1]["orders"], found[1]["value"]) == (1, 1, 950)
    assert (found[0]["visits"], found[0]["taken_any"], found[0]["taken_first"], found[0]["orders"]) == (1, 1, 0, 2)
    assert [row["day"] for row in sums(world, "day")] == [DAY_OF_NOON]


def test_an_event_that_comes_twice_counts_once(world: World) -> None:
    for _ in range(3):
        world.order("cola")
        sums(world)
    assert sums(world)[0]["orders"] == 1


def test_an_answer_with_a_basket_is_no_second_visit(world: World) -> None:
    world.suggest()
    world.suggest(basket="cola")
    row = sums(world)[0]
    assert (row["visits"], row["shown"]) == (1, 2)


def test_what_nobody_asked_for_is_not_counted(world: World) -> None:
    """Loading the models at the start suggests once from each."""
    world.half.service.warm()
    world.half.service.suggest(SuggestRequest("grill", "", "orders", None, Context(), 3))
    assert sums(world)[0]["visits"] == 0


def test_suggestions_are_not_written_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred answers cost no write; then one."""
    store, written = world.half.service.stores.figures, list[str]()
    real = store.add

    def add(tenant: str, counts: Mapping[Cell, Mapping[str, int]]) -> None:
        written.append(tenant)
        real(tenant, counts)

    monkeypatch.setattr(store, "add", add)
    for _ in range(100):
        world.suggest()
    assert written == []
    world.half.service.figures.write()
    assert written == ["grill"]
    assert sums(world)[0]["visits"] == 100


def test_what_cannot_be_written_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = world.half.service.figures
    world.suggest()

    def busy(*_given: object) -> None:
        raise DatabaseBusy

    with monkeypatch.context() as patch:
        patch.setattr(figures.store, "add", busy)
        figures.write()
    assert sums(world)[0]["visits"] == 1


def test_a_version_is_known_by_its_mark(world: World) -> None:
    """Suggestions and what was taken of them stand at the version that made them."""
    for number in range(3):
        world.order("cola", token=world.token(), event_id=f"before-{number}")
    world.call("POST", "/models/orders/train", key="desk")
    world.run_trainings()
    seen = world.suggest(token=world.token()).json
    world.order(
        seen["items"][0]["item_id"],
        token=world.token(),
        event_id="after",
        recommendation_id=seen["recommendation_id"],
    )
    found = {row["version"]: row for row in sums(world, "version")}
    assert seen["model_version"]
    assert (found[seen["model_version"]]["shown"], found[seen["model_version"]]["taken_first"]) == (1, 1)


def test_people_are_counted_and_not_kept(world: World) -> None:
    """How many different customers, by day and site; no pseudonym is in any table of figures."""
    for number in range(12):
        world.order("cola", token=world.token(f"customer-{number % 11}"), event_id=f"e{number}", site="north")
    world.half.service.figures.refresh()
    store = world.half.service.stores.figures
    assert store.people("grill", ALL) == {(): 11}
    assert store.people("grill", ALL, ("site",)) == {("north",): 11}
    for table in ("daily_figures", "daily_people", "figures_due"):
        for row in world.half.service.database.rows(f"SELECT * FROM {table}"):
            assert not any("customer-" in str(value) for value in row)


def test_days_are_the_tenants(world: World) -> None:
    """In Tokyo the evening of Monday in UTC is Tuesday."""
    world.half.service.stores.tenants.save("grill", TenantSettings(timezone="Asia/Tokyo"))
    world.time_us = NOON + 4 * HOUR
    world.suggest()
    world.order("cola")
    assert [(row["day"], row["visits"], row["orders"]) for row in sums(world, "day")] == [("2026-11-24", 1, 1)]


def test_rebuilt_from_the_log(world: World) -> None:
    """Orders, value and what was taken come back; visits are in no log and stay as they were counted."""
    seen = world.suggest(token=world.token()).json
    world.order("burger", token=world.token(), recommendation_id=seen["recommendation_id"])
    before = sums(world, "day", "site", "daypart", "recognised")
    database = world.half.service.database
    database.change("UPDATE daily_figures SET orders = 77, value = 0, taken_any = 5")
    assert world.half.service.figures.rebuild("grill") == 1
    assert sums(world, "day", "site", "daypart", "recognised") == before


def test_an_installation_of_an_earlier_release_is_summed_by_itself(world: World) -> None:
    """It has events and no figures: all of its days are due at the first round of the leader."""
    world.earlier("2026-11-01T12:00:00Z", "ann", "cola", event_id="old")
    database = world.half.service.database
    world.half.service.figures.counters.take()
    rounds = world.half.rounds()
    assert rounds.go()
    rounds.stop()
    rows = database.rows("SELECT day, orders FROM daily_figures WHERE orders > 0")
    assert [tuple(row) for row in rows] == [("2026-11-01", 1)]


def test_days_and_parts() -> None:
    """Bounds of a day on which the clocks change; parts of the day."""
    zone = ZoneInfo("Europe/Berlin")
    first, last = bounds_us("2026-10-25", zone)
    assert last - first == 25 * HOUR
    assert day_of(first, zone) == "2026-10-25"
    assert day_of(last - 1, zone) == "2026-10-25"
    assert days_between("2026-02-27", "2026-03-01") == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert [daypart_of(hour) for hour in (4, 5, 11, 15, 18, 22, float("nan"))] == [
        "night",
        "breakfast",
        "lunch",
        "afternoon",
        "dinner",
        "night",
        "night",
    ]
    assert bounds_us("2026-10-26", zone)[1] - bounds_us("2026-10-26", zone)[0] == DAY
