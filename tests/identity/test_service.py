"""Press and recognise: with an engine that depicts nobody."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from identity.engines.protocol import Face, Pixels
from identity.errors import (
    AlreadyEnrolled,
    IdentityError,
    NameTooLong,
    NoFace,
    NotAnImage,
    NotCalibrated,
    PressExpired,
    PressRefused,
    TooManyFailures,
    VectorInvalid,
)
from identity.service import Device, Recognition
from plumbing.clock import DAY, MINUTE, SECOND
from tests.identity.fakes import FAKE_PACK, FakeEngine, face_at
from tests.identity.halves import (
    KIOSK,
    OTHER_DEVICE,
    OTHER_TENANT,
    START,
    Scripted,
    World,
    claims_of,
    picture,
    pictures,
    row_of,
    stored,
)


class TestPress:
    def test_a_press_is_good_once(self, world: World) -> None:
        nonce, _ = world.service.press(KIOSK)
        world.service.recognise(KIOSK, nonce, pictures(1, 1))

        with pytest.raises(PressRefused):
            world.service.recognise(KIOSK, nonce, pictures(1, 1))
        assert world.engine.calls == 1

    @pytest.mark.parametrize("after_us", [10 * SECOND, 30 * SECOND, 300 * SECOND])
    def test_a_press_ends_after_ten_seconds(self, world: World, after_us: int) -> None:
        nonce, expires = world.service.press(KIOSK)
        assert expires == START + 10 * SECOND
        world.clock.now += after_us

        with pytest.raises(PressExpired):
            world.service.recognise(KIOSK, nonce, pictures(1, 1))
        assert world.engine.calls == world.engine.detections == 0

    @pytest.mark.parametrize("device", [OTHER_DEVICE, OTHER_TENANT])
    def test_a_press_is_bound_to_its_device_and_stays_good_there(self, world: World, device: Device) -> None:
        nonce, _ = world.service.press(KIOSK)

        with pytest.raises(PressRefused):
            world.service.recognise(device, nonce, pictures(1, 1))
        assert world.engine.calls == 0
        assert world.service.recognise(KIOSK, nonce, pictures(1, 1)).decision == "unknown"

    def test_a_nonce_nobody_gave_is_refused(self, world: World) -> None:
        with pytest.raises(PressRefused):
            world.service.recognise(KIOSK, "invented", pictures(1, 1))
        assert world.engine.calls == 0

    def test_a_press_is_claimed_once_by_two_processes_at_once(self, world: World) -> None:
        other = world.other()
        wins: list[str] = []

        def claim(process: World, nonce: str) -> None:
            try:
                process.presses.claim("north", "kiosk-1", nonce)
                wins.append(nonce)
            except (PressRefused, TooManyFailures):
                pass

        nonces = [world.service.press(KIOSK)[0] for _ in range(4)]
        for nonce in nonces:
            threads = [threading.Thread(target=claim, args=(process, nonce)) for process in (world, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            world.presses.succeeded("north", "kiosk-1")

        assert sorted(wins) == sorted(nonces)
        other.close()

    def test_five_failures_in_a_row_pause_the_device_for_thirty_seconds(self, world: World) -> None:
        for _ in range(5):
            assert world.recognise(9).decision == "unknown"

        with pytest.raises(TooManyFailures) as caught:
            world.service.press(KIOSK)
        assert caught.value.retry_after == 30
        world.service.press(OTHER_DEVICE)
        world.clock.now += 30 * SECOND
        world.service.press(KIOSK)

    def test_a_recognised_customer_breaks_the_row(self, world: World) -> None:
        world.enrol(1)
        for _ in range(3):
            for _ in range(4):
                world.recognise(9)
            world.recognise(1)
            world.clock.now += MINUTE

        assert world.recognise(9).decision == "unknown"

    def test_ten_failures_in_a_minute_are_the_most(self, world: World) -> None:
        world.enrol(1)
        for _ in range(10):
            world.recognise(9)
            world.presses.succeeded("north", "kiosk-1")  # would break every row
            with world.half.databases[1].write() as connection:
                connection.execute("UPDATE streaks SET minute_failures = minute_failures + 1")

        with pytest.raises(TooManyFailures) as caught:
            world.service.press(KIOSK)
        assert caught.value.retry_after == 60
        world.clock.now += MINUTE
        world.service.press(KIOSK)

    def test_hints_count_in_the_minute_and_do_not_pause_a_device(self, world: World) -> None:
        world.engine.faces = []
        for _ in range(10):
            with pytest.raises(NoFace):
                world.recognise(1)

        with pytest.raises(TooManyFailures):
            world.service.press(KIOSK)
        world.clock.now += MINUTE
        world.service.press(KIOSK)

    def test_a_hint_neither_breaks_nor_ends_a_row_of_failures(self, world: World) -> None:
        for _ in range(4):
            world.recognise(9)
        world.engine.faces = []
        with pytest.raises(NoFace):
            world.recognise(9)
        world.engine.faces = None
        world.recognise(9)

        with pytest.raises(TooManyFailures) as caught:
            world.service.press(KIOSK)
        assert caught.value.retry_after == 30

    def test_a_pause_refuses_a_nonce_from_before_and_leaves_it_unused(self, world: World) -> None:
        nonce, _ = world.service.press(KIOSK)
        for _ in range(5):
            with pytest.raises(PressRefused):
                world.service.recognise(KIOSK, "invented", [])

        with pytest.raises(TooManyFailures):
            world.service.recognise(KIOSK, nonce, pictures(1, 1))
        assert world.engine.calls == 0

    @pytest.mark.parametrize("names", [("n" * 65, "k"), ("n", "ü" * 33), ("a\0b", "k")])
    def test_names_that_fit_no_token_are_refused(self, names: tuple[str, str]) -> None:
        with pytest.raises(NameTooLong):
            Device(*names)


def seen(data: bytes) -> tuple[Pixels, Face]:
    from identity.frames.decode import decode

    pixels = decode(data).pixels
    return pixels, FakeEngine().detect(pixels)[0]


class TestRecognise:
    def test_a_customer_is_recognised_by_one_two_and_three_frames(self, world: World) -> None:
        for person in range(5):
            world.enrol(person, purposes=("orders", "destinations"))

        for count in (1, 2, 3):
            seen = world.recognise(3, count=count)
            assert (seen.decision, seen.purposes) == ("matched", ("orders", "destinations"))

    def test_a_token_has_the_same_pseudonym_at_every_visit_and_a_new_id(self, world: World) -> None:
        world.enrol(1)
        world.enrol(2)

        first, second, stranger = (claims_of(world.recognise(person)) for person in (1, 1, 2))

        assert first.pseudonym == second.pseudonym != stranger.pseudonym
        assert first.token_id != second.token_id
        assert (first.level, first.device, first.tenant) == ("face", "kiosk-1", "north")
        assert first.expires_us - first.issued_us == 10 * MINUTE

    def test_a_stranger_is_unknown_and_gets_no_token(self, world: World) -> None:
        world.enrol(1)

        assert world.recognise(2) == Recognition("unknown", hint="come_closer")

    def test_an_empty_gallery_knows_nobody(self, world: World) -> None:
        assert world.recognise(1) == Recognition("unknown", hint="come_closer")

    def test_a_customer_of_another_tenant_is_a_stranger(self, world: World) -> None:
        world.enrol(1, OTHER_TENANT)

        assert world.recognise(1).decision == "unknown"
        assert world.recognise(1, OTHER_TENANT).decision == "matched"

    def test_somebody_between_two_customers_is_ambiguous_and_gets_no_token(self, world: World) -> None:
        world.enrol(1)
        world.enrol(2)
        one, two = (world.engine.embed(*seen(picture(n, 0))) for n in (1, 2))
        half_way = (one + two) / np.linalg.norm(one + two)
        world.engine.embed = lambda pixels, face: half_way.astype(np.float32)  # type: ignore[method-assign]

        assert world.recognise(1) == Recognition("ambiguous", hint="come_closer")

    def test_a_stale_threshold_means_guest(self, world: World) -> None:
        for person in range(5):
            world.enrol(person)
        assert world.recognise(1).decision == "matched"

        with world.half.databases[0].write() as connection:
            connection.execute("UPDATE galleries SET size = 20, generation = generation + 1")

        assert world.recognise(1).decision == "unknown"

    def test_a_threshold_made_for_another_promise_means_guest_until_it_is_renewed(self, world: World) -> None:
        world.enrol(1)
        stricter = World(world.home, world.clock, settings={"promise": 0.001})
        assert stricter.recognise(1).decision == "unknown"

        stricter.enrol(2)

        assert stricter.recognise(1).decision == "matched"
        stricter.close()

    def test_a_pack_without_figures_greets_nobody_and_enrols_nobody(self, world: World) -> None:
        bare = World(world.home, world.clock, FakeEngine(pack=replace(FAKE_PACK, name="bare", calibration={})))

        assert bare.recognise(1).decision == "unknown"
        with pytest.raises(NotCalibrated):
            bare.enrol(1)
        assert stored(bare) == (0, 0, 0, 0)
        bare.close()

    def test_a_customer_of_another_pack_is_a_stranger_and_can_enrol_again(self, world: World) -> None:
        receipt = world.enrol(1).receipt
        swapped = World(world.home, world.clock, FakeEngine(pack=replace(FAKE_PACK, version="2", size=192)))

        assert swapped.recognise(1).decision == "unknown"
        swapped.enrol(1)
        assert swapped.recognise(1).decision == "matched"
        assert world.recognise(1).decision == "matched"
        assert swapped.service.forget(KIOSK, receipt)
        assert (world.recognise(1).decision, swapped.recognise(1).decision) == ("unknown", "matched")
        swapped.close()

    def test_a_large_gallery_knows_whom_an_exact_one_knows(self, world: World) -> None:
        """The same visits before and after the third customer makes the gallery a large one."""
        world.half.galleries.exact_up_to = 2
        receipts = [world.enrol(person).receipt for person in range(6)]
        assert world.half.galleries.current("north").rows is not None

        assert [world.recognise(person).decision for person in range(6)] == ["matched"] * 6
        assert [world.recognise(person, count=3).decision for person in (40, 41)] == ["unknown"] * 2
        with pytest.raises(AlreadyEnrolled):
            world.enrol(3)
        assert world.service.forget(KIOSK, receipts[2])
        assert world.recognise(2).decision == "unknown"
        world.enrol(7)
        assert [world.recognise(person).decision for person in (1, 7)] == ["matched"] * 2

    def test_one_good_frame_of_three_is_enough_and_two_people_in_one_are_not(self, world: World) -> None:
        world.enrol(1)
        nonce, _ = world.service.press(KIOSK)
        blurred = [face_at(210, 120, 90)]  # eyes too close together
        engine = Scripted([blurred, None, blurred])
        world.service.engine = engine

        assert world.service.recognise(KIOSK, nonce, pictures(1, 3, 60)).decision == "matched"
        assert engine.calls == 1

        world.service.engine = Scripted([[face_at(20, 80, 160), face_at(230, 80, 160)], None, None])
        nonce, _ = world.service.press(KIOSK)
        with pytest.raises(IdentityError) as caught:
            world.service.recognise(KIOSK, nonce, pictures(1, 3, 60))
        assert (caught.value.code, caught.value.extra["hint"]) == ("several_faces", "one_person_please")
        assert world.service.engine.calls == 0

    def test_a_frame_that_cannot_be_decoded_keeps_all_from_being_looked_at(self, world: World) -> None:
        nonce, _ = world.service.press(KIOSK)

        with pytest.raises(NotAnImage):
            world.service.recognise(KIOSK, nonce, [*pictures(1, 2), b"not an image at all"])
        assert world.engine.calls == world.engine.detections == 0

    @pytest.mark.parametrize("value", [0.0, float("nan")])
    def test_a_vector_that_is_none_is_named(self, world: World, value: float) -> None:
        world.engine.embed = lambda pixels, face: np.full(192, value, np.float32)  # type: ignore[method-assign]

        with pytest.raises(VectorInvalid):
            world.recognise(1)

    def test_the_last_visit_is_kept_by_the_day(self, world: World) -> None:
        receipt = world.enrol(1).receipt
        world.clock.now += 3 * DAY
        world.recognise(1)

        assert row_of(world, receipt).last_day == (START + 3 * DAY) // DAY
