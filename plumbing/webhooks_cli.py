"""`usual webhooks`: who is notified of what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from plumbing.cli import LazyGroup, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.webhooks.webhooks import EVENTS, Webhooks


@contextmanager
def _opened(home: Path) -> Iterator[Webhooks]:
    from plumbing.shared import Shared

    shared = Shared.open(state_of(home), system_clock)
    shared.webhooks.allowed = Config.from_environment().hosts_of_webhooks
    try:
        yield shared.webhooks
    finally:
        shared.close()


@click.group(cls=LazyGroup)
def webhooks() -> None:
    """Tell other systems what happens: signed messages to addresses of yours."""


@webhooks.command()
@home_option
@tenant_option
@click.option(
    "--event", "events", multiple=True, required=True, type=click.Choice(EVENTS), help="Repeat for several."
)
@click.argument("url")
def add(home: Path, tenant: str, events: tuple[str, ...], url: str) -> None:
    """Send events to URL (https). Shows the secret with which its owner checks signatures, this once."""
    with errors_as_one_line(Problem), _opened(home) as opened:
        made, secret = opened.add(tenant, url, events)
    click.echo(f"{made.webhook_id}  {secret}")


@webhooks.command(name="list")
@home_option
@tenant_option
def list_webhooks(home: Path, tenant: str) -> None:
    """Show the addresses, without their secrets."""
    with errors_as_one_line(Problem), _opened(home) as opened:
        for one in opened.all(tenant):
            click.echo(f"{one.webhook_id}  {' '.join(one.events)}  {one.url}")


@webhooks.command()
@home_option
@tenant_option
@click.argument("webhook_id")
def remove(home: Path, tenant: str, webhook_id: str) -> None:
    """Send nothing there any more, also not what waits."""
    with errors_as_one_line(Problem), _opened(home) as opened:
        gone = opened.remove(tenant, webhook_id)
    if not gone:
        raise click.ClickException(f"{tenant!r} has no webhook {webhook_id!r}; `usual webhooks list` shows them.")
    click.echo(f"Nothing is sent to {webhook_id} any more.")
