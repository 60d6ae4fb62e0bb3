"""The identity half over HTTP: every bad input gets a problem with a stable code and stores nothing."""

from __future__ import annotations

import io
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from prometheus_client import CollectorRegistry, generate_latest

from identity.web.half import IdentityHalf, build
from plumbing.clock import MINUTE, SECOND
from tests.databases import sqlite_of
from tests.identity.fakes import FakeEngine, face_at
from tests.identity.halves import (
    Kiosk,
    World,
    b64,
    kiosk_of,
    picture,
    pictures,
    stored,
)


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    return kiosk_of(world)


def problem(reply: Any, status: int, code: str) -> dict[str, Any]:
    """Assert that a reply is that problem; returns its body."""
    assert (reply.status_code, reply.get_json()["code"]) == (status, code), reply.text
    assert reply.mimetype == "application/problem+json"
    assert reply.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = reply.get_json()
    return body


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header claims so many pixels."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunk = b"IHDR" + head
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + len(head).to_bytes(4, "big")
        + chunk
        + zlib.crc32(chunk).to_bytes(4, "big")
        + len(data).to_bytes(4, "big")
        + b"IDAT"
        + data
        + zlib.crc32(b"IDAT" + data).to_bytes(4, "big")
        + b"\0\0\0\0IEND\xaeB`\x82"
    )


def animation() -> bytes:
    frames = [Image.new("RGB", (128, 128), (n, n, n)) for n in (10, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


class TestTheWay:
    def test_press_enrol_recognise_raise_and_opt_out(self, world: World, kiosk: Kiosk) -> None:
        enrolled = kiosk.enrol(pictures(1))
        assert enrolled.status_code == 201
        setup = {"secret": enrolled.get_json()["pin_setup"]["secret"], "pin": "2468"}
        receipt = enrolled.get_json()["receipt"]
        assert kiosk.send("PUT", f"/enrolments/{receipt}/pin", setup).status_code == 204

        seen = kiosk.recognise(pictures(1, 2, 50))
        assert (seen.status_code, seen.get_json()["decision"], seen.get_json()["purposes"]) == (
            200,
            "matched",
            ["orders"],
        )
        raised = kiosk.send("POST", "/tokens/raise", {"token": seen.get_json()["token"], "pin": "2468"})
        assert (raised.status_code, raised.get_json()["purposes"]) == (200, ["orders"])

        gone = kiosk.send("POST", "/opt-outs", {"nonce": kiosk.press(), "frames": b64(pictures(1, 1, 60))})
        assert (gone.status_code, gone.get_json()["decision"]) == (200, "forgotten")
        assert kiosk.recognise(pictures(1, 1, 70)).get_json()["decision"] == "unknown"
        assert len(world.elsewhere.tokens) == 1

    def test_the_receipt_opts_out_and_then_is_unknown(self, kiosk: Kiosk) -> None:
        receipt = kiosk.enrol(pictures(1)).get_json()["receipt"]

        gone = kiosk.send("DELETE", f"/enrolments/{receipt}")
        said = gone.get_json()
        assert (gone.status_code, said["forgotten"], said["everywhere"]) == (200, True, True)
        assert said["erasure"]["format"] == "usual-erasure-1"
        problem(kiosk.send("DELETE", f"/enrolments/{receipt}"), 404, "enrolment_unknown")

    def test_the_notice_is_what_consent_refers_to(self, world: World, kiosk: Kiosk) -> None:
        notice = kiosk.send("GET", "/notice").get_json()

        assert [purpose["name"] for purpose in notice["purposes"]] == ["orders", "offers", "destinations"]
        assert all(purpose["text"] in notice["text"] for purpose in notice["purposes"])
        assert (notice["sha256"], notice["minimum_age"]) == (world.service.notice.sha256, 16)
        assert notice["grade"] == world.service.engine.pack.grade

    def test_times_carry_their_offset(self, kiosk: Kiosk) -> None:
        reply = kiosk.send("POST", "/presses", {})

        assert reply.get_json()["expires_at"] == "2024-10-04T00:00:10.000000+00:00"


ALL = ("orders", "offers", "destinations")
CONSENT = {"purposes": {"orders": True}, "notice_version": "2026-12", "age_confirmed": True}


def changed(**parts: Any) -> dict[str, Any]:
    return CONSENT | parts


class TestBadInput:
    @pytest.mark.parametrize(
        ("consent", "status", "code"),
        [
            ({}, 422, "no_consent"),
            (changed(purposes={}), 422, "no_consent"),
            (changed(purposes={"orders": False}), 422, "no_consent"),
            (changed(purposes={"orders": True, "marketing": True}), 422, "unknown_purpose"),
            (changed(age_confirmed=False), 422, "age_not_confirmed"),
            (changed(notice_version="2019-01"), 409, "notice_outdated"),
            (changed(purposes={"orders": "yes"}), 422, "invalid_request"),
            (changed(purposes=["orders"]), 422, "invalid_request"),
            (changed(age_confirmed="true"), 422, "invalid_request"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_consent_that_is_none(
        self, world: World, kiosk: Kiosk, consent: dict[str, Any], status: int, code: str
    ) -> None:
        problem(kiosk.enrol(pictures(1), consent), status, code)

        assert world.engine.calls == world.engine.detections == 0
        assert stored(world) == (0, 0, 0, 0)

    @pytest.mark.parametrize(
        ("frame", "status", "code"),
        [
            (b"", 415, "not_an_image"),
            (b"<svg></svg>", 415, "not_an_image"),
            (picture(1, 0)[:2000], 422, "truncated_image"),
            (png_header(13_000, 13_000), 422, "too_many_pixels"),
            (animation(), 422, "animated_image"),
            (picture(1, 0) + bytes(3_000_000), 413, "frame_too_large"),
        ],
        ids=["empty", "svg", "truncated", "bomb", "animated", "3 MB"],
    )
    @pytest.mark.parametrize("route", ["/recognitions", "/opt-outs", "/enrolments"])
    def test_a_frame_that_is_none(
        self, world: World, kiosk: Kiosk, route: str, frame: bytes, status: int, code: str
    ) -> None:
        frames = [*pictures(1, 2), frame]
        body: dict[str, Any] = {"nonce": kiosk.press(), "frames": b64(frames)}
        if route == "/enrolments":
            body["consent"] = CONSENT

        problem(kiosk.send("POST", route, body), status, code)

        assert world.engine.calls == world.engine.detections == 0
        assert stored(world) == (0, 0, 0, 0)

    @pytest.mark.parametrize("text", ["not base64 !", "AAA", "http://example.org/face.jpg", "/etc/passwd"])
    def test_what_is_no_base64_is_no_image(self, world: World, kiosk: Kiosk, text: str) -> None:
        reply = kiosk.send("POST", "/recognitions", {"nonce": kiosk.press(), "frames": [text]})

        problem(reply, 415, "not_an_image")
        assert world.engine.detections == 0

    @pytest.mark.parametrize(
        ("faces", "code", "hint"),
        [
            ([], "no_face", "look_at_the_camera"),
            ([face_at(20, 80, 160), face_at(230, 80, 160)], "several_faces", "one_person_please"),
            ([face_at(180, 130, 60)], "face_too_small", "come_closer"),
            ([face_at(-20, 80, 160)], "face_off_centre", "move_to_the_middle"),
            ([face_at(130, 80, 160, turn=0.45)], "face_turned", "look_straight_ahead"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_picture_without_one_usable_face(
        self, world: World, kiosk: Kiosk, faces: list[Any], code: str, hint: str
    ) -> None:
        world.engine.faces = faces

        for reply in (kiosk.recognise(pictures(1, 1)), kiosk.enrol(pictures(1))):
            assert problem(reply, 422, code)["hint"] == hint
        assert world.engine.calls == 0
        assert stored(world) == (0, 0, 0, 0)

    def test_a_blurred_face(self, world: World, kiosk: Kiosk) -> None:
        sharp = cv2.imdecode(np.frombuffer(picture(1, 0), np.uint8), cv2.IMREAD_COLOR)
        assert sharp is not None
        done, data = cv2.imencode(".png", cv2.GaussianBlur(sharp, (0, 0), 25))
        assert done

        assert problem(kiosk.recognise([data.tobytes()]), 422, "face_blurred")["hint"] == "hold_still"
        assert world.engine.calls == 0

    def test_a_wrong_used_expired_or_foreign_nonce(self, world: World, kiosk: Kiosk) -> None:
        def send(nonce: str, by: Kiosk = kiosk) -> Any:
            return by.send("POST", "/recognitions", {"nonce": nonce, "frames": b64(pictures(1, 1))})

        problem(send("invented"), 403, "press_refused")
        foreign = kiosk.press()
        problem(send(foreign, kiosk_of(world, device="kiosk-2")), 403, "press_refused")
        problem(send(foreign, kiosk_of(world, tenant="south")), 403, "press_refused")
        old = kiosk.press()
        world.clock.now += 11 * SECOND
        problem(send(old), 403, "press_expired")
        assert world.engine.calls == world.engine.detections == 0
        used = kiosk.press()
        assert send(used).status_code == 200
        problem(send(used), 403, "press_refused")
        assert world.engine.calls == 1

    def test_pictures_of_two_people_or_one_picture_thrice(self, world: World, kiosk: Kiosk) -> None:
        problem(kiosk.enrol([*pictures(1, 2), picture(2, 0)]), 422, "frames_differ")
        problem(kiosk.enrol([picture(1, 0)] * 3), 422, "frames_identical")
        problem(kiosk.enrol(pictures(1, 2)), 422, "too_few_frames")
        assert stored(world) == (0, 0, 0, 0)

    def test_a_face_that_is_enrolled_already(self, world: World, kiosk: Kiosk) -> None:
        kiosk.enrol(pictures(1))

        body = problem(kiosk.enrol(pictures(1, 3, 30)), 409, "already_enrolled")
        assert "opt out first" in body["detail"]
        assert stored(world) == (1, 1, 1, 1)
        assert kiosk.enrol(pictures(1, 3, 40), somebody_else=True).status_code == 201

    @pytest.mark.parametrize("frames", [[], ["x"] * 4, "x", [1], None])
    def test_a_press_takes_one_to_three_frames(self, world: World, kiosk: Kiosk, frames: Any) -> None:
        reply = kiosk.send("POST", "/recognitions", {"nonce": kiosk.press(), "frames": frames})

        assert problem(reply, 422, "invalid_request")["fields"]
        assert world.engine.detections == 0

    @pytest.mark.parametrize("route", ["/presses", "/recognitions", "/enrolments", "/opt-outs", "/tokens/raise"])
    def test_a_field_that_is_not_named_is_refused(self, kiosk: Kiosk, route: str) -> None:
        for extra in ("url", "folder", "customer_id", "name", "frames_url", "bulk", "threshold"):
            problem(kiosk.send("POST", route, {extra: "x"}), 422, "invalid_request")

    def test_pins_that_are_wrong_or_none(self, kiosk: Kiosk) -> None:
        enrolled = kiosk.enrol(pictures(1)).get_json()
        path, secret = f"/enrolments/{enrolled['receipt']}/pin", enrolled["pin_setup"]["secret"]
        token = kiosk.recognise(pictures(1, 1, 50)).get_json()["token"]
        problem(kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "1234"}), 409, "pin_not_set")
        problem(kiosk.send("PUT", path, {"secret": secret, "pin": "12x4"}), 422, "pin_invalid")
        problem(kiosk.send("PUT", path, {"secret": "wrong", "pin": "1234"}), 403, "pin_setup_refused")
        assert kiosk.send("PUT", path, {"secret": secret, "pin": "1234"}).status_code == 204
        for _ in range(5):
            problem(kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "0000"}), 403, "pin_wrong")
        locked = kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "1234"})
        problem(locked, 429, "pin_locked")
        assert locked.headers["Retry-After"] == "900"

    def test_a_token_altered_expired_or_foreign(self, world: World, kiosk: Kiosk) -> None:
        kiosk.enrol(pictures(1))
        token = kiosk.recognise(pictures(1, 1, 50)).get_json()["token"]

        def send(text: str, by: Kiosk = kiosk) -> Any:
            return by.send("POST", "/tokens/raise", {"token": text, "pin": "1234"})

        problem(send(token[:-2]), 401, "token_altered")
        problem(send(token, kiosk_of(world, device="kiosk-2")), 403, "token_foreign")
        problem(send(token, kiosk_of(world, tenant="south")), 403, "token_foreign")
        world.clock.now += 10 * MINUTE
        problem(send(token), 401, "token_expired")

    def test_five_failures_are_answered_by_a_pause(self, kiosk: Kiosk) -> None:
        for _ in range(5):
            kiosk.recognise(pictures(9, 1))

        reply = kiosk.send("POST", "/presses", {})
        problem(reply, 429, "too_many_failures")
        assert reply.headers["Retry-After"] == "30"

    def test_receipts_are_tried_ten_times_a_minute(self, world: World, kiosk: Kiosk) -> None:
        receipt = kiosk.enrol(pictures(1)).get_json()["receipt"]
        for n in range(10):
            problem(kiosk.send("DELETE", f"/enrolments/AAAAA-{n}"), 404, "enrolment_unknown")

        problem(kiosk.send("DELETE", f"/enrolments/{receipt}"), 429, "too_many_requests")
        world.clock.now += MINUTE
        assert kiosk.send("DELETE", f"/enrolments/{receipt}").status_code == 200

    def test_a_receipt_of_another_tenant_looks_as_if_missing(self, world: World, kiosk: Kiosk) -> None:
        receipt = kiosk.enrol(pictures(1)).get_json()["receipt"]
        foreign = kiosk_of(world, tenant="south")

        here = problem(foreign.send("DELETE", f"/enrolments/{receipt}"), 404, "enrolment_unknown")
        nowhere = problem(foreign.send("DELETE", "/enrolments/AAAAA"), 404, "enrolment_unknown")
        assert here == nowhere

    @pytest.mark.sqlite
    def test_a_locked_database_is_a_503_and_stores_nothing(self, world: World, kiosk: Kiosk) -> None:
        nonce = kiosk.press()
        sqlite_of(world.half.databases[0]).connection.execute("PRAGMA busy_timeout = 1")
        blocker = sqlite3.connect(world.home / "identity.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        body = {"nonce": nonce, "frames": b64(pictures(1)), "consent": CONSENT}

        reply = kiosk.send("POST", "/enrolments", body)

        problem(reply, 503, "database_busy")
        blocker.execute("ROLLBACK")
        blocker.close()
        assert stored(world) == (0, 0, 0, 0)

    def test_a_full_disk_is_a_507(self, world: World, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_space(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(world.half.audit, "note", no_space)

        problem(kiosk.recognise(pictures(1, 1)), 507, "storage_full")


class TestAccess:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/presses", {}),
            ("POST", "/recognitions", {"nonce": "n", "frames": ["x"]}),
            ("POST", "/opt-outs", {"nonce": "n", "frames": ["x"]}),
            ("POST", "/tokens/raise", {"token": "t", "pin": "1234"}),
            ("POST", "/enrolments", {"nonce": "n", "frames": ["x"]}),
            ("PUT", "/enrolments/R/pin", {"secret": "s", "pin": "1234"}),
            ("DELETE", "/enrolments/R", None),
            ("GET", "/notice", None),
        ],
    )
    def test_every_route_needs_a_key_of_its_scope(self, world: World, method: str, path: str, body: Any) -> None:
        nobody = Kiosk(world.client(), "usual-k1-invented")
        other = kiosk_of(world, "north", "kiosk-1", "suggest", "event", "train", "privacy")

        problem(nobody.send(method, path, body), 401, "key_refused")
        problem(other.send(method, path, body), 403, "scope_missing")


class TestIdempotency:
    def test_one_enrolment_sent_twice_is_made_once_and_answered_twice(self, world: World, kiosk: Kiosk) -> None:
        body = {"nonce": kiosk.press(), "frames": b64(pictures(1)), "consent": CONSENT}

        first, again = (kiosk.send("POST", "/enrolments", body, Idempotency_Key="e-1") for _ in range(2))

        assert (first.status_code, first.get_json()) == (again.status_code, again.get_json())
        assert stored(world) == (1, 1, 1, 1)

    def test_one_recognition_sent_twice_is_looked_at_once(self, world: World, kiosk: Kiosk) -> None:
        body = {"nonce": kiosk.press(), "frames": b64(pictures(1, 1))}

        first, again = (kiosk.send("POST", "/recognitions", body, Idempotency_Key="r-1") for _ in range(2))

        assert first.data == again.data
        assert world.engine.calls == 1

    def test_the_key_with_another_press_is_a_conflict(self, kiosk: Kiosk) -> None:
        one, two = ({"nonce": kiosk.press(), "frames": b64(pictures(1, 1))} for _ in range(2))
        kiosk.send("POST", "/recognitions", one, Idempotency_Key="r-1")

        problem(kiosk.send("POST", "/recognitions", two, Idempotency_Key="r-1"), 409, "idempotency_conflict")

    def test_after_an_opt_out_no_kept_answer_holds_a_receipt_or_token(self, world: World, kiosk: Kiosk) -> None:
        body = {"nonce": kiosk.press(), "frames": b64(pictures(1)), "consent": CONSENT}
        receipt = kiosk.send("POST", "/enrolments", body, Idempotency_Key="e-1").get_json()["receipt"]
        moments = world.half.databases[1]
        assert moments.row("SELECT count(*) AS n FROM replies")["n"] == 1

        kiosk.send("DELETE", f"/enrolments/{receipt}")

        assert moments.row("SELECT count(*) AS n FROM replies")["n"] == 0


def test_two_applications_in_one_process_count_apart_and_without_identifiers(tmp_path: Path) -> None:
    registries = CollectorRegistry(), CollectorRegistry()
    worlds = [World(tmp_path / str(n)) for n in range(2)]
    halves: list[IdentityHalf] = []
    for world, registry in zip(worlds, registries, strict=True):
        world.half.close()
        world.half = build(
            world.half.config,
            access=world.access,
            now_us=world.clock,
            forget_elsewhere=world.elsewhere,
            registry=registry,
            engine=FakeEngine(),
        )
        world.service = world.half.service
        halves.append(world.half)
    worlds[0].enrol(1)
    worlds[0].recognise(1)

    first, second = (generate_latest(registry).decode() for registry in registries)

    assert 'usual_identity_recognitions_total{outcome="matched"} 1.0' in first
    assert "usual_identity_enrolments_total 0.0" in second
    assert not any(word in first for word in ("north", "kiosk"))
    assert halves[0].check() is None
    for world in worlds:
        world.close()
