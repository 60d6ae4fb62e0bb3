"""A simulator of power cuts: records what is written and synced, and lays down what a cut may leave of it.

What was synced is there. Of what was written since the last sync of a file each sector of 512 bytes is there or
not, in any combination; where the file grew and a sector is not there, zeros stand. A file that is replaced as a
whole (`write_atomic`, which syncs by itself) is the old one or the new one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from identity.audit import log as log_module
from identity.audit import seal as seal_module
from plumbing.storage.files import write_atomic
from tests.identity.audit.test_audit import House

SECTOR = 512
Files = dict[str, bytes]


@dataclass
class Recorder:
    """The operations on the files of a folder, in their order, and what was there before them."""

    folder: Path
    before: Files
    operations: list[tuple[str, str, int, bytes]] = field(
        default_factory=list
    )  # (what, file, offset or size, bytes)

    def note(self, what: str, file: int, number: int = 0, content: bytes = b"") -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        if path.parent == self.folder:
            self.operations.append((what, path.name, number, content))


@contextmanager
def recorded(folder: Path) -> Iterator[Recorder]:
    """Record while the block runs. Nothing is synced meanwhile, which makes it fast."""
    recorder = Recorder(folder, {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()})
    pwrite, ftruncate = os.pwrite, os.ftruncate

    def wrote(file: int, content: bytes, offset: int) -> int:
        recorder.note("write", file, offset, bytes(content))
        return pwrite(file, content, offset)

    def cut_off(file: int, size: int) -> None:
        recorder.note("truncate", file, size)
        ftruncate(file, size)

    def put(path: Path, content: bytes, *, mode: int = 0o644) -> None:
        if path.parent == folder:
            recorder.operations.append(("put", path.name, 0, content))
        with mock.patch.object(os, "fsync"):
            write_atomic(path, content, mode=mode)

    with (
        mock.patch.object(os, "pwrite", wrote),
        mock.patch.object(os, "ftruncate", cut_off),
        mock.patch.object(os, "fsync", lambda file: recorder.note("sync", file)),
        mock.patch.object(seal_module, "write_atomic", put),
        mock.patch.object(log_module, "write_atomic", put),
    ):
        yield recorder


def left(recorder: Recorder, at: int, chance: random.Random) -> Files:
    """What a cut after the first `at` operations may leave."""
    files, pending = dict(recorder.before), dict[str, list[tuple[str, int, bytes]]]()
    for what, name, number, content in recorder.operations[:at]:
        if what == "put":
            files[name] = content
            pending.pop(name, None)
        elif what == "sync":
            for waiting in pending.pop(name, []):
                files[name] = _applied(files.get(name, b""), *waiting)
        else:
            pending.setdefault(name, []).append((what, number, content))
    for name, waiting_ones in pending.items():
        files[name] = _torn(files.get(name, b""), waiting_ones, chance)
    return files


def _applied(content: bytes, what: str, number: int, written: bytes) -> bytes:
    if what == "truncate":
        return content[:number].ljust(number, b"\0")
    return content[:number].ljust(number, b"\0") + written + content[number + len(written) :]


def _torn(content: bytes, waiting: list[tuple[str, int, bytes]], chance: random.Random) -> bytes:
    """Some of the operations, and of each write some of its sectors."""
    share = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    size = len(content)
    for what, number, written in waiting:
        size = number if what == "truncate" else max(size, number + len(written))
        if what == "truncate":
            if chance.random() < share:
                content = _applied(content, what, number, b"")
            continue
        place = number
        while place < number + len(written):
            end = min(number + len(written), (place // SECTOR + 1) * SECTOR)
            if chance.random() < share:
                content = _applied(content, "write", place, written[place - number : end - number])
            place = end
    if chance.random() < 0.5 and size > len(content):  # the size is on the disk, the last bytes are not
        content = content.ljust(size, b"\0")
    return content


def lay_down(files: Files, folder: Path) -> None:
    """Make `folder` hold these files and no others."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def cuts(
    scenario: Callable[[Path], None], recover: Callable[[Path], list[str]], folder: Path, count: int, seed: int
) -> tuple[int, list[str]]:
    """Cut `scenario` `count` times, and a third of these cuts again during the recovery.

    Returns how many cuts were made, and what `recover` said of those after which something was wrong.
    """
    chance, wrong, done = random.Random(seed), list[str](), 0
    played = folder / "played"
    played.mkdir()
    House(played).close()
    with recorded(played) as first:
        scenario(played)
    for number in range(count):
        place = folder / "cut"
        lay_down(left(first, chance.randint(0, len(first.operations)), chance), place)
        done += 1
        if number % 3 == 0:
            with recorded(place) as again:
                recover(place)
            lay_down(left(again, chance.randint(0, len(again.operations)), chance), place)
            done += 1
        with mock.patch.object(os, "fsync"):
            wrong += [f"cut {number}: {words}" for words in recover(place)]
    return done, wrong
