"""Every class of the recommender's store gives the same answers on both engines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from plumbing.sentence import in_language
from plumbing.storage.state import State
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.errors import (
    AccountUnusable,
    Erased,
    LinkCodeWrong,
    NoSuchEvent,
    NoSuchRun,
    NotInCatalogue,
    RunEnded,
    TooManyLinkCodes,
    TrainingRunning,
)
from recommender.offers.errors import UnknownDecision, UnknownOffer
from recommender.offers.settings import OfferSettings
from recommender.scene import Item
from recommender.store import forgotten
from recommender.store.erased import NO_TENANT
from recommender.store.forgotten import Labels, Mark
from recommender.store.runs import LOG_LINES
from recommender.store.schedules import ScheduleEntry
from recommender.training.outcomes import WORDS, cancelled
from tests.recommender.offers.world import SALT, offer
from tests.recommender.store.test_events import NOW, order

ANN = "ann-who-has-22-letters"


@pytest.fixture
def stores(state: State) -> Iterator[RecommenderStores]:
    made = open_stores(RecommenderConfig(state.home, (), database=state.url))
    yield made
    made.models.close()
    made.database.close()


def test_runs_and_the_schedule(stores: RecommenderStores) -> None:
    runs = stores.models
    first = runs.begin("grill", "orders", NOW, "schedule 2026-11-23 03:00")
    with pytest.raises(TrainingRunning):
        runs.begin("grill", "orders", NOW)
    runs.progress("grill", first, "reading", 0.5, NOW + 1)
    assert runs.end("grill", first, "published", "", NOW + 2, version="v1", report={"n": 1})
    assert not runs.end("grill", first, "failed", "", NOW + 3)
    with pytest.raises(TrainingRunning):
        runs.begin("grill", "orders", NOW, "schedule 2026-11-23 03:00")
    second = runs.begin("grill", "orders", NOW + 5)
    assert runs.lose("grill", second, "gone")

    assert [(run.run_id, run.state) for run in runs.runs("grill", "orders")] == [
        (second, "lost"),
        (first, "published"),
    ]
    assert runs.begun("grill", "orders", "schedule 2026-11-23 03:00")
    assert not runs.begun("grill", "orders", "schedule 2026-11-24 03:00")
    assert runs.latest("grill", "orders", "schedule ") == NOW
    assert runs.latest("grill", "offers", "schedule ") is None
    assert runs.close_lost(NOW) == 0
    with pytest.raises(NoSuchRun):
        runs.run("other", "orders", first)
    entry = ScheduleEntry("orders", "0 3 * * mon", timezone="Europe/Berlin")
    runs.schedules.replace("grill", [entry], NOW)
    runs.schedules.replace("grill", [entry, dataclasses.replace(entry, scene="offers", enabled=False)], NOW + 9)
    assert [(one.scene, one.since_us, one.enabled) for one in runs.schedules.entries()] == [
        ("offers", NOW + 9, False),
        ("orders", NOW, True),
    ]
    assert runs.schedules.pause("grill", "orders", NOW + 20, "user:1") == 1
    assert runs.schedules.pause("other", None, NOW + 20, "user:1") == 0
    runs.schedules.replace("grill", [dataclasses.replace(entry, lines="0 4 * * mon")], NOW + 10)
    (changed,) = runs.schedules.entries("grill")
    assert (changed.since_us, changed.is_paused(NOW + 19), changed.is_paused(NOW + 20)) == (NOW + 10, True, False)


def test_what_is_kept_of_a_run(stores: RecommenderStores) -> None:
    """The last lines of its log, details, who cancels it, and the reason in every language."""
    runs = stores.models
    run_id = runs.begin("grill", "orders", NOW, kind="dry run", by="user:7")
    assert runs.progress("grill", run_id, "fitting", 0.5, NOW, [f"line {n}" for n in range(150)]) == ""
    runs.cancel("grill", "orders", run_id, "user:8")
    runs.cancel("grill", "orders", run_id, "user:9")
    assert runs.progress("grill", run_id, "fitting", 0.6, NOW, [f"more {n}" for n in range(150)]) == "user:8"
    assert runs.cancelled_by("grill", run_id) == "user:8"
    with pytest.raises(NoSuchRun):
        runs.cancel("other", "orders", run_id, "user:8")
    runs.end("grill", run_id, "cancelled", cancelled("user:8"), NOW + 9, details={"seed": 3}, lines=["the end"])
    log = runs.log("grill", run_id)
    assert (len(log), log[0], log[-1]) == (LOG_LINES, "line 101", "the end")
    run = runs.run("grill", "orders", run_id)
    assert (run.kind, run.details, run.cancel) == ("dry run", {"by": "user:7", "seed": 3}, "user:8")
    assert in_language(WORDS, "de", run.why, run.message).startswith("Das Training wurde von user:8 abgebrochen.")
    with pytest.raises(RunEnded):
        runs.cancel("grill", "orders", run_id, "user:8")
    assert runs.cancelled_by("grill", run_id) == ""


def test_runs_are_listed_page_by_page(stores: RecommenderStores) -> None:
    runs = stores.models
    made = []
    for number in range(5):
        made.append(runs.begin("grill", "orders", NOW + number // 2, kind="schedule"))
        runs.end("grill", made[-1], "failed" if number % 2 else "published", "", NOW + number)
    seen: list[str] = []
    place = None
    while page := runs.page("grill", before=place, n=2):
        seen += [run.run_id for run in page]
        place = (page[-1].started_us, page[-1].run_id)
    assert sorted(seen) == sorted(made)
    assert len(runs.page("grill", scenes=["orders"], states=["failed"], kinds=["schedule"])) == 2
    assert runs.page("grill", kinds=["hand"]) == runs.page("other") == []
    assert [run.run_id for run in runs.ended("grill", NOW + 2)] == [made[3]]


def test_accounts_are_tied_by_a_code(stores: RecommenderStores) -> None:
    ties = stores.ties
    codes = [ties.new_code("grill", "shop-7", NOW).code for _ in range(5)]
    with pytest.raises(TooManyLinkCodes):
        ties.new_code("grill", "shop-7", NOW)
    with pytest.raises(AccountUnusable):
        ties.new_code("grill", ANN, NOW)
    assert ties.tie("grill", ANN, codes[0].lower(), NOW) == "shop-7"
    with pytest.raises(LinkCodeWrong):
        ties.tie("grill", ANN, codes[0], NOW)
    assert ties.account("grill", ANN) == "shop-7"
    assert ties.untie("grill", ANN)
    assert not ties.untie("grill", ANN)
    for _ in range(4):
        with pytest.raises(LinkCodeWrong):
            ties.tie("grill", ANN, "22222-22222", NOW)
    with pytest.raises(LinkCodeWrong):
        ties.tie("grill", ANN, codes[1], NOW)

    def gone() -> None:
        raise Erased

    with pytest.raises(Erased):
        ties.tie("grill", "bob", codes[2], NOW, check=gone)
    assert ties.tie("grill", "bob", codes[2], NOW) == "shop-7", "the code was not used up"


def test_what_models_forget(stores: RecommenderStores) -> None:
    kept = stores.rows.store
    with stores.database.write() as connection:
        assert forgotten.note(connection, "grill", "ordered", "hash-a", lines=3) == 1
        assert forgotten.note(connection, "grill", "ordered", "hash-b") == 2
    tags = tuple(kept.tags("orders", "v1", ["hash-a", "hash-b", "hash-c"]))
    kept.label("grill", "orders", "v1", Labels("d1", tags, Mark(1, 3)))
    kept.label("grill", "orders", "v1", Labels("d2", tags[:1], Mark(1, 3)))

    assert kept.mark("grill", "orders") == Mark(2, 3)
    assert kept.since("grill", "orders", 1) == {"hash-b"}
    assert kept.tenants() == ["grill"]
    assert kept.labels("grill", "orders", "v1", "d1") == Labels("d1", tags, Mark(1, 3))
    assert kept.labels("grill", "orders", "v1") == Labels("d1", tags, Mark(1, 3))
    assert kept.labels("grill", "orders", "v2") is None
    assert kept.rows_to_drop("grill", "orders", "v1", "d1", 3).tolist() == [1]
    assert kept.rows_to_drop("grill", "orders", "v9", "d1", 2).tolist() == [0, 1]
    kept.only("grill", "orders", "v1", "d1")
    assert kept.labels("grill", "orders", "v1", "d2") is None
    kept.keep_only("grill", "orders", ["v1"])
    assert kept.since("grill", "orders", 0) == {"hash-b"}


def test_own_events_are_found_and_taken_back(stores: RecommenderStores) -> None:
    stores.events.record("grill", [order("a", "tea", "bun"), order("b", "pie", time_us=NOW - 1)], NOW)
    own = stores.own.of("grill", "ann")
    assert [(event.event_id, event.lines) for event in own] == [
        ("b", (("pie", 2, 100, ()),)),
        ("a", (("tea", 2, 100, ()), ("bun", 2, 100, ()))),
    ]
    stores.own.take_back("grill", "ann", stores.own.find("grill", "ann", "a"))
    with pytest.raises(NoSuchEvent):
        stores.own.find("grill", "ann", "a")
    assert stores.own.without_taken_back("grill", [order("a", "tea", "bun"), order("c", "tea")]) == [
        order("c", "tea")
    ]
    assert stores.own.decisions_and_purchases("grill", "ann") == 0
    assert stores.own.decisions_of("grill", "ann") == stores.own.outcomes_of("grill", "ann") == []
    assert stores.events.customers() == [("grill", "ann")]


def test_what_events_are_asked(stores: RecommenderStores) -> None:
    events = [order(f"e{n}", "tea", customer=f"c{n % 3}", time_us=NOW + n) for n in range(7)]
    stores.events.record("grill", events, NOW)

    assert stores.events.counted_since("grill", "c0", NOW + 1) == {"ordered": 2}
    assert stores.events.has_site("grill", "north")
    assert not stores.events.has_site("grill", "south")
    assert stores.events.returning_customers("grill", "ordered", 3) == 1
    assert [row["event_id"] for row in stores.events.export("grill")] == [f"e{n}" for n in range(7)]
    assert stores.events.history("grill", "c0", "ordered", 10, "c1").customers.tolist() == ["c0"]
    assert len(stores.events.history("grill", "c0", "ordered", 10, "c1")) == 5
    stores.events.add_tombstones(NO_TENANT, ["f" * 64] * 2, NOW)
    stores.events.set_generation("grill", "x", 7)
    assert stores.events.tombstones() == ["f" * 64]
    assert stores.events.generation("grill", "x") == 7
    assert stores.erased.keep_erased(at_start=True) == 0


def test_the_catalogue_and_how_many_stand_behind_it(stores: RecommenderStores) -> None:
    stores.catalogue.put(
        "grill", "item", [Item(name, name, price=1, lat=None, lon=0.5) for name in ("b", "a", "B")]
    )

    assert [item.item_id for item in stores.catalogue.all("grill", "item")] == ["B", "a", "b"]
    assert [item.item_id for item in stores.catalogue.page("grill", "item", "B", 1)] == ["a"]
    assert stores.catalogue.known("grill", "item", ["a", "z"] * 300) == {"a"}
    stores.catalogue.delete("grill", "item", "a")
    with pytest.raises(NotInCatalogue):
        stores.catalogue.get("grill", "item", "a")
    assert (stores.catalogue.tenants(), stores.catalogue.counts("grill")) == (["grill"], {"item": 2})
    stores.sharing.set_least_people("grill", 12)
    stores.sharing.set_least_people("grill", 15)
    assert (stores.sharing.least_people("grill"), stores.sharing.least_people("other")) == (15, 10)


def test_offers_and_their_log(stores: RecommenderStores) -> None:
    store = stores.offers
    store.save_offers("grill", [offer("lunch", budget_count=2), offer("tea")], NOW)
    lunch = store.offer("grill", "lunch")
    assert [one.offer_id for one in store.running("grill", 0)] == ["lunch", "tea"]
    with pytest.raises(UnknownOffer):
        store.offer("other", "lunch")
    assert store.settings("grill", SALT) == (OfferSettings(SALT), 0)
    store.save_settings("grill", OfferSettings(SALT, holdout_share=0.0))
    assert store.settings_as_read("grill").holdout_share == 0.0
    assert store.reserve("grill", "d1", lunch, NOW + 5, sender="kiosk", now_us=NOW, shown=False, guest=True)
    assert store.make_room("grill", "lunch", "kiosk", 1), "what was not shown is given back"
    assert store.reserve("grill", "d2", lunch, NOW + 5, sender="kiosk", now_us=NOW, guest=True)
    assert not store.make_room("grill", "lunch", "kiosk", 1)
    assert store.shown_to_somebody("grill", "d2", NOW + 9)
    assert not store.shown_to_somebody("grill", "d1", NOW + 9)
    assert (store.release_expired("grill", NOW + 8), store.release_expired("grill", NOW + 9)) == (0, 1)
    assert store.redeem("grill", "d3", "lunch", 0)
    assert [one.spent_count for one in store.all_usage("grill").values()] == [1, 0]
    assert (
        store.add_purchases("grill", [("p1", ANN, NOW, 700), ("p1", ANN, NOW, 700), ("p2", ANN, NOW + 1, 50)]) == 2
    )
    history = store.purchases_before("grill", ANN, NOW + 1, NOW)
    assert (history.n, history.total, history.total_recent) == (1, 700, 700)
    assert store.purchases_before("grill", "bob", NOW, NOW).n == 0
    assert store.reactions_before("grill", ANN, NOW) == {}
    assert store.shown("grill", ANN) == {}
    assert store.times_shown("grill") == {}
    assert store.size("grill") == (0, 0, 2)
    assert not store.decided("grill")
    assert store.with_outcomes("grill", NOW, 0) == []
    for alone in (False, True):
        with pytest.raises(UnknownDecision):
            store.decision("grill", "d9", alone=alone)
    assert store.customers() == [("grill", ANN)]
    assert store.forget("grill", ANN)["offer_purchases"] == 2
