"""Who may call: API keys with scopes, and screens that were paired with a first-run link.

A key is 256 random bits, shown once and stored as a hash. It belongs to one tenant and may belong to one
device. A browser page cannot keep a key in its code, so a screen is paired once: a one-time code in the
fragment of a link (never sent to a server log) is exchanged for a key in an HttpOnly cookie.

A device is one screen or one server program; its name is unique in its tenant. Nonces, tokens and pauses are
bound to `Caller.device`: no two devices share one, and a screen that takes another one's place does not either.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from flask import Request

from plumbing.access import cookies, drivers, heard
from plumbing.access.approvals import Approvals
from plumbing.access.caller import NO_DEVICE, Caller
from plumbing.access.device_figures import DeviceFigures
from plumbing.access.device_modes import DeviceModes, checked, forget_key
from plumbing.access.errors import (
    ENDED,
    LONGEST_NAME,
    AccessError,
    DeviceNameRefused,
    DeviceTaken,
    KeyRefused,
    PairingRefused,
    ScopeMissing,
    SessionEnded,
)
from plumbing.access.foreign import refuse_foreign
from plumbing.access.kept_secret import hashed
from plumbing.access.known_keys import KnownKeys
from plumbing.access.record import ChangeRecord
from plumbing.access.roles import with_implied
from plumbing.access.tables import migrations
from plumbing.clock import DAY, HOUR, Clock
from plumbing.demands import SCREEN
from plumbing.security.log import SILENT, SecurityLog
from plumbing.storage.database import Connection, Database, Row
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.tenants import check_name, narrow

__all__ = [
    "OWN",
    "PAGES",
    "SCOPES",
    "Access",
    "AccessError",
    "Caller",
    "DeviceNameRefused",
    "DeviceTaken",
    "KeyRefused",
    "PairingRefused",
    "ScopeMissing",
    "migrations",
]

SCOPES = (
    "identify",
    "enrol",
    "suggest",
    "event",
    "drive",
    "view",
    "train",
    "privacy",
    "operate",
    "people",
    "admin",
)
OWN = "own"
"""A page that stands on another host and is not ours: it gets no cookie there, so it keeps its key itself."""

PAGES = {
    "kiosk": SCREEN,
    "taxi": SCREEN,
    "driver": ("drive",),
    OWN: SCREEN,
}
"""The pages that can be paired, and the scopes that a paired page has."""

LONGEST_PAIRING_US = 31 * DAY

RESERVED = frozenset({"me"})
"""Names that no device has: tokens for a customer's own page are bound to "me"."""

PAGE_HEADER = "X-Usual-Page"  # a page names itself: picks its cookie, and no foreign form can send it

KEY_PREFIX = "usual-k1-"

OVERLAP_US = 24 * HOUR
"""How long the earlier secret of a key stays valid after a rotation, unless the operator says otherwise."""


class Access:
    """Keys and pairings in one small database that both halves read. `log` notes who was refused."""

    def __init__(self, database: Database, now_us: Clock, log: SecurityLog = SILENT) -> None:
        self._database = database
        self._now_us = now_us
        self._known = KnownKeys(database)
        self.log = log
        self.record = ChangeRecord(database, now_us)
        self.drivers = drivers.Drivers(database, now_us)
        self.modes = DeviceModes(database)
        self.figures: DeviceFigures | None = None
        """What each device did, where somebody counts it: `Shared.open`."""
        self.approvals = Approvals(database, now_us)
        self.signed_in: Callable[[str], Caller | None] = lambda secret: None
        """Who is signed in with the secret of a session: `People.caller`."""
        self.why_ended: Callable[[str], str] = lambda secret: ""
        """Why somebody ended that session: `People.why_ended`."""
        self.for_every_site: frozenset[str] = frozenset()
        """Method and rule of what people of some sites may read although it is about all (`desk/sites.py`)."""
        self.is_near = isinstance(database, SQLiteDatabase)
        """Whether a key is looked up in a file, and not at a server, for which a network is waited for."""
        self._used: dict[str, int] = {}  # key id -> the day that is noted

    # --- keys

    def create_key(
        self, tenant: str, scopes: Iterable[str], *, device: str = "", site: str = "", days: int = 365
    ) -> str:
        """A new key's text, shown this once. A key for a device that exists is one more key of that device.

        Raises:
            ValueError: an unknown scope.
            TenantNameRefused: no tenant can be called that.
            DeviceTaken: the device stands at another site.
            DeviceNameRefused: no device can be called that.
        """
        check_name(tenant)
        wanted = sorted(set(scopes))
        if unknown := set(wanted) - set(SCOPES):
            raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(SCOPES)}")
        if device:
            _check_name(device)
        with self._database.write() as connection:
            if device:
                there = self._device(tenant, device)
                if there is not None and site not in ("", there["site"]):
                    raise DeviceTaken(device)
                site = site if there is None else there["site"]
                connection.execute(
                    "INSERT INTO devices VALUES (?, ?, ?, '', 1) ON CONFLICT DO NOTHING", (tenant, device, site)
                )
            key_id, secret = self._insert_key(connection, (tenant, device, site, " ".join(wanted)), days * DAY)
        self.log.note("key_created", tenant=tenant, key_id=key_id, scopes=" ".join(wanted))
        return secret

    def _insert_key(
        self, connection: Connection, whose: tuple[str, str, str, str], life_us: int
    ) -> tuple[str, str]:
        """Store a new key of (tenant, device, site, scopes); its id and its text."""
        tenant, device, site, scopes = whose
        key_id, secret, now = secrets.token_hex(8), KEY_PREFIX + secrets.token_urlsafe(32), self._now_us()
        connection.execute(
            "INSERT INTO keys (tenant, key_id, secret_hash, device, site, scopes, created_us, expires_us)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (tenant, key_id, hashed(secret), device, site, scopes, now, now + life_us),
        )
        return key_id, secret

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """End a key at once, on a full disk too; False when there is none of that name."""
        with self._database.erasing(), self._database.write() as connection:
            device = self.device_of(tenant, key_id)
            done = connection.execute("DELETE FROM keys WHERE tenant = ? AND key_id = ?", (tenant, key_id))
            connection.execute("DELETE FROM key_uses WHERE tenant = ? AND key_id = ?", (tenant, key_id))
            last = "SELECT 1 FROM keys WHERE tenant = ? AND device = ?"
            if device and connection.execute(last, (tenant, device)).fetchone() is None:
                forget_key(connection, tenant, device)
        if done.rowcount > 0:
            self.log.note("key_revoked", tenant=tenant, key_id=key_id)
        return done.rowcount > 0

    def rotate_key(self, tenant: str, key_id: str, *, overlap_us: int = OVERLAP_US) -> str | None:
        """A new secret for the same device and scopes, shown this once; None when there is no such key.

        The earlier secret stays valid for `overlap_us` (microseconds), or until it expires if that is sooner.
        """
        now = self._now_us()
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT * FROM keys WHERE tenant = ? AND key_id = ? AND expires_us >= ?", (tenant, key_id, now)
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE keys SET expires_us = ? WHERE tenant = ? AND key_id = ? AND expires_us > ?",
                (now + overlap_us, tenant, key_id, now + overlap_us),
            )
            whose = (tenant, row["device"], row["site"], row["scopes"])
            _, secret = self._insert_key(connection, whose, row["expires_us"] - row["created_us"])
        self.log.note("key_rotated", tenant=tenant, key_id=key_id)
        return secret

    def keys(self, tenant: str) -> list[dict[str, object]]:
        """The tenant's keys without their secrets; `last_day` is the day of the last use, in days since 1970."""
        names = ("key_id", "device", "site", "scopes", "created_us", "expires_us", "page", "last_day")
        rows = self._database.rows(
            "SELECT k.*, COALESCE(d.page, '') AS page, u.last_day FROM keys k"
            " LEFT JOIN devices d ON d.tenant = k.tenant AND d.name = k.device"
            " LEFT JOIN key_uses u ON u.tenant = k.tenant AND u.key_id = k.key_id"
            " WHERE k.tenant = ? ORDER BY k.created_us",
            (tenant,),
        )
        return [{name: row[name] for name in names} for row in rows]

    def device_of(self, tenant: str, key_id: str) -> str:
        """The device of a key; empty for a key of none, and when there is no such key."""
        row = self._database.row("SELECT device FROM keys WHERE tenant = ? AND key_id = ?", (tenant, key_id))
        return str(row["device"]) if row is not None else ""

    # --- pairings

    def free_name(self, tenant: str, page: str) -> str:
        """A name for another screen of `page`, such as kiosk-7f3a."""
        while True:
            name = f"{page}-{secrets.token_hex(2)}"
            if self._device(tenant, name) is None:
                return name

    def create_pairing(
        self,
        tenant: str,
        page: str,
        *,
        device: str = "",
        site: str = "",
        days: int = 1,
        replace: bool = False,
        taxi: str = "",
        short: bool = False,
    ) -> str:
        """A one-time code that turns a browser into `page` of `device` (a new name when left out).

        With `replace` the screen takes the place of the one that has the name; that one's key ends when the code
        is used. A driver's screen belongs to the tablet that is called `taxi`. A `short` code can be typed and is
        valid for a quarter of an hour.

        Raises:
            ValueError: an unknown page.
            TenantNameRefused: no tenant can be called that.
            DeviceTaken: a device has this name, and `replace` was not said.
            DeviceNameRefused: no device can be called that.
            DriverWithoutTaxi: a driver's screen, and no paired tablet of the name `taxi`.
        """
        check_name(tenant)
        if page not in PAGES:
            raise ValueError(f"unknown page {page!r}; there are {', '.join(PAGES)}")
        device = device or self.free_name(tenant, page)
        _check_name(device)
        code, now = drivers.short_code() if short else secrets.token_urlsafe(16), self._now_us()
        with self._database.write() as connection:
            if not replace and self._in_use(tenant, device, now):
                raise DeviceTaken(device)
            connection.execute("DELETE FROM pairings WHERE tenant = ? AND device = ?", (tenant, device))
            connection.execute(
                "INSERT INTO devices VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING", (tenant, device, site, page)
            )
            connection.execute(
                "INSERT INTO pairings VALUES (?, ?, ?, ?, ?, ?)",
                (hashed(code), tenant, device, site, page, now + (drivers.SET_UP_US if short else days * DAY)),
            )
            if page == drivers.PAGE:
                self.drivers.bind(tenant, device, taxi)
        self.log.note("pairing_created", tenant=tenant, page=page)
        return code

    def pair(self, code: str, public_key: bytes = b"") -> tuple[str, str]:
        """Use a pairing code; returns (page, key). Earlier keys of the device end. `public_key` is the one that
        the screen will sign with, if it sends vectors.

        Raises:
            PairingRefused: unknown, used or expired.
            DeviceKeyInvalid: no key to sign with; the code stays good.
        """
        if public_key:
            checked(public_key)
        with self._database.write() as connection:
            row = connection.execute(
                "DELETE FROM pairings WHERE code_hash = ? RETURNING *", (hashed(code),)
            ).fetchone()
            # A link that seems to last longer than any was made under a clock that was ahead.
            good = row is not None and 0 <= row["expires_us"] - self._now_us() <= LONGEST_PAIRING_US
            good = good and row["page"] in PAGES  # a release may have had a page that is no more
            if good:
                tenant, device, site, page = row["tenant"], row["device"], row["site"], row["page"]
                self._take_the_place(connection, tenant, device, site, page)
                whose = (tenant, device, site, " ".join(sorted(PAGES[page])))
                key_id, key = self._insert_key(connection, whose, cookies.PAIRED_DAYS * DAY)
                if public_key:
                    paired = self._device(tenant, device)
                    assert paired is not None
                    self.modes.register(tenant, _numbered(device, paired["pairings"]), public_key)
        if not good:
            self.log.note("pairing_refused")
            raise PairingRefused
        self.log.note("paired", tenant=tenant, key_id=key_id, page=page)
        return page, key

    def _take_the_place(self, connection: Connection, tenant: str, device: str, site: str, page: str) -> None:
        """End the keys of the device. If it was paired before, it is another device now, of the same name."""
        connection.execute("DELETE FROM keys WHERE tenant = ? AND device = ?", (tenant, device))
        forget_key(connection, tenant, device)
        connection.execute(
            "INSERT INTO devices VALUES (?, ?, ?, ?, 1) ON CONFLICT (tenant, name) DO UPDATE SET"
            " site = excluded.site, page = excluded.page, pairings = devices.pairings + 1",
            (tenant, device, site, page),
        )

    def _device(self, tenant: str, name: str) -> Row | None:
        row: Row | None = self._database.row("SELECT * FROM devices WHERE tenant = ? AND name = ?", (tenant, name))
        return row

    def _in_use(self, tenant: str, device: str, now: int) -> bool:
        """Whether a key or an open pairing has this name."""
        for table in ("keys", "pairings"):
            found = self._database.row(
                f"SELECT 1 FROM {table} WHERE tenant = ? AND device = ? AND expires_us >= ?",  # noqa: S608 constant
                (tenant, device, now),
            )
            if found is not None:
                return True
        return False

    # --- requests

    def renew(self, caller: Caller, *, days: int) -> bool:
        """Let the key of a paired screen live `days` from now; False when less than a day of that has passed.

        A key that was made for longer is shortened. One that was revoked meanwhile stays revoked.
        """
        until = self._now_us() + days * DAY
        if until - DAY < caller.expires_us <= until:
            return False
        renewed = self._database.change(
            "UPDATE keys SET expires_us = ? WHERE tenant = ? AND key_id = ? RETURNING 1",
            (until, caller.tenant, caller.key_id),
        )
        return bool(renewed)

    def authenticate(self, request: Request, *scopes: str) -> Caller:
        """The caller behind a request, who needs every one of `scopes`.

        Raises:
            KeyRefused: no valid key. SessionEnded, or one of its kinds: nobody is signed in at the desk.
            ForeignPage: a change that a page of another site sends with a cookie of ours.
            DatabaseBusy: the keys cannot be read, and this one is not known well enough (`known_keys`).
            ScopeMissing: a valid key without one of them.
        """
        heard.address.set(request.remote_addr or "")
        page = request.headers.get(PAGE_HEADER, "")
        secret = key_of(request)
        caller = (
            self._at_the_desk(request)
            if not secret and page == cookies.DESK
            else self._of_key(request, page, secret, scopes)
        )
        for scope in scopes:
            if scope not in caller.scopes:
                self.log.note(
                    "scope_missing",
                    tenant=caller.tenant,
                    key_id=caller.key_id,
                    route=route_of(request),
                    scope=scope,
                )
                raise ScopeMissing(scope, of_key=not caller.user)
        if not caller.user:
            self._note_use(caller, self._now_us() // DAY)
        request.environ["usual.caller"] = caller  # for the security log
        narrow(caller.tenant)
        return caller

    def _at_the_desk(self, request: Request) -> Caller:
        """Who is signed in in this browser. Raises SessionEnded."""
        secret = cookies.secret_of(request, cookies.DESK)
        caller = self.signed_in(secret) if secret else None
        if caller is None:
            self.log.note("session_missing", route=route_of(request))
            raise ENDED.get(self.why_ended(secret) if secret else "", SessionEnded)
        refuse_foreign(request)
        return caller

    def _of_key(self, request: Request, page: str, secret: str | None, scopes: tuple[str, ...]) -> Caller:
        """The owner of the key in the header, or in the cookie of a paired page. Raises KeyRefused."""
        by_cookie = not secret and page in PAGES
        if by_cookie:
            secret = cookies.secret_of(request, page)
        row = self._known.row(hashed(secret), scopes) if secret else None
        if row is None or row["expires_us"] < self._now_us():
            self.log.note("key_refused" if secret else "key_missing", route=route_of(request))
            raise KeyRefused
        if by_cookie:
            refuse_foreign(request, by_origin=False)
        elif row["page"] == OWN:
            page = OWN
        else:
            page = ""
        return Caller(
            tenant=row["tenant"],
            key_id=row["key_id"],
            device=_identity(row),
            site=row["site"],
            scopes=with_implied(row["scopes"].split()),
            page=page,
            expires_us=row["expires_us"],
        )

    def _note_use(self, caller: Caller, day: int) -> None:
        """Note the day, once for each key and process. A database that is busy or full stops no request."""
        if self._used.get(caller.key_id) == day:
            return
        self._used[caller.key_id] = day
        self._database.try_change(
            "INSERT INTO key_uses VALUES (?, ?, ?) ON CONFLICT (tenant, key_id) DO UPDATE SET"
            " last_day = excluded.last_day WHERE key_uses.last_day < excluded.last_day",
            (caller.tenant, caller.key_id, day),
        )


def key_of(request: Request) -> str | None:
    """The key in a request's headers; None without one."""
    return request.headers.get("X-API-Key") or _bearer_key(request)


def _bearer_key(request: Request) -> str | None:
    """A key in the Authorization header, as Prometheus sends it; a customer's token is none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" and secret.startswith(KEY_PREFIX) else None


def route_of(request: Request) -> str:
    """Method and rule of a request. The path itself may hold a receipt."""
    return f"{request.method} {request.url_rule.rule}" if request.url_rule else ""


def _identity(row: Row) -> str:
    """What identifies the device of a key: no two devices of a tenant have the same."""
    if not row["device"]:
        return f"{NO_DEVICE}{row['key_id']}"
    return _numbered(row["device"], row["pairings"] or 1)  # none: a release that knows no devices made the key


def _numbered(name: str, pairings: int) -> str:
    return name if pairings == 1 else f"{name}~{pairings}"


def _check_name(device: str) -> None:
    unprintable = not device.isprintable() or set(device) & {":", "~"}
    if device in RESERVED or unprintable or len(device.encode()) > LONGEST_NAME:
        raise DeviceNameRefused
