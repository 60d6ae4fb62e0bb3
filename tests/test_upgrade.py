"""A whole house of 0.2.0 opened by this release: a copy first, nobody lost, a way back, safe to stop anywhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import app
from doorway.upgrade import steps
from identity.audit.upgrade import OLD_LINE
from identity.results import Device
from plumbing.backup.contents import BEFORE, GOING_BACK
from plumbing.clock import DAY
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.files import process_lock
from plumbing.storage.room import DiskFull
from plumbing.storage.state import State
from plumbing.upgrade import aside
from plumbing.upgrade.aside import About, prepare
from plumbing.upgrade.formats import OLDER_LOGS, HouseNewer, changes
from tests.identity.halves import pictures
from tests.test_in_house import House

pytestmark = pytest.mark.sqlite  # 0.2.0 knew no other engine
FIXTURE = Path(__file__).parent / "fixtures" / "house-0.2.0.tar.gz"
FILES = ["access.db", "identity-audit.log", "identity.db", "recommender.db"]


class Older:
    """The house as 0.2.0 left it, and what it said of it: `state` is unpacked for each test."""

    def __init__(self, folder: Path) -> None:
        with tarfile.open(FIXTURE) as archive:
            archive.extractall(folder, filter="data")
        self.home = folder / "state"
        self.about: dict[str, Any] = json.loads((folder / "about.json").read_text())
        self.tenant, self.kiosk = self.about["tenant"], Device(self.about["tenant"], "till-1")

    def usual(self, *words: str) -> Result:
        return CliRunner().invoke(app.assemble(), [*words, "--home", str(self.home)])

    def opened(self) -> House:
        """By this release, with the engine that the customers were enrolled with."""
        house = House(self.home, tenant=self.tenant, now_us=lambda: int(self.about["now_us"]) + DAY)
        house.identity.settle()  # as a server does before it serves anybody
        return house

    def contents(self) -> dict[str, bytes]:
        return {name: (self.home / name).read_bytes() for name in FILES}


@pytest.fixture
def older(tmp_path: Path) -> Older:
    return Older(tmp_path)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


def dumps(folder: Path) -> dict[str, list[str]]:
    return {name: dump(folder / name) for name in FILES if name.endswith(".db")}


def seen(house: House, older: Older, person: int) -> str | None:
    service = house.identity.service
    nonce, _ = service.press(older.kiosk)
    return service.recognise(older.kiosk, nonce, pictures(person, 1, first=50)).token


def events(path: Path) -> list[tuple[Any, ...]]:
    """What an export has of every event, as either release stores it."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(
            "SELECT e.event_id, e.type, e.customer, e.time_us, l.item, l.quantity, l.price FROM events e"
            " JOIN lines l ON l.tenant = e.tenant AND l.event_id = e.event_id ORDER BY 1, 5"
        ).fetchall()


def test_it_is_up_to_date_afterwards_with_everybody_and_everything_in_it(older: Older) -> None:
    before = events(older.home / "recommender.db")
    said = older.usual("upgrade", "--check")
    assert said.exit_code == 1, said.output
    assert all(f"{name}: " in said.output for name in FILES)
    assert not (older.home / BEFORE).exists()

    done = older.usual("upgrade")
    assert done.exit_code == 0, done.output
    assert "is up to date now" in done.output
    assert older.usual("upgrade", "--check").output == f"{older.home} is up to date.\n"
    assert events(older.home / "recommender.db") == before
    assert older.usual("identity", "audit").output.startswith("whole: 12 lines")

    house = older.opened()
    try:
        tokens = {person: seen(house, older, person) for person in (1, 2, 3, 4)}
        assert [tokens[person] is not None for person in (1, 2, 3, 4)] == [True, True, False, True]
        reply = house.client.get(
            "/recommender/v1/suggestions/orders?site=market&n=3",
            headers={"X-API-Key": older.about["key"], "Authorization": f"Bearer {tokens[1]}"},
        ).get_json()
        assert reply["items"][0]["item_id"] == older.about["suggested"][0]
        assert reply["fallback"] in (None, "no_model"), "a model of other signals counts until the next training"
    finally:
        house.close()


def test_a_copy_of_what_changes_is_kept_first_and_holds_no_key(older: Older) -> None:
    before = dumps(older.home)
    audit = (older.home / "identity-audit.log").read_bytes()

    assert prepare(older.home, "2026-11-30")
    copy = older.home / BEFORE
    assert sorted(path.name for path in copy.iterdir()) == sorted(
        ["access.db", "identity.db", "recommender.db", "identity-audit.log", "identity-audit-head", "copy.json"]
    )
    assert dumps(copy) == before
    assert (copy / "identity-audit.log").read_bytes() == audit
    assert dumps(older.home) == before, "the house itself is not changed yet"


def test_any_command_does_it_and_says_so_in_one_line(older: Older) -> None:
    listed = older.usual("keys", "list", "--tenant", older.tenant)
    assert listed.exit_code == 0, listed.output
    assert listed.stderr.count("is of an older release") == 1
    assert "is of an older release" not in older.usual("keys", "list", "--tenant", older.tenant).stderr


def test_back_is_as_it_was_and_who_left_since_stays_gone(older: Older) -> None:
    before, audit = events(older.home / "recommender.db"), (older.home / "identity-audit.log").read_bytes()
    assert older.usual("upgrade").exit_code == 0
    house = older.opened()
    house.identity.service.forget(older.kiosk, older.about["receipts"]["2"])
    house.close()

    back = older.usual("upgrade", "--back")
    assert back.exit_code == 0, back.output
    assert not (older.home / BEFORE).exists()
    assert [change.file for change in changes(older.home)] == FILES[:1] + FILES[2:] + FILES[1:2]
    assert (older.home / "identity-audit.log").read_bytes() == audit
    left = {row[2] for row in before} - {row[2] for row in events(older.home / "recommender.db")}
    assert len(left) == 1, "of the one who left no row came back"
    assert set(events(older.home / "recommender.db")) < set(before)

    assert older.usual("upgrade").exit_code == 0
    house = older.opened()
    try:
        assert [seen(house, older, person) is not None for person in (1, 2, 4)] == [True, False, True]
    finally:
        house.close()
    assert "whole: " in older.usual("identity", "audit").output


def test_an_erasure_leaves_no_byte_in_the_copy_either(older: Older) -> None:
    assert older.usual("upgrade").exit_code == 0
    house = older.opened()
    gone = house.identity.service.forget(older.kiosk, older.about["receipts"]["1"])
    house.close()
    assert gone
    [number] = [line.split()[0] for line in older.usual("erasures", "list").output.splitlines() if "mill" in line][
        :1
    ]
    verified = older.usual("erasures", "verify", number)
    assert verified.exit_code == 0, verified.output
    assert (older.home / BEFORE).is_dir()


class Stopped(BaseException):
    """What a kill is to a process: nothing that it was going to do happens."""


def stopping_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise before the step with this number: of all that changes a name or makes one durable."""
    left = [step]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            return real(*args, **more)

        return called

    for module, name in (
        (aside, "copy_one"),
        (aside, "sync_path"),
        (aside, "put_in_place"),
        (aside, "write_atomic"),
    ):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    monkeypatch.setattr(Path, "rename", counted(Path.rename))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))


def until_done(work: Callable[[], Any]) -> Iterator[int]:
    """Stop `work` before its first step, its second, and so on, until it ends."""
    for step in range(60):
        with pytest.MonkeyPatch.context() as patch:
            stopping_at(step, patch)
            try:
                work()
                return
            except Stopped:
                pass
        yield step
    raise AssertionError("it never ends")


def test_the_copy_may_be_stopped_anywhere(older: Older) -> None:
    """Either there is no copy and nothing has changed, or there is a whole one."""
    before, steps = dumps(older.home), 0
    for _ in until_done(lambda: prepare(older.home, "2026-11-30")):
        steps += 1
        assert dumps(older.home) == before
        if (older.home / BEFORE).exists():
            assert dumps(older.home / BEFORE) == before
            shutil.rmtree(older.home / BEFORE)
    assert steps > 5
    assert dumps(older.home / BEFORE) == before


def test_an_upgrade_that_was_stopped_keeps_the_copy_from_before_its_first_step(older: Older) -> None:
    before = dumps(older.home)
    assert prepare(older.home, "2026-11-30")
    Shared.open(State.of(Config(home=older.home)), lambda: 0).close()  # access.db is of today, the rest is not
    assert changes(older.home)

    assert not prepare(older.home, "2026-12-01")
    assert dumps(older.home / BEFORE) == before


def test_a_copy_is_made_anew_when_the_older_release_ran_in_between(older: Older) -> None:
    assert prepare(older.home, "2026-11-30")
    with closing(sqlite3.connect(older.home / "recommender.db")) as raw, raw:
        raw.execute("DELETE FROM lines")
    assert prepare(older.home, "2026-12-01")
    assert dumps(older.home / BEFORE) == dumps(older.home)


def test_going_back_may_be_stopped_anywhere_and_the_next_command_goes_on(older: Older) -> None:
    before = dumps(older.home)
    assert older.usual("upgrade").exit_code == 0
    kept = older.home.with_name("kept")
    shutil.copytree(older.home, kept)
    steps = 0

    def back() -> None:
        aside.begin_back(older.home)
        aside.go_on_back(older.home, lambda home: None)

    for _ in until_done(back):
        steps += 1
        decided = (older.home / GOING_BACK).exists()
        aside.go_on_back(older.home, lambda home: None)
        assert not decided or dumps(older.home) == before
        shutil.rmtree(older.home)
        shutil.copytree(kept, older.home)
    assert steps > 8
    assert dumps(older.home) == before


def test_without_room_nothing_changes_and_it_is_one_sentence(
    older: Older, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = older.contents()
    monkeypatch.setattr(aside, "free_bytes", lambda folder: 100_000)
    with pytest.raises(DiskFull, match="twice the room"):
        prepare(older.home)
    assert older.contents() == before


def test_no_format_changes_under_a_running_server(older: Older) -> None:
    with process_lock(older.home / "server-identity.lock").acquire(timeout=0):
        refused = older.usual("keys", "list")
    assert refused.exit_code == 1
    assert "Stop it, then" in refused.output
    assert not (older.home / BEFORE).exists()


def test_a_house_of_a_newer_release_is_refused_in_one_sentence(older: Older) -> None:
    with closing(sqlite3.connect(older.home / "recommender.db")) as raw, raw:
        raw.execute("INSERT INTO _sqlite_migrations VALUES (999, 'events', 'of_the_future', '2030-01-01')")
    with pytest.raises(HouseNewer):
        changes(older.home)
    refused = older.usual("keys", "list")
    assert refused.exit_code == 1
    assert "of_the_future" in refused.output
    assert refused.output.count("\n") == 1


def test_the_copy_goes_after_two_weeks(older: Older) -> None:
    assert older.usual("upgrade").exit_code == 0
    about = About.of(older.home / BEFORE)
    assert about is not None
    assert about.done
    prepare(older.home, about.day)
    assert (older.home / BEFORE).exists()
    prepare(older.home, "2099-01-01")
    assert not (older.home / BEFORE).exists()
    gone = older.usual("upgrade", "--back")
    assert gone.exit_code == 1
    assert "kept for 14 days" in gone.output


def test_the_steps_of_the_code_are_those_that_a_look_compares() -> None:
    written = json.loads(files("plumbing.upgrade").joinpath("formats.json").read_text())
    assert written == steps(), "run scripts/formats.py"
    assert OLDER_LOGS["identity-audit.log"].pattern == OLD_LINE.pattern
