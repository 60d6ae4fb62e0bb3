"""What a power cut, a faulty disk or a hand does to a SQLite file, with its `-wal` and `-shm`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

PAGE = 4096
Wound = Callable[[Path], None]


def _zero(page: int) -> Wound:
    def work(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[page * PAGE : (page + 1) * PAGE] = bytes(len(content[page * PAGE : (page + 1) * PAGE]))
        _write(path, bytes(content))

    return work


def _noise(page: int) -> Wound:
    def work(path: Path) -> None:
        content = bytearray(path.read_bytes())
        part = len(content[page * PAGE : (page + 1) * PAGE])
        content[page * PAGE : (page + 1) * PAGE] = random.Random(page).randbytes(part)
        _write(path, bytes(content))

    return work


def _cut(length: int) -> Wound:
    def work(path: Path) -> None:
        _write(path, path.read_bytes()[:length])

    return work


def _write(path: Path, content: bytes) -> None:
    """In place: whoever has the file open sees it."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate(len(content))


def _remove(path: Path) -> None:
    path.unlink()


def wounds(pages: int = 12) -> Iterator[tuple[str, Wound]]:
    """Name and deed: each page zeroed, then random; cut at several lengths; taken away; filled with text."""
    for page in range(pages):
        yield f"page {page} zeroed", _zero(page)
        yield f"page {page} random", _noise(page)
    for length in (0, 1, 100, PAGE, 2 * PAGE + 7):
        yield f"cut to {length}", _cut(length)
    yield "removed", _remove
    yield "text", lambda path: _write(path, b"this is no database\n" * 50)


def files_of(database: Path) -> list[Path]:
    """The database and what lies beside it, as far as it is there."""
    return [path for end in ("", "-wal", "-shm", "-journal") if (path := Path(f"{database}{end}")).exists()]
