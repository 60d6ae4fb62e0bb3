"""Processes that end with their parent, and one server for each half of a home."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

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
def only_server(
    home: Path, halves: Sequence[str], address: str, handed: Mapping[str, int] | None = None
) -> Iterator[dict[str, int]]:
    """Inside, this process serves `halves` of `home`; worker processes know it as their server.

    Gives the descriptors of the locks, by half: who inherits one has the lock, too. `handed` are those of the
    server that this one succeeds. The kernel releases a lock when the last process that has it ends. Commands need
    no lock.

    Raises ServerRunning, with the process, the start and the address of the other server.
    """
    from plumbing.storage.files import write_atomic

    home.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        locks: dict[str, int] = {}
        for half in halves:
            described = home / f"server-{half}.json"
            locks[half] = (handed or {}).get(half) or _locked(home / f"server-{half}.lock")
            if not locks[half]:
                raise ServerRunning(_who_serves(described, half, home))
            held.callback(os.close, locks[half])  # and not released: a successor may have it
            about = {"version": VERSION, "process": os.getpid(), "address": address, "since": _now()}
            with contextlib.suppress(OSError):  # a full disk: the lock counts, the description is a help
                write_atomic(described, json.dumps(about).encode(), mode=0o600)
            held.callback(_remove_own, described)
        os.environ[SERVER] = str(os.getpid())
        held.callback(os.environ.pop, SERVER, None)
        yield locks


def _locked(path: Path) -> int:
    """The descriptor of a file that this process has locked; 0 if another one has it, after a while of waiting."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(file)
                return 0
            time.sleep(0.05)
        except BaseException:
            os.close(file)
            raise
        else:
            return file


def _remove_own(described: Path) -> None:
    """Remove the description of this server; that of its successor stays."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if json.loads(described.read_bytes()).get("process") == os.getpid():
            described.unlink()


def _who_serves(described: Path, half: str, home: Path) -> str:
    try:
        about = json.loads(described.read_bytes())
        who = f"process {about['process']}, since {about['since']}, on {about['address']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "its process is not known"
    return f"A server has {half} of {home.resolve()} already ({who}). Stop it first, or use another --home."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
