"""`usual keys`: let servers and screens in, out again, and give them new keys."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from plumbing.access.access import OWN, PAGES, SCOPES
from plumbing.access.device_modes import DEFAULT, MODES, Mode
from plumbing.access.token_keys import FILE as TOKENS
from plumbing.access.token_keys import TokenKeys
from plumbing.address import address_of, lets_in, origin_of, url_option
from plumbing.cli import (
    LazyGroup,
    WholeNumber,
    errors_as_one_line,
    home_option,
    open_access,
    state_of,
    tenant_option,
)
from plumbing.clock import DAY, HOUR, SECOND, system_clock
from plumbing.problem import Problem
from plumbing.settings import Config, origins_of
from plumbing.storage import machines

MOST_KEY_BYTES = 64 * 1024

page_url_option = url_option("Where browsers reach the server; for `own` the address of that page.")


class Page(click.Choice[str]):
    """A page that can be paired; of one that could be in earlier releases it is said what there is instead."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "marketing":
            self.fail(
                "the desk is for people who sign in, not for a browser that is paired. Invite them:"
                " usual people invite NAME --role marketer",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


NEEDS_ENGINE = (
    "It needs an engine: `usual screens fetch` puts one for browsers into this folder (pack open-model-zoo), or"
    " `usual edge kiosk` runs one on its computer (docs/kiosk.md). `usual doctor` says what is missing. At most"
    " 200 of its presses a day may greet nobody: where more strangers press, leave it on pictures."
)


@click.group(cls=LazyGroup)
def keys() -> None:
    """Let servers and screens in, and out again; rotate every kind of key."""


@keys.command()
@home_option
@tenant_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="Repeat for several."
)
@click.option("--device", default="", help="The device that the key belongs to; none for a server.")
@click.option("--site", default="", help="The site where that device stands.")
@click.option(
    "--days", type=WholeNumber(1, 3650), default=365, show_default=True, help="How long the key is valid."
)
def create(home: Path, tenant: str, scopes: tuple[str, ...], device: str, site: str, days: int) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    with errors_as_one_line(Problem):
        click.echo(open_access(home).create_key(tenant, scopes, device=device, site=site, days=days))


@keys.command(name="list")
@home_option
@tenant_option
def list_keys(home: Path, tenant: str) -> None:
    """Show the tenant's keys without their secrets: device, site, day of last use, end, scopes; and which devices
    send vectors."""
    access = open_access(home)
    modes = access.modes.all(tenant)
    for row in access.keys(tenant):
        sends = modes[str(row["device"])].mode if row["device"] in modes else DEFAULT
        used = "never used" if row["last_day"] is None else f"used {_day(int(str(row['last_day'])) * DAY)}"
        until = _day(int(str(row["expires_us"])))
        click.echo(
            f"{row['key_id']}  {row['device'] or 'server':<18} {row['site'] or '-':<12} {used:<15}  until {until}"
            f"  {row['scopes']}{'' if sends == DEFAULT else f'  sends {sends}'}"
        )


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
@click.option("--device", default="", help="Name of the screen; one is chosen when left out.")
@click.option("--site", default="", help="The site where it stands.")
@click.option("--replace", is_flag=True, help="Take the place of the screen that has this name.")
@click.option("--taxi", default="", help="Of a driver's screen: the name of the taxi's tablet.")
@page_url_option
@click.argument("page", type=Page(list(PAGES)))
def pair(
    home: Path, tenant: str, device: str, site: str, replace: bool, taxi: str, url: str | None, page: str
) -> None:
    """Print a one-time link that turns a browser into PAGE. Valid for a day.

    Each screen is a device of its own. The key of a screen that is replaced ends when the new link is opened. A
    driver's screen shows the rides of one taxi: the screen that showed them before does not any more. A page of
    your own is `own`: --url is its address, and USUAL_ORIGINS has to name where it stands.
    """
    _check_page(home, page, url)
    access = open_access(home)
    with errors_as_one_line(Problem):
        device = device or access.free_name(tenant, page)
        code = access.create_pairing(tenant, page, device=device, site=site, replace=replace, taxi=taxi)
    click.echo(f"This screen is called {device}.", err=True)
    click.echo(_link(url or address_of(home), page, code))


@keys.command()
@home_option
@tenant_option
@click.option(
    "--attested",
    is_flag=True,
    help="You vouch that nobody can change the program on the device: then its word on liveness counts.",
)
@click.argument("name")
@click.argument("mode", type=click.Choice(MODES))
def mode(home: Path, tenant: str, attested: bool, name: str, mode: Mode) -> None:
    """Let the device NAME send pictures, or vectors that it made of them itself (docs/api/vectors.md).

    From its next press on; with the other one it is refused. `usual keys list` shows it. Says whether customers
    who enrolled the other way are recognised at once.
    """
    if attested and mode != "vectors":
        raise click.ClickException("Only a device that sends vectors is attested.")
    with errors_as_one_line(Problem):
        access = open_access(home)
        access.modes.choose(tenant, name, mode, attested=attested)
    click.echo(f"{name} sends {mode} from its next press on.")
    if mode == "vectors":
        click.echo(NEEDS_ENGINE)
    known = click.get_current_context().find_object(dict) or {}
    if "paths" in known:
        with suppress(Problem):  # the mode is chosen; without this half, or its keys, nothing can be said
            click.echo(known["paths"](home, tenant))


class _Rotations(LazyGroup):
    """`usual keys rotate` alone rotates the master key, as it did when there was nothing else to rotate."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["master", *args]
        return super().parse_args(context, args)


@keys.group(cls=_Rotations)
def rotate(**_: Any) -> None:
    """Replace a key by a new one: token, master, device, receipt or vectors. Left out, it is master."""


@rotate.command()
@home_option
@tenant_option
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="How long both are valid.",
)
@page_url_option
@click.argument("key_id")
def device(home: Path, tenant: str, overlap_hours: float, url: str | None, key_id: str) -> None:
    """Give the device of KEY_ID a new key. A server's is shown, this once; a screen gets a one-time link.

    The earlier key of a server stays valid for the overlap, that of a screen until the link is opened.
    """
    access = open_access(home)
    row = next((row for row in access.keys(tenant) if row["key_id"] == key_id), None)
    if row is not None and row["page"] and row["page"] not in PAGES:
        raise click.ClickException(
            f"There is no page {row['page']!r} any more. People sign in at the desk: usual people invite NAME;"
            f" end this key: usual keys revoke {key_id}"
        )
    if row is not None and row["page"]:
        page, name, site = str(row["page"]), str(row["device"]), str(row["site"])
        _check_page(home, page, url)
        taxi = access.drivers.taxi_of_name(tenant, name) if page == "driver" else ""
        code = access.create_pairing(tenant, page, device=name, site=site, replace=True, taxi=taxi)
        click.echo(_link(url or address_of(home), page, code))
        return
    secret = None if row is None else access.rotate_key(tenant, key_id, overlap_us=round(overlap_hours * HOUR))
    if secret is None:
        raise click.ClickException(f"{tenant!r} has no valid key {key_id!r}; `usual keys list` shows them.")
    click.echo(secret)


@rotate.command()
@home_option
@click.option("--prepare", is_flag=True, help="Add a key that opens tokens and makes none until the rotation.")
def token(home: Path, prepare: bool) -> None:
    """Make recognition tokens with a new key, at once, also in a running server.

    Tokens of the key before stay valid for the ten minutes that they live; then that key is removed. With the
    halves apart: `--prepare`, then `usual keys token export | usual keys token import`, rotate, and that again.
    """
    with errors_as_one_line(Problem):
        keys_of = TokenKeys(home, system_clock)
        machines.require_same(state_of(home), "access", {TOKENS: keys_of.all_lines()})
        if prepare:
            keys_of.prepare()
            machines.require_same(state_of(home), "access", {TOKENS: keys_of.all_lines()})
            click.echo("A key is prepared: it opens tokens from now on. The next rotation makes tokens with it.")
            return
        valid = keys_of.rotate()
        machines.require_same(state_of(home), "access", {TOKENS: keys_of.all_lines()})
        click.echo(f"Tokens are made with a new key. {valid} keys are valid at the moment.")


@keys.group(name="token")
def of_tokens() -> None:
    """Take the keys of tokens from one half's state folder to the other's."""


@of_tokens.command(name="export")
@home_option
def export_tokens(home: Path) -> None:
    """Write the keys of tokens to standard output, for `usual keys token import` of the other half.

    They are secrets: send them through a pipe (`| ssh ...`), not into a file.
    """
    with errors_as_one_line(Problem):
        click.echo(TokenKeys(home, system_clock).path.read_bytes(), nl=False)


@of_tokens.command(name="import")
@home_option
@click.argument("source", type=click.File("rb"), default="-")
def import_tokens(home: Path, source: BinaryIO) -> None:
    """Read the keys of tokens from standard input, in place of those of this folder; a running server follows.

    Tokens of the keys before open nothing any more.
    """
    with errors_as_one_line(Problem):
        taken = TokenKeys.take(home, source.read(MOST_KEY_BYTES), system_clock)
        machines.require_same(state_of(home), "access", {TOKENS: taken.all_lines()})
    click.echo(f"{home / TOKENS} is the same as the other half's now.")


def _check_page(home: Path, page: str, url: str | None) -> None:
    """Ask for the address of a page of one's own, and say when browsers will not let it in."""
    if page != OWN:
        return
    if url is None:
        raise click.UsageError("Say where your page is: --url https://kiosk.example/")
    origin = origin_of(url)
    if origin != address_of(home) and not lets_in(home, origin):
        wanted = ",".join((*origins_of(Config.from_environment().origins), origin))
        click.echo(
            f"{origin} is not in USUAL_ORIGINS: browsers will block what this page asks. Start the server with"
            f" USUAL_ORIGINS={wanted} before the link is opened.",
            err=True,
        )


def _link(url: str, page: str, code: str) -> str:
    address = url if page == OWN else f"{url.rstrip('/')}/{page}"
    return f"{address}#pair={code}"


def _day(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / SECOND, UTC).date().isoformat()
