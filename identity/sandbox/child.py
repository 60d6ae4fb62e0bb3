"""The server's side of any sandboxed process: starts it, shares memory with it, reads its answers, ends it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from identity.sandbox import wire
from identity.sandbox.supervisor import LOADING_TIMEOUT_S, NotLoaded
from plumbing.serving.silence import VARIABLES

PASSED_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""The environment variables of the server that such a process gets: no key, no folder."""


class Shared:
    """Memory that this process and another one see. `descriptor` is for the other: read-only unless `writable`."""

    def __init__(self, name: str, size: int, *, writable: bool = False) -> None:
        memory = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, size)
        # Without seals the process could truncate it, and an access beyond the end would crash the server.
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.octets: NDArray[np.uint8] = np.frombuffer(mmap.mmap(memory, size), np.uint8)
        # A mapping of a read-only descriptor can never be made writable.
        mode = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        self.descriptor = os.open(f"/proc/self/fd/{memory}", mode)
        os.close(memory)


class Child:
    """One process of `python -m module`, with two pipes and shared memory. Used by one thread at a time.

    `order` says what to do; the numbers of its descriptors are added: `requests`, `answers` and the names in
    `shared`. Raises OSError.
    """

    def __init__(self, module: str, order: Mapping[str, object], shared: Mapping[str, Shared]) -> None:
        self._ended = False
        requests_end, self._requests = os.pipe()
        self._answers, answers_end = os.pipe()
        passed = {"requests": requests_end, "answers": answers_end}
        passed |= {name: memory.descriptor for name, memory in shared.items()}
        sizes = {f"{name}_bytes": memory.octets.size for name, memory in shared.items()}
        environment = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", module, json.dumps({**order, "parent": os.getpid()} | passed | sizes)],
                env=environment | threads | VARIABLES,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=tuple(passed.values()),
            )
        except OSError:
            os.close(self._requests)
            os.close(self._answers)
            raise
        finally:
            for descriptor in passed.values():
                os.close(descriptor)
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)

    def hello(self) -> dict[str, object]:
        """The first thing that the process says. Raises NotLoaded when that is an error; OSError, EOFError,
        ValueError."""
        hello = json.loads(self.read(wire.LONGEST_HELLO, time.monotonic() + LOADING_TIMEOUT_S))
        if "error" in hello:
            raise NotLoaded(str(hello["error"]))
        return dict(hello)

    def send(self, request: bytes) -> None:
        """Send a request. Raises OSError, or WireError when something was said without a request."""
        if self._poll.poll(0):
            raise wire.WireError("an answer without a request, or the end of the pipe")
        wire.write_all(self._requests, request)

    def read(self, count: int, deadline: float) -> bytes:
        """`count` bytes, up to `deadline` (time.monotonic). Raises TimeoutError, OSError, EOFError."""
        parts = []
        while count:
            if not self._poll.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                raise TimeoutError("no answer")
            part = os.read(self._answers, count)
            if not part:
                raise EOFError("the process has ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill the process and close its descriptors. Only once: later a descriptor's number may belong to another
        file."""
        if self._ended:
            return
        self._ended = True
        self.process.kill()
        self.process.wait()
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
