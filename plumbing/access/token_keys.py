"""The keys of recognition tokens: several valid at once, read again when the file changes.

`token.key` has a line for each Fernet key. The first makes tokens; all of them open tokens. What follows a key
says what it is: `KEY` alone is in use, `KEY next` is prepared and opens tokens already, `KEY until MICROSECONDS`
was replaced and opens tokens until then. A file with one line is the format of 0.2.0.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.problem import Problem
from plumbing.storage.files import load_or_create_secret, process_lock, write_atomic

FILE = "token.key"
LONGEST_TOKEN_US = 10 * MINUTE
GRACE_US = 30 * SECOND  # two machines agree on the time only nearly


def opened(keys: Sequence[bytes], text: str) -> bytes:
    """The content of a Fernet token under one of the keys.

    Base64 can be read leniently: other spellings of the same bytes would open too. Here one alone does.

    Raises:
        InvalidToken: of no key, altered, or spelled otherwise.
        ValueError: a character that no token has.
    """
    written = text.encode("ascii")
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(written)) != written:
        raise InvalidToken
    return MultiFernet([Fernet(key) for key in keys]).decrypt(written)


class TokenKeyDamaged(Problem):
    """The file of token keys cannot be used."""

    code = "token_key_damaged"
    status = 503
    title = "The keys of tokens cannot be used"
    what_to_do = "Put the file back from its backup, or remove it: a new one is made, and open visits end."


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One line. `until_us` 0: no end; `prepared`: it opens tokens and makes none yet."""

    key: bytes
    until_us: int = 0
    prepared: bool = False

    def line(self) -> bytes:
        """As it stands in the file."""
        if self.prepared:
            return self.key + b" next\n"
        return self.key + (b" until %d\n" % self.until_us if self.until_us else b"\n")


class TokenKeys(Sequence[bytes]):
    """The keys of an installation, newest first. Safe with threads; a rotation needs no restart."""

    def __init__(self, home: Path, now_us: Clock) -> None:
        """Open `token.key` under `home`; it is made when it is not there. Raises TokenKeyDamaged."""
        self.path = home / FILE
        self._now_us = now_us
        load_or_create_secret(self.path, Fernet.generate_key() + b"\n")
        self._stamp: tuple[int, int, int] | None = None
        self._lines: tuple[TokenKey, ...] = ()
        self._valid: tuple[bytes, ...] = ()
        self._ends_us = 1 << 62  # when the first of them ends
        self.current()

    @classmethod
    def take(cls, home: Path, content: bytes, now_us: Clock) -> TokenKeys:
        """The keys in `content`, a file of another state folder, in place of those of `home`.

        Raises TokenKeyDamaged: they are none; nothing was changed.
        """
        lines = read_lines(content)
        with process_lock(home / f"{FILE}.lock"):
            write_atomic(home / FILE, b"".join(line.line() for line in lines), mode=0o600)
        return cls(home, now_us)

    def current(self) -> tuple[bytes, ...]:
        """The keys that are valid now. Looks at the file's date; a file that is gone or broken changes nothing."""
        try:
            seen = os.stat(self.path)  # noqa: PTH116 - on every token: half the time of Path.stat
            stamp = (seen.st_mtime_ns, seen.st_ino, seen.st_size)
        except OSError:
            stamp = self._stamp or (0, 0, 0)
        if stamp != self._stamp:
            try:
                self._lines = read_lines(self.path.read_bytes())
            except (TokenKeyDamaged, OSError):
                if not self._lines:
                    raise
            self._stamp = stamp
            self._refresh()
        elif self._now_us() >= self._ends_us:
            self._refresh()
            with contextlib.suppress(OSError, Problem):  # it opens nothing any more, in the file or not
                self.remove_ended()
        return self._valid

    def all_lines(self) -> tuple[bytes, ...]:
        """Every key in the file, prepared and replaced ones too."""
        return tuple(line.key for line in self._lines)

    def _refresh(self) -> None:
        now = self._now_us()
        self._valid = tuple(line.key for line in self._lines if not line.until_us or now < line.until_us)
        self._ends_us = min((line.until_us for line in self._lines if line.until_us > now), default=1 << 62)

    def __len__(self) -> int:
        return len(self.current())

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.current())

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[bytes, ...]: ...

    def __getitem__(self, index: int | slice) -> bytes | tuple[bytes, ...]:
        return self.current()[index]

    def prepare(self) -> None:
        """Add a key that opens tokens and makes none yet: to be copied to the other machine before `rotate`."""
        self._rewrite(lambda lines: (*lines, TokenKey(Fernet.generate_key(), prepared=True)))

    def rotate(self) -> int:
        """Make tokens with a new key (the prepared one, if there is one); returns how many keys are valid.

        The one before opens tokens until the last one that it made has ended.
        """
        until = self._now_us() + LONGEST_TOKEN_US + GRACE_US

        def turned(lines: Sequence[TokenKey]) -> Sequence[TokenKey]:
            prepared = [line for line in lines if line.prepared]
            fresh = prepared[0].key if prepared else Fernet.generate_key()
            old = [TokenKey(line.key, line.until_us or until) for line in lines if not line.prepared]
            old = [line for line in old if self._now_us() < line.until_us]
            return (TokenKey(fresh), *old, *prepared[1:])

        self._rewrite(turned)
        return len(self)

    def remove_ended(self) -> int:
        """Take keys out of the file that open nothing any more; returns how many."""
        now = self._now_us()
        if not any(line.until_us and line.until_us <= now for line in self._lines):
            return 0
        before = len(self._lines)
        self._rewrite(lambda lines: [line for line in lines if not line.until_us or now < line.until_us])
        return before - len(self._lines)

    def _rewrite(self, change: Callable[[Sequence[TokenKey]], Sequence[TokenKey]]) -> None:
        with process_lock(self.path.with_name(FILE + ".lock")):
            lines = change(read_lines(self.path.read_bytes()))
            write_atomic(self.path, b"".join(line.line() for line in lines), mode=0o600)
        self.current()


def read_lines(content: bytes) -> tuple[TokenKey, ...]:
    """The lines of a file of token keys. Raises TokenKeyDamaged."""
    lines = []
    for row in content.splitlines():
        words = row.split()
        if not words:
            continue
        try:
            Fernet(words[0])
            if words[1:] == [b"next"]:
                lines.append(TokenKey(words[0], prepared=True))
            elif words[1:2] == [b"until"]:
                lines.append(TokenKey(words[0], until_us=int(words[2])))
            else:
                lines += [TokenKey(word) for word in words if Fernet(word)]
        except (ValueError, IndexError) as error:
            raise TokenKeyDamaged(f"A line of {FILE} is not a key.") from error
    if not any(not line.prepared and not line.until_us for line in lines):
        raise TokenKeyDamaged(f"{FILE} has no key that makes tokens; put back the last whole one.")
    return tuple(lines)
