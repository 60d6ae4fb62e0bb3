"""Customers who were erased, remembered outside of the database and of the key file.

A state folder that is put back as a whole brings keys and rows back. What was erased since is erased again before
anybody is served, and is not recognised meanwhile.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted

from identity.vault.keyfile import KeyFile
from plumbing.storage.tombstones import Tombstones

FILE = "identity-tombstones"


class Departed:
    """Keyed hashes of customers, and of what they took back.

    Their key is derived from the key file's root, which no rotation changes.
    """

    def __init__(self, file: Tombstones, keys: KeyFile) -> None:
        self.file = file
        self._key = keys.derive("tombstones")

    def remember(self, tenant: str, customer_id: str) -> None:
        """Never recognise this customer again. Raises OSError: it could not be stored."""
        self.file.add([self._hash(tenant, customer_id)])

    def includes(self, tenant: str, customer_id: str) -> bool:
        """Whether this customer was erased."""
        return self._hash(tenant, customer_id) in self.file

    def among(self, customers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of many (tenant, customer id) who were erased: the list is read once."""
        gone = self.file.all()
        return [one for one in customers if self._hash(*one) in gone] if gone else []

    def remember_record(self, tenant: str, record_id: str) -> None:
        """This record of consent has ended, for good: another "given" is another record. Raises OSError."""
        self.file.add([self._hash(tenant, f"record {record_id}")])

    def includes_record(self, tenant: str, record_id: str) -> bool:
        """Whether this record of consent has ended."""
        return self._hash(tenant, f"record {record_id}") in self.file

    def whose_records(self, records: Iterable[tuple[str, str, str]]) -> set[tuple[str, str]]:
        """(tenant, customer id) of those of many (tenant, customer id, record id) that have ended."""
        ended = self.file.all()
        if not ended:
            return set()
        return {
            (tenant, customer_id)
            for tenant, customer_id, record_id in records
            if self._hash(tenant, f"record {record_id}") in ended
        }

    def _hash(self, tenant: str, customer_id: str) -> bytes:
        named = f"[{quoted(tenant)}, {quoted(customer_id)}]"  # as `json.dumps`, in a fraction of its time
        return hmac.digest(self._key, named.encode(), "sha256")
