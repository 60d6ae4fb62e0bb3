"""`usual dialects`: which languages of other systems a tenant speaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from doorway.dialects.switch import NAMES
from plumbing.cli import LazyGroup, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import as_text, system_clock
from plumbing.problem import Problem

PEERS = ("square", "toast")
"""Those that call with a secret in place of a key of ours."""

name_argument = click.argument("name", type=click.Choice(NAMES))


@click.group(cls=LazyGroup)
def dialects() -> None:
    """Routes as other systems have them, for programs that were written for those. All are off at first."""


@dialects.command("list")
@home_option
@tenant_option
def list_dialects(home: Path, tenant: str) -> None:
    """Show each dialect, and whether it is on."""
    with _names(home, tenant) as on:
        for name in NAMES:
            click.echo(f"{name}: {'on' if name in on else 'off'}")


@dialects.command("on")
@home_option
@tenant_option
@name_argument
def switch_on(home: Path, tenant: str, name: str) -> None:
    """Switch NAME on, at once and in every process."""
    with _names(home, tenant) as on:
        on.add(name)
    click.echo(f"{name} is on.")


@dialects.command("off")
@home_option
@tenant_option
@name_argument
def switch_off(home: Path, tenant: str, name: str) -> None:
    """Switch NAME off, at once and in every process."""
    with _names(home, tenant) as on:
        on.discard(name)
    click.echo(f"{name} is off.")


@dialects.command("secret")
@home_option
@tenant_option
@click.argument("name", type=click.Choice(PEERS))
@click.option(
    "--file",
    "source",
    type=click.File(),
    default="-",
    help="First line: the secret; for Square the second: an access token. Standard input at first.",
)
@click.option("--address", help="Square's notification URL, exactly as it is there.")
@click.option("--site", "sites", multiple=True, metavar="THEIRS=OURS", help="Which site is which; repeat.")
@click.option("--sandbox", is_flag=True, help="Square's place for trials.")
@click.option("--remove", is_flag=True, help="Take no call of it any more, at once.")
def secret(
    home: Path,
    tenant: str,
    name: str,
    source: IO[str],
    address: str | None,
    sites: tuple[str, ...],
    sandbox: bool,
    remove: bool,
) -> None:
    """Agree on a secret with NAME, which calls without a key of ours. It is sealed, and never shown again."""
    from doorway.dialects.peers import changed
    from plumbing.shared import Shared

    with errors_as_one_line(Problem):
        shared = Shared.open(state_of(home), system_clock)
        try:
            if remove:
                gone = shared.peers.remove(tenant, name)
                click.echo(f"{name} calls no more." if gone else f"Nothing was agreed with {name}.")
                return
            given = _given(source.read(2_000), sites) | {"address": address, "sandbox": sandbox or None}
            before = shared.peers.find(tenant, name)
            kept = shared.peers.put(tenant, name, changed(name, before, given, shared.peers.path(tenant, name)))
        finally:
            shared.close()
    earlier = f"; the one before counts until {as_text(kept.earlier_until_us)}" if kept.earlier else ""
    click.echo(f"{name} may call with this secret{earlier}. Switch it on: usual dialects on {name}.")


@dialects.command("address")
@home_option
@tenant_option
@click.argument("name", type=click.Choice(PEERS))
def address(home: Path, tenant: str, name: str) -> None:
    """Show where NAME calls, behind the host of this house."""
    from plumbing.shared import Shared

    shared = Shared.open(state_of(home), system_clock)
    try:
        click.echo(shared.peers.path(tenant, name))
    finally:
        shared.close()


def _given(text: str, sites: tuple[str, ...]) -> dict[str, Any]:
    """Secrets and sites, checked as the API checks them. Raises ClickException, which repeats no secret."""
    from pydantic import ValidationError

    from doorway.dialects.peers import PeerBody

    secret, token, *_ = [*(line.strip() for line in text.splitlines()), "", ""]
    named = dict(one.partition("=")[::2] for one in sites)
    given = {"secret": secret, "access_token": token, "sites": named}
    try:
        return PeerBody.model_validate({key: value for key, value in given.items() if value}).model_dump()
    except ValidationError as error:
        wrong = sorted({str(one["loc"][0]) for one in error.errors(include_input=False)})
        what = "a secret has 16 to 255 printable characters and no blank; a site is THEIRS=OURS"
        raise click.ClickException(f"{', '.join(wrong)}: {what}.") from None


@contextmanager
def _names(home: Path, tenant: str) -> Iterator[set[str]]:
    """What is on; what is made of it inside is stored."""
    from plumbing.shared import Shared

    shared = Shared.open(state_of(home), system_clock)
    try:
        before = set(shared.dialects.names(tenant))
        names = set(before)
        yield names
        if names != before:
            shared.dialects.choose(tenant, names)
    finally:
        shared.close()
