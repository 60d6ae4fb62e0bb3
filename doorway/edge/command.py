"""`usual edge`: store boxes, from both sides."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from plumbing.cli import LazyGroup, WholeNumber, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import HOUR, MINUTE, SECOND, system_clock
from plumbing.outbox.boxes import INVITED, Boxes
from plumbing.outbox.errors import BoxUnknown, EdgeError
from plumbing.outbox.server import LEAF_PORT, free_port
from plumbing.problem import Problem
from plumbing.settings import Config

name_option = click.option("--name", required=True, help="The box's name, unique in its tenant.")


@click.group(cls=LazyGroup)
def edge() -> None:
    """A store box: a restaurant goes on recognising and suggesting while the line to the centre is cut.

    \b
    At the centre, beside `usual serve`:
      usual edge hub                                   takes what boxes send
      usual edge pair --site mill --name mill-box      shows a code, good once and for a day
    At the restaurant:
      usual edge run --centre https://centre --code CODE
      usual keys create --home data/edge --scope identify --scope suggest --scope event --device till-1 --site mill
    Devices of the site talk to the box. Afterwards `usual edge run` alone starts it again.

    The box has copies of the site's customers in memory alone: without power it is empty until the line is there,
    and so it is after a day without the centre, or when it was revoked. Events and opt-outs lie on its disk,
    sealed for the centre. Nobody joins at a box, and no PIN is known there.

    `usual edge kiosk` is no box: it is a helper on one kiosk's own computer, which turns faces into vectors there.
    """


edge.add_lazily("kiosk", "doorway.kiosk_helper.command:kiosk")


@contextmanager
def _boxes(home: Path) -> Iterator[Boxes]:
    with errors_as_one_line(Problem):
        if Config.from_environment().only is not None:
            raise EdgeError("Boxes need both halves in one server: USUAL_ONLY is set.")
        boxes = Boxes(state_of(home), system_clock)
        try:
            yield boxes
        finally:
            boxes.close()


@edge.command()
@home_option
@tenant_option
@click.option("--site", required=True, help="Where the box stands: it gets this site's customers alone.")
@name_option
@click.option("--replace", is_flag=True, help="In place of the box that has this name, which is empty then.")
def pair(home: Path, tenant: str, site: str, name: str, replace: bool) -> None:
    """At the centre: make a code with which a box is paired. It is shown this once."""
    with _boxes(home) as boxes:
        click.echo(boxes.invite(tenant, name, site, replace=replace))


@edge.command(name="list")
@home_option
@tenant_option
def list_(home: Path, tenant: str) -> None:
    """At the centre: the boxes, when each was heard, what it still sends and has not confirmed."""
    with _boxes(home) as boxes:
        found = boxes.all(tenant)
        for box in found:
            state, now = box.state, system_clock()
            if state != INVITED:
                state = "silent for a day, empty: pair it again" if box.is_silent(now) else _ago(now - box.seen_us)
            held = sum(not one.gone for one in boxes.copies(box).values())
            waits = len(boxes.pending(box))
            click.echo(
                f"{box.name:<20} {box.site:<14} {state}; {held} customers, {box.waiting} messages in its outbox,"
                f" {waits} erasures not confirmed"
            )
    if not found:
        click.echo("There is no store box: `usual edge pair` invites one.")


@edge.command()
@home_option
@tenant_option
@click.argument("name")
def revoke(home: Path, tenant: str, name: str) -> None:
    """At the centre: end a box that was stolen or is not used any more.

    It gets nothing from now on. It empties itself when it hears of it, and by its own rule after a day at most;
    what its outbox has not sent yet is not taken any more.
    """
    with _boxes(home) as boxes:
        if not boxes.any:
            raise BoxUnknown
        boxes.revoke(tenant, name)
    click.echo(f"{name} is no box any more.")


@edge.command()
@home_option
@click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
@click.option("--listen", default=f"0.0.0.0:{LEAF_PORT}", show_default=True, help="Where boxes connect.")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="For TLS.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The certificate's key.")
def hub(home: Path, pack: str, listen: str, certificate: Path | None, key: Path | None) -> None:
    """At the centre: take what boxes send, until stopped (Ctrl-C). One for each installation."""
    from doorway.edge.hub import Hub
    from doorway.edge.opened import deliveries_of
    from plumbing.storage.files import process_lock

    if (certificate is None) != (key is None):
        raise click.UsageError("TLS needs both --certificate and --key.")
    pair_of = None if certificate is None or key is None else (certificate, key)
    with (
        errors_as_one_line(Problem),
        process_lock(home / "edge-hub.lock"),
        deliveries_of(home, pack) as deliveries,
    ):
        made = Hub(home, deliveries, listen=listen, port=free_port(), certificate=pair_of)
        made.start()
        click.echo(f"Boxes connect to {listen}.")
        try:
            asyncio.run(_until_stopped(made.serve))
        finally:
            made.stop()


async def _until_stopped(serve: object) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    assert callable(serve)
    await serve(ended)


ELSEWHERE = frozenset({"USUAL_DATABASE", "USUAL_KEYS_DATABASE", "USUAL_VERSIONS"})
"""Settings of a centre that would take a box's copies out of its memory."""


@edge.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/edge"),
    show_default=True,
    envvar="USUAL_EDGE_HOME",
    help="Folder of the box: its pairing, keys of devices, its outbox.",
)
@click.option("--centre", help="Address of the centre, https://...; needed once.")
@click.option("--code", help="The code of `usual edge pair`; needed once.")
@click.option("--line", help=f"Address of the centre's outboxes; its host and port {LEAF_PORT} when left out.")
@click.option(
    "--memory", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder in memory (tmpfs)."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address on which devices reach the box.")
@click.option("--port", type=WholeNumber(1, 65535), default=8000, show_default=True, help="Port for devices.")
@click.option("--workers", type=WholeNumber(min=1), default=1, show_default=True, help="Processes.")
@click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
def run(
    home: Path,
    centre: str | None,
    code: str | None,
    line: str | None,
    memory: Path | None,
    host: str,
    port: int,
    workers: int,
    pack: str,
) -> None:
    """At the restaurant: run a box until stopped (Ctrl-C). What it knows of people goes with it."""
    from doorway.edge.running import Running, Serving

    with errors_as_one_line(Problem):
        if (code is None) != (centre is None):
            raise EdgeError("To pair a box name both: --centre and --code.")
        for name in ELSEWHERE & os.environ.keys():
            click.echo(f"{name} is not used: all that a store box knows of people is in its memory.", err=True)
            del os.environ[name]
        running = Running(home, memory, Serving(host, port, workers, pack))
        if code is not None and centre is not None:
            pairing = running.pair(centre, code, line)
            click.echo(f"This is the box {pairing.name} of {pairing.tenant} at {pairing.site} now.")
        running.run(click.echo)


def _ago(passed_us: int) -> str:
    for size, word in ((HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if passed_us >= size:
            return f"heard {passed_us // size} {word} ago"
    return "heard now"
