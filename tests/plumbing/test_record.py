"""The record's rows: closed once, chained, checked; refusals counted; commands noted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from plumbing.access import watch
from plumbing.access.changes import ChangeRecord
from plumbing.access.heard import MOST_SOURCES, Refusals, address
from plumbing.access.tables import migrations
from plumbing.changes_cli import changes
from plumbing.cli import state_options
from plumbing.clock import DAY, HOUR, MINUTE
from plumbing.problem import Problem
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.state import State

START = 1_790_000_000_000_000


class Clock:
    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(state: State) -> Iterator[Database]:
    opened = state.database("access", migrations)
    yield opened
    opened.close()


@pytest.fixture
def record(database: Database, clock: Clock) -> ChangeRecord:
    made = ChangeRecord(database, clock, b"a key", keep_days=30)
    for n in range(5):
        clock.now += MINUTE
        made.add("grill", "user:a", "PUT /x", subject=f"thing {n}", earlier=n, later=n + 1)
    return made


def test_a_closed_row_is_whole_and_numbered(record: ChangeRecord) -> None:
    found, head = record.check("grill")

    assert found == []
    assert (head.first, head.last) == (0, 5)
    assert [row.number for row in record.latest("grill")] == [5, 4, 3, 2, 1]


def test_the_database_refuses_to_change_a_closed_row(record: ChangeRecord, database: Database) -> None:
    with pytest.raises((Problem, sqlite3.IntegrityError)):
        database.change("UPDATE changes SET who = 'user:b' WHERE number = 2")
    change_id = record.latest("grill")[0].change_id
    record.end("grill", change_id, "refused", "later")

    assert record.latest("grill")[0].state == "done"


OWN_HEAD = "UPDATE change_heads SET last = 4, last_hash = (SELECT hash FROM changes WHERE number = 4)"
TAMPERING: tuple[tuple[str, Callable[[Database], Any], str], ...] = (
    ("altered", lambda db: db.change("UPDATE changes SET who = 'user:b' WHERE number = 2"), "Altered: row 2"),
    ("later", lambda db: db.change("UPDATE changes SET later = '9' WHERE number = 5"), "Altered: row 5"),
    ("state", lambda db: db.change("UPDATE changes SET state = 'refused' WHERE number = 1"), "Altered: row 1"),
    ("removed", lambda db: db.change("DELETE FROM changes WHERE number = 3"), "Missing: row 3"),
    ("first", lambda db: db.change("DELETE FROM changes WHERE number = 1"), "Missing: row 1"),
    ("end", lambda db: db.change("DELETE FROM changes WHERE number > 3"), "Cut off: the end is missing from row"),
    ("all", lambda db: db.change("DELETE FROM changes"), "Cut off"),
    ("head", lambda db: db.change("DELETE FROM change_heads"), "head of the record is missing"),
    ("own head", lambda db: db.change("UPDATE change_heads SET last = 4"), "not written by this installation"),
    ("opened", lambda db: db.change("UPDATE changes SET number = 0 WHERE number = 5"), "Cut off"),
    (
        "swapped",
        lambda db: (
            db.change("UPDATE changes SET number = 99 WHERE number = 2"),
            db.change("UPDATE changes SET number = 2 WHERE number = 3"),
            db.change("UPDATE changes SET number = 3 WHERE number = 99"),
        ),
        "Altered: row 2",
    ),
    ("own head and end", lambda db: (db.change("DELETE FROM changes WHERE number = 5"), db.change(OWN_HEAD)),
     "not written by this installation"),
)  # fmt: skip


@pytest.mark.parametrize(("tamper", "found"), [row[1:] for row in TAMPERING], ids=[row[0] for row in TAMPERING])
def test_whatever_is_done_by_hand_is_found(
    record: ChangeRecord, database: Database, tamper: Callable[[Database], Any], found: str
) -> None:
    database.change("DROP TRIGGER changes_are_final")
    tamper(database)

    assert found in " ".join(record.check("grill")[0])


def test_another_key_writes_no_row_that_counts(record: ChangeRecord, database: Database, clock: Clock) -> None:
    ChangeRecord(database, clock, b"another key").add("grill", "user:a", "PUT /x")

    assert record.check("grill")[0]


def test_an_older_record_that_was_put_back_is_found(record: ChangeRecord, database: Database) -> None:
    rows = [tuple(row) for row in database.rows("SELECT * FROM changes")]
    (head,) = [tuple(row) for row in database.rows("SELECT * FROM change_heads")]
    record.add("grill", "user:a", "PUT /x", subject="covered up")
    _, kept = record.check("grill")
    database.change("DELETE FROM changes")
    database.change("DELETE FROM change_heads")
    for row in rows:
        database.change(f"INSERT INTO changes VALUES ({', '.join('?' * len(row))})", row)
    database.change("INSERT INTO change_heads VALUES (?, ?, ?, ?, ?, ?)", head)

    assert record.check("grill")[0] == []
    assert "Put back" in record.check("grill", (kept.last, kept.last_hash))[0][0]


def test_old_rows_go_and_the_chain_stays_verifiable(record: ChangeRecord, clock: Clock) -> None:
    _, kept = record.check("grill")
    clock.now += 30 * DAY - 2 * MINUTE
    record.tidy("grill")
    found, head = record.check("grill", (kept.last, kept.last_hash))
    assert (found, head.first, head.last) == ([], 2, 5)
    clock.now += DAY
    record.tidy("grill")
    record.add("grill", "user:a", "PUT /x", subject="new")

    found, head = record.check("grill")
    assert (found, head.first, head.last) == ([], 5, 6)


def test_a_change_that_nobody_ended_is_closed_as_unknown(record: ChangeRecord, clock: Clock) -> None:
    clock.now += MINUTE
    record.begin("grill", "user:a", "PUT /x", "half")
    clock.now += HOUR + MINUTE
    record.tidy("grill")

    row = record.latest("grill")[0]
    assert (row.state, row.subject, row.number) == ("unknown", "half", 6)
    assert record.check("grill")[0] == []


def test_rows_written_at_once_are_one_chain(record: ChangeRecord) -> None:
    def write(who: str) -> None:
        for _ in range(5):
            record.end("grill", record.begin("grill", who, "PUT /x"), "done")

    threads = [threading.Thread(target=write, args=(f"user:{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found, head = record.check("grill")
    assert (found, head.last) == ([], 25)


def test_a_flood_of_refusals_is_a_few_rows(record: ChangeRecord, clock: Clock) -> None:
    refusals = Refusals(record, clock)
    address.set("10.0.0.7")
    for _ in range(3_000):
        refusals.count("", "", "GET /x", "key_refused", refusals.source())
    for n in range(3 * MOST_SOURCES):
        refusals.count("", "", "GET /x", "key_refused", f"{n}")
    refusals.close()

    rows = record.latest("grill", 1_000, nobodys=True)
    counted = [row for row in rows if row.kind == "refusal"]
    assert sum(row.times for row in counted) == 3_000 + 3 * MOST_SOURCES
    assert len(counted) == MOST_SOURCES + 1
    assert max(row.times for row in counted) == 3_000
    assert "10.0.0.7" not in str(rows)


def test_what_cannot_be_written_now_is_counted_later(
    record: ChangeRecord, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals(record, clock)

    def busy(*_: object, **__: object) -> None:
        raise DatabaseBusy

    monkeypatch.setattr(record, "count", busy)
    refusals.count("grill", "", "GET /x", "key_refused", "a")
    refusals.flush()
    monkeypatch.undo()
    refusals.close()

    assert [row.times for row in record.latest("grill") if row.kind == "refusal"] == [1]


# Commands


def command(name: str, fails: bool = False) -> click.Command:
    """An administrative command, as `usual NAME`."""

    @click.command(name)
    @state_options
    @click.option("--scene", default="orders")
    @click.option("--secret", default="")
    def work(home: Path, tenant: str, scene: str, secret: str) -> None:
        if fails:
            raise click.ClickException("no")

    group = click.Group("usual")
    group.add_command(work)
    return group


def rows_of(home: Path) -> list[dict[str, Any]]:
    database = State(home).database("access", migrations)
    try:
        with closing(sqlite3.connect(home / "access.db")) as raw:
            raw.row_factory = sqlite3.Row
            return [dict(row) for row in raw.execute("SELECT * FROM changes ORDER BY at_us")]
    finally:
        database.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    State(tmp_path).database("access", migrations).close()
    return tmp_path


@pytest.mark.parametrize(("fails", "state"), [(False, "done"), (True, "refused")])
def test_a_command_has_its_row(home: Path, fails: bool, state: str) -> None:
    given = ["train", "--home", str(home), "--tenant", "grill", "--scene", "orders", "--secret", "MARKED"]
    CliRunner().invoke(command("train", fails), given)

    (row,) = rows_of(home)
    assert (row["kind"], row["route"], row["state"], row["subject"]) == ("command", "usual train", state, "orders")
    assert row["who"] == f"command:{watch.user()}"
    assert "MARKED" not in str(row)
    assert row["number"] == 1


def test_a_command_whose_row_cannot_be_written_does_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> str:
        raise DatabaseBusy

    monkeypatch.setattr(ChangeRecord, "begin", busy)
    refused = CliRunner().invoke(command("rollback"), ["rollback", "--home", str(home)])
    erased = CliRunner().invoke(command("forget"), ["forget", "--home", str(home)])

    assert refused.exit_code == 1
    assert "cannot be put on record" in refused.output
    assert erased.exit_code == 0


def test_the_check_says_whether_the_record_is_whole(home: Path) -> None:
    CliRunner().invoke(command("train"), ["train", "--home", str(home), "--tenant", "grill"])
    whole = CliRunner().invoke(changes, ["--home", str(home), "--check"])
    assert whole.exit_code == 0, whole.output
    assert "grill: whole" in whole.output
    kept = next(line for line in whole.output.splitlines() if line.startswith("grill:") and line.count(":") == 2)
    with closing(sqlite3.connect(home / "access.db")) as raw, raw:
        raw.execute("DROP TRIGGER changes_are_final")
        raw.execute("UPDATE changes SET who = 'command:nobody'")
    changed = CliRunner().invoke(changes, ["--home", str(home), "--check", "--kept", kept])

    assert changed.exit_code == 1
    assert "Altered: row 1" in changed.output


def test_the_command_lists_what_was_changed(home: Path) -> None:
    CliRunner().invoke(command("train"), ["train", "--home", str(home), "--tenant", "grill"])
    shown = CliRunner().invoke(changes, ["--home", str(home), "--tenant", "grill"])
    nothing = CliRunner().invoke(changes, ["--home", str(home), "--tenant", "grill", "--kind", "change"])

    assert "usual train" in shown.output
    assert "Nothing in the last 7 days" in nothing.output
