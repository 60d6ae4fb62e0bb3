"""The catalogue: dishes and places, as they are now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Connection, Database, Row
from recommender.allergens import stated
from recommender.errors import CannotMerge, NotInCatalogue
from recommender.item import options_json, options_of
from recommender.scene import Item, Kind
from recommender.store import former_items as former_
from recommender.store import images
from recommender.store.events import raise_generation
from recommender.store.former_items import FormerItem

LISTS = ("dayparts", "allergens", "tags", "sites")
BY_LANGUAGE = ("names", "texts")
FIELDS = (
    "item_id",
    "name",
    "category",
    "price",
    *LISTS,
    "available",
    "sensitive",
    "lat",
    "lon",
    *BY_LANGUAGE,
    "image",
    "options",
)

migrations = Migrations("catalogue")


@migrations()
def catalogue(db: Utils) -> None:
    """Dishes and places have one shape; `dayparts`, `allergens`, `tags` and `sites` are JSON lists."""
    db.execute(
        "CREATE TABLE catalogue (tenant TEXT NOT NULL, kind TEXT NOT NULL, item_id TEXT NOT NULL,"
        " name TEXT NOT NULL, category TEXT NOT NULL, price BIGINT, dayparts TEXT NOT NULL,"
        " allergens TEXT NOT NULL, tags TEXT NOT NULL, sites TEXT NOT NULL, available INTEGER NOT NULL,"
        " sensitive INTEGER NOT NULL, lat REAL, lon REAL, PRIMARY KEY (tenant, kind, item_id))"
    )


@migrations()
def allergens_that_nobody_stated(db: Utils) -> None:
    """`allergens` is null where nobody said anything. Earlier an empty list meant that, or that there are none."""
    db.execute("UPDATE catalogue SET allergens = 'null' WHERE allergens = '[]'")


@migrations()
def languages_pictures_and_options(db: Utils) -> None:
    """`names` and `texts` are JSON objects by language, `options` a JSON list; rows from before have none."""
    for column, empty in (("names", "{}"), ("texts", "{}"), ("image", ""), ("options", "[]")):
        db.execute(f"ALTER TABLE catalogue ADD COLUMN {column} TEXT NOT NULL DEFAULT '{empty}'")


@migrations()
def former_items(db: Utils) -> None:
    """What was deleted, and earlier ids of what is there. `body` is a row of the catalogue as JSON."""
    db.execute(
        "CREATE TABLE former_items (tenant TEXT NOT NULL, kind TEXT NOT NULL, item_id TEXT NOT NULL,"
        " merged_into TEXT NOT NULL, body TEXT NOT NULL, was_there INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, kind, item_id))"
    )


class CatalogueStore:
    """Dishes and places of all tenants. A change raises the generation "catalogue" in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, tenant: str, kind: Kind) -> tuple[Item, ...]:
        """All items of one kind, sorted by id."""
        rows = self._database.rows(
            "SELECT * FROM catalogue WHERE tenant = ? AND kind = ? ORDER BY item_id", (tenant, kind)
        )
        return tuple(as_item(row) for row in rows)

    def generation(self, tenant: str) -> int:
        """Another number after each change of the catalogue."""
        row = self._database.row(
            "SELECT number FROM generations WHERE tenant = ? AND name = 'catalogue'", (tenant,)
        )
        return row["number"] if row else 0

    def page(self, tenant: str, kind: Kind, after: str, n: int) -> tuple[Item, ...]:
        """The next `n` items after the id `after`."""
        rows = self._database.rows(
            "SELECT * FROM catalogue WHERE tenant = ? AND kind = ? AND item_id > ? ORDER BY item_id LIMIT ?",
            (tenant, kind, after, n),
        )
        return tuple(as_item(row) for row in rows)

    def get(self, tenant: str, kind: Kind, item_id: str) -> Item:
        """One item, also by an earlier id of it.

        Raises:
            NotInCatalogue: there is none, or it is another tenant's.
        """
        found = self._find(tenant, kind, item_id)
        if found is None:
            found = self._find(tenant, kind, self.merged(tenant, kind).get(item_id, item_id))
        if found is None:
            raise NotInCatalogue(kind, item_id)
        return found

    def _find(self, tenant: str, kind: Kind, item_id: str) -> Item | None:
        row = self._database.row(
            "SELECT * FROM catalogue WHERE tenant = ? AND kind = ? AND item_id = ?", (tenant, kind, item_id)
        )
        return None if row is None else as_item(row)

    def merged(self, tenant: str, kind: Kind) -> dict[str, str]:
        """The present id of each earlier id."""
        return former_.renamed(self._database, tenant, "ordered" if kind == "item" else "rode")

    def former(self, tenant: str, kind: Kind) -> list[FormerItem]:
        """What was deleted or merged, sorted by id."""
        return former_.former(self._database, tenant, kind)

    def known(self, tenant: str, kind: Kind, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that are in the catalogue."""
        wanted = sorted(set(ids))
        found: set[str] = set()
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            rows = self._database.rows(
                "SELECT item_id FROM catalogue WHERE tenant = ? AND kind = ?"  # noqa: S608
                f" AND item_id IN ({', '.join('?' * len(part))})",
                (tenant, kind, *part),
            )
            found |= {row["item_id"] for row in rows}
        return found

    def put(self, tenant: str, kind: Kind, items: Sequence[Item]) -> int:
        """Create or replace items in one transaction; returns how many.

        Raises:
            ItemMerged: one has an id that was merged into another; nothing was written.
        """
        with self._database.write() as connection:
            former_.come_back(connection, tenant, kind, [item.item_id for item in items])
            self._database.upsert(
                "catalogue", (as_row(tenant, kind, item) for item in items), ("tenant", "kind", "item_id")
            )
            images.sweep(connection, tenant)
            raise_generation(connection, tenant, "catalogue")
        return len(items)

    def set_image(self, tenant: str, item_id: str, files: Sequence[tuple[tuple[int, int], bytes]] | None) -> Item:
        """Give a dish a picture of the house (`plumbing.pictures.convert.made_small`), or none; the dish.

        A picture that no dish names any more is removed in the same transaction.

        Raises:
            NotInCatalogue: there is no such dish.
        """
        with self._database.write() as connection:
            item = self.get(tenant, "item", item_id)
            name = "" if files is None else images.keep(connection, tenant, files)
            item = replace(item, image=name)
            self.put(tenant, "item", [item])
        return item

    def delete(self, tenant: str, kind: Kind, item_id: str) -> None:
        """Remove one item. Its name stays known, for histories that hold it.

        Raises:
            NotInCatalogue: there is none.
        """
        with self._database.write() as connection:
            item = self._find(tenant, kind, item_id)
            if item is None:
                raise NotInCatalogue(kind, item_id)
            former_.keep(connection, tenant, _former(tenant, kind, item))
            self._remove(connection, tenant, kind, item_id)

    @staticmethod
    def _remove(connection: Connection, tenant: str, kind: Kind, item_id: str) -> None:
        connection.execute(
            "DELETE FROM catalogue WHERE tenant = ? AND kind = ? AND item_id = ?", (tenant, kind, item_id)
        )
        images.sweep(connection, tenant)
        raise_generation(connection, tenant, "catalogue")

    def merge(self, tenant: str, kind: Kind, old: str, new: str) -> FormerItem:
        """From now on `old` is an earlier id of `new`: histories and trainings count both as one.

        `old` leaves the catalogue; nothing of what happened is rewritten (`unmerge`).

        Raises:
            NotInCatalogue: there is no `new`. CannotMerge: they are the same, or nobody knows `old`.
        """
        with self._database.write() as connection:
            if self._find(tenant, kind, new) is None:
                raise NotInCatalogue(kind, new)
            if old == new:
                raise CannotMerge("An id is not merged into itself.")
            item = self._find(tenant, kind, old)
            before = {one.item_id: one for one in self.former(tenant, kind)}.get(old)
            if item is None and before is None and not self._happened(tenant, old):
                raise CannotMerge(f"Nothing is known of {old!r}: it is no {kind}, was none, and nothing names it.")
            body = "" if before is None else before.body
            made = FormerItem(kind, old, new, body) if item is None else _former(tenant, kind, item, new)
            former_.keep(connection, tenant, made)
            self._remove(connection, tenant, kind, old)
        return made

    def _happened(self, tenant: str, item_id: str) -> bool:
        """Whether an event names it: reads them all, for a command that is rare."""
        sql = (
            "SELECT EXISTS (SELECT 1 FROM lines WHERE tenant = ? AND item = ?)"
            " OR EXISTS (SELECT 1 FROM events WHERE tenant = ? AND origin = ?) AS found"
        )
        found = self._database.row(sql, (tenant, item_id, tenant, item_id))
        return bool(found["found"])

    def unmerge(self, tenant: str, kind: Kind, old: str) -> FormerItem:
        """`old` stands for itself again, as it did before it was merged; what it was merged into.

        Raises:
            NotInCatalogue: it was never merged.
        """
        with self._database.write() as connection:
            one = former_.one_of(self._database, tenant, kind, old)
            if not one.merged_into:
                raise NotInCatalogue(kind, old)
            if one.was_there:
                former_.drop(connection, tenant, kind, old)
                self.put(tenant, kind, [replace(as_item(json.loads(one.body)), image="")])
            else:
                former_.keep(connection, tenant, replace(one, merged_into=""))
            raise_generation(connection, tenant, "catalogue")
        return one

    def put_former(self, tenant: str, rows: Sequence[FormerItem]) -> None:
        """Make the former items those that the centre has."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM former_items WHERE tenant = ?", (tenant,))
            for one in rows:
                former_.keep(connection, tenant, one)
            raise_generation(connection, tenant, "catalogue")

    def tenants(self) -> list[str]:
        """The tenants with a catalogue."""
        rows = self._database.rows("SELECT DISTINCT tenant FROM catalogue ORDER BY tenant")
        return [row["tenant"] for row in rows]

    def counts(self, tenant: str) -> dict[str, int]:
        """The number of items of each kind."""
        rows = self._database.rows(
            "SELECT kind, COUNT(*) AS n FROM catalogue WHERE tenant = ? GROUP BY kind", (tenant,)
        )
        return {row["kind"]: row["n"] for row in rows}


def _former(tenant: str, kind: Kind, item: Item, merged_into: str = "") -> FormerItem:
    body = json.dumps(as_row(tenant, kind, item), ensure_ascii=False)
    return FormerItem(kind, item.item_id, merged_into, body, was_there=bool(merged_into))


def as_row(tenant: str, kind: Kind, item: Item) -> dict[str, Any]:
    """An item as a row of the table."""
    row: dict[str, Any] = {"tenant": tenant, "kind": kind}
    for name in FIELDS:
        value = getattr(item, name)
        row[name] = json.dumps(None if value is None else list(value)) if name in LISTS else value
    row |= {name: json.dumps(getattr(item, name), ensure_ascii=False) for name in BY_LANGUAGE}
    row["options"] = json.dumps(options_json(item.options), ensure_ascii=False)
    return row


def as_item(row: Row) -> Item:
    """The inverse of `as_row`. Allergens that an earlier release stored as one name are several again."""
    values = {name: row[name] for name in FIELDS}
    values |= {name: _list(row[name]) for name in LISTS}
    values["allergens"] = stated(values["allergens"])
    values |= {name: json.loads(row[name]) for name in BY_LANGUAGE}
    values["options"] = options_of(json.loads(row["options"]))
    return Item(**values | {"available": bool(row["available"]), "sensitive": bool(row["sensitive"])})


def _list(stored: str) -> tuple[str, ...] | None:
    values = json.loads(stored)
    return None if values is None else tuple(values)
