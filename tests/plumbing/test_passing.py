"""A throwaway database is made new whatever happens to its file, and fails nobody meanwhile."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography.fernet import Fernet

from plumbing import idempotency as idempotency_module
from plumbing import limits as limits_module
from plumbing.access.access import Caller
from plumbing.clock import MINUTE, system_clock
from plumbing.idempotency import Idempotency, Reply
from plumbing.limits import Limits
from plumbing.storage import passing
from plumbing.storage.passing import ThrowawayDatabase
from plumbing.storage.room import DiskFull
from tests.plumbing.damage import Wound, files_of, wounds

CALLER = Caller("mill", "k1", "till", "north", frozenset({"event"}))
TABLES = (limits_module.migrations, idempotency_module.migrations)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThrowawayDatabase]:
    database = ThrowawayDatabase(tmp_path / "m.db", *TABLES)
    yield database
    database.close()


def used(database: ThrowawayDatabase, times: int = 30) -> None:
    """Count and remember, so that every kind of page has content."""
    limits, once = Limits(database, system_clock), Idempotency(database, Fernet.generate_key(), system_clock)
    for n in range(times):
        limits.count("mill", f"presses {n}", window_us=MINUTE)
        once.run(CALLER, f"key-{n}-{token_hex(4)}", "x", lambda: Reply(200, {"text": "y" * 400}))


@pytest.mark.parametrize("wound", [wound for _, wound in wounds()], ids=[name for name, _ in wounds()])
def test_any_damage_is_mended_under_way_and_at_start(tmp_path: Path, wound: Wound) -> None:
    """Two processes on one file: both go on with one new file, and a third that starts finds it sound."""
    first, second = (ThrowawayDatabase(tmp_path / "m.db", *TABLES) for _ in range(2))
    used(first)
    for path in files_of(first.path):
        wound(path)

    used(first)
    used(second)
    limits = [Limits(each, system_clock) for each in (first, second)]
    counts = [limits[n % 2].count("mill", "same", window_us=MINUTE)[0] for n in range(4)]

    assert counts == [1, 2, 3, 4], "both count in the same file"
    assert (first.trouble(), second.trouble()) == (None, None)
    for path in files_of(first.path):
        wound(path)
    third = ThrowawayDatabase(tmp_path / "m.db", *TABLES)
    used(third)
    assert third.trouble() is None
    for each in (first, second, third):
        each.close()


def test_several_threads_make_one_new_file(store: ThrowawayDatabase) -> None:
    limits = Limits(store, lambda: 1_000 * MINUTE)
    store.path.write_bytes(b"nonsense" * 1000)
    errors: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(20):
                limits.count("mill", "same", window_us=MINUTE)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert limits.count("mill", "same", window_us=MINUTE)[0] >= 61, "what one thread had in its hands may be lost"


def test_a_transaction_is_done_again_as_a_whole(store: ThrowawayDatabase) -> None:
    tries: list[int] = []

    def work() -> str:
        tries.append(1)
        store.change("INSERT INTO windows VALUES ('mill', 'a', 0, 1)")
        if len(tries) == 1:
            raise sqlite3.DatabaseError("database disk image is malformed")
        return "done"

    assert store.together(work) == "done"
    assert store.rows("SELECT COUNT(*) FROM windows")[0][0] == 1


def test_a_file_that_somebody_keeps_locked_is_replaced(
    store: ThrowawayDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_busy_ms", 20)
    store.connection.execute("PRAGMA busy_timeout=20")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    assert Limits(store, system_clock).count("mill", "a", window_us=MINUTE)[0] == 1
    assert store.trouble() is None
    other.close()


def test_without_any_room_this_process_goes_on_in_memory_and_readiness_says_so(
    store: ThrowawayDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: ThrowawayDatabase, path: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(ThrowawayDatabase, "_make", full)
    store.path.unlink()
    limits = Limits(store, system_clock)

    assert [limits.count("mill", "a", window_us=MINUTE)[0] for _ in range(3)] == [1, 2, 3]
    assert "memory" in str(store.trouble())
    monkeypatch.undo()
    monkeypatch.setattr(passing, "MEMORY_S", 0.0)
    store._memory_until = 0.0
    assert limits.count("mill", "a", window_us=MINUTE)[0] == 1, "back on the disk"
    assert store.trouble() is None


def test_a_store_that_cannot_be_made_at_start_stops_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(self: ThrowawayDatabase, path: Path) -> None:
        raise DiskFull

    monkeypatch.setattr(ThrowawayDatabase, "_make", nowhere)
    monkeypatch.setattr("plumbing.storage.passing.process_lock", no_lock)
    database = ThrowawayDatabase(tmp_path / "m.db", *TABLES)

    used_limits = Limits(database, system_clock)
    assert used_limits.count("mill", "a", window_us=MINUTE)[0] == 1


def no_lock(path: Path) -> None:
    raise OSError(28, os.strerror(28))


def test_an_older_file_with_its_log_is_taken_over(tmp_path: Path) -> None:
    """Of a version that kept a `-wal` and a `-shm` file."""
    old = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    old.execute("PRAGMA journal_mode=WAL")
    old.execute("CREATE TABLE windows (tenant TEXT, name TEXT, opened_us INTEGER, count INTEGER)")
    old.execute("INSERT INTO windows VALUES ('mill', 'a', 0, 7)")

    database = ThrowawayDatabase(tmp_path / "m.db", *TABLES)

    assert Limits(database, system_clock).count("mill", "b", window_us=MINUTE)[0] == 1
    assert files_of(database.path) == [database.path]
    database.close()
    old.close()
