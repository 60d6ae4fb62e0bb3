"""`usual dialects`: which APIs of other products a tenant speaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from plumbing.cli import LazyGroup, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.problem import Problem
from recommender.store.dialects import DialectStore


@contextmanager
def _opened(home: Path) -> Iterator[DialectStore]:
    from recommender.store import open_database

    database = open_database(state_of(home))
    try:
        yield DialectStore(database)
    finally:
        database.close()


@click.group(cls=LazyGroup)
def dialects() -> None:
    """Speak the APIs of other products, for those who have their clients already."""


def _turn(home: Path, tenant: str, name: str, *, on: bool) -> None:
    from doorway.dialects.switch import check_name

    with errors_as_one_line(Problem), _opened(home) as store:
        check_name(name)
        store.turn(tenant, name, on=on)
    click.echo(f"{name} is {'on' if on else 'off'} for {tenant}.")


@dialects.command(name="on")
@home_option
@tenant_option
@click.argument("name")
def on_command(home: Path, tenant: str, name: str) -> None:
    """Answer requests in the dialect NAME."""
    _turn(home, tenant, name, on=True)


@dialects.command(name="off")
@home_option
@tenant_option
@click.argument("name")
def off_command(home: Path, tenant: str, name: str) -> None:
    """Answer none in it any more."""
    _turn(home, tenant, name, on=False)


@dialects.command(name="list")
@home_option
@tenant_option
def list_command(home: Path, tenant: str) -> None:
    """Show all dialects, and which are on."""
    from doorway.dialects.switch import KNOWN

    with errors_as_one_line(Problem), _opened(home) as store:
        there = store.of(tenant)
    for name in KNOWN:
        click.echo(f"{name}  {'on' if name in there else 'off'}")
