"""The served version of a bucket, as this machine has it: a copy in the home, and who looks for a newer one.

    versions-copy/<tenant>/<scene>/0007-3f9a2c41d0be/  current

A request never waits for the bucket as long as requests come: one thread of the process asks for a new `current`
(a conditional read, answered without a body while nothing changed), fetches what is new, and only then says so.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path

import structlog

from plumbing.problem import Problem
from plumbing.storage.files import process_lock
from recommender.errors import ArtifactError
from recommender.store.shelves.errors import VersionsUnreachable
from recommender.store.shelves.folder import FolderShelf
from recommender.store.shelves.objects import ObjectShelf
from recommender.store.shelves.protocol import Pointer
from recommender.store.versions import Version, VersionStore

log = structlog.get_logger(__name__)

FOLDER = "versions-copy"
LOOK_S = 0.5
"""How often `current` is looked at while requests come."""
FRESH_S = 1.0
"""A request that finds an older look waits for a new one; so the first one after a quiet time does."""
QUIET_S = 5.0
IDLE_LOOK_S = 20.0
"""Without a request for `QUIET_S`, `current` is looked at so often: what was erased leaves the copy then."""
FIRST_WAIT_S, WAIT_S = 5.0, 1.0
"""How long a request waits for the bucket when nothing was ever read, and later on."""


Key = tuple[str, str]
"""Tenant and scene as they are called in a folder and in a bucket."""


class Copies:
    """The copies of one home, in the layout of a folder of versions."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def shelf(self, key: Key) -> FolderShelf:
        """The copies of one scene."""
        return FolderShelf(self.root / key[0] / key[1])

    def drop(self, key: Key, name: str) -> None:
        """Overwrite and delete the copy of a version that was rewritten. Raises OSError."""
        shelf = self.shelf(key)
        if (shelf.folder / name).is_dir():
            shelf.remove(name)

    def scenes(self) -> list[Key]:
        """What there are copies of."""
        return [(path.parent.name, path.name) for path in self.root.glob("*/*") if path.is_dir()]


class Followed:
    """One scene of one tenant as this process serves it."""

    def __init__(self, shelf: ObjectShelf, key: Key, copies: Copies) -> None:
        self._shelf = shelf
        self._store = VersionStore(shelf, *key)
        self._folder = copies.shelf(key)
        self._copy = VersionStore(self._folder, *key)
        self._lock = threading.Lock()
        self._seen = Pointer(None, None)
        self._names: list[str] | None = None  # to be tried, as of `_seen`; None: never asked
        self._whole: str | None = None  # the version whose copy is as the bucket has it, as of `_seen`
        self._turn = 0  # grows with what was learned
        self.looked_s = -1e9  # monotonic
        self.asked_s = -1e9
        self.failing = False

    def stamp(self) -> Hashable:
        """What differs as soon as another version can be read. Never raises."""
        return self._turn

    def look(self) -> None:
        """Ask the bucket what is current, and fetch it when it is new. Never raises."""
        with self._lock:
            try:
                seen = self._shelf.pointer_unless(self._seen)
                if seen != self._seen or self._names is None or self.failing:
                    self._learn(seen)
                self.failing = False
            except Problem as error:
                if not self.failing:
                    log.warning("versions_not_looked_at", scene=self._store.scene, error=error.code)
                if self._names is None:
                    self._turn += 1
                    self._names = self._copy.candidates()
                self.failing = True
            self.looked_s = time.monotonic()

    def _learn(self, seen: Pointer) -> None:
        if seen.tag is None and self._copy.names():  # nobody of ours deletes `current`
            raise VersionsUnreachable("What says which version is current is gone from the object storage.")
        names = self._store.candidates()
        for name in names:
            try:
                self._fetch(name)
            except ArtifactError:
                continue
            except OSError as error:  # a full disk: it is served from the bucket, and from memory
                if isinstance(error, VersionsUnreachable):
                    raise
                log.warning("version_not_copied", scene=self._store.scene, errno=error.errno)
            break
        else:
            self._whole = None
            self._keep_only(None)
        self._names, self._seen = names, seen
        self._turn += 1

    def _fetch(self, name: str) -> None:
        """Let the copy be what the bucket has. Raises ArtifactError, VersionsUnreachable."""
        manifest = self._store.manifest(name)
        self._copy.folder.mkdir(parents=True, exist_ok=True)
        with process_lock(self._copy.folder / ".lock"):  # the other processes of this server fetch it too
            if manifest is None or self._copy.manifest(name) != manifest or not self._is_whole(name):
                found = self._store.read(name)
                self._folder.put(name, found.manifest, found.contents)
            if self._copy.current() != name:
                self._copy.point_at(name)
            self._keep_only(name)
        self._whole = name

    def _is_whole(self, name: str) -> bool:
        try:
            self._copy.read(name)
        except ArtifactError:
            return False
        return True

    def _keep_only(self, name: str | None) -> None:
        """Overwrite the copies of other versions: they may hold rows of somebody who is erased by now."""
        with suppress(OSError):
            self._copy.tidy()
            for other in self._copy.names():
                if other != name:
                    self._copy.drop(other)

    # --- what the caches read ------------------------------------------------------------------------

    def candidates(self) -> list[str]:
        """The versions to try. Never raises."""
        return list(self._names or ())

    def load(self, name: str) -> Version:
        """A version, checked: from the copy when that is what the bucket has, or when the bucket is silent.

        Raises:
            ArtifactError: broken, or neither here nor to be had now.
        """
        if name == self._whole or self.failing:
            with suppress(ArtifactError):
                return self._copy.load(name)
        try:
            return self._store.load(name)
        except VersionsUnreachable as error:
            self.failing = True  # the next look reads all of it
            if name not in self._copy.names():
                raise ArtifactError(f"{name} cannot be read now: {error.detail}") from error
        return self._copy.load(name)


class Watch:
    """Looks for new versions of everything that a process serves, from one thread that ends with it."""

    def __init__(self) -> None:
        self._followed: dict[Key, Followed] = {}
        self._wanted = threading.Event()
        self._looked = threading.Condition()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._over = False

    def fresh(self, one: Followed) -> None:
        """Return when what is known of `one` is at most `FRESH_S` old, or the bucket is slow or silent."""
        now = time.monotonic()
        one.asked_s = now
        if now - one.looked_s <= FRESH_S:
            return
        self.start()
        self._wanted.set()
        if one.failing and now - one.looked_s <= IDLE_LOOK_S:
            return  # it is looked at all the same; nobody waits for a bucket that is silent
        wait_s = WAIT_S if one.looked_s > 0 else FIRST_WAIT_S
        with self._looked:
            self._looked.wait_for(lambda: one.looked_s >= now, wait_s)

    def add(self, key: Key, one: Followed) -> Followed:
        """Follow `one` from here on; the one that is followed under this key already, if there is one."""
        with self._lock:
            return self._followed.setdefault(key, one)

    def get(self, key: Key) -> Followed | None:
        """What is followed under this key."""
        return self._followed.get(key)

    def silent(self) -> bool:
        """Whether the bucket did not answer when it was asked last."""
        return any(one.failing for one in self._followed.values())

    def close(self) -> None:
        """End the thread."""
        self._over = True
        self._wanted.set()

    def start(self) -> None:
        """Start the thread, if it does not run."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=_run, args=(weakref.ref(self), self._wanted), name="versions", daemon=True
                )
                self._thread.start()

    def turn(self) -> float | None:
        """Look where it is due; the seconds until the next look, None when there is none."""
        if self._over:
            return None
        now = time.monotonic()
        for one in list(self._followed.values()):
            every_s = LOOK_S if now - one.asked_s <= QUIET_S else IDLE_LOOK_S
            if one.asked_s > one.looked_s + FRESH_S or now - one.looked_s >= every_s:
                one.look()
        with self._looked:
            self._looked.notify_all()
        busy = any(now - one.asked_s <= QUIET_S for one in self._followed.values())
        return LOOK_S if busy else IDLE_LOOK_S


def _run(watch: weakref.ref[Watch], wanted: threading.Event) -> None:
    """The thread. It keeps nothing alive: it ends when nobody has the watch any more."""
    while (one := watch()) is not None and (wait_s := one.turn()) is not None:
        del one
        wanted.wait(wait_s)
        wanted.clear()
