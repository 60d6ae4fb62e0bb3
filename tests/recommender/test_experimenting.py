"""Experiments through the front door: who gets what, what is counted, what is left after an erasure and an end."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import DAY, HOUR, MINUTE
from plumbing.closed import visit_of
from recommender.experiments.plan import Experiment, Variant
from recommender.rules.document import RulesDocument
from tests.recommender.experiments.worlds import experiment
from tests.recommender.service_fixtures import Installation, World

PEOPLE = 40


@pytest.fixture(scope="module")
def prepared(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Two versions of orders: by the first one cola is most popular, by the second one burger."""
    world = installation.open(tmp_path_factory.mktemp("versions") / "state")
    for items, n in ((["cola", "cola"], 12), (["burger", "burger", "burger"], 30)):
        for number in range(n):
            for time, item in enumerate(items):
                token = world.token(f"one-of-many-{number}")
                world.order(item, token=token, event_id=f"{item}-{number}-{time}")
        runs = world.half.trainer.models
        run_id = runs.begin("grill", "orders", world.time_us)
        world.half.trainer.notes.accept("grill", run_id, "user:ana", world.time_us)  # the town grew at a stroke
        world.half.trainer.run("grill", "orders", run_id, seed=0)
    world.close()
    return replace(installation, home=world.home)


@pytest.fixture
def world(prepared: Installation, tmp_path: Path) -> Iterator[World]:
    made = prepared.open(tmp_path / "state")
    yield made
    made.close()


def versions(world: World) -> tuple[str, str]:
    old, new = world.half.trainer.shelf("grill", "orders").names()
    return old, new


def begun(world: World, *, other: Variant | None = None, **changes: Any) -> Experiment:
    """An experiment that runs: B is the earlier version, unless `other` says something else."""
    variants = (Variant("A", "", 0.5), other or Variant("B", "", 0.5, "model", versions(world)[0]))
    store = world.half.service.stores.experiments
    draft = experiment(variants=variants, **changes)
    store.save_draft("grill", draft, world.time_us)
    return store.start("grill", draft.experiment_id, world.time_us)


def first(world: World, name: str, scene: str = "orders") -> str:
    """The first suggestion for a customer."""
    items = world.suggest(scene, token=world.token(name, token_id=f"t {name}")).json["items"]
    return items[0]["item_id"] if items else ""


def figures(world: World, experiment_id: str = "exp-1") -> dict[str, Any]:
    world.half.service.experimenting.flush()
    store = world.half.service.stores.experiments
    return store.figures("grill", store.get("grill", experiment_id), world.time_us)


def customers(world: World) -> list[int]:
    return [row["customers"] or 0 for row in figures(world)["variants"]]


def test_each_customer_gets_their_variant_again_and_again(world: World) -> None:
    begun(world)
    seen = [first(world, f"person {k}") for k in range(PEOPLE)]
    again = [first(world, f"person {k}") for k in range(PEOPLE)]

    assert again == seen
    assert min(Counter(seen)[one] for one in ("burger", "cola")) >= 10
    assert customers(world) == [Counter(seen)["burger"], Counter(seen)["cola"]]
    row = world.half.service.stores.experiments.running("grill")
    assert world.half.service.database.rows("SELECT * FROM experiment_units")[0]["unit"] not in str(row[0][0])


def test_a_guest_gets_the_control_and_is_not_counted(world: World) -> None:
    begun(world, other=None)
    assert {world.suggest().json["items"][0]["item_id"] for _ in range(5)} == {"burger"}
    assert figures(world)["verdict"] == {"kind": "empty"}


def test_a_draft_and_a_stopped_one_change_nothing(world: World) -> None:
    made = begun(world)
    store = world.half.service.stores.experiments
    store.stop("grill", made.experiment_id, world.time_us)
    assert {first(world, f"person {k}") for k in range(20)} == {"burger"}
    store.save_draft("grill", replace(made, experiment_id="exp-2", state="draft"), world.time_us)
    assert {first(world, f"person {k}") for k in range(20)} == {"burger"}
    assert world.count("experiment_units") == 0


def test_an_order_counts_once_for_its_visit(world: World) -> None:
    """Value, the first suggestion and any of five; sent again it is the same event; a day later it is no visit."""
    begun(world, metric="value", minimum_effect=50)
    token = world.token("ann", token_id="t ann")
    best = world.suggest(token=token).json["items"][0]["item_id"]
    world.suggest(token=token)  # the basket changed: the same visit
    for _ in range(2):
        assert world.order(best, token=token, event_id="o1").status_code == 201
    world.half.service.experimenting.flush()
    (row,) = world.half.service.database.rows("SELECT * FROM experiment_units")
    price = {"burger": 950, "cola": 300}[best]
    assert (row["n_visits"], row["value"], row["completed"]) == (1, price, 1)
    assert (row["first_taken"], row["any_taken"], row["site"]) == (1, 1, "north")

    world.time_us += DAY
    world.order("salad", token=world.token("ann"), event_id="o2")
    world.half.service.experimenting.flush()
    (row,) = world.half.service.database.rows("SELECT * FROM experiment_units")
    assert row["value"] == price
    world.suggest(token=world.token("ann"))
    world.half.service.experimenting.flush()
    (row,) = world.half.service.database.rows("SELECT * FROM experiment_units")
    assert row["n_visits"] == 2


def test_not_me_counts_for_its_visit(world: World) -> None:
    begun(world)
    token = world.token("ann", token_id="t ann")
    world.suggest(token=token)
    closed = world.half.service.in_flight.closed
    closed.close("grill", visit_of("t ann"), world.time_us + HOUR)
    world.half.service.experimenting.flush()
    world.half.service.experimenting.flush()
    (row,) = world.half.service.database.rows("SELECT * FROM experiment_units")
    assert row["not_me"] == 1


def test_an_erased_customer_leaves_nothing(world: World, prepared: Installation) -> None:
    """In the sums, in the present visit, and in what is noted and not written yet; in any process."""
    begun(world)
    for name in ("ann", "bob"):
        world.suggest(token=world.token(name, token_id=name))
    world.half.service.experimenting.flush()
    world.suggest(token=world.token("ann", token_id="later"))
    world.order("cola", token=world.token("ann"), event_id="o1")
    process = prepared.open(world.home)
    process.suggest(token=world.token("ann", token_id="elsewhere"))
    world.half.service.erase(world.token("ann", purposes=["erasure"]))
    assert world.count("experiment_units") == world.count("experiment_visits") == 1
    process.half.service.experimenting.flush()  # what it noted before the erasure
    process.close()
    assert world.count("experiment_units") == world.count("experiment_visits") == 1


def test_a_restored_database_brings_nobody_back(world: World) -> None:
    """Sums of somebody who was erased after the backup go again, also of one who never ordered."""
    begun(world)
    world.suggest(token=world.token("ann", token_id="a"))
    world.half.service.experimenting.flush()
    stores = world.half.service.stores
    kept = [tuple(row) for row in world.half.service.database.rows("SELECT * FROM experiment_units")]
    world.half.service.erase(world.token("ann", purposes=["erasure"]))
    with stores.database.write() as connection:
        connection.execute("DELETE FROM tombstones")
        connection.execute("UPDATE generations SET number = 0 WHERE name = 'tombstones'")
        connection.executemany(f"INSERT INTO experiment_units VALUES ({', '.join('?' * 13)})", kept)
    stores.erased.keep_erased()
    assert world.count("experiment_units") == 0


def test_the_end_unlinks_everybody(world: World) -> None:
    made = begun(world)
    for k in range(PEOPLE):
        first(world, f"person {k}")
    before = figures(world)
    ended = world.half.service.stores.experiments.stop("grill", made.experiment_id, world.time_us)

    assert world.count("experiment_units") == world.count("experiment_visits") == 0
    assert world.half.service.database.row("SELECT salt FROM experiments")["salt"] == ""
    assert ended.result is not None
    assert ended.result["variants"] == before["variants"]


def test_an_experiment_ends_by_itself(world: World) -> None:
    begun(world, ends_us=world.time_us + HOUR)
    first(world, "ann")
    world.time_us += 2 * HOUR
    assert {first(world, f"person {k}") for k in range(20)} == {"burger"}
    world.half.service.experimenting.tick()
    assert world.half.service.stores.experiments.get("grill", "exp-1").state == "stopped"


def test_a_variant_that_vanished_is_the_control_and_nobody_is_counted(world: World) -> None:
    made = begun(world)
    seen = {name: first(world, name) for name in (f"person {k}" for k in range(20))}
    before = customers(world)
    shelf = world.half.trainer.shelf("grill", "orders")
    shutil.rmtree(shelf.folder / made.variants[1].version)
    world.time_us += 2 * MINUTE
    assert {first(world, name) for name in seen} == {"burger"}
    assert {first(world, f"new {k}") for k in range(20)} == {"burger"}
    assert customers(world) == before
    world.half.service.experimenting.tick()
    assert world.half.service.stores.experiments.get("grill", "exp-1").vanished == ("B",)


def test_two_experiments_of_a_scene_share_no_customer(world: World) -> None:
    """Each has its stretch of the scene's layer; a third one finds no room."""
    old = versions(world)[0]
    store = world.half.service.stores.experiments
    for name in ("exp-1", "exp-2"):
        variants = (Variant("A", "", 0.5), Variant("B", "", 0.5, "model", old))
        store.save_draft("grill", experiment(experiment_id=name, variants=variants, traffic=0.5), world.time_us)
        store.start("grill", name, world.time_us)
    for k in range(PEOPLE):
        first(world, f"person {k}")
    one, other = (figures(world, name)["visits"] for name in ("exp-1", "exp-2"))
    assert one + other == PEOPLE
    assert min(one, other) > 8
    rows = world.half.service.database.rows("SELECT DISTINCT unit FROM experiment_units")
    assert len(rows) == PEOPLE


@pytest.fixture
def offers(world: World) -> World:
    """Everybody consented to offers; one runs."""
    settings = world.half.service.stores.offers
    now, _ = settings.settings("grill", "a salt of sixteen letters")
    settings.save_settings("grill", replace(now, holdout_share=0.3, exploration=0.01))
    return world


def test_an_offer_that_is_off_in_a_variant(offers: World) -> None:
    """The holdout stays what it was and is not counted; the log has propensities within the variant, and the
    variant's own probability."""
    names = [f"person {k}" for k in range(2 * PEOPLE)]  # fewer than ten in a variant are hidden
    before = {name: first(offers, name, "offers") for name in names}
    held_out = _cells(offers)
    off = Variant("B", "", 0.5, "offers", off=("lunch",))
    begun(offers, other=off, scene="offers", metric="redeemed")
    offers.time_us += 20 * MINUTE
    after = {name: first(offers, name, "offers") for name in names}

    assert {name for name, cell in _cells(offers).items() if cell == "holdout"} == {
        name for name, cell in held_out.items() if cell == "holdout"
    }
    policy = [name for name in names if held_out[name] == "policy"]
    assert sum(customers(offers)) == len(policy)
    assert 3 < sum(bool(before[name]) and not after[name] for name in policy) < len(policy)
    rows = offers.half.service.database.rows("SELECT * FROM offer_decisions ORDER BY decided_us")
    tried = [row for row in rows if '"variant_share": 0.5' in row["context"]]
    assert len(tried) == len(names)
    assert sum('"lunch": "experiment"' in row["excluded"] for row in tried) > 3
    chances = [json.loads(row["propensities"]) for row in tried if row["cell"] == "policy"]
    assert all(sum(each.values()) == pytest.approx(1) for each in chances)
    assert {"lunch" in each for each in chances} == {True, False}


def _cells(world: World) -> dict[str, str]:
    rows = world.half.service.database.rows("SELECT pseudonym, cell FROM offer_decisions")
    return {row["pseudonym"]: row["cell"] for row in rows}


def test_their_own_page_says_that_they_are_counted(world: World) -> None:
    begun(world)
    world.suggest(token=world.token("ann", token_id="a"))
    world.half.service.experimenting.flush()
    token = world.token("ann", purposes=["orders", "own_data"], device="me")
    held = world.client.get("/recommender/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert held.status_code == 200, held.json
    own = {"scene": "orders", "name": "Autumn", "question": "", "visits": 1, "value": 0}
    assert held.get_json()["experiments"] == [own]


def test_their_own_page_is_no_visit(world: World) -> None:
    begun(world)
    token = world.token("ann", purposes=["orders", "own_data"])
    world.suggest(token=token)
    assert figures(world)["visits"] == 0


def test_what_goes_wrong_once_ends_no_counting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread beside the requests goes on: else no visit counts, and no experiment ends, until a restart."""
    experimenting, again, ticks = world.half.service.experimenting, threading.Event(), Counter[str]()

    def tick() -> None:
        ticks["n"] += 1
        if ticks["n"] == 1:
            raise OSError(5, "the disk of the versions")
        again.set()

    monkeypatch.setattr("recommender.experimenting.FLUSH_S", 0.01)
    monkeypatch.setattr(experimenting, "tick", tick)
    stop = experimenting.start()
    try:
        assert again.wait(10)
    finally:
        stop()


def test_a_variant_tries_its_rules_and_what_is_hidden_now_stays_hidden(world: World) -> None:
    pinned = {"rules": [{"id": "r1", "kind": "pin", "item": "salad", "position": 1}]}
    begun(
        world, other=Variant("B", "", 0.5, "rules", document="draft", rules=RulesDocument.read(pinned).to_json())
    )
    seen = {f"person {k}": first(world, f"person {k}") for k in range(PEOPLE)}
    assert set(seen.values()) == {"burger", "salad"}

    hidden = {"rules": [{"id": "r1", "kind": "hide", "item": "salad"}]}  # recalled while the experiment runs
    stores = world.half.service.stores
    stores.rules.publish("grill", RulesDocument.read(hidden), "user:ana", world.time_us)

    assert {first(world, name) for name in seen} == {"burger"}


def test_the_documents_that_a_variant_may_try(world: World) -> None:
    ports = world.half.service.experimenting.sources.rules
    rules = world.half.service.stores.rules
    assert ports.choices("grill") == []
    for item in ("salad", "cola"):
        rules.publish("grill", RulesDocument.read({"rules": [{"id": "r", "kind": "hide", "item": item}]}), "a", 1)

    assert ports.choices("grill") == ["1"]  # the second one is live
    content = ports.content("grill", "1")
    assert content is not None
    assert ports.usable("grill", content)
    assert not ports.usable("grill", {"rules": "none"})
    assert ports.content("grill", "no number") is None
    ports.publish("grill", content, "user:ana", 2)
    assert rules.history("grill")[0].document() == RulesDocument.read(content)
