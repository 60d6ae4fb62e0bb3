"""granian on a socket that was opened before, with a restart that starts a successor."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from granian import net
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from plumbing.serving import leaving
from plumbing.serving.leaving import LEAVES
from plumbing.serving.limits import HEAD_S, MOST_CONNECTIONS, MOST_HEAD_BYTES
from plumbing.serving.listener import BACKLOG
from plumbing.serving.successor import Successors

HOLDER: Any = net.__dict__["SocketHolder"]


class Server(MPServer):
    """The server of one first process."""

    listener: socket.socket
    successors: Successors
    parted: Callable[[], None]

    def _init_shared_socket(self) -> None:
        """All worker processes accept from one queue: none is lost with a process that ends.

        On Linux granian by itself opens a socket in each of them; elsewhere it shares one, as here.
        """
        number = os.dup(self.listener.fileno())
        inner: Any = self  # granian's types know of the sockets that it opens itself
        inner._shd, inner._sfd, inner._ssp = HOLDER(number, False, BACKLOG), number, None
        inner._sso = socket.socket(fileno=number)
        inner._sso.set_inheritable(True)

    def startup(self, *given: Any) -> None:
        """Start the worker processes."""
        signal.signal(LEAVES, lambda *_: self._say_leaving())
        inner: Any = super()  # granian does not type it
        inner.startup(*given)
        self.parted()

    def _say_leaving(self) -> None:
        if os.getpid() == self.pid:  # a worker process that has just begun has this handler, too
            for worker in self.wrks:
                if worker.inner.is_alive():  # else its number may be another process's by now
                    os.kill(worker.inner.pid, LEAVES)

    def _reload(self, *_: Any) -> None:
        """SIGHUP: end when the successor answers, go on when it does not come up."""
        self.reload_signal = False
        self.main_loop_interrupt.clear()
        if self.successors.start(given_up=lambda: self.interrupt_signal):
            self._say_leaving()
            leaving.wait(lambda: self.interrupt_signal)
            self.interrupt_signal = True
            self.main_loop_interrupt.set()


def server_of(
    target: str, listener: socket.socket, workers: int, successors: Successors, parted: Callable[[], None]
) -> Server:
    """A server that is not started yet; it calls `parted` when its worker processes have begun."""
    made = Server(
        target,
        factory=True,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.http1,  # nothing here needs HTTP/2, and h2c slips past rules of a proxy
        http1_settings=HTTP1Settings(header_read_timeout=1000 * HEAD_S, max_buffer_size=MOST_HEAD_BYTES),
        websockets=False,
        backpressure=MOST_CONNECTIONS,  # of connections, idle ones too
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_level=LogLevels.warning,
    )
    made.listener, made.successors, made.parted = listener, successors, parted
    return made
