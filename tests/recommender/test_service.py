"""The service when things go wrong or change elsewhere: it answers, with less, and says so."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import DAY, MINUTE
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.storage.state import State
from recommender.scene import Answer, Context, Request
from recommender.service import SuggestRequest
from recommender.store import open_database
from recommender.store.events import EventStore
from tests.engines import needs_files
from tests.recommender.service_fixtures import Installation, World

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def trained(world: World, *items: str) -> str:
    """One more version of orders, trained after one customer ordered these."""
    for number, item in enumerate(items):
        world.order(item, token=world.token("regular"), event_id=f"r{world.count('events')}-{number}")
    world.call("POST", "/models/orders/train", key="desk")
    world.run_trainings()
    return str(world.suggest().json["model_version"])


@contextmanager
def held(world: World) -> Iterator[World]:
    """A recommender whose database another connection has locked."""
    world.crowd("cola")
    assert world.suggest().json["items"][0]["item_id"] == "cola"
    world.half.service.database.close()  # the next request opens it again, and finds it locked
    other = sqlite3.connect(world.home / "recommender.db", isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE events SET region = region")
    yield world
    other.execute("ROLLBACK")
    other.close()


@pytest.fixture
def locked(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same for tests that wait for nothing."""
    monkeypatch.setattr("plumbing.storage.sqlite.BUSY_TIMEOUT_MS", 30)
    with held(world):
        yield world


@needs_files
def test_a_locked_database_still_gives_what_is_popular(locked: World) -> None:
    """Orders come from this process's memory, as for a guest; never a 5xx, and nothing personal."""
    for token in (None, locked.token()):
        reply = locked.suggest(token=token)
        assert (reply.status_code, reply.json["fallback"]) == (200, "database_busy")
        assert reply.json["items"][0]["item_id"] == "cola"
    offers = locked.suggest("offers", token=locked.token())
    assert (offers.status_code, offers.json["items"], offers.json["fallback"]) == (200, [], "database_busy")


@needs_files
def test_a_locked_database_stores_nothing_and_says_when_to_come_back(locked: World) -> None:
    """An order that cannot be stored is not acknowledged: busy, with Retry-After."""
    reply = locked.order("burger", event_id="e2")
    assert (reply.status_code, reply.json["code"], reply.headers["Retry-After"]) == (503, "database_busy", "1")


@needs_files
def test_guests_wait_a_moment_for_a_locked_database_and_the_next_ones_not_at_all(world: World) -> None:
    with held(world):
        began = time.monotonic()
        world.suggest()
        first = time.monotonic() - began
        for _ in range(10):
            assert world.suggest().json["fallback"] == "database_busy"
        rest = time.monotonic() - began - first
        began = time.monotonic()
        assert world.order("burger", event_id="e2").status_code == 503
        order = time.monotonic() - began

    assert first < 0.6
    assert rest < 1.0
    assert order < 2.2


@needs_files
def test_on_a_full_disk_guests_get_what_is_popular_and_orders_a_507(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.crowd("cola")

    def full(folder: Path) -> None:
        raise DiskFull

    monkeypatch.setattr("plumbing.storage.room.require", full)
    for token in (None, world.token()):
        assert world.suggest(token=token).json["items"][0]["item_id"] == "cola"
    offers = world.suggest("offers", token=world.token())
    assert (offers.status_code, offers.json["items"], offers.json["fallback"]) == (200, [], "disk_full")
    reply = world.order("burger", event_id="e2")
    assert (reply.status_code, reply.json["code"]) == (507, "disk_full")
    assert "recommender.db cannot be written" in str(world.half.check())
    monkeypatch.undo()
    assert world.order("burger", event_id="e2").status_code == 201


@needs_files
def test_a_database_of_the_older_format_keeps_its_events(tmp_path: Path) -> None:
    """The file is of version 0.2.0."""
    shutil.copy(FIXTURES / "recommender-0.2.0.db", tmp_path / "recommender.db")
    database = open_database(State(tmp_path))
    [row, _] = list(EventStore(database, b"k" * 32).export("mill"))

    assert (row["event_id"], row["item"], row["quantity"], row["price"]) == ("e1", "tea", 2, 250)
    database.close()


@needs_files
def test_a_writer_does_not_hold_up_readers(world: World) -> None:
    """While another process writes, a recognised customer's history is read as ever."""
    token = world.token()
    world.order("salad", token=token)
    other = sqlite3.connect(world.home / "recommender.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE events SET region = 'x'")
    assert world.suggest(token=token).json["items"][0]["reason"]["code"] == "usual"
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("harm", ["corrupt", "emptied", "scene cannot read it"])
def test_a_broken_model_gives_way_to_the_one_before(world: World, harm: str) -> None:
    """The newest version is spoilt: the one before answers, and the desk sees which was skipped."""
    first = trained(world, "cola", "cola")
    second = trained(world, "burger", "burger", "burger")
    assert second != first
    folder = world.half.trainer.shelf("grill", "orders").folder / second
    if harm == "corrupt":
        (folder / "arrays.npz").write_bytes(b"PK not a zip")
    elif harm == "emptied":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        shutil.rmtree(folder)
    world.half.trainer.shelf("grill", "orders").point_at(second)
    reply = world.suggest()
    assert (reply.status_code, reply.json["model_version"]) == (200, first)
    scene = world.call("GET", "/models", key="desk").json["scenes"][0]
    assert scene["version"] == first
    assert scene["skipped"] == ([] if harm == "scene cannot read it" else [second])


def test_an_empty_model_folder_gives_what_is_popular(world: World) -> None:
    """All versions gone: popular items, no error, also when the folder itself is gone or a file."""
    world.crowd("cola")
    trained(world, "cola", "cola")
    folder = world.half.trainer.shelf("grill", "orders").folder
    for harm in ("emptied", "gone", "a file"):
        shutil.rmtree(folder, ignore_errors=True)
        if harm == "emptied":
            folder.mkdir()
        elif harm == "a file":
            folder.write_text("not a folder")
        reply = world.suggest()
        assert (reply.status_code, reply.json["model_version"]) == (200, None), harm
        assert reply.json["items"][0]["item_id"] == "cola"


def test_a_version_published_elsewhere_is_served_at_once(world: World, installation: Installation) -> None:
    """Training and going back in one process change the next answer of another."""
    other = installation.open(world.home)
    assert other.suggest().json["model_version"] is None
    first = trained(world, "cola", "cola")
    assert other.suggest().json["model_version"] == first
    second = trained(world, "burger", "burger", "burger")
    assert other.suggest().json["model_version"] == second
    back = world.call("POST", "/models/orders/rollback", key="desk", json={})
    assert (back.json["version"], back.json["pinned"]["version"]) == (first, first)
    assert other.suggest().json["model_version"] == first
    other.close()


def test_a_menu_changed_elsewhere_is_served_at_once(world: World, installation: Installation) -> None:
    """Sold out in one process is sold out in the other, and a new price is everybody's price."""
    other = installation.open(world.home)
    assert "salad" in [item["item_id"] for item in other.suggest().json["items"]]
    salad = {"item_id": "salad", "name": "Salad", "price": 790, "available": False}
    cola = {"item_id": "cola", "name": "Cola", "price": 310}
    world.call("POST", "/items", key="desk", json={"rows": [salad, cola]})
    for token in (None, other.token()):
        prices = {item["item_id"]: item["price"] for item in other.suggest(token=token).json["items"]}
        assert prices == {"burger": 950, "cola": 310}
    other.close()


@pytest.mark.sqlite
def test_an_erasure_is_not_confirmed_while_somebody_reads_what_was_deleted(world: World) -> None:
    """A training or a long report keeps the deleted bytes in the journal: the erasure is handed over again."""
    world.order("salad", token=world.token())
    reader = sqlite3.connect(world.home / "recommender.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM events").fetchall()
    token = world.token(purposes=["erasure"], device="")

    with closing(reader), pytest.raises(DatabaseBusy):
        world.half.erase(token)

    assert world.suggest(token=world.token()).json["code"] == "erased"
    world.half.erase(token)
    assert (world.home / "recommender.db-wal").stat().st_size == 0


def test_an_erasure_is_in_force_in_every_process(world: World, installation: Installation) -> None:
    """Handed over inside the house in one process, the other refuses the same second; nothing popular is stale."""
    other = installation.open(world.home)
    token = world.token()
    world.crowd("salad", n=9)
    world.order("salad", token=token)
    assert other.suggest(token=token).json["items"][0]["item_id"] == "salad"
    assert other.suggest().json["items"][0]["item_id"] == "salad"
    world.half.erase(world.token(purposes=["erasure"], device=""))
    assert other.suggest(token=token).json["code"] == "erased"
    assert other.order("salad", token=token, event_id="late").json["code"] == "erased"
    assert other.suggest().json["items"][0]["item_id"] == "burger"
    other.close()


def test_a_model_holds_no_pseudonym(world: World) -> None:
    """The files of a model have no pseudonym, so an erasure need not change them."""
    for number in range(3):
        world.order("cola", token=world.token("pseudonym-of-ann"), event_id=f"e{number}")
    trained(world, "burger", "burger")
    for path in (world.home / "models").rglob("*.*"):
        assert b"pseudonym-of-ann" not in path.read_bytes()


def test_what_is_popular_is_a_minute_old_at_most(world: World) -> None:
    """Others' orders show after a minute; a recognised customer's own show at once."""
    world.suggest()
    world.crowd("salad")
    assert world.suggest().json["items"][0]["item_id"] == "burger"
    world.time_us += MINUTE
    assert world.suggest().json["items"][0]["item_id"] == "salad"


def test_a_guests_order_is_nobodys_history(world: World) -> None:
    """Without a token an event counts in what is popular, and in no history."""
    world.order("salad")
    rows = world.half.service.database.rows("SELECT customer FROM events")
    assert [row["customer"] for row in rows] == [""]
    assert world.suggest(token=world.token("")).json["code"] == "token_altered"


def test_customers_of_two_tenants_share_nothing(world: World) -> None:
    """The same pseudonym at another tenant has no history there."""
    world.order("salad", token=world.token())
    query = SuggestRequest("other", "kiosk-1", "orders", world.token(tenant="other"), Context(), 5)
    assert world.half.service.suggest(query).items == ()


def test_offers_learn_from_purchases_only_with_consent(world: World) -> None:
    """An order with a token for `orders` alone leaves no trace where offers learn."""
    world.order("cola", token=world.token(purposes=["orders"]))
    assert world.count("offer_purchases") == 0
    body = [{"item_id": "cola", "quantity": 2}, {"item_id": "burger", "price": 900}]
    world.order(token=world.token(), event_id="e2", items=body)
    rows = world.half.service.database.rows("SELECT amount FROM offer_purchases")
    assert [row["amount"] for row in rows] == [2 * 300 + 900]


def test_warming_up_reads_models_before_the_first_customer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request for each tenant with a catalogue and each scene; offers log theirs and are only loaded."""
    requested: list[str] = []

    def watched(name: str, suggest: Callable[[Any, Request], Answer]) -> Callable[[Any, Request], Answer]:
        def watch(model: Any, request: Request) -> Answer:
            requested.append(name)
            return suggest(model, request)

        return watch

    for name, scene in world.half.service.scenes.items():
        monkeypatch.setattr(scene, "suggest", watched(name, scene.suggest))
    world.half.service.warm()
    assert requested == ["orders", "destinations"]
    assert world.count("offer_decisions") == 0


def test_metrics_name_nobody(world: World) -> None:
    """Counters move, and no label holds a tenant, a device, a customer or an item."""
    world.suggest(token=world.token())
    world.order("cola", token=world.token())
    labels = {
        value
        for metric in world.registry.collect()
        for sample in metric.samples
        for name, value in sample.labels.items()
        if name != "le"
    }
    assert labels <= {"orders", "destinations", "offers", "no_model", "no_history", "no_token", ""}
    assert world.registry.get_sample_value("usual_events_total") == 1


def test_the_service_answers_what_its_description_says(world: World) -> None:
    """The generated description holds every route of this half and each field of a suggestion."""
    paths = world.app.api_doc["paths"]
    assert len([path for path in paths if path.startswith("/recommender/v1/")]) > 27
    schema: Any = world.app.api_doc["components"]["schemas"]["SuggestionsReply"]
    assert set(schema["properties"]) == set(world.suggest().json)
    assert json.loads(json.dumps(world.app.api_doc))


@pytest.mark.parametrize("back", [9 * MINUTE, 200 * MINUTE, 100 * DAY])
def test_a_token_that_has_expired_stays_closed_when_the_clock_goes_back(world: World, back: int) -> None:
    """Suggestions and orders alike; a token that is minted afterwards opens."""
    token = world.token()
    assert world.suggest(token=token).status_code == 200
    world.time_us += max(back, 11 * MINUTE)
    assert world.suggest(token=token).status_code == 401
    world.time_us -= back - MINUTE

    assert world.suggest(token=token).json["code"] == "token_expired"
    assert world.order("cola", token=token).json["code"] == "token_expired"
    assert world.suggest(token=world.token(issued_us=world.half.now_us())).status_code == 200
