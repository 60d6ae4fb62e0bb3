"""The rules of a tenant: the draft, and the published documents, of which the last 20 are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Database, Row
from recommender.errors import RecommenderError
from recommender.rules.document import RulesDocument
from recommender.rules.errors import NoSuchRules, RulesUnreadable
from recommender.rules.plan import LiveRules
from recommender.store.events import raise_generation
from recommender.store.tenant_settings import TenantSettingsStore

KEPT = 20
DRAFT = 0  # the number of the draft

migrations = Migrations("rules")


@migrations()
def rules_of_scenes(db: Utils) -> None:
    """`document` is JSON with its own format. Number 0 is the draft; the others are published, in that order."""
    db.execute(
        "CREATE TABLE scene_rules (tenant TEXT NOT NULL, number BIGINT NOT NULL, at_us BIGINT NOT NULL,"
        " who TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (tenant, number))"
    )


@dataclass(frozen=True, slots=True)
class StoredRules:
    """A document as it is stored. `who` is as in the record of changes; `content` is None when it is no JSON."""

    number: int
    at_us: int
    who: str
    content: Any

    def document(self) -> RulesDocument:
        """Raises RulesUnreadable."""
        return RulesDocument.read(self.content)


class RulesStore:
    """The rules of all tenants. A change raises the generation "rules" in the same transaction."""

    def __init__(self, database: Database, tenants: TenantSettingsStore) -> None:
        self._database = database
        self._tenants = tenants

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is read inside does not change before what is written inside."""
        with self._database.write():
            yield

    def live(self, tenant: str) -> LiveRules:
        """The published documents, the newest first, up to one that cannot be read: what is older than that one
        does not come back by itself."""
        documents, trouble = [], ""
        with self._database.hurried():
            for stored in self.history(tenant):
                try:
                    documents.append((stored.number, document := stored.document()))
                    if document.effective_from is None and document.expires_on is None:
                        break  # it always holds: none that is older ever does
                except RulesUnreadable:
                    trouble = f"document {stored.number} of the rules of {tenant} cannot be read"
                    break
            return LiveRules(documents, trouble, self._zone(tenant))

    def _zone(self, tenant: str) -> Any:
        try:
            return self._tenants.get(tenant).zone
        except (RecommenderError, ValueError):  # settings that cannot be read: the clock of the server
            return None

    def history(self, tenant: str) -> list[StoredRules]:
        """What was published, the newest first."""
        rows = self._database.rows(
            "SELECT * FROM scene_rules WHERE tenant = ? AND number > ? ORDER BY number DESC", (tenant, DRAFT)
        )
        return [_stored(row) for row in rows]

    def of_number(self, tenant: str, number: int) -> StoredRules:
        """One published document. Raises NoSuchRules."""
        found = self._one(tenant, number) if number > DRAFT else None
        if found is None:
            raise NoSuchRules(number)
        return found

    def draft(self, tenant: str) -> StoredRules | None:
        """The draft, None without one."""
        return self._one(tenant, DRAFT)

    def save_draft(self, tenant: str, document: RulesDocument | None, who: str, now_us: int) -> None:
        """Put another draft in the place of the present one; None removes it."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM scene_rules WHERE tenant = ? AND number = ?", (tenant, DRAFT))
            if document is not None:
                connection.execute(
                    "INSERT INTO scene_rules VALUES (?, ?, ?, ?, ?)", (tenant, DRAFT, now_us, who, _text(document))
                )

    def publish(self, tenant: str, document: RulesDocument, who: str, now_us: int) -> int:
        """Publish a document and remove the draft; it holds from the next request on, in all processes, if its
        dates say so. Returns its number."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT MAX(number) AS number FROM scene_rules WHERE tenant = ?", (tenant,)
            ).fetchone()
            number = int(row["number"] or 0) + 1
            connection.execute(
                "INSERT INTO scene_rules VALUES (?, ?, ?, ?, ?)", (tenant, number, now_us, who, _text(document))
            )
            connection.execute(
                "DELETE FROM scene_rules WHERE tenant = ? AND (number = ? OR (number > ? AND number <= ?))",
                (tenant, DRAFT, DRAFT, number - KEPT),
            )
            raise_generation(connection, tenant, "rules")
        return number

    def replace(self, tenant: str, documents: Sequence[tuple[int, int, Any]]) -> None:
        """Make the published documents these, (number, at_us, content): at a store box, as the centre has them."""
        rows = [(tenant, number, at_us, "", json.dumps(content)) for number, at_us, content in documents]
        with self._database.write() as connection:
            connection.execute("DELETE FROM scene_rules WHERE tenant = ? AND number > ?", (tenant, DRAFT))
            connection.executemany("INSERT INTO scene_rules VALUES (?, ?, ?, ?, ?)", rows)
            raise_generation(connection, tenant, "rules")

    def _one(self, tenant: str, number: int) -> StoredRules | None:
        row = self._database.row("SELECT * FROM scene_rules WHERE tenant = ? AND number = ?", (tenant, number))
        return None if row is None else _stored(row)


def _text(document: RulesDocument) -> str:
    return json.dumps(document.to_json(), sort_keys=True)


def _stored(row: Row) -> StoredRules:
    try:
        content = json.loads(row["document"])
    except ValueError:
        content = None
    return StoredRules(row["number"], row["at_us"], row["who"], content)
