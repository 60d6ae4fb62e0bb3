"""The tables of access.db. Nothing in here is personal: devices, scopes and hashes of random secrets."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

OLD_DEFAULTS = ("kiosk", "taxi", "marketing")
"""Names that every screen of a page had before 0.3, unless an operator chose another."""

migrations = Migrations("access")


@migrations()
def keys_and_pairings(db: Utils) -> None:
    """Keys, and the one-time codes that make keys of paired screens."""
    db.execute(
        "CREATE TABLE keys (tenant TEXT NOT NULL, key_id TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE,"
        " device TEXT NOT NULL, site TEXT NOT NULL, scopes TEXT NOT NULL, created_us INTEGER NOT NULL,"
        " expires_us INTEGER NOT NULL, PRIMARY KEY (tenant, key_id))"
    )
    db.execute(
        "CREATE TABLE pairings (code_hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL,"
        " site TEXT NOT NULL, page TEXT NOT NULL, expires_us INTEGER NOT NULL)"
    )


@migrations()
def devices_and_uses(db: Utils) -> None:
    """A device is one screen or server: its name is unique in its tenant. `pairings` counts its screens so far.

    In tables of their own: a release that does not know them still reads and writes `keys`.
    """
    db.execute(
        "CREATE TABLE devices (tenant TEXT NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL, page TEXT NOT NULL,"
        " pairings INTEGER NOT NULL, PRIMARY KEY (tenant, name))"
    )
    db.execute(
        "CREATE TABLE key_uses (tenant TEXT NOT NULL, key_id TEXT NOT NULL, last_day INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, key_id))"
    )
    _separate_devices(db)


def _separate_devices(db: Utils) -> None:
    """Give each screen that shared a name a name of its own.

    Keys with one chosen name at one site stay one device: that is what an operator said. Screens that only had
    the default name are each a device, and so are keys of one name at several sites.
    """
    seen: dict[tuple[str, str], str] = {}  # (tenant, name) -> site
    rows = db.execute(
        "SELECT tenant, key_id, device, site FROM keys WHERE device <> '' ORDER BY created_us, key_id"
    )
    for tenant, key_id, name, site in rows.fetchall():
        fresh = name
        if (tenant, name) in seen and (name in OLD_DEFAULTS or seen[tenant, name] != site):
            fresh = f"{name}-{key_id}"
            db.execute("UPDATE keys SET device = ? WHERE tenant = ? AND key_id = ?", (fresh, tenant, key_id))
        seen[tenant, fresh] = site
        page = name if name in OLD_DEFAULTS else ""
        db.execute("INSERT OR IGNORE INTO devices VALUES (?, ?, ?, ?, 1)", (tenant, fresh, site, page))
    for code, tenant, name, site, page in db.execute(
        "SELECT code_hash, tenant, device, site, page FROM pairings"
    ).fetchall():
        fresh = f"{name}-{code[:8]}" if (tenant, name) in seen else name
        seen[tenant, fresh] = site
        db.execute("UPDATE pairings SET device = ? WHERE code_hash = ?", (fresh, code))
        db.execute("INSERT OR IGNORE INTO devices VALUES (?, ?, ?, ?, 0)", (tenant, fresh, site, page))
