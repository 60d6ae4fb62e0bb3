"""Settings of the C library's memory. On another library these functions do nothing."""

from __future__ import annotations

import contextlib
import ctypes
import gc

M_ARENA_MAX = -8  # <malloc.h>


def share_pool() -> None:
    """Let all threads take memory from one pool. The GNU C library gives every thread its own, and each would keep
    the largest pictures that it ever held."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what starting needed and working does not."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
