"""The second factor."""

from __future__ import annotations

import pytest

from identity.errors import (
    EnrolmentUnknown,
    PinInvalid,
    PinLocked,
    PinNotSet,
    PinSetupRefused,
    PinWrong,
    TokenAltered,
    TokenExpired,
    TokenForeign,
)
from plumbing.clock import MINUTE
from tests.identity.halves import (
    KIOSK,
    OTHER_DEVICE,
    OTHER_TENANT,
    World,
    claims_of,
    row_of,
)


class TestSecondFactor:
    def with_pin(self, world: World, pin: str = "1234") -> str:
        made = world.enrol(1, purposes=("orders", "destinations"))
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, pin)
        return made.receipt

    def test_face_and_pin_give_a_token_of_the_higher_level(self, world: World) -> None:
        self.with_pin(world)
        seen = world.recognise(1)

        raised = world.service.raise_level(KIOSK, seen.token or "", "1234")

        assert claims_of(raised).level == "second_factor"
        assert claims_of(raised).pseudonym == claims_of(seen).pseudonym
        assert raised.purposes == ("orders", "destinations")

    def test_a_pin_is_kept_neither_plain_nor_hashed_alone(self, world: World) -> None:
        receipt = self.with_pin(world, "8642")
        sealed = row_of(world, receipt).pin

        assert sealed is not None
        assert b"8642" not in sealed
        assert len(sealed) == 16 + 32 + 28

    def test_the_fifth_wrong_pin_locks_and_each_lock_is_twice_as_long(self, world: World) -> None:
        self.with_pin(world)

        for minutes in (15, 30, 60):
            token = world.recognise(1).token or ""
            for _ in range(5):
                with pytest.raises(PinWrong):
                    world.service.raise_level(KIOSK, token, "0000")
            with pytest.raises(PinLocked) as caught:
                world.service.raise_level(KIOSK, token, "1234")
            assert caught.value.retry_after == minutes * 60
            world.clock.now += minutes * MINUTE
        assert world.service.raise_level(KIOSK, world.recognise(1).token or "", "1234")

    def test_tries_are_counted_in_every_process(self, world: World) -> None:
        self.with_pin(world)
        other = world.other()
        token = world.recognise(1).token or ""
        for process in (world, other, world, other, world):
            with pytest.raises(PinWrong):
                process.service.raise_level(KIOSK, token, "0000")

        with pytest.raises(PinLocked):
            other.service.raise_level(KIOSK, token, "1234")
        other.close()

    def test_the_right_pin_forgives_the_wrong_ones(self, world: World) -> None:
        self.with_pin(world)
        token = world.recognise(1).token or ""
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(PinWrong):
                    world.service.raise_level(KIOSK, token, "0000")
            world.service.raise_level(KIOSK, token, "1234")

    @pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "١٢٣٤", "-123"])
    def test_a_pin_has_four_digits(self, world: World, pin: str) -> None:
        made = world.enrol(1)

        with pytest.raises(PinInvalid):
            world.service.set_pin(KIOSK, made.receipt, made.pin_secret, pin)

    def test_a_pin_is_set_once_with_the_right_secret_and_in_time(self, world: World) -> None:
        made = world.enrol(1)
        late = world.enrol(2)

        with pytest.raises(PinSetupRefused):
            world.service.set_pin(KIOSK, made.receipt, late.pin_secret, "1234")
        with pytest.raises(EnrolmentUnknown):
            world.service.set_pin(OTHER_TENANT, made.receipt, made.pin_secret, "1234")
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
        with pytest.raises(PinSetupRefused):
            world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "9999")
        world.clock.now += 15 * MINUTE
        with pytest.raises(PinSetupRefused):
            world.service.set_pin(KIOSK, late.receipt, late.pin_secret, "1234")

    def test_without_a_pin_nothing_is_raised(self, world: World) -> None:
        world.enrol(1)

        with pytest.raises(PinNotSet):
            world.service.raise_level(KIOSK, world.recognise(1).token or "", "1234")

    def test_only_a_token_of_this_device_and_time_is_raised(self, world: World) -> None:
        self.with_pin(world)
        token = world.recognise(1).token or ""

        for device in (OTHER_DEVICE, OTHER_TENANT):
            with pytest.raises(TokenForeign):
                world.service.raise_level(device, token, "1234")
        with pytest.raises(TokenAltered):
            world.service.raise_level(KIOSK, token[:-4] + "AAAA", "1234")
        world.clock.now += 10 * MINUTE
        with pytest.raises(TokenExpired):
            world.service.raise_level(KIOSK, token, "1234")
