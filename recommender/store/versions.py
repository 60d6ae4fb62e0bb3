"""Versions of models: plain arrays and texts, written whole, checked when read, never pickled.

They lie in the home (`models/<tenant>/<scene>`), or as objects in a bucket when `USUAL_VERSIONS` names one; the
same data and seed give the same bytes in both. Only `parent` in the manifest may differ.

Of a version that was published, rows of customers can be taken out (`rewrite`). It keeps its name, which is a hash
of what was published; the manifest says so in `redacted`. Nothing of what is replaced or deleted stays: on a disk
it is overwritten first.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from recommender.errors import ArtifactError, NoSuchVersion
from recommender.scene import DataCut, Trained
from recommender.store.shelves.contents import (
    ARRAYS,
    TEXTS,
    Manifest,
    announced_files,
    content_hash,
    contents_of,
    finite,
    is_being_rewritten,
    is_same,
    pack,
    safe,
    unpack,
)
from recommender.store.shelves.errors import CurrentChanged, VersionsUnreachable
from recommender.store.shelves.folder import FolderShelf
from recommender.store.shelves.protocol import Pointer, Shelf

__all__ = ["ARRAYS", "Version", "VersionStore", "content_hash", "finite", "is_being_rewritten", "is_same"]

TRIES = 3
"""How often a version is read that is rewritten meanwhile."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that passed its checks."""

    name: str
    manifest: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    texts: Mapping[str, str]
    digest: str = ""  # sha256 of the arrays as they are in the file
    tag: Hashable = None  # by which the shelf knows whether the manifest is still this one


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """The files of a version that match its manifest."""

    manifest: Manifest
    contents: Mapping[str, bytes]
    tag: Hashable


class VersionStore:
    """The versions of one scene of one tenant.

    `place` is a folder (`models` of a home), or a shelf that was opened before. `tenant` is a folder name; if it
    has anything but letters, digits, `_`, `-` and `.`, it is hexadecimal.
    """

    def __init__(self, place: Path | Shelf, tenant: str, scene: str) -> None:
        self.scene = scene
        self.shelf = FolderShelf(place / safe(tenant) / safe(scene)) if isinstance(place, Path) else place

    @property
    def folder(self) -> Path:
        """Where the versions lie. Raises TypeError when that is no folder."""
        if isinstance(self.shelf, FolderShelf):
            return self.shelf.folder
        raise TypeError("These versions lie in object storage, not in a folder.")

    @property
    def pointer(self) -> Path:
        """The file with the name of the current version. Raises TypeError when there is no folder."""
        return self.folder / "current"

    def exists(self) -> bool:
        """Whether anything was ever published here."""
        return self.shelf.exists()

    def pointed(self) -> Pointer:
        """What is current, to be handed back to `publish` or `point_at`: they refuse when it changed since."""
        return self.shelf.pointer()

    def current(self) -> str | None:
        """The name that `current` holds, None without one. The version itself is not checked."""
        return self.shelf.pointer().name

    def names(self) -> list[str]:
        """All versions that are kept, oldest first."""
        return self.shelf.names()

    def publish(
        self,
        trained: Trained,
        *,
        seed: int,
        cut: DataCut,
        parent: str | None,
        keep: int = 5,
        before: Callable[[str, str], None] = lambda name, digest: None,
        expected: Pointer | None = None,
    ) -> str:
        """Write a version and make it current; returns its name. The newest `keep` versions are kept.

        `before` is called with the version's name and the sha256 of its arrays, before anybody can see it.
        `expected` is what was current when the caller looked; left out, what is current as it begins.

        Raises:
            ArtifactError: an array would need pickling, or the report is not plain JSON.
            CurrentChanged: somebody published or went back meanwhile. The new version is kept, and not served.
        """
        expected = self.pointed() if expected is None else expected
        name = self.keep(trained, seed=seed, cut=cut, parent=parent, before=before)
        try:
            self.shelf.point_at(name, expected)
        except CurrentChanged as error:
            raise CurrentChanged(error.current, kept=name) from error
        self.prune(keep)
        return name

    def keep(
        self,
        trained: Trained,
        *,
        seed: int,
        cut: DataCut,
        parent: str | None,
        before: Callable[[str, str], None] = lambda name, digest: None,
    ) -> str:
        """Write a version that is not served; returns its name. Raises ArtifactError as `publish` does."""
        files, body = contents_of(trained, seed, cut)
        digest = body["files"][ARRAYS]
        return self.shelf.add(
            content_hash(body)[:12], body | {"parent": parent}, files, lambda name: before(name, digest)
        )

    def point_at(self, name: str | None, expected: Pointer | None = None) -> None:
        """Make a version current, or none. Raises CurrentChanged when `expected` is not current any more."""
        self.shelf.point_at(name, self.pointed() if expected is None else expected)

    def read(self, name: str) -> VersionFiles:
        """Read a version's files and check them against its manifest.

        Raises:
            ArtifactError: missing, cut short or altered.
            VersionsUnreachable: nobody can say.
        """
        for left in reversed(range(TRIES)):
            tag: Hashable = None
            try:
                manifest, tag = self.shelf.manifest(name)
                return VersionFiles(manifest, self._checked(name, manifest), tag)
            except VersionsUnreachable:
                raise
            except ArtifactError:
                if not left or not self._changed(name, tag):
                    raise
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                if not left or not self._changed(name, tag):
                    raise ArtifactError(f"{name} cannot be read: {error}") from error
        raise ArtifactError(f"{name} is rewritten again and again.")

    def _checked(self, name: str, manifest: Manifest) -> dict[str, bytes]:
        contents = {}
        for file, digest in manifest["files"].items():
            content = self.shelf.read(name, manifest, file)
            if hashlib.sha256(content).hexdigest() not in (digest, announced_files(manifest).get(file)):
                raise ArtifactError(f"{name}/{file} does not match its manifest.")
            contents[file] = content
        if not name.endswith(content_hash(manifest)[:12]):
            raise ArtifactError(f"{name}/manifest.json was altered.")
        return contents

    def _changed(self, name: str, tag: Hashable) -> bool:
        """Whether somebody rewrote the version while it was read: then nothing is wrong with it."""
        try:
            return tag is not None and self.shelf.manifest(name)[1] != tag
        except VersionsUnreachable:
            raise
        except (OSError, ValueError):
            return False

    def load(self, name: str) -> Version:
        """Read a version and check its files against its manifest. Raises as `read` does."""
        found = self.read(name)
        try:
            arrays, texts = unpack(found.contents[ARRAYS]), json.loads(found.contents[TEXTS])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{name} cannot be read: {error}") from error
        digest = hashlib.sha256(found.contents[ARRAYS]).hexdigest()
        return Version(name, found.manifest, arrays, texts, digest, found.tag)

    def rewrite(
        self,
        version: Version,
        arrays: Mapping[str, NDArray[Any]],
        before: Callable[[str], None] = lambda digest: None,
    ) -> str:
        """Replace the arrays of a version that was loaded; its name and its other files stay. Returns the sha256
        of the new ones.

        `before` is called with the sha256 of the new ones, before they are in place. After a power cut at any
        point the version can be read, with the old arrays or the new ones.

        Raises:
            OSError: they cannot be written; the version is as it was.
            VersionChanged: it was rewritten since it was loaded; so it is an OSError too.
        """
        content = pack(arrays)
        digest = hashlib.sha256(content).hexdigest()
        known = (dict(version.manifest), version.tag)
        self.shelf.rewrite(version.name, known, version.digest, content, digest, before)
        return digest

    def settle(self, version: Version) -> bool:
        """The manifest of a version that was rewritten admits the arrays that are there, and no others any more;
        whether it did.

        Raises OSError.
        """
        if not is_being_rewritten(version.manifest):
            return False
        self.shelf.settle(version.name, (dict(version.manifest), version.tag), version.digest)
        return True

    def tidy(self) -> bool:
        """Delete what a process that was killed left; False: something may have to wait. Raises OSError."""
        return self.shelf.tidy()

    def drop(self, name: str) -> None:
        """Delete a version, with every byte of it. Raises OSError."""
        self.shelf.remove(name)

    def manifest(self, name: str) -> dict[str, Any] | None:
        """The manifest of a version, unchecked; None when it cannot be read. Raises VersionsUnreachable."""
        try:
            manifest, _ = self.shelf.manifest(name)
        except VersionsUnreachable:
            raise
        except (OSError, ValueError):
            return None
        readable = isinstance(manifest, dict) and isinstance(manifest.get("report"), dict)
        return manifest if readable else None

    def stamp(self) -> Hashable:
        """What differs as soon as another version is current."""
        return self.shelf.stamp()

    def candidates(self) -> list[str]:
        """The versions to try: the current one, then the older ones, newest first.

        Without a readable `current`: all, newest first.
        """
        names, current = self.names(), self.current()
        if current in names:
            names = names[: names.index(current) + 1]
        return names[::-1]

    def roll_back(self, version: str | None = None, expected: Pointer | None = None) -> str:
        """Make an earlier version current: `version`, or the newest good one before the current one.

        `expected` is what was current when the caller looked; left out, what is current as it begins.

        Raises:
            NoSuchVersion: no such version passes its checks.
            CurrentChanged: somebody published or went back meanwhile.
        """
        now = self.pointed() if expected is None else expected
        wanted = [version] if version else [name for name in self.candidates() if name != now.name]
        kept = self.names()
        for name in wanted:
            if name not in kept:
                continue
            try:
                self.load(name)
            except ArtifactError:
                continue
            self.shelf.point_at(name, now)
            return name
        raise NoSuchVersion(self.scene, version)

    def prune(self, keep: int) -> None:
        """Delete the oldest versions but for `keep`, never the current one."""
        current = self.current()
        for name in self.names()[:-keep]:
            if name != current:
                self.shelf.remove(name)
