"""`usual keys`: API keys for servers, pairing links for screens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from plumbing import access as access_module
from plumbing.access import PAGES, SCOPES, Access
from plumbing.clock import SECOND, system_clock
from plumbing.database import Database


def open_access(home: Path) -> Access:
    """The keys of the state folder `home`."""
    return Access(Database(home / "access.db", access_module.migrations), system_clock)


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/state"),
    show_default=True,
    envvar="USUAL_HOME",
    help="Folder that holds the databases, keys and models.",
)
tenant_option = click.option(
    "--tenant", default="demo", show_default=True, envvar="USUAL_TENANT", help="The chain or fleet."
)


@click.group()
def keys() -> None:
    """Let servers and screens in, and out again."""


@keys.command()
@home_option
@tenant_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="Repeat for several."
)
@click.option("--device", default="", help="The device that the key belongs to; none for a server.")
@click.option("--site", default="", help="The site where that device stands.")
@click.option("--days", default=365, show_default=True, help="How long the key is good.")
def create(home: Path, tenant: str, scopes: tuple[str, ...], device: str, site: str, days: int) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    click.echo(open_access(home).create_key(tenant, scopes, device=device, site=site, days=days))


@keys.command(name="list")
@home_option
@tenant_option
def list_keys(home: Path, tenant: str) -> None:
    """Show the tenant's keys without their secrets."""
    for row in open_access(home).keys(tenant):
        until = datetime.fromtimestamp(int(str(row["expires_us"])) / SECOND, UTC).date()
        click.echo(f"{row['key_id']}  until {until}  {row['device'] or 'server':<16} {row['scopes']}")


@keys.command()
@home_option
@tenant_option
@click.argument("key_id")
def revoke(home: Path, tenant: str, key_id: str) -> None:
    """End a key at once."""
    if not open_access(home).revoke_key(tenant, key_id):
        raise click.ClickException(f"{tenant!r} has no key {key_id!r}; `usual keys list` shows them.")
    click.echo(f"{key_id} is refused from now on.")


@keys.command()
@home_option
@tenant_option
@click.option("--device", default="", help="Name of the device; the page's name when left out.")
@click.option("--site", default="", help="The site where it stands.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server answers.")
@click.argument("page", type=click.Choice(list(PAGES)))
def pair(home: Path, tenant: str, device: str, site: str, url: str, page: str) -> None:
    """Print a one-time link that turns a browser into PAGE. Good for a day."""
    code = open_access(home).create_pairing(tenant, page, device=device or page, site=site)
    click.echo(f"{url.rstrip('/')}/{page}#pair={code}")
