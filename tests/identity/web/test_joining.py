"""Joining, with and without a face, and getting out again, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from identity.consent.receipts import public_key, verify
from tests.identity.halves import Kiosk, World, b64, kiosk_of, pictures, stored

ALL = ("orders", "offers", "destinations")


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    return kiosk_of(world)


def consent(kiosk: Kiosk, *purposes: str, **more: Any) -> dict[str, Any]:
    notice = kiosk.send("GET", "/notice?language=" + more.get("language", "en")).get_json()
    agreed = {"purposes": dict.fromkeys(purposes, True), "notice_version": notice["version"]}
    return agreed | {"age_confirmed": True} | more


def join(kiosk: Kiosk, *purposes: str, **more: Any) -> Any:
    """Without a face."""
    body = {"way": "code", "pin": "4711", "consent": consent(kiosk, *(purposes or ALL))} | more
    return kiosk.send("POST", "/enrolments", {name: value for name, value in body.items() if value is not None})


def confirm(kiosk: Kiosk, receipt: str) -> None:
    assert kiosk.send("PUT", f"/enrolments/{receipt}/confirmed").status_code == 204


def code_of(reply: Any) -> str:
    return str(reply.get_json().get("code"))


class TestJoining:
    def test_the_answer_has_all_that_the_customer_takes_home(self, world: World, kiosk: Kiosk) -> None:
        made = join(kiosk)
        body = made.get_json()

        assert (made.status_code, body["in_force"], body["pin_setup"]) == (201, False, None)
        assert 0 < body["confirm_within_s"] <= 60
        assert body["qr"].startswith("<svg")
        key = public_key(kiosk.send("GET", "/receipt-key").get_json()["public_key"])
        said = verify(body["signed_receipt"], key)
        assert said["code_ends_in"] == body["receipt"][-5:]
        assert body["receipt"][:-5] not in str(said)
        assert len(said["records"]) == 3

    def test_code_and_pin_are_recognised_in_a_reply_of_the_one_size(self, kiosk: Kiosk) -> None:
        receipt = join(kiosk).get_json()["receipt"]
        confirm(kiosk, receipt)
        seen = kiosk.send("POST", "/recognitions/by-code", {"receipt": receipt, "pin": "4711"})
        stranger = kiosk.recognise(pictures(8, 1))

        assert (seen.status_code, seen.get_json()["decision"], seen.get_json()["purposes"]) == (
            200,
            "matched",
            list(ALL),
        )
        assert len(seen.data) == len(stranger.data) == 1000
        assert tuple(seen.get_json()) == tuple(stranger.get_json())

    def test_the_pin_is_set_with_the_enrolment(self, kiosk: Kiosk) -> None:
        made = kiosk.enrol(pictures(1), consent(kiosk, *ALL), pin="4711").get_json()
        confirm(kiosk, made["receipt"])
        token = kiosk.recognise(pictures(1, 1, 50)).get_json()["token"]

        assert made["pin_setup"] is None
        raised = kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "4711"})
        assert raised.get_json()["purposes"] == list(ALL)
        again = kiosk.send("PUT", f"/enrolments/{made['receipt']}/pin", {"secret": "x", "pin": "1111"})
        assert (again.status_code, code_of(again)) == (403, "pin_setup_refused")

    def test_places_alone_need_a_pin_before_a_picture_is_looked_at(self, world: World, kiosk: Kiosk) -> None:
        refused = kiosk.enrol(pictures(1), consent(kiosk, "destinations"))

        assert (refused.status_code, code_of(refused)) == (422, "pin_needed")
        assert world.engine.calls == world.engine.detections == 0
        assert stored(world) == (0, 0, 0, 0)
        assert kiosk.enrol(pictures(1), consent(kiosk, "destinations"), pin="4711").status_code == 201

    def test_nobody_else_is_asked_for_one(self, kiosk: Kiosk) -> None:
        for person, purposes in enumerate((("orders",), ("offers",), ALL)):
            made = kiosk.enrol(pictures(person), consent(kiosk, *purposes))
            assert made.status_code == 201
            assert set(made.get_json()["pin_setup"]) == {"secret", "expires_at"}

    @pytest.mark.parametrize("pin", ["", "123", "12345", "12a4"])
    def test_a_pin_has_four_digits(self, world: World, kiosk: Kiosk, pin: str) -> None:
        for reply in (join(kiosk, pin=pin), kiosk.enrol(pictures(1), consent(kiosk, "orders"), pin=pin)):
            assert (reply.status_code, code_of(reply)) == (422, "pin_invalid")
        assert stored(world) == (0, 0, 0, 0)

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"pin": None}, "pin_needed"),
            ({"nonce": "n"}, "invalid_request"),
            ({"frames": ["x"]}, "invalid_request"),
            ({"earlier": "x"}, "invalid_request"),
            ({"somebody_else": True}, "invalid_request"),
            ({"way": "photo"}, "invalid_request"),
            ({"way": "face"}, "invalid_request"),
            ({"way": "face", "nonce": "n"}, "invalid_request"),
            ({"consent": {}}, "no_consent"),
        ],
    )
    def test_what_does_not_fit_together_is_refused(
        self, world: World, kiosk: Kiosk, wrong: dict[str, Any], code: str
    ) -> None:
        refused = join(kiosk, **wrong)

        assert (refused.status_code, code_of(refused)) == (422, code)
        assert stored(world) == (0, 0, 0, 0)

    def test_a_notice_is_agreed_to_in_a_language_that_it_has(self, world: World, kiosk: Kiosk) -> None:
        german = join(kiosk, consent=consent(kiosk, "orders", language="de", place="taxi"))
        klingon = join(kiosk, consent=consent(kiosk, "orders") | {"language": "tlh"})

        assert german.status_code == 201
        said = verify(
            german.get_json()["signed_receipt"],
            public_key(kiosk.send("GET", "/receipt-key").get_json()["public_key"]),
        )
        assert "'language': 'de'" in str(said)
        assert klingon.status_code in (404, 422)

    def test_one_request_sent_twice_is_one_customer_also_when_its_kept_reply_is_lost(
        self, world: World, kiosk: Kiosk
    ) -> None:
        body = {"way": "code", "pin": "4711", "consent": consent(kiosk, "orders")}
        first, again = (kiosk.send("POST", "/enrolments", body, Idempotency_Key="j-1") for _ in range(2))
        world.half.databases[1].change("DELETE FROM replies")
        lost = kiosk.send("POST", "/enrolments", body, Idempotency_Key="j-1")

        assert first.get_json() == again.get_json() == lost.get_json()
        assert stored(world)[0] == 1

    def test_a_face_is_added_and_dropped(self, world: World, kiosk: Kiosk) -> None:
        receipt = join(kiosk).get_json()["receipt"]
        confirm(kiosk, receipt)
        body = {"nonce": kiosk.press(), "frames": b64(pictures(1)), "pin": "4711"}

        assert kiosk.send("PUT", f"/enrolments/{receipt}/face", body).status_code == 204
        assert kiosk.recognise(pictures(1, 1, 50)).get_json()["decision"] == "matched"
        assert kiosk.send("DELETE", f"/enrolments/{receipt}/face", {"pin": "4711"}).status_code == 204
        assert kiosk.recognise(pictures(1, 1, 60)).get_json()["decision"] == "unknown"


class TestGettingOut:
    def opt_out(self, kiosk: Kiosk, person: int, **more: Any) -> Any:
        body = {"nonce": kiosk.press(), "frames": b64(pictures(person, 1, 50))}
        return kiosk.send("POST", "/opt-outs", body | more)

    def test_every_answer_to_an_opt_out_has_one_size_and_one_set_of_fields(self, kiosk: Kiosk) -> None:
        for person, pin in ((1, None), (2, None), (3, "4711")):
            more: dict[str, Any] = {} if pin is None else {"pin": pin}
            confirm(kiosk, kiosk.enrol(pictures(person), consent(kiosk, "orders"), **more).get_json()["receipt"])
        for person in (2, 3):
            token = kiosk.recognise(pictures(person, 1, 60)).get_json()["token"]
            assert kiosk.send("POST", "/not-me", {"token": token}).status_code == 204
            assert kiosk.send("POST", "/not-me/permanent", {"token": token}).status_code == 204
        replies = [
            *(self.opt_out(kiosk, person) for person in (1, 2, 3, 8)),
            self.opt_out(kiosk, 3, pin="4711"),
        ]

        decisions = [reply.get_json()["decision"] for reply in replies]
        assert decisions == ["forgotten", "paused", "pin_needed", "unknown", "forgotten"]
        assert {(reply.status_code, len(reply.data), tuple(reply.get_json())) for reply in replies} == {
            (200, 200, ("decision", "reference", "padding"))
        }
        assert [bool(reply.get_json()["reference"]) for reply in replies] == [False, True, False, False, False]

    def test_not_me_and_its_way_back(self, kiosk: Kiosk) -> None:
        made = kiosk.enrol(pictures(1), consent(kiosk, "orders"), pin="4711").get_json()
        confirm(kiosk, made["receipt"])
        token = kiosk.recognise(pictures(1, 1, 50)).get_json()["token"]
        assert kiosk.send("POST", "/not-me", {"token": token}).status_code == 204
        raised = kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "4711"})
        assert (raised.status_code, code_of(raised)) == (401, "token_expired")
        assert kiosk.send("POST", "/not-me/permanent", {"token": token}).status_code == 204
        token = kiosk.recognise(pictures(1, 1, 51)).get_json()["token"]
        with_face = kiosk.send("DELETE", "/not-me/permanent", {"token": token})
        assert (with_face.status_code, code_of(with_face)) == (403, "second_factor_required")
        token = kiosk.send("POST", "/tokens/raise", {"token": token, "pin": "4711"}).get_json()["token"]

        assert kiosk.send("DELETE", "/not-me/permanent", {"token": token}).status_code == 204
        assert kiosk.recognise(pictures(1, 1, 52)).get_json()["decision"] == "matched"
