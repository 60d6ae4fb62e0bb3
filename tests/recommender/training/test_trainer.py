"""Training: publish what wins, refuse what does not and say why, once at a time, the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.clock import DAY
from recommender.assembly import open_stores, trainer_of
from recommender.errors import NotEnoughEvents, SceneUntrained
from recommender.scene import TrainingInput
from recommender.scenes.registry import Scenes
from recommender.store.runs import LOST_AFTER_US
from recommender.training.checks import data_cut
from recommender.training.trainer import Trainer
from recommender.worker import launch_process, main
from tests.recommender.service_fixtures import NOON, Installation, World, counting

OLDER_RUN = (
    "INSERT INTO runs (tenant, run_id, scene, run_key, state, open, stage, share, why, version, report,"
    " started_us, seen_us, ended_us)"
)

FIRST = "Published: there was no version before it to compare with."


def visits(world: World, n: int, customer: str = "ann", start: int = 0) -> None:
    """n orders of one customer, a minute apart."""
    for number in range(start, start + n):
        at = f"2026-11-20T{10 + number // 60:02}:{number % 60:02}:00Z"
        reply = world.earlier(at, customer, "cola", event_id=f"{customer}{number}")
        assert reply.status_code == 201, reply.json


def opened(installation: Installation, home: Path, **scene: Any) -> World:
    return installation.open(home, counting(**scene))


def trained(world: World, **rest: Any) -> Any:
    return world.half.trainer.train("grill", "orders", seed=0, progress=lambda what, share: None, **rest)


def test_the_route_begins_and_the_page_follows(world: World) -> None:
    """202 with a run; its progress is in the store; done, the version is served and its run says so."""
    visits(world, 3)
    reply = world.call("POST", "/models/orders/train", key="desk")
    assert reply.status_code == 202
    run = f"/models/orders/runs/{reply.json['run_id']}"
    assert world.call("GET", run, key="desk").json["state"] == "running"
    again = world.call("POST", "/models/orders/train", key="desk")
    assert (again.status_code, again.json["code"]) == (409, "training_in_progress")
    assert again.json["run_id"] == reply.json["run_id"]
    world.run_trainings()
    done = world.call("GET", run, key="desk").json
    assert (done["state"], done["share"], done["why"]) == ("published", 1.0, FIRST)
    assert world.suggest().json["model_version"] == done["version"]
    assert world.call("GET", run, key="stranger").status_code == 404
    assert world.call("GET", run.replace("orders", "destinations"), key="desk").status_code == 404


def test_the_same_log_gives_the_same_version(world: World, installation: Installation, tmp_path: Path) -> None:
    """Trained again nothing is written; trained elsewhere on the same events the bytes are equal."""
    visits(world, 4)
    first = trained(world)
    assert (first.state, trained(world).state) == ("published", "unchanged")
    other = installation.open(tmp_path / "elsewhere")
    visits(other, 4)
    second = trained(other)
    assert first.version == second.version
    for path in sorted((world.home / "models").rglob("*.*")):
        assert path.read_bytes() == (other.home / path.relative_to(world.home)).read_bytes()
    other.close()


def test_erased_data_leaves_no_trace_in_the_next_version(
    world: World, installation: Installation, tmp_path: Path
) -> None:
    """Trained after an erasure: the bytes of a training that never saw the customer."""
    visits(world, 4)
    visits(world, 4, "bob")
    world.half.erase(world.token("bob", purposes=["erasure"]))
    other = installation.open(tmp_path / "elsewhere")
    visits(other, 4)
    assert trained(world).version == trained(other).version
    other.close()


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("worse than counting", {"value": 0.3}, "below counting"),
    ("no figure", {"value": float("nan")}, "no number for value"),
    ("no baseline", {"value": 0.3, "baseline_value": float("nan")}, "no number for baseline_value"),
    ("nothing but NaN", {"spoil": lambda counts: counts * np.nan}, "no finite number"),
    (
        "scores of infinity",
        {"spoil": lambda counts: counts + np.array([np.inf] + [0] * (len(counts) - 1))},
        "not numbers",
    ),
    ("unreadable", {"spoil": lambda counts: counts[:-1]}, "cannot be loaded"),
]


@pytest.mark.parametrize(("what", "scene", "why"), REFUSED)
def test_what_the_gate_refuses(
    installation: Installation, tmp_path: Path, what: str, scene: Mapping[str, Any], why: str
) -> None:
    """The version before stays in force; the page says what was refused and why."""
    home = tmp_path / "state"
    world = installation.open(home)
    visits(world, 3)
    world.order("burger", event_id="guest", occurred_at="2026-11-22T00:00:00Z")
    served = trained(world).version
    world.close()
    world = opened(installation, home, **scene)
    visits(world, 2, start=3)
    world.call("POST", "/models/orders/train", key="desk")
    world.run_trainings()
    row = world.call("GET", "/models", key="desk").json["scenes"][0]
    assert row["runs"][0]["state"] == "refused", what
    assert why in row["runs"][0]["why"]
    assert (row["version"], len(row["versions"])) == (served, 1)
    assert world.suggest().json["model_version"] == served
    world.close()


def test_counting_may_be_published_when_it_does_not_lose_to_itself(
    installation: Installation, tmp_path: Path
) -> None:
    """A training that cannot beat counting publishes counting, with its sentence."""
    world = opened(installation, tmp_path / "state", value=0.39, in_force="counting")
    visits(world, 3)
    assert trained(world).state == "published"
    sentence = world.call("GET", "/models", key="desk").json["scenes"][0]["sentence"]
    assert "about as good as counting" in sentence
    world.close()


def test_a_log_that_shrank_by_half_is_a_fault_until_somebody_says_not(world: World) -> None:
    """Half is allowed, less is refused with both numbers, and one switch accepts it."""
    visits(world, 9)
    trained(world)
    for table in ("events", "lines"):
        world.half.service.database.change(f"DELETE FROM {table} WHERE event_id NOT IN ('ann1', 'ann2')")
    outcome = trained(world)
    assert (outcome.state, "from 9 to 2 lines" in outcome.why) == ("refused", True)
    assert trained(world, accept_changed_data=True).state == "published"


def test_too_little_to_learn_from(world: World) -> None:
    """No catalogue or no returning customer: a sentence with what is missing, a closed run, no version."""
    visits(world, 1)
    with pytest.raises(NotEnoughEvents, match="2 orders"):
        trained(world)
    with pytest.raises(NotEnoughEvents, match="No window has closed"):
        world.half.trainer.train("grill", "offers", seed=0, progress=lambda what, share: None)
    with pytest.raises(SceneUntrained):
        world.half.trainer.train("grill", "dreams", seed=0, progress=lambda what, share: None)
    world.call("POST", "/models/orders/train", key="desk")
    world.run_trainings()
    row = world.call("GET", "/models", key="desk").json["scenes"][0]
    assert row["runs"][0]["state"] == "refused"
    assert "more are needed" in row["missing"]
    stranger = world.call("GET", "/models", key="stranger").json
    assert "Import them" in stranger["scenes"][0]["missing"]


def test_a_training_that_breaks_off_is_closed(installation: Installation, tmp_path: Path) -> None:
    """Something unforeseen reaches the log of the server; the run does not stay open."""

    def break_off(counts: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    world = opened(installation, tmp_path / "state", spoil=break_off)
    visits(world, 3)
    run_id = world.half.trainer.models.begin("grill", "orders", NOON)
    with pytest.raises(ZeroDivisionError):
        world.half.trainer.run("grill", "orders", run_id, seed=0)
    assert world.half.trainer.models.run("grill", "orders", run_id).state == "failed"
    world.close()


def test_a_training_is_carried_out_by_a_process_of_its_own(world: World) -> None:
    """What the route launches does the work from the state folder alone, with the real scenes."""
    visits(world, 1)
    run_id = world.half.trainer.models.begin("grill", "orders", NOON)
    main([str(world.home), "grill", "orders", run_id, "0"])
    run = world.half.trainer.models.run("grill", "orders", run_id)
    assert (run.state, "No customer has 2 orders" in run.why) == ("refused", True)


def test_a_process_that_dies_closes_its_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server notices that the worker ended badly and says so; the next training may begin."""
    models = world.half.trainer.models
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run_id = models.begin("grill", "orders", NOON)
    launch_process(world.half.config, models, world.now_us)("grill", "orders", run_id)
    for thread in threading.enumerate():
        if thread.name.startswith("training"):
            thread.join(20)
    assert models.run("grill", "orders", run_id).state == "failed"
    assert models.begin("grill", "orders", NOON)


def test_a_lost_run_makes_room_at_once(world: World, installation: Installation) -> None:
    """A run that was killed with its server is found lost by the next one who wants to train, without waiting."""
    visits(world, 3)
    killed = installation.open(world.home)
    first = killed.call("POST", "/models/orders/train", key="desk").json["run_id"]
    assert world.call("POST", "/models/orders/train", key="desk").status_code == 409
    killed.close()
    assert world.call("POST", "/models/orders/train", key="desk").status_code == 202
    assert world.call("GET", f"/models/orders/runs/{first}", key="desk").json["state"] == "lost"


def test_a_run_that_takes_long_is_not_lost_and_neither_is_one_after_the_clock_jumped(world: World) -> None:
    visits(world, 3)
    first = world.call("POST", "/models/orders/train", key="desk").json["run_id"]
    world.time_us += 100 * DAY
    assert world.call("POST", "/models/orders/train", key="desk").status_code == 409
    world.run_trainings()
    assert world.call("GET", f"/models/orders/runs/{first}", key="desk").json["state"] == "published"


def test_a_run_of_an_older_release_is_lost_after_a_quarter_of_an_hour(world: World) -> None:
    """It holds no lock. A clock that was ahead then does not block trainings for longer."""
    models = world.half.trainer.models
    for seen_us in (NOON - LOST_AFTER_US, NOON + 380 * DAY):
        sql = OLDER_RUN + " VALUES (?, ?, 'orders', ?, 'running', 1, '', 0, '', '', '{}', ?, ?, NULL)"
        world.half.service.database.change(sql, ("grill", f"r{seen_us}", f"r{seen_us}", seen_us, seen_us))
        assert models.close_lost(NOON) == (seen_us > NOON)
        assert models.close_lost(NOON + 1) == (seen_us < NOON)
        assert models.end("grill", models.begin("grill", "orders", NOON + 1), "refused", "", NOON + 1)


def test_the_process_of_a_training_holds_its_run_until_it_ends(world: World) -> None:
    """It inherits the lock; killed, the run is lost and the next can begin."""
    models = world.half.trainer.models
    run_id = models.begin("grill", "orders", NOON)
    held = models.descriptor(run_id)
    assert held is not None
    worker = subprocess.Popen(["/bin/sleep", "60"], pass_fds=(held,))
    models.handed_on(run_id)
    assert models.descriptor(run_id) is None
    assert models.close_lost(NOON) == 0
    worker.kill()
    worker.wait()
    assert models.close_lost(NOON) == 1
    assert models.run("grill", "orders", run_id).state == "lost"


def test_the_cut_is_a_fingerprint_of_the_data(world: World) -> None:
    """It says how much until when, and changes with any line."""
    visits(world, 2)
    items = world.half.trainer.catalogue.all("grill", "item")
    before = data_cut(TrainingInput(world.half.trainer.events.everything("grill", "ordered"), items))
    visits(world, 1, start=2)
    after = data_cut(TrainingInput(world.half.trainer.events.everything("grill", "ordered"), items))
    assert (before.lines, after.lines, after.customers) == (2, 3, 1)
    assert before.sha256 != after.sha256


@pytest.mark.parametrize("scene", ["orders", "destinations"])
def test_the_real_scenes_answer_without_a_model(installation: Installation, tmp_path: Path, scene: str) -> None:
    """Behind the same routes: a guest, a new customer and one with a history each get an answer."""
    world = installation.open(tmp_path / "state", Scenes)
    ride = {"type": "rode", "pickup": "home"}
    for number in range(3):
        world.earlier("2026-11-20T08:00:00+01:00", "ann", "work", event_id=f"r{number}", **ride)
    visits(world, 3)
    query = {"local_time": "2026-11-23T12:00:00+01:00", "lat": 52.52, "lon": 13.40}
    for token in (None, world.token("newcomer"), world.token()):
        reply = world.suggest(scene, token=token, **query)
        assert reply.status_code == 200
        assert reply.json["items"], (scene, reply.json)
    favourite = {"orders": "cola", "destinations": "work"}[scene]
    assert reply.json["items"][0]["item_id"] == favourite
    world.close()


def test_the_real_orders_train_and_serve(installation: Installation, tmp_path: Path) -> None:
    """From events to a published version of favourite orders that answers; trained twice, nothing new."""
    world = installation.open(tmp_path / "state", Scenes)
    for customer in range(12):
        for visit in range(5):
            item = "cola" if (customer + visit) % 3 else "salad"
            at = f"2026-11-{10 + visit:02}T12:{customer:02}:00+01:00"
            world.earlier(at, f"c{customer}", item, event_id=f"{customer}-{visit}")
    outcome = trained(world)
    assert outcome.state == "published"
    assert trained(world).state == "unchanged"
    reply = world.suggest(token=world.token("c1"), local_time="2026-11-23T12:00:00+01:00").json
    assert (reply["model_version"], reply["fallback"]) == (outcome.version, None)
    assert world.half.trainer.shelf("grill", "orders").load(outcome.version).manifest["cut"]["lines"] == 60
    world.close()


def test_stores_open_twice_for_server_and_worker(world: World) -> None:
    """Two openings of one folder agree on what is in it, tombstones included."""
    world.half.erase(world.token(purposes=["erasure"]))
    stores = open_stores(world.half.config)
    assert stores.events.is_erased("grill", "ann")
    assert isinstance(trainer_of(stores, world.half.config, world.now_us), Trainer)
    stores.database.close()
