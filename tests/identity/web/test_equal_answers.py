"""Matched, unknown and ambiguous replies look alike: one size, one status, no sign of who opted out."""

from __future__ import annotations

import json

import pytest

from identity.web.routes import padded
from tests.identity.halves import KIOSK, OTHER_TENANT, Kiosk, World, b64, kiosk_of, pictures, row_of

ALL = ("orders", "offers", "destinations")
CONSENT = {"purposes": dict.fromkeys(ALL, True), "notice_version": "2026-12", "age_confirmed": True}


@pytest.fixture
def kiosk(world: World) -> Kiosk:
    return kiosk_of(world)


def test_hit_miss_and_doubt_have_one_size_status_and_set_of_headers(world: World, kiosk: Kiosk) -> None:
    for person in (1, 2):
        kiosk.enrol(pictures(person), CONSENT)
    receipt = kiosk.enrol(pictures(3)).get_json()["receipt"]
    lookalike = row_of(world, receipt)
    world.half.stores.customers.require_second_factor("north", [lookalike.customer_id])

    replies = [kiosk.recognise(pictures(person, 1, 50)) for person in (1, 2, 3, 8)]

    assert [reply.get_json()["decision"] for reply in replies] == ["matched", "matched", "ambiguous", "unknown"]
    assert {(reply.status_code, len(reply.data)) for reply in replies} == {(200, 1000)}
    assert len({tuple(sorted(reply.headers.keys())) for reply in replies}) == 1
    assert {tuple(reply.get_json()) for reply in replies} == {tuple(replies[0].get_json())}


def test_everybody_without_a_match_gets_the_same_reply_as_a_stranger(world: World, kiosk: Kiosk) -> None:
    """Never enrolled, opted out, enrolled elsewhere, every purpose taken back, receipt not confirmed, in a pause:
    the pictures make the hint."""
    world.enrol(1)
    gone = world.enrol(2)
    world.service.forget(KIOSK, gone.receipt)
    world.enrol(3, OTHER_TENANT)
    taken_back = row_of(world, world.enrol(4).receipt)
    world.service.customers.standings.ledger.withdraw(taken_back.holder, ("orders",))
    world.enrol(5, confirm=False)
    world.service.customers.standings.pause(row_of(world, world.enrol(6).receipt))
    other = kiosk_of(world, device="kiosk-2")  # five failures in a row pause a device
    replies = [kiosk.recognise(pictures(person, 1, 50)) for person in (8, 2, 3, 4)]
    replies += [other.recognise(pictures(person, 1, 50)) for person in (5, 6)]

    assert len({reply.data for reply in replies}) == 1
    assert replies[0].get_json()["decision"] == "unknown"
    assert replies[0].get_json()["hint"] == "come_closer"  # the drawn faces are just large enough


def test_hints_fit_into_the_one_size(world: World, kiosk: Kiosk) -> None:
    made = kiosk.enrol(pictures(3), CONSENT).get_json()
    matched = kiosk.recognise(pictures(3, 1, 50))
    world.half.stores.customers.require_second_factor("north", [row_of(world, made["receipt"]).customer_id])
    without_pin = kiosk.recognise(pictures(3, 1, 50))
    setup = {"secret": made["pin_setup"]["secret"], "pin": "4711"}
    kiosk.send("PUT", f"/enrolments/{made['receipt']}/pin", setup)
    replies = (matched, without_pin, *(kiosk.recognise(pictures(person, 1, 50)) for person in (3, 8)))

    hints = [reply.get_json()["hint"] for reply in replies]
    assert hints == [None, "use_your_code", "give_the_pin", "come_closer"]
    assert {(reply.status_code, len(reply.data)) for reply in replies} == {(200, 1000)}


def test_an_opt_out_by_face_has_one_size_whether_somebody_was_found(kiosk: Kiosk) -> None:
    kiosk.enrol(pictures(1))

    replies = [
        kiosk.send("POST", "/opt-outs", {"nonce": kiosk.press(), "frames": b64(pictures(person, 1, 50))})
        for person in (1, 2)
    ]

    assert [reply.get_json()["decision"] for reply in replies] == ["forgotten", "unknown"]
    assert {(reply.status_code, len(reply.data)) for reply in replies} == {(200, 200)}


def test_an_answer_that_does_not_fit_is_a_fault_and_not_a_longer_answer() -> None:
    assert len(json.dumps(padded({"a": 1}, 50), separators=(",", ":"))) == 50
    with pytest.raises(ValueError, match="does not fit"):
        padded({"a": "b" * 60}, 50)
