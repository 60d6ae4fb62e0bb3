"""An enrolment that was stored and never answered gives its receipt to whoever asks again with the same key."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet

from identity.customers.joining.answers import KEEP_US
from identity.errors import EnrolmentUnknown
from plumbing.access.access import Caller
from plumbing.clock import MINUTE
from plumbing.idempotency import Idempotency, IdempotencyConflict, Reply
from tests.identity.halves import KIOSK, World, b64, pictures

CALLER = Caller(KIOSK.tenant, "k1", KIOSK.name, "", frozenset({"enrol"}))


def asked(world: World, person: int, nonce: str) -> Callable[[], dict[str, object]]:
    """The request of a kiosk with one Idempotency-Key, as it is sent each time; its answer."""
    key = world.access.create_key(KIOSK.tenant, ["identify", "enrol"], device=KIOSK.name)
    body = {
        "nonce": nonce,
        "frames": b64(pictures(person)),
        "consent": {
            "purposes": {"orders": True, "offers": False, "destinations": False},
            "notice_version": world.service.notice.version,
            "age_confirmed": True,
        },
    }

    def send(to: World = world) -> dict[str, object]:
        reply = to.client().post(
            "/identity/v1/enrolments", json=body, headers={"X-API-Key": key, "Idempotency-Key": "visit-1"}
        )
        return {"status": reply.status_code, **(reply.get_json() or {})}

    return send


def killed_before_it_answers(world: World, send: Callable[..., dict[str, object]]) -> None:
    """Send in a process of its own, which ends between the commit and the reply."""
    child = os.fork()
    if child == 0:
        twin = world.other()
        twin.service._presses.succeeded = lambda *_, **__: os._exit(9)  # type: ignore[method-assign]  # after the commit
        send(twin)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_the_receipt_of_a_killed_request_is_given_to_the_retry(world: World) -> None:
    nonce, _ = world.service.press(KIOSK)
    send = asked(world, 1, nonce)
    killed_before_it_answers(world, send)

    first, second = send(), send()

    assert first["status"] == 201
    assert first == second
    world.service.confirm(KIOSK, str(first["receipt"]))
    assert world.recognise(1).decision == "matched"
    assert world.service.forget(KIOSK, str(first["receipt"]))
    assert world.recognise(1).decision == "unknown"


def test_it_is_given_also_when_all_that_may_be_lost_is_lost(world: World) -> None:
    nonce, _ = world.service.press(KIOSK)
    send = asked(world, 1, nonce)
    receipt = send()["receipt"]
    world.lose_moments()

    assert send()["receipt"] == receipt
    assert world.half.vault.keys.counts()["keys"] == 1


def test_it_is_gone_after_an_opt_out_and_after_ten_minutes(world: World) -> None:
    sends = []
    for person in (1, 2):
        nonce, _ = world.service.press(KIOSK)
        sends.append(asked(world, person, nonce))
    receipts = [str(send()["receipt"]) for send in sends]
    rows = "SELECT COUNT(*) FROM enrolment_answers"
    assert world.half.databases[0].rows(rows)[0][0] == 2

    world.service.forget(KIOSK, receipts[0])
    assert world.half.databases[0].rows(rows)[0][0] == 1
    world.clock.now += KEEP_US + MINUTE
    world.service.press(KIOSK)

    assert world.half.databases[0].rows(rows)[0][0] == 0
    with pytest.raises(EnrolmentUnknown):
        world.service.forget(KIOSK, receipts[0])


def test_another_request_under_the_same_key_gets_nobodys_receipt(world: World) -> None:
    once = Idempotency(world.half.databases[1], Fernet.generate_key(), world.clock)
    nonce, _ = world.service.press(KIOSK)

    def enrolled(nonce: str, person: int) -> Reply:
        made = world.service.enrol(
            KIOSK,
            nonce,
            pictures(person),
            purposes={"orders": True},
            notice_version=world.service.notice.version,
            age_confirmed=True,
        )
        return Reply(201, {"receipt": made.receipt})

    once.run(CALLER, "same", "the first", lambda: enrolled(nonce, 1))
    world.lose_moments()
    later, _ = world.service.press(KIOSK)

    with pytest.raises(IdempotencyConflict):
        once.run(CALLER, "same", "the second", lambda: enrolled(later, 2))
