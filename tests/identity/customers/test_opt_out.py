"""Whoever is enrolled can always get out by face: after "not me", as a lookalike, without PIN and code."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from typing import Any

import pytest

from identity.errors import CodeOrPinWrong, HeldOfSeveral, HeldUnknown, PinInvalid, PinLocked, PinWrong
from identity.results import OptedOut
from identity.service import Enrolled
from tests.identity.halves import KIOSK, World, pictures, row_of, stored


def forget_face(world: World, person: int = 1, pin: str | None = None) -> OptedOut:
    nonce, _ = world.service.press(KIOSK)
    return world.service.forget_face(KIOSK, nonce, pictures(person, 1, first=60), pin)


def deny(world: World) -> None:
    """The customer says "not me", and then "never again"."""
    token = world.recognise(1).token or ""
    world.service.customers.not_me.this_visit(KIOSK, token)
    world.service.customers.not_me.for_good(KIOSK, token)


def with_pin(world: World, made: Enrolled, pin: str) -> None:
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, pin)


@pytest.fixture
def two(world: World) -> tuple[Enrolled, Enrolled]:
    """One face enrolled twice: a photograph of somebody is enough for the second."""
    return world.enrol(1), world.enrol(1, purposes=("offers",), somebody_else=True)


class TestGettingOut:
    def test_after_not_me_for_this_visit_the_face_is_enough(self, world: World) -> None:
        world.enrol(1)
        world.service.customers.not_me.this_visit(KIOSK, world.recognise(1).token or "")

        assert forget_face(world).decision == "forgotten"
        assert stored(world)[:2] == (0, 0)

    def test_after_not_me_for_good_the_pin_confirms_it(self, world: World) -> None:
        with_pin(world, world.enrol(1), "4711")
        deny(world)

        assert forget_face(world) == OptedOut("pin_needed")
        with pytest.raises(PinWrong):
            forget_face(world, pin="0000")
        assert forget_face(world, pin="4711") == OptedOut("forgotten")
        assert stored(world)[:2] == (0, 0)

    def test_after_not_me_for_good_without_a_pin_they_are_paused_at_once(self, world: World) -> None:
        world.enrol(1)
        deny(world)
        done = forget_face(world)

        assert (done.decision, len(done.reference or "")) == ("paused", 9)
        assert world.recognise(1).decision == "unknown"
        assert stored(world)[:2] == (1, 1)

    def test_lookalikes_without_a_pin_are_all_paused_at_once_in_every_process(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        other = world.other()
        done = forget_face(world)

        assert done.decision == "paused"
        assert (world.recognise(1).decision, other.recognise(1).decision) == ("unknown", "unknown")
        [waiting] = other.service.customers.held.waiting()
        assert (waiting.reference, waiting.customers, waiting.with_pin) == (done.reference, 2, False)
        other.close()

    def test_the_pin_says_which_of_two_it_is(self, world: World, two: tuple[Enrolled, Enrolled]) -> None:
        for made, pin in zip(two, ("1111", "2222"), strict=True):
            with_pin(world, made, pin)

        assert forget_face(world) == OptedOut("pin_needed")
        assert forget_face(world, pin="2222") == OptedOut("forgotten")
        assert row_of(world, two[0].receipt).pin is not None
        assert world.half.galleries.current("north").size == 1

    def test_one_of_two_has_a_pin_and_the_other_one_gets_out_too(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        """Enrolling a photograph of somebody, with a PIN of one's own, keeps them in no more than without."""
        with_pin(world, two[1], "2222")

        assert forget_face(world) == OptedOut("pin_needed")
        assert forget_face(world, pin="").decision == "paused"
        assert world.recognise(1).decision == "unknown"

    def test_a_wrong_pin_counts_for_each_of_them_and_a_lock_keeps_nobody_in(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        for made, pin in zip(two, ("1111", "2222"), strict=True):
            with_pin(world, made, pin)
        for _ in range(5):
            with pytest.raises(PinWrong):
                forget_face(world, pin="0000")

        assert all(row_of(world, made.receipt).pin_locks == 1 for made in two)
        with pytest.raises(PinLocked):
            forget_face(world, pin="1111")
        assert forget_face(world, pin="").decision == "paused"

    def test_who_is_paused_or_took_every_purpose_back_gets_out_too(self, world: World) -> None:
        gone = row_of(world, world.enrol(1).receipt)
        world.service.customers.standings.ledger.withdraw(gone.holder, ("orders",))
        assert world.recognise(1).decision == "unknown"

        assert forget_face(world).decision == "forgotten"
        assert stored(world)[:2] == (0, 0)

    def test_a_photograph_that_somebody_is_just_joining_with_neither_greets_nor_leaves_instead_of_them(
        self, world: World
    ) -> None:
        """Until they confirm their code they are nobody, also to the person whose face it is."""
        first = world.enrol(1)
        other = world.enrol(1, purposes=("offers",), somebody_else=True, confirm=False)

        assert (world.recognise(1).decision, world.recognise(1).purposes) == ("matched", ("orders",))
        assert forget_face(world).decision == "forgotten"
        assert world.half.stores.customers.all() == [row_of(world, other.receipt)]
        assert forget_face(world).decision == "forgotten"
        assert stored(world)[:2] == (0, 0)
        assert first.receipt

    def test_asking_twice_gives_one_reference(self, world: World, two: tuple[Enrolled, Enrolled]) -> None:
        first, again = forget_face(world), forget_face(world)

        assert first == again
        assert len(world.service.customers.held.waiting()) == 1

    def test_a_stranger_gets_one_answer_with_any_pin(self, world: World) -> None:
        world.enrol(1)

        assert [forget_face(world, 8, pin) for pin in (None, "", "1234")] == [OptedOut("unknown")] * 3
        with pytest.raises(PinInvalid):
            forget_face(world, 8, "12")
        assert world.recognise(1).decision == "matched"

    @pytest.mark.parametrize("pins", [(), ("1111",), ("1111", "2222")])
    def test_a_pin_is_compared_as_often_whoever_has_one(
        self, world: World, monkeypatch: pytest.MonkeyPatch, two: tuple[Enrolled, Enrolled], pins: tuple[str, ...]
    ) -> None:
        """The time says neither how many of the candidates have a PIN nor whether there are any."""
        for made, pin in zip(two, pins, strict=False):
            with_pin(world, made, pin)
        asked: list[bytes] = []
        scrypt = hashlib.scrypt

        def counted(pin: bytes, **cost: Any) -> bytes:
            asked.append(pin)
            return scrypt(pin, **cost)

        monkeypatch.setattr(hashlib, "scrypt", counted)
        for person in (1, 8):
            asked.clear()
            with suppress(PinWrong):
                forget_face(world, person, "9999")
            assert len(asked) == 3


class TestStaff:
    def test_one_customer_is_erased_or_greeted_again(self, world: World) -> None:
        world.enrol(1)
        deny(world)
        held = world.service.customers.held
        reference = forget_face(world).reference or ""
        assert held.resume(reference.lower().replace("-", " ")) == 1
        assert world.recognise(1).decision == "ambiguous"

        again = forget_face(world).reference or ""
        assert held.erase(again) == 1
        assert stored(world)[:2] == (0, 0)
        for ended in (reference, again, "nothing"):
            with pytest.raises(HeldUnknown):
                held.resume(ended)
            with pytest.raises(HeldUnknown):
                held.erase(ended)
        assert held.waiting() == []

    def test_of_several_the_code_or_the_pin_says_which_and_the_others_are_greeted_again(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        with_pin(world, two[0], "1111")
        held = world.service.customers.held
        reference = forget_face(world, pin="").reference or ""
        stranger = world.enrol(5)

        with pytest.raises(HeldOfSeveral):
            held.erase(reference)
        with pytest.raises(PinWrong):
            held.erase(reference, "0000")
        with pytest.raises(CodeOrPinWrong):
            held.erase(reference, stranger.receipt)
        assert held.erase(reference, two[1].receipt) == 1
        assert held.waiting() == []
        assert world.service.recognise_by_code(KIOSK, two[0].receipt, "1111").decision == "matched"
        assert world.recognise(5).decision == "matched"

    def test_without_either_a_member_of_staff_can_erase_all_of_them(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        reference = forget_face(world).reference or ""

        assert world.service.customers.held.erase(reference, everybody=True) == 2
        assert stored(world)[:2] == (0, 0)

    def test_who_resumed_by_themselves_is_held_no_longer(
        self, world: World, two: tuple[Enrolled, Enrolled]
    ) -> None:
        """Whose photograph somebody held up is not erased by a member of staff once they said who they are."""
        reference = forget_face(world).reference or ""
        row = row_of(world, two[0].receipt)
        world.service.customers.standings.resume(row)
        held = world.service.customers.held

        assert [one.customers for one in held.waiting()] == [1]
        assert held.erase(reference, everybody=True) == 1
        assert row_of(world, two[0].receipt)

    def test_two_operators_at_once_do_one_of_both(self, world: World) -> None:
        other = world.other()
        for _ in range(4):
            world.enrol(1)
            deny(world)
            reference = forget_face(world).reference or ""
            done: list[str] = []

            def end(process: World, how: str, reference: str = reference, done: list[str] = done) -> None:
                try:
                    getattr(process.service.customers.held, how)(reference)
                    done.append(how)
                except HeldUnknown:
                    pass

            threads = [
                threading.Thread(target=end, args=(process, how))
                for process, how in ((world, "resume"), (other, "erase"))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(done) == 1
            assert stored(world)[0] == (0 if done == ["erase"] else 1)
            if done == ["resume"]:
                reference = forget_face(world).reference or ""
                world.service.customers.held.erase(reference)
        other.close()

    def test_an_erasure_by_staff_that_was_interrupted_is_taken_up_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.enrol(1)
        deny(world)
        held = world.service.customers.held
        reference = forget_face(world).reference or ""
        with monkeypatch.context() as killed:
            killed.setattr(world.service.erasures, "erase", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                held.erase(reference)

        with pytest.raises(HeldUnknown):
            held.resume(reference)
        assert held.erase(reference) == 1
        assert stored(world)[:2] == (0, 0)

    def test_a_row_goes_with_its_customer(self, world: World) -> None:
        made = world.enrol(1)
        deny(world)
        forget_face(world)
        world.service.forget(KIOSK, made.receipt)

        assert world.half.stores.held.all() == []
