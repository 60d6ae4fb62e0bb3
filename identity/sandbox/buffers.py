"""The server's own memory for pixels: erased when nobody looks at them any more, and used again."""

from __future__ import annotations

import mmap
import weakref

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 4 << 20
"""Of one buffer: a frame of 1280 x 960 has 3.7 million. A larger one goes back to the system after its picture."""


class PixelBuffers:
    """Buffers for pictures, of which `most` are kept for the next ones. Safe with threads.

    They are apart from the C library's pool: there a picture's memory stays for good as soon as something small
    lies behind it. Taking it from the system for each picture costs up to 4 ms.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: list[mmap.mmap] = []

    def copy(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of `pixels`. Its memory is overwritten with zeros when nobody refers to it or a part of it."""
        buffer = self._taken(pixels.size)
        # Every view refers to this array, which owns nothing itself: numpy does not look further, at the buffer.
        octets: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8, pixels.size)
        weakref.finalize(octets, self._give_back, buffer, pixels.size)
        copy = octets.reshape(pixels.shape)
        copy[:] = pixels
        return copy

    def _taken(self, count: int) -> mmap.mmap:
        if count <= KEPT_BYTES:
            try:
                return self._free.pop()
            except IndexError:
                pass
        return mmap.mmap(-1, max(count, KEPT_BYTES), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def _give_back(self, buffer: mmap.mmap, count: int) -> None:
        np.frombuffer(buffer, np.uint8, count)[:] = 0
        if len(buffer) == KEPT_BYTES and len(self._free) < self._most:
            self._free.append(buffer)
