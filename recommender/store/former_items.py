"""Dishes and places that are not in the catalogue any more: deleted ones, and ids that were merged into another.

What happened keeps the ids that it came with. A merged id is read as the one that it was merged into, wherever a
history or a training reads events: so a merge is taken back by forgetting it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbing.storage.database import Connection, Database
from recommender.errors import ItemMerged, NotInCatalogue
from recommender.scene import Kind

KIND_OF: Mapping[str, Kind] = {"ordered": "item", "rode": "place"}
"""What events of a type are about."""


@dataclass(frozen=True, slots=True)
class FormerItem:
    """One of them. `body` is its row of the catalogue as JSON, "" of one that never stood there."""

    kind: Kind
    item_id: str
    merged_into: str = ""  # "" it was deleted
    body: str = ""
    was_there: bool = False  # whether it stood in the catalogue when it was merged

    @property
    def name(self) -> str:
        """Its name, or its id where no name is known."""
        return str(json.loads(self.body)["name"]) if self.body else self.item_id

    @property
    def names(self) -> Mapping[str, str]:
        """Its names by language."""
        found: dict[str, str] = json.loads(json.loads(self.body).get("names") or "{}") if self.body else {}
        return found


def renamed(database: Database, tenant: str, event_type: str) -> dict[str, str]:
    """The present id of each merged id, for events of a type."""
    rows = database.rows(
        "SELECT item_id, merged_into FROM former_items WHERE tenant = ? AND kind = ? AND merged_into <> ''",
        (tenant, KIND_OF.get(event_type, "item")),
    )
    direct = {row["item_id"]: row["merged_into"] for row in rows}
    found = {}
    for old, new in direct.items():
        while new in direct and new != old:
            new = direct[new]
        found[old] = new
    return found


def former(database: Database, tenant: str, kind: Kind) -> list[FormerItem]:
    """All of one kind, sorted by id."""
    rows = database.rows(
        "SELECT * FROM former_items WHERE tenant = ? AND kind = ? ORDER BY item_id", (tenant, kind)
    )
    return [
        FormerItem(kind, row["item_id"], row["merged_into"], row["body"], bool(row["was_there"])) for row in rows
    ]


def one_of(database: Database, tenant: str, kind: Kind, item_id: str) -> FormerItem:
    """Raises NotInCatalogue: there is none of this id."""
    found = next((one for one in former(database, tenant, kind) if one.item_id == item_id), None)
    if found is None:
        raise NotInCatalogue(kind, item_id)
    return found


def keep(connection: Connection, tenant: str, one: FormerItem) -> None:
    """Write or replace one."""
    values = (tenant, one.kind, one.item_id, one.merged_into, one.body, int(one.was_there))
    connection.execute(
        "INSERT INTO former_items VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, kind, item_id) DO UPDATE SET"
        " merged_into = excluded.merged_into, body = excluded.body, was_there = excluded.was_there",
        values,
    )


def come_back(connection: Connection, tenant: str, kind: Kind, ids: Sequence[str]) -> None:
    """These stand in the catalogue again. Raises ItemMerged: one of them is another's earlier id."""
    for item_id in ids:
        row = connection.execute(
            "SELECT merged_into FROM former_items WHERE tenant = ? AND kind = ? AND item_id = ?",
            (tenant, kind, item_id),
        ).fetchone()
        if row is not None and row["merged_into"]:
            raise ItemMerged(kind, item_id, row["merged_into"])
        if row is not None:
            drop(connection, tenant, kind, item_id)


def drop(connection: Connection, tenant: str, kind: Kind, item_id: str) -> None:
    """Forget one."""
    connection.execute(
        "DELETE FROM former_items WHERE tenant = ? AND kind = ? AND item_id = ?", (tenant, kind, item_id)
    )
