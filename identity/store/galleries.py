"""SQL of the galleries: templates, and the state that tells a cache to reload.

A row of `templates` does not say when it came: the customers of the last changes are in a list in the gallery's
own row, sealed, and only there. Who leaves is taken off it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from identity.errors import SealBroken
from identity.store.schema import Table
from identity.store.thresholds import ThresholdStore
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Vault
from plumbing.storage.database import Database

RECENT = "recent changes"
CHANGES_KEPT = 128
"""A process that has seen fewer of the last changes reads its gallery as a whole."""


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Where a tenant's gallery stands: every change of it makes `generation` one larger."""

    generation: int
    size: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A sealed template and the slot of its key."""

    customer_id: str
    slot: int
    sealed: bytes


class GalleryStore(Table):
    """Tables `galleries` and `templates`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._seal = InstallationSeal(vault.keys, RECENT)
        self._thresholds = ThresholdStore(database, vault)

    def gallery(self, tenant: str, pack: str) -> GalleryState | None:
        """The state of a gallery, or None when nobody has enrolled there yet."""
        row = self.database.row(
            "SELECT generation, size, salt FROM galleries WHERE tenant = ? AND pack = ?", (tenant, pack)
        )
        return None if row is None else GalleryState(*row)

    def open_gallery(self, tenant: str, pack: str, salt: bytes) -> GalleryState:
        """The state of a gallery, created with `salt` unless it exists. Another process may have been first."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO galleries VALUES (?, ?, 0, 0, ?, x'') ON CONFLICT DO NOTHING", (tenant, pack, salt)
            )
        state = self.gallery(tenant, pack)
        assert state is not None
        return state

    def changes(
        self, tenant: str, pack: str, since: int, known: int
    ) -> tuple[GalleryState, list[TemplateRow], set[str] | None]:
        """What is new in a gallery since generation `since` (-1: all of it), read as of one moment.

        The last part is the ids of all customers in it. It is None when the `known` customers and the new ones are
        as many as the gallery has: then nobody has left.
        """
        with self.database.reading():
            state = self.gallery(tenant, pack)
            assert state is not None
            joined = self._since(tenant, pack, state, since)
            rows = self._templates(tenant, pack) if joined is None else self._of(tenant, pack, joined)
            ids = None
            if joined is None or known + len(rows) != state.size:
                found = self.database.rows(
                    "SELECT customer_id FROM templates WHERE tenant = ? AND pack = ?", (tenant, pack)
                )
                ids = {row[0] for row in found}
        return state, rows, ids

    def _since(self, tenant: str, pack: str, state: GalleryState, since: int) -> set[str] | None:
        """The customers who were added or changed since a generation; None when the list does not reach back."""
        missing = state.generation - since
        recent = self._recent(tenant, pack) if since >= 0 and missing <= CHANGES_KEPT else []
        if missing > len(recent):
            return None
        return set(recent[len(recent) - missing :]) - {""}

    def _recent(self, tenant: str, pack: str) -> list[str]:
        """The customers of the last changes, oldest first; "" for one who left."""
        row = self.database.row("SELECT recent FROM galleries WHERE tenant = ? AND pack = ?", (tenant, pack))
        if row is None or not row["recent"]:
            return []
        try:
            return self._seal.open(row["recent"], tenant, pack).decode().split("\n")
        except SealBroken:
            return []  # by another key file: every process reads the gallery as a whole

    def _templates(self, tenant: str, pack: str) -> list[TemplateRow]:
        rows = self.database.rows(f"{_SELECT} WHERE t.tenant = ? AND t.pack = ?", (tenant, pack))
        return [TemplateRow(*row) for row in rows]

    def _of(self, tenant: str, pack: str, customer_ids: set[str]) -> list[TemplateRow]:
        one = f"{_SELECT} WHERE t.tenant = ? AND t.pack = ? AND t.customer_id = ?"
        rows = [self.database.row(one, (tenant, pack, customer_id)) for customer_id in customer_ids]
        return [TemplateRow(*row) for row in rows if row is not None]

    def galleries(self, tenant: str | None = None) -> list[tuple[str, str, GalleryState]]:
        """(tenant, pack, state) of all galleries, or of one tenant's."""
        rows = self.database.rows("SELECT * FROM galleries ORDER BY tenant, pack")
        found = [(r["tenant"], r["pack"], GalleryState(r["generation"], r["size"], r["salt"])) for r in rows]
        return [entry for entry in found if tenant in (None, entry[0])]

    def renew_gallery(self, tenant: str, pack: str, salt: bytes, sealed: Mapping[str, bytes]) -> None:
        """Replace every template of a gallery and its salt: every process reads it again."""
        with self.database.write() as connection:
            self._next_generation(tenant, pack, 0, "")
            connection.execute("UPDATE galleries SET salt = ? WHERE tenant = ? AND pack = ?", (salt, tenant, pack))
            for customer_id, content in sealed.items():
                connection.execute(
                    "UPDATE templates SET sealed = ? WHERE tenant = ? AND pack = ? AND customer_id = ?",
                    (content, tenant, pack, customer_id),
                )

    def put_template(self, tenant: str, customer_id: str, pack: str, sealed: bytes) -> None:
        """Store a customer's template for a pack; it replaces an older one of that pack."""
        with self.database.write() as connection:
            gone = connection.execute(
                "DELETE FROM templates WHERE tenant = ? AND pack = ? AND customer_id = ?",
                (tenant, pack, customer_id),
            ).rowcount
            self._next_generation(tenant, pack, 1 - gone, customer_id)
            connection.execute(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?)",
                (secrets.randbits(63), tenant, customer_id, pack, sealed),
            )

    def templates_of(self, tenant: str, customer_id: str) -> list[tuple[str, bytes, bytes]]:
        """(pack, the gallery's salt, sealed template) of each template of a customer."""
        rows = self.database.rows(
            "SELECT t.pack, g.salt, t.sealed FROM templates t"
            " JOIN galleries g ON g.tenant = t.tenant AND g.pack = t.pack"
            " WHERE t.tenant = ? AND t.customer_id = ?",
            (tenant, customer_id),
        )
        return [(row["pack"], row["salt"], row["sealed"]) for row in rows]

    def delete_templates(self, tenant: str, customer_id: str) -> list[str]:
        """Delete a customer's templates; returns the packs that they were for."""
        with self.database.write() as connection:
            key = (tenant, customer_id)
            found = connection.execute("SELECT pack FROM templates WHERE tenant = ? AND customer_id = ?", key)
            packs = [str(row["pack"]) for row in found]
            connection.execute("DELETE FROM templates WHERE tenant = ? AND customer_id = ?", key)
            for pack in packs:
                self._next_generation(tenant, pack, -1, "", left=customer_id)
        return packs

    def retire_pack(self, pack: str) -> int:
        """Delete every tenant's templates of a pack, and what was measured on them; returns how many templates."""
        with self.database.write() as connection:
            gone = connection.execute("DELETE FROM templates WHERE pack = ?", (pack,)).rowcount
            self._thresholds.delete_pack(pack)
            connection.execute(
                "UPDATE galleries SET generation = generation + 1, size = 0, recent = x'' WHERE pack = ?", (pack,)
            )
        self.database.scrub()
        return gone

    def _next_generation(self, tenant: str, pack: str, grows_by: int, changed: str, *, left: str = "") -> None:
        """Count one more generation, which is of the customer `changed`, and `grows_by` templates. A customer who
        `left` is named no more."""
        recent = ["" if one == left else one for one in self._recent(tenant, pack)]
        listed = [*recent, changed][-CHANGES_KEPT:]
        sealed = self._seal.seal("\n".join(listed).encode(), tenant, pack)
        self.database.change(
            "UPDATE galleries SET generation = generation + 1, size = size + ?, recent = ?"
            " WHERE tenant = ? AND pack = ?",
            (grows_by, sealed, tenant, pack),
        )


_SELECT = (
    "SELECT t.customer_id, c.slot, t.sealed FROM templates t"
    " JOIN customers c ON c.tenant = t.tenant AND c.customer_id = t.customer_id"
)
