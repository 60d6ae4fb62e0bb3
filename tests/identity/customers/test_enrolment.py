"""Enrolment: who can enrol, with what consent, and what is stored."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial

import pytest

from identity import tokens
from identity.errors import (
    AlreadyEnrolled,
    ConsentError,
    FramesDiffer,
    FramesIdentical,
    IdentityError,
    NoConsent,
    StorageFull,
    TooFewFrames,
)
from identity.service import Device
from plumbing.storage.database import DatabaseBusy
from tests.databases import sqlite_of
from tests.identity.fakes import face_at
from tests.identity.halves import (
    KIOSK,
    OTHER_DEVICE,
    OTHER_TENANT,
    START,
    TOKEN_KEY,
    Scripted,
    World,
    claims_of,
    picture,
    pictures,
    row_of,
    stored,
)


class TestEnrol:
    def test_an_enrolment_keeps_one_customer_one_template_and_a_consent_for_each_purpose(
        self, world: World
    ) -> None:
        made = world.enrol(1, purposes=("orders", "offers"))

        assert stored(world) == (1, 1, 2, 1)
        assert made.purposes == ("orders", "offers")
        assert len(made.receipt.replace("-", "")) == 20

    def test_without_consent_no_frame_is_looked_at(self, world: World) -> None:
        with pytest.raises(NoConsent):
            world.enrol(1, purposes=())

        assert world.engine.calls == world.engine.detections == 0
        assert stored(world) == (0, 0, 0, 0)

    def test_consent_that_failed_leaves_the_press_for_another_try(self, world: World) -> None:
        nonce, _ = world.service.press(KIOSK)
        agreed = partial(world.service.enrol, notice_version=world.service.notice.version, age_confirmed=True)
        with pytest.raises(ConsentError):
            agreed(KIOSK, nonce, pictures(1), purposes={})

        assert agreed(KIOSK, nonce, pictures(1), purposes={"orders": True})

    def test_two_frames_are_too_few(self, world: World) -> None:
        nonce, _ = world.service.press(KIOSK)
        agreed = partial(world.service.enrol, notice_version=world.service.notice.version, age_confirmed=True)

        with pytest.raises(TooFewFrames):
            agreed(KIOSK, nonce, pictures(1, 2), purposes={"orders": True})

    def enrol_frames(self, world: World, frames: list[bytes]) -> None:
        nonce, _ = world.service.press(KIOSK)
        world.service.enrol(
            KIOSK,
            nonce,
            frames,
            purposes={"orders": True},
            notice_version=world.service.notice.version,
            age_confirmed=True,
        )

    def test_one_picture_three_times_is_refused(self, world: World) -> None:
        with pytest.raises(FramesIdentical):
            self.enrol_frames(world, [picture(1, 0), picture(1, 1), picture(1, 0)])
        assert world.engine.calls == 0
        assert stored(world) == (0, 0, 0, 0)

    def test_pictures_of_two_people_are_refused(self, world: World) -> None:
        with pytest.raises(FramesDiffer):
            self.enrol_frames(world, [*pictures(1, 3), picture(2, 0)])
        assert stored(world) == (0, 0, 0, 0)

    def test_three_usable_frames_of_five_are_enough_and_two_are_not(self, world: World) -> None:
        small = [face_at(210, 120, 90)]
        world.service.engine = Scripted([None, small, None, small, None])
        self.enrol_frames(world, pictures(1, 5))
        assert stored(world) == (1, 1, 1, 1)

        world.service.engine = Scripted([None, small, small, small, None])
        with pytest.raises(IdentityError) as caught:
            self.enrol_frames(world, pictures(2, 5))
        assert caught.value.code == "face_too_small"

    def test_a_face_that_is_enrolled_is_not_enrolled_twice(self, world: World) -> None:
        world.enrol(1)

        with pytest.raises(AlreadyEnrolled):
            self.enrol_frames(world, pictures(1, 3, first=70))
        assert stored(world) == (1, 1, 1, 1)

    def test_the_same_face_may_enrol_at_another_tenant(self, world: World) -> None:
        world.enrol(1)
        world.enrol(1, OTHER_TENANT)

        here, there = world.recognise(1), world.recognise(1, OTHER_TENANT)
        ours = claims_of(here)
        theirs = tokens.open_own([TOKEN_KEY], there.token or "", tenant="south", device="kiosk-1", now_us=START)
        assert ours.pseudonym != theirs.pseudonym

    def test_two_who_look_alike_are_both_asked_for_more_than_a_face(self, world: World) -> None:
        first = world.enrol(1)
        world.service.set_pin(KIOSK, first.receipt, first.pin_secret, "1234")
        nonce, _ = world.service.press(KIOSK)
        twin = world.service.enrol(
            KIOSK,
            nonce,
            pictures(1, 3, first=90),
            purposes={"offers": True},
            notice_version=world.service.notice.version,
            age_confirmed=True,
            somebody_else=True,
        )
        assert not row_of(world, first.receipt).needs_second_factor  # not for who may never come into force
        world.service.confirm(KIOSK, twin.receipt)

        assert row_of(world, first.receipt).needs_second_factor
        assert row_of(world, twin.receipt).needs_second_factor
        seen = world.recognise(1)
        assert (seen.decision, seen.purposes) == ("ambiguous", ())

    def test_a_lookalike_is_not_greeted_by_face_and_is_with_the_pin(self, world: World) -> None:
        made = world.enrol(1)
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
        world.half.stores.customers.require_second_factor("north", [row_of(world, made.receipt).customer_id])

        seen = world.recognise(1)
        assert (seen.decision, seen.purposes, claims_of(seen).purposes) == ("ambiguous", (), ())
        raised = world.service.raise_level(KIOSK, seen.token or "", "1234")
        assert (raised.purposes, claims_of(raised).level) == (("orders",), "second_factor")

    def test_two_processes_that_enrol_one_face_at_once_enrol_it_once(self, world: World) -> None:
        other = world.other()
        outcomes: list[str] = []

        def enrol(process: World, device: Device, first: int) -> None:
            nonce, _ = process.service.press(device)
            try:
                process.service.enrol(
                    device,
                    nonce,
                    pictures(1, 3, first),
                    purposes={"orders": True},
                    notice_version=process.service.notice.version,
                    age_confirmed=True,
                )
                outcomes.append("enrolled")
            except AlreadyEnrolled:
                outcomes.append("refused")

        threads = [
            threading.Thread(target=enrol, args=(world, KIOSK, 0)),
            threading.Thread(target=enrol, args=(other, OTHER_DEVICE, 20)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["enrolled", "refused"]
        assert stored(world) == (1, 1, 1, 1)
        other.close()

    @pytest.mark.sqlite
    def test_an_enrolment_that_cannot_be_kept_leaves_no_key(self, world: World) -> None:
        world.enrol(1)
        connection = sqlite_of(world.half.databases[0]).connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(StorageFull):
            [world.enrol(person) for person in range(2, 60)]

        customers, templates, _, keys = stored(world)
        assert customers == templates == keys

    @pytest.mark.sqlite
    def test_the_database_being_locked_is_named_and_leaves_no_key(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.enrol(1)
        sqlite_of(world.half.databases[0]).connection.execute("PRAGMA busy_timeout = 1")
        nonce, _ = world.service.press(KIOSK)
        blocker = sqlite3.connect(world.home / "identity.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")

        with pytest.raises(DatabaseBusy):
            world.service.enrol(
                KIOSK,
                nonce,
                pictures(2),
                purposes={"orders": True},
                notice_version=world.service.notice.version,
                age_confirmed=True,
            )
        blocker.execute("ROLLBACK")
        blocker.close()
        assert stored(world) == (1, 1, 1, 1)
