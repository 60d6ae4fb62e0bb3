"""A shelf in a folder of this machine: written atomically, overwritten before it is deleted.

<tenant>/<scene>/0007-3f9a2c41d0be/arrays.npz  texts.json  manifest.json
<tenant>/<scene>/current                       the name of the version that is served
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from plumbing.storage.files import sync_path, write_atomic
from plumbing.storage.room import NO_ROOM
from plumbing.storage.shred import overwrite, shred, shred_folder
from recommender.store.shelves.contents import (
    ARRAYS,
    MANIFEST,
    NAME,
    Manifest,
    announcing,
    as_json,
    in_order,
    is_being_rewritten,
    number_of,
    settled,
)
from recommender.store.shelves.errors import CurrentChanged
from recommender.store.shelves.protocol import BeforeAdding, Pointer


class FolderShelf:
    """See `Shelf`. Marks of manifests are None: who rewrites holds the lock of the home (`VersionRows.alone`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        """The file with the name of the current version."""
        return self.folder / "current"

    def exists(self) -> bool:
        return self.folder.is_dir()

    def names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return in_order([path.name for path in self.folder.iterdir() if NAME.match(path.name)])

    def manifest(self, name: str) -> tuple[Manifest, Hashable]:
        return json.loads((self.folder / name / MANIFEST).read_bytes()), None

    def read(self, name: str, manifest: Manifest, file: str) -> bytes:
        return (self.folder / name / Path(file).name).read_bytes()

    def add(
        self, digest: str, manifest: Manifest, files: Mapping[str, bytes], before: BeforeAdding = lambda name: None
    ) -> str:
        """Temporary folder, fsync of files and folder, rename, fsync: a reader sees all or nothing."""
        name = f"{max((number_of(name) for name in self.names()), default=0) + 1:04d}-{digest}"
        before(name)
        self.put(name, manifest, files)
        for draft in self.folder.glob(".draft-*"):
            shred_folder(draft)
        return name

    def put(self, name: str, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        """Put a version here under a name of its own; one that is there under this name goes first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".draft-{secrets.token_hex(6)}"
        try:
            draft.mkdir()
            for file, content in files.items():
                write_atomic(draft / Path(file).name, content)
            write_atomic(draft / MANIFEST, as_json(manifest))
            shred_folder(self.folder / name)
            draft.rename(self.folder / name)
        finally:
            shred_folder(draft)
        sync_path(self.folder)

    def rewrite(
        self,
        name: str,
        known: tuple[Manifest, Hashable],
        held: str,
        content: bytes,
        digest: str,
        before: Callable[[str], None],
    ) -> None:
        """The manifest announces the new arrays, they replace the old ones, the manifest admits nothing else.

        After a power cut at any point the version can be read, with the old arrays or the new ones. On a full disk
        the old file is written over in place: a power cut in just that moment leaves a version that is known as
        broken.
        """
        announced = announcing(known[0], held, digest)
        write_atomic(self.folder / name / MANIFEST, as_json(announced))
        before(digest)
        _replace(self.folder / name / ARRAYS, content)
        self.settle(name, (announced, None), digest)

    def settle(self, name: str, known: tuple[Manifest, Hashable], held: str) -> None:
        if is_being_rewritten(known[0]):
            write_atomic(self.folder / name / MANIFEST, as_json(settled(known[0], held)))

    def remove(self, name: str) -> None:
        shred_folder(self.folder / name)
        sync_path(self.folder)

    def tidy(self) -> bool:
        """Only while nobody publishes."""
        for draft in self.folder.glob(".draft-*"):
            shred_folder(draft)
        for name in self.names():
            for path in (self.folder / name).glob(".*.draft"):
                shred(path)
        return True

    def pointer(self) -> Pointer:
        tag = self._seen()
        try:
            name = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return Pointer(None, tag)
        return Pointer(name if NAME.match(name) else None, tag)

    def point_at(self, name: str | None, expected: Pointer) -> None:
        with self._alone():
            if self._seen() != expected.tag:
                raise CurrentChanged(self.pointer().name)
            if name is None:
                self.file.unlink(missing_ok=True)
            else:
                write_atomic(self.file, (name + "\n").encode())

    def stamp(self) -> Hashable:
        seen = self._seen()
        return seen or ("no current", self.folder.is_dir() and self.folder.stat().st_mtime_ns)

    def _seen(self) -> Hashable:
        """What tells one `current` from another: each is a new file."""
        try:
            seen = self.file.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino, seen.st_size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Inside, no other process changes `current`. The lock is on the folder itself: no file is added to it. A
        file system that cannot do it has none, as before there was a lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file, and overwrite what was there; `tidy` ends it after a kill.

    Raises OSError.
    """
    earlier = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")  # its bytes keep a name until they go
    os.link(path, earlier)
    try:
        write_atomic(path, content)
    except OSError as error:
        earlier.unlink()
        if error.errno not in NO_ROOM or len(content) > path.stat().st_size:
            raise
        with path.open("r+b") as file:
            file.write(content)
            overwrite(file, start=len(content))
            file.truncate(len(content))
            os.fsync(file.fileno())
        return
    shred(earlier)
