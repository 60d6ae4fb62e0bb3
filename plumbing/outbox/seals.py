"""Keys of a store box and of the centre: what one writes, only the other one can open, and can check.

Sealed is with HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM), signed with Ed25519. Every use has a name of its
own, so that no message passes for another kind.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from plumbing.outbox.errors import SealRefused
from plumbing.storage.files import load_or_create_secret

MAGIC = b"usual-edge-keys-1\n"
KEY_BYTES = 32
PUBLIC_BYTES = 2 * KEY_BYTES
PRINT_BYTES = 16


@lru_cache(maxsize=1)
def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class PublicKeys:
    """What the other side knows: 32 bytes to seal for this one, 32 bytes to check its signatures."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_BYTES:
            raise SealRefused(f"The public keys of a box or a centre have {PUBLIC_BYTES} bytes.")

    @property
    def fingerprint(self) -> str:
        """16 bytes in hexadecimal that stand for both keys."""
        return hashlib.sha256(MAGIC + self.raw).digest()[:PRINT_BYTES].hex()

    def seal(self, content: bytes, use: str) -> bytes:
        """`content`, which only the owner of the private keys opens."""
        key = X25519PublicKey.from_public_bytes(self.raw[:KEY_BYTES])
        return _suite().encrypt(content, key, info=_named(use))

    def check(self, signature: str, use: str, *parts: object) -> None:
        """Raises SealRefused: the owner of the private keys did not sign these parts."""
        key = Ed25519PublicKey.from_public_bytes(self.raw[KEY_BYTES:])
        try:
            key.verify(bytes.fromhex(signature), _signed(use, parts))
        except (InvalidSignature, ValueError, TypeError) as error:
            raise SealRefused from error


class PrivateKeys:
    """The private keys of a box or of the centre: a file of its owner's alone."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 64 bytes."""
        if len(secret) != PUBLIC_BYTES:
            raise SealRefused("The key file of the box or of the centre is damaged: put it back, or pair again.")
        self._secret = secret

    @classmethod
    def load(cls, path: Path) -> PrivateKeys:
        """Those in a file, which is made when it is not there. Raises SealRefused: the file is damaged."""
        content = load_or_create_secret(path, MAGIC + _drawn())
        if not content.startswith(MAGIC):
            raise SealRefused(f"{path} is no key file of a store box.")
        return cls(content[len(MAGIC) :])

    @cached_property
    def public(self) -> PublicKeys:
        """What the other side gets."""
        sealing = self._sealing.public_key().public_bytes_raw()
        return PublicKeys(sealing + self._signing.public_key().public_bytes_raw())

    @cached_property
    def _sealing(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._secret[:KEY_BYTES])

    @cached_property
    def _signing(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._secret[KEY_BYTES:])

    def open(self, sealed: bytes, use: str) -> bytes:
        """The inverse of `PublicKeys.seal`. Raises SealRefused: altered, or for somebody else."""
        try:
            return _suite().decrypt(sealed, self._sealing, info=_named(use))
        except (InvalidTag, ValueError) as error:
            raise SealRefused from error

    def sign(self, use: str, *parts: object) -> str:
        """The signature of `parts` (values that JSON has) in hexadecimal."""
        return self._signing.sign(_signed(use, parts)).hex()

    def derive(self, use: str, *parts: str) -> bytes:
        """32 bytes for one use and these names, which nobody else can make."""
        return hmac.digest(self._secret, _signed(use, parts), hashlib.sha256)


def _drawn() -> bytes:
    return X25519PrivateKey.generate().private_bytes_raw() + Ed25519PrivateKey.generate().private_bytes_raw()


def _named(use: str) -> bytes:
    return f"usual edge 1: {use}".encode()


def _signed(use: str, parts: tuple[object, ...]) -> bytes:
    return _named(use) + b"\n" + json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
