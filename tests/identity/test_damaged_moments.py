"""Nonces, counters and kept replies may be lost at any moment: no request fails for it, and everybody gets out."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from plumbing.storage.database import DatabaseBusy
from plumbing.storage.passing import ThrowawayDatabase
from plumbing.storage.room import DiskFull
from tests.databases import sqlite_of
from tests.identity.halves import Kiosk, World, b64, kiosk_of, pictures
from tests.plumbing.damage import Wound, files_of, wounds

pytestmark = pytest.mark.sqlite  # what becomes of a file
WOUNDS = [pair for pair in wounds(9) if "random" not in pair[0] or pair[0] == "page 0 random"]


def hurt(world: World, wound: Wound) -> None:
    for path in files_of(world.home / "identity-moments.db"):
        wound(path)


def sent(kiosk: Kiosk, path: str, nonce: str, person: int, **more: object) -> TestResponse:
    body = {"nonce": nonce, "frames": b64(pictures(person, 1, 50)), **more}
    return kiosk.send("POST", path, body, Idempotency_Key=f"{path[1:]}-{nonce}")


@pytest.mark.parametrize("wound", [wound for _, wound in WOUNDS], ids=[name for name, _ in WOUNDS])
def test_every_route_answers_whatever_was_lost(world: World, wound: Wound) -> None:
    """A press that was lost is refused and made again; nothing else is noticed."""
    kiosk = kiosk_of(world)
    receipts = [str(kiosk.enrol(pictures(person)).get_json()["receipt"]) for person in (1, 2)]
    statuses = []
    for path in ("/recognitions", "/opt-outs"):
        nonce = kiosk.press()
        hurt(world, wound)
        first = sent(kiosk, path, nonce, 1)
        statuses.append(first.status_code)
        if first.status_code == 200:
            continue  # the damage did not reach the nonce
        assert first.get_json()["code"] == "press_refused", first.text
        assert sent(kiosk, path, kiosk.press(), 1).status_code == 200
    hurt(world, wound)
    assert kiosk.send("DELETE", f"/enrolments/{receipts[1]}").status_code == 200
    hurt(world, wound)
    assert kiosk.enrol(pictures(3)).status_code == 201
    assert kiosk.send("GET", "/notice").status_code == 200

    assert max(statuses) < 500
    assert [world.recognise(person).decision for person in (1, 2, 3)] == ["unknown", "unknown", "matched"]
    assert world.half.check() is None


def test_a_nonce_stays_single_use_when_the_file_is_made_new(world: World) -> None:
    kiosk = kiosk_of(world)
    nonce = kiosk.press()
    assert sent(kiosk, "/recognitions", nonce, 1).status_code == 200
    (world.home / "identity-moments.db").write_bytes(b"")

    body = {"nonce": nonce, "frames": b64(pictures(1, 1, 50))}
    assert kiosk.send("POST", "/recognitions", body).get_json()["code"] == "press_refused"


def test_without_any_room_people_still_press_and_get_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a single file can be made: this process remembers its own presses."""

    def full(self: ThrowawayDatabase, path: Path) -> None:
        raise OSError(28, "No space left on device")

    kiosk = kiosk_of(world)
    receipt = str(kiosk.enrol(pictures(1)).get_json()["receipt"])
    kiosk.enrol(pictures(2))
    monkeypatch.setattr(ThrowawayDatabase, "_make", full)
    (world.home / "identity-moments.db").unlink()

    assert sent(kiosk, "/opt-outs", kiosk.press(), 2).get_json()["decision"] == "forgotten"
    assert kiosk.send("DELETE", f"/enrolments/{receipt}").status_code == 200
    assert "memory of one process" in str(world.half.check())


def test_readiness_tries_a_write_and_a_press(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.half.check() is None
    database = sqlite_of(world.half.databases[0])
    database._probed = None
    database.connection.execute("PRAGMA query_only = ON")  # as a disk that went read-only
    assert "identity.db cannot be written" in str(world.half.check())
    database.connection.execute("PRAGMA query_only = OFF")
    database._probed = None
    assert world.half.check() is None

    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(type(world.presses), "open", refuse)
    assert world.half.check() == "nobody can press: no"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), DatabaseBusy(), DiskFull()])
def test_the_work_of_every_minute_stops_no_press(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Retention, unfinished erasures and the audit's signature are done along the way, and may fail."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(world.service.erasures), "expire", fail)

    assert kiosk_of(world).press()


def test_an_opt_out_that_is_done_is_not_undone_by_an_audit_that_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = kiosk_of(world)
    receipt = str(kiosk.enrol(pictures(1)).get_json()["receipt"])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(world.half.audit), "note", full)

    assert kiosk.enrol(pictures(2)).status_code == 201
    assert kiosk.send("DELETE", f"/enrolments/{receipt}").status_code == 200
    assert sent(kiosk, "/opt-outs", kiosk.press(), 7).get_json()["decision"] == "unknown"
    assert sent(kiosk, "/opt-outs", kiosk.press(), 2).get_json()["decision"] == "forgotten"
