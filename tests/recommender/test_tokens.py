"""Tokens: the recommender opens what is valid here, now and for this purpose, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from plumbing.clock import MINUTE
from recommender import errors
from recommender.tokens import PREFIX, Claims, open_token

KEY, OLD_KEY = Fernet.generate_key(), Fernet.generate_key()
NOW = 1_795_435_200_000_000


def mint(key: bytes = KEY, **changes: Any) -> str:
    claims = {
        "pseudonym": "p",
        "tenant": "grill",
        "device": "kiosk-1",
        "purposes": ["orders"],
        "level": "face",
        "issued_us": NOW,
        "expires_us": NOW + 10 * MINUTE,
        "token_id": "t",
    } | changes
    return PREFIX + Fernet(key).encrypt(json.dumps(claims).ljust(400).encode()).decode()


def opened(
    text: str,
    *,
    tenant: str | None = "grill",
    device: str | None = "kiosk-1",
    purpose: str = "orders",
    now_us: int = NOW + MINUTE,
    second_factor: bool = False,
) -> Claims:
    return open_token(
        (KEY, OLD_KEY),
        text,
        tenant=tenant,
        device=device,
        purpose=purpose,
        now_us=now_us,
        second_factor=second_factor,
    )


def test_a_valid_token_contains_the_pseudonym() -> None:
    """What is inside comes out, also under the key before the last."""
    assert opened(mint()).pseudonym == "p"
    assert opened(mint(OLD_KEY)).purposes == ("orders",)


@pytest.mark.parametrize(
    ("token", "asked", "error"),
    [
        (mint(), {"now_us": NOW + 10 * MINUTE}, errors.TokenExpired),
        (mint(), {"now_us": NOW - MINUTE}, errors.TokenExpired),
        (mint(expires_us=NOW + 60 * MINUTE), {}, errors.TokenExpired),
        (mint(), {"tenant": "other"}, errors.TokenForeign),
        (mint(), {"device": "kiosk-2"}, errors.TokenForeign),
        (mint(), {"device": ""}, errors.TokenForeign),
        (mint(), {"purpose": "destinations"}, errors.PurposeNotGiven),
        (mint(), {"second_factor": True}, errors.SecondFactorRequired),
        (mint(Fernet.generate_key()), {}, errors.TokenAltered),
        (mint(pseudonym=""), {}, errors.TokenAltered),
        (mint(issued_us="now"), {}, errors.TokenAltered),
        (mint(extra="field"), {}, errors.TokenAltered),
        (mint().removeprefix(PREFIX), {}, errors.TokenAltered),
        (PREFIX + "ü", {}, errors.TokenAltered),
        (PREFIX + "A" * 100_000, {}, errors.TokenAltered),
    ],
)
def test_what_is_refused_and_why(token: str, asked: dict[str, Any], error: type[Exception]) -> None:
    """Expired, too long-lived, foreign, without the purpose, of too low a level, altered: each has its name."""
    with pytest.raises(error):
        opened(token, **asked)


def test_a_level_that_suffices_opens() -> None:
    """With the second factor in the token the same question is answered."""
    assert opened(mint(level="second_factor"), second_factor=True).level == "second_factor"


@given(at=st.integers(0, 10_000), by=st.integers(1, 255))
def test_one_changed_byte_is_enough(at: int, by: int) -> None:
    """No change of any character leaves a token that opens."""
    text = mint()
    at %= len(text)
    changed = text[:at] + chr((ord(text[at]) + by) % 256) + text[at + 1 :]
    with pytest.raises(errors.TokenAltered):
        opened(changed)


@pytest.mark.parametrize("extra", ["=", "==", "!", "\n", "====", "A==="])
def test_another_spelling_of_the_same_bytes_does_not_open(extra: str) -> None:
    """Base64 as Python reads it ignores what stands behind, and characters that it does not know."""
    with pytest.raises(errors.TokenAltered):
        opened(mint() + extra)
    with pytest.raises(errors.TokenAltered):
        opened(mint()[:40] + "!" + mint()[40:])


@given(st.text(max_size=300))
def test_any_text_is_refused_with_a_name(text: str) -> None:
    """Whatever somebody sends, the answer is a token error and never a crash."""
    with pytest.raises(errors.TokenError):
        opened(text)
