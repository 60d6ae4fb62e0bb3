"""What a customer gets who was erased: every place that was looked at, and what became of them there.

A receipt names nobody: a random-looking number, the day, the places, and fingerprints of what was theirs
(`plumbing/storage/search.py`), with which anybody who has the state folder can search it again. It is kept in
a part of its own (`identity/store/erasures.py`), signed with a key made from the key file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from identity.errors import ErasureReceiptForged, ErasureReceiptUnknown
from identity.store.erasures import ReceiptStore
from identity.vault.keyfile import KeyFile
from plumbing.clock import DAY, Clock
from plumbing.handover import Forgotten
from plumbing.storage.search import Fingerprints
from plumbing.storage.state import State

FORMAT = "usual-erasure-1"
KEPT_DAYS = 400
ERASED, WAITS = "erased", "waits"
ELSEWHERE = "recommender"
"""The other half's place until it has said what its places are."""

TRAINING = "waits for a training"
BOX = "waits for a store box"
"""A box that was cut off has a copy until it hears of the erasure, or a day has passed."""
HERE = (
    ("identity.db", ERASED),
    ("identity.db-wal", ERASED),
    ("identity-moments.db", ERASED),
    ("access-moments.db", ERASED),
    ("galleries in memory", ERASED),
)
HERE_ON_SERVER = (
    ("PostgreSQL, usual_identity", ERASED),
    ("PostgreSQL, usual_identity_moments", ERASED),
    ("PostgreSQL, usual_access_moments", ERASED),
    ("galleries in memory", ERASED),
)
FREE_SPACE = ("free space of both databases", "is overwritten within minutes: usual erasures verify")
"""Of SQLite's files: what is left where pages were split."""

KEPT = (
    ("identity-audit.log", "keeps lines that lead to nobody"),
    ("identity-tombstones", "remembers a keyed hash"),
    ("closed-tokens", "closes what is in flight, for minutes"),
    ("exports, logs and copies", "to be searched: usual erasures verify"),
)


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """One erasure. `stores` are pairs of a place and its state; `marks` are the numbers by which the
    recommender's versions are measured: what it knows up to this erasure."""

    id: str
    tenant: str
    day: str
    stores: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, int], ...] = ()
    fingerprints: str = ""

    @property
    def everywhere(self) -> bool:
        """Whether every place has confirmed; a model may still wait for its training."""
        return all(state not in (WAITS, BOX) for _, state in self.stores)

    @property
    def closed(self) -> bool:
        """Whether nothing is left to do: versions trained without the person are live too."""
        return self.everywhere and all(state != TRAINING for _, state in self.stores)

    def to_json(self) -> dict[str, object]:
        """As it is kept and given, without its signature."""
        return {
            "format": FORMAT,
            "id": self.id,
            "tenant": self.tenant,
            "day": self.day,
            "stores": [{"store": store, "state": state} for store, state in self.stores],
            "everywhere": self.everywhere,
            "closed": self.closed,
            "marks": " ".join(f"{scene}={mark}" for scene, mark in self.marks),  # text: no answer has a number
            "fingerprints": self.fingerprints,
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> ErasureReceipt:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError."""
        if said["format"] != FORMAT:
            raise ValueError(f"not of the format {FORMAT}")
        stores = tuple((str(one["store"]), str(one["state"])) for one in said["stores"])
        texts = {name: str(said[name]) for name in ("id", "tenant", "day", "fingerprints")}
        pairs = (word.partition("=") for word in str(said["marks"]).split())
        return cls(**texts, stores=stores, marks=tuple((scene, int(mark)) for scene, _, mark in pairs))

    def with_states(self, pairs: Iterable[tuple[str, str]]) -> ErasureReceipt:
        """The same with other states; a place that is new comes last."""
        return replace(self, stores=tuple({**dict(self.stores), **dict(pairs)}.items()))

    def without_copies(self) -> ErasureReceipt:
        """After every store box has confirmed, or is empty by its own rule."""
        return self.with_states((store, ERASED) for store, state in self.stores if state == BOX)

    def confirmed(self, done: Forgotten) -> ErasureReceipt:
        """After every place has confirmed: those of the recommender in place of the one that stood for it."""
        known = {store: state for store, state in self.stores if store != ELSEWHERE}
        places = done.places or ((ELSEWHERE, ERASED),)
        here = {store: ERASED for store, state in known.items() if state == WAITS}
        stores = (*({**known, "identity-keys": ERASED} | here | dict(places)).items(),)
        return replace(self, stores=stores, marks=done.marks)


class ErasureReceipts:
    """The receipts of one installation."""

    def __init__(self, state: State, keys: KeyFile, now_us: Clock) -> None:
        self._store = ReceiptStore(state)
        self._here = HERE_ON_SERVER if state.is_shared else HERE
        self._kept = KEPT if state.is_shared else (FREE_SPACE, *KEPT)
        self.close = self._store.close
        self._ids = keys.derive("erasure receipts: ids")
        self._key = keys.derive("erasure receipts: signature")
        self._now_us = now_us

    def begin(self, tenant: str, customer_id: str, fingerprints: Fingerprints | None) -> ErasureReceipt:
        """The receipt of an erasure that begins now; the key is destroyed, all the rest waits."""
        waits = ((store, WAITS) for store, _ in (*self._here, (ELSEWHERE, WAITS)))
        return ErasureReceipt(
            id=self.id_of(tenant, customer_id),
            tenant=tenant,
            day=time.strftime("%Y-%m-%d", time.gmtime(self._now_us() // DAY * 86_400)),
            stores=(("identity-keys", "the key is destroyed"), *waits, *self._kept),
            fingerprints="" if fingerprints is None else fingerprints.to_text(),
        )

    def id_of(self, tenant: str, customer_id: str) -> str:
        """The number of a customer's receipt: known while the erasure is not finished, to nobody afterwards."""
        return hmac.digest(self._ids, json.dumps([tenant, customer_id]).encode(), hashlib.sha256).hex()[:32]

    def keep(self, receipt: ErasureReceipt) -> None:
        """Store a receipt, or replace it. Raises DatabaseBusy or DiskFull."""
        content = json.dumps(self.given(receipt), separators=(",", ":")).encode()
        self._store.put(receipt.id, receipt.day, content, is_open=not receipt.closed)

    def keep_begun(self, receipt: ErasureReceipt) -> None:
        """Store the receipt of an erasure that begins, unless another process has finished it already."""
        with self._store.database.write():
            kept = self.find(receipt.id)
            if kept is None or not kept.everywhere:
                self.keep(receipt)

    def given(self, receipt: ErasureReceipt) -> dict[str, object]:
        """As it is handed out, with its signature."""
        return receipt.to_json() | {"signature": self._signed(receipt)}

    def find(self, number: str) -> ErasureReceipt | None:
        """A kept receipt by its number; None when there is none. Raises ErasureReceiptForged."""
        content = self._store.get(number) if re.fullmatch(r"[0-9a-f]{32}", number) else None
        return None if content is None else self.opened(content)

    def opened(self, content: bytes) -> ErasureReceipt:
        """A receipt as it was given. Raises ErasureReceiptForged: not signed by this installation, or cut."""
        try:
            said = json.loads(content)
            receipt = ErasureReceipt.of_json(said)
            genuine = hmac.compare_digest(str(said["signature"]).encode(), self._signed(receipt).encode())
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ErasureReceiptForged("This is no receipt of an erasure, or a part of one.") from error
        if not genuine:
            raise ErasureReceiptForged
        return receipt

    def all(self, *, only_open: bool = False) -> list[ErasureReceipt]:
        """Every kept receipt, or those that are not closed, of the oldest day first; damaged ones are left out."""
        found = []
        for content in self._store.all(only_open=only_open):
            with suppress(ErasureReceiptForged):
                found.append(self.opened(content))
        return found

    def named(self, text: str) -> ErasureReceipt:
        """A receipt by its number, or from the file of a customer.

        Raises ErasureReceiptUnknown, ErasureReceiptForged.
        """
        kept = self.find(text)
        if kept is not None:
            return kept
        try:
            brought = self.opened(Path(text).read_bytes())
        except (OSError, ValueError) as error:
            raise ErasureReceiptUnknown from error
        return self.find(brought.id) or brought

    def prune(self) -> None:
        """Delete receipts of more than `KEPT_DAYS` days ago."""
        self._store.prune(time.strftime("%Y-%m-%d", time.gmtime((self._now_us() // DAY - KEPT_DAYS) * 86_400)))

    def _signed(self, receipt: ErasureReceipt) -> str:
        content = json.dumps(receipt.to_json(), sort_keys=True).encode()
        return hmac.digest(self._key, content, hashlib.sha256).hex()


def trained_now(receipt: ErasureReceipt, waiting: Sequence[str]) -> ErasureReceipt:
    """The receipt after the recommender said which scenes are still `waiting` for a training."""
    done = [
        (store, ERASED)
        for store, state in receipt.stores
        if state == TRAINING and store.removeprefix("models/") not in waiting
    ]
    return receipt.with_states(done)
