"""A full disk has a name, and room for opting out is kept."""

from __future__ import annotations

import io
import sqlite3
import sys
from pathlib import Path

import pytest
import structlog
from sqlite_utils.migrations import Migrations

from plumbing.access import access as access_module
from plumbing.access.access import Access
from plumbing.clock import system_clock
from plumbing.serving import logs
from plumbing.storage import room
from plumbing.storage.room import DiskFull, for_erasing, keep_reserve, release, require
from plumbing.storage.sqlite import SQLiteDatabase

MIB = 1024 * 1024


class Disk:
    """A disk of which `free` bytes are left when the reserve is whole; what the reserve gives up is free, too."""

    def __init__(self, home: Path, free: int) -> None:
        self.home, self.free, self.size = home, free, room.SIZE

    def __call__(self, folder: Path) -> int:
        path = self.home / room.NAME
        return self.free + (self.size - path.stat().st_size if path.exists() else 0)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path, 100 * MIB)
    monkeypatch.setattr(room, "free_bytes", disk)
    monkeypatch.setattr(room, "RETRY_S", 0.0)
    return disk


def test_the_reserve_is_released_in_pieces_and_grows_back(disk: Disk) -> None:
    assert keep_reserve(disk.home)
    require(disk.home)
    disk.free = 0

    assert release(disk.home)

    assert (disk.home / room.NAME).stat().st_size == room.SIZE - room.ENOUGH
    with pytest.raises(DiskFull):
        require(disk.home)
    with for_erasing(disk.home):
        require(disk.home)
    disk.free = 50 * MIB
    require(disk.home)
    assert (disk.home / room.NAME).stat().st_size == room.SIZE


def test_others_may_take_what_it_gives_and_it_still_lasts_for_many_opt_outs(disk: Disk) -> None:
    keep_reserve(disk.home)
    disk.free = 0
    for _ in range(room.SIZE // room.ENOUGH):
        with for_erasing(disk.home):
            assert room.free_bytes(disk.home) >= room.ENOUGH
        disk.free -= room.free_bytes(disk.home)  # another program writes at once

    assert not release(disk.home)


def test_a_small_disk_gets_no_reserve_and_is_used_to_the_end(disk: Disk) -> None:
    disk.free = 2 * room.SIZE

    assert not keep_reserve(disk.home)
    require(disk.home)
    assert not (disk.home / room.NAME).exists()


@pytest.fixture
def database(tmp_path: Path) -> SQLiteDatabase:
    migrations = Migrations("toy")
    migrations(name="t")(lambda db: db.execute("CREATE TABLE t (x BLOB)"))
    return SQLiteDatabase(tmp_path / "t.db", migrations)


def test_a_write_that_does_not_fit_is_named_and_leaves_nothing(database: SQLiteDatabase) -> None:
    database.connection.execute("PRAGMA max_page_count = 5")
    with pytest.raises(DiskFull), database.write() as connection:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    with pytest.raises(DiskFull):
        database.change("INSERT INTO t VALUES (zeroblob(100000))")

    assert database.rows("SELECT * FROM t") == []
    assert DiskFull.status == 507


def test_while_the_reserve_is_in_use_orders_are_refused_and_erasing_goes_on(disk: Disk) -> None:
    migrations = Migrations("toy")
    migrations(name="t")(lambda db: db.execute("CREATE TABLE t (x BLOB)"))
    database = SQLiteDatabase(disk.home / "t.db", migrations)
    keep_reserve(disk.home)
    disk.free = 0
    release(disk.home)

    with pytest.raises(DiskFull):
        database.change("INSERT INTO t VALUES (1)")
    with for_erasing(disk.home):
        database.change("INSERT INTO t VALUES (2)")
    assert str(database.trouble()).startswith("t.db cannot be written")
    SQLiteDatabase(disk.home / "t.db", migrations)  # a server starts meanwhile
    disk.free = 50 * MIB
    database.change("INSERT INTO t VALUES (3)")
    assert [row["x"] for row in database.rows("SELECT x FROM t")] == [2, 3]


def test_a_key_is_revoked_on_a_full_disk_too(disk: Disk) -> None:
    access = Access(SQLiteDatabase(disk.home / "access.db", access_module.migrations), system_clock)
    access.create_key("mill", ["suggest"])
    keep_reserve(disk.home)
    disk.free = 0
    release(disk.home)
    with pytest.raises(DiskFull):
        access.create_key("mill", ["suggest"])

    assert access.revoke_key("mill", str(access.keys("mill")[0]["key_id"]))
    assert access.keys("mill") == []


class Full(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_line_of_the_log_that_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    before = structlog.get_config()
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OSError, match="No space"):
        structlog.get_logger().warning("a line")
    try:
        logs.never_raise()
        structlog.get_logger().warning("a line")
        print("and this", flush=True)  # noqa: T201 - whoever prints
    finally:
        structlog.configure(**before)


def test_an_error_about_shared_memory_is_the_full_disk_when_nothing_is_free(disk: Disk) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    disk.free = 0
    assert room.is_full(error, disk.home)
    disk.free = MIB
    assert not room.is_full(error, disk.home)
