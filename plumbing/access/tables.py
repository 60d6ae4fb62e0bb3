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


@migrations()
def record_of_changes(db: Utils) -> None:
    """Who changed what, when, from what to what. A row is there before its change is made; `number` 0 is a row
    that is still open. A closed row is never changed, and the database refuses to."""
    db.execute(
        "CREATE TABLE changes (tenant TEXT NOT NULL, change_id TEXT NOT NULL, at_us BIGINT NOT NULL,"
        " kind TEXT NOT NULL, who TEXT NOT NULL, second TEXT NOT NULL, scopes TEXT NOT NULL, route TEXT NOT NULL,"
        " subject TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, earlier TEXT NOT NULL,"
        " later TEXT NOT NULL, times BIGINT NOT NULL, number BIGINT NOT NULL, hash TEXT NOT NULL,"
        " PRIMARY KEY (tenant, change_id))"
    )
    db.execute("CREATE INDEX changes_latest ON changes (tenant, at_us)")
    db.execute("CREATE INDEX changes_chain ON changes (tenant, number)")
    db.execute(
        "CREATE TRIGGER changes_are_final BEFORE UPDATE ON changes WHEN OLD.number > 0"
        " BEGIN SELECT RAISE(ABORT, 'a closed row of the record is never changed'); END"
    )
    db.execute(
        "CREATE TABLE change_heads (tenant TEXT PRIMARY KEY, last BIGINT NOT NULL, last_hash TEXT NOT NULL,"
        " first BIGINT NOT NULL, first_hash TEXT NOT NULL, mac TEXT NOT NULL)"
    )


@migrations()
def four_eyes(db: Utils) -> None:
    """Which kinds of change need a second person, by tenant; the changes that wait for one."""
    db.execute("CREATE TABLE four_eyes (tenant TEXT PRIMARY KEY, kinds TEXT NOT NULL)")
    db.execute(
        "CREATE TABLE proposals (tenant TEXT NOT NULL, proposal_id TEXT NOT NULL, kind TEXT NOT NULL,"
        " at_us BIGINT NOT NULL, until_us BIGINT NOT NULL, who TEXT NOT NULL, method TEXT NOT NULL,"
        " path TEXT NOT NULL, query TEXT NOT NULL, body TEXT NOT NULL, subject TEXT NOT NULL,"
        " earlier TEXT NOT NULL, later TEXT NOT NULL, tag TEXT NOT NULL, state TEXT NOT NULL,"
        " decided_by TEXT NOT NULL, decided_us BIGINT NOT NULL, why TEXT NOT NULL,"
        " PRIMARY KEY (tenant, proposal_id))"
    )
    db.execute("CREATE INDEX proposals_waiting ON proposals (tenant, state, at_us)")


@migrations()
def drivers(db: Utils) -> None:
    """Which tablet a driver's screen belongs to. Both are what `Caller.device` says: a screen that takes the place
    of another one is bound again."""
    db.execute(
        "CREATE TABLE drivers (tenant TEXT NOT NULL, driver TEXT NOT NULL, taxi TEXT NOT NULL,"
        " PRIMARY KEY (tenant, driver))"
    )
    db.execute("CREATE INDEX drivers_of_taxi ON drivers (tenant, taxi)")


@migrations()
def dialects(db: Utils) -> None:
    """The dialects of other systems that a tenant has switched on."""
    db.execute("CREATE TABLE dialects (tenant TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (tenant, name))")


@migrations()
def device_modes(db: Utils) -> None:
    """What each device sends of a face; and the public key (P-256, hex) with which the device signs that has the
    name now. `device` is what `Caller.device` says: a screen that takes another one's place has no key yet."""
    db.execute(
        "CREATE TABLE device_modes (tenant TEXT NOT NULL, name TEXT NOT NULL, mode TEXT NOT NULL,"
        " attested BIGINT NOT NULL, PRIMARY KEY (tenant, name))"
    )
    db.execute(
        "CREATE TABLE device_keys (tenant TEXT NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,"
        " public_key TEXT NOT NULL, PRIMARY KEY (tenant, name))"
    )


@migrations()
def dialect_peers(db: Utils) -> None:
    """The other systems that call in a dialect. `peer_id` is in the address that they call: no request names a
    tenant. `secrets` is sealed: what they show, what we show them, and those before them while they still count.
    `settings` is JSON: addresses, and which of their sites is which of ours."""
    db.execute(
        "CREATE TABLE dialect_peers (tenant TEXT NOT NULL, name TEXT NOT NULL, peer_id TEXT NOT NULL,"
        " secrets TEXT NOT NULL, settings TEXT NOT NULL, set_us BIGINT NOT NULL, PRIMARY KEY (tenant, name))"
    )
