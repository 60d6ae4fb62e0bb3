"""What the real server wrote and synced, in order; and the folder as a power cut at any moment may leave it.

What was synced before the cut is there. Of everything else any part may be there: whole writes or sectors of them,
in any order, and creations, renames and deletions that no sync of their folder followed. That is more than any one
file system does.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = struct.Struct("<QQQQQIIII")
WRITE, TRUNCATE, CREATE, RENAME, UNLINK, LINK, SYNC, SYNC_FOLDER, FALLOCATE, MKDIR = range(1, 11)
SECTORS = (512, 4096)
LEFT_IN_MEMORY = 3_000
"""Unsynced writes of one file that may be lost at once; the system writes older ones by itself."""

NEVER_ON_DISK = ("-shm", ".lock")


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that a process did to the folder. Paths are relative to it."""

    sequence: int
    began: int
    kind: int
    inode: int
    path: str
    other: str
    offset: int
    size: int
    data: bytes


class Recorder:
    """Records every process that is started inside `recording`."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder
        (folder / "counter").write_bytes(bytes(8))
        self.base = {path: (path.stat().st_ino, path.read_bytes()) for path in home.rglob("*") if path.is_file()}

    def now(self) -> int:
        """How many things were done so far."""
        return int.from_bytes((self.folder / "counter").read_bytes(), "little")

    def ops(self) -> list[Op]:
        """All of them, in order."""
        found: list[Op] = []
        for file in self.folder.glob("*.records"):
            found += self._read(file.read_bytes())
        return sorted(found, key=lambda op: op.sequence)

    def _read(self, content: bytes) -> Iterator[Op]:
        at = 0
        while at + HEAD.size <= len(content):
            sequence, began, inode, offset, size, kind, path, other, _ = HEAD.unpack_from(content, at)
            at += HEAD.size
            names = [content[at : at + path].decode(), content[at + path : at + path + other].decode()]
            at += path + other
            stored = size if kind == WRITE else 0
            data = content[at : at + stored]
            at += stored
            first, second = (os.path.relpath(name, self.home) if name else "" for name in names)
            yield Op(sequence, began, kind, inode, first.removesuffix(" (deleted)"), second, offset, size, data)


@contextmanager
def recording(home: Path) -> Iterator[Recorder]:
    """Inside, every process that is started records what it does below `home`.

    Raises:
        OSError, subprocess.CalledProcessError: there is no C compiler.
    """
    with tempfile.TemporaryDirectory(prefix="usual-records-") as name:
        folder = Path(name)
        library = folder / "recorder.so"
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            "-o",
            str(library),
            str(HERE / "recorder.c"),
            "-ldl",
            "-lpthread",
        ]
        subprocess.run(command, check=True, capture_output=True)
        recorder = Recorder(home.resolve(), folder)
        own = {"LD_PRELOAD": str(library), "RECORD_HOME": str(recorder.home), "RECORD_TO": str(folder)}
        before = {key: os.environ.get(key) for key in own}
        os.environ |= own
        try:
            yield recorder
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})


@dataclass
class Disk:
    """The folder on a disk whose power may be cut at any moment. Files have numbers: inodes are used again."""

    names: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytearray] = field(default_factory=dict)
    _number_of: dict[int, int] = field(default_factory=dict)
    _writes: dict[int, list[Op]] = field(default_factory=dict)
    _moves: list[tuple[Op, int]] = field(default_factory=list)

    @classmethod
    def of(cls, recorder: Recorder) -> Disk:
        """As it was when the recording began: all of it on the disk."""
        disk = cls()
        for path, (inode, content) in recorder.base.items():
            number = disk._new(inode)
            disk.names[os.path.relpath(path, recorder.home)] = number
            disk.contents[number] = bytearray(content)
        return disk

    def _new(self, inode: int) -> int:
        self._number_of[inode] = number = len(self.contents)
        self.contents[number] = bytearray()
        return number

    def do(self, op: Op) -> None:
        """The next thing that was done."""
        if op.kind == CREATE:
            self._moves.append((op, self._new(op.inode)))
            return
        number = self._number_of.get(op.inode, -1)
        if op.kind in (RENAME, UNLINK, LINK):
            self._moves.append((op, number))
        elif op.kind == SYNC_FOLDER:
            self._settle_moves(op)
        elif op.kind == SYNC and number >= 0:
            self._settle_writes(number, op.began)
        elif op.kind in (WRITE, TRUNCATE, FALLOCATE) and number >= 0:
            waiting = self._writes.setdefault(number, [])
            waiting.append(op)
            if len(waiting) > LEFT_IN_MEMORY:
                self._settle_writes(number, waiting[len(waiting) // 2].sequence)

    def _settle_writes(self, number: int, until: int) -> None:
        waiting = self._writes.get(number, [])
        for op in waiting:
            if op.sequence <= until:
                _apply(self.contents[number], op)
        self._writes[number] = [op for op in waiting if op.sequence > until]

    def _settle_moves(self, sync: Op) -> None:
        kept = []
        for op, number in self._moves:
            if op.sequence <= sync.began and str(Path(op.other or op.path).parent) == sync.path:
                _move(self.names, op, number)
            else:
                kept.append((op, number))
        self._moves = kept

    def cut(self, rng: random.Random) -> dict[str, bytes]:
        """What a power cut now leaves: contents by path."""
        keep = rng.choice((0.0, 0.5, 0.9, 1.0, rng.random()))
        names = dict(self.names)
        for op, number in self._moves:
            if rng.random() < keep:
                _move(names, op, number)
        left: dict[str, bytes] = {}
        for path, number in names.items():
            if path.endswith(NEVER_ON_DISK):
                continue
            content = self.contents[number]
            waiting = self._writes.get(number)
            if waiting:
                content = bytearray(content)
                for op in waiting:
                    if rng.random() < keep:
                        _apply(content, op)
                    elif op.kind == WRITE and rng.random() < 0.3:
                        _apply_torn(content, op, rng)
            left[path] = bytes(content)
        return left


def _apply(content: bytearray, op: Op) -> None:
    if op.kind == TRUNCATE and op.size < len(content):
        del content[op.size :]
        return
    end = op.size if op.kind == TRUNCATE else op.offset + op.size
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if op.kind == WRITE:
        content[op.offset : end] = op.data


def _apply_torn(content: bytearray, op: Op, rng: random.Random) -> None:
    """Some sectors of a write."""
    size = rng.choice(SECTORS)
    first = op.offset // size * size
    for at in range(first, op.offset + op.size, size):
        if rng.random() < 0.5:
            start, end = max(at, op.offset), min(at + size, op.offset + op.size)
            part = op.data[start - op.offset : end - op.offset]
            if len(content) < end:
                content.extend(bytes(end - len(content)))
            content[start:end] = part


def _move(names: dict[str, int], op: Op, number: int) -> None:
    if op.kind == CREATE:
        names[op.path] = number
    elif op.kind == UNLINK:
        names.pop(op.path, None)
    elif op.kind == LINK:
        names[op.other] = number
    elif op.kind == RENAME:
        if number < 0:  # a folder
            for path in [path for path in names if path.startswith(op.path + "/")]:
                names[op.other + path[len(op.path) :]] = names.pop(path)
            return
        names.pop(op.path, None)
        names[op.other] = number
