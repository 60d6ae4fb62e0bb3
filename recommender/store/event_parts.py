"""The events of one tenant, read part by part: so many at once as fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.database import Database
from recommender.ranking.interactions import Interactions
from recommender.store.event_arrays import as_interactions, person_of
from recommender.store.events import COLUMNS, LEARNED
from recommender.store.recorded import SEEN

PAGE = 20_000
FIRST_US = -(2**62)


@dataclass(frozen=True)
class EventParts:
    """Events of one type of one tenant, in the order in which `EventStore.everything` has them.

    What is stored meanwhile may be in a part or not; who is erased meanwhile is missing in the parts that follow.
    """

    database: Database
    tenant: str
    kind: str
    renamed: Mapping[str, str] = field(default_factory=dict)  # present ids of merged ones

    def count(self, *, guests: bool = False) -> int:
        """How many events there are, of everybody or of guests."""
        row = self.database.row(
            f"SELECT COUNT(*) AS n FROM events e WHERE e.tenant = ? AND e.type = ? AND {SEEN}"  # noqa: S608
            + (" AND e.customer = ''" if guests else ""),
            (self.tenant, self.kind),
        )
        return int(row["n"]) if row else 0

    def of_customers(self, events: int) -> Iterator[Interactions]:
        """All rows of customers, of about `events` events at once; a customer is in one part only."""
        for after, until in self._customers(events):
            rows = self.database.rows(
                f"SELECT {COLUMNS} {LEARNED} e.tenant = ? AND e.customer > ? AND e.customer <= ? AND e.type = ?"
                " ORDER BY e.customer, e.time_us, e.event_id, e.sender, l.position",
                (self.tenant, after, until, self.kind),
            )
            if rows:
                yield as_interactions(rows, self.kind, renamed=self.renamed)

    def of_guests(self, events: int) -> Iterator[tuple[Interactions, NDArray[np.str_]]]:
        """All rows of guests by time, and whom they count as: what the codes in `person` stand for.

        `order` counts on from part to part.
        """
        orders = 0
        for after, until in self._times(events):
            rows = self.database.rows(
                f"SELECT {COLUMNS} {LEARNED} e.tenant = ? AND e.customer = '' AND e.time_us > ? AND e.time_us <= ?"
                " AND e.type = ? ORDER BY e.time_us, e.event_id, e.sender, l.position",
                (self.tenant, after, until, self.kind),
            )
            if not rows:
                continue
            people = {person_of("", row["sender"], self.kind, row[11], row["item"]) for row in rows} - {""}
            seen = as_interactions(rows, self.kind, renamed=self.renamed)
            yield replace(seen, order=seen.order + np.int32(orders)), np.array(sorted(people), np.str_)
            orders += int(np.max(seen.order)) + 1

    def _customers(self, events: int) -> Iterator[tuple[str, str]]:
        """Ranges of customers (after, until] with about so many events."""
        after, last, n = "", "", 0
        while page := self.database.rows(
            f"SELECT e.customer, COUNT(*) AS n FROM events e WHERE e.tenant = ? AND e.customer > ?"  # noqa: S608
            f" AND e.type = ? AND {SEEN} GROUP BY e.customer ORDER BY e.customer LIMIT ?",
            (self.tenant, last, self.kind, PAGE),
        ):
            for row in page:
                if n and n + row["n"] > events:
                    yield after, last
                    after, n = last, 0
                last, n = row["customer"], n + row["n"]
        if n:
            yield after, last

    def _times(self, events: int) -> Iterator[tuple[int, int]]:
        """Ranges of times (after, until] with about so many events of guests."""
        after = FIRST_US
        while True:
            row = self.database.row(
                "SELECT MAX(time_us) AS until, COUNT(*) AS n FROM (SELECT e.time_us FROM events e"  # noqa: S608
                f" WHERE e.tenant = ? AND e.customer = '' AND e.type = ? AND e.time_us > ? AND {SEEN}"
                " ORDER BY e.time_us LIMIT ?) AS page",
                (self.tenant, self.kind, after, events),
            )
            if row is None or not row["n"]:
                return
            yield after, row["until"]
            after = row["until"]
