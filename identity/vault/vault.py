"""Sealed templates: a key for each customer, a rotation for each tenant.

At rest a template is sealed with AES-256-GCM under its customer's own key; tenant, customer, what it is and its
version are associated data, so no sealed value can replace another. In the index it is turned by a random
orthogonal matrix of its tenant: cosines stay as they are, two tenants' templates of one person have nothing in
common, and a new matrix renews them without the customer. Who has the key can undo the rotation; what
protects a template is the seal and its own key (docs/decisions).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from identity.errors import KeyDestroyed, SealBroken
from identity.vault.keyfile import KeyFile

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key: a customer of a tenant, and the slot that the key lies in."""

    tenant: str
    customer_id: str
    slot: int

    @property
    def owner(self) -> bytes:
        """What the key file binds the key to."""
        return _bound(self.tenant, self.customer_id)


class Vault:
    """Seals and opens what belongs to a customer."""

    def __init__(self, keys: KeyFile) -> None:
        self.keys = keys

    def admit(self, tenant: str, customer_id: str) -> Holder:
        """A key for a new customer. Raises StorageFull."""
        slot, _ = self.keys.allocate(_bound(tenant, customer_id))
        return Holder(tenant, customer_id, slot)

    def seal(self, holder: Holder, what: str, content: bytes, version: str = "1") -> bytes:
        """`content` sealed as `what` ("template", "links", "pin") under the customer's key.

        Raises KeyDestroyed.
        """
        key = self.keys.key(holder.slot, holder.owner)
        nonce = secrets.token_bytes(12)
        bound = _bound(holder.tenant, holder.customer_id, what, version)
        return nonce + AESGCM(key).encrypt(nonce, content, bound)

    def open(self, holder: Holder, what: str, sealed: bytes, version: str = "1") -> bytes:
        """The inverse of `seal`. Raises KeyDestroyed, or SealBroken when anything of it was altered or moved."""
        return _opened(AESGCM(self.keys.key(holder.slot, holder.owner)), holder, what, sealed, version)

    def open_many(
        self, what: str, sealed: Iterable[tuple[Holder, bytes]], version: str = "1"
    ) -> Iterator[bytes | None]:
        """`open` of one after the other, None where it would raise; the key file is read once, in one go."""
        key = self.keys.all_keys()
        for holder, content in sealed:
            try:
                yield _opened(AESGCM(key(holder.slot, holder.owner)), holder, what, content, version)
            except (KeyDestroyed, SealBroken):
                yield None

    def open_each(
        self, sealed: Iterable[tuple[Holder, Sequence[tuple[str, bytes, str]]]]
    ) -> Iterator[list[bytes | None]]:
        """Several values of each of many customers, every one as (what, sealed, version); a customer's key is read
        once. None where `open` would raise."""
        for holder, values in sealed:
            named = _begun(holder.tenant, holder.customer_id)
            try:
                key = AESGCM(self.keys.key(holder.slot, f"{named}]".encode()))
            except KeyDestroyed:
                yield [None] * len(values)
                continue
            yield [
                _decrypted_or_none(key, content, f"{named}, {quoted(what)}, {quoted(version)}]".encode())
                for what, content, version in values
            ]

    def open_all(self, holder: Holder, what: str, sealed: Iterable[tuple[bytes, str]]) -> list[bytes]:
        """`open` of several values of one customer, each with its version; their key is read once.

        Raises KeyDestroyed or SealBroken.
        """
        key = AESGCM(self.keys.key(holder.slot, holder.owner))
        return [_opened(key, holder, what, content, version) for content, version in sealed]

    def pseudonym(self, purpose: str, holder: Holder) -> str:
        """A name for a customer that is always the same for one purpose, and leads to nothing else."""
        secret = self.keys.derive(f"pseudonyms: {purpose}")
        return hmac.digest(secret, holder.owner, hashlib.sha256)[:16].hex()

    def rotation(self, tenant: str, pack: str, salt: bytes, size: int) -> NDArray[np.float32]:
        """The tenant's (size, size) orthogonal matrix for one pack; a new salt gives a new one."""
        return rotation(self.keys.derive("rotation"), _bound(tenant, pack), salt, size)


def _opened(key: AESGCM, holder: Holder, what: str, sealed: bytes, version: str) -> bytes:
    found = _decrypted_or_none(key, sealed, _bound(holder.tenant, holder.customer_id, what, version))
    if found is None:
        raise SealBroken
    return found


def _decrypted_or_none(key: AESGCM, sealed: bytes, bound: bytes) -> bytes | None:
    try:
        return key.decrypt(sealed[:12], sealed[12:], bound)
    except (InvalidTag, ValueError):
        return None


@lru_cache(maxsize=64)
def rotation(secret: bytes, owner: bytes, salt: bytes, size: int) -> NDArray[np.float32]:
    """A (size, size) orthogonal matrix, uniform over all of them (Haar), the same for the same arguments.

    Gaussians by Box and Muller from an AES-CTR key stream, then QR with the signs of R's diagonal fixed (Mezzadri
    2007, "How to generate random matrices from the classical compact groups"). Random bits come from a cipher and
    not from numpy's generator, whose streams may change between versions.
    """
    key = HKDF(hashes.SHA256(), 32, salt, owner).derive(secret)
    count = size * size + size * size % 2
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(8 * count))
    uniform = ((np.frombuffer(stream, "<u8") >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    radius, angle = np.sqrt(-2 * np.log(uniform[: count // 2])), 2 * np.pi * uniform[count // 2 :]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[: size * size]
    q, r = np.linalg.qr(normal.reshape(size, size))
    matrix = (q * np.sign(np.diag(r))).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def new_salt() -> bytes:
    """Random bytes that make a rotation a new one."""
    return secrets.token_bytes(SALT_BYTES)


def _bound(*parts: str) -> bytes:
    """Associated data: unambiguous whatever the parts hold. The same as `json.dumps(parts)`, in a fraction of its
    time: a gallery of a million makes millions of them."""
    return f"{_begun(*parts)}]".encode()


def _begun(*parts: str) -> str:
    """`_bound` of these and of more to come."""
    return f"[{', '.join(map(quoted, parts))}"
