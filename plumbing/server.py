"""`usual serve`: granian, and waitress where granian does not run."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click
import structlog
from flask import Flask

from plumbing import memory, metrics
from plumbing.cli import home_option
from plumbing.process import only_listener, only_server
from plumbing.settings import Config

log = structlog.get_logger(__name__)


def serve_command(
    target: str,
    make: Callable[[], Flask],
    *,
    try_once: Callable[[Config], None],
    modules: Mapping[str, Sequence[str]],
) -> click.Command:
    """The command that serves.

    Args:
        target: the factory of the application as "module:function"; each worker process calls it.
        make: the same factory, for waitress.
        try_once: opens the application and closes it. An error that stops the server is then reported once, not
            by every process again and again; and they inherit no open database.
        modules: what the worker processes import, by half.
    """

    @click.command()
    @home_option
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option("--port", default=8000, show_default=True, help="Port to listen on.")
    @click.option(
        "--workers", default=2, show_default=True, help="Processes: one for each processor (130 MB each)."
    )
    @click.option("--threads", default=3, show_default=True, help="Threads of each process.")
    @click.option("--only", type=click.Choice(list(modules)), help="Serve one half; the other runs elsewhere.")
    @click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
    @click.option("--plain", is_flag=True, help="Serve with waitress instead of granian, in one process.")
    def serve(
        home: Path, host: str, port: int, workers: int, threads: int, only: str | None, pack: str, plain: bool
    ) -> None:
        """Serve the API and the screens until stopped (Ctrl-C)."""
        # No image is ever stored, also not in the memory dump of a crash.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        config = Config.from_environment().model_copy(update={"home": home, "only": only, "pack": pack})
        os.environ |= config.to_environment()
        halves = (only,) if only else tuple(modules)
        address = f"http://{host}:{port}"
        alone = only_server(home, halves, address), only_listener(host, port, several=not plain)
        with alone[0], alone[1], metrics.counted_together():
            try_once(config)
            import_beforehand(module for half in halves for module in modules[half])
            click.echo(f"Usual answers on {address}; stop it with Ctrl-C.")
            run(target, make, host=host, port=port, workers=workers, threads=threads, plain=plain)

    return serve


def import_beforehand(modules: Iterable[str]) -> None:
    """Import what the worker processes need before they part from this one: then it is in memory once."""
    for module in modules:
        import_module(module)
    memory.give_back()
    gc.freeze()  # or each process would copy what it only looked through for garbage


def run(
    target: str,
    make: Callable[[], Flask],
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    plain: bool = False,
) -> None:
    """Serve until stopped.

    granian measured three to four times waitress or gunicorn; waitress is pure Python, one process, and stays as
    the fallback (`plain`) for machines without a wheel of granian.
    """
    memory.share_pool()
    if not plain:
        try:
            from granian import Granian
            from granian.constants import Interfaces
            from granian.log import LogLevels
        except ImportError:
            log.warning("granian is not installed; serving with waitress")
            plain = True
    if plain:
        import waitress

        waitress.serve(make(), host=host, port=port, threads=threads)
        return
    Granian(
        target,
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
    ).serve()
