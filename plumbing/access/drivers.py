"""Which tablet a driver's screen belongs to, and the short code that binds one."""

from __future__ import annotations

import secrets

from plumbing.access.errors import CodeTooLate, DriverWithoutTaxi
from plumbing.clock import MINUTE, Clock
from plumbing.storage.database import Database

PAGE = "driver"
SET_UP_US = 15 * MINUTE
"""For so long after it was paired a tablet may show the code for its driver's screen: then the operator has gone,
and whoever presses there is a rider. It is also how long the code is valid."""

_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none looks like another; a driver types them
_LENGTH = 10  # 50 bits, within a quarter of an hour and against a limit of wrong codes


def short_code() -> str:
    """A code that can be typed."""
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))


class Drivers:
    """The bindings of all tenants. Tablets and driver's screens are named by `Caller.device`: what takes the place
    of a screen is bound again."""

    def __init__(self, database: Database, now_us: Clock) -> None:
        self._database, self._now_us = database, now_us

    def taxi_of(self, tenant: str, driver: str) -> str:
        """The tablet of a driver's screen; empty where it has none any more."""
        row = self._database.row("SELECT taxi FROM drivers WHERE tenant = ? AND driver = ?", (tenant, driver))
        return "" if row is None else str(row["taxi"])

    def taxi_of_name(self, tenant: str, name: str) -> str:
        """The name of the tablet of the driver's screen that is called `name` at present; empty where none is."""
        own = self._identity(tenant, name, PAGE, more=0)
        return self.taxi_of(tenant, own).partition("~")[0] if own else ""

    def has_driver(self, tenant: str, taxi: str) -> bool:
        """Whether a driver's screen belongs to the tablet."""
        row = self._database.row("SELECT 1 FROM drivers WHERE tenant = ? AND taxi = ? LIMIT 1", (tenant, taxi))
        return row is not None

    def bind(self, tenant: str, driver: str, taxi: str) -> None:
        """Let `driver`, the name of a screen that will be paired next, belong to the tablet of this name; the
        screen that belonged to it before does not any more. Inside a transaction.

        Raises DriverWithoutTaxi: there is no paired tablet of this name.
        """
        found = self._identity(tenant, taxi, "taxi", more=0)
        if not taxi or found is None:
            raise DriverWithoutTaxi
        own = self._identity(tenant, driver, PAGE, more=1) or driver
        self._database.change(
            "DELETE FROM drivers WHERE tenant = ? AND (taxi = ? OR driver = ?)", (tenant, found, own)
        )
        self._database.change("INSERT INTO drivers VALUES (?, ?, ?)", (tenant, own, found))

    def require_set_up(self, tenant: str, key_id: str) -> None:
        """Raises CodeTooLate: the tablet's own key is older than the time in which the operator stands there."""
        row = self._database.row("SELECT created_us FROM keys WHERE tenant = ? AND key_id = ?", (tenant, key_id))
        if row is None or not 0 <= self._now_us() - int(row["created_us"]) <= SET_UP_US:
            raise CodeTooLate

    def _identity(self, tenant: str, name: str, page: str, *, more: int) -> str | None:
        """What `Caller.device` is after so many more pairings; None for no such screen, or one never paired."""
        row = self._database.row(
            "SELECT pairings FROM devices WHERE tenant = ? AND name = ? AND page = ?", (tenant, name, page)
        )
        times = 0 if row is None else int(row["pairings"]) + more
        return None if times < 1 else name if times == 1 else f"{name}~{times}"
