"""Processes that end with their parent, and one server for each half of a home and for each port."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from plumbing.problem import Problem

SET_DEATH_SIGNAL = 1  # <linux/prctl.h>
LOOK_S = 0.5  # how often a process looks for its parent where the kernel does not tell it
SERVER = "USUAL_SERVER_PROCESS"  # the variable that holds the process id of the server's first process
PATIENCE_S = (
    3.0  # for the processes of a server that was killed just now: the kernel ends them within milliseconds
)
VERSION = 1  # of the file that describes a running server


class ServerRunning(Problem):
    """Another server serves this half of the home, or listens on the port."""

    code = "server_running"
    title = "Another server is running"
    what_to_do = "Stop the other server, or choose another port."


def die_with_parent(parent: int) -> None:
    """End this process when the process `parent` that started it ends, in whatever way; exits now if it has ended.

    On Linux the kernel does it, when the thread that started this process ends. Elsewhere a thread looks.
    """
    by_kernel = False
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            prctl = ctypes.CDLL(None, use_errno=True).prctl
            by_kernel = prctl(SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) == 0
    if os.getppid() != parent:
        os._exit(0)
    if not by_kernel:
        threading.Thread(target=_look_for, args=(parent,), name="parent", daemon=True).start()


def _look_for(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(0)


def end_with_server() -> None:
    """In a worker process of the server: end when the server's first process ends. Elsewhere nothing happens."""
    first = int(os.environ.get(SERVER) or 0)
    if first and first != os.getpid():
        die_with_parent(first)


@contextlib.contextmanager
def only_server(home: Path, halves: Sequence[str], address: str) -> Iterator[None]:
    """Inside, this process serves `halves` of `home`; worker processes know it as their server.

    The kernel releases the locks when the last process of the server has ended. Commands need no lock.

    Raises ServerRunning, with the process, the start and the address of the other server.
    """
    from plumbing.storage.files import process_lock, write_atomic

    home.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        for half in halves:
            lock, described = process_lock(home / f"server-{half}.lock"), home / f"server-{half}.json"
            try:
                lock.acquire(timeout=PATIENCE_S)
            except TimeoutError:  # filelock's own error is one
                raise ServerRunning(_who_serves(described, half, home)) from None
            held.callback(lock.release)
            about = {"version": VERSION, "process": os.getpid(), "address": address, "since": _now()}
            with contextlib.suppress(OSError):  # a full disk: the lock counts, the description is a help
                write_atomic(described, json.dumps(about).encode(), mode=0o600)
            held.callback(described.unlink, missing_ok=True)
        os.environ[SERVER] = str(os.getpid())
        held.callback(os.environ.pop, SERVER, None)
        yield


def _who_serves(described: Path, half: str, home: Path) -> str:
    try:
        about = json.loads(described.read_bytes())
        who = f"process {about['process']}, since {about['since']}, on {about['address']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "its process is not known"
    return f"A server has {half} of {home.resolve()} already ({who}). Stop it first, or use another --home."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def only_listener(host: str, port: int, *, several: bool) -> Iterator[None]:
    """Inside, no other server can be started on this address.

    Worker processes each listen on the port (SO_REUSEPORT), and the kernel would let another server of the same
    user join them and answer a part of the requests. So the port must be free for a process that shares it with
    nobody, and then it is held. `several`: worker processes listen; else the server itself binds the port.

    Raises ServerRunning.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        yield  # the server reports what is wrong with the address
        return
    with socket.socket(family, kind, protocol) as holder:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended do not count
            _bind(probe, place, host, port)
        if several and port and hasattr(socket, "SO_REUSEPORT") and find_spec("granian") is not None:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _bind(holder, place, host, port)
        yield


def _bind(one: socket.socket, place: Any, host: str, port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            one.bind(place)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if time.monotonic() > until:
                taken = f"Another program listens on {host} port {port}. Stop it first, or use another --port."
                raise ServerRunning(taken) from None
            time.sleep(0.05)
        else:
            return
