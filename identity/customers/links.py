"""The ids of a customer in other places, packed in a fixed number of bytes, so that the length reveals nothing.

The links are sealed under the customer's key. When that key is destroyed, the part that is needed to finish the
erasure stays in the key's slot, sealed, until the erasure is done.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import LONGEST_NAME, PURPOSES

ID_BYTES = 16
NONE = bytes(ID_BYTES)


@dataclass(frozen=True, slots=True)
class Links:
    """`pseudonym` is the customer's id in the recommender, `audit` the one in the audit log; `consents` are the
    record ids by purpose. All are random; none is derived from another."""

    pseudonym: str
    audit: str
    consents: Mapping[str, str]

    @property
    def raw_pseudonym(self) -> bytes:
        """The 16 bytes that the pseudonym is the text of."""
        return base64.urlsafe_b64decode(self.pseudonym + "==")

    @classmethod
    def new(cls, consents: Mapping[str, str]) -> Links:
        """Links of a new customer."""
        return cls(secrets.token_urlsafe(ID_BYTES), secrets.token_hex(ID_BYTES), consents)

    def packed(self) -> bytes:
        """80 bytes."""
        records = (bytes.fromhex(self.consents.get(name, NONE.hex())) for name in PURPOSES)
        return base64.urlsafe_b64decode(self.pseudonym + "==") + bytes.fromhex(self.audit) + b"".join(records)

    @classmethod
    def unpacked(cls, content: bytes) -> Links:
        """The inverse of `packed`."""
        pseudonym, audit, *records = (content[n : n + ID_BYTES] for n in range(0, len(content), ID_BYTES))
        consents = {name: raw.hex() for name, raw in zip(PURPOSES, records, strict=True) if raw != NONE}
        return cls(base64.urlsafe_b64encode(pseudonym).rstrip(b"=").decode(), audit.hex(), consents)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is still to be done about a customer whose key is gone."""

    tenant: str
    customer_id: str
    links: Links

    def packed(self) -> bytes:
        """160 bytes."""
        name = self.tenant.encode().ljust(LONGEST_NAME, b"\0")
        return name + bytes.fromhex(self.customer_id) + self.links.packed()

    @classmethod
    def unpacked(cls, content: bytes) -> Erasure:
        """The inverse of `packed`."""
        name, rest = content[:LONGEST_NAME], content[LONGEST_NAME:]
        return cls(name.rstrip(b"\0").decode(), rest[:ID_BYTES].hex(), Links.unpacked(rest[ID_BYTES:]))
