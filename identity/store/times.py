"""The times of a customer, sealed in one value of fixed size: who has the database alone reads none of them."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

from identity.errors import SealBroken
from identity.vault.installation import InstallationSeal

TIMES = "customer times"
SHAPE = struct.Struct("<5q")
UNREADABLE_DAY = 2**31 - 1
"""In place of a day that the keys do not open. It lies ahead, so nobody is forgotten because of it: the next look
at the customers (`CustomerStore.seen_at_most`) puts the present day in its place."""


@dataclass(frozen=True, slots=True)
class Times:
    """`last_day` (days since 1970) is that of the last visit, `retention_months` what the customer agreed to (0:
    as the installation has it). The others are microseconds UTC, 0 for never."""

    last_day: int
    retention_months: int = 0
    pin_setup_until_us: int = 0
    pin_locked_until_us: int = 0
    paused_until_us: int = 0

    def sealed(self, seal: InstallationSeal, tenant: str, customer_id: str) -> bytes:
        """As it is stored."""
        return seal.seal(SHAPE.pack(*astuple(self)), tenant, customer_id)

    @classmethod
    def opened(cls, seal: InstallationSeal, tenant: str, customer_id: str, sealed: bytes) -> Times:
        """The inverse of `sealed`; UNREADABLE_DAY when the keys do not open it."""
        try:
            return cls(*SHAPE.unpack(seal.open(sealed, tenant, customer_id)))
        except (SealBroken, struct.error):
            return cls(UNREADABLE_DAY)
