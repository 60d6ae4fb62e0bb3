"""SQL of sites: the region of each, as the tenant says; and the sealed home of a template.

A home is the site where a customer enrolled their face. It is a fact about a person, so it is sealed under their
own key, in one size for every name, and lies in the row of the template: it goes with it. Which sites they visit
afterwards is written down nowhere.
"""

from __future__ import annotations

from sqlite_utils import Database as Utils

from identity.config import LONGEST_NAME
from identity.errors import KeyDestroyed, SealBroken
from identity.store.galleries import SITES_CHANGED, GalleryStore
from identity.store.schema import Table
from identity.store.tables import TRIGGERS
from identity.vault.vault import Holder, Vault
from plumbing.storage.database import Database

HOME = "home"
NOWHERE = ""
PAGE = 2_000  # templates that the migration reads at once


def named_site(site: str) -> str:
    """`site`, or NOWHERE where its name is too long to be sealed in the one size."""
    fits = len(site.encode()) <= LONGEST_NAME and "\0" not in site
    return site if fits else NOWHERE


def sealed_home(vault: Vault, holder: Holder, site: str) -> bytes:
    """The site where a customer enrolled, as stored; always of one size. Raises KeyDestroyed."""
    return vault.seal(holder, HOME, named_site(site).encode().ljust(LONGEST_NAME, b"\0"))


def home_in(content: bytes | None) -> str:
    """The site in an opened home; NOWHERE when it could not be opened."""
    return NOWHERE if content is None else content.rstrip(b"\0").decode(errors="replace")


def opened_home(vault: Vault, holder: Holder, sealed: bytes) -> str:
    """The inverse of `sealed_home`; NOWHERE for what no key opens."""
    try:
        return home_in(vault.open(holder, HOME, sealed))
    except (KeyDestroyed, SealBroken):
        return NOWHERE


def home_sites(db: Utils, vault: Vault) -> None:
    """The step that adds homes and regions. Nobody's home is known so far, and an earlier row looks like one of
    afterwards: every template gets a sealed home that names no site."""
    changed = "no_new_template_without_consent"
    db.execute(f"DROP TRIGGER {changed}")  # a home is no new template
    db.execute("ALTER TABLE templates ADD COLUMN home BLOB NOT NULL DEFAULT x''")
    last = -1
    while rows := db.execute(
        "SELECT t.place, t.tenant, t.customer_id, c.slot FROM templates t"
        " LEFT JOIN customers c ON c.tenant = t.tenant AND c.customer_id = t.customer_id"
        " WHERE t.place > ? ORDER BY t.place LIMIT ?",
        [last, PAGE],
    ).fetchall():
        for place, tenant, customer_id, slot in rows:
            holder = Holder(tenant, customer_id, -1 if slot is None else slot)
            db.execute("UPDATE templates SET home = ? WHERE place = ?", [_unknown(vault, holder), place])
        last = rows[-1][0]
    db.execute(next(statement for statement in TRIGGERS if f" {changed} " in statement))
    db.execute(
        "CREATE TABLE site_regions (tenant TEXT NOT NULL, site TEXT NOT NULL, region TEXT NOT NULL,"
        " PRIMARY KEY (tenant, site)) WITHOUT ROWID"
    )


def _unknown(vault: Vault, holder: Holder) -> bytes:
    try:
        return sealed_home(vault, holder, NOWHERE)
    except KeyDestroyed:
        return b""  # they are being erased


class RegionStore(Table):
    """Table `site_regions`. Without a row a site has no region."""

    def __init__(self, database: Database, galleries: GalleryStore) -> None:
        super().__init__(database)
        self._galleries = galleries

    def of_tenant(self, tenant: str) -> dict[str, str]:
        """The region of each site that has one."""
        rows = self.database.rows(
            "SELECT site, region FROM site_regions WHERE tenant = ? ORDER BY site", (tenant,)
        )
        return {row["site"]: row["region"] for row in rows}

    def put(self, tenant: str, regions: dict[str, str]) -> None:
        """Set the region of sites; "" takes it away. Every process follows with its next look at the gallery."""
        with self.database.write() as connection:
            for site, region in regions.items():
                connection.execute("DELETE FROM site_regions WHERE tenant = ? AND site = ?", (tenant, site))
                if region:
                    connection.execute("INSERT INTO site_regions VALUES (?, ?, ?)", (tenant, site, region))
            for _, pack, _ in self._galleries.galleries(tenant):
                self._galleries.note(tenant, pack, SITES_CHANGED)
