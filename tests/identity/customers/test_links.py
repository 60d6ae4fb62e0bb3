"""What becomes of a match: confirmed, denied, enrolled a second time; and which frames make a template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from data.faces import people
from identity.capture.attempt import MOST_CHOSEN, capture_frames, choose_captures
from identity.capture.embed import Capture
from identity.capture.quality import Quality
from identity.errors import AlreadyEnrolled, FaceTokenOnly, FramesIdentical, TokenError, TokenExpired, TokenForeign
from identity.metrics import IdentityMetrics
from identity.service import Device
from identity.store.customers import CONFIRMED_NOT_ME, LOOKALIKE
from identity.vectors import unit
from plumbing.clock import DAY, MINUTE
from tests.identity.fakes import FakeEngine
from tests.identity.halves import KIOSK, OTHER_DEVICE, World, claims_of, picture, row_of


@pytest.fixture
def known(tmp_path: Path) -> Iterator[tuple[World, str]]:
    """Somebody enrolled, with the PIN 4711, and their receipt."""
    world = World(tmp_path)
    enrolled = world.enrol(1, purposes=("orders", "destinations"))
    world.service.set_pin(KIOSK, enrolled.receipt, enrolled.pin_secret, "4711")
    yield world, enrolled.receipt
    world.close()


def template(world: World) -> np.ndarray:
    """The only template, as it stands in the gallery."""
    return np.array(world.half.galleries.current("north").matrix[0])


class TestNotMe:
    """It ends a visit; it takes nothing from the customer but, after a confirmation, the greeting by face."""

    def greeted(self, world: World) -> str:
        token = world.recognise(1).token
        assert token is not None
        return token

    def test_it_is_counted_once_and_ends_this_visit_alone(self, known: tuple[World, str]) -> None:
        world, _ = known
        token = self.greeted(world)
        world.service.customers.not_me.this_visit(KIOSK, token)

        assert world.count("not_me") == 1
        with pytest.raises(TokenExpired):
            world.service.customers.not_me.this_visit(KIOSK, token)
        with pytest.raises(TokenExpired):
            world.service.raise_level(KIOSK, token, "4711")
        assert world.count("not_me") == 1
        assert world.recognise(1).decision == "matched"

    def test_the_raised_token_of_the_visit_ends_with_it_in_every_process(self, known: tuple[World, str]) -> None:
        world, _ = known
        token = self.greeted(world)
        raised = world.service.raise_level(KIOSK, token, "4711").token or ""
        other = world.other()
        other.service.customers.not_me.this_visit(KIOSK, raised)

        for closed in (token, raised):
            with pytest.raises(TokenExpired):
                world.service.raise_level(KIOSK, closed, "4711")
            with pytest.raises(TokenExpired):
                world.service.customers.joining.change_pin(KIOSK, closed, "4711", "1234")
        other.close()

    def test_for_good_that_face_alone_greets_nobody_and_it_is_counted_once(self, known: tuple[World, str]) -> None:
        """The screen asks after the visit was ended: the closed token says whose face it is."""
        world, _ = known
        token = self.greeted(world)
        world.service.customers.not_me.this_visit(KIOSK, token)
        world.service.customers.not_me.for_good(KIOSK, token)
        again = world.recognise(1)

        assert world.count("not_me") == 1
        assert (again.decision, again.purposes, again.hint) == ("ambiguous", (), "give_the_pin")
        assert world.service.raise_level(KIOSK, again.token or "", "4711").decision == "matched"

    def test_it_holds_in_every_process(self, known: tuple[World, str]) -> None:
        world, _ = known
        world.service.customers.not_me.for_good(KIOSK, self.greeted(world))
        other = world.other()

        assert other.recognise(1).decision == "ambiguous"
        other.close()

    def test_the_pin_takes_it_back_and_a_face_does_not(self, known: tuple[World, str]) -> None:
        world, _ = known
        denied = world.service.customers.not_me
        denied.for_good(KIOSK, self.greeted(world))
        token = world.recognise(1).token or ""
        with pytest.raises(FaceTokenOnly):
            denied.take_back(KIOSK, token)
        denied.take_back(KIOSK, world.service.raise_level(KIOSK, token, "4711").token or "")

        assert world.recognise(1).decision == "matched"

    def test_who_looks_like_somebody_else_stays_so_when_it_is_taken_back(self, known: tuple[World, str]) -> None:
        world, receipt = known
        world.enrol(1, somebody_else=True)
        code = world.service.recognise_by_code(KIOSK, receipt, "4711")
        world.service.customers.not_me.for_good(KIOSK, code.token or "")
        assert row_of(world, receipt).needs_second_factor == CONFIRMED_NOT_ME
        code = world.service.recognise_by_code(KIOSK, receipt, "4711")
        world.service.customers.not_me.take_back(KIOSK, code.token or "")

        assert row_of(world, receipt).needs_second_factor == LOOKALIKE
        assert world.recognise(1).decision == "ambiguous"

    def test_a_lookalike_who_left_is_none_when_it_is_taken_back(self, known: tuple[World, str]) -> None:
        """Also for those whom "not me" marked as lookalikes before there was a way back."""
        world, receipt = known
        twin = world.enrol(1, somebody_else=True)
        world.service.forget(KIOSK, twin.receipt)
        assert row_of(world, receipt).needs_second_factor == LOOKALIKE
        code = world.service.recognise_by_code(KIOSK, receipt, "4711")
        world.service.customers.not_me.take_back(KIOSK, code.token or "")

        assert world.recognise(1).decision == "matched"

    def test_nobody_is_asked_for_a_pin_that_they_do_not_have(self, world: World) -> None:
        made = world.enrol(1)
        world.service.customers.not_me.for_good(KIOSK, self.greeted(world))
        again = world.recognise(1)

        assert (again.decision, again.token, again.hint) == ("ambiguous", None, "use_your_code")
        assert row_of(world, made.receipt).needs_second_factor == CONFIRMED_NOT_ME

    def test_nobody_is_flagged_from_another_device_or_without_a_greeting(self, known: tuple[World, str]) -> None:
        world, _ = known
        token = self.greeted(world)
        for device, text in ((OTHER_DEVICE, token), (Device("south", "kiosk-1"), token), (KIOSK, "x")):
            for say in (world.service.customers.not_me.this_visit, world.service.customers.not_me.for_good):
                with pytest.raises(TokenError):
                    say(device, text)

        assert world.recognise(1).decision == "matched"

    def test_what_was_denied_does_not_move_the_template(self, known: tuple[World, str]) -> None:
        world, receipt = known
        before = template(world)
        world.service.customers.not_me.this_visit(KIOSK, self.greeted(world))

        assert world.service.customers.updates.confirmed(row_of(world, receipt)) is False
        assert np.array_equal(template(world), before)


class TestFollowing:
    def confirm(self, world: World) -> None:
        greeted = world.recognise(1)
        assert greeted.token is not None
        world.service.raise_level(KIOSK, greeted.token, "4711")

    def test_a_template_moves_a_little_after_the_pin_and_not_before(self, known: tuple[World, str]) -> None:
        world, _ = known
        first = template(world)
        world.recognise(1)
        assert np.array_equal(template(world), first)

        self.confirm(world)
        moved = template(world)

        assert 0.99 < float(first @ moved) < 0.99999
        assert world.half.galleries.current("north").size == 1

    def test_once_a_day_at_most(self, known: tuple[World, str]) -> None:
        world, _ = known
        self.confirm(world)
        once = template(world)
        self.confirm(world)
        assert np.array_equal(template(world), once)

        world.clock.now += DAY
        self.confirm(world)

        assert not np.array_equal(template(world), once)

    def test_a_match_confirmed_too_late_teaches_nothing(self, known: tuple[World, str]) -> None:
        world, _ = known
        world.recognise(1)
        world.clock.now += 11 * MINUTE
        before = template(world)
        row = row_of(world, known[1])

        assert world.service.customers.updates.confirmed(row) is False
        assert np.array_equal(template(world), before)

    def test_another_process_and_a_backup_see_one_template(self, known: tuple[World, str]) -> None:
        world, _ = known
        other = world.other()
        other.recognise(1)
        self.confirm(world)

        assert np.array_equal(template(other), template(world))
        assert other.half.galleries.current("north").ids == world.half.galleries.current("north").ids
        other.close()

    def test_a_sudden_change_is_not_followed(self, known: tuple[World, str]) -> None:
        """A face that only just matched may be another person's."""
        world, receipt = known
        row, before = row_of(world, receipt), template(world)
        stranger = unit(np.random.default_rng(1).normal(size=192))
        [seen] = capture_frames(world.engine, [picture(1, 50)], IdentityMetrics(CollectorRegistry())).captures
        world.service.customers.updates.saw(row, [replace(seen, vector=stranger)])

        assert world.service.customers.updates.confirmed(row) is False
        assert np.array_equal(template(world), before)


class TestEnrolledBefore:
    def test_the_first_enrolment_goes_on_after_the_pin(self, known: tuple[World, str]) -> None:
        """The refusal carries a token that opens nothing; with the PIN it opens the first enrolment, and no second
        one was made."""
        world, _ = known
        first = claims_of(world.recognise(1)).pseudonym
        with pytest.raises(AlreadyEnrolled) as error:
            world.enrol(1)
        token = error.value.extra["token"]

        raised = world.service.raise_level(KIOSK, token, "4711")

        assert raised.purposes == ("orders", "destinations")
        assert claims_of(raised).pseudonym == first
        assert world.half.galleries.current("north").size == 1

    def test_without_the_pin_it_opens_nothing(self, known: tuple[World, str]) -> None:
        world, _ = known
        with pytest.raises(AlreadyEnrolled) as error:
            world.enrol(1)
        token = error.value.extra["token"]

        assert world.service.customers.accounts.of_token(KIOSK, token)[0].purposes == ()
        with pytest.raises(TokenForeign):
            world.service.raise_level(OTHER_DEVICE, token, "4711")


class TestChosenFrames:
    def capture(self, vector: np.ndarray, sharpness: float = 10.0) -> Capture:
        return Capture(unit(vector), Quality(80, 0, sharpness, 120, 40), "fake@1")

    def spread(self, count: int, scatter: float, seed: int = 1) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        centre = rng.normal(size=64)
        return [centre + scatter * rng.normal(size=64) for _ in range(count)]

    def test_blurred_frames_are_left_out_when_enough_are_left(self) -> None:
        captures = [self.capture(v, s) for v, s in zip(self.spread(5, 0.3), (10, 9, 5, 8, 9.5), strict=True)]
        kept = choose_captures(captures, 3)

        assert 5 not in [capture.quality.sharpness for capture in kept]
        assert len(kept) == MOST_CHOSEN
        assert choose_captures(captures[:3], 3)  # three in all: the blurred one is better than none

    def test_frames_that_differ_come_first(self) -> None:
        """Of five, two pairs are nearly the same: one of each pair is left out."""
        a, b, c = self.spread(3, 0.6)
        near = 1e-2 * np.random.default_rng(2).normal(size=64)
        captures = [self.capture(v) for v in (a, a + near, b, b + near, c)]
        kept = choose_captures(captures, 3)[:3]

        assert {int(np.argmax([float(k.vector @ unit(v)) for v in (a, b, c)])) for k in kept} == {0, 1, 2}

    @pytest.mark.parametrize("quality", [60, 75, 90])
    def test_one_picture_saved_thrice_is_refused(self, tmp_path: Path, quality: int) -> None:
        """Not the same bytes nor the same pixels, but the same picture. Two frames of one drawn person are two."""
        still, later = people.draw_face(3, 0), people.draw_face(3, 1)
        saved = [people.jpeg(still, quality + n) for n in range(3)]
        with pytest.raises(FramesIdentical):
            capture_frames(FakeEngine(), saved, IdentityMetrics(CollectorRegistry()), least=3, enrolling=True)

        two = [people.jpeg(still, quality), people.jpeg(later, quality)]
        attempt = capture_frames(FakeEngine(), two, IdentityMetrics(CollectorRegistry()), least=2, enrolling=True)
        assert len(attempt.captures) == 2
