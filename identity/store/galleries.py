"""SQL of the galleries: templates, and the state that tells a cache to reload.

A row of `templates` does not say when it came: the customers of the last changes are in a list in the gallery's
own row, sealed, and only there. Who leaves is taken off it: what stays is the random number of a row that is gone.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from identity.errors import SealBroken
from identity.store.schema import Table
from identity.store.thresholds import ThresholdStore
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Vault
from plumbing.storage.database import Database

RECENT = "recent changes"
CHANGES_KEPT = 128
"""A process that has seen fewer of the last changes compares its gallery with the whole list of places."""
PAGE = 5_000  # templates that are in memory at once, sealed, while a gallery is read
GONE = "-"  # before the place of a template that was deleted, in the list of changes
SITES_CHANGED = "="  # in the list of changes: the regions of the tenant's sites are others


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Where a tenant's gallery stands: every change of it makes `generation` one larger."""

    generation: int
    size: int
    salt: bytes


class TemplateRow(NamedTuple):
    """A sealed template, its sealed home (`store.homes`) and the slot of their key. `place` is the random number
    of this row: a template that is replaced gets another one."""

    customer_id: str
    slot: int
    sealed: bytes
    place: int
    home: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new in a gallery: its state now, the templates that were added, and the places of deleted ones."""

    state: GalleryState
    rows: list[TemplateRow]
    gone: set[int]


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

    def changes(self, tenant: str, pack: str, since: int) -> Changes | None:
        """What is new since generation `since`, read as of one moment; None when the list of the last changes does
        not reach back so far."""
        with self.database.reading():
            state = self.gallery(tenant, pack)
            assert state is not None
            missing = state.generation - since
            recent = self._recent(tenant, pack) if since >= 0 and missing <= CHANGES_KEPT else []
            if missing > len(recent):
                return None
            listed = recent[len(recent) - missing :]
            gone = {int(one[1:]) for one in listed if one.startswith(GONE)}
            joined = {one for one in listed if one not in ("", SITES_CHANGED) and not one.startswith(GONE)}
            return Changes(state, self._of(tenant, pack, joined), gone)

    def places(self, tenant: str, pack: str) -> tuple[GalleryState, array[int]]:
        """The state of a gallery, and the places of all its templates, read as of one moment."""
        found = array("q")
        with self.database.reading():
            state = self.gallery(tenant, pack)
            assert state is not None
            last = ""
            while rows := self.database.rows(
                "SELECT customer_id, place FROM templates WHERE tenant = ? AND pack = ? AND customer_id > ?"
                " ORDER BY customer_id LIMIT ?",
                (tenant, pack, last, 10 * PAGE),
            ):
                found.extend(row["place"] for row in rows)
                last = rows[-1]["customer_id"]
        return state, found

    def templates(self, tenant: str, pack: str) -> Iterator[list[TemplateRow]]:
        """All templates of a gallery, PAGE at a time and each page as of its own moment: an erasure does not wait
        for a whole gallery to be read."""
        last = ""
        while rows := self.database.rows(
            f"{_SELECT} WHERE t.tenant = ? AND t.pack = ? AND t.customer_id > ? ORDER BY t.customer_id LIMIT ?",
            (tenant, pack, last, PAGE),
        ):
            yield [TemplateRow(*row) for row in rows]
            last = rows[-1]["customer_id"]

    def at(self, tenant: str, pack: str, places: Iterable[int]) -> Iterator[list[TemplateRow]]:
        """The templates at these places as far as they are there, PAGE at a time."""
        page: list[TemplateRow] = []
        for place in places:
            row = self.database.row(
                f"{_SELECT} WHERE t.place = ? AND t.tenant = ? AND t.pack = ?", (int(place), tenant, pack)
            )
            if row is not None:
                page.append(TemplateRow(*row))
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page

    def _recent(self, tenant: str, pack: str) -> list[str]:
        """The customers of the last changes, oldest first; "" for one who left."""
        row = self.database.row("SELECT recent FROM galleries WHERE tenant = ? AND pack = ?", (tenant, pack))
        if row is None or not row["recent"]:
            return []
        try:
            return self._seal.open(row["recent"], tenant, pack).decode().split("\n")
        except SealBroken:
            return []  # by another key file: every process reads the gallery as a whole

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

    def put_template(self, tenant: str, customer_id: str, pack: str, sealed: bytes, home: bytes = b"") -> None:
        """Store a customer's template for a pack, with its sealed home; it replaces an older one of that pack."""
        with self.database.write() as connection:
            key = (tenant, pack, customer_id)
            where = "WHERE tenant = ? AND pack = ? AND customer_id = ?"
            for row in connection.execute(f"SELECT place FROM templates {where}", key).fetchall():  # noqa: S608
                connection.execute(f"DELETE FROM templates {where}", key)  # noqa: S608 - our own words
                self._next_generation(tenant, pack, -1, f"{GONE}{row['place']}")
            self._next_generation(tenant, pack, 1, customer_id)
            connection.execute(
                "INSERT INTO templates (place, tenant, customer_id, pack, sealed, home) VALUES (?, ?, ?, ?, ?, ?)",
                (secrets.randbits(63), tenant, customer_id, pack, sealed, home),
            )

    def home_of(self, tenant: str, customer_id: str) -> bytes | None:
        """The sealed home of a customer; None when they have no template."""
        row = self.database.row(
            "SELECT home FROM templates WHERE tenant = ? AND customer_id = ? ORDER BY pack",
            (tenant, customer_id),
        )
        return None if row is None else bytes(row["home"])

    def note(self, tenant: str, pack: str, what: str) -> None:
        """Count one more generation of a gallery whose templates stay as they are. A part of a transaction."""
        self._next_generation(tenant, pack, 0, what)

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
            found = connection.execute(
                "SELECT pack, place FROM templates WHERE tenant = ? AND customer_id = ?", key
            ).fetchall()
            connection.execute("DELETE FROM templates WHERE tenant = ? AND customer_id = ?", key)
            for row in found:
                self._next_generation(tenant, row["pack"], -1, f"{GONE}{row['place']}", left=customer_id)
        return [str(row["pack"]) for row in found]

    def retire_pack(self, pack: str) -> int:
        """Delete every tenant's templates of a pack, and what was measured on them; returns how many templates."""
        with self.database.write() as connection:
            gone = connection.execute("DELETE FROM templates WHERE pack = ?", (pack,)).rowcount
            self._thresholds.delete_pack(pack)
            connection.execute(
                "UPDATE galleries SET generation = generation + 1, size = 0, recent = x'' WHERE pack = ?", (pack,)
            )
            self.database.note_erased()
        self.database.scrub_soon()
        return gone

    def _next_generation(self, tenant: str, pack: str, grows_by: int, changed: str, *, left: str = "") -> None:
        """Count one more generation, and `grows_by` templates. `changed` is the customer who has a new template,
        or says what else happened (GONE, SITES_CHANGED). A customer who `left` is named no more."""
        recent = ["" if one == left else one for one in self._recent(tenant, pack)]
        listed = [*recent, changed][-CHANGES_KEPT:]
        sealed = self._seal.seal("\n".join(listed).encode(), tenant, pack)
        self.database.change(
            "UPDATE galleries SET generation = generation + 1, size = size + ?, recent = ?"
            " WHERE tenant = ? AND pack = ?",
            (grows_by, sealed, tenant, pack),
        )


_SELECT = (
    "SELECT t.customer_id, c.slot, t.sealed, t.place, t.home FROM templates t"
    " JOIN customers c ON c.tenant = t.tenant AND c.customer_id = t.customer_id"
)
