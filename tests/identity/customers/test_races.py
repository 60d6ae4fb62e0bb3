"""What several processes and threads do at the same moment is done once, and counted exactly, on both engines."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from identity.customers import pins as pins_module
from identity.customers.leaving.held import Held
from identity.errors import EnrolmentUnknown
from identity.store.consents import ConsentLine
from identity.store.customers import CustomerRow
from identity.store.day_counts import DayCounts
from plumbing.clock import DAY, HOUR, MINUTE
from plumbing.problem import Problem
from tests.engines import both_engines
from tests.identity.halves import KIOSK, START, World, row_of, stored

pytestmark = both_engines
AT_ONCE = 6
NOBODYS = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"  # a code as earlier releases made them


def at_once(*works: Callable[[], object]) -> list[object]:
    """Do all of it at the same moment, each in a thread; what each returns, or the code of its Problem."""
    ready = threading.Barrier(len(works))

    def done(work: Callable[[], object]) -> object:
        ready.wait()
        try:
            return work()
        except Problem as error:
            return error.code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(done, works))


@contextmanager
def two_processes(world: World) -> Iterator[tuple[World, World]]:
    other = world.other()
    try:
        yield world, other
    finally:
        other.close()


@pytest.fixture(autouse=True)
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PIN is slow to compare on purpose."""
    monkeypatch.setattr(pins_module, "SCRYPT_N", 2**4)


def events_of(world: World, row: CustomerRow) -> Counter[str]:
    lines = world.half.stores.consents.lines(row.tenant, row.customer_id)
    return Counter(line.event_type for line in lines if line.purpose == "orders")


def test_a_receipt_is_confirmed_once(world: World) -> None:
    made = world.join(confirm=False)
    with two_processes(world) as both:
        at_once(*[lambda one=one: one.service.confirm(KIOSK, made.receipt) for one in both * 3])

    assert events_of(world, row_of(world, made.receipt)) == {"given": 1, "confirmed": 1}
    version = world.service.notice.version
    assert world.half.stores.consents.totals("north") == {("orders", version, "given"): 1}
    assert world.half.audit.count("north", "enrol", "enrolled") == 1


def test_a_confirmation_and_the_end_of_its_time_decide_once(world: World) -> None:
    receipts = [world.join(confirm=False).receipt for _ in range(3)]
    with two_processes(world) as (here, there):
        for receipt in receipts:
            row = row_of(world, receipt)
            confirmed, undone = at_once(
                partial(is_confirmed, here, receipt), partial(there.service.customers.pending.undo, row)
            )
            assert (confirmed, undone) in ((True, False), ("enrolment_unknown", True))

    customers, _, _, keys = stored(world)
    assert customers == keys


def is_confirmed(world: World, receipt: str) -> bool:
    return world.service.customers.pending.confirm("north", receipt) is not None


def test_opting_out_twice_at_once_counts_once_and_its_receipt_says_everywhere(world: World) -> None:
    made = world.join()
    with two_processes(world) as both:
        at_once(*[lambda one=one: one.service.opt_out(KIOSK, made.receipt).everywhere for one in both * 2])
        for one in both:
            one.service.erasures.finish_all()

    assert stored(world) == (0, 0, 0, 0)
    assert world.half.stores.consents.totals("north")[("orders", "", "withdrawn")] == 1
    assert [receipt.everywhere for receipt in world.service.erasures.receipts.all()] == [True]


def test_a_finished_erasure_is_not_begun_again_by_a_slower_process(world: World) -> None:
    receipts = world.service.erasures.receipts
    done = world.service.opt_out(KIOSK, world.join().receipt)
    again = receipts.begin("north", "0" * 32, None)

    receipts.keep_begun(receipts.begin("north", "1" * 32, None))
    receipts.keep_begun(again)
    object.__setattr__(again, "id", done.id)
    receipts.keep_begun(again)

    assert receipts.find(done.id) == done


def test_a_nonce_is_good_once(world: World) -> None:
    with two_processes(world) as both:
        nonce, _ = world.presses.open("north", "kiosk-1")
        found = at_once(*[lambda one=one: one.presses.claim("north", "kiosk-1", nonce) for one in both * 3])

    assert found.count(None) == 1
    assert set(found) <= {None, "press_refused", "too_many_failures"}


def test_failed_presses_are_counted_exactly(world: World) -> None:
    with two_processes(world) as both:
        nonces = [(one.presses, one.presses.open("north", "kiosk-9")[0]) for one in both * 4]
        found = at_once(*[lambda one=one: one[0].claim("north", "kiosk-9", one[1]) for one in nonces])

    limit = world.half.config.failures_in_a_row
    assert Counter(map(str, found)) == {"None": limit, "too_many_failures": 8 - limit}


def test_wrong_pins_are_counted_exactly(world: World) -> None:
    row = row_of(world, world.join(pin="4711").receipt)
    with two_processes(world) as both:
        found = at_once(*[lambda one=one: one.service.customers.pins.check(row, "0000") for one in both * 4])

    limit = world.half.config.pin_tries
    assert Counter(map(str, found)) == {"pin_wrong": limit, "pin_locked": 8 - limit}
    assert row_of_id(world, row).pin_locks == 1


def test_a_pin_is_set_up_once(world: World) -> None:
    made = world.enrol(1)
    row = row_of(world, made.receipt)
    with two_processes(world) as both:
        found = at_once(
            *[
                lambda one=one, n=n: one.service.customers.pins.set_up(row, made.pin_secret, f"000{n}")
                for n, one in enumerate(both * 2)
            ]
        )

    assert Counter(map(str, found)) == {"None": 1, "pin_setup_refused": 3}


def test_codes_tried_in_vain_are_counted_exactly(world: World) -> None:
    with two_processes(world) as both:
        found = at_once(
            *[lambda one=one: one.service.recognise_by_code(KIOSK, NOBODYS, "0000") for one in both * 4]
        )

    limit = world.half.config.failures_in_a_row
    assert Counter(map(str, found)) == {"code_or_pin_wrong": limit, "too_many_codes": 8 - limit}


class TestHeld:
    """What two operators do at once."""

    def held_of(self, world: World) -> Held:
        return world.service.customers.held

    def test_the_same_people_are_held_under_one_reference(self, world: World) -> None:
        rows = [row_of(world, world.join().receipt) for _ in range(2)]
        find = world.service.customers.accounts.find
        accounts = [account for row in rows if (account := find("north", row.customer_id)) is not None]
        with two_processes(world) as both:
            found = at_once(*[lambda one=one: self.held_of(one).hold(accounts) for one in both * 2])

        assert len(set(found)) == 1
        assert len(self.held_of(world).waiting()) == 1
        assert [events_of(world, row)["paused"] for row in rows] == [1, 1]

    def test_a_held_opt_out_ends_in_one_way(self, world: World) -> None:
        rows = [row_of(world, world.join().receipt) for _ in range(2)]
        find = world.service.customers.accounts.find
        accounts = [account for row in rows if (account := find("north", row.customer_id)) is not None]
        reference = self.held_of(world).hold(accounts)
        with two_processes(world) as (here, there):
            found = at_once(
                lambda: self.held_of(here).resume(reference),
                lambda: self.held_of(there).erase(reference, everybody=True),
            )

        assert sorted(map(str, found)) == ["2", "held_unknown"]
        assert world.half.stores.customers.count() == (2 if found[0] == 2 else 0)


def test_every_change_of_a_gallery_is_a_generation(world: World) -> None:
    stores, pack = world.half.stores, world.engine.pack.id
    stores.galleries.open_gallery("north", pack, bytes(32))
    rows = [row_of(world, world.join().receipt) for _ in range(AT_ONCE)]
    with two_processes(world) as both:

        def enrol(place: int) -> None:
            store, row = both[place % 2].half.stores, rows[place]
            with store.customers.writing():
                face = ConsentLine(f"{place:032x}", 0, "given", "face", b"")
                store.consents.append("north", row.customer_id, [face])
                store.galleries.put_template("north", row.customer_id, pack, b"sealed")

        at_once(*[lambda place=place: enrol(place) for place in range(AT_ONCE)])

    new = stores.galleries.changes("north", pack, 0)
    assert new is not None
    assert (new.state.generation, new.state.size, len(new.rows), new.gone) == (AT_ONCE, AT_ONCE, AT_ONCE, set())
    assert set(stores.galleries._recent("north", pack)) == {row.customer_id for row in rows}


def row_of_id(world: World, row: CustomerRow) -> CustomerRow:
    fresh = world.half.stores.customers.customer(row.tenant, row.customer_id)
    if fresh is None:
        raise EnrolmentUnknown
    return fresh


def test_a_pause_that_was_ended_meanwhile_is_not_shortened(world: World) -> None:
    """The row was read while the clock was ahead; the customer has resumed since."""
    store, row = world.half.stores.customers, row_of(world, world.join().receipt)
    store.pause("north", row.customer_id, world.clock.now + 90 * DAY)
    before = row_of_id(world, row)
    store.pause("north", row.customer_id, 0)

    world.service.customers.standings.ledger.standing(before)

    assert row_of_id(world, row).paused_until_us == 0


def test_a_lock_that_is_shortened_keeps_the_tries_counted_meanwhile(world: World) -> None:
    store, row = world.half.stores.customers, row_of(world, world.join(pin="4711").receipt)
    far = world.clock.now + 90 * DAY
    store.set_pin_state("north", row.customer_id, failures=1, locks=1, until_us=far)
    before = row_of_id(world, row)
    store.set_pin_state("north", row.customer_id, failures=3, locks=1, until_us=far)

    with pytest.raises(Problem):
        world.service.customers.pins.check(before, "0000")

    fresh = row_of_id(world, row)
    assert (fresh.pin_failures, fresh.pin_locked_until_us) == (3, world.clock.now + 15 * MINUTE)


def test_a_days_limit_is_exact_however_many_count_at_once(world: World) -> None:
    """Also where half of it was counted an hour ago."""
    with two_processes(world) as (one, other):
        counts = [DayCounts(each.half.databases[1]) for each in (one, other)]
        for hour, before in ((START, 0), (START + HOUR, 3)):

            def add(number: int, now_us: int = hour, most: int = before + 3) -> bool:
                return counts[number % 2].add("north", "kiosk-1", "failures", "", most=most, now_us=now_us)

            counted = at_once(*(partial(add, number) for number in range(8)))
            assert Counter(counted) == {True: 3, False: 5}


def test_whoever_counts_a_moment_before_the_hour_forgets_nothing_of_after_it(world: World) -> None:
    """Two threads read the clock on both sides of an hour, and the earlier one comes second."""
    counts = DayCounts(world.half.databases[1])
    key, after = ("north", "kiosk-1", "failures", ""), START + HOUR
    assert counts.add(*key, most=1, now_us=after)

    assert not counts.add(*key, most=1, now_us=after - 1)
    assert not counts.add(*key, most=1, now_us=after)


def test_a_press_without_a_face_ends_no_row_that_another_press_has_ended(world: World) -> None:
    """Two pages of one device press at once; the first is recognised, the second shows nobody."""
    presses = world.half.service._presses
    for _ in range(2):
        presses.claim(KIOSK.tenant, KIOSK.name, presses.open(KIOSK.tenant, KIOSK.name)[0])
    presses.succeeded(KIOSK.tenant, KIOSK.name)
    presses.unjudged(KIOSK.tenant, KIOSK.name)
    presses.claim(KIOSK.tenant, KIOSK.name, presses.open(KIOSK.tenant, KIOSK.name)[0])

    presses.open(KIOSK.tenant, KIOSK.name)  # a single failure pauses nobody
