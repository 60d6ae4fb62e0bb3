"""The keys of tokens: two valid at once, noticed by running processes, removed when no token needs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from identity import tokens
from identity.tokens import Claims
from plumbing.access.token_keys import GRACE_US, LONGEST_TOKEN_US, TokenKeyDamaged, TokenKeys
from plumbing.clock import MINUTE, SECOND, system_clock
from plumbing.keys_cli import keys
from recommender.errors import TokenAltered
from recommender.tokens import open_token

NOW = 1_700_000_000_000_000


class Clock:
    """A clock that moves only when a test sets it."""

    now = NOW

    def __call__(self) -> int:
        return self.now


def token_of(made: TokenKeys, now: int) -> str:
    claims = Claims("p", "mill", "till", ("orders",), "face", now, now + LONGEST_TOKEN_US, "t")
    return tokens.mint(made, claims)


def opens(read: TokenKeys, token: str, now: int) -> bool:
    try:
        open_token(read, token, tenant="mill", device="till", purpose="orders", now_us=now)
    except TokenAltered:
        return False
    return True


def test_after_a_rotation_both_are_valid_and_a_running_process_makes_tokens_with_the_new_one(
    tmp_path: Path,
) -> None:
    clock = Clock()
    identity, recommender = TokenKeys(tmp_path, clock), TokenKeys(tmp_path, clock)
    before, [first] = token_of(identity, clock.now), list(identity)

    assert TokenKeys(tmp_path, clock).rotate() == 2

    after = token_of(identity, clock.now)
    assert opens(recommender, before, clock.now)
    assert opens(recommender, after, clock.now)
    with pytest.raises(TokenAltered):
        open_token([first], after, tenant="mill", device="till", purpose="orders", now_us=clock.now)


def test_the_key_before_ends_when_its_last_token_has_ended_and_leaves_the_file(tmp_path: Path) -> None:
    clock = Clock()
    running = TokenKeys(tmp_path, clock)
    [first] = list(running)
    running.rotate()
    clock.now += LONGEST_TOKEN_US - SECOND
    assert first in running
    clock.now += GRACE_US + 2 * SECOND

    assert first not in running
    assert first not in (tmp_path / "token.key").read_bytes()
    assert len((tmp_path / "token.key").read_bytes().split()) == 1  # the format of 0.2.0 again


def test_three_rotations_at_once_keep_every_token(tmp_path: Path) -> None:
    clock = Clock()
    running = TokenKeys(tmp_path, clock)
    made = []
    for _ in range(3):
        made.append(token_of(running, clock.now))
        running.rotate()
        clock.now += MINUTE

    assert all(opens(running, token, clock.now) for token in made)


def test_a_prepared_key_opens_tokens_and_makes_none_until_the_rotation(tmp_path: Path) -> None:
    """The halves on two machines: prepare, copy the file to the recommender, rotate, copy it again."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    clock = Clock()
    identity = TokenKeys(here, clock)
    [first] = list(identity)
    identity.prepare()
    assert next(iter(identity)) == first
    (there / "token.key").write_bytes((here / "token.key").read_bytes())
    recommender = TokenKeys(there, clock)
    before = token_of(identity, clock.now)

    identity.rotate()

    after = token_of(identity, clock.now)
    assert next(iter(identity)) != first
    assert opens(recommender, before, clock.now)
    assert opens(recommender, after, clock.now)
    recommender.rotate()
    assert next(iter(recommender)) == next(iter(identity))


def test_the_file_of_020_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    old = Fernet.generate_key() + b"\n"
    (tmp_path / "token.key").write_bytes(old)

    assert list(TokenKeys(tmp_path, Clock())) == old.split()
    assert (tmp_path / "token.key").read_bytes() == old


@pytest.mark.parametrize("content", [b"", b"no key\n", b"A" * 43 + b"= until soon\n"])
def test_a_damaged_file_is_named_and_a_running_process_goes_on_without_it(tmp_path: Path, content: bytes) -> None:
    running = TokenKeys(tmp_path, Clock())
    before = list(running)
    (tmp_path / "token.key").write_bytes(content)

    with pytest.raises(TokenKeyDamaged):
        TokenKeys(tmp_path, Clock())
    assert list(running) == before


def test_the_command_rotates_and_shows_no_key(tmp_path: Path) -> None:
    running = TokenKeys(tmp_path, system_clock)
    [first] = list(running)

    prepared = CliRunner().invoke(keys, ["rotate", "token", "--prepare", "--home", str(tmp_path)])
    rotated = CliRunner().invoke(keys, ["rotate", "token", "--home", str(tmp_path)])

    assert (prepared.exit_code, rotated.exit_code) == (0, 0), rotated.output
    assert list(running)[1] == first
    assert not any(key.decode() in prepared.output + rotated.output for key in running)
    assert "command" in (tmp_path / "security.log").read_text()
