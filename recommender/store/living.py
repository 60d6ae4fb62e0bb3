"""Customers who were looked for among the erased once: a file names each of them on many rows."""

from __future__ import annotations

from collections.abc import Collection

from recommender.store.events import EventStore

MOST = 200_000
"""Customers that are remembered."""


class Living:
    """The customers of one tenant who are known not to be erased, until anybody is."""

    def __init__(self, store: EventStore, tenant: str) -> None:
        self._store, self._tenant = store, tenant
        self._known: set[str] = set()
        self._erasures = (-1, -1)

    def erased_among(self, customers: Collection[str]) -> set[str]:
        """Those who were erased; right inside a write transaction as well."""
        erasures = self._store.erasures(self._tenant)
        if erasures != self._erasures or len(self._known) > MOST:
            self._known.clear()
            self._erasures = erasures
        new = set(customers) - self._known
        erased = self._store.erased_among(self._tenant, new) if new else set[str]()
        self._known |= new - erased
        return erased
