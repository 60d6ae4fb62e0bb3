"""Whom the models must forget, which rows of which version are whose, and up to where each version has forgotten.

A model's arrays name nobody. What ties a row to a person is here: for each version a list of tags, one for each
row, each a keyed hash that differs from version to version. Without `recommender.key` it leads to nobody.

Everything forgotten, by an erasure or a correction, takes the next number of its kind, in the transaction that
deletes the events. A training notes the number before it reads: its version has never seen what was forgotten up
to there. So whether a version still owes something is a comparison of two numbers, and no time is kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.database import Connection, Database

TAG = 16  # bytes

KINDS = {"orders": "ordered", "destinations": "rode"}
"""What a scene learns from: a type of event. A scene that is not named here has a log of its own name."""


def kind_of(scene: str) -> str:
    """What the scene learns from."""
    return KINDS.get(scene, scene)


def note(connection: Connection, tenant: str, kind: str, customer_hash: str = "", *, lines: int = 0) -> int:
    """Something of this kind is forgotten, inside the transaction that deletes it; returns its number.

    `customer_hash` says whose rows have to go; a kind without rows for each customer needs none. `lines` is how
    many lines the log loses by it.
    """
    number = 0
    for name, more in ((_lines(kind), lines), (_counter(kind), 1)):
        number = connection.execute(
            "INSERT INTO generations VALUES (?, ?, ?) ON CONFLICT (tenant, name)"
            " DO UPDATE SET number = generations.number + excluded.number RETURNING number",
            (tenant, name, more),
        ).fetchone()[0]
    if customer_hash:
        connection.execute(
            "INSERT INTO forgotten VALUES (?, ?, ?, ?) ON CONFLICT (tenant, kind, customer_hash)"
            " DO UPDATE SET number = excluded.number",
            (tenant, kind, customer_hash, number),
        )
    return int(number)


def _counter(kind: str) -> str:
    return f"forgotten {kind}"


def _lines(kind: str) -> str:
    return f"forgotten lines {kind}"


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of one kind was forgotten so far. A training takes it before it reads."""

    number: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Labels:
    """Whose the rows of one version are, and up to where it has never seen what was forgotten."""

    digest: str  # sha256 of the arrays that the tags belong to
    tags: tuple[bytes, ...]
    mark: Mark

    @property
    def number(self) -> int:
        """Everything forgotten up to this number was gone before the training read."""
        return self.mark.number


class ForgottenStore:
    """The SQL of what the models forget. `key` makes the tags, `tombstone` the hash of a customer."""

    def __init__(self, database: Database, key: bytes, tombstone: Callable[[str, str], str]) -> None:
        self._database = database
        self._key = key
        self.tombstone = tombstone

    def note(self, tenant: str, scene: str, customer: str) -> None:
        """The module's `note` in a transaction of its own. Raises DatabaseBusy."""
        with self._database.write() as connection:
            note(connection, tenant, kind_of(scene), self.tombstone(tenant, customer))

    def number(self, tenant: str, scene: str) -> int:
        """The number of what was forgotten last of what the scene learns from; 0: nothing ever was."""
        row = self._database.row(
            "SELECT number FROM generations WHERE tenant = ? AND name = ?", (tenant, _counter(kind_of(scene)))
        )
        return row["number"] if row else 0

    def mark(self, tenant: str, scene: str) -> Mark:
        """The number, and how many lines the log has lost by forgetting."""
        lines = self._database.row(
            "SELECT number FROM generations WHERE tenant = ? AND name = ?", (tenant, _lines(kind_of(scene)))
        )
        return Mark(self.number(tenant, scene), lines["number"] if lines else 0)

    def tenants(self) -> list[str]:
        """The tenants of whom anything was ever forgotten."""
        rows = self._database.rows("SELECT DISTINCT tenant FROM generations WHERE name LIKE 'forgotten %'")
        return sorted(row["tenant"] for row in rows)

    def hurried(self) -> AbstractContextManager[None]:
        """Inside, a locked database is not waited for. Raises DatabaseBusy at its end."""
        return self._database.hurried()

    def since(self, tenant: str, scene: str, number: int) -> frozenset[str]:
        """The hashes of those of whom something was forgotten after `number`."""
        rows = self._database.rows(
            "SELECT customer_hash FROM forgotten WHERE tenant = ? AND kind = ? AND number > ?",
            (tenant, kind_of(scene), number),
        )
        return frozenset(row["customer_hash"] for row in rows)

    def tags(self, scene: str, version: str, hashes: Iterable[str]) -> list[bytes]:
        """The tags of these customers in this version."""
        prefix = f"{scene}\n{version}\n"
        return [hmac.digest(self._key, (prefix + hashed).encode(), hashlib.sha256)[:TAG] for hashed in hashes]

    def labels(self, tenant: str, scene: str, version: str, digest: str | None = None) -> Labels | None:
        """What is known of a version, of the arrays with this digest; None: it was published by an older release,
        its database is gone, or these arrays were put back. While a version is rewritten there are two."""
        one = "" if digest is None else " AND digest = ?"
        row = self._database.row(
            "SELECT digest, tags, number, lines FROM version_rows WHERE tenant = ? AND scene = ? AND version = ?"  # noqa: S608
            f"{one} ORDER BY digest LIMIT 1",
            (tenant, scene, version, *(() if digest is None else (digest,))),
        )
        if row is None:
            return None
        tags = bytes(row["tags"])
        split = tuple(tags[at : at + TAG] for at in range(0, len(tags), TAG))
        return Labels(row["digest"], split, Mark(row["number"], row["lines"]))

    def all_labels(self, tenant: str, scene: str) -> list[tuple[str, Labels]]:
        """What is known of the versions of a scene, each with its name."""
        rows = self._database.rows(
            "SELECT version, digest FROM version_rows WHERE tenant = ? AND scene = ? ORDER BY version, digest",
            (tenant, scene),
        )
        found = ((row["version"], self.labels(tenant, scene, row["version"], row["digest"])) for row in rows)
        return [(name, labels) for name, labels in found if labels is not None]

    def label(self, tenant: str, scene: str, version: str, labels: Labels) -> None:
        """Keep what is known of a version. Raises DatabaseBusy or DiskFull."""
        self._database.change(
            "INSERT INTO version_rows VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, scene, version, digest)"
            " DO UPDATE SET tags = excluded.tags, number = excluded.number, lines = excluded.lines",
            (tenant, scene, version, labels.digest, b"".join(labels.tags), labels.number, labels.mark.lines),
        )

    def only(self, tenant: str, scene: str, version: str, digest: str) -> None:
        """The arrays of a version have this digest now: drop the labels of others. Raises DatabaseBusy."""
        self._database.change(
            "DELETE FROM version_rows WHERE tenant = ? AND scene = ? AND version = ? AND digest <> ?",
            (tenant, scene, version, digest),
        )

    def keep_only(self, tenant: str, scene: str, versions: Sequence[str]) -> None:
        """Drop the labels of versions that are not on the disk any more, and hashes that no version needs."""
        with self._database.write() as connection:
            found = connection.execute(
                "SELECT version, number FROM version_rows WHERE tenant = ? AND scene = ?", (tenant, scene)
            ).fetchall()
            for row in found:
                if row["version"] not in versions:
                    connection.execute(
                        "DELETE FROM version_rows WHERE tenant = ? AND scene = ? AND version = ?",
                        (tenant, scene, row["version"]),
                    )
            known = {row["version"]: row["number"] for row in found}
            if all(name in known for name in versions):
                connection.execute(
                    "DELETE FROM forgotten WHERE tenant = ? AND kind = ? AND number <= ?",
                    (tenant, kind_of(scene), min((known[name] for name in versions), default=0)),
                )

    def rows_to_drop(self, tenant: str, scene: str, version: str, digest: str, n_rows: int) -> NDArray[np.intp]:
        """The rows of a version (arrays with this digest) that belong to somebody who was forgotten since.

        Where it is not known whose the rows are, all of them go as soon as anybody was forgotten.
        """
        labels = self.labels(tenant, scene, version, digest)
        if labels is None or len(labels.tags) != n_rows:
            return np.arange(n_rows if self.number(tenant, scene) else 0)
        gone = self.since(tenant, scene, labels.number)
        if not gone or not n_rows:
            return np.zeros(0, np.intp)
        wanted = set(self.tags(scene, version, gone))
        return np.array([row for row, tag in enumerate(labels.tags) if tag in wanted], np.intp)
