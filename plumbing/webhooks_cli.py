"""`usual webhooks`: who is notified of what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from plumbing.cli import LazyGroup, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import SECOND, system_clock
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.webhooks.kinds import EVENTS
from plumbing.webhooks.webhooks import Webhooks


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
    """Let other systems know what happens: signed messages to addresses of yours."""


@webhooks.command()
@home_option
@tenant_option
@click.option(
    "--event", "events", multiple=True, required=True, type=click.Choice(list(EVENTS)), help="Repeat for several."
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


@webhooks.command()
@home_option
@tenant_option
def undelivered(home: Path, tenant: str) -> None:
    """Show the messages that never arrived: which, when, and what the last try said. Never what is in them."""
    with errors_as_one_line(Problem), _opened(home) as opened:
        rows = opened.queue.dead(tenant)
    for one in rows:
        moment = datetime.fromtimestamp(one.made_us // SECOND, UTC).isoformat(" ")[:19]
        click.echo(f"{one.message_id}  {one.webhook_id}  {moment}  {one.event}  {one.tries} tries: {one.why}")
    if not rows:
        click.echo("Every message arrived, or is still being sent.")


@webhooks.command()
@home_option
@tenant_option
@click.option("--message", "messages", multiple=True, help="One message alone. Repeat for several.")
@click.argument("webhook_id")
def replay(home: Path, tenant: str, messages: tuple[str, ...], webhook_id: str) -> None:
    """Send again what never arrived at WEBHOOK_ID. The server sends it; what is gone by now is not sent."""
    with errors_as_one_line(Problem), _opened(home) as opened:
        n = opened.queue.replay(tenant, webhook_id, messages or None)
    if not n:
        raise click.ClickException(f"Nothing waits for {webhook_id!r}: see `usual webhooks undelivered`.")
    click.echo(f"{n} messages are sent again.")
