"""Locks a process down, permanently, so that it can only compute.

Two walls, because each protects where the other may not (docs/decisions):
* resource limits, on every Unix: no new descriptor (so no file, socket, pipe or database), no write to a file, no
  new process, no core dump, at most a gigabyte more of memory;
* on Linux a list of the few system calls that computing needs, enforced by the kernel (seccomp, BPF). Every other
  call fails with "not permitted". That applies to root as well and cannot be undone.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

# Number of each permitted call on x86-64 and on arm64 (None: it does not exist there). Reading, writing and
# mapping work on descriptors that are open already; nothing here opens one, takes a path or another process.
PERMITTED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}
TIMER: dict[str, tuple[int | None, int | None]] = {"setitimer": (38, 103)}
"""For a process that limits its own time at each request."""
MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
"""machine -> column of PERMITTED, the kernel's name of the architecture (AUDIT_ARCH_*), number of `seccomp`."""

# <linux/bpf_common.h>, <linux/seccomp.h>, <linux/prctl.h>
LOAD_WORD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
OFFSET_NUMBER, OFFSET_ARCHITECTURE = 0, 4
X32_BIT = 0x40000000  # the x32 numbers: another way into the same kernel
SET_NO_NEW_PRIVILEGES = 38
FILTER_MODE, ALL_THREADS = 1, 1

SPARE_BYTES = 2**30  # for computing, in addition to what loading took: a pack must not use up the server's memory


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def filter_for(machine: str, more: Mapping[str, tuple[int | None, int | None]] | None = None) -> bytes:
    """The BPF program for a machine, as consecutive `struct sock_filter`: PERMITTED and `more`."""
    column, architecture, _ = MACHINES[machine]
    numbers = [known[column] for known in (PERMITTED | dict(more or {})).values()]
    permitted = [number for number in numbers if number is not None]
    steps = [
        (LOAD_WORD, 0, 0, OFFSET_ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, OFFSET_NUMBER),
        (AT_LEAST, len(permitted), 0, X32_BIT),  # to the refusal
        *((EQUAL, len(permitted) - n, 0, number) for n, number in enumerate(permitted)),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def lock_down(
    spare_bytes: int = SPARE_BYTES, more: Mapping[str, tuple[int | None, int | None]] | None = None
) -> tuple[str, ...]:
    """Lock this process down, permanently; the walls that were set up, of "limits" and "system calls".

    `spare_bytes` is the memory it may take from now on, `more` the calls it may make beside PERMITTED.

    Raises RuntimeError when a file or another descriptor can still be opened afterwards.
    """
    with contextlib.suppress(AttributeError, ValueError, OSError):  # only Linux reports the memory in use
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + spare_bytes, in_use + spare_bytes))
    for limit in ("RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_NOFILE"):
        with contextlib.suppress(AttributeError, ValueError, OSError):  # some Unixes lack or refuse some of them
            resource.setrlimit(getattr(resource, limit), (0, 0))
    walls = ("limits", "system calls") if _filter_calls(more) else ("limits",)
    for attempt in (lambda: os.open(os.devnull, os.O_RDONLY), os.pipe):
        try:
            attempt()
        except OSError:
            continue
        raise RuntimeError("descriptors can still be opened: engine packs cannot be sandboxed on this system")
    return walls


def _filter_calls(more: Mapping[str, tuple[int | None, int | None]] | None) -> bool:
    """Install the list of permitted calls for all threads of this process; whether the kernel accepted it."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in MACHINES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = filter_for(machine, more)
    arguments = _Program(len(program) // 8, program)
    if libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    call = MACHINES[machine][2]
    return bool(libc.syscall(call, FILTER_MODE, ALL_THREADS, ctypes.byref(arguments)) == 0)
