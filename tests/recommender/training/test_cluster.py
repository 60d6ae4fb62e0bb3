"""Training in parts: the same bytes as at once, and nothing left of the parts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from distributed import Status

from plumbing.clock import system_clock
from plumbing.init_cli import begin
from recommender.assembly import RecommenderStores, open_stores, trainer_of
from recommender.cli.commands import train
from recommender.config import RecommenderConfig
from recommender.errors import ClusterError, PartUnreadable
from recommender.orders.fit import FitSettings
from recommender.ranking.interactions import Interactions
from recommender.scene import AnyScene, Event, Item, OrderLine, Progress
from recommender.scenes.destinations import DestinationsScene
from recommender.scenes.orders import OrdersScene
from recommender.scenes.registry import SCENE_NAMES
from recommender.store.parts_folder import parts_folder
from recommender.store.version_places import open_place
from recommender.store.version_rows import VersionRows
from recommender.store.versions import VersionStore
from recommender.training.cluster import export as exporting
from recommender.training.cluster import mapper, parquet, same, session
from recommender.training.cluster.session import Where
from tests.conftest import ROOT

DAY_US = 86_400_000_000
QUICK = FitSettings(trees=8, copies=1, max_questions=40, rounds=2)
SINGLE, THREADS = Where("single"), Where("local:2", processes=False)


def orders(customers: int = 45, visits: int = 5, *, guests: int = 80, seed: int = 0) -> Iterator[Event]:
    """Orders with all that is awkward: guests of several devices, dishes twice, no site, two at one time."""
    rng = np.random.default_rng(seed)
    for number in range(customers * visits + guests):
        guest = number >= customers * visits
        who = "" if guest else f"p{number // visits * 7919 % 10_007:05d}é"
        usual = f"dish{number // visits % 9}"
        lines = [
            OrderLine(usual if rng.random() < 0.7 else f"dish{rng.integers(14)}")
            for _ in range(rng.integers(1, 4))
        ]
        day = int(rng.integers(30)) if guest else number % visits * 2
        yield Event(
            event_id=f"e{number}",
            type="ordered",
            scene="orders",
            customer=who,
            time_us=(20_000 + day) * DAY_US + int(rng.integers(8, 20)) * 3_600_000_000,
            hour=float(rng.integers(8, 20)),
            weekday=day % 7,
            lines=tuple(lines),
            site=str(rng.choice(["", "north", "south"])),
            region=str(rng.choice(["", "east"])),
            sender=f"kiosk{number % 3}",
        )


def rides(riders: int = 12, each: int = 40, guests: int = 60) -> Iterator[Event]:
    """Rides between a few places, some of them raw positions, and of guests."""
    rng = np.random.default_rng(5)
    for number in range(riders * each + guests):
        guest = number >= riders * each
        ends = [f"stop{k}" for k in rng.integers(0, 7, 2)]
        if rng.random() < 0.2:
            ends[1] = f"geo:{52.5 + rng.integers(3) / 1000:.4f},{13.4 + rng.integers(3) / 1000:.4f}"
        hour = int(rng.integers(24))
        day = int(rng.integers(40)) if guest else number % each
        yield Event(
            event_id=f"r{number}",
            type="rode",
            scene="destinations",
            customer="" if guest else f"r{number // each * 7919 % 10_007:05d}",
            time_us=(20_000 + day) * DAY_US + hour * 3_600_000_000,
            hour=float(hour),
            weekday=day % 7,
            lines=(OrderLine(ends[1]),),
            origin=ends[0],
            sender=f"taxi{number % 4}",
        )


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderStores]:
    """Orders and rides of one tenant; no test changes them."""
    opened = opened_with(tmp_path_factory.mktemp("cluster"), [*orders(), *rides()])
    yield opened
    opened.database.close()


@pytest.fixture(scope="module")
def at_once(stores: RecommenderStores, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of the version of each scene, trained in one memory."""
    home = tmp_path_factory.mktemp("at_once")
    return {scene: trained(stores, home, None, scene=scene) for scene in ("orders", "destinations")}


def opened_with(home: Path, events: list[Event]) -> RecommenderStores:
    stores = open_stores(config(home))
    stores.events.record("grill", events, 1_730_000_000_000_000)
    dishes = [Item(f"dish{k}", f"Dish {k}", f"kind{k % 3}", 500 + 50 * k) for k in range(14) if k != 3]
    stores.catalogue.put("grill", "item", [*dishes, Item("new", "Never ordered", "kind1", 900)])
    stops = [Item(f"stop{k}", f"Stop {k}", lat=52.5 + k / 200, lon=13.4 + k / 150) for k in range(8)]
    stores.catalogue.put("grill", "place", stops)
    return stores


def quiet(what: str, share: float) -> None:
    """Nobody looks at the progress."""


def config(home: Path) -> RecommenderConfig:
    return RecommenderConfig(home=home, token_keys=[])


def trained(
    stores: RecommenderStores,
    home: Path,
    where: Where | None,
    *,
    scene: str = "orders",
    progress: Progress = quiet,
) -> dict[str, bytes]:
    """The files of the version that a training publishes in an otherwise empty folder of models."""
    scenes: dict[str, AnyScene] = {"orders": OrdersScene(QUICK), "destinations": DestinationsScene()}
    rows = VersionRows(open_place(home, None), home, stores.rows.store, SCENE_NAMES)
    trainer = trainer_of(replace(stores, rows=rows), config(home), system_clock, scenes, where)
    outcome = trainer.train("grill", scene, seed=3, progress=progress)
    assert outcome.state == "published", outcome.why
    folder = trainer.shelf("grill", scene).folder / outcome.version
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few events in each part, so that there are many."""
    monkeypatch.setattr(exporting, "EVENTS", 60)


@pytest.mark.parametrize(("scene", "where"), [("orders", SINGLE), ("orders", THREADS), ("destinations", THREADS)])
@pytest.mark.usefixtures("small_parts")
def test_a_training_in_parts_gives_the_same_bytes(
    stores: RecommenderStores, at_once: dict[str, dict[str, bytes]], tmp_path: Path, scene: str, where: Where
) -> None:
    """Every file of the version, the manifest with the hash of the log included; of the parts nothing stays."""
    said: list[tuple[str, float]] = []
    made = trained(stores, tmp_path, where, scene=scene, progress=lambda *one: said.append(one))
    assert made == at_once[scene]
    assert list((tmp_path / ".training").iterdir()) == []
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert "writing the log in parts" in {what for what, _ in said}


def test_one_part_is_enough(
    stores: RecommenderStores, at_once: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    """The number of parts makes no difference, not even one."""
    assert trained(stores, tmp_path, SINGLE) == at_once["orders"]


@pytest.mark.usefixtures("small_parts")
def test_workers_that_do_not_see_the_folder_get_the_parts_with_their_work(
    stores: RecommenderStores,
    at_once: dict[str, dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their bytes, as they are on the disk; the version is the same."""
    monkeypatch.setattr(session, "all_read", lambda client, folder: False)
    opened: list[object] = []
    read = parquet.Sealed.carried

    def carried(self: parquet.Sealed) -> parquet.Sealed:
        opened.append(read(self).source)
        return read(self)

    monkeypatch.setattr(parquet.Sealed, "carried", carried)
    assert trained(stores, tmp_path, THREADS) == at_once["orders"]
    assert {type(source) for source in opened} == {bytes}


def test_a_part_that_was_altered_is_refused(tmp_path: Path) -> None:
    """Without the key it cannot be read, and no name is in it."""
    rows = Interactions.from_columns({"customer": ["ann"], "item": ["tea"], "time_us": [5]})
    exporter = exporting.Exporter(tmp_path, b"k" * 32)
    exporter.add_customers(rows)
    part = exporter.done().customers[0]
    assert part.names().tolist() == ["ann"]
    other = replace(part, file=replace(part.file, key=b"x" * 32))
    with pytest.raises(PartUnreadable):
        other.names()
    raw = bytearray(part.file.carried().source)  # type: ignore[arg-type]  # bytes, because it is carried
    assert b"ann" not in raw
    raw[len(raw) // 2] ^= 1
    with pytest.raises(PartUnreadable):
        replace(part, file=replace(part.file, source=bytes(raw))).names()


def test_a_part_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says which it is."""
    monkeypatch.setattr(parquet, "FORMAT", 2)
    exporter = exporting.Exporter(tmp_path, b"k" * 32)
    exporter.add_customers(Interactions.from_columns({"customer": ["ann"], "item": ["tea"], "time_us": [5]}))
    part = exporter.done().customers[0]
    monkeypatch.setattr(parquet, "FORMAT", 1)
    with pytest.raises(PartUnreadable, match="another format than 1"):
        part.names()


def test_who_is_erased_in_the_middle_is_in_no_version(tmp_path: Path, small_parts: None) -> None:
    """The log was in parts already: the row goes before anybody sees the version, as in one process."""
    stores = opened_with(tmp_path, list(orders()))
    gone = next(name for _, name in stores.events.customers())
    erased: list[int] = []

    def erase(what: str, share: float) -> None:
        if what == "choosing on the last order" and not erased:
            erased.append(stores.events.erase("grill", gone, 1_740_000_000_000_000))
            raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*.parquet"))
            assert len(raw) > 1000
            assert gone.encode() not in raw

    trained(stores, tmp_path, SINGLE, progress=erase)
    version = VersionStore(tmp_path / "models", "grill", "orders")
    arrays = version.load(str(version.current())).arrays
    labels = stores.rows.store.labels("grill", "orders", str(version.current()))
    assert erased
    assert labels is not None
    assert len(arrays["neighbours.length"]) == len(labels.tags) == 44
    stores.database.close()


def test_what_a_killed_training_left_goes_at_the_next_start(tmp_path: Path) -> None:
    """In the home and in the shared folder; the folder of a training that runs is left alone."""
    places = {"a1": tmp_path / ".training" / "a1", "b2": tmp_path / "shared" / "usual-training-b2"}
    for name, folder in places.items():
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"rows")
        (tmp_path / ".training" / f"{name}.lock").write_text(str(folder))
    (tmp_path / "mine").mkdir()
    (tmp_path / ".training" / "c3.lock").write_text(str(tmp_path / "mine"))
    with parts_folder(tmp_path) as running:
        open_stores(config(tmp_path)).database.close()
        assert list(tmp_path.rglob("part")) == []
        assert running.is_dir()
        assert (tmp_path / "mine").is_dir()
    assert list((tmp_path / ".training").iterdir()) == list((tmp_path / "shared").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"product": "0.1.9"}, r"The worker tcp://10\.0\.0\.7:4000 has usual 0\.1\.9, and this machine usual "),
        ({"code": "0" * 64}, r"has other code of usual .*00000000, and this machine "),
        ({"packages": ("numpy 1.0", *same.makeup().packages[1:])}, r"has numpy 1\.0, and this machine numpy 2"),
        ({"arithmetic": "x"}, r"has a processor that rounds otherwise"),
    ],
)
def test_a_worker_that_calculates_otherwise_is_refused(changed: dict[str, Any], says: str) -> None:
    """One sentence names the worker and both versions. Who comes in the middle is compared with each piece."""
    theirs = replace(same.makeup(), **changed)
    client = SimpleNamespace(run=lambda work, **rest: {"tcp://10.0.0.7:4000": theirs})
    with pytest.raises(ClusterError, match=says):
        session.compare(client)
    with pytest.raises(mapper.WorkerDiffers, match="Install the same on both"):
        mapper.timed(theirs, len, ())
    client.run = lambda work, **rest: {"tcp://10.0.0.7:4000": ModuleNotFoundError("recommender")}
    with pytest.raises(ClusterError, match=r"has no usual that can do this work"):
        session.compare(client)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tcp://127.0.0.1:9", "No scheduler answers at tcp://127.0.0.1:9"),
        ("somewhere", "A cluster is single, local, local:2 or tcp://host:8786, not 'somewhere'."),
        ("local:0", "A cluster is single"),
        ("local:", "A cluster is single"),
        ("tcp://", "A cluster is single"),
    ],
)
def test_a_cluster_that_cannot_be_used(
    tmp_path: Path, address: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, status 1, and no traceback."""
    monkeypatch.setattr(session, "CONNECT_S", 0.3)
    begin(tmp_path / "home")
    home = ["--home", str(tmp_path / "home"), "--tenant", "grill"]
    ended = CliRunner().invoke(train, ["orders", "--cluster", address, *home])
    assert ended.exit_code == 1
    assert says in ended.output
    assert ended.output.strip().count("\n") == 0


def test_without_the_extra_a_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one machine needs is installed without Dask and without pyarrow."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    where = Where.of("local:2")
    with pytest.raises(ClusterError, match="pip install"), session.mapper_of(where, tmp_path):
        raise AssertionError


def test_one_machine_imports_nothing_of_it() -> None:
    """Only what a cluster needs imports Dask and pyarrow, and only a command that asks for one imports that."""
    heavy = {"dask", "distributed", "pyarrow"}
    own = {f"recommender.training.cluster.{name}" for name in ("mapper", "parquet", "export")}
    for path in [*(ROOT / "recommender").rglob("*.py"), *(ROOT / "plumbing").rglob("*.py"), ROOT / "app.py"]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found = set(re.findall(r"^(?:from|import) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE))
        if module not in own:
            assert not {name for name in found if name.split(".")[0] in heavy or name in own}, module


def test_workers_whose_memory_is_full_end_a_training_with_a_sentence(
    stores: RecommenderStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask pauses them and says nothing: a training would wait for ever."""
    monkeypatch.setattr(mapper, "SILENCE_S", 0.5)
    monkeypatch.setattr(mapper, "LOOK_S", 0.2)

    def full(dask_worker: Any) -> None:
        dask_worker.status = Status.paused

    def compared(client: Any) -> None:
        client.run(full)

    monkeypatch.setattr(session, "compare", compared)
    with pytest.raises(ClusterError, match="memory of every worker is full"):
        trained(stores, tmp_path, THREADS, scene="destinations")


@pytest.mark.usefixtures("small_parts")
def test_threads_of_a_large_process_are_not_paused(
    stores: RecommenderStores, at_once: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    """All of the process's memory, which others use too, is more than a worker may have."""
    made = trained(stores, tmp_path, replace(THREADS, memory="1MB"), scene="destinations")
    assert made == at_once["destinations"]
