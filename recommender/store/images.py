"""Pictures of dishes: the files that screens show. They are rows, so backups, moves and replicas have them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Connection, Database
from recommender.item import OURS

migrations = Migrations("images")
_WIDTH = re.compile(r"[1-9][0-9]{0,3}")


@migrations()
def images(db: Utils) -> None:
    """`content` is WebP; `name` is what items call the picture, the same for all of its widths."""
    db.execute(
        "CREATE TABLE images (tenant TEXT NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL,"
        " content BLOB NOT NULL, PRIMARY KEY (tenant, name, width))"
    )
    db.execute("CREATE INDEX images_by_name ON images (name, width)")


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture of the house: its name, the items that show it, and the bytes of all of its widths."""

    name: str
    items: tuple[str, ...]
    size: int


def name_of(tenant: str, files: Sequence[tuple[tuple[int, int], bytes]]) -> str:
    """What items call a picture: a hash of its house and its content, and the size of its largest file.

    Another house's is not found by who has the same picture.
    """
    width, height = files[-1][0]
    return f"{_digest(tenant, [content for _, content in files])}-{width}x{height}"


def _digest(tenant: str, contents: Sequence[bytes]) -> str:
    return hashlib.sha256(tenant.encode() + b"\0" + b"".join(contents)).hexdigest()[:32]


def keep(connection: Connection, tenant: str, files: Sequence[tuple[tuple[int, int], bytes]]) -> str:
    """Store the files of a picture, within a transaction; the name."""
    name = name_of(tenant, files)
    _insert(connection, tenant, name, {width: content for (width, _), content in files})
    return name


def _insert(connection: Connection, tenant: str, name: str, files: Mapping[int, bytes]) -> None:
    for width, content in files.items():
        connection.execute(
            "INSERT INTO images VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name, width) DO NOTHING",
            (tenant, name, width, content),
        )


def sweep(connection: Connection, tenant: str) -> None:
    """Remove the pictures that no item names any more, within the transaction that changed the items."""
    connection.execute(
        "DELETE FROM images WHERE tenant = ? AND name NOT IN (SELECT image FROM catalogue WHERE tenant = ?)",
        (tenant, tenant),
    )


class ImageStore:
    """Reads them, and keeps copies of another house's. Own ones are written and removed with the items, by
    `CatalogueStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file(self, name: str, width: str) -> bytes | None:
        """One file, of whatever house: who has its name has seen it. None: there is none."""
        if not OURS.fullmatch(name) or not _WIDTH.fullmatch(width):
            return None
        with self._database.hurried():
            row = self._database.row("SELECT content FROM images WHERE name = ? AND width = ?", (name, int(width)))
        return None if row is None else bytes(row["content"])

    def widths(self, tenant: str) -> dict[str, list[int]]:
        """The widths in pixels of each picture that a dish of the tenant shows, ascending."""
        found: dict[str, list[int]] = {}
        for row in self._database.rows(
            "SELECT name, width FROM images WHERE tenant = ? ORDER BY name, width", (tenant,)
        ):
            found.setdefault(row["name"], []).append(int(row["width"]))
        return found

    def keep_copy(self, tenant: str, name: str, files: Mapping[int, bytes]) -> None:
        """Keep a picture that another installation of the tenant has made. `files`: width in pixels -> WebP.

        Raises ValueError: these are not the files of that name.
        """
        if not OURS.fullmatch(name) or _digest(tenant, [files[width] for width in sorted(files)]) != name[:32]:
            raise ValueError(f"these are not the files of the picture {name[:60]}")
        with self._database.write() as connection:
            _insert(connection, tenant, name, files)

    def all(self, tenant: str) -> list[StoredImage]:
        """The pictures of a house, by name."""
        items: dict[str, list[str]] = {}
        for row in self._database.rows(
            "SELECT item_id, image FROM catalogue WHERE tenant = ? AND image <> '' ORDER BY item_id", (tenant,)
        ):
            items.setdefault(row["image"], []).append(row["item_id"])
        rows = self._database.rows(
            "SELECT name, SUM(LENGTH(content)) AS size FROM images WHERE tenant = ? GROUP BY name ORDER BY name",
            (tenant,),
        )
        return [StoredImage(row["name"], tuple(items.get(row["name"], ())), int(row["size"])) for row in rows]
