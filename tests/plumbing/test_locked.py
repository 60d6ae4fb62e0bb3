"""Another process holds a database: whoever can be answered without it is, everybody else hears of it fast."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask, request

from plumbing.access import access as access_module
from plumbing.access import known_keys
from plumbing.access.access import Access, Caller, KeyRefused
from plumbing.clock import system_clock
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.sqlite import SQLiteDatabase


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Access]:
    database = SQLiteDatabase(tmp_path / "access.db", access_module.migrations)
    yield Access(database, system_clock)
    database.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """As a repair by hand or a backup holds it: nobody can even read."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE keys SET site = site")
    try:
        yield
    finally:
        other.close()


def caller_of(access: Access, key: str, *scopes: str) -> Caller:
    with Flask(__name__).test_request_context(headers={"X-API-Key": key}):
        return access.authenticate(request, *scopes)


def test_a_key_stays_good_for_a_minute_while_its_database_is_held(access: Access, tmp_path: Path) -> None:
    key, unknown = (access.create_key("mill", ["suggest", "train"]) for _ in range(2))
    assert caller_of(access, key, "suggest").tenant == "mill"
    access._database.close()

    with held(tmp_path / "access.db"):
        began = time.monotonic()
        assert [caller_of(access, key, "suggest").tenant for _ in range(20)] == ["mill"] * 20
        assert time.monotonic() - began < 1.0
        with pytest.raises(DatabaseBusy):  # an operator's work waits
            caller_of(access, key, "train")
        with pytest.raises(DatabaseBusy):  # never seen: nobody knows whether it is good
            caller_of(access, unknown, "suggest")

    assert caller_of(access, unknown, "suggest").tenant == "mill"


def test_it_is_not_good_for_ever(access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = access.create_key("mill", ["suggest"])
    caller_of(access, key, "suggest")
    access._database.close()
    monkeypatch.setattr(known_keys, "STALE_S", -1.0)

    with held(tmp_path / "access.db"), pytest.raises(DatabaseBusy):
        caller_of(access, key, "suggest")


def test_a_revoked_key_is_refused_at_once_and_never_remembered(access: Access, tmp_path: Path) -> None:
    key = access.create_key("mill", ["suggest"])
    caller = caller_of(access, key, "suggest")
    access.revoke_key("mill", caller.key_id)
    with pytest.raises(KeyRefused):
        caller_of(access, key, "suggest")
    access._database.close()

    with held(tmp_path / "access.db"), pytest.raises(DatabaseBusy):
        caller_of(access, key, "suggest")


def test_a_writer_waits_two_seconds_at_most_also_behind_others(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "access.db", access_module.migrations)
    other = sqlite3.connect(tmp_path / "access.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    with pytest.raises(DatabaseBusy) as busy:
        database.change("DELETE FROM keys")

    assert time.monotonic() - began < 2.2
    assert busy.value.retry_after == 1
    other.close()
    database.close()


def test_who_is_hurried_waits_a_moment_once_and_then_not_at_all(tmp_path: Path) -> None:
    database = SQLiteDatabase(tmp_path / "access.db", access_module.migrations)
    other = sqlite3.connect(tmp_path / "access.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits = []
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(DatabaseBusy), database.hurried():
            database.change("DELETE FROM keys")
        waits.append(time.monotonic() - began)
    other.execute("ROLLBACK")

    assert waits[0] < 0.5
    assert max(waits[1:]) < 0.1
    with database.hurried():
        database.change("DELETE FROM keys")  # free again: nobody is turned away
    other.close()
    database.close()
