"""Tokens in flight: closed with the list in the state folder, or because identity is silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from plumbing.clock import SECOND, monotonic_us
from plumbing.closed import FILE, ClosedTokens
from plumbing.handover import IdentityUnreachable
from recommender.errors import Erased, IdentitySilent, TokenExpired
from recommender.in_flight import InFlight
from recommender.tokens import Claims

KEYS = [Fernet.generate_key()]
NOW = 20_000 * 86_400 * SECOND


def claims(issued_us: int = NOW) -> Claims:
    return Claims("ann", "north", "kiosk", ("orders",), "face", issued_us, issued_us + SECOND, "id")


@pytest.fixture
def closed(tmp_path: Path) -> ClosedTokens:
    return ClosedTokens(tmp_path, KEYS, lambda: NOW)


def test_who_opted_out_is_refused_and_who_paused_only_with_a_token_from_before(closed: ClosedTokens) -> None:
    tokens = InFlight(closed)
    assert tokens.check(claims())

    closed.close("north", "ann", NOW + 1)
    with pytest.raises(TokenExpired):
        tokens.check(claims())
    assert tokens.check(claims(NOW + 1))

    closed.close("north", "ann")
    with pytest.raises(Erased):
        tokens.check(claims(NOW + 1))


def test_apart_nobody_is_known_until_identity_was_heard_and_after_five_seconds_of_silence(
    closed: ClosedTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed.note_heard(monotonic_us() - 1_000)  # to a process before this one
    tokens = InFlight(closed, apart=True)
    assert not tokens.check(claims())
    with pytest.raises(IdentitySilent):
        tokens.require(claims())

    closed.note_heard(monotonic_us())
    assert tokens.check(claims())
    heard = monotonic_us()
    monkeypatch.setattr("recommender.in_flight.monotonic_us", lambda: heard + 5 * SECOND + 1)
    assert not tokens.check(claims())


def test_who_is_erased_is_refused_in_silence_too(closed: ClosedTokens) -> None:
    closed.close("north", "ann")

    with pytest.raises(Erased):
        InFlight(closed, apart=True).check(claims())


def test_identity_is_asked_with_a_token_and_many_at_once_ask_once(closed: ClosedTokens) -> None:
    asked: list[int] = []

    def pull() -> None:
        asked.append(1)
        closed.note_heard(monotonic_us())

    tokens = InFlight(closed, apart=True, pull=pull)
    assert all(tokens.check(claims()) for _ in range(20))

    assert len(asked) == 1


def test_where_identity_does_not_answer_its_last_word_lasts_a_second(
    closed: ClosedTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull() -> None:
        raise IdentityUnreachable("no")

    tokens = InFlight(closed, apart=True, pull=pull)
    closed.note_heard(monotonic_us())
    assert tokens.check(claims())
    heard = monotonic_us()
    monkeypatch.setattr("recommender.in_flight.monotonic_us", lambda: heard + SECOND)
    assert not tokens.check(claims())


def test_a_list_that_cannot_be_read_makes_everybody_a_guest(closed: ClosedTokens, tmp_path: Path) -> None:
    tokens = InFlight(closed)
    (tmp_path / FILE).write_bytes(b"nothing of ours")

    assert not tokens.check(claims())
