"""A clock that is set: nothing is destroyed, nothing opens that was closed, nothing stays locked."""

from __future__ import annotations

import pytest

from identity.errors import PinLocked, PinSetupRefused, PinWrong, PressExpired, TokenExpired, TooManyFailures
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from tests.identity.halves import KIOSK, World, pictures, stored

AHEAD = 380 * DAY


def passes(world: World, us: int) -> None:
    """A server that runs, and looks now and then."""
    step = min(us, 10 * MINUTE)
    for _ in range(us // step):
        world.clock.now += step
        world.half.service.erasures.retention.observe(step)
        world.service.erasures.due()


@pytest.mark.parametrize("way", ["while it runs", "before it starts"])
def test_380_days_ahead_for_an_hour_destroy_nobody(world: World, way: str) -> None:
    for person in range(4):
        world.enrol(person)
    passes(world, 2 * MINUTE)
    before = stored(world)
    world.clock.now += AHEAD
    jumped = world if way == "while it runs" else world.other()

    passes(jumped, HOUR)
    assert stored(jumped) == before
    assert "380 days ahead" in (jumped.half.check() or "")

    world.clock.now -= AHEAD
    back = world.other()
    passes(back, HOUR)
    assert stored(back) == before
    assert back.half.check() is None
    assert [back.recognise(person).decision for person in range(4)] == ["matched"] * 4
    assert world.elsewhere.tokens == []


def test_who_visits_while_the_clock_is_ahead_is_not_kept_for_longer(world: World) -> None:
    world.enrol(1)
    passes(world, 2 * MINUTE)
    world.clock.now += AHEAD
    assert world.recognise(1).decision == "matched"
    world.clock.now -= AHEAD
    passes(world, 2 * MINUTE)
    assert world.half.stores.customers.newest_day() == world.clock.now // DAY
    world.days_pass(367)
    world.service.press(KIOSK)
    assert stored(world)[0] == 0


def test_many_who_stopped_coming_are_forgotten_one_day_after_the_other(world: World) -> None:
    for person in range(4):
        world.enrol(person)
    world.days_pass(366)
    left = []
    for _ in range(5):
        world.service.erasures.expire()
        world.service.erasures.expire()
        left.append(stored(world)[0])
        world.days_pass(1)
    assert left == [3, 2, 1, 0, 0]


@pytest.mark.parametrize("ahead", [11 * MINUTE, 3 * HOUR, AHEAD])
def test_a_token_that_has_expired_stays_closed_when_the_clock_goes_back(world: World, ahead: int) -> None:
    made = world.enrol(1, purposes=("orders", "destinations"))
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
    token = world.recognise(1).token or ""
    for there in (ahead, -ahead + MINUTE):
        world.clock.now += there
        for process in (world, world.other()):
            process.service.erasures.due()
            with pytest.raises(TokenExpired):
                process.service.raise_level(KIOSK, token, "1234")


def test_a_token_minted_while_the_clock_was_ahead_opens_nothing_afterwards(world: World) -> None:
    made = world.enrol(1, purposes=("orders", "destinations"))
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
    world.clock.now += AHEAD
    token = world.recognise(1).token or ""
    world.clock.now -= AHEAD
    with pytest.raises(TokenExpired):
        world.service.raise_level(KIOSK, token, "1234")
    assert world.service.raise_level(KIOSK, world.recognise(1).token or "", "1234").decision == "matched"


def test_a_pause_that_was_set_while_ahead_ends_within_its_own_length(world: World) -> None:
    world.enrol(1)
    world.clock.now += AHEAD
    for _ in range(5):
        world.recognise(9)
    with pytest.raises(TooManyFailures):
        world.service.press(KIOSK)
    world.clock.now -= AHEAD
    with pytest.raises(TooManyFailures) as caught:
        world.service.press(KIOSK)
    assert (caught.value.retry_after or 0) <= 30
    world.clock.now += 31 * SECOND
    assert world.recognise(1).decision == "matched"


def test_the_failures_of_a_minute_ahead_do_not_count_for_days(world: World) -> None:
    world.enrol(1)
    world.clock.now += AHEAD
    for _ in range(10):
        nonce, _ = world.service.press(KIOSK)
        world.half.service._presses.claim(KIOSK.tenant, KIOSK.name, nonce)
        world.half.service._presses.unjudged(KIOSK.tenant, KIOSK.name)
    world.clock.now -= AHEAD
    with pytest.raises(TooManyFailures):
        world.service.press(KIOSK)
    world.clock.now += 61 * SECOND
    assert world.recognise(1).decision == "matched"


def test_a_pin_lock_that_was_set_while_ahead_ends_within_its_own_length(world: World) -> None:
    made = world.enrol(1, purposes=("orders", "destinations"))
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
    world.clock.now += AHEAD
    token = world.recognise(1).token or ""
    for _ in range(5):
        with pytest.raises(PinWrong):
            world.service.raise_level(KIOSK, token, "0000")
    world.clock.now -= AHEAD

    with pytest.raises(PinLocked) as caught:  # it is no way to try on
        world.service.raise_level(KIOSK, world.recognise(1).token or "", "1234")
    assert (caught.value.retry_after or 0) <= 15 * 60
    world.clock.now += 15 * MINUTE + SECOND
    assert world.service.raise_level(KIOSK, world.recognise(1).token or "", "1234").decision == "matched"


def test_a_nonce_and_a_pin_set_up_of_a_clock_ahead_are_closed_afterwards(world: World) -> None:
    world.clock.now += AHEAD
    made = world.enrol(1, purposes=("orders", "destinations"))
    nonce, _ = world.service.press(KIOSK)
    world.clock.now -= AHEAD
    with pytest.raises(PressExpired):
        world.service.recognise(KIOSK, nonce, pictures(1, 1, first=50))
    with pytest.raises(PinSetupRefused):
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")


def test_opt_outs_go_on_after_the_clock_went_back(world: World) -> None:
    """The work beside the requests is due once a minute, whatever the clock did."""
    made = world.enrol(1)
    world.clock.now += AHEAD
    world.service.erasures.due()
    world.clock.now -= AHEAD
    world.elsewhere.error = OSError("down")
    world.service.forget(KIOSK, made.receipt)
    world.elsewhere.error = None
    world.service.erasures.due()
    assert len(world.elsewhere.tokens) == 1
