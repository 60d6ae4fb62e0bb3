"""Without a face: joining with a code, visits by code and PIN, adding and dropping a face."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity.errors import (
    AgeNotConfirmed,
    AlreadyEnrolled,
    CodeMistyped,
    CodeOrPinWrong,
    EnrolmentUnknown,
    FaceHeld,
    FramesDiffer,
    NoConsent,
    NoticeOutdated,
    PinInvalid,
    PinNeeded,
    PinWrong,
    TooFewFrames,
    TooManyCodes,
)
from identity.service import Enrolled
from plumbing.clock import MINUTE, SECOND
from plumbing.limits import TooManyRequests
from tests.databases import sqlite_of
from tests.identity.halves import (
    KIOSK,
    OTHER_DEVICE,
    OTHER_TENANT,
    World,
    claims_of,
    picture,
    pictures,
    row_of,
    stored,
)

ALL = ("orders", "offers", "destinations")
NOBODYS = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"  # a code as earlier releases made them, which nobody has


@pytest.fixture
def receipt(world: World) -> str:
    """Somebody who may be recognised by the face too, and who goes by the code today; the PIN is 4711."""
    made = world.enrol(1, purposes=ALL)
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "4711")
    return made.receipt


class TestVisits:
    def test_code_and_pin_give_what_face_and_pin_give(self, world: World, receipt: str) -> None:
        by_face = world.service.raise_level(KIOSK, world.recognise(1).token or "", "4711")
        by_code = world.service.recognise_by_code(KIOSK, f" {receipt.lower()} ", "4711")
        face, code = claims_of(by_face), claims_of(by_code)

        assert (by_code.decision, by_code.purposes) == ("matched", ALL)
        assert (code.level, code.pseudonym, code.purposes) == (face.level, face.pseudonym, face.purposes)
        assert len(by_code.token or "") == len(by_face.token or "")
        assert world.engine.calls == 4  # of the enrolment and the recognition

    @pytest.mark.parametrize("tenant", [OTHER_TENANT])
    def test_one_answer_to_everything_that_is_wrong(self, world: World, receipt: str, tenant: Any) -> None:
        without_pin = world.enrol(2).receipt
        wrong: list[Callable[[], object]] = [
            lambda: world.service.recognise_by_code(KIOSK, NOBODYS, "4711"),
            lambda: world.service.recognise_by_code(OTHER_DEVICE, receipt, "0000"),
            lambda: world.service.recognise_by_code(KIOSK, without_pin, "4711"),
            lambda: world.service.recognise_by_code(tenant, receipt, "4711"),
        ]

        answers = set()
        for ask in wrong:
            with pytest.raises(CodeOrPinWrong) as error:
                ask()
            answers.add((error.value.code, error.value.status, error.value.detail, error.value.retry_after))
        assert len(answers) == 1

    @pytest.mark.sqlite  # it says what it does
    def test_every_wrong_answer_costs_the_same_work(
        self, world: World, receipt: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One comparison of a PIN and two writes, whoever has the code, also when it is locked."""
        for n in range(5):
            with pytest.raises(CodeOrPinWrong):
                world.service.recognise_by_code(KIOSK if n % 2 else OTHER_DEVICE, receipt, "0000")
        open_one = world.enrol(2, purposes=ALL)
        world.service.set_pin(KIOSK, open_one.receipt, open_one.pin_secret, "4711")
        work: list[str] = []
        scrypt = hashlib.scrypt

        def compared(pin: bytes, **cost: Any) -> bytes:
            work.append("COMPARE")
            return scrypt(pin, **cost)

        monkeypatch.setattr(hashlib, "scrypt", compared)
        sqlite_of(world.half.databases[0]).connection.set_trace_callback(work.append)
        found = []
        for code in (NOBODYS, receipt, open_one.receipt):
            work.clear()
            with pytest.raises(CodeOrPinWrong):
                world.service.recognise_by_code(KIOSK, code, "9999")
            found.append(sorted(one for one in work if one in ("COMPARE", "COMMIT")))
        sqlite_of(world.half.databases[0]).connection.set_trace_callback(None)

        assert found == [["COMMIT", "COMMIT", "COMPARE"]] * 3

    def test_five_wrong_pins_lock_the_code_on_every_device_and_after_a_restart(
        self, world: World, receipt: str
    ) -> None:
        other = world.other()
        devices = [KIOSK, OTHER_DEVICE]
        for n in range(5):
            with pytest.raises(CodeOrPinWrong):
                (world, other)[n % 2].service.recognise_by_code(devices[n % 2], receipt, "0000")
        other.close()
        again = world.other()

        for device in devices:
            with pytest.raises(CodeOrPinWrong):
                again.service.recognise_by_code(device, receipt, "4711")
        assert row_of(world, receipt).pin_locks == 1
        world.clock.now += 15 * MINUTE
        assert again.service.recognise_by_code(KIOSK, receipt, "4711").decision == "matched"
        again.close()

    def test_a_device_that_is_wrong_five_times_in_a_row_waits_half_a_minute_also_after_a_restart(
        self, world: World, receipt: str
    ) -> None:
        for _ in range(5):
            with pytest.raises(CodeOrPinWrong):
                world.service.recognise_by_code(KIOSK, NOBODYS, "1234")
        again = world.other()

        with pytest.raises(TooManyCodes) as error:
            again.service.recognise_by_code(KIOSK, receipt, "4711")
        assert error.value.retry_after == 30
        assert again.service.recognise_by_code(OTHER_DEVICE, receipt, "4711").decision == "matched"
        world.clock.now += 30 * SECOND
        assert again.service.recognise_by_code(KIOSK, receipt, "4711").decision == "matched"
        again.close()

    def test_a_right_code_ends_the_row(self, world: World, receipt: str) -> None:
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(CodeOrPinWrong):
                    world.service.recognise_by_code(KIOSK, NOBODYS, "1234")
            assert world.service.recognise_by_code(KIOSK, receipt, "4711").decision == "matched"

    def test_a_mistyped_code_is_named_and_counts_for_nobody(self, world: World, receipt: str) -> None:
        for _ in range(6):
            with pytest.raises(CodeMistyped):
                world.service.recognise_by_code(KIOSK, "22222-33333-44444-55555", "4711")
            with pytest.raises(PinInvalid):
                world.service.recognise_by_code(KIOSK, receipt, "47")

        assert world.service.recognise_by_code(KIOSK, receipt, "4711").decision == "matched"

    def test_what_needs_a_living_head_is_open_by_code(self, tmp_path: Path) -> None:
        """It guards against photographs, and none is involved."""
        world = World(tmp_path, settings={"needs": dict.fromkeys(ALL, "liveness_and_pin")})
        made = world.join(purposes=ALL)

        assert world.service.recognise_by_code(KIOSK, made.receipt, "4711").purposes == ALL
        world.close()

    def test_who_left_has_no_code(self, world: World, receipt: str) -> None:
        token = world.service.recognise_by_code(KIOSK, receipt, "4711").token or ""
        world.service.forget(KIOSK, receipt)

        with pytest.raises(CodeOrPinWrong):
            world.service.recognise_by_code(KIOSK, receipt, "4711")
        assert token


def given(world: World, receipt: str) -> tuple[str, ...]:
    """What the holder of a code agrees to, in the words of the ledger."""
    account = world.service.customers.accounts.find("north", row_of(world, receipt).customer_id)
    assert account is not None
    return account.standing.given


class TestJoining:
    def test_there_is_no_picture_no_template_and_no_consent_to_the_face(self, world: World) -> None:
        made = world.join(purposes=ALL)
        seen = world.service.recognise_by_code(KIOSK, made.receipt, "4711")

        assert (seen.decision, seen.purposes) == ("matched", ALL)
        assert given(world, made.receipt) == ALL
        assert stored(world)[:2] == (1, 0)
        assert world.engine.calls == world.engine.detections == 0

    def test_nobody_is_greeted_before_they_confirmed_to_have_the_code(self, world: World) -> None:
        made = world.join(confirm=False)

        seen = world.service.recognise_by_code(KIOSK, made.receipt, "4711")
        assert (seen.decision, seen.token, seen.hint) == ("unknown", None, "go_on_without")
        world.service.confirm(KIOSK, made.receipt)
        assert world.service.recognise_by_code(KIOSK, made.receipt, "4711").decision == "matched"

    def test_a_pause_ends_by_code_and_pin_alone(self, world: World) -> None:
        made = world.join()
        world.service.customers.standings.pause(row_of(world, made.receipt))

        seen = world.service.recognise_by_code(KIOSK, made.receipt, "4711")
        assert (seen.decision, seen.token, seen.hint) == ("unknown", None, "paused")

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"pin": None}, PinNeeded),
            ({"pin": "12"}, PinInvalid),
            ({"purposes": ()}, NoConsent),
            ({"notice_version": "2019-01"}, NoticeOutdated),
            ({"age_confirmed": False}, AgeNotConfirmed),
        ],
    )
    def test_consent_and_a_pin_are_needed(
        self, world: World, wrong: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            world.join(**wrong)
        assert stored(world) == (0, 0, 0, 0)

    def test_a_device_lets_ten_join_in_a_minute(self, world: World) -> None:
        for _ in range(10):
            world.join(confirm=False)

        with pytest.raises(TooManyRequests):
            world.join()
        world.clock.now += MINUTE
        world.join()

    def test_opting_out_works_by_code(self, world: World) -> None:
        made = world.join()

        assert world.service.forget(KIOSK, made.receipt)
        assert stored(world) == (0, 0, 0, 0)


class TestAFaceLater:
    @pytest.fixture
    def joined(self, world: World) -> Enrolled:
        return world.join(purposes=ALL)

    def add(self, world: World, made: Enrolled, person: int = 1, pin: str | None = "4711", **more: Any) -> None:
        nonce, _ = world.service.press(KIOSK)
        frames = more.pop("frames", pictures(person))
        world.service.add_face(KIOSK, made.receipt, pin, nonce, frames, **more)

    def test_a_face_is_added_and_dropped_and_the_history_stays(self, world: World, joined: Enrolled) -> None:
        before = claims_of(world.service.recognise_by_code(KIOSK, joined.receipt, "4711")).pseudonym
        self.add(world, joined)
        seen = world.recognise(1)

        assert (seen.decision, claims_of(seen).pseudonym) == ("matched", before)
        assert given(world, joined.receipt) == ("face", *ALL)
        world.service.customers.joining.drop_face(KIOSK, joined.receipt, "4711")
        assert world.recognise(1).decision == "unknown"
        assert given(world, joined.receipt) == ALL
        assert stored(world)[:2] == (1, 0)
        assert claims_of(world.service.recognise_by_code(KIOSK, joined.receipt, "4711")).pseudonym == before
        world.service.customers.joining.drop_face(KIOSK, joined.receipt, "4711")  # twice is no error
        self.add(world, joined)
        assert claims_of(world.recognise(1)).pseudonym == before

    def test_who_joined_with_a_face_drops_it_with_the_code_alone_when_there_is_no_pin(self, world: World) -> None:
        made = world.enrol(1)
        world.service.customers.joining.drop_face(KIOSK, made.receipt, None)

        assert (world.recognise(1).decision, stored(world)[:2]) == ("unknown", (1, 0))

    def test_it_takes_the_pin_and_a_press(self, world: World, joined: Enrolled) -> None:
        for pin, error in ((None, PinNeeded), ("0000", PinWrong), ("x", PinInvalid)):
            with pytest.raises(error):
                self.add(world, joined, pin=pin)
            with pytest.raises(error):
                world.service.customers.joining.drop_face(KIOSK, joined.receipt, pin)
        assert world.engine.calls == 0
        with pytest.raises(EnrolmentUnknown):
            world.service.customers.joining.drop_face(OTHER_TENANT, joined.receipt, "4711")
        with pytest.raises(TooFewFrames):
            self.add(world, joined, frames=pictures(1, 2))
        with pytest.raises(FramesDiffer):
            self.add(world, joined, frames=[*pictures(1, 2), picture(2, 0)])
        with pytest.raises(NoticeOutdated):
            self.add(world, joined, notice_version="2019-01")
        assert stored(world)[:2] == (1, 0)

    def test_one_face_at_a_time(self, world: World, joined: Enrolled) -> None:
        self.add(world, joined)

        with pytest.raises(FaceHeld):
            self.add(world, joined, 2)
        assert (world.recognise(1).decision, world.recognise(2).decision) == ("matched", "unknown")

    def test_a_face_that_is_enrolled_is_not_added_unless_it_is_somebody_elses(
        self, world: World, joined: Enrolled
    ) -> None:
        other = world.enrol(1)
        with pytest.raises(AlreadyEnrolled):
            self.add(world, joined)
        assert stored(world)[:2] == (2, 1)
        self.add(world, joined, somebody_else=True)

        assert row_of(world, other.receipt).needs_second_factor == 1
        assert row_of(world, joined.receipt).needs_second_factor == 1
        world.service.customers.joining.drop_face(KIOSK, joined.receipt, "4711")
        assert row_of(world, joined.receipt).needs_second_factor == 0
