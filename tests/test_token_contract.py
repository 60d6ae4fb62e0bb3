"""The token is the only contract between the halves; each half has its own definition of it."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from identity import tokens as minting
from recommender import errors
from recommender import tokens as opening

KEY = Fernet.generate_key()
NOW = 1_800_000_000_000_000
MINUTE = 60_000_000
PURPOSES = ("orders", "offers", "destinations")


def claims(**changes: object) -> minting.Claims:
    fields = {
        "pseudonym": "k3J9xZ0aQm7-Yb2LwPq1Rg",
        "tenant": "mill",
        "device": "till-1",
        "purposes": ("offers", "orders"),
        "level": "face",
        "issued_us": NOW,
        "expires_us": NOW + 10 * MINUTE,
        "token_id": "t1",
    }
    return minting.Claims(**(fields | changes))  # type: ignore[arg-type]


def opened(text: str, **changes: object) -> opening.Claims:
    arguments = {"tenant": "mill", "device": "till-1", "purpose": "orders", "now_us": NOW + MINUTE}
    return opening.open_token([KEY], text, **(arguments | changes))  # type: ignore[arg-type]


def test_what_identity_mints_the_recommender_reads_to_the_letter() -> None:
    minted = claims()

    assert dataclasses.asdict(opened(minting.mint([KEY], minted))) == dataclasses.asdict(minted)


def test_both_halves_name_the_same_fields_in_the_same_order() -> None:
    ours, theirs = ([(f.name, str(f.type)) for f in dataclasses.fields(m.Claims)] for m in (minting, opening))

    assert [name for name, _ in ours] == [name for name, _ in theirs]


@given(
    purposes=st.sets(st.sampled_from(PURPOSES), min_size=1).map(sorted).map(tuple),
    level=st.sampled_from(["face", "second_factor"]),
    tenant=st.text("abcdefghij-", min_size=1, max_size=32),
)
def test_every_token_has_the_same_length(purposes: tuple[str, ...], level: str, tenant: str) -> None:
    other = minting.mint([KEY], claims(purposes=purposes, level=level, tenant=tenant))

    assert len(other) == len(minting.mint([KEY], claims()))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tenant": "cab"}, errors.TokenForeign),
        ({"device": "till-2"}, errors.TokenForeign),
        ({"purpose": "destinations"}, errors.PurposeNotGiven),
        ({"now_us": NOW + 10 * MINUTE}, errors.TokenExpired),
        ({"now_us": NOW - MINUTE}, errors.TokenExpired),
        ({"second_factor": True}, errors.SecondFactorRequired),
    ],
)
def test_a_token_opens_only_here_now_and_for_its_purpose(changes: dict[str, object], error: type) -> None:
    text = minting.mint([KEY], claims())

    with pytest.raises(error):
        opened(text, **changes)


def test_the_recommender_reads_a_token_of_an_older_key_and_none_of_a_foreign_one() -> None:
    text = minting.mint([KEY], claims())

    read = opening.open_token(
        [Fernet.generate_key(), KEY], text, tenant="mill", device="till-1", purpose="orders", now_us=NOW
    )
    assert read.pseudonym == claims().pseudonym
    with pytest.raises(errors.TokenAltered):
        opening.open_token(
            [Fernet.generate_key()], text, tenant="mill", device="till-1", purpose="orders", now_us=NOW
        )


def test_a_token_made_for_longer_than_ten_minutes_opens_nothing() -> None:
    text = minting.mint([KEY], claims(expires_us=NOW + 11 * MINUTE))

    with pytest.raises(errors.TokenExpired):
        opened(text)


def test_no_changed_character_survives() -> None:
    text = minting.mint([KEY], claims())

    for at, swap in itertools.product(range(0, len(text), 7), "Aa_"):
        if text[at] != swap:
            with pytest.raises(errors.TokenAltered):
                opened(text[:at] + swap + text[at + 1 :])


def test_nothing_can_be_read_from_the_text() -> None:
    text = minting.mint([KEY], claims())

    assert not any(word in text for word in ("mill", "till-1", "orders", "k3J9xZ0aQm7"))
