"""One key per customer, in a file of fixed slots that is overwritten in place.

Destroying a key erases what it sealed everywhere, old backups of the database included. The file is never
rewritten, moved or compacted: to destroy a key is to overwrite 256 bytes that are there already, which works on a
full disk too (a `DELETE` in SQLite needs room for its log). The same write leaves behind, sealed, what the rest of
the erasure needs to know, so that no crash in between can lose it.

Slot 0 holds the root secret and the audit's mark; every other one is free, holds a key, or holds an erasure that
is not finished yet. Secrets are wrapped by a master key that is kept elsewhere (AES-256-GCM).
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity.errors import KeyDestroyed, KeyFileDamaged, StorageFull
from plumbing.storage.bytes_file import Opened, opened
from plumbing.storage.files import load_or_create_secret

NAME, MASTER = "identity-keys", "master.key"
"""The file and its master keys in a state folder."""

SLOT = 256  # bytes; divides every sector size, so a slot is never half on one sector
READ = 4 << 20  # bytes that are read at once; a multiple of SLOT
GROW = 256  # slots of a new file
LEAST_SLOTS = 4_096  # of a file that holds keys: with many free ones a key's slot does not say when it came
ROOMY = 4  # the file grows when fewer than one slot in so many is free
TRIES = 32  # at random, before all slots are looked at
MAGIC = b"usual-keys-1\0\0\0\0"
FREE, KEY, ERASURE = b"\0", b"K", b"E"
KEY_BYTES = 32
MARK_AT = 128  # in slot 0, behind the root secret: a byte of length, then the audit's mark, wrapped
OWNER_BYTES = 16
MOST_ERASURE = SLOT - 1 - 2 - 28  # state, length, nonce and tag


class KeyFile:
    """The slots. Safe with threads and with several processes: writers take a lock on the file.

    `masters` returns the master keys, newest first. It is called again when a secret was wrapped by a key that is
    not known yet, so that a rotation by another process needs no restart.
    """

    def __init__(self, place: Path | Opened, masters: Callable[[], Sequence[bytes]]) -> None:
        """`place` is a path, or what opens a file that replicas share."""
        self._load = masters
        self._masters = [AESGCM(key) for key in masters()]
        self._file = opened(place, self._new)
        header = self._file.read(SLOT, 0)
        if self._file.size() % SLOT:
            self._file.close()
            raise KeyFileDamaged("it was cut short; put back the last whole one")
        if header[: len(MAGIC)] != MAGIC:
            raise KeyFileDamaged("it does not begin like one")
        self.root = self._unwrap(header[len(MAGIC) :][: 12 + KEY_BYTES + 16], 0)
        """A secret of this installation, 32 bytes, from which others are derived. Never leaves `identity`."""

    @classmethod
    def in_home(cls, home: Path) -> KeyFile:
        """That of a state folder, under its master keys. Raises KeyFileDamaged."""
        return cls(home / NAME, lambda: master_keys(home / MASTER))

    def _new(self) -> bytes:
        """The content of a new file."""
        first = MAGIC + self._wrap(secrets.token_bytes(KEY_BYTES), 0)
        return first.ljust(SLOT, b"\0") + bytes(SLOT * (GROW - 1))

    @property
    def path(self) -> Path:
        """Where it is, in a message."""
        return Path(self._file.name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose; another purpose gives unrelated ones."""
        return hmac.digest(self.root, purpose.encode(), hashlib.sha256)

    def mark(self) -> bytes | None:
        """The audit's mark, which is stored where only keys are; None until one was set."""
        header = self._file.read(SLOT, 0)
        size = header[MARK_AT]
        return self._unwrap(header[MARK_AT + 1 :][:size], 0) if size else None

    def set_mark(self, content: bytes) -> None:
        """Replace the audit's mark, up to 90 bytes."""
        with self._locked():
            self._write(0, self._header(content))

    def allocate(self, owner: bytes) -> tuple[int, bytes]:
        """A new random key for `owner`; returns (slot, key). On the disk before it is returned.

        Raises StorageFull, with nothing written.
        """
        key = secrets.token_bytes(KEY_BYTES)
        with self._locked():
            slot = self._free_slot()
            self._write(slot, KEY + self._wrap(key + owner_digest(owner), slot))
        return slot, key

    def key(self, slot: int, owner: bytes) -> bytes:
        """The key in `slot`. Raises KeyDestroyed when it is gone or has become another owner's."""
        raw = self._file.read(SLOT, slot * SLOT) if slot > 0 else b""
        return self._key_in(raw, slot, owner)

    def all_keys(self) -> Callable[[int, bytes], bytes]:
        """A function like `key` on one copy of the whole file: to open many at once, then to be dropped."""
        content = self._file.read(self._file.size(), 0)

        def key(slot: int, owner: bytes) -> bytes:
            return self._key_in(content[slot * SLOT : (slot + 1) * SLOT] if slot > 0 else b"", slot, owner)

        return key

    def _key_in(self, raw: bytes, slot: int, owner: bytes) -> bytes:
        if raw[:1] != KEY:
            raise KeyDestroyed
        content = self._unwrap(raw[1 : 1 + 12 + KEY_BYTES + OWNER_BYTES + 16], slot)
        if not hmac.compare_digest(content[KEY_BYTES:], owner_digest(owner)):
            raise KeyDestroyed
        return content[:KEY_BYTES]

    def destroy(self, slot: int, owner: bytes, erasure: bytes = b"") -> None:
        """Overwrite the key of `owner` with the sealed `erasure` (what is still to be done), or with zeros.

        Raises KeyDestroyed when the slot does not hold that key.
        """
        with self._locked():
            self.key(slot, owner)
            self._write(slot, ERASURE + self._seal_erasure(erasure, slot) if erasure else FREE)

    def erasures(self) -> list[tuple[int, bytes]]:
        """The unfinished erasures: (slot, the bytes given to `destroy`)."""
        found = []
        for slot in self._slots_with(ERASURE):
            raw = self._file.read(SLOT, slot * SLOT)
            if raw[:1] == ERASURE:  # another process may have finished it meanwhile
                size = int.from_bytes(raw[1:3], "big")
                found.append((slot, self._unwrap(raw[3 : 3 + size], slot)))
        return found

    def changed(self) -> int:
        """Another number after every change of the file, by whatever process; costs one look at its date."""
        return self._file.changed()

    def finish(self, slot: int) -> None:
        """The erasure in `slot` is done: overwrite it, the slot is free."""
        with self._locked():
            if self._file.read(1, slot * SLOT) == ERASURE:
                self._write(slot, FREE)

    def counts(self) -> dict[str, int]:
        """How many slots hold a key, an unfinished erasure, nothing."""
        states = self._states()[1:]
        return {"keys": states.count(KEY), "erasures": states.count(ERASURE), "free": states.count(FREE)}

    def rewrap(self) -> int:
        """Wrap every secret again under the newest master key; returns how many. Can be interrupted and repeated.

        The older master keys must still be available; once this has ended they can be deleted.
        """
        with self._locked():
            self._write(0, self._header(self.mark()))
            slots = self._slots_with(KEY, ERASURE)
            for slot in slots:
                raw = self._file.read(SLOT, slot * SLOT)
                if raw[:1] == KEY:
                    content = self._unwrap(raw[1 : 1 + 12 + KEY_BYTES + OWNER_BYTES + 16], slot)
                    self._write(slot, KEY + self._wrap(content, slot))
                else:
                    content = self._unwrap(raw[3 : 3 + int.from_bytes(raw[1:3], "big")], slot)
                    self._write(slot, ERASURE + self._seal_erasure(content, slot))
        return 1 + len(slots)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._file.locked():
            # A rotation may have ended meanwhile: nothing may be wrapped by a key that is about to go.
            self._masters = [AESGCM(key) for key in self._load()]
            yield

    def _header(self, mark: bytes | None) -> bytes:
        wrapped = b"" if mark is None else self._wrap(mark, 0)
        root = (MAGIC + self._wrap(self.root, 0)).ljust(MARK_AT, b"\0")
        return root + len(wrapped).to_bytes(1, "big") + wrapped

    def _states(self) -> bytes:
        """The state of every slot, a byte each. The file is read in parts: of 100,000 customers it has 32 MB."""
        return b"".join(self._file.read(READ, at)[::SLOT] for at in range(0, self._file.size(), READ))

    def _slots_with(self, *states: bytes) -> list[int]:
        """The slots in one of these states, but for the first one."""
        found = np.isin(np.frombuffer(self._states(), np.uint8), [state[0] for state in states])
        return [slot for slot in np.flatnonzero(found).tolist() if slot]

    def _free_slot(self) -> int:
        """A free slot, drawn at random: the order of the slots is not that of the customers."""
        slots = self._file.size() // SLOT
        if slots < LEAST_SLOTS:
            slots = self._grown(slots, LEAST_SLOTS)
        for _ in range(TRIES):
            slot = 1 + secrets.randbelow(slots - 1)
            if self._file.read(1, slot * SLOT) == FREE:
                return slot
        free = self._slots_with(FREE)
        if len(free) < max(1, slots // ROOMY):
            larger = self._grown(slots, 2 * slots)
            free += range(slots, larger)
        if not free:
            raise StorageFull
        return secrets.choice(free)

    def _grown(self, slots: int, wanted: int) -> int:
        """The file with `wanted` slots; on a disk without room for them, with as many as it has."""
        try:
            self._file.grow(wanted * SLOT)
            self._file.sync()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                return slots
            raise
        return wanted

    def _write(self, slot: int, content: bytes) -> None:
        self._file.write(content.ljust(SLOT, b"\0"), slot * SLOT)
        self._file.sync()

    def _wrap(self, content: bytes, slot: int) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._masters[0].encrypt(nonce, content, _place(slot))

    def _unwrap(self, wrapped: bytes, slot: int) -> bytes:
        for attempt in range(2):
            for master in self._masters:
                try:
                    return master.decrypt(wrapped[:12], wrapped[12:], _place(slot))
                except InvalidTag:
                    continue
            if attempt == 0:
                self._masters = [AESGCM(key) for key in self._load()]
        raise KeyFileDamaged(f"slot {slot} was altered, or was wrapped by another master key")

    def _seal_erasure(self, erasure: bytes, slot: int) -> bytes:
        if len(erasure) > MOST_ERASURE:
            raise ValueError(f"an erasure has at most {MOST_ERASURE} bytes")
        sealed = self._wrap(erasure, slot)
        return len(sealed).to_bytes(2, "big") + sealed


def master_keys(path: Path) -> list[bytes]:
    """The master keys in `path`, newest first; a first one is made when there is none.

    Raises KeyFileDamaged when a line is not 32 bytes in URL-safe base64.
    """
    text = load_or_create_secret(path, base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    try:
        keys = [base64.urlsafe_b64decode(line) for line in text.split()]
    except ValueError as error:
        raise KeyFileDamaged("the master key is not base64") from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise KeyFileDamaged(f"a master key has {KEY_BYTES} bytes")
    return keys


def _place(slot: int) -> bytes:
    """Associated data: a slot's content cannot be moved to another slot."""
    return b"usual-slot" + slot.to_bytes(8, "big")


def owner_digest(owner: bytes) -> bytes:
    """16 bytes that identify an owner, stored beside the key in its slot."""
    return hashlib.sha256(owner).digest()[:OWNER_BYTES]
