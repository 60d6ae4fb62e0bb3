"""What proves that the audit's chain is ours: a keyed hash, a signed head, a mark.

Both secrets are derived from the root of the key file; a rotation of the master key changes neither.

* A line is chained by a keyed hash (HMAC-SHA256): without the key file nobody can write one, not even the next.
* The head (number of lines, hash of the last one, day) is signed with Ed25519 and lies beside the log. It shows
  that the end was cut off, and can be taken elsewhere and checked there with the public key alone.
* The mark lies within the key file and is set when a customer joins or leaves. It shows that an older head was put
  back together with its older log, and that there was a head at all.
* A copy of the mark lies beside the tombstones. Where these are on another disk, it shows that the state folder
  was put back as a whole, key file included.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.vault.keyfile import KeyFile
from plumbing.storage.bytes_file import BytesFile, LocalFile, Opened
from plumbing.storage.files import write_atomic
from plumbing.storage.tombstones import Tombstones

MARK_BYTES, TAG_BYTES = 40, 32
HEAD_BYTES = 12 + 1 + 64 + 1 + 17 + 1 + 128 + 1  # fewer than a sector: it is written at once or not at all


log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Head:
    """The first `count` lines end with the hash `last`; signed on the day that begins at `at_us`
    (microseconds UTC; heads of 0.2.0 have the moment)."""

    count: int
    last: str
    at_us: int

    @property
    def content(self) -> bytes:
        """The bytes that are signed."""
        return f"{self.count:012d} {self.last} {self.at_us:017d}".encode()


@dataclass(frozen=True)
class Mark:
    """What the key file remembers of a head: the first `count` lines end with the hash `last`."""

    count: int
    last: str

    def packed(self) -> bytes:
        """40 bytes for the key file."""
        return self.count.to_bytes(8, "big") + bytes.fromhex(self.last)

    @classmethod
    def unpacked(cls, content: bytes) -> Mark:
        """The inverse of `packed`."""
        return cls(int.from_bytes(content[:8], "big"), content[8:].hex())


class HeadForged(Exception):
    """The head is missing, or its signature is not ours."""


class AuditSeal:
    """The secrets and the two places. Safe with threads and processes."""

    def __init__(self, place: Path | Opened, keys: KeyFile, outside: Tombstones | None = None) -> None:
        """`place` is where the head lies, or what opens one that replicas share. `outside` keeps a copy of the
        mark that a state folder which is put back as a whole does not replace."""
        self._place = place
        self._keys = keys
        self._outside = outside
        self._outside_key = keys.derive("audit mark outside")
        self._lines = keys.derive("audit lines")
        self.nobodys = keys.derive("audit details of nobody")
        """Seals the details of lines that are about nobody."""
        self._signer = Ed25519PrivateKey.from_private_bytes(keys.derive("audit head"))
        self.public = self._signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        """Verifies a head elsewhere: 32 bytes, no secret."""

    @property
    def path(self) -> Path:
        """Where the head lies, in a message."""
        return self._place if isinstance(self._place, Path) else Path(self._place(b"").name)

    def chained(self, before: str, text: str) -> str:
        """The hash that ends a line, 64 hexadecimal digits: of the hash before it and of the line's text."""
        return hmac.digest(self._lines, (before + text).encode(), hashlib.sha256).hex()

    def mark(self) -> Mark | None:
        """What the key file remembers; None in an installation that never had a head."""
        content = self._keys.mark()
        return None if content is None else Mark.unpacked(content)

    def mark_outside(self) -> Mark | None:
        """The copy of the mark that lies beside the tombstones; None when there is none of this installation."""
        content = None if self._outside is None else self._outside.mark()
        if content is None or len(content) != MARK_BYTES + TAG_BYTES:
            return None
        packed, tag = content[:MARK_BYTES], content[MARK_BYTES:]
        good = hmac.compare_digest(tag, hmac.digest(self._outside_key, packed, hashlib.sha256))
        return Mark.unpacked(packed) if good else None

    def set_marks(self, mark: Mark, *, outside: bool = True) -> None:
        """Replace the mark, and its copy if `outside`; a disk with the copy that fails is only logged."""
        packed = mark.packed()
        self._keys.set_mark(packed)
        if outside and self._outside is not None:
            try:
                self._outside.set_mark(packed + hmac.digest(self._outside_key, packed, hashlib.sha256))
            except OSError as error:
                log.warning("audit_mark_not_copied", why=str(error))

    def begin(self, head: Head) -> None:
        """Write the first head and mark of a chain."""
        self._write(self._signed(head))
        self._keys.set_mark(Mark(head.count, head.last).packed())

    @contextmanager
    def begin_again(self, head: Head) -> Iterator[None]:
        """Begin a chain in place of another, which the block cuts off. Nobody can sign meanwhile.

        The mark goes first and the log last: after a power cut in between the former chain is there and whole.
        """
        self.set_marks(Mark(head.count, head.last))
        if isinstance(self._place, Path) and not self._place.is_file():
            write_atomic(self._place, self._signed(head), mode=0o600)
        with self._locked(empty_too=True) as file:
            file.cut(HEAD_BYTES)
            file.write(self._signed(head), 0)
            file.sync()
            yield

    def _write(self, content: bytes) -> None:
        """Put a head there, whatever was there."""
        if isinstance(self._place, Path):
            write_atomic(self._place, content, mode=0o600)
            return
        with self._locked(empty_too=True) as file:
            file.cut(0)
            file.write(content, 0)

    def head(self) -> Head:
        """The head that lies beside the log. Raises HeadForged."""
        with self._locked() as file:
            return opened(file.read(HEAD_BYTES + 1, 0), self.public)

    def sign(self, head: Head, after: Head, *, lasting: bool = False, outside: bool = False) -> bool:
        """Replace the head `after` by a later one that follows from it; `lasting` sets the mark as well, `outside`
        its copy too. False, with nothing written, when the head is no longer `after`.

        The lines that it counts must be on the disk already. Raises HeadForged when there is no head of ours.
        """
        with self._locked() as file:
            if opened(file.read(HEAD_BYTES + 1, 0), self.public) != after:
                return False
            if after.count < head.count:
                file.write(self._signed(head), 0)
            if lasting and (mark := self.mark()) is not None and mark.count < head.count:
                file.sync()
                self.set_marks(Mark(head.count, head.last), outside=outside)
        return True

    def keep_aside(self, path: Path, ending: str) -> None:
        """A copy of the head, whatever it is: at `path`, or in the store under its own name and an ending."""
        if not isinstance(self._place, Path):
            self._place(self._place(b"").read(HEAD_BYTES + 1, 0), ending=ending)
        elif self._place.exists():
            write_atomic(path, self._place.read_bytes(), mode=0o600)

    def _signed(self, head: Head) -> bytes:
        return head.content + b" " + self._signer.sign(head.content).hex().encode() + b"\n"

    @contextmanager
    def _locked(self, *, empty_too: bool = False) -> Iterator[BytesFile]:
        """The head, opened each time: somebody may have put another file there."""
        if not isinstance(self._place, Path):
            file: BytesFile = self._place(b"")
            if not empty_too and not file.size():
                raise HeadForged("it is missing")
            with file.locked():
                yield file
            return
        if not self._place.exists():
            raise HeadForged("it is missing")
        try:
            file = LocalFile(self._place)
        except OSError as error:  # recognition goes on when the audit cannot be signed
            raise HeadForged(f"it cannot be opened ({error.strerror})") from error
        try:
            with file.locked():
                yield file
        finally:
            file.close()


def opened(content: bytes, public: bytes) -> Head:
    """The head in a file's bytes, once its signature was verified. Raises HeadForged."""
    text, _, signature = content.rstrip(b"\n").rpartition(b" ")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature.decode()), text)
        count, last, at_us = text.decode().split()
        return Head(int(count), last, int(at_us))
    except (InvalidSignature, ValueError) as error:
        raise HeadForged("it was not signed by this installation") from error
