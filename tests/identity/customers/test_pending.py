"""A customer is in force once they confirmed that they have their receipt; else they have never been."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from identity.customers.joining.pending import UNDONE_AFTER_US, Pending
from identity.errors import AlreadyEnrolled, EnrolmentUnknown
from plumbing.clock import DAY, MINUTE, SECOND
from tests.databases import sqlite_of
from tests.identity.fakes import FAKE_PACK, FakeEngine
from tests.identity.halves import (
    KIOSK,
    OTHER_DEVICE,
    OTHER_TENANT,
    Kiosk,
    StoppedClock,
    World,
    kiosk_of,
    pictures,
    row_of,
    stored,
)


@pytest.fixture
def passed(world: World) -> StoppedClock:
    """The monotonic clock of the world's process."""
    return watched(world)


def watched(world: World) -> StoppedClock:
    clock = StoppedClock(5 * DAY)
    pending_of(world)._monotonic = clock
    return clock


def pending_of(world: World) -> Pending:
    return world.service.customers.pending


def test_until_then_they_are_a_stranger_to_every_press(world: World) -> None:
    made = world.enrol(1, confirm=False)

    assert world.recognise(1).decision == "unknown"
    assert world.half.stores.consents.consent_counts("north") == {}
    world.service.confirm(KIOSK, made.receipt)

    assert world.recognise(1).decision == "matched"
    assert world.half.audit.count("north", "enrol", "enrolled") == 1


def test_who_does_not_confirm_has_never_been(world: World, passed: StoppedClock) -> None:
    """Row, template, consent, key and every byte of them: no table knows more than before, and no tombstone."""
    world.enrol(1)
    before = [stored(world), world.half.stores.consents.totals("north"), world.half.galleries.current("north").ids]
    made = world.enrol(2, confirm=False)
    row = row_of(world, made.receipt)
    template = world.half.stores.database.rows(
        "SELECT sealed FROM templates WHERE customer_id = ?", (row.customer_id,)
    )[0]["sealed"]
    lines = len(world.half.audit.path.read_bytes())

    passed.now += UNDONE_AFTER_US - 1
    assert pending_of(world).sweep() == 0
    passed.now += 1
    assert pending_of(world).sweep() == 1

    after = [stored(world), world.half.stores.consents.totals("north"), world.half.galleries.current("north").ids]
    assert after == before
    files = b"".join(path.read_bytes() for path in world.home.iterdir() if path.is_file())
    for trace in (
        row.customer_id.encode(),
        bytes.fromhex(row.customer_id),
        template[:16],
        row.receipt_hash.encode(),
    ):
        assert trace not in files
    assert len(world.half.audit.path.read_bytes()) == lines
    with pytest.raises(EnrolmentUnknown):
        world.service.confirm(KIOSK, made.receipt)
    assert world.recognise(1).decision == "matched"
    assert world.elsewhere.tokens == []


def test_it_is_undone_within_a_minute() -> None:
    assert UNDONE_AFTER_US + SECOND < MINUTE


def test_who_confirmed_stays_and_confirming_again_is_no_error(world: World, passed: StoppedClock) -> None:
    made = world.enrol(1)
    world.service.confirm(KIOSK, made.receipt)
    passed.now += DAY

    assert pending_of(world).sweep() == 0
    assert world.recognise(1).decision == "matched"
    assert world.half.audit.count("north", "enrol", "enrolled") == 1
    assert world.count("enrolments") == 1


@pytest.mark.parametrize("step", [-DAY, DAY, 380 * DAY])
def test_the_clock_on_the_wall_counts_for_nothing(world: World, passed: StoppedClock, step: int) -> None:
    made = world.enrol(1, confirm=False)
    world.clock.now += step
    assert pending_of(world).sweep() == 0

    world.service.confirm(KIOSK, made.receipt)
    assert world.half.stores.customers.count() == 1


def test_after_a_restart_the_minute_begins_again_and_ends(world: World) -> None:
    world.enrol(1, confirm=False)
    again = world.other()
    clock = watched(again)

    assert pending_of(again).sweep() == 0
    clock.now += UNDONE_AFTER_US
    assert pending_of(again).sweep() == 1

    assert stored(world) == (0, 0, 0, 0)
    again.close()


def test_a_confirmation_in_another_process_counts_here(world: World, passed: StoppedClock) -> None:
    made = world.enrol(1, confirm=False)
    other = world.other()
    other.service.confirm(KIOSK, made.receipt)
    other.close()
    passed.now += UNDONE_AFTER_US

    assert pending_of(world).sweep() == 0
    assert world.recognise(1).decision == "matched"


def test_confirming_and_undoing_at_once_has_one_winner(world: World) -> None:
    """Either the customer is there with all that is theirs, or nothing is and the confirmation was refused."""
    other = world.other()
    for person in range(100, 106):
        made = world.enrol(person, confirm=False)
        row = row_of(world, made.receipt)
        refused = threading.Event()

        undone = at_once(partial(confirmed, world, made.receipt, refused), partial(pending_of(other).undo, row))

        assert undone == refused.is_set()
        there = world.half.stores.customers.customer("north", row.customer_id)
        assert (there is None) == undone
        assert (world.service.customers.accounts.find("north", row.customer_id) is None) == undone
    assert len(set(stored(world))) == 1
    other.close()


def confirmed(world: World, receipt: str, refused: threading.Event) -> None:
    try:
        pending_of(world).confirm("north", receipt)
    except EnrolmentUnknown:
        refused.set()


def at_once(beside: Callable[[], None], here: Callable[[], bool]) -> bool:
    """Both, begun at one moment; what the second returns."""
    together = threading.Barrier(2)

    def begin() -> None:
        together.wait()
        beside()

    thread = threading.Thread(target=begin)
    thread.start()
    together.wait()
    result = here()
    thread.join()
    return result


@pytest.mark.sqlite
def test_a_kill_in_the_middle_of_undoing_leaves_what_the_next_look_ends(world: World) -> None:
    """The key goes first: a row without a key is nobody, cannot be confirmed, and is deleted."""
    made = world.enrol(1, confirm=False)
    child = os.fork()
    if child == 0:
        twin = world.other()
        sqlite_of(twin.half.stores.database).connection.set_trace_callback(
            lambda sql: os._exit(9) if sql.startswith("COMMIT") else None
        )
        pending_of(twin).undo(row_of(twin, made.receipt))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    with pytest.raises(EnrolmentUnknown):
        world.service.confirm(KIOSK, made.receipt)
    passed = watched(world)
    pending_of(world).sweep()
    passed.now += UNDONE_AFTER_US
    pending_of(world).sweep()
    assert stored(world) == (0, 0, 0, 0)


def test_the_thread_of_a_server_undoes_it_without_anybody_pressing(world: World) -> None:
    clock = watched(world)
    stop = world.half.start()
    world.enrol(1, confirm=False)
    clock.now += UNDONE_AFTER_US

    until = time.monotonic() + 5
    while world.half.stores.customers.count() and time.monotonic() < until:
        time.sleep(0.05)

    assert stored(world) == (0, 0, 0, 0)
    stop()
    world.closed = True
    world.access_database.close()


def test_who_went_back_joins_again_at_the_same_device_and_nowhere_else(world: World) -> None:
    first = world.enrol(1, confirm=False)
    with pytest.raises(AlreadyEnrolled):
        world.enrol(1, OTHER_DEVICE, confirm=False)

    second = world.enrol(1)

    assert world.recognise(1).decision == "matched"
    assert stored(world)[0] == 1
    with pytest.raises(EnrolmentUnknown):
        world.service.confirm(KIOSK, first.receipt)
    assert world.service.forget(KIOSK, second.receipt)


def test_a_lookalike_who_never_confirmed_marks_nobody(world: World, passed: StoppedClock) -> None:
    first = world.enrol(1)
    nonce, _ = world.service.press(OTHER_DEVICE)
    world.service.enrol(
        OTHER_DEVICE,
        nonce,
        pictures(1, 3, first=90),
        purposes={"orders": True},
        notice_version=world.service.notice.version,
        age_confirmed=True,
        somebody_else=True,
    )
    passed.now += UNDONE_AFTER_US
    assert pending_of(world).sweep() == 1

    assert row_of(world, first.receipt).needs_second_factor == 0
    assert world.recognise(1).decision == "matched"


def test_who_has_not_confirmed_may_opt_out_by_receipt(world: World) -> None:
    made = world.enrol(1, confirm=False)
    assert world.service.forget(KIOSK, made.receipt)
    assert stored(world) == (0, 0, 0, 0)


class TestAnotherPack:
    """A new enrolment that continues an earlier one."""

    @pytest.fixture
    def swapped(self, world: World) -> Iterator[World]:
        other = World(world.home, world.clock, FakeEngine(pack=replace(FAKE_PACK, version="2")), world.elsewhere)
        yield other
        other.close()

    def test_the_earlier_enrolment_stays_until_the_new_one_is_confirmed(
        self, world: World, swapped: World
    ) -> None:
        first = world.enrol(1)
        passed = watched(swapped)
        swapped.enrol(1, earlier=first.receipt, confirm=False)

        assert world.recognise(1).decision == "matched"
        passed.now += UNDONE_AFTER_US
        assert pending_of(swapped).sweep() == 1
        assert world.recognise(1).decision == "matched"
        assert world.service.forget(KIOSK, first.receipt)

    def test_a_confirmation_that_was_cut_in_half_is_finished_later(
        self, world: World, swapped: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = world.enrol(1)
        pseudonym = world.service.customers.accounts.find("north", row_of(world, first.receipt).customer_id)
        made = swapped.enrol(1, earlier=first.receipt, confirm=False)
        with monkeypatch.context() as cut:
            cut.setattr(
                "identity.customers.joining.pending.continue_as", lambda *_: (_ for _ in ()).throw(OSError("cut"))
            )
            with pytest.raises(OSError, match="cut"):
                swapped.service.confirm(KIOSK, made.receipt)

        swapped.service.confirm(KIOSK, made.receipt)  # the device tries again

        account = swapped.service.customers.accounts.find("north", row_of(swapped, made.receipt).customer_id)
        assert account is not None
        assert pseudonym is not None
        assert account.links.pseudonym == pseudonym.links.pseudonym
        assert stored(world)[0] == 1


class TestRoute:
    """PUT /identity/v1/enrolments/<receipt>/confirmed."""

    @pytest.fixture
    def kiosk(self, world: World) -> Kiosk:
        return kiosk_of(world)

    def test_it_answers_204_each_time(self, kiosk: Kiosk) -> None:
        receipt = kiosk.enrol(pictures(1), confirm=False).get_json()["receipt"]
        assert kiosk.recognise(pictures(1, 1, 50)).get_json()["decision"] == "unknown"

        replies = [kiosk.send("PUT", f"/enrolments/{receipt}/confirmed") for _ in range(3)]

        assert [(reply.status_code, reply.data) for reply in replies] == [(204, b"")] * 3
        assert kiosk.recognise(pictures(1, 1, 50)).get_json()["decision"] == "matched"

    def test_an_unknown_receipt_and_one_of_another_tenant_look_the_same(self, world: World, kiosk: Kiosk) -> None:
        receipt = kiosk.enrol(pictures(1), confirm=False).get_json()["receipt"]
        foreign = kiosk_of(world, OTHER_TENANT.tenant)
        unknown = foreign.send("PUT", "/enrolments/AAAAA-BBBBB/confirmed")
        theirs = foreign.send("PUT", f"/enrolments/{receipt}/confirmed")

        assert (unknown.status_code, unknown.get_json()["code"]) == (404, "enrolment_unknown")
        assert (theirs.status_code, theirs.get_json()["code"]) == (404, "enrolment_unknown")
        assert kiosk.recognise(pictures(1, 1, 50)).get_json()["decision"] == "unknown"
