"""SQL of the galleries: templates, and the state that tells a cache to reload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from identity.store.schema import Table
from identity.store.thresholds import ThresholdStore


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
    generation: int
    sealed: bytes


class GalleryStore(Table):
    """Tables `galleries` and `templates`."""

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
                "INSERT INTO galleries VALUES (?, ?, 0, 0, ?) ON CONFLICT DO NOTHING", (tenant, pack, salt)
            )
        state = self.gallery(tenant, pack)
        assert state is not None
        return state

    def changes(
        self, tenant: str, pack: str, since: int, known: int
    ) -> tuple[GalleryState, list[TemplateRow], set[str] | None]:
        """What is new in a gallery since generation `since`, read as of one moment.

        The last part is the ids of all customers in it. It is None when the `known` customers and the new ones are
        as many as the gallery has: then nobody has left.
        """
        with self._reading():
            state = self.gallery(tenant, pack)
            assert state is not None
            rows = self.database.rows(
                "SELECT t.customer_id, c.slot, t.generation, t.sealed FROM templates t"
                " JOIN customers c ON c.tenant = t.tenant AND c.customer_id = t.customer_id"
                " WHERE t.tenant = ? AND t.pack = ? AND t.generation > ?",
                (tenant, pack, since),
            )
            ids = None
            if known + len(rows) != state.size:
                found = self.database.rows(
                    "SELECT customer_id FROM templates WHERE tenant = ? AND pack = ?", (tenant, pack)
                )
                ids = {row[0] for row in found}
        return state, [TemplateRow(*row) for row in rows], ids

    def galleries(self, tenant: str | None = None) -> list[tuple[str, str, GalleryState]]:
        """(tenant, pack, state) of all galleries, or of one tenant's."""
        rows = self.database.rows("SELECT * FROM galleries ORDER BY tenant, pack")
        found = [(r["tenant"], r["pack"], GalleryState(r["generation"], r["size"], r["salt"])) for r in rows]
        return [entry for entry in found if tenant in (None, entry[0])]

    def renew_gallery(self, tenant: str, pack: str, salt: bytes, sealed: Mapping[str, bytes]) -> None:
        """Replace every template of a gallery and its salt; all of them get the next generation."""
        with self.database.write() as connection:
            generation = self._next_generation(tenant, pack, 0)
            connection.execute("UPDATE galleries SET salt = ? WHERE tenant = ? AND pack = ?", (salt, tenant, pack))
            for customer_id, content in sealed.items():
                connection.execute(
                    "UPDATE templates SET sealed = ?, generation = ?"
                    " WHERE tenant = ? AND pack = ? AND customer_id = ?",
                    (content, generation, tenant, pack, customer_id),
                )

    def put_template(self, tenant: str, customer_id: str, pack: str, sealed: bytes) -> None:
        """Store a customer's template for a pack; it replaces an older one of that pack."""
        with self.database.write() as connection:
            key = (tenant, pack, customer_id)
            gone = connection.execute(
                "DELETE FROM templates WHERE tenant = ? AND pack = ? AND customer_id = ?", key
            ).rowcount
            generation = self._next_generation(tenant, pack, 1 - gone)
            connection.execute("INSERT INTO templates VALUES (?, ?, ?, ?, ?)", (*key, generation, sealed))

    def delete_templates(self, tenant: str, customer_id: str) -> list[str]:
        """Delete a customer's templates; returns the packs that they were for."""
        with self.database.write() as connection:
            key = (tenant, customer_id)
            found = connection.execute("SELECT pack FROM templates WHERE tenant = ? AND customer_id = ?", key)
            packs = [str(row["pack"]) for row in found]
            connection.execute("DELETE FROM templates WHERE tenant = ? AND customer_id = ?", key)
            for pack in packs:
                self._next_generation(tenant, pack, -1)
        return packs

    def retire_pack(self, pack: str) -> int:
        """Delete every tenant's templates of a pack, and what was measured on them; returns how many templates."""
        with self.database.write() as connection:
            gone = connection.execute("DELETE FROM templates WHERE pack = ?", (pack,)).rowcount
            ThresholdStore(self.database).delete_pack(pack)
            connection.execute(
                "UPDATE galleries SET generation = generation + 1, size = 0 WHERE pack = ?", (pack,)
            )
        self.database.scrub()
        return gone

    @contextmanager
    def _reading(self) -> Iterator[None]:
        connection = self.database.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def _next_generation(self, tenant: str, pack: str, grows_by: int) -> int:
        """Count one more generation, and `grows_by` templates; returns the new generation."""
        rows = self.database.change(
            "UPDATE galleries SET generation = generation + 1, size = size + ? WHERE tenant = ? AND pack = ?"
            " RETURNING generation",
            (grows_by, tenant, pack),
        )
        return int(rows[0]["generation"])
