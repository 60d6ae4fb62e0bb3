"""The socket on which a server listens: one for all its worker processes, and for the server that succeeds it.

The first process opens it and lets nobody else listen there. A connection that waits in its queue is lost with
no process: whichever worker is free next takes it.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator
from typing import Any

from plumbing.problem import Problem
from plumbing.serving.process import PATIENCE_S, ServerRunning

BACKLOG = 2048


class CannotListen(Problem):
    """The address is none of this machine, or not for this user."""

    code = "cannot_listen"
    title = "Nothing can listen there"
    what_to_do = "Give `--host` and `--port` an address of this machine; a port below 1024 needs a special right."


@contextlib.contextmanager
def listening(
    host: str, port: int, handed: int | None = None, *, patience_s: float | None = None
) -> Iterator[socket.socket]:
    """A socket that listens on `host` and `port`; `handed` is the descriptor of one that does so already.

    Raises ServerRunning or CannotListen.
    """
    patience_s = PATIENCE_S if patience_s is None else patience_s
    with _opened(host, port, patience_s) if handed is None else socket.socket(fileno=handed) as made:
        made.setblocking(False)
        yield made


def _opened(host: str, port: int, patience_s: float) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotListen(f"{host} is no address of this machine: {error.strerror}. See --host.") from None
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended do not count
        if family == socket.AF_INET6 and hasattr(socket, "IPV6_V6ONLY"):
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        _listen(made, place, host, port, patience_s)
    except BaseException:
        made.close()
        raise
    return made


def _listen(made: socket.socket, place: Any, host: str, port: int, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while True:
        try:
            made.bind(place)
            made.listen(BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                why = f"Nothing can listen on {host} port {port}: {error.strerror}. See --host and --port."
                raise CannotListen(why) from None
            if time.monotonic() > until:
                taken = f"Another program listens on {host} port {port}. Stop it first, or use another --port."
                raise ServerRunning(taken) from None
            time.sleep(0.05)
        else:
            return
