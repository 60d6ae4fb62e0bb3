"""The store: events once, histories in order, generations for caches, erasures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plumbing.storage.state import State
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.errors import Erased, EventConflict, TrainingRunning
from recommender.scene import Event, Item, OrderLine
from recommender.store import run_locks
from recommender.store.schedules import ScheduleEntry
from tests.engines import stored

NOW = 1_795_435_200_000_000


def config(state: State) -> RecommenderConfig:
    return RecommenderConfig(state.home, (), database=state.url)


@pytest.fixture
def stores(state: State) -> Iterator[RecommenderStores]:
    made = open_stores(config(state))
    yield made
    made.models.close()
    made.database.close()


def order(event_id: str, *items: str, customer: str = "ann", time_us: int = NOW) -> Event:
    lines = tuple(OrderLine(item, 2, 100) for item in items)
    return Event(event_id, "ordered", "orders", customer, time_us, 13.5, 0, lines, site="north")


def test_a_history_is_one_customers_orders_in_order(stores: RecommenderStores) -> None:
    """Only this customer's, oldest first; two orders of the same microsecond stay two."""
    events = [order("b", "tea", "bun"), order("a", "tea"), order("c", "ale", customer="bob")]
    assert stores.events.record("grill", [*events, order("d", "pie", time_us=NOW - 5)], NOW) == 4
    history = stores.events.history("grill", "ann", "ordered", 100)
    items = history.items[history.item].tolist()
    assert list(zip(history.order.tolist(), items, strict=True)) == [
        (0, "pie"),
        (1, "tea"),
        (2, "tea"),
        (2, "bun"),
    ]
    assert history.quantity.tolist() == [2, 2, 2, 2]
    assert history.hour.tolist() == [13.5] * 4
    assert history.sites.tolist() == ["north"]


def test_a_long_history_keeps_its_latest_lines(stores: RecommenderStores) -> None:
    """With a limit the oldest lines are left out."""
    stores.events.record("grill", [order(f"e{i}", f"i{i}", time_us=NOW + i) for i in range(5)], NOW)
    assert stores.events.history("grill", "ann", "ordered", 2).items.tolist() == ["i3", "i4"]


def test_what_is_popular_names_nobody(stores: RecommenderStores) -> None:
    """The latest lines of a tenant carry no pseudonym and none of another tenant's."""
    stores.events.record("grill", [order("a", "tea"), order("b", "tea", customer="bob")], NOW)
    stores.events.record("other", [order("a", "beer")], NOW)
    latest = stores.events.latest("grill", "ordered", 10, least_people=2)
    assert len(latest) == 2
    assert latest.customers.tolist() == []
    assert latest.items.tolist() == ["tea"]


def test_the_same_event_is_stored_once_and_another_under_its_id_is_refused(stores: RecommenderStores) -> None:
    """Sent again: nothing new. Changed: a conflict that names its place, and nothing of its batch is stored."""
    stores.events.record("grill", [order("a", "tea")], NOW)
    assert stores.events.record("grill", [order("a", "tea")], NOW + 9) == 0
    with pytest.raises(EventConflict) as caught:
        stores.events.record("grill", [order("new", "bun"), order("a", "cake")], NOW)
    assert caught.value.index == 1
    assert stores.events.counts("grill") == {"ordered": 1}
    assert stores.events.record("other", [order("a", "cake")], NOW) == 1


def test_an_erased_customer_does_not_come_back(stores: RecommenderStores, state: State) -> None:
    """Rows go, a late event is refused with its whole batch, and the pseudonym is in no file."""
    name = "ann-who-wants-to-be-forgotten"
    events = [order("a", "tea", customer=name), order("b", "tea", customer="bob")]
    stores.events.record("grill", events, NOW)
    assert stores.events.erase("grill", name, NOW) == 1
    stores.database.scrub()
    with pytest.raises(Erased):
        stores.events.record("grill", [order("c", "bun", customer="bob"), order("d", "bun", customer=name)], NOW)
    assert stores.events.is_erased("grill", name)
    assert not stores.events.is_erased("other", name)
    assert stores.events.counts("grill") == {"ordered": 1}
    assert name.encode() not in stored(state)


def test_another_process_sees_changes_by_generation(stores: RecommenderStores, state: State) -> None:
    """A change of the catalogue and an erasure raise a number that every process reads."""
    other = open_stores(config(state))
    before = [other.events.generation("grill", name) for name in ("catalogue", "erasures")]
    stores.catalogue.put("grill", "item", [Item("tea", "Tea", price=100)])
    stores.events.erase("grill", "ann", NOW)
    after = [other.events.generation("grill", name) for name in ("catalogue", "erasures")]
    assert (before, after) == ([0, 0], [1, 1])
    assert other.events.is_erased("grill", "ann")
    other.models.close()
    other.database.close()


def test_an_item_comes_back_as_it_was_written(stores: RecommenderStores) -> None:
    """Every field survives, lists and flags included; ids of other tenants do not shine through."""
    item = Item("tea", "Tea", "hot", 250, ("lunch",), ("milk",), ("warm", "new"), ("north",), False, True)
    place = Item("home", "Elm Street", lat=52.5, lon=-13.4)
    stores.catalogue.put("grill", "item", [item])
    stores.catalogue.put("grill", "place", [place])
    assert stores.catalogue.all("grill", "item") == (item,)
    assert stores.catalogue.get("grill", "place", "home") == place
    assert stores.catalogue.all("other", "item") == ()


def test_one_open_run_at_a_time_and_a_key_once(stores: RecommenderStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run waits its turn, a used key never begins again, a lost run makes room."""
    models = stores.models
    run_id = models.begin("grill", "orders", NOW, "monday")
    with pytest.raises(TrainingRunning) as caught:
        models.begin("grill", "orders", NOW)
    assert caught.value.extra == {"run_id": run_id}
    models.begin("grill", "destinations", NOW)
    assert models.end("grill", run_id, "published", "it wins", NOW + 1, version="0001-0")
    assert not models.end("grill", run_id, "failed", "too late", NOW + 2)
    with pytest.raises(TrainingRunning):
        models.begin("grill", "orders", NOW + 3, "monday")
    stuck = models.begin("grill", "orders", NOW + 4)
    models.progress("grill", stuck, "counting", 0.4, NOW + 5)
    models.close()  # as when the process ends
    monkeypatch.setattr(run_locks, "AGAIN_S", 0.0)  # a server's lock may be free for a moment only
    models.begin("grill", "orders", NOW + 6)
    assert models.run("grill", "orders", stuck).state == "lost"


def test_a_schedule_is_replaced_whole(stores: RecommenderStores) -> None:
    """What was written is read; written again it replaces all."""
    due = ScheduleEntry("orders", "0 3 * * mon,sun", "Sundays", "Europe/Berlin", tenant="grill")
    stores.models.schedules.replace("grill", [due])
    assert stores.models.schedules.entries("grill") == stores.models.schedules.entries() == [due]
    stores.models.schedules.replace("grill", [])
    assert stores.models.schedules.entries() == []
