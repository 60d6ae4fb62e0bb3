"""The galleries of a start, opened once for all worker processes, beside the import of their code.

A process of its own opens them and writes them into memory that has no name. The worker processes come later: each
copies what it needs, follows what changed since, and closes that memory; it is gone when the last one has. Without
it, or when anything is wrong with it, a worker process opens the galleries itself.

    arrays, one after the other | index, as JSON | 8 bytes: where the index begins
"""

from __future__ import annotations

import io
import json
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from identity.matching.gallery_rows import GalleryRows
from identity.matching.names import Names
from identity.store.galleries import GalleryState

LONGEST_S = 60.0  # until which a worker process waits; then it opens the galleries itself
TAIL = 8


@dataclass(frozen=True)
class Preloaded:
    """The memory, and the end of a pipe that closes when all is written."""

    memory: int
    done: int

    def take(self, tenant: str, pack: str, rows: GalleryRows) -> GalleryState | None:
        """Fill the empty `rows` with a gallery; the state it is in. None when it is not there."""
        found = self._index.get(f"{tenant}\n{pack}")
        if found is None:
            return None
        names, places, homes = (self._array(one) for one in found["arrays"])
        at = found["numbers"]
        for part in rows.fill(Names(names), places, homes, found["sites"], found["dead"], found["large"]):
            self._read(part, at)
            at += part.nbytes
        return GalleryState(found["generation"], found["size"], bytes.fromhex(found["salt"]))

    @cached_property
    def _index(self) -> Mapping[str, Any]:
        ended = select.poll()  # `select` itself knows the first 1,024 files of a process
        ended.register(self.done, select.POLLIN)
        if not ended.poll(1000 * LONGEST_S):
            return {}
        end = os.fstat(self.memory).st_size
        if end < TAIL:
            return {}  # it ended before it had written all
        begin = int.from_bytes(os.pread(self.memory, TAIL, end - TAIL), "big")
        if begin > end - TAIL:
            return {}  # these bytes are of a template: it was ended in the middle
        index = json.loads(os.pread(self.memory, end - TAIL - begin, begin))
        return index if isinstance(index, dict) else {}

    def _array(self, at: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        made = np.empty(at["shape"], at["dtype"])
        self._read(made, at["at"])
        return made

    def _read(self, into: np.ndarray[Any, Any], at: int) -> None:
        """Fill an array with what lies at a place. Raises OSError: there is less."""
        left = memoryview(into.reshape(-1).view(np.uint8))
        while left:  # one call reads 2 GB at most
            read = os.preadv(self.memory, [left], at)
            if not read:
                raise OSError("the galleries of the start are cut short")
            left, at = left[read:], at + read

    def close(self) -> None:
        """Close both in this process."""
        os.close(self.memory)
        os.close(self.done)


_present: list[Preloaded] = []
_lock = threading.Lock()  # also over a fork: no process may part with the list empty and the memory open
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def take(tenant: str, pack: str, rows: GalleryRows) -> GalleryState | None:
    """`Preloaded.take` of what the first process began, in a worker process that parted from it; else None."""
    with _lock:
        try:
            return _present[0].take(tenant, pack, rows) if _present else None
        except (OSError, ValueError, KeyError):
            rows.empty()
            return None


def forget() -> None:
    """This process needs it no more. Twice is no error."""
    with _lock:
        while _present:
            _present.pop().close()


def begin(galleries: Callable[[], Mapping[tuple[str, str], tuple[GalleryState, GalleryRows]]]) -> None:
    """Open `galleries` in a process of its own, for worker processes that part from this one; then this one calls
    `forget`. To be called while it has no other thread, and nothing open that must end with it."""
    memory = os.memfd_create("galleries", os.MFD_CLOEXEC)
    done, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.setitimer(signal.ITIMER_REAL, LONGEST_S)  # nobody waits for it any more, and it has templates
            os.close(done)
            write(memory, galleries())
            status = 0
        finally:
            os._exit(status)  # nothing of the first process is to be ended here
    os.close(writing)
    _present.append(Preloaded(memory, done))
    threading.Thread(target=os.waitpid, args=(child, 0), name="galleries", daemon=True).start()


def write(memory: int, galleries: Mapping[tuple[str, str], tuple[GalleryState, GalleryRows]]) -> None:
    """Write them into the file `memory`."""
    index: dict[str, Any] = {}
    with io.FileIO(memory, "wb", closefd=False) as raw, io.BufferedWriter(raw, 1 << 20) as file:
        for (tenant, pack), (state, rows) in galleries.items():
            count, arrays = len(rows.names), []
            for one in (rows.names.array, rows.places[:count], rows.homes[:count]):
                arrays.append({"at": file.tell(), "shape": one.shape, "dtype": one.dtype.str})
                file.write(one.tobytes())
            numbers = file.tell()
            for part in rows.numbers:
                file.write(part.tobytes())
            index[f"{tenant}\n{pack}"] = {
                "generation": state.generation,
                "size": state.size,
                "salt": state.salt.hex(),
                "sites": rows.sites,
                "dead": sorted(rows.dead),
                "arrays": arrays,
                "numbers": numbers,
                "large": rows.shards is not None,
            }
        begins = file.tell()
        file.write(json.dumps(index).encode() + begins.to_bytes(TAIL, "big"))
