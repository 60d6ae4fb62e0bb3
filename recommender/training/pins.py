"""Going back to an earlier version, which pins it, and unpinning.

A pinned version stays live: trainings go on, and what they make is held back. Each of the two steps is safe beside
a training that publishes at the same moment (`recommender.store.version_notes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from plumbing.clock import Clock
from plumbing.words import Message
from recommender.errors import ArtifactError, NoSuchVersion, NotPinned
from recommender.store.shelves.contents import ARRAYS, published
from recommender.store.shelves.errors import CurrentChanged
from recommender.store.version_notes import HELD_BACK, REFUSED, ROLLED_BACK, Note, Pin, VersionNotes
from recommender.store.version_places import Place
from recommender.store.versions import VersionStore

log = structlog.get_logger(__name__)
TRIES = 5
NOT_SERVED = (HELD_BACK, REFUSED, ROLLED_BACK)


@dataclass(frozen=True)
class Pins:
    """The pins of all tenants and scenes."""

    place: Place
    notes: VersionNotes
    now_us: Clock

    def go_back(
        self, tenant: str, scene: str, version: str | None, *, who: str, message: Message | None = None
    ) -> Pin:
        """Make `version` live and pin it; None: the newest good one before the live one that was not rolled back.

        Going back to the live version only pins it. `who` is as in `Pin`.

        Raises:
            NoSuchVersion: there is none that passes its checks.
            CurrentChanged: others change what is live again and again; nothing was changed.
            VersionsUnreachable, DatabaseBusy: nothing was changed.
        """
        shelf = self.place.store(tenant, scene)
        live = shelf.pointed().name
        target = self._target(shelf, tenant, scene, version, live)
        pin = Pin(target, self.now_us(), who, message or Message.of("versions-went-back"))
        left = self._left(shelf, tenant, scene, live, pin) if live and live != target else None
        with self._undone(tenant, scene, live, left):
            self.notes.go_back(tenant, scene, pin, left)
            self._point(shelf, target)
        return pin

    def target(self, tenant: str, scene: str, version: str | None) -> str:
        """The version that `go_back` would go to now. Raises NoSuchVersion."""
        shelf = self.place.store(tenant, scene)
        return self._target(shelf, tenant, scene, version, shelf.pointed().name)

    def unpin(self, tenant: str, scene: str) -> Pin:
        """Let trainings publish again; returns the pin. What is live stays until one does. Raises NotPinned."""
        pin = self.notes.unpin(tenant, scene)
        if pin is None:
            raise NotPinned
        return pin

    def mend(self, tenant: str, scene: str) -> bool:
        """End a step back that was killed in its middle: the pinned version is live; whether it was not."""
        pin = self.notes.pin(tenant, scene)
        if pin is None:
            return False
        shelf = self.place.store(tenant, scene)
        if shelf.current() == pin.version or pin.version not in shelf.names():
            return False
        self._point(shelf, pin.version)
        return True

    def _target(self, shelf: VersionStore, tenant: str, scene: str, version: str | None, live: str | None) -> str:
        if version is not None:
            wanted = [version]
        else:
            notes = self.notes.all(tenant, scene)
            bad = {name for name, note in notes.items() if note.state in NOT_SERVED}
            wanted = [name for name in shelf.candidates() if name != live and name not in bad]
        kept = shelf.names()
        for name in wanted:
            if name in kept and _is_whole(shelf, name):
                return name
        raise NoSuchVersion(scene, version)

    def _left(self, shelf: VersionStore, tenant: str, scene: str, live: str, pin: Pin) -> Note:
        earlier = self.notes.of(tenant, scene, live)
        manifest = shelf.manifest(live)
        content = published(manifest)[ARRAYS] if manifest else ""
        earlier = earlier or Note(live, ROLLED_BACK, content, pin.at_us)
        return replace(
            earlier, state=ROLLED_BACK, content=earlier.content or content, at_us=pin.at_us, message=pin.message
        )

    @contextmanager
    def _undone(self, tenant: str, scene: str, live: str | None, left: Note | None) -> Iterator[None]:
        """What fails inside leaves pin and notes as they were."""
        pin = self.notes.pin(tenant, scene)
        note = self.notes.of(tenant, scene, live) if live else None
        try:
            yield
        except (CurrentChanged, OSError):
            if pin is None:
                self.notes.unpin(tenant, scene)
            else:
                self.notes.go_back(tenant, scene, pin, None)
            if left is not None:
                self.notes.note(tenant, scene, note or replace(left, state="published", message=None))
            raise

    @staticmethod
    def _point(shelf: VersionStore, target: str) -> None:
        """The pointer is read after the pin is written; who published in between is overruled."""
        for tries_left in reversed(range(TRIES)):
            try:
                shelf.point_at(target, shelf.pointed())
            except CurrentChanged:
                if not tries_left:
                    raise
            else:
                return


def _is_whole(shelf: VersionStore, name: str) -> bool:
    try:
        shelf.load(name)
    except ArtifactError:
        return False
    return True
