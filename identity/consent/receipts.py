"""Signed receipts: a paper that says what a customer agreed to, and that anybody can check without us.

    usual-receipt-1.CONTENT.SIGNATURE

CONTENT is JSON, deflated (zlib), as base64url without padding; SIGNATURE is Ed25519 of everything before its dot.
The content has the fields of a record of ISO/IEC TS 27560 and of the W3C Data Privacy Vocabulary, and of the
customer's code the last group alone. Each company that uses an installation signs with a key of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from identity.consent.codes import last_group
from identity.errors import (
    NotAReceipt,
    PublicKeyUnusable,
    ReceiptCut,
    ReceiptForeign,
    ReceiptForged,
    ReceiptKeysDamaged,
    ReceiptVersionUnknown,
)
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.documents import Document, Documents, LocalDocument
from plumbing.storage.state import State

VERSION = "usual-receipt-1"
FILE = "receipt-key"
KEYS = "identity-signing"  # the part of the state, beside the keys of templates
KEYS_FORMAT = "usual-receipt-keys-1"
MOST_CHARACTERS = 16_000
MOST_CONTENT = 64_000  # bytes of JSON
SIGNATURE_BYTES = 64
KEY_BYTES = 32
_CHARACTERS = re.compile(r"[A-Za-z0-9_-]+")


class ReceiptKeys:
    """The signing keys in the document `receipt-key`, one for each tenant, made when they are first needed.

    After a rotation the earlier public keys stay listed, so that older receipts can be verified; their private
    keys are destroyed. Safe with several processes
    and, where the keys are in a database, with replicas.
    """

    def __init__(self, place: Path | Document) -> None:
        """`place` is the state folder, or the document."""
        if isinstance(place, Path):
            place = LocalDocument(place / FILE, place / ".receipt-key.lock")
        self._document = place

    @classmethod
    def of(cls, state: State) -> ReceiptKeys:
        """Those of an installation. Raises DatabaseBusy or DatabaseUnusable."""
        if state.keys_url is None:
            return cls(state.home)
        return cls(Documents.of(state, KEYS, keys=True).document(FILE))

    def sign(self, tenant: str, record: Mapping[str, Any]) -> str:
        """A signed receipt with the fields of `record`. Raises ReceiptKeysDamaged."""
        return signed(record, tenant=tenant, key=self._private(tenant))

    def public(self, tenant: str) -> str:
        """The public key that a tenant's receipts are signed with now. Raises ReceiptKeysDamaged."""
        return text_of(self._private(tenant).public_key())

    def all_public(self, tenant: str | None = None) -> dict[str, list[str]]:
        """By tenant, the public key of today and then the earlier ones, newest first."""
        return {
            name: [text_of(_private_key(entry["private"]).public_key()), *entry["earlier"]]
            for name, entry in self._read().items()
            if tenant in (None, name)
        }

    def remark(self) -> str | None:
        """For readiness: why no receipt can be signed; None when it can."""
        try:
            self._read()
        except (ReceiptKeysDamaged, DatabaseBusy, OSError) as error:
            return f"customers get no signed receipt: {str(error).rstrip('.')}"
        return None

    def rotate(self, tenant: str) -> str:
        """Sign with a new key from now on; returns its public key. The private key before is destroyed."""
        with self._document.locked():
            keys = self._read()
            earlier = []
            if before := keys.get(tenant):
                earlier = [text_of(_private_key(before["private"]).public_key()), *before["earlier"]]
            return self._write(keys, tenant, earlier)

    def _private(self, tenant: str) -> Ed25519PrivateKey:
        keys = self._read()
        if tenant not in keys:
            with self._document.locked():
                keys = self._read()
                if tenant not in keys:  # else another process was first
                    self._write(keys, tenant, [])
                    keys = self._read()
        return _private_key(keys[tenant]["private"])

    def _write(self, keys: Mapping[str, Any], tenant: str, earlier: Sequence[str]) -> str:
        made = Ed25519PrivateKey.generate()
        entry = {"private": _base64(made.private_bytes_raw()), "earlier": list(earlier)}
        content = {"format": KEYS_FORMAT, "tenants": {**keys, tenant: entry}}
        self._document.replace((json.dumps(content, indent=1, sort_keys=True) + "\n").encode())
        return text_of(made.public_key())

    def _read(self) -> dict[str, Any]:
        try:
            found = self._document.read()
            if found is None:
                return {}
            content = json.loads(found)
            if content["format"] != KEYS_FORMAT:
                raise ReceiptKeysDamaged
            keys: dict[str, Any] = content["tenants"]
            for entry in keys.values():
                _private_key(entry["private"])
                [public_key(text) for text in entry["earlier"]]
        except (ValueError, KeyError, TypeError, AttributeError, PublicKeyUnusable) as error:
            raise ReceiptKeysDamaged from error
        return keys


def content_of(records: Sequence[Mapping[str, Any]], code: str) -> dict[str, Any]:
    """What a receipt says: what all of a customer's records have in common once, the rest for each; and of the
    code its last group."""
    first = records[0] if records else {}
    common = {name: value for name, value in first.items() if all(one.get(name) == value for one in records)}
    own = [{name: value for name, value in one.items() if name not in common} for one in records]
    return {**common, "records": own, "code_ends_in": last_group(code)}


def signed(record: Mapping[str, Any], *, tenant: str, key: Ed25519PrivateKey) -> str:
    """A receipt with the fields of `record`, and which company's key signed it."""
    content = {**record, "tenant": tenant, "key": key_id(key.public_key())}
    plain = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    body = f"{VERSION}.{_base64(zlib.compress(plain.encode(), 9))}"
    return f"{body}.{_base64(key.sign(body.encode()))}"


def verify(text: str, keys: Ed25519PublicKey | Iterable[Ed25519PublicKey]) -> dict[str, Any]:
    """What a receipt says, after its signature was checked; needs no network and no database.

    `keys` are public keys that are trusted. White space in `text`, as of a copy over several lines, is left out.

    Raises:
        NotAReceipt, ReceiptVersionUnknown, ReceiptCut, ReceiptForged.
        ReceiptForeign: it names a key that is not among `keys`.
    """
    trusted = {key_id(key): key for key in ([keys] if isinstance(keys, Ed25519PublicKey) else keys)}
    body, content, signature = _parts(text)
    named = content.get("key")
    if not isinstance(named, str):
        raise ReceiptForged
    if named not in trusted:
        raise ReceiptForeign(named[:20], trusted)
    try:
        trusted[named].verify(signature, body.encode())
    except InvalidSignature as error:
        raise ReceiptForged from error
    return content


def _parts(text: str) -> tuple[str, dict[str, Any], bytes]:
    """(what is signed, the content, the signature)."""
    plain = "".join(text.split())
    if not plain.startswith("usual-receipt-"):
        raise NotAReceipt
    version, *rest = plain.split(".")
    if version != VERSION:
        if not rest and VERSION.startswith(version):
            raise ReceiptCut
        raise ReceiptVersionUnknown
    if len(rest) < 2 or not all(rest):
        raise ReceiptCut
    if len(rest) > 2 or len(plain) > MOST_CHARACTERS or not all(map(_CHARACTERS.fullmatch, rest)):
        raise ReceiptForged
    signature = _bytes(rest[1])
    if len(signature) < SIGNATURE_BYTES:
        raise ReceiptCut
    if _base64(signature) != rest[1]:  # the last character has bits to spare: one receipt has one spelling
        raise ReceiptForged
    return f"{version}.{rest[0]}", _content(_bytes(rest[0])), signature


def _content(packed: bytes) -> dict[str, Any]:
    unpack = zlib.decompressobj()
    try:
        plain = unpack.decompress(packed, MOST_CONTENT)
        if not unpack.eof and not unpack.unconsumed_tail:
            raise ReceiptCut
        content = json.loads(plain) if unpack.eof else None
    except (zlib.error, ValueError, RecursionError) as error:
        raise ReceiptForged from error
    if not isinstance(content, dict):
        raise ReceiptForged
    return content


def public_key(text: str) -> Ed25519PublicKey:
    """The public key in a text of 43 letters, digits, - and _ (base64url). Raises PublicKeyUnusable."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(_padded(text.strip()), b"-_", validate=True))
    except ValueError as error:
        raise PublicKeyUnusable from error


def text_of(key: Ed25519PublicKey) -> str:
    """A public key as it is printed and sent: base64url, 43 characters."""
    return _base64(key.public_bytes_raw())


def key_id(key: Ed25519PublicKey) -> str:
    """A short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _private_key(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_bytes(text))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(_padded(text), b"-_", validate=True)
    except binascii.Error as error:
        raise ReceiptCut from error


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
