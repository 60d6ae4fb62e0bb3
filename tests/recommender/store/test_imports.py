"""A large file is imported whole or not at all, and no order waits for it."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from plumbing.storage import alive
from plumbing.storage.sqlite import BULK_CACHE_KIB, CACHE_KIB, SQLiteDatabase
from plumbing.storage.state import State
from recommender.errors import Erased, EventConflict
from recommender.scene import Event, OrderLine, Reduced
from recommender.store import imports, open_database
from recommender.store.events import EventStore
from recommender.store.imports import record_in_parts, remove_abandoned, settle_rest
from recommender.store.living import Living

NOW = 1_700_000_000_000_000


def event(n: int, customer: str = "") -> Event:
    return Event(f"e{n}", "ordered", "orders", customer, NOW + n, 12.0, 1, (OrderLine("tea"), OrderLine("pie")))


@pytest.fixture
def store(state: State) -> Iterator[EventStore]:
    database = open_database(state)
    yield EventStore(database, b"k" * 32)
    database.close()


def seen(store: EventStore) -> tuple[int, int, int, int]:
    """How many events every kind of question sees."""
    return (
        store.counts("mill").get("ordered", 0),
        len(store.latest("mill", "ordered", 10_000, 1)) // 2,
        len(store.everything("mill", "ordered")) // 2,
        len(list(store.export("mill"))) // 2,
    )


def left(store: EventStore) -> tuple[int, ...]:
    tables = ("events", "lines", "imports")
    return tuple(store._database.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables)


def test_nobody_sees_a_part_and_everybody_sees_the_whole(store: EventStore) -> None:
    watched = []

    def watch(_: float) -> None:
        watched.append(seen(store))

    new = record_in_parts(store._database, store, "mill", [event(n) for n in range(1_800)], NOW, pause=watch)

    assert new == 1_800
    assert watched
    assert set(watched) == {(0, 0, 0, 0)}
    assert seen(store) == (1_800,) * 4
    assert record_in_parts(store._database, store, "mill", [event(n) for n in range(3)], NOW) == 0


def test_a_wrong_event_at_the_end_leaves_nothing(store: EventStore) -> None:
    store.record("mill", [event(1_700)], NOW)
    wrong = dataclasses.replace(event(1_700), time_us=NOW)

    with pytest.raises(EventConflict) as conflict:
        record_in_parts(store._database, store, "mill", [*(event(n) for n in range(1_600)), wrong], NOW)

    assert conflict.value.index == 1_600
    assert left(store) == (1, 2, 0)


def test_what_a_killed_import_left_is_never_seen_and_is_removed(store: EventStore) -> None:
    def killed(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "_remove", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            record_in_parts(store._database, store, "mill", [event(n) for n in range(900)], NOW, pause=killed)
    assert left(store)[0] > 0
    assert seen(store) == (0, 0, 0, 0)
    assert remove_abandoned(store._database) == 0, "its process runs"

    boot, space, _, _ = alive.mark().split(" ")
    store._database.change("UPDATE imports SET holder = ?", (f"{boot} {space} 4194303 1",))

    assert remove_abandoned(store._database, pause=lambda _: None) == 1
    assert left(store) == (0, 0, 0)


def test_an_order_that_an_import_wrote_first_is_kept_when_the_import_fails(store: EventStore) -> None:
    acknowledged: list[int] = []

    def order(_: float) -> None:
        acknowledged.append(store.record("mill", [event(0)], NOW))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        record_in_parts(store._database, store, "mill", [event(n) for n in range(900)], NOW, pause=order)

    assert acknowledged[0] == 1
    assert seen(store) == (1,) * 4


def voided(n: int) -> Event:
    """Takes the order `n` back as a whole."""
    return dataclasses.replace(event(n), event_id=f"v{n}", type="voided", lines=(), order_id=f"e{n}")


class Lost(Exception):
    """What ends a process in the middle of something."""


@pytest.fixture
def ended_early(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An import of refunds of which the last ones fell out of its last transaction, and which ended there."""
    monkeypatch.setattr(imports, "MOST", 2)
    record_in_parts(store._database, store, "mill", [event(n) for n in range(5)], NOW)
    told: list[str] = []

    def settled(orders: Iterable[Reduced]) -> None:
        told.extend(order.event_id for order in orders)
        if len(told) > 2:
            raise Lost

    with pytest.raises(Lost):
        record_in_parts(store._database, store, "mill", [voided(n) for n in range(5)], NOW, settled=settled)
    return told


def test_an_import_that_counts_is_not_removed_by_what_fails_after_it(
    store: EventStore, ended_early: list[str]
) -> None:
    """A refund that counts would be gone, and its order with those that were taken back for good."""
    assert ended_early[:2] == ["e0", "e1"]
    assert store.counts("mill") == {"ordered": 3, "voided": 5}, "the two of the last transaction are taken back"
    assert remove_abandoned(store._database) == 0
    assert store.counts("mill")["voided"] == 5


def test_what_an_import_did_not_come_to_take_back_is_taken_back_by_the_next_start(
    store: EventStore, ended_early: list[str]
) -> None:
    told: dict[str, list[str]] = {}

    def settled(tenant: str, orders: Iterable[Reduced]) -> None:
        told.setdefault(tenant, []).extend(order.event_id for order in orders)

    assert settle_rest(store._database, store.taken_back, settled) == 1
    assert store.counts("mill") == {"voided": 5}
    assert told == {"mill": ["e0", "e1", "e2", "e3", "e4"]}
    assert settle_rest(store._database, store.taken_back, settled) == 0


def test_who_opts_out_meanwhile_is_not_brought_back(store: EventStore) -> None:
    def opts_out(_: float) -> None:
        store.erase("mill", "ann", NOW)

    with pytest.raises(Erased):
        record_in_parts(store._database, store, "mill", [event(n, "ann") for n in range(900)], NOW, pause=opts_out)

    assert left(store) == (0, 0, 0)


def test_a_customer_is_looked_for_once_and_again_after_an_erasure(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []
    looked = store.erased_among

    def watched(tenant: str, names: Iterable[str]) -> set[str]:
        asked.append(set(names))
        return looked(tenant, names)

    monkeypatch.setattr(store, "erased_among", watched)
    living = Living(store, "mill")

    assert [living.erased_among(names) for names in (["ann", "bob"], ["bob", "cid"], ["ann"])] == [set()] * 3
    assert asked == [{"ann", "bob"}, {"cid"}]
    store.erase("mill", "bob", NOW)
    assert living.erased_among(["ann", "bob"]) == {"bob"}
    assert living.erased_among(["bob"]) == {"bob"}, "who was erased is asked for each time"


def test_only_an_import_keeps_much_of_the_file_in_memory(store: EventStore) -> None:
    database = store._database
    if not isinstance(database, SQLiteDatabase):
        return
    wal = database.path.with_name(f"{database.path.name}-wal")
    with database.bulk() as write_back:
        assert database.rows("PRAGMA cache_size")[0][0] == -BULK_CACHE_KIB
        store.record("mill", [event(n) for n in range(3_000)], NOW)
        assert wal.stat().st_size > 2**20
        before = database.path.stat().st_size
        write_back()
        assert database.path.stat().st_size > before, "only now is it in the file"
    assert database.rows("PRAGMA cache_size")[0][0] == -CACHE_KIB
    assert database.rows("PRAGMA wal_autocheckpoint")[0][0] == 1_000


def test_a_fingerprint_is_that_of_every_release(store: EventStore) -> None:
    """Of all fields as Python writes them, but for those that earlier events did not have."""
    for changes in (
        {},
        {"sender": "k"},
        {"type": "voided", "order_id": "o"},
        {"order_id": "o", "order_sender": "x"},
    ):
        one = dataclasses.replace(event(1, "ann'"), **changes)  # type: ignore[arg-type]
        left_out = {"sender", "sent_print"} | (set() if one.order_id else {"order_id"})
        left_out |= {"customer"} if one.type == "voided" else set()
        left_out |= {"order_sender"} if one.order_sender in ("", one.sender) else set()
        names = [part.name for part in dataclasses.fields(Event) if part.name not in left_out]
        said = f"Event({', '.join(f'{name}={getattr(one, name)!r}' for name in names)})"
        assert one.fingerprint() == hashlib.sha256(said.encode()).hexdigest()[:32]


def test_an_order_waits_a_fifth_of_a_second_at_most(store: EventStore, state: State) -> None:
    """Of another process: it gets its turn between two parts."""
    done = threading.Event()
    waits: list[float] = []

    def orders() -> None:
        other = open_database(state)
        if isinstance(other, SQLiteDatabase):
            other = SQLiteDatabase(other.path, busy_ms=5_000)
        while not done.is_set():
            began = time.monotonic()
            with other.write(shared=True) as connection:
                connection.execute("SELECT 1")
            waits.append(time.monotonic() - began)
            time.sleep(0.005)
        other.close()

    thread = threading.Thread(target=orders)
    thread.start()
    try:
        record_in_parts(store._database, store, "mill", [event(n) for n in range(16_000)], NOW)
    finally:
        done.set()
        thread.join()

    assert len(waits) > 10
    assert sorted(waits)[len(waits) * 99 // 100] < 0.3
