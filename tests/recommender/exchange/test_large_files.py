"""A file of events of any size: constant memory, all or nothing, every wrong row counted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plumbing.columns import MOST_OF_A_ROW
from recommender.errors import BadRows, FileUnreadable, RowProblem
from recommender.exchange import event_files, files, sorted_rows
from recommender.exchange.files import import_file
from recommender.exchange.problems import Problems
from recommender.exchange.sorted_rows import SortedRows
from recommender.store import imports
from tests.recommender.service_fixtures import NOON, World

EVENTS = "event_id,type,occurred_at,customer,item_id,quantity\n"
AT = "2026-11-20T12:00:00+01:00"
TABLES = ("events", "lines", "imports")
Take = Callable[..., int]


@pytest.fixture
def take(world: World, tmp_path: Path) -> Take:
    """Write rows to a file and take it in."""

    def work(rows: str, what: str = "events", name: str = "file.csv", **options: object) -> int:
        path = tmp_path / name
        path.write_text(rows)
        service = world.half.service
        return import_file(service, service.stores, what, path, "grill", NOON, **options)  # type: ignore[arg-type]

    return work


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows, and files of several sizes."""
    monkeypatch.setattr(sorted_rows, "MOST_FILES", 3)
    monkeypatch.setattr(event_files, "PART_BYTES", 1_500)
    monkeypatch.setattr(event_files, "CHECKED_AT_ONCE", 7)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def counts(world: World) -> list[int]:
    return [world.count(table) for table in TABLES]


def test_rows_of_one_event_are_found_wherever_they_stand(world: World, take: Take, small_parts: None) -> None:
    rows = [f"e{n:03},ordered,{AT},ann,{item},1\n" for n in range(150) for item in ("cola", "burger")]
    random.Random(5).shuffle(rows)

    assert take(EVENTS + "".join(rows)) == 150
    assert counts(world) == [150, 300, 0]
    assert take(EVENTS + "".join(rows)) == 0


def test_the_same_event_twice_is_named_however_far_apart(world: World, take: Take, small_parts: None) -> None:
    rows = [f"e{n:03},ordered,{AT},ann,cola,1\n" for n in range(150)]

    with pytest.raises(BadRows) as caught:
        take(EVENTS + "".join(rows) + rows[3])

    assert [(one.row, one.message) for one in caught.value.wrong] == [(152, "event_id 'e003' is in row 5 too")]
    assert counts(world) == [0, 0, 0]


def test_sorted_rows_come_back_in_order_as_often_as_asked_and_leave_no_file(tmp_path: Path) -> None:
    keys = [("", f"{n:05}", n) for n in range(2_000)]
    random.Random(1).shuffle(keys)
    with closing(SortedRows(tmp_path, part_bytes=4_000)) as rows:
        for key in keys:
            rows.add(key, {"number": key[2], "text": "ü\t\n"})
        assert list(tmp_path.iterdir()) == [], "a file with a name would outlive a kill"
        first, again = list(rows), list(rows)

    assert [key for key, _ in first] == sorted(keys)
    assert first == again
    assert first[7][1] == {"number": 7, "text": "ü\t\n"}


def test_files_are_merged_before_too_many_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_rows, "MOST_FILES", 4)
    before = open_files()
    with closing(SortedRows(tmp_path, part_bytes=1_000)) as rows:
        for n in range(2_000):
            rows.add(("", f"{n % 977:05}", n), {})
        assert open_files() - before < 25
        assert [key for key, _ in rows] == sorted(("", f"{n % 977:05}", n) for n in range(2_000))
    assert open_files() == before


def test_all_wrong_rows_are_counted_and_the_first_are_named(world: World, take: Take) -> None:
    rows = "".join(f"e{n},ordered,{AT},ann,{'cola' if n % 2 else 'pizza'},1\n" for n in range(24_000))

    with pytest.raises(BadRows) as caught:
        take(EVENTS + rows)

    error = caught.value
    assert error.total == 12_000
    assert [one.row for one in error.wrong] == list(range(2, 20_002, 2))
    assert "rows 2, 4, 6, 8, 10 and 9,995 more: there is no 'pizza'" in error.detail
    assert error.detail.endswith("12,000 x there is no 'pizza' in the catalogue of items. Nothing was stored.")
    entry = world.half.service.stores.import_log.latest("grill", 1)[0]
    assert (entry.state, entry.wrong, entry.rows_read) == ("refused", 12_000, 0)


def test_problems_keep_the_first_rows_whatever_order_they_are_found_in() -> None:
    problems = Problems(most=3)
    for row in (9, 2, 7, 2, 8, 1):
        problems.add(RowProblem(row, f"{problems.count}"))

    assert [(one.row, one.message) for one in problems.first()] == [(1, "5"), (2, "1"), (2, "3")]
    assert problems.count == 6


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_file(world: World, tmp_path: Path, ending: str) -> None:
    """Fifteen times the file, the same memory. Refused at its end, so that nothing is stored in between."""

    def peak_mb(n: int) -> float:
        path = tmp_path / f"{n}.{ending}"
        with path.open("w") as file:
            file.write(EVENTS if ending == "csv" else "")
            for number in range(n):
                one = {"event_id": f"{number}", "type": "ordered", "occurred_at": AT, "customer": "ann"}
                one |= {"item_id": "cola"}
                file.write(f"{number},ordered,{AT},ann,cola,1\n" if ending == "csv" else json.dumps(one) + "\n")
            file.write("last,ordered\n" if ending == "csv" else "{\n")
        Path("/proc/self/clear_refs").write_text("5")
        service, last = world.half.service, n + (2 if ending == "csv" else 1)
        with pytest.raises(BadRows, match=f"row {last}"):
            import_file(service, service.stores, "events", path, "grill", NOON)
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_files, "PART_BYTES", 2**20)
        small, large = peak_mb(6_000), peak_mb(90_000)

    assert large - small < 15


def test_a_line_without_an_end_is_a_wrong_row(world: World, take: Take) -> None:
    good = json.dumps({"event_id": "e", "type": "ordered", "occurred_at": AT, "item_id": "cola"})
    long = '{"a": "' + "x" * (3 * MOST_OF_A_ROW) + '"}'

    with pytest.raises(BadRows) as caught:
        take(f"{good}\n{long}\n{good}\n[]\n", name="file.jsonl")

    assert [one.row for one in caught.value.wrong] == [2, 3, 4]
    assert "longer than 1,048,576 letters" in caught.value.wrong[0].message


def test_a_quote_that_is_never_closed_is_not_read_to_the_end(take: Take) -> None:
    with pytest.raises(FileUnreadable):
        take(EVENTS + 'e,ordered,"' + ("x" * 99 + "\n") * 100_000)


def test_the_rows_of_one_endless_event_are_one_wrong_row(world: World, take: Take) -> None:
    rows = "".join(f"e,ordered,{AT},ann,item{n},1\n" for n in range(3_000))

    with pytest.raises(BadRows) as caught:
        take(EVENTS + rows)

    assert [one.row for one in caught.value.wrong] == [2]
    assert "at most 200 items" in caught.value.wrong[0].message


def test_a_catalogue_that_is_none_is_refused_before_it_fills_the_memory(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_OF_A_CATALOGUE", 2**20)
    with pytest.raises(FileUnreadable, match="Import it in parts"):
        take("item_id,name,price\n" + "".join(f"i{n},Item,1\n" for n in range(200_000)), "items")


@pytest.mark.parametrize("at", ["reading", "checking", "storing"])
def test_ctrl_c_leaves_nothing(world: World, take: Take, small_parts: None, at: str) -> None:
    shares: list[float] = []

    def stop(stage: str, share: float) -> None:
        shares.append(share)
        if stage == at and (stage != "storing" or world.count("events")):
            raise KeyboardInterrupt

    rows = EVENTS + "".join(f"e{n},ordered,{AT},ann,cola,1\n" for n in range(30_000))
    with pytest.raises(KeyboardInterrupt):
        take(rows, show=stop)

    assert counts(world) == [0, 0, 0]
    assert shares == sorted(shares)
    assert world.half.service.stores.import_log.latest("grill", 1)[0].state == "stopped"
    assert [path for path in world.home.iterdir() if path.name.startswith("tmp")] == []


def test_what_was_taken_back_stays_away_and_a_conflict_names_its_own_row(world: World, take: Take) -> None:
    """Rows that are left out do not shift the numbers of the others."""
    assert take(EVENTS + f"a,ordered,{AT},ann,cola,1\nz,ordered,{AT},ann,cola,1\n") == 2
    service = world.half.service
    own = service.stores.own.find("grill", "ann", "a")
    service.stores.own.take_back("grill", "ann", own)

    with pytest.raises(BadRows, match=r"^row 3: .*used before"):
        take(EVENTS + f"a,ordered,{AT},ann,cola,1\nz,ordered,{AT},ann,cola,9\n")


def test_removing_what_a_large_import_left_does_not_sort_it_for_every_part(world: World) -> None:
    plan = world.half.service.database.rows("EXPLAIN QUERY PLAN " + imports.FOUND, ("grill", "x", 5))

    assert "SORT" not in " ".join(str(row["detail"]) for row in plan).upper().replace("ORDER", "SORT")


@pytest.mark.parametrize(
    ("path", "key", "limit", "command"),
    [
        ("/events", None, "At most 2097152 bytes", "usual import events FILE"),
        ("/items", "desk", "At most 16777216 bytes", "usual import items|places|offers FILE"),
    ],
)
def test_a_request_that_is_too_large_says_the_limit_and_the_command(
    world: World, path: str, key: str | None, limit: str, command: str
) -> None:
    options = {"key": key} if key else {}
    reply = world.call("POST", path, data=b"x" * (16 * 2**20 + 1), **options)

    assert (reply.status_code, reply.json["code"]) == (413, "body_too_large")
    assert limit in reply.json["detail"]
    assert command in reply.json["detail"]
