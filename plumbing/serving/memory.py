"""Settings of the C library's memory. On another library these functions do nothing."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # engines and decoders use this module, and asyncio is 4 MB in each
    import asyncio

TRIM_S = 5.0
"""How often a process that serves returns what it does not use: .5 to 2 ms each time."""
PATIENCE = 1_000
"""Time between two times, in the time that one took: nobody can allocate meanwhile, and of 400 MB in pieces of a
few kB it takes .4 s."""

M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -8, -1, -3  # <malloc.h>


def share_pool() -> None:
    """Let all threads take memory from one pool. The GNU C library gives every thread its own, and each would keep
    the largest pictures that it ever held."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
    keep_buffers(8 << 20)


def give_back() -> None:
    """Return to the system what starting needed and working does not, and collect garbage from here on."""
    gc.collect()
    gc.enable()
    trim()


def trim() -> None:
    """Return to the system every page that nothing lies on. By itself the GNU C library returns only those at the
    end of the pool, up to the last small thing that lies there."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_trimmed(loop: asyncio.AbstractEventLoop) -> None:
    """`trim` now and every TRIM_S, for as long as `loop` runs; less often where it takes long."""
    began = loop.time()
    trim()
    loop.call_later(max(TRIM_S, PATIENCE * (loop.time() - began)), keep_trimmed, loop)


def keep_buffers(most: int = 16 << 20) -> None:
    """Keep the memory of a picture for the next one: taking it from the system again costs up to 4 ms. By itself
    the GNU C library keeps up to 64 MB."""
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, 32 << 20)
        library.mallopt(M_TRIM_THRESHOLD, most)
