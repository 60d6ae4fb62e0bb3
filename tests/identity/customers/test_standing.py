"""Pause, purposes, expiry and the reminder before it, under every clock."""

from __future__ import annotations

import pytest

from identity.consent.ledger import PAUSE_US, REMIND_DAYS, days_kept
from identity.customers.standing import Standings
from identity.errors import AgeNotConfirmed, CustomerLeft, UnknownPurpose
from identity.store.customers import CustomerRow
from plumbing.clock import DAY
from tests.identity.halves import KIOSK, World, row_of


def standings(world: World) -> Standings:
    return world.service.customers.standings


def kinds(world: World, row: CustomerRow) -> list[str]:
    lines = world.half.stores.consents.lines(row.tenant, row.customer_id)
    return [line.event_type for line in lines if line.purpose == "orders"]


@pytest.fixture
def row(world: World) -> CustomerRow:
    return row_of(world, world.enrol(1).receipt)


class TestPause:
    def test_in_a_pause_they_are_a_stranger_and_nothing_is_forgotten(self, world: World, row: CustomerRow) -> None:
        until = standings(world).pause(row)

        assert until == world.clock.now + PAUSE_US
        assert world.recognise(1).decision == "unknown"
        assert standings(world).of(row).given == ("face", "orders")
        world.clock.now += PAUSE_US
        assert world.recognise(1).decision == "matched"

    def test_pausing_twice_is_one_pause_and_it_can_be_ended(self, world: World, row: CustomerRow) -> None:
        until = standings(world).pause(row)
        world.clock.now += 5 * DAY
        assert standings(world).pause(row) == until
        assert standings(world).resume(row) is True
        assert standings(world).resume(row) is False

        assert world.recognise(1).decision == "matched"
        assert kinds(world, row) == ["given", "confirmed", "paused", "resumed"]

    @pytest.mark.parametrize("step", [-DAY, DAY, -380 * DAY, 380 * DAY, 30_000 * DAY])
    def test_it_ends_under_every_clock(self, world: World, row: CustomerRow, step: int) -> None:
        world.clock.now += step
        standings(world).pause(row)
        world.clock.now -= step
        standings(world).of(row)  # somebody looks, at any time

        left = standings(world).of(row).paused_until_us
        assert left == 0 or left - world.clock.now <= PAUSE_US
        world.clock.now += PAUSE_US
        assert not standings(world).of(row).paused

    def test_opting_out_works_in_a_pause(self, world: World) -> None:
        made = world.enrol(1)
        standings(world).pause(row_of(world, made.receipt))
        assert world.service.forget(KIOSK, made.receipt)
        assert world.half.stores.customers.count() == 0

    @pytest.mark.sqlite
    def test_its_end_is_not_in_the_database_in_the_clear(self, world: World, row: CustomerRow) -> None:
        until = standings(world).pause(row)
        world.half.stores.database.scrub()
        content = (world.home / "identity.db").read_bytes()
        for form in (str(until).encode(), until.to_bytes(8, "big"), until.to_bytes(8, "little")):
            assert form not in content


class TestPurposes:
    def test_what_is_true_is_given_what_is_false_withdrawn_and_the_rest_stays(
        self, world: World, row: CustomerRow
    ) -> None:
        notice = world.service.notice
        changed = standings(world).change_purposes(row, {"offers": True, "orders": False}, notice)
        again = standings(world).change_purposes(row, {"offers": True, "orders": False}, notice)

        assert changed.given == again.given == ("face", "offers")
        assert kinds(world, row) == ["given", "confirmed", "withdrawn"]

    def test_nothing_changes_without_the_declared_age_or_for_what_cannot_be_chosen(
        self, world: World, row: CustomerRow
    ) -> None:
        before, notice = standings(world).of(row), world.service.notice
        with pytest.raises(AgeNotConfirmed):
            standings(world).change_purposes(row, {"orders": False, "offers": True}, notice, age_confirmed=False)
        for name in ("face", "everything"):
            with pytest.raises(UnknownPurpose):
                standings(world).change_purposes(row, {"orders": False, name: True}, notice)
        assert standings(world).of(row) == before

    def test_withdrawing_needs_no_age(self, world: World, row: CustomerRow) -> None:
        notice = world.service.notice
        standings(world).change_purposes(row, {"orders": False}, notice, age_confirmed=False)
        assert standings(world).of(row).purposes == ()

    def test_who_left_is_named(self, world: World) -> None:
        made = world.enrol(1)
        row = row_of(world, made.receipt)
        world.service.forget(KIOSK, made.receipt)
        for change in (standings(world).pause, standings(world).resume, standings(world).of):
            with pytest.raises(CustomerLeft):
                change(row)


class TestExpiry:
    def test_the_last_thirty_days_bring_a_reminder_and_visits_renew(self, world: World, row: CustomerRow) -> None:
        kept = days_kept(world.half.config.retention_months)
        world.days_pass(kept - REMIND_DAYS - 1)
        assert not standings(world).of(row).reminder
        world.days_pass(1)
        assert standings(world).of(row).reminder

        assert world.recognise(1).decision == "matched"

        assert not standings(world).of(row).reminder
        assert kinds(world, row) == ["given", "confirmed", "reminded"]
        world.days_pass(60)
        world.recognise(1)
        assert kinds(world, row) == ["given", "confirmed", "reminded"]

    def test_after_the_end_nobody_is_greeted_even_before_they_are_erased(
        self, world: World, row: CustomerRow
    ) -> None:
        world.days_pass(days_kept(world.half.config.retention_months))
        assert standings(world).of(row).purposes == ("orders",)
        world.days_pass(1)

        standing = standings(world).of(row)

        assert (standing.purposes, standing.expired, standing.reminder) == ((), True, False)
        assert standing.given == ("face", "orders")  # what is held is still said

    def test_the_end_of_retention_counts_as_expired_and_not_as_withdrawn(
        self, world: World, row: CustomerRow
    ) -> None:
        world.days_pass(days_kept(world.half.config.retention_months) + 1)

        assert world.service.erasures.expire() == 1

        totals = world.half.stores.consents.totals("north")
        assert {key: n for key, n in totals.items() if key[2] != "given"} == {
            (purpose, "", "expired"): 1 for purpose in ("face", "orders")
        }
        assert world.half.stores.customers.count() == 0

    @pytest.mark.parametrize("step", [-DAY, DAY, 380 * DAY])
    def test_a_clock_that_is_set_expires_and_reminds_nobody(
        self, world: World, row: CustomerRow, step: int
    ) -> None:
        world.service.erasures.retention.tick()
        world.clock.now += step
        standing = standings(world).of(row)
        assert (standing.expired, standing.reminder) == (False, False)

    def test_nobody_is_kept_for_longer_than_they_agreed_to(self, world: World, row: CustomerRow) -> None:
        """The operator raises the retention later: who agreed to six months stays at six."""
        world.half.stores.customers.agree_to_keep("north", row.customer_id, 6)
        other = row_of(world, world.enrol(2).receipt)
        world.days_pass(days_kept(6) + 1)

        assert standings(world).of(row).expired
        assert not standings(world).of(other).expired
        assert [due.customer_id for due in world.service.erasures.due_to_expire()] == [row.customer_id]
