"""`usual dialects`: which languages of other systems a tenant speaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from doorway.dialects.switch import NAMES
from plumbing.cli import LazyGroup, home_option, state_of, tenant_option
from plumbing.clock import system_clock

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
