"""What both halves use: databases, keys, limits, idempotency, files."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask, request
from sqlite_utils.migrations import Migrations

from plumbing import idempotency as idempotency_module
from plumbing import limits as limits_module
from plumbing.access import access as access_module
from plumbing.access.access import Access, Caller, KeyRefused, PairingRefused, ScopeMissing
from plumbing.clock import DAY, SECOND
from plumbing.handover import RecommenderUnreachable, erasures
from plumbing.idempotency import Idempotency, IdempotencyConflict, Reply, StillRunning
from plumbing.limits import Limits, TooManyRequests
from plumbing.settings import Config, WrongSetting
from plumbing.storage import alive
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.files import load_or_create_secret, write_atomic
from plumbing.storage.journal import AGAIN_S
from plumbing.storage.room import DiskFull
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State
from tests.engines import stored

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
CALLER = Caller("mill", "k1", "till", "north", frozenset({"event"}))


class Clock:
    """A clock that moves only when a test sets it."""

    def __init__(self) -> None:
        self.now = 1_000 * DAY

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(state: State, clock: Clock) -> Iterator[Access]:
    database = state.database("access", access_module.migrations)
    yield Access(database, clock)
    database.close()


def caller_of(access: Access, *scopes: str, **headers: str) -> Caller:
    with Flask(__name__).test_request_context(headers=headers):
        return access.authenticate(request, *scopes)


class TestAccess:
    def test_a_key_opens_its_scopes_and_says_whose_it_is(self, access: Access) -> None:
        key = access.create_key("mill", ["suggest"], device="till", site="north")

        caller = caller_of(access, "suggest", **{"X-API-Key": key})

        assert (caller.tenant, caller.device, caller.site) == ("mill", "till", "north")

    def test_a_scope_that_was_not_given_is_refused(self, access: Access) -> None:
        key = access.create_key("mill", ["suggest"])

        with pytest.raises(ScopeMissing):
            caller_of(access, "train", **{"X-API-Key": key})

    def test_a_request_may_need_several_scopes(self, access: Access) -> None:
        key = access.create_key("mill", ["identify", "suggest"])

        assert caller_of(access, "identify", "suggest", **{"X-API-Key": key}).tenant == "mill"
        with pytest.raises(ScopeMissing, match="train"):
            caller_of(access, "identify", "train", **{"X-API-Key": key})

    def test_no_key_a_wrong_key_an_expired_and_a_revoked_one_look_the_same(
        self, access: Access, clock: Clock
    ) -> None:
        old = access.create_key("mill", ["suggest"], days=1)
        clock.now += 1
        gone = access.create_key("mill", ["suggest"])
        assert access.revoke_key("mill", str(access.keys("mill")[1]["key_id"]))
        clock.now += 2 * DAY

        for headers in ({}, {"X-API-Key": "usual-k1-guess"}, {"X-API-Key": old}, {"X-API-Key": gone}):
            with pytest.raises(KeyRefused):
                caller_of(access, "suggest", **headers)

    def test_two_keys_are_good_at_once_so_that_keys_can_be_changed(self, access: Access) -> None:
        keys = [access.create_key("mill", ["suggest"]) for _ in range(2)]

        assert len({caller_of(access, "suggest", **{"X-API-Key": key}).key_id for key in keys}) == 2

    def test_the_database_holds_no_key(self, access: Access, state: State) -> None:
        key = access.create_key("mill", ["suggest"])

        assert key.removeprefix("usual-k1-").encode() not in stored(state)

    def test_a_pairing_code_works_once(self, access: Access) -> None:
        code = access.create_pairing("mill", "kiosk", device="till")
        page, key = access.pair(code)

        assert page == "kiosk"
        assert (
            caller_of(access, "enrol", Cookie=f"usual_kiosk={key}", **{"X-Usual-Page": "kiosk"}).device == "till"
        )
        with pytest.raises(PairingRefused):
            access.pair(code)

    def test_an_expired_pairing_code_is_refused(self, access: Access, clock: Clock) -> None:
        code = access.create_pairing("mill", "kiosk", device="till", days=1)
        clock.now += 2 * DAY

        with pytest.raises(PairingRefused):
            access.pair(code)

    def test_a_cookie_without_the_page_header_opens_nothing(self, access: Access) -> None:
        _, key = access.pair(access.create_pairing("mill", "kiosk", device="till"))

        with pytest.raises(KeyRefused):
            caller_of(access, "suggest", Cookie=f"usual_kiosk={key}")

    def test_unknown_scopes_and_pages_are_named(self, access: Access) -> None:
        with pytest.raises(ValueError, match="fly"):
            access.create_key("mill", ["fly"])
        with pytest.raises(ValueError, match="roof"):
            access.create_pairing("mill", "roof", device="x")


@pytest.fixture
def passing(state: State) -> Iterator[Database]:
    """Tables that may be lost: counters and kept replies."""
    database = state.passing("access-moments", limits_module.migrations, idempotency_module.migrations)
    yield database
    database.close()


class TestLimits:
    def test_a_request_over_the_limit_gets_a_retry_time(self, passing: Database, clock: Clock) -> None:
        limits = Limits(passing, clock)
        for _ in range(3):
            limits.allow("mill", "presses", most=3, window_us=60 * SECOND)
        clock.now += 20 * SECOND

        with pytest.raises(TooManyRequests) as refused:
            limits.allow("mill", "presses", most=3, window_us=60 * SECOND)

        assert refused.value.retry_after == 40

    def test_a_new_window_a_clear_and_another_tenant_start_from_zero(
        self, passing: Database, clock: Clock
    ) -> None:
        limits = Limits(passing, clock)
        limits.allow("mill", "presses", most=1, window_us=SECOND)

        limits.allow("cab", "presses", most=1, window_us=SECOND)
        clock.now += SECOND
        limits.allow("mill", "presses", most=1, window_us=SECOND)
        limits.clear("mill", "presses")
        limits.allow("mill", "presses", most=1, window_us=SECOND)

    def test_windows_that_have_ended_are_forgotten(self, passing: Database, clock: Clock) -> None:
        limits = Limits(passing, clock)
        for address in range(30):
            limits.allow("", f"wrong pairing codes from {address}", most=1, window_us=SECOND)
        clock.now += 2 * 3600 * SECOND

        limits.allow("", "wrong pairing codes from 31", most=1, window_us=SECOND)

        assert len(passing.rows("SELECT * FROM windows")) == 1

    def test_a_clock_set_back_does_not_lock_anybody_out(self, passing: Database, clock: Clock) -> None:
        limits = Limits(passing, clock)
        limits.allow("mill", "presses", most=1, window_us=SECOND)
        clock.now -= 3600 * SECOND

        limits.allow("mill", "presses", most=1, window_us=SECOND)


class TestIdempotency:
    @pytest.fixture
    def once(self, passing: Database, clock: Clock) -> Idempotency:
        return Idempotency(passing, Fernet.generate_key(), clock)

    @pytest.mark.parametrize("one_transaction", [True, False])
    def test_the_second_time_gives_the_first_answer_without_doing_it_again(
        self, once: Idempotency, one_transaction: bool
    ) -> None:
        done: list[int] = []

        def work() -> Reply:
            done.append(1)
            return Reply(201, {"n": len(done)})

        replies = [once.run(CALLER, "abc", "POST /x {}", work, one_transaction=one_transaction) for _ in range(2)]

        assert replies == [Reply(201, {"n": 1})] * 2
        assert len(done) == 1

    def test_the_same_key_for_something_else_is_a_conflict(self, once: Idempotency) -> None:
        once.run(CALLER, "abc", "one", lambda: Reply(200, {}))

        with pytest.raises(IdempotencyConflict):
            once.run(CALLER, "abc", "two", lambda: Reply(200, {}))

    @pytest.mark.parametrize("one_transaction", [True, False])
    def test_a_failure_frees_the_key(self, once: Idempotency, one_transaction: bool) -> None:
        def fail() -> Reply:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError):
            once.run(CALLER, "abc", "one", fail, one_transaction=one_transaction)

        assert once.run(CALLER, "abc", "one", lambda: Reply(200, {}), one_transaction=one_transaction) == Reply(
            200, {}
        )

    def test_a_second_request_while_the_first_runs_must_wait(self, once: Idempotency) -> None:
        def first() -> Reply:
            with pytest.raises(StillRunning):
                once.run(CALLER, "abc", "one", lambda: Reply(200, {}))
            return Reply(200, {})

        once.run(CALLER, "abc", "one", first)

    def test_replies_are_forgotten_after_a_day_and_never_stored_in_the_clear(
        self, once: Idempotency, clock: Clock, state: State
    ) -> None:
        once.run(CALLER, "abc", "one", lambda: Reply(200, {"receipt": "plain-receipt"}))
        assert b"plain-receipt" not in stored(state)
        clock.now += 2 * DAY

        assert once.run(CALLER, "abc", "two", lambda: Reply(200, {"n": 2})).body == {"n": 2}

    def test_old_replies_are_deleted_with_a_later_request_also_after_the_clock_was_set_back(
        self, once: Idempotency, passing: Database, clock: Clock
    ) -> None:

        def ask(name: str) -> int:
            once.run(CALLER, name, "one", lambda: Reply(200, {}))
            return int(passing.rows("SELECT COUNT(*) FROM replies")[0][0])

        assert [ask("a"), ask("b")] == [1, 2]
        clock.now += 2 * DAY
        assert ask("c") == 1
        clock.now -= 4 * DAY
        assert ask("d") == 2
        clock.now += 2 * DAY
        assert ask("e") == 2

    def test_replies_have_a_budget_for_each_api_key_and_the_oldest_go_first(
        self, once: Idempotency, passing: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(idempotency_module, "MOST_ROWS", 40)
        monkeypatch.setattr(idempotency_module, "MOST_BYTES", 20_000)
        other = dataclasses.replace(CALLER, key_id="k2")
        once.run(other, "theirs", "one", lambda: Reply(200, {}))

        def held(most_text: int) -> tuple[int, int, int]:
            for n in range(220):
                clock.now += 1
                once.run(CALLER, f"n{most_text}-{n}", "one", lambda: Reply(200, {"text": "x" * most_text}))
            [row] = passing.rows(
                "SELECT COUNT(*), SUM(LENGTH(reply)), MIN(made_us) FROM replies WHERE key_id = 'k1'"
            )
            return tuple(row)

        rows, _, oldest = held(10)
        assert rows <= 40 + idempotency_module.TRIM_EVERY
        assert oldest >= clock.now - 40 - idempotency_module.TRIM_EVERY
        rows, size, _ = held(2_000)
        assert size <= 20_000 + idempotency_module.TRIM_EVERY * 3_000
        assert passing.rows("SELECT COUNT(*) FROM replies WHERE key_id = 'k2'")[0][0] == 1
        huge = Reply(200, {"text": "x" * 300_000})
        assert once.run(CALLER, "huge", "one", lambda: huge) == huge
        assert passing.rows("SELECT COUNT(*) FROM replies WHERE name = 'huge'")[0][0] == 0

    def test_the_key_of_a_process_that_was_killed_is_free_at_once(
        self, once: Idempotency, clock: Clock, state: State
    ) -> None:
        def killed() -> Reply:
            os._exit(9)

        child = os.fork()
        if child == 0:
            database = state.passing("access-moments", limits_module.migrations, idempotency_module.migrations)
            Idempotency(database, once._key, clock).run(CALLER, "abc", "one", killed)
        os.waitpid(child, 0)

        assert once.run(CALLER, "abc", "one", lambda: Reply(200, {"n": 2})).body == {"n": 2}
        assert once.run(CALLER, "abc", "one", lambda: Reply(200, {"n": 3})).body == {"n": 2}

    def test_a_request_of_another_machine_is_taken_for_killed_after_its_time(
        self, once: Idempotency, passing: Database, clock: Clock
    ) -> None:
        """Which of its processes run cannot be known here."""

        def first() -> Reply:
            start, _, rest = alive.mark().partition("@")
            passing.change("UPDATE replies SET holder = ?", (f"{start}@elsewhere {rest.partition(' ')[2]}",))
            with pytest.raises(StillRunning):
                once.run(CALLER, "abc", "one", lambda: Reply(200, {}))
            clock.now += idempotency_module.LONGEST_US
            return once.run(CALLER, "abc", "one", lambda: Reply(200, {"n": 2}))

        assert once.run(CALLER, "abc", "one", first).body == {"n": 2}

    def test_a_damaged_reply_is_made_again(self, once: Idempotency, passing: Database) -> None:
        once.run(CALLER, "abc", "one", lambda: Reply(200, {}))
        passing.change("UPDATE replies SET reply = ?", (b"noise",))

        assert once.run(CALLER, "abc", "one", lambda: Reply(200, {"n": 2})).body == {"n": 2}

    def test_a_store_that_cannot_remember_fails_no_request(
        self, once: Idempotency, passing: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for error in (DatabaseBusy(), DiskFull()):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(passing, "change", fail)
                assert once.run(CALLER, "abc", "one", lambda: Reply(200, {"n": 1})).body == {"n": 1}

    def test_replies_of_the_older_format_are_still_given(self, tmp_path: Path) -> None:
        """The file is of version 0.2.0."""
        shutil.copy(FIXTURES / "recommender-0.2.0.db", tmp_path / "recommender.db")
        database = SQLiteDatabase(tmp_path / "recommender.db", idempotency_module.migrations)
        key = b"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
        once = Idempotency(database, key, lambda: 1_700_000_000_000_000)
        caller = Caller("mill", "k1", "till", "market", frozenset())

        assert once.run(caller, "monday", "one", lambda: Reply(500, {})) == Reply(201, {"accepted": 1})


class TestAlive:
    def test_a_process_is_known_by_its_start_and_others_by_nothing(self) -> None:
        boot, space, number, started = alive.mark().split(" ")

        assert alive.may_run(alive.mark())
        assert not alive.may_run(f"{boot} {space} {number} {int(started) + 1}"), "the number was used again"
        assert not alive.may_run(f"{boot} {space} 4194303 {started}"), "it has ended"
        machine = boot.partition("@")[2]
        assert not alive.may_run(f"another-start@{machine} {space} {number} {started}"), "it was started again"
        assert not alive.may_run(f"another-start {space} {number} {started}"), "of a version without machines"
        assert alive.may_run(f"another-start@elsewhere {space} {number} {started}"), "of another machine"
        assert alive.may_run(f"{boot} pid:[1] {number} 1"), "of another container: it may run"
        assert alive.may_run(""), "of a version that left no mark"


class TestTheDatabase:
    @pytest.fixture
    def database(self, tmp_path: Path) -> SQLiteDatabase:
        migrations = Migrations("toy")
        migrations(name="t")(lambda db: db.execute("CREATE TABLE t (x INTEGER)"))
        return SQLiteDatabase(tmp_path / "t.db", migrations)

    def test_a_failed_write_leaves_nothing_also_when_nested(self, database: SQLiteDatabase) -> None:
        with pytest.raises(RuntimeError), database.write() as outer:  # noqa: PT012
            outer.execute("INSERT INTO t VALUES (1)")
            with database.write() as inner:
                inner.execute("INSERT INTO t VALUES (2)")
            raise RuntimeError

        assert database.rows("SELECT * FROM t") == []

    def test_a_locked_database_is_named_and_stores_nothing(
        self, database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database.connection.execute("PRAGMA busy_timeout=1")
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(DatabaseBusy), database.write():
            pass

        other.execute("ROLLBACK")
        other.close()

    def test_deleted_bytes_are_not_called_gone_while_somebody_reads_them(self, database: SQLiteDatabase) -> None:
        journal = database.path.with_name(database.path.name + "-wal")
        with database.write() as connection:
            connection.execute("CREATE TABLE names (name TEXT)")
            connection.execute("INSERT INTO names VALUES ('a customer')")
        reader = sqlite3.connect(database.path, isolation_level=None)
        reader.execute("BEGIN")  # a training or a report that is not at its end
        reader.execute("SELECT name FROM names").fetchall()
        database.change("DELETE FROM names")

        with pytest.raises(DatabaseBusy):
            database.scrub()
        database.scrub_soon()
        assert b"a customer" in journal.read_bytes()

        reader.close()
        time.sleep(AGAIN_S)
        database.change("INSERT INTO t VALUES (1)")
        assert b"a customer" not in journal.read_bytes()
        database.scrub()

    def test_threads_that_read_then_write_never_lose_a_count(self, database: SQLiteDatabase) -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO t VALUES (0)")

        def bump() -> None:
            for _ in range(50):
                with database.write() as connection:
                    (x,) = connection.execute("SELECT x FROM t").fetchone()
                    connection.execute("UPDATE t SET x = ?", (x + 1,))

        threads = [threading.Thread(target=bump) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [row["x"] for row in database.rows("SELECT x FROM t")] == [200]

    def test_threads_queue_for_writing_and_do_not_poll(
        self, database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite gives up at once here (busy_timeout=0), so the second thread waits for the lock in Python."""
        inside, order = threading.Event(), []

        def second() -> None:
            database.connection.execute("PRAGMA busy_timeout=0")
            inside.wait()
            database.change("INSERT INTO t VALUES (2)")
            order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with database.write() as connection:
            inside.set()
            thread.join(0.2)
            connection.execute("INSERT INTO t VALUES (1)")
            order.append("first")
        thread.join()

        assert order == ["first", "second"]
        assert [row["x"] for row in database.rows("SELECT x FROM t")] == [1, 2]
        monkeypatch.setattr("plumbing.storage.sqlite.BUSY_TIMEOUT_MS", 1)
        with database._writing, pytest.raises(DatabaseBusy):
            database.change("INSERT INTO t VALUES (3)")

    def test_a_change_is_a_transaction_of_its_own_or_part_of_one(self, database: SQLiteDatabase) -> None:
        [row] = database.change("INSERT INTO t VALUES (1) RETURNING x")
        with pytest.raises(RuntimeError), database.write():  # noqa: PT012
            database.change("INSERT INTO t VALUES (2)")
            raise RuntimeError

        assert row["x"] == 1
        assert [row["x"] for row in database.rows("SELECT x FROM t")] == [1]
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        database.connection.execute("PRAGMA busy_timeout=1")
        with pytest.raises(DatabaseBusy):
            database.change("INSERT INTO t VALUES (3)")
        other.close()

    def test_deleted_bytes_are_gone_from_every_file_after_a_scrub(self, database: SQLiteDatabase) -> None:
        with database.write() as connection:
            connection.execute("CREATE TABLE s (x TEXT)")
            connection.execute("INSERT INTO s VALUES ('magic-secret-text')")
        with database.write() as connection:
            connection.execute("DELETE FROM s")
        database.scrub()

        assert all(b"magic-secret-text" not in path.read_bytes() for path in database.path.parent.iterdir())


class TestFiles:
    def test_a_write_replaces_the_whole_file_and_leaves_no_draft(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "f.json"
        write_atomic(path, b"old")
        write_atomic(path, json.dumps({"a": 1}).encode())

        assert path.read_bytes() == b'{"a": 1}'
        assert list(path.parent.iterdir()) == [path]

    def test_a_secret_is_made_once_and_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "token.key"

        assert load_or_create_secret(path, b"first") == b"first"
        assert load_or_create_secret(path, b"second") == b"first"
        assert path.stat().st_mode & 0o077 == 0
        assert list(tmp_path.iterdir()) == [path]


class TestHandover:
    @pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
    def test_a_recommender_that_is_not_there_is_named_and_nothing_is_lost_in_silence(
        self, url: str | None
    ) -> None:
        with pytest.raises(RecommenderUnreachable):
            erasures(url, "usual-k1-key")("usual-t1.token")


class TestSettings:
    def test_the_processes_of_the_server_get_the_same_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        config = Config(home=Path("somewhere"), pack="open-model-zoo", models=Path("packs"), only="identity")
        for name, text in config.to_environment().items():
            monkeypatch.setenv(name, text)

        assert Config.from_environment() == config

    def test_an_empty_variable_counts_as_unset_and_numbers_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("USUAL_PACK", "")
        monkeypatch.setenv("USUAL_ENGINES", "3")

        assert (Config.from_environment().pack, Config.from_environment().engines) == ("dlib", 3)

    def test_a_wrong_number_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("USUAL_ENGINES", "many")

        with pytest.raises(ValueError, match="USUAL_ENGINES: "):
            Config.from_environment()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ENGINES", "-1"),
            ("THREADS", "0"),
            ("ONLY", "foo"),
            ("LEAST_PEOPLE", "3"),
            ("SERVED_KM", "abc"),
            ("PLACE", "casino"),
            ("RETENTION_MONTHS", "0"),
            ("RETENTION_MONTHS", "37"),
            ("MINIMUM_AGE", "15"),
            ("ORGANISATION", "x" * 81),
            ("CONTACT", "two\nlines"),
            ("CONTACT", "two\u2028lines"),
        ],
    )
    def test_a_value_that_cannot_be_is_refused_by_the_name_of_its_variable(
        self, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"USUAL_{name}", value)

        with pytest.raises(WrongSetting, match=f"^USUAL_{name}: "):
            Config.from_environment()

    def test_the_environment_does_not_change_settings_that_code_makes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("USUAL_PACK", "open-model-zoo")

        assert Config().pack == "dlib"
