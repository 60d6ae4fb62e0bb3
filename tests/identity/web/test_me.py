"""The customer's own page over HTTP: signing in, what is held, changing it, leaving."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity.consent.codes import new_code
from identity.customers import pins
from identity.customers.own_page import page as own_page
from identity.results import Device
from plumbing.clock import HOUR, MINUTE
from tests.identity.halves import KIOSK, World, kiosk_of, pictures, row_of

PIN = "2580"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals do not wait, but where the waiting itself is tested; a PIN is hashed in no time."""
    monkeypatch.setattr(pins, "SCRYPT_N", 2**4)
    monkeypatch.setattr(own_page, "REFUSAL_S", 0.0)


@dataclass
class Phone:
    """Somebody's own phone: no API key."""

    client: FlaskClient
    token: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.open("/identity/v1/me" + path, method=method, json=body, headers=sent)

    def sign_in(self, receipt: str, pin: str | None = None) -> TestResponse:
        reply = self.send("POST", "/sessions", {"receipt": receipt} | ({} if pin is None else {"pin": pin}))
        if reply.status_code == 200:
            self.token = reply.get_json()["token"]
        return reply

    def held(self) -> Any:
        reply = self.send("GET", "")
        assert reply.status_code == 200, reply.text
        return reply.get_json()


@pytest.fixture
def phone(world: World) -> Phone:
    return Phone(world.client())


def joined(world: World, person: int = 1, pin: str | None = PIN, **more: Any) -> str:
    """A customer's code."""
    made = world.enrol(person, **more)
    if pin is not None:
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, pin)
    return made.receipt


# --- signing in


def test_code_and_pin_open_the_page_and_the_code_alone_does_where_no_pin_is_set(
    world: World, phone: Phone
) -> None:
    with_pin, without = joined(world, 1), joined(world, 2, pin=None)

    first = phone.sign_in(with_pin.lower().replace("-", " "), PIN).get_json()
    second = phone.sign_in(without).get_json()

    assert (first["level"], first["purposes"]) == ("second_factor", ["orders"])
    assert (second["level"], phone.held()["pin_set"]) == ("face", False)


def test_a_wrong_code_and_a_wrong_missing_or_locked_pin_are_one_answer(world: World, phone: Phone) -> None:
    code, nobodys = joined(world), joined(world, 2)
    world.service.forget(KIOSK, nobodys)
    replies = [
        phone.sign_in(nobodys, PIN),
        phone.sign_in(code),
        phone.sign_in(code, "12"),
        phone.sign_in(code, "0000"),
    ]
    for _ in range(5):  # the PIN is locked now
        phone.sign_in(code, "0000")
    replies.append(phone.sign_in(code, PIN))

    assert {(reply.status_code, reply.get_data()) for reply in replies} == {(403, replies[0].get_data())}
    assert replies[0].get_json()["code"] == "code_or_pin_wrong"


@pytest.mark.parametrize("wrong", ["nobody's code", "no PIN sent", "malformed", "wrong", "locked"])
def test_each_refusal_takes_the_work_of_one_pin_and_the_same_least_time(
    world: World, phone: Phone, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, nobodys = joined(world), joined(world, 2)
    world.service.forget(KIOSK, nobodys)
    if wrong == "locked":
        for _ in range(5):
            phone.sign_in(code, "0000")
    hashed, slept = list[str](), list[float]()
    real: Callable[[str, bytes], bytes] = pins._hashed

    def counting(pin: str, salt: bytes) -> bytes:
        hashed.append(pin)
        return real(pin, salt)

    monkeypatch.setattr(pins, "_hashed", counting)
    monkeypatch.setattr(own_page, "REFUSAL_S", 9.0)
    monkeypatch.setattr(time, "sleep", slept.append)

    tried = {"nobody's code": (nobodys, PIN), "no PIN sent": (code, None), "malformed": (code, "12")}
    reply = phone.sign_in(*tried.get(wrong, (code, "0000")))

    assert reply.status_code == 403
    assert len(hashed) == 1
    assert slept[0] > 7.0


def test_one_code_is_tried_ten_times_in_a_quarter_of_an_hour_also_after_a_restart(
    world: World, phone: Phone
) -> None:
    code = joined(world)
    world.settings.clear()
    for _ in range(6):
        phone.sign_in(code, PIN)
    restarted = world.other()
    later = Phone(restarted.client())
    replies = [later.sign_in(code, PIN) for _ in range(5)]
    world.clock.now += 16 * MINUTE
    afterwards = later.sign_in(code, PIN)
    restarted.close()

    assert [reply.status_code for reply in replies] == [200] * 4 + [429]
    assert 0 < int(replies[-1].headers["Retry-After"]) <= 15 * 60
    assert code not in replies[-1].text
    assert afterwards.status_code == 200


def test_one_address_signs_in_so_often_a_minute(world: World, phone: Phone) -> None:
    codes = [joined(world, person, pin=None) for person in range(3)]

    statuses = [phone.sign_in(codes[n % 3]).status_code for n in range(22)]

    assert statuses == [200] * 20 + [429] * 2


def test_the_lock_of_a_pin_outlasts_a_restart(world: World, phone: Phone) -> None:
    code = joined(world)
    for _ in range(5):
        phone.sign_in(code, "0000")
    restarted = world.other()
    after = Phone(restarted.client()).sign_in(code, PIN)
    restarted.close()

    assert after.status_code == 403


def test_a_mistyped_code_is_named_before_anything_is_looked_up(world: World, phone: Phone) -> None:
    code = new_code()
    sign = "3" if code[0] != "3" else "4"

    reply = phone.sign_in(sign + code[1:], PIN)

    assert (reply.status_code, reply.get_json()["code"], reply.get_json()["group"]) == (422, "code_mistyped", 1)


def test_neither_way_in_or_both_are_refused(phone: Phone) -> None:
    for body in ({}, {"receipt": "a", "token": "b"}, {"token": "b", "pin": "1234"}):
        reply = phone.send("POST", "/sessions", body)
        assert (reply.status_code, reply.get_json()["code"]) == (422, "two_ways_in")


def test_at_a_device_its_token_opens_the_page_after_the_pin_and_only_there(world: World, phone: Phone) -> None:
    joined(world)
    kiosk, other = kiosk_of(world), kiosk_of(world, device="kiosk-2")
    face = kiosk.recognise(pictures(1, 1, first=50)).get_json()["token"]
    raised = kiosk.send("POST", "/tokens/raise", {"token": face, "pin": PIN}).get_json()["token"]

    replies = {
        "face": kiosk.send("POST", "/me/sessions", {"token": face}),
        "raised": kiosk.send("POST", "/me/sessions", {"token": raised}),
        "without a key": phone.send("POST", "/sessions", {"token": raised}),
        "elsewhere": other.send("POST", "/me/sessions", {"token": raised}),
    }

    assert {name: reply.status_code for name, reply in replies.items()} == {
        "face": 403,
        "raised": 200,
        "without a key": 401,
        "elsewhere": 403,
    }
    assert replies["face"].get_json()["code"] == "second_factor_required"
    phone.token = replies["raised"].get_json()["token"]
    assert phone.held()["face"]["held"]


def test_a_token_of_a_device_opens_no_page_and_a_token_of_the_page_no_device(world: World, phone: Phone) -> None:
    code = joined(world)
    kiosk = kiosk_of(world)
    own = phone.sign_in(code, PIN).get_json()["token"]
    phone.token = kiosk.recognise(pictures(1, 1, first=50)).get_json()["token"]

    assert phone.send("GET", "").get_json()["code"] == "token_foreign"
    assert kiosk.send("POST", "/tokens/raise", {"token": own, "pin": PIN}).get_json()["code"] == "token_foreign"


def test_without_a_token_or_with_nonsense_nothing_opens(world: World, phone: Phone) -> None:
    for header in ("", "Basic abc", "Bearer", "Bearer " + "x" * 3000):
        reply = phone.send("GET", "", Authorization=header)
        assert (reply.status_code, reply.get_json()["code"]) == (401, "sign_in_needed")
    assert phone.send("GET", "", Authorization="Bearer usual-t1.abc").get_json()["code"] == "token_altered"


def test_a_session_ends_after_ten_minutes(world: World, phone: Phone) -> None:
    phone.sign_in(joined(world), PIN)
    world.clock.now += 10 * MINUTE

    assert phone.send("GET", "").get_json()["code"] == "token_expired"


def test_one_code_opens_the_page_of_its_own_tenant_alone(world: World, phone: Phone) -> None:
    from tests.identity.halves import OTHER_TENANT

    here, there = joined(world, 1, pin=None), world.enrol(1, OTHER_TENANT, ("offers",)).receipt

    purposes = [phone.sign_in(code).get_json()["purposes"] for code in (here, there)]

    assert purposes == [["orders"], ["offers"]]


# --- what is held


def test_what_is_held_is_listed_and_no_number_of_a_face_is_in_it(world: World, phone: Phone) -> None:
    code = joined(world, purposes=("orders", "destinations"))
    world.recognise(1)
    phone.sign_in(code, PIN)
    held = phone.held()
    row = row_of(world, code)
    account = world.service.customers.accounts.find(row.tenant, row.customer_id)
    assert account is not None

    assert held["format"] == "usual-export-1"
    assert (held["state"], held["pin_set"], held["ends_soon"]) == ("active", True, False)
    assert held["purposes"] == {
        "face": True,
        "orders": True,
        "offers": False,
        "destinations": True,
        "account": False,
    }
    assert held["last_visit"] < held["kept_until"]
    assert held["face"] == {"held": True, "kept": [f"{world.engine.pack.id}, bare face"], "site": None}
    assert {record["purposes"][0]["purpose"] for record in held["consent_records"]} >= {"orders", "destinations"}
    assert held["in_words"]
    text = json.dumps(held)
    for secret in (row.customer_id, account.links.pseudonym, account.links.audit, code, row.links.hex()):
        assert secret not in text


def test_the_site_where_the_face_was_enrolled_is_shown_and_no_other(world: World, phone: Phone) -> None:
    code = joined(world, device=Device("north", "kiosk-1", "market"))
    world.recognise(1, Device("north", "kiosk-1", "harbour"))
    phone.sign_in(code, PIN)

    held = phone.held()

    assert held["face"]["site"] == "market"
    assert "It was enrolled at market. No other site is kept." in held["in_words"]
    assert "harbour" not in json.dumps(held)


def test_nothing_of_the_page_is_ever_stored_by_a_browser(world: World, phone: Phone) -> None:
    replies = [phone.sign_in(joined(world), PIN), phone.send("GET", "")]

    assert {reply.headers["Cache-Control"] for reply in replies} == {"no-store"}


def test_who_is_erased_while_it_is_put_together_gets_a_named_error_and_nothing(
    world: World, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = joined(world)
    phone.sign_in(code, PIN)
    affairs = world.half.own_page.affairs
    real = affairs.lookups

    def meanwhile(account: Any) -> Any:
        world.service.forget(KIOSK, code)
        return real(account)

    monkeypatch.setattr(affairs, "lookups", meanwhile)
    reply = phone.send("GET", "")

    assert (reply.status_code, reply.get_json()["code"]) == (410, "customer_left")


# --- changing it


def test_a_pause_makes_a_stranger_for_thirty_days_and_ends_when_asked(world: World, phone: Phone) -> None:
    phone.sign_in(joined(world), PIN)
    until = [phone.send("PUT", "/pause").get_json()["paused_until"] for _ in range(2)]
    paused = world.recognise(1).decision
    shown = phone.held()
    ended = [phone.send("DELETE", "/pause").status_code for _ in range(2)]

    assert until[0] == until[1] == shown["paused_until"]
    assert (paused, shown["state"], ended) == ("unknown", "paused", [204, 204])
    assert world.recognise(1).decision == "matched"
    assert phone.held()["state"] == "active"


def test_a_purpose_is_taken_back_at_once_and_given_under_the_notice_that_was_read(
    world: World, phone: Phone
) -> None:
    phone.sign_in(joined(world, purposes=("orders", "offers")), PIN)
    taken = phone.send("PUT", "/purposes", {"purposes": {"offers": False}}).get_json()
    unread = phone.send("PUT", "/purposes", {"purposes": {"destinations": True}, "notice_version": "2020-01"})
    notice = phone.send("GET", "/notice?language=de").get_json()
    read = {"purposes": {"destinations": True}, "notice_version": notice["version"], "language": "de"}
    given = phone.send("PUT", "/purposes", read).get_json()

    assert (taken["purposes"], taken["level"]) == (["orders"], "second_factor")
    assert (unread.status_code, unread.get_json()["code"]) == (409, "notice_outdated")
    assert given["purposes"] == ["orders", "destinations"]
    assert world.recognise(1).purposes == ("orders", "destinations")
    phone.token = given["token"]
    assert phone.held()["purposes"]["offers"] is False


def test_a_face_is_never_given_by_the_page_and_an_unknown_purpose_is_refused(world: World, phone: Phone) -> None:
    phone.sign_in(joined(world), PIN)

    for name in ("face", "own_data", "erasure", "everything"):
        assert phone.send("PUT", "/purposes", {"purposes": {name: True}}).status_code == 422


def test_the_first_pin_is_set_with_the_code_and_another_one_with_the_present_one(
    world: World, phone: Phone
) -> None:
    code = joined(world, pin=None)
    phone.sign_in(code)
    first = phone.send("PUT", "/pin", {"new_pin": "1111"}).status_code
    without = phone.send("PUT", "/pin", {"new_pin": "2222"})
    wrong = phone.send("PUT", "/pin", {"new_pin": "2222", "pin": "9999"})
    right = phone.send("PUT", "/pin", {"new_pin": "2222", "pin": "1111"}).status_code

    assert (first, right) == (204, 204)
    assert without.status_code == 422
    assert (wrong.status_code, wrong.get_json()["code"]) == (403, "pin_wrong")
    assert phone.sign_in(code, "2222").status_code == 200
    assert phone.sign_in(code, "1111").status_code == 403


def test_dropping_the_face_erases_its_template_and_keeps_code_and_customer(world: World, phone: Phone) -> None:
    code = joined(world)
    phone.sign_in(code, PIN)
    dropped = [phone.send("DELETE", "/face").status_code for _ in range(2)]

    assert dropped == [204, 204]
    assert world.recognise(1).decision == "unknown"
    assert phone.held()["face"] == {"held": False, "kept": [], "site": None}
    assert phone.sign_in(code, PIN).status_code == 200


def test_a_permanent_not_me_is_taken_back_after_the_pin_alone(world: World, phone: Phone) -> None:
    code, other = joined(world), joined(world, 2, pin=None)
    phone.sign_in(other)

    assert phone.send("DELETE", "/not-me").get_json()["code"] == "second_factor_required"
    phone.sign_in(code, PIN)
    assert phone.send("DELETE", "/not-me").status_code == 204
    assert phone.held()["face_needs_pin"] == "never"


# --- leaving


def test_leaving_erases_at_once_and_every_session_ends(world: World, phone: Phone) -> None:
    code = joined(world)
    other = Phone(world.client())
    other.sign_in(code, PIN)
    phone.sign_in(code, PIN)
    phone.send("PUT", "/pause")  # also in a pause

    gone = phone.send("DELETE", "").get_json()

    assert (gone["forgotten"], gone["everywhere"]) == (True, True)
    assert world.recognise(1).decision == "unknown"
    assert len(world.elsewhere.tokens) == 1
    assert [p.send("GET", "").get_json()["code"] for p in (phone, other)] == ["token_expired"] * 2
    assert phone.sign_in(code, PIN).status_code == 403


def test_what_is_done_on_the_page_is_noted_in_the_audit(world: World, phone: Phone) -> None:
    phone.sign_in(joined(world), PIN)
    phone.send("PUT", "/pause")

    assert (
        world.half.audit.count("north", "me", "by_code"),
        world.half.audit.count("north", "pause", "paused"),
    ) == (1, 1)


def test_a_session_that_has_ended_stays_closed_when_the_clock_goes_back(world: World, phone: Phone) -> None:
    phone.sign_in(joined(world), PIN)
    world.clock.now += HOUR
    assert phone.send("GET", "").status_code == 401
    world.clock.now -= HOUR

    assert phone.send("GET", "").get_json()["code"] == "token_expired"


def test_a_notice_that_cannot_be_read_stops_nobody_from_looking_and_taking_back(
    world: World, phone: Phone
) -> None:
    """It closes joining, and agreeing to more; what is held is shown, and a purpose is taken back."""
    phone.sign_in(joined(world), PIN)
    version = world.service.notice.version
    (world.home / "notices" / version / "en.md").write_text("altered")

    assert phone.held()["notice"] == {"agreed": version, "newest": version}
    back = phone.send("PUT", "/purposes", {"purposes": {"orders": False}})
    more = phone.send("PUT", "/purposes", {"purposes": {"offers": True}, "notice_version": version})

    assert (back.status_code, back.get_json()["purposes"]) == (200, [])
    assert (more.status_code, more.get_json()["code"]) == (503, "notice_altered")


def test_a_face_that_is_dropped_on_the_page_looks_like_nobody_afterwards(world: World, phone: Phone) -> None:
    """As at the kiosk: with the templates goes the mark of a lookalike, or of "never by my face"."""
    code = joined(world)
    row = row_of(world, code)
    world.half.stores.customers.set_second_factor(row.tenant, row.customer_id, 2)
    phone.sign_in(code, PIN)

    assert phone.held()["face_needs_pin"] != "never"
    assert phone.send("DELETE", "/face").status_code == 204
    assert phone.held()["face_needs_pin"] == "never"
