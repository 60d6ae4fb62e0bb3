"""A shelf in a bucket, for any number of machines at once. No lock and no clock decides: only conditional writes.

    <tenant>/<scene>/0007-3f9a2c41d0be/manifest.json  arrays-5f0c....npz  texts-5f0c....json
    <tenant>/<scene>/current                          {"format": 1, "version": "0007-3f9a2c41d0be", ...}

A file never changes: it has a name of its own, and the manifest says in `objects` which ones are its version's. So
what one conditional write of the manifest says is the version, at each moment. Who writes files announces them
there first (`coming`); what no manifest names any more is left over, and may be deleted by anybody.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from recommender.store.shelves.bucket import ABSENT, Bucket, Entry, Stale, Tag
from recommender.store.shelves.contents import (
    ARRAYS,
    MANIFEST,
    NAME,
    Manifest,
    in_order,
    number_of,
    settled,
)
from recommender.store.shelves.errors import CurrentChanged, VersionChanged, VersionsUnreachable
from recommender.store.shelves.protocol import BeforeAdding, Pointer
from recommender.store.shelves.records import (
    as_bytes,
    from_bytes,
    own_name,
    pointer_of,
    pointing,
    removed,
    state_of,
)

TRIES = 5
ABANDONED_S = 600.0
"""A version that is not whole so long after it was begun counts as abandoned. Should its writer live,
its last write fails, and it begins again: nothing depends on clocks that agree."""

Known = dict[str, tuple[Tag, Manifest]]
"""Manifests that were read, by the key of their object: an unchanged one is not sent again."""


class ObjectShelf:
    """See `Shelf`. `changed` is called with the name of a version whose files are not what they were, `ready`
    before anything is written.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: str,
        known: Known,
        *,
        changed: Callable[[str], None] = lambda name: None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._known = known
        self._changed = changed
        self._ready = ready

    # --- read ----------------------------------------------------------------------------------------

    def exists(self) -> bool:
        return True  # to ask would cost as much as to list

    def names(self) -> list[str]:
        return in_order([name for name, entries in self.entries().items() if self._is_version(name, entries)])

    def manifest(self, name: str) -> tuple[Manifest, Hashable]:
        tag, manifest = self._manifest(name)
        return manifest, tag

    def read(self, name: str, manifest: Manifest, file: str) -> bytes:
        return self._bucket.get(self._key(name, str(manifest["objects"]["files"][file])))[0]

    def pointer(self) -> Pointer:
        try:
            return pointer_of(*self._bucket.get(f"{self._folder}/current"))
        except FileNotFoundError:
            return Pointer(None, None)

    def pointer_unless(self, seen: Pointer) -> Pointer:
        """What `current` says; the same as was `seen` costs an answer without a body."""
        try:
            found = self._bucket.look(f"{self._folder}/current", _tag(seen.tag))
        except FileNotFoundError:
            return Pointer(None, None)
        return seen if found is None else pointer_of(*found)

    def stamp(self) -> Hashable:
        return self.pointer().tag

    def entries(self) -> dict[str, list[Entry]]:
        """The objects of each version, by one list."""
        found: dict[str, list[Entry]] = {}
        for entry in self._bucket.list(self._folder):
            *above, name, _ = entry.key.split("/")
            if "/".join(above) == self._folder and NAME.match(name):
                found.setdefault(name, []).append(entry)
        return found

    def _is_version(self, name: str, entries: list[Entry]) -> bool:
        """Whether it was published: a broken one is one still, one that is being written or deleted is none."""
        try:
            return state_of(self._as_listed(name, entries)) == ""
        except FileNotFoundError:
            return bool(entries)
        except ValueError:
            return True

    def _as_listed(self, name: str, entries: list[Entry]) -> Manifest:
        key = self._key(name, MANIFEST)
        tag = next((entry.tag for entry in entries if entry.key == key), None)
        known = self._known.get(key)
        if tag is not None and known is not None and known[0][0] == tag[0]:
            return known[1]
        return self._manifest(name)[1]

    def _manifest(self, name: str) -> tuple[Tag, Manifest]:
        """As it is now. Raises FileNotFoundError, ValueError."""
        key = self._key(name, MANIFEST)
        known = self._known.get(key)
        try:
            found = self._bucket.look(key, known[0] if known else None)
        except FileNotFoundError:
            self._known.pop(key, None)
            raise
        if found is None and known is not None:
            return known
        content, tag = found or self._bucket.get(key)
        manifest = from_bytes(content)
        self._known[key] = tag, manifest
        return tag, manifest

    def _key(self, name: str, file: str) -> str:
        return f"{self._folder}/{name}/{PurePosixPath(file).name}"

    # --- publish -------------------------------------------------------------------------------------

    def add(
        self, digest: str, manifest: Manifest, files: Mapping[str, bytes], before: BeforeAdding = lambda name: None
    ) -> str:
        """The files first, the manifest last, each attempt under names of its own."""
        self._ready()
        for _ in range(TRIES):
            number = max((number_of(name) for name in self.entries()), default=0) + 1
            name = f"{number:04d}-{digest}"
            if self.put(name, manifest, files, before):
                return name
        raise VersionChanged(
            "Others publish at the same moment, again and again. Nothing was published; try again."
        )

    def put(
        self, name: str, manifest: Manifest, files: Mapping[str, bytes], before: BeforeAdding = lambda name: None
    ) -> bool:
        """Put a version here under this name; False: the name is taken, or we were so slow that somebody cleared
        up behind us."""
        self._ready()
        keys = {file: own_name(file) for file in files}
        draft = {"objects": {"state": "draft", "coming": sorted(keys.values())}}
        try:
            tag = self._swap_manifest(name, draft, ABSENT)
        except Stale:
            return False
        try:
            before(name)
            for file, content in files.items():
                self._bucket.put(self._key(name, keys[file]), content)
            self._swap_manifest(name, manifest | {"objects": {"files": keys}}, tag)
        except Stale:
            self._bucket.delete(self._key(name, key) for key in keys.values())
            return False
        except BaseException:  # Ctrl-C too: nothing half-written stays, if the store can be reached
            with suppress(VersionsUnreachable):
                self._abandon(name, after_s=0.0)
            raise
        return True

    def point_at(self, name: str | None, expected: Pointer) -> None:
        self._ready()
        move, seen = secrets.token_hex(8), expected
        for _ in range(TRIES):
            try:
                self._point(name, move, seen)
            except Stale:
                seen = self.pointer()
                if seen.tag is None or not expected.move or seen.move != expected.move:
                    break  # else it was only written again: rows were taken out of a version
            else:
                return
        raise CurrentChanged(self.pointer().name)

    def _point(self, name: str | None, move: str, seen: Pointer) -> None:
        """Raises Stale."""
        self._bucket.swap(f"{self._folder}/current", pointing(name, move), _tag(seen.tag) or ABSENT)

    # --- forget --------------------------------------------------------------------------------------

    def rewrite(
        self,
        name: str,
        known: tuple[Manifest, Hashable],
        held: str,
        content: bytes,
        digest: str,
        before: Callable[[str], None],
    ) -> None:
        """Announce a new file, write it, let the manifest name it, delete the old one: the third request of these
        decides. Every machine sees a change of `current` then, and reads the version again."""
        self._ready()
        manifest, tag = known[0], _tag(known[1]) or ABSENT
        earlier, coming = manifest["objects"]["files"], own_name(ARRAYS)
        try:
            tag = self._swap_manifest(name, manifest | {"objects": {"files": earlier, "coming": [coming]}}, tag)
            before(digest)
            self._bucket.put(self._key(name, coming), content)
            objects = {"files": {**earlier, ARRAYS: coming}}
            self._swap_manifest(name, settled(manifest, digest) | {"objects": objects}, tag)
        except Stale:
            self._bucket.delete([self._key(name, coming)])
            raise VersionChanged from None
        self._bucket.delete([self._key(name, earlier[ARRAYS])])
        self._noticed(name, self.pointer())

    def settle(self, name: str, known: tuple[Manifest, Hashable], held: str) -> None:
        self._ready()
        manifest, tag = known[0], _tag(known[1]) or ABSENT
        coming = list(manifest["objects"].get("coming", ()))
        try:
            self._swap_manifest(name, manifest | {"objects": {"files": manifest["objects"]["files"]}}, tag)
        except Stale:
            raise VersionChanged from None
        self._bucket.delete(self._key(name, key) for key in coming)

    def remove(self, name: str) -> None:
        """First the manifest says so: who writes the version at this moment is too late from here on."""
        self._ready()
        self._known.pop(self._key(name, MANIFEST), None)
        self._bucket.put(self._key(name, MANIFEST), removed())
        self._clear(name)
        pointer = self.pointer()
        if pointer.name == name:
            self._noticed(name, pointer)

    def tidy(self) -> bool:
        """Safe while others publish and rewrite, on other machines too."""
        self._ready()
        whole = True
        for name, entries in self.entries().items():
            try:
                state = state_of(self._as_listed(name, entries))
                if state == "draft":
                    whole &= self._abandon(name, after_s=ABANDONED_S, entries=entries)
                elif state:
                    self._clear(name)
                else:
                    self._sweep(name, entries)
            except (FileNotFoundError, ValueError):  # broken, or gone meanwhile
                continue
        return whole

    def _sweep(self, name: str, entries: list[Entry]) -> None:
        """Delete what the manifest does not name. It is read after the list: what was in the list and is not named
        now will never be named."""
        keys = {entry.key for entry in entries}
        if not keys - self._named(name, self._as_listed(name, entries)):
            return
        manifest = self._manifest(name)[1]
        if not state_of(manifest):
            self._bucket.delete(keys - self._named(name, manifest))

    def _named(self, name: str, manifest: Manifest) -> set[str]:
        objects = manifest.get("objects", {})
        files = (MANIFEST, *objects.get("files", {}).values(), *objects.get("coming", ()))
        return {self._key(name, str(file)) for file in files}

    def _abandon(self, name: str, *, after_s: float, entries: Iterable[Entry] = ()) -> bool:
        """Clear up behind a publisher that was killed; False: it may be at work still."""
        key = self._key(name, MANIFEST)
        begun = next((entry.written_s for entry in entries if entry.key == key), 0.0)
        tag, manifest = self._manifest(name)
        if state_of(manifest) != "draft" or time.time() - begun < after_s:
            return False
        try:
            self._bucket.swap(key, removed(), tag)
        except Stale:
            return False
        self._clear(name)
        return True

    def _clear(self, name: str) -> None:
        last = self._key(name, MANIFEST)
        keys = {entry.key for entry in self._bucket.list(f"{self._folder}/{name}")}
        self._bucket.delete(keys - {last})
        self._bucket.delete([last])

    def _noticed(self, name: str, pointer: Pointer) -> None:
        """A version is not what it was: let every machine look again, by a new `current` that says the same."""
        self._changed(name)
        if pointer.tag is not None:
            with suppress(Stale):  # then they look anyway
                self._point(pointer.name, pointer.move, pointer)

    def _swap_manifest(self, name: str, manifest: Mapping[str, Any], seen: Tag) -> Tag:
        """Write a manifest on a condition."""
        return self._bucket.swap(self._key(name, MANIFEST), as_bytes(manifest), seen)


def _tag(tag: Hashable) -> Tag | None:
    return tag if isinstance(tag, tuple) else None
