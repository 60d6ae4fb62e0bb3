"""The answer to an enrolment, kept with the customer for some minutes.

A server may be killed after it stored a customer and before it answered. The device sends the request again with
the same Idempotency-Key and gets its receipt: without it nobody could opt out by receipt. The answer is sealed
under the customer's key, so an opt-out destroys it in every copy.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from identity.errors import KeyDestroyed, SealBroken
from identity.results import Enrolled
from identity.store.answers import AnswerStore, KeptAnswer
from identity.vault.vault import Holder, Vault
from plumbing.clock import MINUTE, Clock
from plumbing.idempotency import Asked, IdempotencyConflict

KEEP_US = 10 * MINUTE  # as long as any other reply can be asked for again


class KeptAnswers:
    """Keeps answers, gives them again, deletes them in time."""

    def __init__(self, store: AnswerStore, vault: Vault, now_us: Clock) -> None:
        self._store = store
        self._vault = vault
        self._now_us = now_us
        self._swept_us = 0

    def keep(self, asked: Asked | None, holder: Holder, enrolled: Enrolled) -> None:
        """Store the answer, as a part of the transaction that stores the customer. None: nobody can ask again."""
        if asked is None:
            return
        # The time is sealed too: no column says when somebody enrolled.
        content = json.dumps(asdict(enrolled) | {"kept_us": self._now_us()}).encode()
        self._store.add(
            KeptAnswer(
                tenant=holder.tenant,
                asked=asked.name,
                customer_id=holder.customer_id,
                slot=holder.slot,
                fingerprint=asked.fingerprint,
                sealed=self._vault.seal(holder, "answer", content),
            )
        )

    def given(self, tenant: str, asked: Asked | None) -> Enrolled | None:
        """The answer to the same request, when it was carried out before.

        Raises IdempotencyConflict when another request had this Idempotency-Key.
        """
        kept = None if asked is None else self._store.get(tenant, asked.name)
        opened = None if kept is None else self._opened(kept)
        if asked is None or kept is None or opened is None:
            return None
        if kept.fingerprint != asked.fingerprint:
            raise IdempotencyConflict
        return opened[0]

    def sweep(self) -> None:
        """Delete what can no longer be asked for, once a minute at most."""
        now = self._now_us()
        if 0 <= now - self._swept_us < MINUTE:
            return
        self._swept_us = now
        for kept in self._store.all():
            if self._opened(kept) is None:
                self._store.delete(kept)

    def _opened(self, kept: KeptAnswer) -> tuple[Enrolled, int] | None:
        """The answer and when it was kept; None when it is too old or its customer is gone."""
        holder = Holder(kept.tenant, kept.customer_id, kept.slot)
        try:
            content = json.loads(self._vault.open(holder, "answer", kept.sealed))
        except (KeyDestroyed, SealBroken):
            return None
        kept_us = int(content.pop("kept_us"))
        if not 0 <= self._now_us() - kept_us < KEEP_US:
            return None
        return Enrolled(**content | {"purposes": tuple(content["purposes"])}), kept_us
