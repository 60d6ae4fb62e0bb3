"""Tokens as identity mints them: opaque, of one length, for one device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from identity import tokens
from identity.config import PURPOSES
from identity.errors import NameTooLong, TokenAltered, TokenExpired, TokenForeign
from plumbing.clock import MINUTE
from tests.identity.halves import START

KEY, OTHER = Fernet.generate_key(), Fernet.generate_key()
SECRET = b"s" * 32
CUSTOMER = "0123456789abcdef" * 2
CLAIMS = tokens.Claims(
    pseudonym="p" * 22,
    tenant="north",
    device="kiosk-1",
    purposes=("orders",),
    level="face",
    issued_us=START,
    expires_us=START + 10 * MINUTE,
    token_id=tokens.token_id_for(SECRET, CUSTOMER),
)


def read(text: str, keys: tuple[bytes, ...] = (KEY,), **changed: Any) -> tokens.Claims:
    expected: dict[str, Any] = {"tenant": "north", "device": "kiosk-1", "now_us": START + MINUTE}
    return tokens.open_own(keys, text, **(expected | changed))


def test_a_token_says_what_it_was_made_of() -> None:
    assert read(tokens.mint([KEY], CLAIMS)) == CLAIMS


@given(
    tenant=st.text(max_size=20),
    device=st.text(max_size=20),
    purposes=st.lists(st.sampled_from(PURPOSES), unique=True),
    level=st.sampled_from(["face", "second_factor"]),
)
def test_every_token_has_the_same_length(tenant: str, device: str, purposes: list[str], level: str) -> None:
    named = replace(CLAIMS, tenant=tenant, device=device, purposes=tuple(sorted(purposes)), level=level)

    text = tokens.mint([KEY], named)

    assert len(text) == len(tokens.mint([KEY], CLAIMS))
    assert read(text, tenant=tenant, device=device) == named


def test_a_token_shows_nothing_of_what_it_says() -> None:
    texts = {tokens.mint([KEY], CLAIMS) for _ in range(20)}

    assert len(texts) == 20
    assert not any(word in text for text in texts for word in (CLAIMS.pseudonym, "north", "kiosk", "orders"))


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NameTooLong):
        tokens.mint([KEY], replace(CLAIMS, tenant="n" * 200))


def test_a_new_key_mints_and_the_old_one_still_opens() -> None:
    old = tokens.mint([KEY], CLAIMS)

    assert read(old, (OTHER, KEY)) == CLAIMS
    with pytest.raises(TokenAltered):
        read(tokens.mint([OTHER, KEY], CLAIMS), (KEY,))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-3] + "AAA",
        lambda text: text[9:],
        lambda text: "usual-t2." + text[9:],
        lambda _: "",
        str.upper,
    ],
    ids=["altered", "without prefix", "another version", "empty", "upper case"],
)
def test_what_is_no_token_of_ours_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(TokenAltered):
        read(change(tokens.mint([KEY], CLAIMS)))


def test_fernet_text_that_holds_no_claims_is_refused() -> None:
    with pytest.raises(TokenAltered):
        read(tokens.PREFIX + Fernet(KEY).encrypt(b'{"pseudonym": 1}').decode())


@pytest.mark.parametrize("elsewhere", [{"tenant": "south"}, {"device": "kiosk-2"}, {"device": ""}])
def test_a_token_is_good_for_its_own_tenant_and_device(elsewhere: dict[str, Any]) -> None:
    with pytest.raises(TokenForeign):
        read(tokens.mint([KEY], CLAIMS), **elsewhere)


def test_a_token_ends_on_the_microsecond() -> None:
    text = tokens.mint([KEY], CLAIMS)

    assert read(text, now_us=CLAIMS.expires_us - 1)
    with pytest.raises(TokenExpired):
        read(text, now_us=CLAIMS.expires_us)


def test_a_token_id_is_new_each_time_and_leads_to_its_customer_only_with_the_secret() -> None:
    ids = {tokens.token_id_for(SECRET, CUSTOMER) for _ in range(50)}

    assert len(ids) == 50
    assert {tokens.customer_of(SECRET, text) for text in ids} == {CUSTOMER}
    assert CUSTOMER not in {tokens.customer_of(b"t" * 32, text) for text in ids}


@pytest.mark.parametrize("text", ["", "abc", "!" * 43, "é"])
def test_a_token_id_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(TokenAltered):
        tokens.customer_of(SECRET, text)
