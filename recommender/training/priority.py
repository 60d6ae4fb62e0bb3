"""A training never takes what the server needs: lower priority, bounded memory, first to go when memory ends.

Priorities of Linux belong to threads. The heavy work (fitting, evaluating) runs in a thread that is far nicer than
the server's and takes the processor from nobody who wakes up (SCHED_BATCH); what holds locks that the server
waits for (publishing, progress) stays in threads of nearly ordinary priority. Not SCHED_IDLE: on a machine that is
always busy a training would never end.
"""

from __future__ import annotations

import contextvars
import ctypes
import os
import platform
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # numbers of the system calls
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
SLICE_NS = 100_000
"""Linux since 6.12 lets whoever runs finish a slice, 3 ms unless it says otherwise, before one that wakes up runs.
An older one ignores it."""

WHO_THREAD, LAST_OF_THE_DISK = 1, 2 << 13 | 7
FIRST_TO_GO = 800  # of 1000: when the machine has no memory left, the kernel ends the training and not the server
SHARE_OF_MACHINE = 0.5
"""A training may use so much of the memory where no setting says otherwise."""

NICE = 5
"""Of the process of a training; its heavy work is nicer by `MUCH_NICER` more."""

MUCH_NICER = 14


class Aside(Protocol):
    """Does heavy work where it is in nobody's way."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """The result of `work`, or its exception."""


def here(work: Callable[[], T], /) -> T:
    """An `Aside` that does the work in this thread."""
    return work()


def behind(work: Callable[[], T], /) -> T:
    """An `Aside`: the work comes behind everybody else's."""
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        lower()
        try:
            done.set_result(context.run(work))
        except BaseException as error:  # the caller gets it, whatever it is
            done.set_exception(error)

    threading.Thread(target=run, name="training", daemon=True).start()
    return done.result()


def lower() -> None:
    """Put this thread behind all others, for the processor and for the disk, as far as the system has it."""
    nice = os.nice(MUCH_NICER)  # of Linux: this thread alone
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with suppress(OSError, AttributeError, ValueError):
        attributes = struct.pack("=IIQiIQQQII", 56, os.SCHED_BATCH, 0, nice, 0, SLICE_NS, 0, 0, 0, 0)
        ctypes.CDLL(None, use_errno=True).syscall(SCHED_SETATTR.get(platform.machine(), -1), 0, attributes, 0)
    with suppress(OSError, AttributeError, ValueError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall(IOPRIO_SET.get(platform.machine(), -1), WHO_THREAD, 0, LAST_OF_THE_DISK)


def step_back() -> None:
    """In the process of a training: nicer than the server, and the first to go when memory ends."""
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))


def memory_mb() -> float:
    """What this process has in memory now, MB; 0 where the system does not say."""
    return _status("VmRSS:")


def peak_mb() -> float:
    """The most that this process ever had in memory, MB; 0 where the system does not say."""
    return _status("VmHWM:")


def _status(name: str) -> float:
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return float(next(line for line in lines if line.startswith(name)).split()[1]) / 1024
    return 0.0


def usual_ceiling_mb() -> int:
    """The memory that a training may use where no setting says: a share of the machine's, or container's."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # "max" is no number
        pages = min(pages, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return int(SHARE_OF_MACHINE * pages / 1024**2)
