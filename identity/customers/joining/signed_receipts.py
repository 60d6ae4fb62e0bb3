"""The signed receipt that a customer takes home: what they agreed to, in the language that they read."""

from __future__ import annotations

import sqlite3
from typing import Any

import structlog

from identity.consent.ledger import ConsentLedger
from identity.consent.notices import Notices
from identity.consent.receipts import ReceiptKeys, content_of
from identity.customers.accounts import digest
from identity.errors import CustomerLeft, NoticeError, ReceiptError
from identity.store import IdentityStores
from plumbing.storage.database import DatabaseBusy

log = structlog.get_logger(__name__)


class SignedReceipts:
    """Signs with the key of the customer's company."""

    def __init__(self, keys: ReceiptKeys, stores: IdentityStores, ledger: ConsentLedger, notices: Notices) -> None:
        self._keys = keys
        self._stores = stores
        self._ledger = ledger
        self._notices = notices

    def signed(self, tenant: str, code: str) -> str | None:
        """The receipt of the customer who has `code`; None when it cannot be made now. Nobody's joining fails for
        that: consent is in the ledger, and the code works without it."""
        try:
            row = self._stores.customers.customer_of_receipt(tenant, digest(code))
            if row is None:
                return None
            records = [self._as_read(record) for record in self._ledger.records(row.holder)]
            return self._keys.sign(tenant, content_of(records, code))
        except (ReceiptError, CustomerLeft, DatabaseBusy, sqlite3.Error, OSError) as error:
            log.warning("receipt_not_signed", error=type(error).__name__)
            return None

    def _as_read(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record with the words of the notice that the customer read, where it is still published."""
        said = record["privacy_notice"]
        try:
            notice = self._notices.current(said["language"], None, said["version"])
        except NoticeError:
            return record
        purposes = [one | {"purpose_text": notice.purposes[one["purpose"]]} for one in record["purposes"]]
        return record | {"purposes": purposes, "withdrawal_method": notice.withdrawal}
