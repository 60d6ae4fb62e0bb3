"""What leads from a customer to elsewhere, in bytes of a fixed size, so that its length says nothing.

It is kept sealed under the customer's key. When that key is destroyed, the part that finishing an erasure needs is
left sealed in the key's slot until it is done.
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
    """`pseudonym` is what the recommender knows the customer by, `audit` what the audit does; `consents` are the
    record ids by purpose. All are random, none is made from another."""

    pseudonym: str
    audit: str
    consents: Mapping[str, str]

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
