"""`usual edge kiosk`: the helper on a managed kiosk's own computer."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from plumbing.cli import WholeNumber, errors_as_one_line
from plumbing.problem import Problem
from plumbing.serving.listener import listening
from plumbing.settings import Config, hosts_of

PORT = 8020
HOST = "127.0.0.1"
THREADS = 7
"""With those that waitress is given anyway: five may wait for news, and a browser asks with six at a time."""
CONNECTIONS = 32
"""One browser stands beside it. With the bodies that a page may send they hold less than 200 MB."""


@click.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/kiosk"),
    show_default=True,
    envvar="USUAL_KIOSK_HOME",
    help="Folder of the helper: its two keys, and nothing else.",
)
@click.option("--server", help="Address of the house, https://...; needed once, with a code.")
@click.option("--pair", "code", help="The code of `usual keys pair kiosk`, or its whole link; needed once.")
@click.option("--port", type=WholeNumber(1, 65535), default=PORT, show_default=True, help="Where the page is.")
@click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
def kiosk(home: Path, server: str | None, code: str | None, port: int, pack: str) -> None:
    """On a kiosk's own computer: serve its page, and turn faces into sealed vectors, until stopped (Ctrl-C).

    \b
    At the house:     usual keys pair kiosk --device front      shows a link, good once
                      usual keys mode front vectors
    At the kiosk:     usual edge kiosk --server https://usual.example --pair CODE
                      and the browser opens http://127.0.0.1:8020/kiosk
    Afterwards `usual edge kiosk` alone starts it again.

    The camera's pictures go to this program and no further: an engine pack in a sandbox looks at them, and the
    house gets numbers that only it can open. The pack must be the house's. A tablet of a taxi is set up alike.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no picture is in the memory dump of a crash
    with errors_as_one_line(Problem), listening(HOST, port) as listener:
        from doorway.kiosk_helper.running import Running
        from doorway.kiosk_helper.web import most_bytes

        config = Config.from_environment()
        running = Running(home, config.model_copy(update={"pack": pack}), click.echo)
        try:
            running.pair(server, code, ask=_ask if sys.stdin.isatty() else None)
            app = running.opened(port, hosts_of(config.image_hosts))
            click.echo(f"The page is at http://{HOST}:{port}/{running.house.device.page}")

            def stop(*_: object) -> NoReturn:
                running.house.close()  # nobody waits for a reply any more
                raise KeyboardInterrupt

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)
            from plumbing.serving.server import serve_plainly

            serve_plainly(app, listener, threads=THREADS, connections=CONNECTIONS, most_bytes=most_bytes)
        finally:
            running.close()


def _ask() -> str:
    """A code, from who sits before the terminal."""
    return str(click.prompt("Pairing code, or its link", type=str))
