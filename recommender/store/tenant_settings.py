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
from plumbing.wrong_fields import meant
from recommender.store.settings_documents import SettingsStore, WrongSettings, wrong_fields

VERSION = 2
"""2: with sites. What an earlier release saved is read as it is."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAST_RETENTION_DAYS = 30
"""Of events: a training needs some weeks."""

MOST_RETENTION_DAYS = 3_650
MOST_SITES, LONGEST_SITE = 2_000, 64
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")
_ODD_ZONES = ("Etc/", "SystemV/", "posix/", "right/", "US/")


class WrongTenantSettings(WrongSettings):
    """Nothing was changed."""

    code = "invalid_tenant_settings"
    title = "The settings are not valid"
    what_to_do = "Mend the fields that the reply names, and send it again."


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What one site says in place of its tenant."""

    timezone: str = ""
    """IANA name; empty: the tenant's."""
    opening_hours: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """As the tenant's; empty: the tenant's."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"timezone": self.timezone, "opening_hours": _hours_json(self.opening_hours)}


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
    sites: Mapping[str, SiteSettings] = field(default_factory=dict)
    """Sites that have a zone or opening hours of their own."""

    @property
    def digits(self) -> int:
        """Decimal places of the currency: 2 for EUR, 0 for JPY, 3 for KWD."""
        return minor_digits(self.currency)

    @property
    def zone(self) -> tzinfo:
        """`timezone` as Python's zone."""
        return ZoneInfo(self.timezone)

    def zone_of(self, site: str) -> tzinfo | None:
        """The zone of the clock at a site. None: nobody has said it; UTC is what a tenant has that never chose."""
        name = self.timezone_of(site)
        return None if name == "UTC" and not self._site(site).timezone else ZoneInfo(name)

    def timezone_of(self, site: str) -> str:
        """The name of the zone that holds at a site."""
        return self._site(site).timezone or self.timezone

    def hours_of(self, site: str) -> Mapping[str, tuple[str, str]]:
        """The opening hours of a site; empty: nobody has said them."""
        return self._site(site).opening_hours or self.opening_hours

    def _site(self, site: str) -> SiteSettings:
        return self.sites.get(site, SiteSettings())

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
            "opening_hours": _hours_json(self.opening_hours),
            "sites": {name: own.to_dict() for name, own in sorted(self.sites.items())},
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
            values["opening_hours"] = _hours_pairs(values["opening_hours"])
        if "sites" in values:
            values["sites"] = {
                name: SiteSettings(own.get("timezone", ""), _hours_pairs(own.get("opening_hours", {})))
                for name, own in values["sites"].items()
            }
        return cls(**values)


def _hours_json(hours: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    return {day: list(hours[day]) for day in DAYS if day in hours}


def _hours_pairs(hours: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {day: (pair[0], pair[1]) for day, pair in hours.items()}


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
    if isinstance(value, str) and value in _zones():
        return ""
    name = str(value)[:LONGEST_SITE]
    return f"there is no zone {name!r}{meant(name, zones(), '; take one such as Europe/Berlin')}"


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


def _sites(value: object) -> str:
    if not isinstance(value, Mapping) or len(value) > MOST_SITES:
        return f"must have settings by site, of at most {MOST_SITES:,} sites"
    for name, own in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_SITE:
            return f"must name each site in 1 to {LONGEST_SITE} characters"
        if not isinstance(own, Mapping) or not set(own) <= {"timezone", "opening_hours"}:
            return f"{name}: must have timezone and opening_hours alone"
        wrong = _timezone(own.get("timezone") or "UTC") or _hours(own.get("opening_hours", {}))
        if wrong:
            return f"{name}: {wrong}"
    return ""


_CHECKS = {
    "currency": _currency,
    "margin_share": _margin,
    "timezone": _timezone,
    "languages": _languages,
    "opening_hours": _hours,
    "retention_days": _retention,
    "sites": _sites,
}


class TenantSettingsStore(SettingsStore[TenantSettings]):
    """The settings of all tenants."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "tenant_settings", VERSION, _CHECKS, TenantSettings.from_dict)
