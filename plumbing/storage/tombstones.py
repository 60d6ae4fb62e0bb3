"""Who was erased, remembered outside of the databases: so no backup of a database brings anybody back.

A file of slots of 32 bytes, each empty or a keyed hash (HMAC-SHA256) that says nothing without its key. A hash is
written into a slot at random: the order in which people left cannot be read from the file. Room for the next ones
is kept ready, so that an erasure on a full disk is remembered too.

    0    16  magic, with the version
    16    8  how many hashes, big endian: other processes read it to notice a new one
    24    1  length of the mark
    25  127  the mark: bytes that the owner of the file keeps here (the audit's last signed line)
    512   -  slots

Each half has a file and a key of its own: the two files have nothing in common.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterable
from pathlib import Path

from plumbing.problem import Problem
from plumbing.storage.bytes_file import Opened, opened
from plumbing.storage.state import Files

MAGIC = b"usual-erased-1\0\0"
COUNT_AT, MARK_AT, SLOTS_AT = 16, 24, 512
SLOT = 32
GROW = 512  # slots
SPARE = 128  # slots that are kept empty
MOST_MARK = 127


class TombstonesUnusable(Problem):
    """The file that remembers erasures cannot be used; nobody is served as if nobody had been erased."""

    code = "tombstones_unusable"
    status = 503
    title = "The list of erasures cannot be read"
    what_to_do = "Put the file back from the newest backup, and look at the disk."


class Tombstones:
    """The hashes of one half. Safe with threads and with several processes."""

    def __init__(self, place: Path | Opened) -> None:
        """Open the file, which is made when it is not there; `place` is a path, or what opens a file that replicas
        share. Raises TombstonesUnusable, OSError or DatabaseBusy."""
        self._file = opened(place, lambda: MAGIC.ljust(SLOTS_AT, b"\0") + bytes(SLOT * GROW))
        self._seen = -1
        self._hashes: frozenset[bytes] = frozenset()
        if self._file.read(len(MAGIC), 0) != MAGIC:
            self.close()
            raise TombstonesUnusable(
                f"{self._file.name} is not a list of erasures of this version; put back the last whole one."
            )

    @classmethod
    def of(cls, home: Path, folder: Path | None, name: str) -> Tombstones:
        """The file `name` in `folder`, or in the home. A file that the home has from before is taken over.

        Raises TombstonesUnusable when `folder` does not exist: a disk that is not mounted remembers nobody.
        """
        if folder is None or folder.resolve() == home.resolve():
            return cls(home / name)
        if not folder.is_dir():
            raise TombstonesUnusable(
                f"{folder} (USUAL_TOMBSTONES) is no folder. Mount the disk or make the folder."
            )
        made = cls(folder / name)
        if (home / name).exists():
            before = cls(home / name)
            made.add(before.all())
            if made.mark() is None and (mark := before.mark()) is not None:
                made.set_mark(mark)
            before.close()
        return made

    @classmethod
    def shared(cls, files: Files, folder: Path | None, name: str) -> Tombstones:
        """As `of`, or the list that replicas share. Raises TombstonesUnusable."""
        if files.database is None:
            return cls.of(files.home, folder, name)
        return cls(files.place(name, held=True))

    def __len__(self) -> int:
        """How many were erased. One small read: it is asked for at every suggestion."""
        return int.from_bytes(self._file.read(8, COUNT_AT), "big")

    def __contains__(self, hashed: bytes) -> bool:
        return hashed in self.all()

    def all(self) -> frozenset[bytes]:
        """Every hash; read again only when the number has changed."""
        count = len(self)
        if count != self._seen:
            content = self._slots()
            self._hashes = frozenset(
                content[at : at + SLOT] for at in range(0, len(content), SLOT) if any(content[at : at + SLOT])
            )
            self._seen = count
        return self._hashes

    def add(self, hashes: Iterable[bytes]) -> int:
        """Remember these; on the disk before it returns. Returns how many were new.

        Raises OSError: the disk is full, and the room that was kept ready is used up.
        """
        with self._file.locked():
            content = self._slots()
            there = {content[at : at + SLOT] for at in range(0, len(content), SLOT)}
            fresh = [hashed for hashed in dict.fromkeys(hashes) if hashed not in there]
            if not fresh:
                return 0
            free = [at for at in range(0, len(content), SLOT) if not any(content[at : at + SLOT])]
            free += self._grown(len(content), len(fresh) + SPARE - len(free), needed=len(fresh) - len(free))
            for hashed in fresh:
                place = free.pop(secrets.randbelow(len(free)))
                self._file.write(hashed, SLOTS_AT + place)
            count = len(content) // SLOT - content_free(content) + len(fresh)
            self._file.write(count.to_bytes(8, "big"), COUNT_AT)
            self._file.sync()
        return len(fresh)

    def mark(self) -> bytes | None:
        """The bytes that `set_mark` was given; None before."""
        content = self._file.read(SLOTS_AT - MARK_AT, MARK_AT)
        return content[1 : 1 + content[0]] if content[0] else None

    def set_mark(self, content: bytes) -> None:
        """Keep up to 127 bytes beside the hashes; on the disk before it returns."""
        if len(content) > MOST_MARK:
            raise ValueError(f"a mark has at most {MOST_MARK} bytes")
        with self._file.locked():
            self._file.write(len(content).to_bytes(1, "big") + content, MARK_AT)
            self._file.sync()

    def close(self) -> None:
        """Close the file. An owner that is dropped closes it too."""
        self._file.close()

    def _slots(self) -> bytes:
        content = self._file.read(self._file.size(), SLOTS_AT)
        return content[: len(content) // SLOT * SLOT]

    def _grown(self, size: int, wanted: int, *, needed: int) -> list[int]:
        """Places of new slots, when fewer than SPARE would stay free. Raises OSError only if one is `needed`."""
        if wanted <= 0:
            return []
        more = -(-wanted // GROW) * GROW
        try:
            self._file.grow(SLOTS_AT + size + more * SLOT)
        except OSError as error:
            if needed > 0 or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            return []
        return [size + number * SLOT for number in range(more)]


def content_free(content: bytes) -> int:
    """How many slots are empty."""
    return sum(not any(content[at : at + SLOT]) for at in range(0, len(content), SLOT))
