"""Which customers' tokens are closed before they expire: a short list that is read with every token.

Whoever opts out, pauses or takes a purpose back has tokens in flight for up to ten minutes. Identity writes them
into this file, the recommender looks into it; where the halves have a folder each, the file of one is carried to
the other (`plumbing/handover.py`). An entry is kept for one to two `EPOCH`s: then no token from before is left.

    0    16  magic, with the version
    16    8  generation: another number after every change
    24   16  the start of the machine that `heard` belongs to (its hash)
    40    8  heard: identity was alive at this moment (microseconds since that start)
    48   16  a random name of this file
    64    8  tokens that were issued before this moment are closed, whoever's they are
    512   -  slots of 32 bytes

    slot: 20 bytes of HMAC(key, tenant and pseudonym), 8 bytes "closed when issued before", masked by the same key
    and customer, 4 bytes epoch

The key is made from the keys of tokens, which both halves have. Without the pseudonym an entry says nothing, not
even when. Slots are filled at random, and room for the next ones is kept ready: a full disk stops no opt-out.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from plumbing.clock import MINUTE, SECOND, Clock, monotonic_us, system_clock
from plumbing.problem import Problem
from plumbing.storage.bytes_file import BytesFile, LocalFile, Opened, opened
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.state import Files

FILE = "closed-tokens"
MAGIC = b"usual-closed-1\0\0"
SLOTS_AT = 512
SLOT = 32
TAG, ENTRY = 20, 28
GROW = 256  # slots
SPARE = 64  # slots that are kept empty
MOST = 32_768  # slots: with more, all tokens in flight are closed
EPOCH = 11 * MINUTE  # a token is good for ten minutes
FOR_EVER = (1 << 63) - 1
"""The customer was erased: no token of theirs is good, whenever it was issued."""
SILENCE = 5 * SECOND
"""So long a recommender in a process of its own goes on without a sign of life from identity."""
EVERY_MACHINE = b"server clock".ljust(16, b"\0")
"""In the place of a machine: `heard` is by the clock of the server that holds the list."""
_HEAD = struct.Struct(">Q16sQ16sQ")


def visit_of(token_id: str) -> str:
    """In the place of a pseudonym: the tokens of one visit, which have one id. No pseudonym has a blank."""
    return f"visit {token_id}"


class ClosedUnusable(Problem):
    """The list of closed tokens cannot be read: no token opens anything."""

    code = "closed_tokens_unusable"
    status = 503
    title = "The list of closed tokens cannot be read"
    what_to_do = (
        "Guests are served meanwhile. An operator looks at the disk and at the rights of the state folder."
    )


class ClosedTokens:
    """The list of one installation. Safe with threads and with several processes.

    `token_keys` are the keys of tokens, newest first; `now_us` decides when an entry may go.
    """

    def __init__(self, home: Path | Opened, token_keys: Sequence[bytes], now_us: Clock = system_clock) -> None:
        """Open the file, which is made when it is not there; `home` is the state folder, or what opens a file that
        replicas share. Raises ClosedUnusable or OSError."""
        self._place = home / FILE if isinstance(home, Path) else home
        self._token_keys = token_keys
        self._now_us = now_us
        self._lock = threading.Lock()
        self._seen: int | None = None  # the generation of `_entries`
        self._entries: dict[bytes, list[bytes]] = {}
        self._files: list[BytesFile] = []
        self._open()

    @classmethod
    def shared(cls, files: Files, token_keys: Sequence[bytes], now_us: Clock = system_clock) -> ClosedTokens:
        """The list of the home, or the one that replicas share. Raises ClosedUnusable or OSError."""
        return cls(files.home if files.database is None else files.place(FILE, held=True), token_keys, now_us)

    @property
    def path(self) -> Path:
        """Where it is, in a message."""
        return Path(self._file.name)

    # --- reading: with every token

    def closed_until(self, tenant: str, pseudonym: str) -> int:
        """Tokens of this customer that were issued before this moment are closed; 0 when none is.

        Costs two small system calls. Raises ClosedUnusable.
        """
        head = self._current()
        latest = head[4]
        for key in self._token_keys:
            tag, mask = _masks(key, tenant, pseudonym)
            latest = max(
                [latest, *(int.from_bytes(masked, "big") ^ mask for masked in self._entries.get(tag, ()))]
            )
        return latest

    def generation(self) -> int:
        """Another number after every change, by whatever process. Raises ClosedUnusable."""
        return self._current()[0]

    def name(self) -> str:
        """The random name of the file: another one when it was made new."""
        return self._current()[3].hex()

    def entries(self) -> list[bytes]:
        """Every entry that is still needed: 28 bytes, to be carried to another state folder."""
        self._current()
        return [tag + masked for tag, several in self._entries.items() for masked in several]

    # --- writing

    def close(self, tenant: str, pseudonym: str, before_us: int = FOR_EVER) -> None:
        """Close the tokens of a customer that were issued before a moment; on the disk before it returns.

        Raises OSError: the disk is full, and the room that was kept ready is used up.
        """
        before_us = max(before_us, self.closed_until(tenant, pseudonym))
        tag, mask = _masks(self._token_keys[0], tenant, pseudonym)
        self.add([tag + (before_us ^ mask).to_bytes(8, "big")])

    def add(self, entries: Iterable[bytes]) -> int:
        """Take over entries of 28 bytes; returns how many were new. Of several of one customer the latest counts.

        Raises OSError as `close` does.
        """
        with self._locked():
            epoch = self._epoch()
            content, changed = self._swept(epoch)
            slots = {at: content[at : at + SLOT] for at in range(0, len(content), SLOT)}
            there = {slot[:ENTRY] for slot in slots.values()}
            new = {entry for entry in entries if len(entry) == ENTRY and entry not in there}
            free = [at for at, slot in slots.items() if not any(slot)]
            free += self._grown(len(content), len(new) + SPARE - len(free), needed=len(new) - len(free))
            for entry in new:
                if not free:
                    self._put(64, self._now_us().to_bytes(8, "big"))  # no room: all that is in flight is closed
                    break
                place = free.pop(secrets.randbelow(len(free)))
                self._put(SLOTS_AT + place, entry + epoch.to_bytes(4, "big"))
            if new or changed:
                self._next_generation()
        return len(new)

    def sweep(self) -> None:
        """Forget entries that are not needed any more."""
        with self._locked():
            if self._swept(self._epoch())[1]:
                self._next_generation()

    # --- whether identity is there

    def note_heard(self, at_us: int) -> None:
        """Identity was alive at this moment of the machine's own clock (`monotonic_us`); an earlier one than is
        known changes nothing."""
        now = monotonic_us()
        if at_us > now:
            return
        shared_us = self._file.clock_us()  # machines that share the list have no monotonic clock in common
        machine, at_us = (_machine(), at_us) if shared_us is None else (EVERY_MACHINE, shared_us - (now - at_us))
        with self._locked():
            head = self._head()
            if head[1] == machine and head[2] >= at_us:
                return
            self._put(24, machine + at_us.to_bytes(8, "big"))

    def heard_us(self) -> int | None:
        """When identity was heard last, by `monotonic_us`; None: not since the machine was started."""
        _, machine, heard, _, _ = self._current()
        now, shared_us = monotonic_us(), self._file.clock_us()
        if shared_us is not None:
            return now - (shared_us - heard) if machine == EVERY_MACHINE and heard <= shared_us else None
        return heard if machine == _machine() and heard <= now else None

    def shut(self) -> None:
        """Close the file. An owner that is dropped closes it too."""
        for file in self._files:
            file.close()

    # --- the file

    def _open(self) -> None:
        head = _HEAD.pack(1, bytes(16), 0, secrets.token_bytes(16), 0)
        content = (MAGIC + head).ljust(SLOTS_AT, b"\0") + bytes(SLOT * GROW)
        self._file = opened(self._place, lambda: content)
        # The file before, if there was one, stays open: another thread may be reading it.
        self._files.append(self._file)
        self._inode = self._file.number if isinstance(self._file, LocalFile) else None
        self._seen = None
        if self._read(len(MAGIC), 0) != MAGIC:
            self.shut()
            raise ClosedUnusable(f"{self._file.name} is no list of closed tokens of this version. Take it away.")

    def _read(self, size: int, at: int) -> bytes:
        try:
            return self._file.read(size, at)
        except DatabaseBusy as error:
            raise ClosedUnusable(error.detail) from error

    def _head(self) -> tuple[int, bytes, int, bytes, int]:
        raw = self._read(_HEAD.size, len(MAGIC))
        if len(raw) < _HEAD.size:
            raise ClosedUnusable(f"{self._file.name} was cut short. Take it away.")
        return _HEAD.unpack(raw)

    def _current(self) -> tuple[int, bytes, int, bytes, int]:
        """The head; the entries are read again when it says that they changed. Follows a file that is another."""
        if not self._is_there():
            with self._lock:
                if not self._is_there():
                    self._open()
        head = self._head()
        if self._seen != head[0]:
            content, epoch = self._slots(), self._epoch()
            entries: dict[bytes, list[bytes]] = {}
            for at in range(0, len(content), SLOT):
                slot = content[at : at + SLOT]
                if any(slot) and _needed(slot, epoch):
                    entries.setdefault(slot[:TAG], []).append(slot[TAG:ENTRY])
            self._entries = entries
            self._seen = head[0]
        return head

    def _is_there(self) -> bool:
        """Whether the file that is open is the one that lies there."""
        if not isinstance(self._place, Path):
            return True  # rows of a database
        try:
            return os.stat(self._place).st_ino == self._inode  # noqa: PTH116 - with every token: twice as fast
        except FileNotFoundError:
            return False

    def _swept(self, epoch: int) -> tuple[bytes, bool]:
        """The slots, without those that are not needed any more; whether there were any."""
        content = bytearray(self._slots())
        changed = False
        for at in range(0, len(content), SLOT):
            slot = bytes(content[at : at + SLOT])
            if any(slot) and not _needed(slot, epoch):
                content[at : at + SLOT] = bytes(SLOT)
                self._put(SLOTS_AT + at, bytes(SLOT))
                changed = True
        return bytes(content), changed

    def _slots(self) -> bytes:
        content = self._read(self._file.size(), SLOTS_AT)
        return content[: len(content) // SLOT * SLOT]

    def _grown(self, size: int, wanted: int, *, needed: int) -> list[int]:
        """Places of new slots, when fewer than SPARE would stay free. Raises OSError only if one is `needed`."""
        if wanted <= 0 or size // SLOT >= MOST:
            return []
        more = -(-wanted // GROW) * GROW
        try:
            self._file.grow(SLOTS_AT + size + more * SLOT)
        except OSError as error:
            if needed > 0 or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            return []
        return [size + number * SLOT for number in range(more)]

    def _put(self, at: int, content: bytes) -> None:
        self._file.write(content, at)

    def _next_generation(self) -> None:
        self._put(16, ((self._head()[0] + 1) % (1 << 63)).to_bytes(8, "big"))
        self._file.sync()

    def _epoch(self) -> int:
        return self._now_us() // EPOCH % (1 << 32)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._current()  # the file that lies there now
        with self._file.locked():
            yield


def _needed(slot: bytes, epoch: int) -> bool:
    """Whether tokens from before this entry may still be in flight."""
    return abs(epoch - int.from_bytes(slot[ENTRY:], "big")) <= 1


@lru_cache(maxsize=8)
def _key(token_key: bytes) -> bytes:
    return hmac.digest(token_key, b"usual closed tokens 1", hashlib.sha256)


def _masks(token_key: bytes, tenant: str, pseudonym: str) -> tuple[bytes, int]:
    """The 20 bytes that stand for a customer, and what their moment is masked with."""
    digest = hmac.digest(_key(token_key), json.dumps([tenant, pseudonym]).encode(), hashlib.sha256)
    return digest[:TAG], int.from_bytes(digest[TAG:ENTRY], "big")


@lru_cache(maxsize=1)
def _machine() -> bytes:
    """16 bytes that are others after the machine was started again."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:  # not Linux: a moment from before a restart is known by being later than now
        boot = b""
    return hashlib.sha256(boot).digest()[:16]
