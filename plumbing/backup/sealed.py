"""The file of a backup: a header that anybody can read, and sealed chunks.

    usual-backup + newline      magic
    4 bytes                     length of the header, big endian
    JSON                        format, kind, release, day, parameters of scrypt, check value
    chunks                      1 MiB each (the last one shorter), AES-256-GCM, 16 bytes of tag behind each

The key comes from the passphrase by scrypt with a salt of the file's own, so no two files share one and the nonce
can be the number of the chunk. Header, number and "this is the last one" are bound to each chunk: nothing can be
altered, moved, left out or cut off unseen.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plumbing.backup.errors import BackupDamaged, BackupNewer, PassphraseWeak, WrongPassphrase

MAGIC = b"usual-backup\n"
FORMAT = 1
CHUNK = 1024 * 1024
TAG = 16
SALT_BYTES = 32
COST = {"n": 2**17, "r": 8, "p": 1}  # 128 MB and about half a second for each guess (RFC 7914)
MOST_COST = {"n": 2**20, "r": 16, "p": 4}  # a header may not ask for more
LEAST_PASSPHRASE = 12  # bytes
MOST_HEADER = 64 * 1024


@dataclass(frozen=True)
class Header:
    """What the file says of itself. `kind` is "data" or "keys"; `made` the day."""

    kind: str
    release: str
    made: str


def passphrase_in(path: Path) -> bytes:
    """The passphrase, or the random bytes, that a file holds; a line end behind it does not count.

    Raises PassphraseWeak or OSError.
    """
    content = path.read_bytes().rstrip(b"\r\n")
    if len(content) < LEAST_PASSPHRASE:
        raise PassphraseWeak(f"{path} must hold at least {LEAST_PASSPHRASE} characters or random bytes.")
    return content


class SealedWriter(io.RawIOBase):
    """Write into it as into a file; `seal_end` writes the last chunk. Without it the file is a damaged one."""

    def __init__(self, file: IO[bytes], header: Header, passphrase: bytes) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        key, check = _keys(passphrase, salt, COST)
        about = {
            "format": FORMAT,
            "kind": header.kind,
            "release": header.release,
            "made": header.made,
            "scrypt": {**COST, "salt": salt.hex()},
            "check": check.hex(),
        }
        content = json.dumps(about, separators=(",", ":")).encode()
        self._file, self._waiting, self._number = file, bytearray(), 0
        self._cipher, self._bound = AESGCM(key), hashlib.sha256(content).digest()
        file.write(MAGIC + len(content).to_bytes(4, "big") + content)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: Any) -> int:
        """Take bytes; whole chunks go on to the file."""
        self._waiting += content
        while len(self._waiting) > CHUNK:  # never the last one, which is bound as such
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(content)

    def seal_end(self) -> None:
        """Write what is left as the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, content: bytes, *, last: bool) -> None:
        bound = _bound(self._bound, self._number, last)
        self._file.write(self._cipher.encrypt(self._number.to_bytes(12, "big"), content, bound))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Read from it as from a file; a chunk comes out only after its tag was right.

    Raises:
        BackupDamaged: no backup; cut short; altered; bytes behind the end.
        BackupNewer: of a later format.
        WrongPassphrase: not of this file.
    """

    def __init__(self, file: IO[bytes], passphrase: bytes) -> None:
        content, about = _header(file)
        scrypt = about["scrypt"]
        cost = {name: scrypt[name] for name in COST}
        key, check = _keys(passphrase, bytes.fromhex(scrypt["salt"]), cost)
        if not hmac.compare_digest(check.hex(), str(about["check"])):
            raise WrongPassphrase(
                "Nothing was changed. Give the file with the passphrase that this backup was made with."
            )
        self.header = Header(str(about["kind"]), str(about["release"]), str(about["made"]))
        self._file, self._open, self._number, self._ended = file, b"", 0, False
        self._cipher, self._bound = AESGCM(key), hashlib.sha256(content).digest()
        self._next = file.read(CHUNK + TAG)

    @classmethod
    def of(cls, file: IO[bytes], passphrase: bytes, kind: str) -> Self:
        """A reader of a backup of this kind. Raises BackupDamaged for one of the other kind as well."""
        made = cls(file, passphrase)
        if made.header.kind != kind:
            raise BackupDamaged(f"It holds {made.header.kind}; a backup of {kind} was expected.")
        return made

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of `buffer`; 0 at the end."""
        while not self._open and not self._ended:
            self._open_next()
        part = self._open[: len(buffer)]
        buffer[: len(part)] = part
        self._open = self._open[len(part) :]
        return len(part)

    def _open_next(self) -> None:
        sealed, self._next = self._next, self._file.read(CHUNK + TAG)
        self._ended = not self._next
        bound = _bound(self._bound, self._number, self._ended)
        try:
            self._open = self._cipher.decrypt(self._number.to_bytes(12, "big"), sealed, bound)
        except (InvalidTag, ValueError) as error:
            raise BackupDamaged("It was cut short or altered. Nothing was changed; use another copy.") from error
        self._number += 1


def kind_in(path: Path) -> str:
    """What a file holds by its header, "data" or "keys"; "" for anything that is no backup."""
    try:
        with path.open("rb") as file:
            return str(_header(file)[1]["kind"])
    except (BackupDamaged, BackupNewer, OSError):
        return ""


def _header(file: IO[bytes]) -> tuple[bytes, dict[str, Any]]:
    start = file.read(len(MAGIC) + 4)
    size = int.from_bytes(start[len(MAGIC) :], "big")
    if start[: len(MAGIC)] != MAGIC or not 0 < size <= MOST_HEADER:
        raise BackupDamaged("It does not begin like a backup of Usual.")
    content = file.read(size)
    try:
        about = json.loads(content)
        newer = about["format"] > FORMAT
        costs = all(0 < about["scrypt"][name] <= most for name, most in MOST_COST.items())
        if not newer and not (
            costs and about["check"] and len(bytes.fromhex(about["scrypt"]["salt"])) == SALT_BYTES
        ):
            raise BackupDamaged("Its header was altered.")
        _ = (about["kind"], about["release"], about["made"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackupDamaged("Its header was cut short or altered.") from error
    if newer:
        raise BackupNewer(
            f"It has format {about['format']}, and this release reads up to {FORMAT}. Install a newer release."
        )
    return content, about


def _keys(passphrase: bytes, salt: bytes, cost: dict[str, int]) -> tuple[bytes, bytes]:
    """The key of the chunks, and a value by which a wrong passphrase is known."""
    try:
        room = int(256 * cost["n"] * cost["r"])
        made = hashlib.scrypt(passphrase, salt=salt, **cost, maxmem=room, dklen=64)
    except (ValueError, TypeError, OverflowError) as error:
        raise BackupDamaged("Its header was altered.") from error
    return made[:32], hmac.digest(made[32:], b"usual backup check", hashlib.sha256)[:16]


def _bound(header: bytes, number: int, last: bool) -> bytes:
    return header + number.to_bytes(8, "big") + (b"last" if last else b"more")
