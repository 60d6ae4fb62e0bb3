"""`usual serve`: granian, and waitress where granian does not run."""

from __future__ import annotations

import gc
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path
from typing import Protocol

import click
import structlog
from flask import Flask

from plumbing.cli import WholeNumber
from plumbing.demands import PICTURES
from plumbing.init_cli import served_home_option
from plumbing.people.cli import first_steps
from plumbing.serving import memory, metrics
from plumbing.serving.limits import HEAD_S, MOST_CONNECTIONS, MOST_HEAD_BYTES
from plumbing.serving.listener import listening
from plumbing.serving.process import only_server
from plumbing.serving.successor import Successors, handed_on
from plumbing.serving.uncounted import share_all
from plumbing.settings import Config, listening_at

log = structlog.get_logger(__name__)
PLAIN_THREADS = 5  # besides those for recognition
PLAIN_CONNECTIONS = 500  # waitress waits with select(), which has a limit
MOST_RESTARTS = 10  # in a row, of less than a minute each
PARTING_S = 1.0  # in which the worker processes have parted from the first one; none is ready sooner


def serve_command(
    target: str,
    make: Callable[[], Flask],
    *,
    try_once: Callable[[Config], None],
    begin: Callable[[Config], Callable[[], None]],
    modules: Mapping[str, Sequence[str]],
    together: Sequence[str] = (),
) -> click.Command:
    """The command that serves.

    Args:
        target: the factory of the application as "module:function"; each worker process calls it.
        make: the same factory, for waitress.
        try_once: opens the application and closes it. An error that stops the server is then reported once, not
            by every process again and again; and they inherit no open database.
        begin: begins in a process of its own what the worker processes will need, while this one is still alone;
            gives what this process calls when they have parted from it.
        modules: what the worker processes import, by half.
        together: what they import where both halves are served.
    """

    @click.command()
    @_serve_options(modules)
    def serve(
        home: Path,
        host: str | None,
        port: int | None,
        workers: int | None,
        threads: int,
        only: str | None,
        pack: str,
        plain: bool,
        init: bool,
    ) -> None:
        """Serve the API and the screens until stopped (Ctrl-C).

        SIGHUP starts it anew, with the code and the settings as they are then, without a failed request.
        """
        # No image is ever stored, also not in the memory dump of a crash.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        memory.share_pool()  # before the first thread, which would be given a pool of its own
        gc.disable()  # while it starts nothing becomes garbage, and looking for it takes a tenth of the time
        handed = handed_on()
        config = Config.from_environment()
        listen = listening_at(config.listen)
        host, port, workers = host or listen[0], port or listen[1], workers or config.workers
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        config = config.model_copy(
            update={
                "home": home,
                "only": only,
                "pack": pack,
                "threads": threads,
                "workers": workers,
                "listen": address,
            }
        )
        os.environ |= config.to_environment()
        halves = (only,) if only else tuple(modules)
        parted = begin(config)
        with (
            only_server(home, halves, f"http://{address}", handed) as locks,
            listening(host, port, handed.get("listener")) as listener,
            metrics.counted_together(),
        ):
            try_once(config)
            if not handed:
                if "recommender" in halves and (how := first_steps(home)):
                    click.echo(how, err=True)
                announce_when_it_answers(host, port)
            import_beforehand([*(name for half in halves for name in modules[half]), *(() if only else together)])
            if plain:
                run_plainly(make, listener, threads=threads)
                return
            successors = Successors({"listener": listener.fileno(), **locks}, workers)
            run(target, make, listener, workers=workers, threads=threads, successors=successors, parted=parted)

    return serve


def _serve_options(halves: Iterable[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of `usual serve`."""
    port, count = WholeNumber(1, 65535), WholeNumber(min=1)
    options = (
        served_home_option,
        click.option(
            "--init", is_flag=True, is_eager=True, help="Make the state folder first, if it is not there."
        ),
        click.option("--host", help="Address to listen on (USUAL_LISTEN).  [default: 127.0.0.1]"),
        click.option("--port", type=port, help="Port to listen on (USUAL_LISTEN).  [default: 8000]"),
        click.option(
            "--workers",
            type=count,
            help="Processes: one for each processor, 130 MB each (USUAL_WORKERS).  [default: 2]",
        ),
        click.option(
            "--threads",
            type=count,
            default=3,
            show_default=True,
            envvar="USUAL_THREADS",
            help="Threads of each process for recognition.",
        ),
        click.option(
            "--only",
            type=click.Choice(list(halves)),
            envvar="USUAL_ONLY",
            help="Serve one half; the other runs elsewhere (USUAL_ONLY).",
        ),
        click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack."),
        click.option("--plain", is_flag=True, help="Serve with waitress instead of granian, in one process."),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def announce_when_it_answers(host: str, port: int) -> None:
    """Say where the server is as soon as it answers there, from a thread of its own."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - where to ask
    url = f"[{own}]" if ":" in own else own

    def ask() -> None:
        time.sleep(PARTING_S)  # none may part while this thread is at work
        while True:
            try:
                with closing(HTTPConnection(url, port, timeout=1)) as connection:
                    connection.request("GET", "/health/live")
                    if connection.getresponse().status == HTTPStatus.OK:
                        break
            except (OSError, HTTPException):
                pass  # not yet
            time.sleep(0.1)
        click.echo(f"Usual answers on http://{host}:{port}; stop it with Ctrl-C.")

    threading.Thread(target=ask, name="announce", daemon=True).start()


def import_beforehand(modules: Iterable[str]) -> None:
    """Import what the worker processes need before they part from this one: then it is in memory once."""
    for module in modules:
        import_module(module)
    gc.collect()
    share_all()
    gc.freeze()  # or each process would copy what it only looked through for garbage
    memory.give_back()


def run(
    target: str,
    make: Callable[[], Flask],
    listener: socket.socket,
    *,
    workers: int,
    threads: int,
    successors: Successors,
    parted: Callable[[], None],
) -> None:
    """Serve until stopped; `parted` is called when the worker processes have begun.

    granian runs the gate (`plumbing/gate`), which waits for heads, bodies and turns without a thread. waitress is
    pure Python, one process, without lanes, and stays as the fallback (`--plain`) for machines without a wheel of
    granian; it takes in a whole body before it uses a thread.
    """
    try:
        from plumbing.serving.granian_server import server_of
    except ImportError:
        log.warning("granian is not installed; serving with waitress")
        run_plainly(make, listener, threads=threads)
        return
    allow_connections()
    serve_until_stopped(partial(server_of, target, listener, workers, successors, parted))
    if successors.present is not None:
        raise SystemExit(successors.watch())


def run_plainly(make: Callable[[], Flask], listener: socket.socket, *, threads: int) -> None:
    """Serve with waitress until stopped."""
    allow_connections()
    serve_plainly(make(), listener, threads=threads)


class Stoppable(Protocol):
    """What is needed of granian."""

    interrupt_signal: bool

    def serve(self) -> None:
        """Serve until a signal arrives, or workers end one after the other."""


def serve_until_stopped(
    make_server: Callable[[], Stoppable],
    *,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Serve until SIGTERM or SIGINT. granian gives up when a worker ends twice within seconds; we begin again.

    Raises SystemExit when it gave up several times in a row, each within a minute: then something else is wrong.
    """
    quick = 0
    while True:
        server, began = make_server(), monotonic()
        try:
            server.serve()
            status: str | int | None = None
        except SystemExit as end:
            status = end.code
        if server.interrupt_signal:
            return
        quick = quick + 1 if monotonic() - began < 60 else 1
        if quick > MOST_RESTARTS:
            raise SystemExit(status or 1)
        log.error("workers_ended", beginning_again=quick)
        pause(0.1)


def serve_plainly(
    app: Flask,
    listener: socket.socket,
    *,
    threads: int,
    connections: int = PLAIN_CONNECTIONS,
    most_bytes: Callable[[str], int] | None = None,
) -> None:
    """Serve `app` with waitress, with the same limits where waitress has them.

    `most_bytes` gives the largest body that an address takes; a larger one is refused before it is read.
    """
    import waitress

    from plumbing.serving.waitress_parser import server_with

    waitress.serve(
        app,
        _server=server_with(most_bytes),
        sockets=[listener],
        threads=threads + PLAIN_THREADS,
        channel_timeout=HEAD_S,
        cleanup_interval=HEAD_S // 2,
        connection_limit=connections,
        max_request_header_size=MOST_HEAD_BYTES,
        max_request_body_size=PICTURES.most_bytes,
        inbuf_overflow=PICTURES.most_bytes + 1,  # a body that is larger goes into a file: no picture may
        clear_untrusted_proxy_headers=False,  # `security/proxies.py` reads them, if they are to be believed
        ident="",
    )


def allow_connections() -> None:
    """Let this process and its children hold as many connections open as the machine allows them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
