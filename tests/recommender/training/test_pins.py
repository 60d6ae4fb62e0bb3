"""Going back pins; what is trained meanwhile is held back; a version goes back by itself once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.clock import DAY, HOUR
from plumbing.limits import Limits, TooManyRequests
from plumbing.words import Message
from recommender.errors import NotPinned
from recommender.store.acceptance import DailyAcceptance, Taken
from recommender.store.figures import Cell, DaySums
from recommender.store.shelves.errors import CurrentChanged, VersionsUnreachable
from recommender.store.version_notes import AUTOMATIC, PUBLISHED, ROLLED_BACK
from recommender.store.versions import VersionStore
from recommender.training import watch
from recommender.training.watch import VersionWatch, fall
from tests.engines import needs_files
from tests.recommender.service_fixtures import NOON, Installation, World, counting

ROLLBACK, PIN = "/models/orders/rollback", "/models/orders/pin"


def visit(world: World, number: int, item: str = "cola", customer: str = "ann") -> None:
    at = f"2026-11-20T{10 + number // 60:02}:{number % 60:02}:00Z"
    assert world.earlier(at, customer, item, event_id=f"{customer}{number}").status_code == 201


def trained(world: World, **rest: Any) -> Any:
    return world.half.trainer.train("grill", "orders", seed=0, progress=lambda what, share: None, **rest)


@pytest.fixture
def two(world: World) -> World:
    """Two versions; the second is live."""
    for number in range(3):
        visit(world, number)
    trained(world)
    visit(world, 3, "burger")
    trained(world)
    return world


def orders(world: World, language: str = "en") -> Any:
    headers = {"X-API-Key": world.keys["desk"], "Accept-Language": language}
    body: Any = world.client.get("/recommender/v1/models", headers=headers).json
    return body["scenes"][0]


def names(world: World) -> list[str]:
    return world.half.trainer.shelf("grill", "orders").names()


def test_a_roll_back_is_not_undone_by_the_next_training(two: World) -> None:
    """It pins: what is trained is kept and held back, and the page says so; taken away, a training publishes."""
    first, second = names(two)
    back = two.call("POST", ROLLBACK, key="desk", json={}).json
    assert (back["version"], back["pinned"]["automatic"]) == (first, False)
    visit(two, 4, "salad")
    outcome = trained(two)
    assert outcome.state == "held_back"
    assert two.suggest().json["model_version"] == first
    row = orders(two)
    assert row["pinned"]["version"] == first
    states = {one["version"]: one["state"] for one in row["versions"]}
    assert states == {first: "pinned", second: "rolled_back", outcome.version: "held_back"}
    assert all(one["says"] for one in row["versions"] if one["state"] != "pinned")
    unpinned = two.call("DELETE", PIN, key="desk").json
    assert unpinned["version"] == first
    two.run_trainings()
    assert two.suggest().json["model_version"] == outcome.version  # the same one, that had been held back
    assert orders(two)["pinned"] is None
    assert two.call("DELETE", PIN, key="desk").json["code"] == "not_pinned"


def test_unpinned_is_unpinned_although_no_training_may_begin_now(
    two: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of trainings is reached: the reply and the record say what was done, and no run."""

    def reached(limits: Limits, tenant: str, name: str, **rest: int) -> None:
        if name.startswith("trainings of"):
            raise TooManyRequests(name, 60)

    two.call("POST", ROLLBACK, key="desk", json={})
    monkeypatch.setattr(Limits, "allow", reached)
    reply = two.call("DELETE", PIN, key="desk")
    assert (reply.status_code, reply.json["run_id"]) == (200, None)
    assert orders(two)["pinned"] is None


def test_one_candidate_is_kept_while_a_version_is_pinned(two: World) -> None:
    """Nightly trainings do not push the other versions out."""
    two.call("POST", ROLLBACK, key="desk", json={})
    held = []
    for number in range(4, 8):
        visit(two, number, "salad")
        held.append(trained(two).version)
    assert trained(two).version == held[-1]  # nothing new: the same candidate
    assert [name for name in names(two) if name in held] == held[-1:]
    assert len(names(two)) == 3


def test_what_was_rolled_back_is_not_published_again(two: World) -> None:
    """A candidate whose arrays equal it is refused, also when its version is gone from the disk."""
    second = names(two)[1]
    two.call("POST", ROLLBACK, key="desk", json={})
    two.call("DELETE", PIN, key="desk")
    two.launched.clear()
    run = two.half.trainer.models.latest("grill", "orders", "")
    assert run is not None
    outcome = trained(two)
    assert (outcome.state, outcome.message.id) == ("refused", "gate-rolled-back")
    assert second in outcome.why
    two.half.trainer.shelf("grill", "orders").drop(second)
    assert trained(two).state == "refused"
    visit(two, 5, "salad")
    assert trained(two).state == "published"


def test_the_default_skips_what_was_rolled_back(two: World) -> None:
    """Going back twice does not go forth."""
    first, second = names(two)
    visit(two, 5)
    third = trained(two).version
    assert two.call("POST", ROLLBACK, key="desk", json={}).json["version"] == second
    assert two.call("POST", ROLLBACK, key="desk", json={}).json["version"] == first
    assert two.call("POST", ROLLBACK, key="desk", json={"version": third}).json["version"] == third


def test_who_pinned_it_is_named_in_three_languages(two: World) -> None:
    pins = two.half.trainer.pins
    pins.go_back("grill", "orders", None, who="command:ana")
    visit(two, 4, "salad")
    two.call("POST", "/models/orders/train", key="desk")
    two.run_trainings()
    for language, words in {
        "en": "is pinned by ana",
        "de": "angeheftet (von ana)",
        "ja": "ana によって固定",
    }.items():
        run = orders(two, language)["runs"][0]
        assert run["state"] == "held_back"
        assert words in run["says"]


def test_a_training_and_a_step_back_at_one_moment(two: World) -> None:
    """Whichever is second sees the other: the pinned version is live, whatever the training did."""
    first, second = names(two)
    trainer = two.half.trainer
    shelf = trainer.shelf("grill", "orders")
    seen = shelf.pointed()
    trainer.pins.go_back("grill", "orders", first, who="key:x")
    with pytest.raises(CurrentChanged):
        shelf.point_at(second, seen)  # the training had looked before
    assert shelf.current() == first
    seen = shelf.pointed()
    trainer.pins.go_back("grill", "orders", first, who="key:x")  # the live one is pinned again
    with pytest.raises(CurrentChanged):
        shelf.point_at(second, seen)


def test_a_step_back_that_fails_leaves_everything(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the place of the versions nothing is pinned; after a kill in the middle it is ended later."""
    trainer, (first, second) = two.half.trainer, names(two)

    def away(*_: Any) -> None:
        raise VersionsUnreachable("away")

    with monkeypatch.context() as patch:
        patch.setattr(VersionStore, "point_at", away)
        with pytest.raises(VersionsUnreachable):
            trainer.pins.go_back("grill", "orders", first, who="key:x")
    assert trainer.notes.pin("grill", "orders") is None
    note = trainer.notes.of("grill", "orders", second)
    assert note is not None
    assert note.state == PUBLISHED
    trainer.pins.go_back("grill", "orders", first, who="key:x")
    shelf = trainer.shelf("grill", "orders")
    shelf.point_at(second)
    assert trainer.pins.mend("grill", "orders")
    assert shelf.current() == first
    assert not trainer.pins.mend("grill", "orders")
    with pytest.raises(NotPinned):
        trainer.pins.unpin("grill", "destinations")


def test_no_request_fails_meanwhile(two: World) -> None:
    """Customers are answered while somebody goes back and forth, from one version or the other."""
    first, second = names(two)
    seen: set[tuple[int, str]] = set()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            reply = two.suggest()
            seen.add((reply.status_code, reply.json["model_version"]))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(10):
            two.half.trainer.pins.go_back("grill", "orders", (first, second)[number % 2], who="key:x")
    finally:
        over.set()
        asking.join()
    assert seen <= {(200, first), (200, second)}


def test_a_pinned_version_forgets_the_erased_too(two: World) -> None:
    """Their training is owed still: the pinned version is made again from its own data without them, and stays
    pinned; no newer order gets in."""
    visit(two, 1, "cola", "bob")
    visit(two, 2, "salad", "bob")
    pinned = trained(two).version
    visit(two, 9, "burger")
    trained(two)
    trainer = two.half.trainer
    trainer.pins.go_back("grill", "orders", pinned, who="key:x")
    two.half.erase(two.token("bob", purposes=["erasure"]))
    assert two.half.pending("grill") == ["orders"]
    outcome = trained(two)
    assert outcome.state == "published"
    pin = trainer.notes.pin("grill", "orders")
    assert pin is not None
    assert (pin.version, pin.message) == (outcome.version, Message.of("versions-renewed", version=pinned))
    version = trainer.shelf("grill", "orders").load(outcome.version)
    assert version.manifest["cut"]["lines"] == 4  # ann's first four; neither bob's nor what came later
    assert two.half.pending("grill") == []
    visit(two, 10, "burger")
    assert trained(two).state == "held_back"


def test_a_changed_log_is_accepted_on_the_page(two: World) -> None:
    """A refused run offers it, and it is on record who did; what is not about the data cannot be overruled."""
    for number in range(4, 12):
        visit(two, number)
    trained(two)
    for table in ("events", "lines"):
        two.half.service.database.change(f"DELETE FROM {table} WHERE event_id NOT IN ('ann1', 'ann2')")
    two.call("POST", "/models/orders/train", key="desk")
    two.run_trainings()
    (run, *_) = orders(two)["runs"]
    assert (run["state"], run["may_accept"]) == ("refused", True)
    two.time_us += HOUR
    accepted = two.call("POST", f"/models/orders/runs/{run['run_id']}/accept", key="desk")
    assert accepted.status_code == 202
    two.run_trainings()
    (run, *_) = orders(two)["runs"]
    assert (run["run_id"], run["state"]) == (accepted.json["run_id"], "published")
    again = two.call("POST", f"/models/orders/runs/{run['run_id']}/accept", key="desk")
    assert (again.status_code, again.json["code"]) == (409, "nothing_to_accept")


# --- the automatic roll-back ------------------------------------------------------------------------


class Counts:
    """Acceptance by version."""

    def __init__(self, **versions: Sequence[Taken]) -> None:
        self.versions = versions

    def of(self, tenant: str, scene: str, version: str, since_us: int, until_us: int) -> Sequence[Taken]:
        return self.versions.get(version, ())


def cells(share: float, shown: int = 100, days: int = 10) -> list[Taken]:
    return [Taken(shown, round(shown * share) + day % 3 - 1) for day in range(days)]


def test_a_version_goes_back_by_itself_once(two: World) -> None:
    """Customers take a third less than before it: it goes back, pinned by nobody, with a sentence. Made live again
    by a person it stays."""
    first, second = names(two)
    trainer = two.half.trainer
    counts = Counts(**{first: cells(0.4), second: cells(0.26)})
    guard = VersionWatch(trainer.pins, trainer.notes, counts, two.now_us)
    assert guard.look() == [second]
    pin = trainer.notes.pin("grill", "orders")
    assert pin is not None
    assert (pin.version, pin.who, pin.message.id) == (first, AUTOMATIC, "versions-automatic")
    note = trainer.notes.of("grill", "orders", second)
    assert note is not None
    assert note.state == ROLLED_BACK
    assert "by itself" in orders(two)["pinned"]["says"]
    two.time_us += HOUR
    trainer.pins.go_back("grill", "orders", second, who="user:ana")
    trainer.pins.unpin("grill", "orders")
    assert guard.look() == []
    assert trainer.shelf("grill", "orders").current() == second


def served(world: World, customer: str) -> str:
    """A customer asks and orders the first suggestion; the version that it came from."""
    token = world.token(customer)
    seen = world.suggest(token=token).json
    first, marks = seen["items"][0]["item_id"], seen["recommendation_id"]
    assert world.order(first, token=token, event_id=customer, recommendation_id=marks).status_code == 201
    return str(seen["model_version"])


def test_a_fall_in_the_daily_figures_goes_back_and_is_named_on_the_overview(two: World) -> None:
    """From a suggestion and its order to the roll-back: the figures name a version as the watch asks for it."""
    first, second = names(two)
    figures, watched = two.half.service.figures, two.half.watch
    assert served(two, "ben") == second
    figures.refresh()
    now = watched.acceptance.of("grill", "orders", second, NOON - DAY, NOON + DAY)
    assert [(one.shown, one.taken) for one in now] == [(1, 1)]

    days = [f"2026-11-{day}" for day in range(13, 23)]
    for version, share, at in ((first, 40, days), (second, 26, ["2026-11-23"])):
        for day in at:
            dayparts = ("lunch",) if version == first else ("breakfast", "lunch", "afternoon", "dinner")
            parts = [Cell(day, "north", part, "orders", True, version) for part in dayparts]
            figures.store.add("grill", {cell: {"visits": 100, "shown": 100} for cell in parts})
            sums = {cell: {"taken_any": share + at.index(day) % 3, "orders": 90} for cell in parts}
            figures.store.replace("grill", day, DaySums(sums, {("", ""): 50}))
    assert watched.look() == [second]
    assert two.suggest().json["model_version"] == first
    items = two.call("GET", "/desk/overview", key="desk").json["attention"]
    (item,) = [one for one in items if one["name"].startswith("rolled back orders")]
    assert (second in item["text"], item["level"], item["href"]) == (True, "act", "/desk/suggestions")
    assert two.call("DELETE", PIN, key="desk").status_code == 200
    items = two.call("GET", "/desk/overview", key="desk").json["attention"]
    assert not [one for one in items if one["name"].startswith("rolled back")]


def test_a_version_that_does_as_well_stays(two: World) -> None:
    first, second = names(two)
    for now in (cells(0.4), cells(0.39), cells(0.2, shown=10), cells(0.2, days=1)):
        counts = Counts(**{first: cells(0.4), second: now})
        guard = VersionWatch(two.half.trainer.pins, two.half.trainer.notes, counts, two.now_us)
        assert guard.look() == []


def test_however_often_one_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at after each of 200 batches, an equal version alarms in fewer than ALPHA of all cases; a fall by a
    third is found."""
    monkeypatch.setattr(watch, "LEAST_SHOWN", 100)
    rng = np.random.default_rng(0)
    old = cells(0.3, shown=500, days=40)
    alarms, found = 0, 0
    for _repetition in range(60):
        for share in (0.3, 0.2):
            new: list[Taken] = []
            for _ in range(40):
                new.append(Taken(60, int(rng.binomial(60, share))))
                seen = fall(new, old)
                if seen is not None and seen.certain:
                    alarms, found = alarms + (share == 0.3), found + (share < 0.3)
                    break
    assert alarms == 0
    assert found == 60


def test_notes_are_kept_for_what_was_rolled_back(two: World) -> None:
    notes = two.half.trainer.notes
    first, _second = names(two)
    two.half.trainer.pins.go_back("grill", "orders", first, who="key:x")
    notes.keep_only("grill", "orders", [])
    assert [note.state for note in notes.all("grill", "orders").values()] == [ROLLED_BACK]
    assert notes.scenes() == [("grill", "orders")]


@needs_files
def test_the_day_of_the_figures(installation: Installation, tmp_path: Path) -> None:
    """Read from the daily figures: recognised customers alone, never more taken than shown."""
    world = installation.open(tmp_path / "state", counting())
    database = world.half.service.database
    if not database.rows("SELECT name FROM sqlite_master WHERE name = 'daily_figures'"):
        database.change(
            "CREATE TABLE daily_figures (tenant TEXT, day TEXT, site TEXT, daypart TEXT, scene TEXT,"
            " recognised INTEGER, version TEXT, visits BIGINT, shown BIGINT, taken_first BIGINT, taken_any BIGINT)"
        )
    insert = (
        "INSERT INTO daily_figures (tenant, day, site, daypart, scene, recognised, version, visits, shown,"
        " taken_first, taken_any) VALUES ('grill', ?, 's', 'lunch', 'orders', ?, 'v', 0, ?, 0, ?)"
    )
    for row in (
        ("2026-11-22", 1, 50, 20),
        ("2026-11-22", 0, 50, 20),
        ("2026-11-23", 1, 5, 9),
        ("2026-10-01", 1, 9, 9),
    ):
        database.change(insert, row)
    found = DailyAcceptance(database).of("grill", "orders", "v", NOON - DAY, NOON)
    assert found == [Taken(50, 20), Taken(5, 5)]
    world.close()
