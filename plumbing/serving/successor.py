"""A restart without a failed request: the next server is started beside this one, and takes its socket over.

`kill -HUP` of the first process starts the same command again, with the code and the settings as they are then.
It inherits the socket and the locks of the home. When all its worker processes answer, those of the server before
say on every reply that they leave, finish what they began, and end. The first process stays, so that who watches
it (systemd, a container) sees the same process; it passes signals on. A successor that does not come up changes
nothing: the old server goes on.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from plumbing.serving import leaving
from plumbing.serving.leaving import LEAVES
from plumbing.serving.process import die_with_parent

log = structlog.get_logger(__name__)
VARIABLE = "USUAL_SUCCEEDS"
"""What a server hands to its successor: descriptors by name, as in "listener=5,ready=6,identity=7"."""

ENVIRONMENT = dict(os.environ)
"""As this process was started: the next one reads the settings file anew."""

READY_S = 120.0  # in which every worker process of a successor has to answer
_ready: list[int] = []  # the descriptor on which worker processes say that they are ready


def handed_on() -> dict[str, int]:
    """What the server before handed to this one; nothing when there was none. Processes of ours do not see it."""
    text = os.environ.pop(VARIABLE, "")
    found = {name: int(number) for name, _, number in (part.partition("=") for part in text.split(",") if part)}
    for number in found.values():
        os.set_inheritable(number, False)
    _ready[:] = [found["ready"]] if "ready" in found else []
    return found


def say_ready() -> None:
    """In a worker process: it answers from now on."""
    for number in _ready:
        with contextlib.suppress(OSError):  # the server before does not wait any more
            os.write(number, b"r")


@dataclass
class Successors:
    """Starts the servers that come after this one, and passes signals on to the present one."""

    handed: Mapping[str, int]
    workers: int
    ready_s: float = READY_S
    present: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Start the next server and wait until all its worker processes answer; whether they do."""
        reader, writer = os.pipe()
        numbers = {**self.handed, "ready": writer}
        words = ",".join(f"{name}={number}" for name, number in numbers.items())
        parent = os.getpid()

        def prepare() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            die_with_parent(parent)

        process = subprocess.Popen(  # noqa: S603 - the command that started this process
            [sys.executable, *sys.orig_argv[1:]],
            env=ENVIRONMENT | {VARIABLE: words},
            pass_fds=tuple(numbers.values()),
            preexec_fn=prepare,
        )
        os.close(writer)
        try:
            came = _all_ready(reader, self.workers, time.monotonic() + self.ready_s, given_up)
        finally:
            os.close(reader)
        if not came:
            log.error("restart_failed", why="the next server does not answer; this one goes on")
            _end(process, signal.SIGKILL)
            return False
        before, self.present = self.present, process
        if before is not None:
            before.send_signal(LEAVES)
            leaving.wait(given_up)
            _end(before, signal.SIGTERM)
        return True

    def watch(self) -> int:
        """Pass signals on until the present server ends; its status."""
        watched = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a signal that is ignored cannot be waited for
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        assert self.present is not None
        while self.present.poll() is None:
            number = signal.sigwait(watched)
            if number == signal.SIGHUP:
                self.start(lambda: bool(signal.sigpending() & {signal.SIGTERM, signal.SIGINT}))
            elif number != signal.SIGCHLD:
                return _end(self.present, signal.SIGTERM)
        return self.present.returncode


def _all_ready(reader: int, workers: int, until: float, given_up: Callable[[], bool]) -> bool:
    missing = workers
    while missing > 0 and time.monotonic() < until and not given_up():
        if select.select([reader], [], [], 0.2)[0]:
            said = os.read(reader, missing)
            if not said:  # all of its processes have ended
                return False
            missing -= len(said)
    return missing <= 0


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait()
