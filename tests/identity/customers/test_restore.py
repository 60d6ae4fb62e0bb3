"""Backups bring nobody back: a database, or the state folder as a whole, is put back after an opt-out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from identity.consent.ledger import ConsentLedger
from identity.errors import EnrolmentUnknown
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.tombstones import TombstonesUnusable
from tests.engines import both_engines, copied_database, put_database_back
from tests.identity.halves import KIOSK, World, row_of

pytestmark = [both_engines, pytest.mark.usefixtures("engine")]
COPIES: dict[Path, str | None] = {}


def copy_of(home: Path, folder: Path, pattern: str) -> Path:
    folder.mkdir()
    for path in home.glob(pattern):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    COPIES[folder] = copied_database(home)
    return folder


def put_back(copy: Path, home: Path, pattern: str) -> None:
    for path in home.glob(pattern):
        if path.is_file():
            path.unlink()
    for path in copy.iterdir():
        shutil.copy(path, home / path.name)
    put_database_back(home, COPIES.pop(copy))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "another disk"
    folder.mkdir()
    return folder


def test_a_database_that_is_put_back_greets_nobody_who_left_and_loses_their_rows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    world = World(home)
    gone, stays = world.enrol(1), world.enrol(2)
    world.close()
    copy = copy_of(home, tmp_path / "copy", "identity.db*")
    world = World(home)
    world.service.forget(KIOSK, gone.receipt)
    world.close()
    put_back(copy, home, "identity.db*")

    world = World(home)
    world.half.settle()  # as a server does before it serves

    assert world.recognise(1).decision == "unknown"
    assert world.recognise(2).decision == "matched"
    assert [row.receipt_hash for row in world.half.stores.customers.all()] != []
    assert len(world.half.stores.customers.all()) == 1
    with pytest.raises(EnrolmentUnknown):
        world.service.forget(KIOSK, gone.receipt)
    assert world.service.forget(KIOSK, stays.receipt)
    world.close()


def test_what_was_taken_back_stays_taken_back(tmp_path: Path) -> None:
    """A face that was dropped greets nobody before the templates are gone again; a purpose stays closed."""
    home = tmp_path / "home"
    world = World(home)
    faceless, narrower = world.enrol(1), world.enrol(2, purposes=("orders", "offers"))
    world.close()
    copy = copy_of(home, tmp_path / "copy", "identity.db*")
    world = World(home)
    ledger = world.service.customers.standings.ledger
    assert ledger.withdraw(row_of(world, faceless.receipt).holder, ["face"]) == ("face",)
    assert ledger.withdraw(row_of(world, narrower.receipt).holder, ["offers"]) == ("offers",)
    world.close()
    put_back(copy, home, "identity.db*")

    world = World(home)
    assert templates(world) == 2
    assert world.recognise(1).decision == "unknown"
    assert world.recognise(2).purposes == ("orders",)

    world.half.settle()

    assert templates(world) == 1
    assert world.recognise(1).decision == "unknown"
    standing = world.service.customers.standings.of(row_of(world, narrower.receipt))
    assert standing.given == ("face", "orders")
    world.close()


def test_taking_back_again_that_failed_once_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    world = World(home)
    faceless = world.enrol(1)
    world.close()
    copy = copy_of(home, tmp_path / "copy", "identity.db*")
    world = World(home)
    world.service.customers.standings.ledger.withdraw(row_of(world, faceless.receipt).holder, ["face"])
    world.close()
    put_back(copy, home, "identity.db*")
    world = World(home)

    def busy(*_: object) -> None:
        raise DatabaseBusy

    with monkeypatch.context() as locked:
        locked.setattr(ConsentLedger, "withdraw", busy)
        world.half.settle()  # says so in the log, and goes on
        assert templates(world) == 1
    world.half.settle()

    assert templates(world) == 0
    world.close()


def templates(world: World) -> int:
    row = world.half.stores.database.row("SELECT count(*) AS n FROM templates")
    return 0 if row is None else int(row["n"])


def test_a_state_folder_that_is_put_back_as_a_whole_greets_nobody_who_left(tmp_path: Path, outside: Path) -> None:
    """Key file, databases and audit are the older ones; only the folder of USUAL_TOMBSTONES is not."""
    home, settings = tmp_path / "home", {"tombstones": outside}
    world = World(home, settings=settings)
    gone = world.enrol(1)
    world.enrol(2)
    world.close()
    copy = copy_of(home, tmp_path / "copy", "*")
    world = World(home, settings=settings)
    world.service.forget(KIOSK, gone.receipt)
    elsewhere = world.elsewhere
    world.close()
    put_back(copy, home, "*")

    world = World(home, settings=settings, elsewhere=elsewhere)
    world.half.settle()

    assert world.recognise(1).decision == "unknown"
    assert world.recognise(2).decision == "matched"
    assert len(world.half.stores.customers.all()) == 1
    assert len(elsewhere.tokens) == 2  # the recommender hears it again
    kinds = {fault.kind for fault in world.half.audit.examined().faults}
    assert "restored" in kinds
    world.enrol(3)
    world.half.audit.sign()
    assert "restored" in {fault.kind for fault in world.half.audit.examined().faults} | kinds
    assert world.half.audit.examined().faults
    world.half.audit.restart()
    assert world.half.audit.examined().faults == []
    world.close()


def test_nobody_is_recognised_before_they_are_erased_again(tmp_path: Path, outside: Path) -> None:
    """Also where erasing again is still to come: the list is asked at each look."""
    home, settings = tmp_path / "home", {"tombstones": outside}
    world = World(home, settings=settings)
    gone = world.enrol(1)
    world.close()
    copy = copy_of(home, tmp_path / "copy", "*")
    world = World(home, settings=settings)
    world.service.forget(KIOSK, gone.receipt)
    world.close()
    put_back(copy, home, "*")

    world = World(home, settings=settings)

    assert len(world.half.stores.customers.all()) == 1
    assert world.recognise(1).decision == "unknown"
    world.close()


def test_an_erasure_ends_only_when_it_is_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk with the tombstones is away: the key is destroyed at once, and the rest is tried again."""
    receipt = world.enrol(1).receipt

    def away(*_: object) -> int:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr("plumbing.storage.tombstones.Tombstones.add", away)
        assert not world.service.forget(KIOSK, receipt)
        assert world.recognise(1).decision == "unknown"
    assert world.half.vault.keys.counts()["erasures"] == 1
    assert world.service.erasures.finish_all() == 0
    assert (world.home / "identity-tombstones").exists()


def test_a_folder_that_is_away_at_the_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(TombstonesUnusable):
        World(tmp_path, settings={"tombstones": tmp_path / "away"})


def test_the_two_halves_lists_have_nothing_in_common_and_hold_no_name(world: World) -> None:
    world.service.forget(KIOSK, world.enrol(1).receipt)

    content = (world.home / "identity-tombstones").read_bytes()
    assert sum(any(content[at : at + 32]) for at in range(512, len(content), 32)) == 1
    assert b"north" not in content
