"""Seals what all of an installation's processes must read at once, and no single customer's key can seal.

It hides times and orders from whoever has the database without the keys. It does not make anything end with a
customer's key: what must do that is sealed with `Vault.seal`.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity.errors import SealBroken
from identity.vault.keyfile import KeyFile


class InstallationSeal:
    """AES-256-GCM under a key derived from the key file's root; `what` names one kind of content."""

    def __init__(self, keys: KeyFile, what: str) -> None:
        self._cipher = AESGCM(keys.derive(f"sealed {what}"))

    def seal(self, content: bytes, *place: str) -> bytes:
        """`content`, sealed for one place: it opens nowhere else."""
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, content, _bound(place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """The inverse of `seal`. Raises SealBroken: altered, moved, or sealed by another installation."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], _bound(place))
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error


def _bound(place: tuple[str, ...]) -> bytes:
    # Ten thousand of these are made in one go; the names have no zero byte.
    return "\0".join(place).encode()
