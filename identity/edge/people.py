"""The centre's side: a customer as a store box needs them to recognise them, and nothing more.

No PIN goes along, no time of a visit but the day, no link to the audit. A copy leaves this half only to be sealed
for one box: this is the one exception to "no template is exported".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from identity.consent.ledger import ConsentLedger
from identity.customers.links import Links
from identity.errors import KeyDestroyed, SealBroken
from identity.matching.gallery import template_version
from identity.matching.matcher import Matchers
from identity.store import IdentityStores
from identity.store.copies import Changed, ChangedStore
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder, Vault

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A customer who is in force: their pseudonym in the recommender, a stamp of what a copy is made from."""

    customer_id: str
    pseudonym: str
    stamp: str


class People:
    """Reads customers for copies. Changes nothing."""

    def __init__(self, stores: IdentityStores, vault: Vault, ledger: ConsentLedger, matchers: Matchers) -> None:
        self._stores = stores
        self._vault = vault
        self._ledger = ledger
        self._matchers = matchers
        self._changed = ChangedStore(stores.database)

    def generation(self, tenant: str) -> object:
        """Another value after somebody joined or left, or got another template."""
        return tuple((pack, state.generation) for _, pack, state in self._stores.galleries.galleries(tenant))

    def all(self, tenant: str) -> Iterator[Known]:
        """Every customer in force whose key opens."""
        rows: list[Changed] = self._changed.of_tenant(tenant)
        sealed = ((Holder(tenant, row.customer_id, row.slot), row.links) for row in rows)
        for row, content in zip(rows, self._vault.open_many("links", sealed), strict=True):
            if content is not None:
                yield Known(row.customer_id, Links.unpacked(content).pseudonym, row.stamp)

    def copy(self, tenant: str, customer_id: str, tag: str) -> dict[str, Any] | None:
        """What the box gets of a customer, under the name `tag`; None when they left meanwhile."""
        row = self._stores.customers.customer(tenant, customer_id)
        if row is None:
            return None
        try:
            standing, links = self._ledger.standing(row), self._vault.open(row.holder, "links", row.links)
            templates = dict(self._templates(row))
        except (KeyDestroyed, SealBroken):
            return None
        return {
            "format": FORMAT,
            "tag": tag,
            "pseudonym": Links.unpacked(links).pseudonym,
            "code": row.receipt_hash,
            "given": list(standing.given),
            "notice": standing.notice_version,
            "paused_until_us": standing.paused_until_us,
            "needs_second_factor": standing.needs_second_factor,
            "last_day": row.last_day,
            "months": row.retention_months,
            "templates": templates,
        }

    def figures(self, tenant: str) -> dict[str, dict[str, Any]]:
        """The tails that were measured on the tenant's cohort, by pack and kind: figures of nobody. With them the
        box sets its threshold for its own gallery."""
        found: dict[str, dict[str, Any]] = {}
        for matcher in self._matchers:
            tails = {
                kind: self._stores.thresholds.tail(tenant, matcher.pack.id, kind) for kind in ("single", "top")
            }
            found[matcher.pack.id] = {kind: tail for kind, tail in tails.items() if tail is not None}
        return found

    def _templates(self, row: CustomerRow) -> Iterator[tuple[str, str]]:
        """(pack, template as the engine made it) of a customer. Raises KeyDestroyed or SealBroken."""
        import numpy as np

        packs = {matcher.pack.id for matcher in self._matchers}
        for pack, salt, sealed in self._stores.galleries.templates_of(row.tenant, row.customer_id):
            if pack not in packs:
                continue
            content = self._vault.open(row.holder, "template", sealed, template_version(pack, salt))
            turned = np.frombuffer(content, "<f4")
            plain = turned @ self._vault.rotation(row.tenant, pack, salt, len(turned))
            yield pack, base64.b64encode(np.asarray(plain, "<f4").tobytes()).decode()
