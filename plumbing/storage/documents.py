"""Small documents that an installation keeps beside its tables: in the home, or where replicas share them.

A `Document` is replaced as a whole. A `SharedFolder` is a folder of the home that has the same files on every
replica: what one publishes there, the others get before they read.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from weakref import WeakValueDictionary

from plumbing.clock import Clock, monotonic_us
from plumbing.storage.bytes_file import BytesFile
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.files import process_lock, write_atomic
from plumbing.storage.state import Files, State

_opened: WeakValueDictionary[tuple[State, str], Documents] = WeakValueDictionary()


class Document(Protocol):
    """Bytes that are replaced as a whole. Safe with threads and with several processes."""

    def read(self) -> bytes | None:
        """The present content; None when there is none. Raises OSError or DatabaseBusy."""

    def replace(self, content: bytes) -> None:
        """Put another content in its place. Raises OSError, DatabaseBusy or DiskFull."""

    def locked(self) -> AbstractContextManager[object]:
        """Inside, nobody else is."""

    @property
    def passing_us(self) -> Clock:
        """A clock that shows how much time passed, the same one for all who open this document."""


class LocalDocument:
    """A file of this machine; its lock is a file beside it."""

    def __init__(self, path: Path, lock: Path | None = None) -> None:
        self._path = path
        self._lock = process_lock(path.with_suffix(".lock") if lock is None else lock)
        self.passing_us: Clock = monotonic_us

    def read(self) -> bytes | None:
        """See `Document.read`."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, content: bytes) -> None:
        """See `Document.replace`."""
        write_atomic(self._path, content, mode=0o600)

    def locked(self) -> AbstractContextManager[object]:
        """See `Document.locked`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._lock


class SharedDocument:
    """A document in the database. While that is away, what was read last is the content."""

    def __init__(self, file: BytesFile, owner: object = None) -> None:
        """`owner` lives as long as the document: it is opened once in each process."""
        self._file = file
        self._owner = owner
        self._last: bytes | None = None

    def read(self) -> bytes | None:
        """See `Document.read`."""
        try:
            self._last = self._file.read(self._file.size(), 0) or None
        except DatabaseBusy:
            if self._last is None:
                raise
        return self._last

    def replace(self, content: bytes) -> None:
        """See `Document.replace`."""
        with self._file.locked():
            self._file.cut(0)
            self._file.write(content, 0)

    def locked(self) -> AbstractContextManager[object]:
        """See `Document.locked`."""
        return self._file.locked()

    def changed(self) -> int:
        """Another number after every change."""
        return self._file.changed()

    def passing_us(self) -> int:
        """See `Document.passing_us`: the server's clock."""
        shared = self._file.clock_us()
        return monotonic_us() if shared is None else shared


class Documents:
    """The documents of one part."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._made: dict[str, Document] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, state: State, part: str, *, keys: bool = False) -> Documents:
        """Those of an installation: opened once in each process, and closed when nobody has them any more. `keys`:
        they lie where no backup of the databases has them.

        Raises DatabaseBusy or DatabaseUnusable.
        """
        found = _opened.get((state, part))
        if found is None:
            found = _opened[state, part] = cls(state.files(part, keys=keys, listening=False))
        return found

    def document(self, name: str) -> Document:
        """One document, by the name of its file. The file that an installation had before is taken over."""
        with self._lock:
            if name not in self._made:
                place = self._files.place(name, held=True)
                if isinstance(place, Path):
                    self._made[name] = LocalDocument(place)
                else:
                    shared = SharedDocument(place(b""), self)
                    self._made[name] = _taken_over(shared, self._files.home / name)
            return self._made[name]

    def folder(self, folder: Path, *, whole: Callable[[], bool]) -> SharedFolder | None:
        """What keeps `folder` the same on all replicas; None where there is one machine.

        `whole` says whether the folder holds what a new installation may begin with.
        """
        if self._files.database is None:
            return None
        document = self.document(folder.name)
        assert isinstance(document, SharedDocument)
        return SharedFolder(folder, document, whole)


def _taken_over(document: SharedDocument, before: Path) -> SharedDocument:
    if document.read() is None and before.is_file():
        with document.locked():
            if document.read() is None:
                document.replace(before.read_bytes())
    return document


@dataclass
class SharedFolder:
    """See `Documents.folder`. The files are small and few: all of them are one document."""

    folder: Path
    document: SharedDocument
    whole: Callable[[], bool]
    _seen: int | None = None

    def fetch(self) -> None:
        """Bring the folder up to date; while the database is away it stays as it is."""
        with suppress(DatabaseBusy):
            changed = self.document.changed()
            if changed == self._seen:
                return
            content = self.document.read()
            if content is not None:
                self._unpack(content)
            elif self.whole():
                with self.changing():
                    """What was published before the installation had a database."""
            self._seen = changed

    def send(self) -> None:
        """Make the document what the folder is, whatever it was."""
        content = self._packed() if self.folder.is_dir() else b""
        if content or self.document.read() is not None:
            self.document.replace(content)

    def bring(self) -> None:
        """Write into the folder what the document holds. Raises DatabaseBusy."""
        if (content := self.document.read()) is not None:
            self._unpack(content)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Inside, nobody else changes the folder; what is in it at the end, the others get."""
        with self.document.locked():
            if (content := self.document.read()) is not None:
                self._unpack(content)
            yield
            if (packed := self._packed()) != content:
                self.document.replace(packed)

    def _packed(self) -> bytes:
        files = {
            str(path.relative_to(self.folder)): base64.b64encode(path.read_bytes()).decode()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
        return json.dumps({"version": 1, "files": files}, sort_keys=True).encode()

    def _unpack(self, content: bytes) -> None:
        """Write what differs; the files in the folder itself last, since they name the others."""
        files: Mapping[str, str] = json.loads(content)["files"]
        for name in sorted(files, key=lambda name: -len(PurePosixPath(name).parts)):
            path, wanted = self.folder / name, base64.b64decode(files[name])
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise ValueError(f"{name} is outside of {self.folder.name}")
            if not path.exists() or path.read_bytes() != wanted:
                write_atomic(path, wanted)
