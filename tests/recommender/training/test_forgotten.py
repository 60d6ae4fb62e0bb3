"""Who opts out is in no version any more, at once; and in a version trained afterwards they never were."""

from __future__ import annotations

import errno
import itertools
import json
import tarfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.clock import DAY, HOUR, MINUTE
from plumbing.storage.files import write_atomic
from recommender.orders.fit import FitSettings
from recommender.orders.signals.neighbours import ROWS
from recommender.ranking.rows import count, in_model
from recommender.scene import AnyScene, Event, OrderLine
from recommender.scenes.destinations import DestinationsScene
from recommender.scenes.offers import OffersScene
from recommender.scenes.orders import OrdersScene
from recommender.store.offers import OfferStore
from recommender.store.versions import VersionStore
from tests.engines import needs_files
from tests.recommender.service_fixtures import NOON, Installation, World

PEOPLE = [f"person-{number:02d}" for number in range(14)]
ONE = PEOPLE[3]
OLDER = Path(__file__).parents[2] / "fixtures" / "models-orders-0.2.0.tar.gz"
DISHES = ("burger", "cola", "salad")


def real(log: OfferStore) -> Mapping[str, AnyScene]:
    """The real scenes, with few trees."""
    made = (OrdersScene(FitSettings(trees=5, rounds=1, copies=1)), DestinationsScene(), OffersScene(log))
    return {scene.name: scene for scene in made}


def days(person: int, number: int) -> int:
    """Microseconds UTC: person's visit of this number, some days ago."""
    return NOON - (30 - 3 * number) * DAY + person * MINUTE


def fill(world: World, people: list[str]) -> None:
    """Six orders, six rides and four decisions about offers with purchases, of each of the people."""
    events = []
    for who in people:
        person = PEOPLE.index(who)
        for number in range(6):
            at = days(person, number)
            some = tuple(OrderLine(dish) for dish in DISHES if (person + number + DISHES.index(dish)) % 3)
            hour, weekday = 12.0, number % 7
            events.append(Event(f"o{person}-{number}", "ordered", "orders", who, at, hour, weekday, some))
            there, start = ("home", "work") if (person + number) % 2 else ("work", "home")
            place = (OrderLine(there),)
            ride = Event(
                f"r{person}-{number}",
                "rode",
                "destinations",
                who,
                at + HOUR,
                13.0,
                weekday,
                place,
                origin=start,
            )
            events.append(ride)
    world.half.service.events.record("grill", events, NOON)
    decided(world, people)


def decided(world: World, people: list[str]) -> None:
    """A decision each on four days, long enough ago to be closed, without the words of the wire."""
    for who in people:
        for number in range(4):
            at = days(PEOPLE.index(who), number) - 10 * DAY
            world.half.service.database.change(
                "INSERT INTO offer_decisions"
                " VALUES (?, ?, ?, ?, 'policy', ?, ?, '{}', ?, ?, 1, 'none', 'x', ?, ?)",
                (
                    *("grill", f"{who}-{number}", at, who, "lunch" if number % 2 else "none"),
                    *('{"lunch": 0.5, "none": 0.5}', context(), schema(), at + DAY, at + DAY),
                ),
            )
            world.half.service.stores.offers.add_purchases("grill", [(f"p-{who}-{number}", who, at + HOUR, 700)])


def context() -> str:
    from recommender.offers.decision import FEATURES

    return json.dumps(dict.fromkeys(FEATURES, 1.0))


def schema() -> int:
    from recommender.offers.decision import SCHEMA_VERSION

    return SCHEMA_VERSION


def train(world: World, scene: str) -> str:
    """Train and publish; returns the version."""
    outcome = world.half.trainer.train(
        "grill", scene, seed=0, progress=lambda what, share: None, accept_changed_data=False
    )
    assert outcome.state in ("published", "unchanged"), outcome.why
    return outcome.version


def forget(world: World, who: str = ONE) -> None:
    world.half.erase(world.token(who, purposes=["erasure"]))


def shelf(world: World, scene: str = "orders") -> VersionStore:
    return VersionStore(world.home / "models", "grill", scene)


def profile(arrays: Mapping[str, Any]) -> set[bytes]:
    """What each customer's row is, in each table: bytes that can be looked for."""
    found = set()
    for name in ("neighbours.steep", "neighbours.last"):
        data, start = arrays[f"{name}.data"], arrays[f"{name}.indptr"]
        index = arrays[f"{name}.indices"]
        found |= {name.encode() + data[a:b].tobytes() + index[a:b].tobytes() for a, b in itertools.pairwise(start)}
    return found


@pytest.fixture
def kitchen(installation: Installation, tmp_path: Path) -> Iterator[World]:
    """Fourteen people, the real scenes, at least five people behind what others see."""
    made = installation.open(tmp_path / "state", real, least_people=5)
    fill(made, PEOPLE)
    yield made
    made.close()


def served_rows(world: World) -> int:
    """How many customers' rows the model in memory has."""
    loaded = world.half.service.caches.model("grill", "orders").model
    assert loaded is not None
    return len(loaded.model.crowd.neighbours.square)


def n_rows_of(shelf: VersionStore, name: str) -> int:
    arrays = shelf.load(name).arrays
    return count(arrays, in_model(arrays, ROWS))


def n_rows(world: World, name: str) -> int:
    return n_rows_of(shelf(world), name)


def test_every_version_loses_the_row_at_once(kitchen: World) -> None:
    """The served one and the older ones; names stay, and each can still be read and rolled back to."""
    first = train(kitchen, "orders")
    kitchen.half.service.events.record(
        "grill", [Event("late", "ordered", "orders", ONE, NOON, 12.0, 0, (OrderLine("cola"),))], NOON
    )
    second = train(kitchen, "orders")
    assert [held.version for held in kitchen.half.service.stores.rows.holds("grill", ONE)] == [first, second]
    assert n_rows(kitchen, first) == n_rows(kitchen, second) == 14
    forget(kitchen)
    assert n_rows(kitchen, first) == n_rows(kitchen, second) == 13
    assert kitchen.half.service.stores.rows.holds("grill", ONE) == []
    assert len(kitchen.half.service.stores.rows.holds("grill", PEOPLE[0])) == 2
    assert shelf(kitchen).roll_back() == first
    assert n_rows(kitchen, first) == 13


def test_the_row_that_goes_is_theirs(kitchen: World, installation: Installation, tmp_path: Path) -> None:
    """What is left are the rows of a version of the others alone."""
    name = train(kitchen, "orders")
    before = profile(shelf(kitchen).load(name).arrays)
    forget(kitchen)
    after = profile(shelf(kitchen).load(name).arrays)
    assert after <= before
    train(kitchen, "orders")
    current = shelf(kitchen).current()
    assert current is not None
    assert profile(shelf(kitchen).load(current).arrays) == after


def test_the_served_model_loses_it_in_every_process(kitchen: World, installation: Installation) -> None:
    """Also in a process that had loaded the version long before; it is not read from disk again for others."""
    train(kitchen, "orders")
    other = installation.open(kitchen.home, real, least_people=5)
    assert (served_rows(kitchen), served_rows(other)) == (14, 14)
    forget(kitchen)
    assert (served_rows(kitchen), served_rows(other)) == (13, 13)
    after = other.half.service.caches.model("grill", "orders").model
    forget(kitchen, "somebody-without-orders")
    assert other.half.service.caches.model("grill", "orders").model is after
    other.close()


def test_no_earlier_byte_is_left_in_the_file_that_was_replaced(kitchen: World) -> None:
    """Whoever held the old file open finds zeros in it."""
    name = train(kitchen, "orders")
    path = shelf(kitchen).folder / name / "arrays.npz"
    with path.open("rb") as old:
        before = old.read()
        forget(kitchen)
        old.seek(0)
        assert set(old.read()) <= {0}
    assert path.read_bytes() != before


@pytest.mark.parametrize("scene", ["orders", "destinations", "offers"])
def test_retrained_afterwards_they_never_were(
    kitchen: World, installation: Installation, tmp_path: Path, scene: str
) -> None:
    """Byte for byte, in all three scenes: the files of a house that never knew them."""
    train(kitchen, scene)
    forget(kitchen)
    name = train(kitchen, scene)
    other = installation.open(tmp_path / "elsewhere", real, least_people=5)
    fill(other, [who for who in PEOPLE if who != ONE])
    never = train(other, scene)
    assert name.split("-")[1] == never.split("-")[1]
    ours, theirs = shelf(kitchen, scene).folder / name, shelf(other, scene).folder / never
    for file in ("arrays.npz", "texts.json"):
        assert (ours / file).read_bytes() == (theirs / file).read_bytes()
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (ours, theirs)]
    assert [one.pop("parent") for one in manifests] != [0, 0]
    assert manifests[0] == manifests[1]
    other.close()


def test_what_is_owed_closes_with_the_next_version(kitchen: World) -> None:
    """Every scene that learned from them owes a version; a training that read before does not pay it."""
    rows = kitchen.half.service.stores.rows
    for scene in ("orders", "destinations", "offers"):
        train(kitchen, scene)
    assert rows.pending("grill") == []
    forget(kitchen)
    numbers = rows.numbers("grill")
    assert sorted(rows.pending("grill")) == ["destinations", "offers", "orders"]
    assert set(rows.trained_without("grill", numbers).values()) == {None}
    name = train(kitchen, "orders")
    assert sorted(rows.pending("grill")) == ["destinations", "offers"]
    assert rows.trained_without("grill", numbers)["orders"] == name


def test_an_opt_out_during_a_training_is_in_no_candidate(kitchen: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go between the reading of the log and the publication: the row is gone, and a training is still
    owed."""
    scene = kitchen.half.trainer.scenes["orders"]
    fitted = scene.train

    def late(*given: Any, **named: Any) -> Any:
        trained = fitted(*given, **named)
        forget(kitchen)
        return trained

    monkeypatch.setattr(scene, "train", late)
    name = train(kitchen, "orders")
    assert n_rows(kitchen, name) == 13
    assert kitchen.half.service.stores.rows.holds("grill", ONE) == []
    assert "orders" in kitchen.half.service.stores.rows.pending("grill")


def test_a_disk_that_cannot_be_written_delays_the_file_and_not_the_forgetting(
    kitchen: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is not served from the first request on, and the file loses it at the next try."""
    name = train(kitchen, "orders")

    def refused(*given: Any, **named: Any) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(VersionStore, "rewrite", refused)
        forget(kitchen)
        assert n_rows(kitchen, name) == 14
        assert served_rows(kitchen) == 13
    kitchen.half.retraining.look()
    assert n_rows(kitchen, name) == 13


def test_a_kill_at_any_step_leaves_a_version_that_can_be_read(
    kitchen: World, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the old rows or the new; the next start finishes what is missing and removes what was left over."""
    name = train(kitchen, "orders")
    steps = list[Path]()

    for stop in range(3):
        who = PEOPLE[stop]

        def killed(path: Path, content: bytes, stop: int = stop) -> None:
            if len(steps) == stop:
                (path.parent / ".arrays.npz.0123.draft").write_bytes(b"left over")
                raise KeyboardInterrupt
            steps.append(path)
            write_atomic(path, content)

        steps.clear()
        monkeypatch.setattr("recommender.store.shelves.folder.write_atomic", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(kitchen, who)
        monkeypatch.setattr("recommender.store.shelves.folder.write_atomic", write_atomic)
        assert n_rows(kitchen, name) in (14 - stop, 13 - stop)
        again = installation.open(kitchen.home, real, least_people=5)
        assert n_rows(kitchen, name) == 13 - stop
        assert again.half.service.stores.rows.holds("grill", who) == []
        assert not list(shelf(kitchen).folder.rglob(".*"))
        again.close()


def test_a_version_that_is_put_back_is_served_without_rows_and_rewritten_at_the_next_start(
    kitchen: World, installation: Installation
) -> None:
    """From a backup of yesterday: nobody can say whose its rows are, so that all of them go."""
    name = train(kitchen, "orders")
    files = {path: path.read_bytes() for path in (shelf(kitchen).folder / name).iterdir()}
    forget(kitchen)
    for path, content in files.items():
        path.write_bytes(content)
    shelf(kitchen).point_at(name)
    assert served_rows(kitchen) == 0
    again = installation.open(kitchen.home, real, least_people=5)
    assert n_rows(kitchen, name) == 0
    again.close()


def test_a_version_of_an_older_release_loses_all_rows_when_somebody_goes(kitchen: World) -> None:
    """It does not say whose its rows are. Until somebody goes it is served as it was."""
    with tarfile.open(OLDER) as packed:
        packed.extractall(kitchen.home, filter="data")
    name = shelf(kitchen).current()
    assert name is not None
    assert served_rows(kitchen) == 14
    assert [held.version for held in kitchen.half.service.stores.rows.holds("grill", ONE)] == [name]
    forget(kitchen)
    assert n_rows(kitchen, name) == 0
    assert kitchen.half.service.stores.rows.holds("grill", ONE) == []
    assert kitchen.suggest(token=kitchen.token(PEOPLE[0])).json["model_version"] == name
    assert kitchen.half.service.stores.rows.pending("grill") == ["orders"]


def test_on_a_full_disk_the_old_rows_are_written_over_in_place(
    kitchen: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room for a second file; the version is whole afterwards, and shorter."""
    name = train(kitchen, "orders")
    size = (shelf(kitchen).folder / name / "arrays.npz").stat().st_size

    def full(path: Path, content: bytes) -> None:
        if path.name == "arrays.npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_atomic(path, content)

    monkeypatch.setattr("recommender.store.shelves.folder.write_atomic", full)
    forget(kitchen)
    assert n_rows(kitchen, name) == 13
    assert (shelf(kitchen).folder / name / "arrays.npz").stat().st_size < size


@needs_files
def test_a_restored_database_forgets_the_rows_again(kitchen: World, installation: Installation) -> None:
    """Yesterday's database with today's tombstones: who left is erased again, and in no model."""
    train(kitchen, "orders")
    kitchen.half.service.database.scrub()
    before = (kitchen.home / "recommender.db").read_bytes()
    forget(kitchen)
    train(kitchen, "orders")
    kitchen.close()
    for path in kitchen.home.glob("recommender.db*"):
        path.unlink()
    (kitchen.home / "recommender.db").write_bytes(before)
    again = installation.open(kitchen.home, real, least_people=5)
    assert again.half.service.stores.rows.holds("grill", ONE) == []
    assert "orders" in again.half.service.stores.rows.pending("grill")
    assert served_rows(again) < 14
    again.close()
    kitchen.half = installation.open(kitchen.home, real, least_people=5).half


def test_rows_stand_in_no_order_and_nothing_names_anybody(kitchen: World) -> None:
    """Not sorted by pseudonym; no pseudonym in any file; and without the key a tag leads to nobody."""
    for scene in ("orders", "destinations", "offers"):
        train(kitchen, scene)
    labels = kitchen.half.service.stores.rows.store.labels("grill", "orders", shelf(kitchen).current() or "")
    assert labels is not None
    store = kitchen.half.service.stores.rows.store
    hashes = [store.tombstone("grill", who) for who in PEOPLE]
    in_order = store.tags("orders", shelf(kitchen).current() or "", hashes)
    assert sorted(in_order) == sorted(labels.tags)
    assert list(labels.tags) != in_order
    for path in (kitchen.home / "models").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(who.encode() in content or who.encode("utf-32-le") in content for who in PEOPLE), path


def test_no_array_but_the_declared_ones_has_a_row_for_each_customer(kitchen: World) -> None:
    """Fourteen people, and no other array in any scene has fourteen of anything."""
    for scene in ("orders", "destinations", "offers"):
        version = shelf(kitchen, scene).load(train(kitchen, scene))
        for name, array in version.arrays.items():
            if name in ROWS or name.rpartition(".")[0] in ROWS:
                continue
            assert 14 not in np.shape(array), (scene, name)


def test_retraining_begins_by_itself_and_not_more_often_than_once_an_hour(kitchen: World) -> None:
    """Whoever opts out within the hour shares the next one."""
    for scene in ("orders", "destinations"):
        train(kitchen, scene)
    retraining = kitchen.half.retraining
    assert retraining.request("grill") == []
    forget(kitchen)
    assert sorted(retraining.request("grill")) == ["destinations", "orders"]
    assert retraining.request("grill") == []
    kitchen.run_trainings()
    assert kitchen.half.service.stores.rows.pending("grill") == []
    forget(kitchen, PEOPLE[5])
    retraining.look()
    assert kitchen.launched == []
    kitchen.time_us += HOUR
    retraining.look()
    assert sorted(scene for _, scene, _ in kitchen.launched) == ["destinations", "orders"]


def test_where_nobody_is_left_to_learn_from_the_versions_are_withdrawn(
    installation: Installation, tmp_path: Path
) -> None:
    """A training without them is not possible: what had learned from them is no longer served."""
    world = installation.open(tmp_path / "state", real, least_people=5)
    fill(world, [ONE])
    name = train(world, "orders")
    assert world.suggest().json["model_version"] == name
    forget(world)
    assert world.half.retraining.request("grill", ["orders"]) == ["orders"]
    world.run_trainings()
    assert shelf(world).names() == []
    assert world.half.service.stores.rows.pending("grill") == []
    reply = world.suggest().json
    assert (reply["model_version"], reply["fallback"]) == (None, "no_token")
    world.close()


def test_a_log_that_shrank_by_forgetting_alone_is_no_reason_to_refuse(kitchen: World) -> None:
    """Most of the people leave: the next version is published without anybody's permission."""
    train(kitchen, "orders")
    for who in PEOPLE[:10]:
        forget(kitchen, who)
    train(kitchen, "orders")


def test_many_who_leave_at_once_do_not_get_in_each_others_way(kitchen: World) -> None:
    """Six threads, two versions: all six rows are gone from both, and the others are there."""
    names = [train(kitchen, "orders")]
    kitchen.half.service.events.record(
        "grill", [Event("late", "ordered", "orders", PEOPLE[0], NOON, 12.0, 0, (OrderLine("cola"),))], NOON
    )
    names.append(train(kitchen, "orders"))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda who: forget(kitchen, who), PEOPLE[1:7]))
    kitchen.half.retraining.look()
    assert [n_rows(kitchen, name) for name in names] == [8, 8]
    held = kitchen.half.service.stores.rows.holds
    assert [len(held("grill", who)) for who in PEOPLE] == [2] + 6 * [0] + 7 * [2]


def test_a_row_can_go_without_an_event(kitchen: World) -> None:
    """For a purpose that is withdrawn: the events are another matter, the model lets go at once."""
    name = train(kitchen, "orders")
    kitchen.half.service.forget_rows("grill", ONE)
    assert n_rows(kitchen, name) == 13
    assert kitchen.half.pending("grill") == ["orders"]
    assert kitchen.half.request_retraining("grill") == ["orders"]
