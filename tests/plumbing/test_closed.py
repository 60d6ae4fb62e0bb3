"""The list of closed tokens: seen by every process at once, says nothing, lasts as long as a token."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plumbing.clock import MINUTE, SECOND, monotonic_us
from plumbing.closed import EPOCH, FILE, FOR_EVER, SLOTS_AT, ClosedTokens, ClosedUnusable
from plumbing.peers import is_signed, new_challenge, sign

KEYS = [Fernet.generate_key()]
NOW = 20_000 * 86_400 * SECOND


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def test_another_process_sees_an_entry_at_once_and_nobody_elses(tmp_path: Path) -> None:
    one, other = ClosedTokens(tmp_path, KEYS, Clock()), ClosedTokens(tmp_path, KEYS, Clock())
    assert other.closed_until("north", "ann") == 0

    one.close("north", "ann")
    one.close("north", "ben", NOW)

    assert other.closed_until("north", "ann") == FOR_EVER
    assert other.closed_until("north", "ben") == NOW
    assert other.closed_until("south", "ann") == other.closed_until("north", "eve") == 0
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_an_erased_customer_stays_closed_whatever_comes_after(tmp_path: Path) -> None:
    closed = ClosedTokens(tmp_path, KEYS, Clock())
    closed.close("north", "ann")
    closed.close("north", "ann", NOW)

    assert closed.closed_until("north", "ann") == FOR_EVER


def test_it_is_kept_while_a_token_may_be_in_flight_and_then_goes_to_the_byte(tmp_path: Path) -> None:
    clock = Clock()
    closed = ClosedTokens(tmp_path, KEYS, clock)
    closed.close("north", "ann")
    clock.now += EPOCH - 1
    closed.sweep()
    assert closed.closed_until("north", "ann") == FOR_EVER

    clock.now += 2 * EPOCH
    closed.sweep()

    assert closed.closed_until("north", "ann") == 0
    assert not any((tmp_path / FILE).read_bytes()[SLOTS_AT:])


def test_entries_are_found_under_a_key_that_is_being_replaced(tmp_path: Path) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    ClosedTokens(tmp_path, [old], Clock()).close("north", "ann")

    assert ClosedTokens(tmp_path, [new, old], Clock()).closed_until("north", "ann") == FOR_EVER
    assert ClosedTokens(tmp_path, [new], Clock()).closed_until("north", "ann") == 0


def test_the_file_says_neither_who_nor_when_nor_in_which_order(tmp_path: Path) -> None:
    closed = ClosedTokens(tmp_path, KEYS, Clock())
    for number in range(30):
        closed.close("north", f"customer-{number}", NOW + number)

    content = (tmp_path / FILE).read_bytes()[SLOTS_AT:]
    assert b"customer" not in content
    assert all((NOW + number).to_bytes(8, "big") not in content for number in range(30))
    tags = [entry[:20] for entry in ClosedTokens(tmp_path, KEYS, Clock()).entries()]
    assert len(tags) == 30


def test_entries_can_be_carried_to_another_folder(tmp_path: Path) -> None:
    here, there = ClosedTokens(tmp_path / "a", KEYS, Clock()), ClosedTokens(tmp_path / "b", KEYS, Clock())
    here.close("north", "ann")

    assert there.add(here.entries()) == 1
    assert there.add([*here.entries(), b"short"]) == 0

    assert there.closed_until("north", "ann") == FOR_EVER


def test_two_thousand_leave_and_a_look_stays_cheap(tmp_path: Path) -> None:
    closed = ClosedTokens(tmp_path, KEYS, Clock())
    closed.add([secrets.token_bytes(28) for _ in range(1_990)])
    for number in range(10):
        closed.close("north", f"customer-{number}")
    assert all(closed.closed_until("north", f"customer-{number}") for number in range(10))

    began = time.perf_counter()
    for _ in range(200):
        closed.closed_until("north", "somebody")

    assert (time.perf_counter() - began) / 200 < 0.001


def test_without_any_room_everything_in_flight_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbing.closed.MOST", 256)
    closed = ClosedTokens(tmp_path, KEYS, Clock())
    closed.add([secrets.token_bytes(28) for _ in range(300)])

    assert closed.closed_until("north", "anybody") == NOW


def test_a_file_that_was_taken_away_is_made_new_and_both_use_it(tmp_path: Path) -> None:
    one, other = ClosedTokens(tmp_path, KEYS, Clock()), ClosedTokens(tmp_path, KEYS, Clock())
    name = one.name()
    (tmp_path / FILE).unlink()

    one.close("north", "ann")

    assert other.closed_until("north", "ann") == FOR_EVER
    assert other.name() == one.name() != name


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"something else")
    with pytest.raises(ClosedUnusable):
        ClosedTokens(tmp_path, KEYS, Clock())

    (tmp_path / FILE).unlink()
    closed = ClosedTokens(tmp_path, KEYS, Clock())
    os.truncate(tmp_path / FILE, 40)
    with pytest.raises(ClosedUnusable):
        closed.closed_until("north", "ann")


def test_a_sign_of_life_counts_from_when_it_was_asked_for_and_never_backwards(tmp_path: Path) -> None:
    one, other = ClosedTokens(tmp_path, KEYS, Clock()), ClosedTokens(tmp_path, KEYS, Clock())
    assert other.heard_us() is None
    asked = monotonic_us()

    one.note_heard(asked)
    one.note_heard(asked - SECOND)
    one.note_heard(monotonic_us() + MINUTE)

    assert other.heard_us() == asked


def test_a_signature_is_for_one_use_and_one_content() -> None:
    challenge = new_challenge()
    signature = sign(KEYS, "erasure", challenge, {"events": 3})

    assert is_signed([Fernet.generate_key(), *KEYS], signature, "erasure", challenge, {"events": 3})
    for wrong in (
        (KEYS, signature, "heartbeat", challenge, {"events": 3}),
        (KEYS, signature, "erasure", challenge, {"events": 4}),
        (KEYS, signature, "erasure", new_challenge(), {"events": 3}),
        ([Fernet.generate_key()], signature, "erasure", challenge, {"events": 3}),
        (KEYS, None, "erasure", challenge, {"events": 3}),
        (KEYS, "ä" * 64, "erasure", challenge, {"events": 3}),
    ):
        assert not is_signed(*wrong)
