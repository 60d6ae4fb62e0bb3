"""The keys that devices seal vectors to: X25519, a pair for each tenant, in the state of the installation.

The private halves are sealed by the root of the key file (`vault.installation`): who has the document and not
`identity-keys` opens nothing. After a rotation the pair before stays valid for an overlap, then it is destroyed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from identity.config import DOCUMENTS
from identity.errors import SealBroken, SealKeysDamaged
from identity.vault.installation import InstallationSeal
from identity.vault.keyfile import KeyFile
from plumbing.clock import HOUR, Clock
from plumbing.storage.documents import Document, Documents
from plumbing.storage.state import State

FILE = "vector-keys"
FORMAT = "usual-vector-keys-1"
OVERLAP_US = HOUR
"""How long the pair before a rotation stays valid: a device reads the public key with each press."""


@dataclass(frozen=True)
class SealKey:
    """A pair. `until_us` 0: it has no end."""

    private: X25519PrivateKey
    until_us: int = 0

    @cached_property
    def public(self) -> bytes:
        """32 bytes."""
        return self.private.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> bytes:
        """8 bytes that name the pair in a message: the beginning of the SHA-256 of its public half."""
        return hashlib.sha256(self.public).digest()[:8]


class SealKeys:
    """The pairs of all tenants, made when they are first needed. Safe with several processes and replicas."""

    def __init__(self, document: Document, keys: KeyFile, now_us: Clock) -> None:
        self._document = document
        self._seal = InstallationSeal(keys, "keys of vectors")
        self._now_us = now_us
        self._opened: dict[bytes, Mapping[str, Sequence[SealKey]]] = {}

    @classmethod
    def of(cls, state: State, keys: KeyFile, now_us: Clock) -> SealKeys:
        """Those of an installation. Raises DatabaseBusy or DatabaseUnusable."""
        return cls(Documents.of(state, DOCUMENTS).document(FILE), keys, now_us)

    def current(self, tenant: str) -> SealKey:
        """The pair that devices seal to now; one before it that has ended is destroyed. Raises SealKeysDamaged."""
        pairs = self._read().get(tenant, ())
        if not pairs or self._ended(pairs):
            with self._document.locked():
                found = self._read()
                pairs = found.get(tenant, ())  # another process may have been first
                left = [one for one in pairs if not self._ended([one])] or [SealKey(X25519PrivateKey.generate())]
                self._write({**found, tenant: left})
            pairs = self._read()[tenant]
        return pairs[0]

    def _ended(self, pairs: Sequence[SealKey]) -> bool:
        return any(one.until_us and one.until_us <= self._now_us() for one in pairs)

    def valid(self, tenant: str, key_id: bytes) -> SealKey | None:
        """The pair of this id, if it is the present one or the one before within its overlap. Raises
        SealKeysDamaged."""
        now = self._now_us()
        for pair in self._read().get(tenant, ()):
            if pair.key_id == key_id and (not pair.until_us or now < pair.until_us <= now + OVERLAP_US):
                return pair
        return None

    def rotate(self, tenant: str) -> SealKey:
        """Let devices seal to a new pair, at once; the one before is valid for OVERLAP_US. Older ones are
        destroyed. Raises SealKeysDamaged."""
        with self._document.locked():
            pairs = self._read()
            before = [SealKey(one.private, self._now_us() + OVERLAP_US) for one in pairs.get(tenant, ())[:1]]
            self._write({**pairs, tenant: [SealKey(X25519PrivateKey.generate()), *before]})
        return self.current(tenant)

    def _write(self, pairs: Mapping[str, Sequence[SealKey]]) -> None:
        tenants = {
            tenant: [{"sealed": self._sealed(tenant, one), "until_us": one.until_us} for one in of_tenant]
            for tenant, of_tenant in pairs.items()
        }
        content = {"format": FORMAT, "tenants": tenants}
        self._document.replace((json.dumps(content, indent=1, sort_keys=True) + "\n").encode())

    def _sealed(self, tenant: str, pair: SealKey) -> str:
        return base64.b64encode(self._seal.seal(pair.private.private_bytes_raw(), tenant)).decode()

    def _read(self) -> Mapping[str, Sequence[SealKey]]:
        """By tenant, the newest first. What was read last is opened once."""
        content = self._document.read() or b""
        if content not in self._opened:
            self._opened = {content: self._unpacked(content)}
        return self._opened[content]

    def _unpacked(self, content: bytes) -> Mapping[str, Sequence[SealKey]]:
        if not content:
            return {}
        try:
            found: dict[str, Any] = json.loads(content)
            if found["format"] != FORMAT:
                raise SealKeysDamaged
            return {tenant: [self._pair(tenant, row) for row in rows] for tenant, rows in found["tenants"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, SealBroken) as error:
            raise SealKeysDamaged from error

    def _pair(self, tenant: str, row: Mapping[str, Any]) -> SealKey:
        raw = self._seal.open(base64.b64decode(row["sealed"], validate=True), tenant)
        return SealKey(X25519PrivateKey.from_private_bytes(raw), int(row["until_us"]))
