"""What a tenant says about itself: its money, its zone, its languages, its hours, how long events are kept."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import get_currency_precision, list_currencies

from plumbing.storage.database import Database
from plumbing.words import LANGUAGES
from recommender.store.settings_documents import SettingsStore, WrongSettings, wrong_fields

VERSION = 1
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAST_RETENTION_DAYS = 30
"""Of events: a training needs some weeks."""

MOST_RETENTION_DAYS = 3_650
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")
_ODD_ZONES = ("Etc/", "SystemV/", "posix/", "right/", "US/")


class WrongTenantSettings(WrongSettings):
    """Nothing was changed."""

    code = "invalid_tenant_settings"
    title = "The settings are not valid"
    what_to_do = "Mend the fields that the reply names, and send it again."


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """The settings of one tenant; each has a default, so a tenant without a document has all of them."""

    currency: str = "EUR"
    """ISO 4217. All prices of the tenant are in its minor units."""
    margin_share: float | None = None
    """The part of the revenue that is margin, 0 to 1. None: not given yet, and figures are called revenue."""
    timezone: str = "UTC"
    """IANA name: the zone of schedules and of days."""
    languages: tuple[str, ...] = LANGUAGES
    """Of the screens, the first one first."""
    opening_hours: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """(opens, closes) by day ("mon" ... "sun"), local; a day that is missing is closed. Empty: not given.
    Closing at or before opening is after midnight."""
    retention_days: int | None = None
    """Events that are older are removed. None: kept until their customer is erased."""

    @property
    def digits(self) -> int:
        """Decimal places of the currency: 2 for EUR, 0 for JPY, 3 for KWD."""
        return minor_digits(self.currency)

    @property
    def zone(self) -> tzinfo:
        """`timezone` as Python's zone."""
        return ZoneInfo(self.timezone)

    @property
    def value_is(self) -> str:
        """What money earned is called: "margin" once the share is given, else "revenue"."""
        return "revenue" if self.margin_share is None else "margin"

    def worth(self, revenue: float) -> float:
        """Margin of `revenue` when the share is known, else the revenue itself; minor units in and out."""
        return revenue if self.margin_share is None else revenue * self.margin_share

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {
            "languages": list(self.languages),
            "opening_hours": {day: list(self.opening_hours[day]) for day in DAYS if day in self.opening_hours},
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> TenantSettings:
        """The inverse of `to_dict`; what is missing keeps its default.

        Raises:
            WrongTenantSettings: names every wrong field.
        """
        wrong = wrong_fields(given, _CHECKS)
        if wrong:
            raise WrongTenantSettings(wrong)
        values = dict(given)
        if "languages" in values:
            values["languages"] = tuple(values["languages"])
        if "opening_hours" in values:
            values["opening_hours"] = {day: (hours[0], hours[1]) for day, hours in values["opening_hours"].items()}
        return cls(**values)


def minor_digits(currency: str) -> int:
    """Decimal places of an ISO 4217 currency."""
    return int(get_currency_precision(currency))


def zones() -> list[str]:
    """Zones to choose from: those named after a place, and UTC."""
    return sorted(name for name in _zones() if name == "UTC" or ("/" in name and not name.startswith(_ODD_ZONES)))


@cache
def currencies() -> frozenset[str]:
    """The currencies that there are."""
    return frozenset(list_currencies())


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _currency(value: object) -> str:
    return (
        ""
        if isinstance(value, str) and value in currencies()
        else "must be a currency's three letters, such as EUR, JPY or KWD"
    )


def _margin(value: object) -> str:
    if value is None:
        return ""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return "" if number and 0 < float(value) <= 1 else "must lie above 0 and at most 1, or be null"  # type: ignore[arg-type]  # a number: see above


def _timezone(value: object) -> str:
    return "" if isinstance(value, str) and value in _zones() else "must be a zone such as Europe/Berlin"


def _languages(value: object) -> str:
    good = isinstance(value, list | tuple) and 0 < len(value) == len(set(map(str, value)))
    return "" if good and set(value) <= set(LANGUAGES) else f"must name some of {', '.join(LANGUAGES)}"  # type: ignore[call-overload]  # a list: see above


def _hours(value: object) -> str:
    if not isinstance(value, Mapping) or not set(value) <= set(DAYS):
        return f"must have hours by day, of {', '.join(DAYS)}"
    for hours in value.values():
        pair = isinstance(hours, list | tuple) and len(hours) == 2
        if not pair or not all(isinstance(one, str) and _TIME.match(one) for one in hours):
            return "must have two times for each day, such as 07:00 and 23:00"
    return ""


def _retention(value: object) -> str:
    if value is None:
        return ""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and LEAST_RETENTION_DAYS <= value <= MOST_RETENTION_DAYS:  # type: ignore[operator]  # an int: see above
        return ""
    return f"must lie between {LEAST_RETENTION_DAYS} and {MOST_RETENTION_DAYS} days, or be null"


_CHECKS = {
    "currency": _currency,
    "margin_share": _margin,
    "timezone": _timezone,
    "languages": _languages,
    "opening_hours": _hours,
    "retention_days": _retention,
}


class TenantSettingsStore(SettingsStore[TenantSettings]):
    """The settings of all tenants."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "tenant_settings", VERSION, _CHECKS, TenantSettings.from_dict)
