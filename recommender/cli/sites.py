"""`usual sites`: the clock and the opening hours of each site, and the money of the house."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

import click

from recommender.cli.commands import common, opened

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from collections.abc import Mapping

    from recommender.config import RecommenderConfig

_HOURS = re.compile(
    r"(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))?\s+(?P<opens>\d\d?:\d\d)\s*-\s*(?P<closes>\d\d?:\d\d)"
)


@click.command("list")
@common
def list_sites(config: RecommenderConfig, tenant: str) -> None:
    """The zone and the opening hours of the house, and of each site that has its own."""
    with opened(config) as stores:
        now = stores.tenants.get(tenant)
    click.echo(f"all sites: {now.timezone}, {hours_text(now.opening_hours)}, {now.currency}")
    for name, own in sorted(now.sites.items()):
        click.echo(f"{name}: {own.timezone or now.timezone}, {hours_text(own.opening_hours or now.opening_hours)}")


@click.command("set")
@click.argument("site", default="")
@click.option("--zone", help="IANA name of the clock on the wall, such as Europe/Berlin; 'none': the house's.")
@click.option("--hours", help="'mon-fri 07:00-23:00, sat 09:00-02:00'; 'none': the house's, or not given.")
@click.option("--currency", help="Of the whole house, such as EUR, JPY or KWD; its decimals come with it.")
@common
def set_site(
    config: RecommenderConfig, tenant: str, site: str, zone: str | None, hours: str | None, currency: str | None
) -> None:
    """Say the zone and the opening hours of SITE.

    Without SITE those of the house, for all sites that have none of their own.

    Times of imports, events and requests that come in UTC are kept by this clock from then on.
    """
    from recommender.store.tenant_settings import TenantSettings

    if site and currency is not None:
        raise click.UsageError("The currency is of the whole house: leave SITE out.")
    said: dict[str, object] = {}
    if zone is not None:
        said["timezone"] = ("" if site else "UTC") if zone == "none" else zone
    if hours is not None:
        said["opening_hours"] = {} if hours == "none" else hours_read(hours)
    with opened(config) as stores:
        now = stores.tenants.get(tenant).to_dict()
        if site:
            own = now["sites"].get(site, {"timezone": "", "opening_hours": {}}) | said
            now["sites"] = {name: one for name, one in (now["sites"] | {site: own}).items() if any(one.values())}
        else:
            now |= said | ({} if currency is None else {"currency": currency})
        stores.tenants.save(tenant, TenantSettings.from_dict(now))
    click.echo(f"Saved for {tenant}{f', site {site}' if site else ''}.")


def hours_read(text: str) -> dict[str, list[str]]:
    """Hours by day, of 'mon-fri 07:00-23:00, sat 09:00-02:00'. Raises click.UsageError."""
    from recommender.store.tenant_settings import DAYS

    found: dict[str, list[str]] = {}
    for part in text.lower().split(","):
        read = _HOURS.fullmatch(part.strip())
        if read is None or {read["first"], read["last"] or read["first"]} - set(DAYS):
            raise click.UsageError(f"{part.strip()!r} is not like 'mon-fri 07:00-23:00'.")
        first, last = DAYS.index(read["first"]), DAYS.index(read["last"] or read["first"])
        days = range(first, last + 1 if last >= first else last + 8)
        found |= {DAYS[day % 7]: [read["opens"].zfill(5), read["closes"].zfill(5)] for day in days}
    return found


def hours_text(hours: Mapping[str, tuple[str, str]]) -> str:
    """Hours as they are typed."""
    from recommender.store.tenant_settings import DAYS

    said = []
    for times, days in groupby(DAYS, key=hours.get):
        named = list(days)
        if times is not None:
            span = named[0] if len(named) == 1 else f"{named[0]}-{named[-1]}"
            said.append(f"{span} {times[0]}-{times[1]}")
    return ", ".join(said) or "hours not given"
