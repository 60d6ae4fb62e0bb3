"""Signed receipts: verified offline; cut, forged and foreign ones are named."""

from __future__ import annotations

import base64
import json
import string
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.consent.codes import new_code
from identity.consent.receipts import ReceiptKeys, content_of, key_id, public_key, signed, text_of, verify
from identity.errors import (
    NotAReceipt,
    PublicKeyUnusable,
    ReceiptCut,
    ReceiptError,
    ReceiptForeign,
    ReceiptForged,
    ReceiptKeysDamaged,
    ReceiptVersionUnknown,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
CODE = "ABCDE-FGHJK-23456-789AB"
COMMON = {"schema_version": "ISO-IEC-TS-27560:2023", "pii_controller": "Nudelhaus", "age_confirmed": True}
RECORDS = [
    COMMON | {"record_id": record_id, "purposes": [{"purpose": purpose}], "events": [{"event_type": "given"}]}
    for record_id, purpose in (("1" * 32, "face"), ("2" * 32, "orders"), ("3" * 32, "offers"))
]
RECEIPT = signed(content_of(RECORDS, CODE), tenant="north", key=KEY)


def packed(content: object, key: Ed25519PrivateKey = KEY) -> str:
    """A receipt with any content, properly signed."""
    body = "usual-receipt-1." + b64(zlib.compress(json.dumps(content).encode()))
    return f"{body}.{b64(key.sign(body.encode()))}"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_receipt_says_what_was_agreed_to_and_the_codes_last_group_alone() -> None:
    said = verify(RECEIPT, PUBLIC)

    assert said["pii_controller"] == "Nudelhaus"
    assert [record["purposes"][0]["purpose"] for record in said["records"]] == ["face", "orders", "offers"]
    assert (said["tenant"], said["key"], said["code_ends_in"]) == ("north", key_id(PUBLIC), "789AB")
    plain = json.dumps(said)
    assert not any(group in plain for group in CODE.split("-")[:3])
    assert plain.count("27560") == 1, "what the records have in common stands there once"


def test_it_is_the_same_after_a_copy_over_several_lines() -> None:
    lines = "\r\n  ".join(RECEIPT[n : n + 40] for n in range(0, len(RECEIPT), 40))
    assert verify(f"\n{lines}\n", PUBLIC) == verify(RECEIPT, PUBLIC)


def test_every_receipt_that_was_cut_is_named() -> None:
    for length in range(len(RECEIPT)):
        with pytest.raises(NotAReceipt if length < 14 else ReceiptCut):
            verify(RECEIPT[:length], PUBLIC)


def test_every_changed_character_is_noticed() -> None:
    letters = string.ascii_letters + string.digits + "-_"
    for place in range(len(RECEIPT)):
        for other in (letters[(letters.find(RECEIPT[place]) + 1) % 64], "A", "."):
            if other != RECEIPT[place]:
                with pytest.raises(ReceiptError):
                    verify(RECEIPT[:place] + other + RECEIPT[place + 1 :], PUBLIC)


def test_the_last_character_has_one_spelling() -> None:
    """Base64 leaves four bits of it unused."""
    accepted = []
    for other in string.ascii_letters + string.digits + "-_":
        try:
            verify(RECEIPT[:-1] + other, PUBLIC)
            accepted.append(other)
        except ReceiptForged:
            pass
    assert accepted == [RECEIPT[-1]]


def test_a_receipt_of_another_company_is_foreign() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(ReceiptForeign) as caught:
        verify(RECEIPT, other.public_key())
    assert key_id(PUBLIC) in caught.value.detail
    with pytest.raises(ReceiptForeign):
        verify(RECEIPT, [])


def test_a_receipt_that_names_our_key_and_was_signed_by_another_is_forged() -> None:
    forged = packed(verify(RECEIPT, PUBLIC), Ed25519PrivateKey.generate())
    with pytest.raises(ReceiptForged):
        verify(forged, PUBLIC)


def test_two_receipts_cannot_be_mixed() -> None:
    other = signed(content_of(RECORDS[:1], CODE), tenant="north", key=KEY)
    with pytest.raises(ReceiptForged):
        verify(RECEIPT.rpartition(".")[0] + "." + other.rpartition(".")[2], PUBLIC)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", NotAReceipt),
        ("Hello", NotAReceipt),
        ("{}", NotAReceipt),
        ("usual-receipt-2" + RECEIPT[15:], ReceiptVersionUnknown),
        ("usual-receipt-1x" + RECEIPT[15:], ReceiptVersionUnknown),
        (RECEIPT + ".x", ReceiptForged),
        (RECEIPT.replace(".", "..", 1), ReceiptCut),
        (RECEIPT[:30] + "ü" + RECEIPT[31:], ReceiptForged),
        (RECEIPT[:30] + "\0" + RECEIPT[31:], ReceiptForged),
        (packed([1]), ReceiptForged),
        (packed({}), ReceiptForged),
        (packed({"key": 1}), ReceiptForged),
        ("usual-receipt-1." + "A" * 20_000 + "." + "A" * 86, ReceiptForged),
        ("usual-receipt-1." + b64(zlib.compress(b" " * 10_000_000)) + "." + "A" * 86, ReceiptForged),
        ("usual-receipt-1." + b64(zlib.compress(b"[" * 60_000)) + "." + "A" * 86, ReceiptForged),
    ],
)
def test_what_is_no_receipt_is_named(text: str, error: type[ReceiptError]) -> None:
    with pytest.raises(error):
        verify(text, PUBLIC)


# --- keys


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    keys = [ReceiptKeys(tmp_path) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(lambda one: one.public("north"), keys))
    assert len(made) == 1
    assert (tmp_path / "receipt-key").stat().st_mode & 0o077 == 0


def test_each_tenant_signs_with_a_key_of_its_own(tmp_path: Path) -> None:
    keys = ReceiptKeys(tmp_path)
    north, south = keys.sign("north", {"a": 1}), keys.sign("south", {"a": 1})

    assert keys.public("north") != keys.public("south")
    assert verify(north, public_key(keys.public("north")))["tenant"] == "north"
    with pytest.raises(ReceiptForeign):
        verify(south, public_key(keys.public("north")))


def test_after_a_rotation_older_receipts_are_still_verified(tmp_path: Path) -> None:
    keys = ReceiptKeys(tmp_path)
    older, first = keys.sign("north", {"a": 1}), keys.public("north")
    south = keys.public("south")

    second = keys.rotate("north")
    newer = keys.sign("north", {"a": 2})

    assert keys.all_public() == {"north": [second, first], "south": [south]}
    assert keys.all_public("north") == {"north": [second, first]}
    trusted = [public_key(text) for text in keys.all_public("north")["north"]]
    assert [verify(one, trusted)["a"] for one in (older, newer)] == [1, 2]
    with pytest.raises(ReceiptForeign):
        verify(newer, public_key(first))
    assert len(keys.rotate("new")) == 43


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{}", b'{"format":"usual-receipt-keys-1","tenants":{"a":1}}']
)
def test_a_damaged_key_file_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "receipt-key").write_bytes(content)
    keys = ReceiptKeys(tmp_path)
    uses: list[Callable[[], object]] = [
        lambda: keys.sign("north", {}),
        lambda: keys.public("north"),
        lambda: keys.rotate("north"),
    ]
    for use in uses:
        with pytest.raises(ReceiptKeysDamaged):
            use()
    assert (tmp_path / "receipt-key").read_bytes() == content


@pytest.mark.parametrize("text", ["", "x", "A" * 42, "A" * 44, "ü" * 43, text_of(PUBLIC) + "A"])
def test_a_public_key_that_is_none(text: str) -> None:
    with pytest.raises(PublicKeyUnusable):
        public_key(text)
    assert public_key(f" {text_of(PUBLIC)}\n").public_bytes_raw() == PUBLIC.public_bytes_raw()


def test_a_new_code_leaves_its_last_group() -> None:
    code = new_code()
    assert content_of(RECORDS, code)["code_ends_in"] == code[-5:]
