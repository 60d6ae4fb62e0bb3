"""Takes what was forgotten out of every version that is kept, and says where somebody is still held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from filelock import Timeout
from numpy.typing import NDArray

from plumbing.storage.files import process_lock
from recommender.errors import ArtifactError, VersionsBusy
from recommender.orders.signals.neighbours import ROWS
from recommender.ranking.rows import Arrays, count, in_model, taken
from recommender.scene import Trained
from recommender.store.forgotten import KINDS, ForgottenStore, Labels, Mark
from recommender.store.shelves.errors import VersionChanged, VersionsUnreachable
from recommender.store.version_places import Place
from recommender.store.versions import ARRAYS, Version, VersionStore, is_being_rewritten

log = structlog.get_logger(__name__)

LOCK = "versions.lock"
PUBLISH_S, FORGET_S = 60.0, 1.5
"""How long a training and an opt-out wait for the lock. A version is written in a tenth of a second; an opt-out
that meets a process that hangs leaves the files to the next try."""
TRIES = 3
"""How often a version is rewritten that another machine rewrites at the same moment."""


@dataclass(frozen=True, slots=True)
class Held:
    """A version on the disk whose arrays have a row of somebody."""

    scene: str
    version: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of the versions: those that lost rows, those that could not be read and went as a whole, and
    those that cannot be written now. Rows of the last are not served, and the next try takes them out."""

    done: tuple[Held, ...] = ()
    dropped: tuple[Held, ...] = ()
    left: tuple[Held, ...] = ()

    def __add__(self, other: Rewritten) -> Rewritten:
        return Rewritten(self.done + other.done, self.dropped + other.dropped, self.left + other.left)


class VersionRows:
    """The rows of customers in the versions of all tenants.

    The lock in `home` lets the processes of one machine wait for each other. Where several machines share a bucket
    it holds nobody up: there every change is a conditional write, and who is too late does it again.
    """

    def __init__(self, place: Place, home: Path, store: ForgottenStore, scenes: Sequence[str]) -> None:
        self.store = store
        self.place = place
        self._scenes = tuple(scenes)
        self._lock = home / LOCK
        self._clean: dict[tuple[str, str], int] = {}  # tenant, scene -> what was forgotten when all was rewritten

    @contextmanager
    def alone(self, wait_s: float = PUBLISH_S) -> Iterator[None]:
        """Inside, no other thread or process publishes or rewrites a version. Raises VersionsBusy."""
        lock = process_lock(self._lock)  # one of its own: threads that share one pass each other
        try:
            lock.acquire(timeout=wait_s)
        except Timeout as error:
            raise VersionsBusy from error
        try:
            yield
        finally:
            lock.release()

    def shelf(self, tenant: str, scene: str) -> VersionStore:
        """The versions of one scene."""
        return self.place.store(tenant, scene)

    # --- forget --------------------------------------------------------------------------------------

    def forget_everywhere(self) -> Rewritten:
        """`forget` of every tenant, looking at every version: at a start, also for versions that were put back."""
        found = Rewritten()
        for tenant in self.store.tenants():
            found += self.forget(tenant, again=True)
        return found

    def forget(self, tenant: str, *, again: bool = False) -> Rewritten:
        """Take the rows of everybody forgotten so far out of every version of a tenant.

        Called after the deletion was committed. A process that was killed before, a disk that could not be written
        and a version that was put back are made up for by the next call; `again` looks at every version, also
        where nothing was forgotten since the last look of this process.

        Raises:
            VersionsBusy: another process publishes; nothing was rewritten.
        """
        found = Rewritten()
        for scene in self._scenes:
            number = self.store.number(tenant, scene)
            shelf = self.shelf(tenant, scene)
            if not number or (self._clean.get((tenant, scene)) == number and not again) or not shelf.exists():
                continue
            with self.alone(FORGET_S):
                one = self._forget(shelf, tenant, scene, again)
            found += one
            if not one.left:
                self._clean[tenant, scene] = number
        if found.left:
            log.warning("versions_not_rewritten", n=len(found.left))
        return found

    def _forget(self, shelf: VersionStore, tenant: str, scene: str, again: bool) -> Rewritten:
        found = Rewritten()
        try:
            whole = shelf.tidy()
        except OSError:
            whole = False
        if not whole:
            found += Rewritten(left=(Held(scene, "drafts"),))
        for name in shelf.names():
            held = Held(scene, name)
            try:
                if (again or not self._is_clean(shelf, tenant, scene, name)) and self._taken(
                    shelf, tenant, scene, name
                ):
                    found += Rewritten(done=(held,))
            except ArtifactError:
                found += self._dropped(shelf, held)
            except OSError:
                found += Rewritten(left=(held,))
        return found

    def _taken(self, shelf: VersionStore, tenant: str, scene: str, name: str) -> bool:
        """Take out what is to go; whether there was anything. Another machine may do the same at this moment."""
        for left in reversed(range(TRIES)):
            try:
                version = shelf.load(name)
                if shelf.settle(version):
                    self.store.only(tenant, scene, name, version.digest)
                    version = shelf.load(name)
                return self._rewritten(shelf, tenant, scene, version)
            except VersionChanged:
                if not left:
                    raise
        return False

    def _is_clean(self, shelf: VersionStore, tenant: str, scene: str, name: str) -> bool:
        """Whether it is known without reading the arrays that there is nothing to take out."""
        manifest = shelf.manifest(name)
        if manifest is None or is_being_rewritten(manifest):
            return False
        digest = str(manifest.get("files", {}).get(ARRAYS))
        labels = self.store.labels(tenant, scene, name, digest)
        return labels is not None and not len(
            self.store.rows_to_drop(tenant, scene, name, digest, len(labels.tags))
        )

    def _dropped(self, shelf: VersionStore, held: Held) -> Rewritten:
        """A version that is broken can be neither served nor searched for rows: it goes as a whole."""
        try:
            shelf.drop(held.version)
        except OSError:
            return Rewritten(left=(held,))
        gone = held.version not in shelf.names()
        return Rewritten(dropped=(held,)) if gone else Rewritten(left=(held,))

    def _rewritten(self, shelf: VersionStore, tenant: str, scene: str, version: Version) -> bool:
        gone = self._gone(tenant, scene, version)
        if not len(gone):
            return False
        n_rows = count(version.arrays, in_model(version.arrays, ROWS))
        kept = np.setdiff1d(np.arange(n_rows), gone)
        labels = self.store.labels(tenant, scene, version.name, version.digest)
        known = labels is not None and len(labels.tags) == n_rows
        tags = tuple(labels.tags[row] for row in kept) if labels is not None and known else ()
        mark = labels.mark if labels is not None else Mark()

        def label(digest: str) -> None:
            self.store.label(tenant, scene, version.name, Labels(digest, tags, mark))

        arrays = taken(version.arrays, in_model(version.arrays, ROWS), kept)
        self.store.only(tenant, scene, version.name, shelf.rewrite(version, arrays, label))
        return True

    def _gone(self, tenant: str, scene: str, version: Version) -> NDArray[np.intp]:
        try:
            n_rows = count(version.arrays, in_model(version.arrays, ROWS))
        except (ValueError, KeyError) as error:
            raise ArtifactError(f"{version.name} has tables of customers that do not fit.") from error
        if not n_rows:
            return np.zeros(0, np.intp)
        return self.store.rows_to_drop(tenant, scene, version.name, version.digest, n_rows)

    def note(self, tenant: str, pseudonym: str) -> None:
        """The rows of a customer have to go, although nothing of theirs was deleted. Raises DatabaseBusy."""
        for scene in sorted({held.scene for held in self.holds(tenant, pseudonym)}):
            self.store.note(tenant, scene, pseudonym)

    # --- serve and publish ---------------------------------------------------------------------------

    def served(self, tenant: str, scene: str, version: Version) -> tuple[Arrays, tuple[int, ...]]:
        """The arrays of a version without the rows of the forgotten, also while the disk cannot be written; and
        which rows were left out.

        Raises:
            ArtifactError: its tables of customers do not fit.
        """
        gone = self._gone(tenant, scene, version)
        if not len(gone):
            return version.arrays, ()
        tables = in_model(version.arrays, ROWS)
        kept = np.setdiff1d(np.arange(count(version.arrays, tables)), gone)
        return taken(version.arrays, tables, kept), tuple(gone.tolist())

    def without_forgotten(self, tenant: str, scene: str, trained: Trained, number: int) -> Trained:
        """What was trained, without the rows of those who were forgotten after `number`: while it was trained."""
        gone = self.store.since(tenant, scene, number)
        kept = [row for row, who in enumerate(trained.rows) if self.store.tombstone(tenant, who) not in gone]
        if len(kept) == len(trained.rows):
            return trained
        arrays = taken(trained.arrays, in_model(trained.arrays, ROWS), np.array(kept, np.intp))
        return replace(trained, arrays=arrays, rows=tuple(trained.rows[row] for row in kept))

    def label(self, tenant: str, scene: str, version: str, digest: str, trained: Trained, mark: Mark) -> None:
        """Keep whose the rows of a new version are. Raises DatabaseBusy or DiskFull."""
        hashes = [self.store.tombstone(tenant, who) for who in trained.rows]
        tags = tuple(self.store.tags(scene, version, hashes))
        self.store.label(tenant, scene, version, Labels(digest, tags, mark))

    def published(self, tenant: str, scene: str) -> None:
        """Clear up after a publication: what is known of versions that are gone."""
        self.store.keep_only(tenant, scene, self.shelf(tenant, scene).names())

    def withdraw(self, tenant: str, scene: str) -> list[str]:
        """Delete the versions that were trained on something forgotten since, where nothing is left to train on:
        what is popular answers. Returns their names.

        Raises VersionsBusy, OSError.
        """
        shelf, gone = self.shelf(tenant, scene), []
        with self.alone():
            number = self.store.number(tenant, scene)
            for name in shelf.names() if number else ():
                labels = self.store.labels(tenant, scene, name)
                if labels is None or labels.number < number:
                    shelf.drop(name)
                    gone.append(name)
            pointed = shelf.pointed()
            if pointed.name in gone:
                shelf.point_at(None, pointed)
            self.published(tenant, scene)
        return gone

    # --- who is held, and what is still owed ---------------------------------------------------------

    def holds(self, tenant: str, pseudonym: str) -> list[Held]:
        """The versions on the disk that have a row of this customer. One whose rows are not labelled may hold
        anybody: it is listed as long as it has rows."""
        hashed, found = self.store.tombstone(tenant, pseudonym), []
        for scene in self._scenes:
            try:
                found += self._holding(tenant, scene, hashed)
            except VersionsUnreachable:  # what the database knows of them has to do
                found += [
                    Held(scene, name)
                    for name, labels in self.store.all_labels(tenant, scene)
                    if self.store.tags(scene, name, [hashed])[0] in labels.tags
                ]
        return found

    def _holding(self, tenant: str, scene: str, hashed: str) -> list[Held]:
        shelf, found = self.shelf(tenant, scene), []
        for name in shelf.names():
            labels = self.store.labels(tenant, scene, name)
            if self._may_hold(shelf, scene, name, hashed, labels):
                found.append(Held(scene, name))
        return found

    def _may_hold(self, shelf: VersionStore, scene: str, name: str, hashed: str, labels: Labels | None) -> bool:
        digest = ((shelf.manifest(name) or {}).get("files") or {}).get(ARRAYS)
        if labels is not None and labels.digest == digest:
            return self.store.tags(scene, name, [hashed])[0] in labels.tags
        try:
            arrays = shelf.load(name).arrays
            return count(arrays, in_model(arrays, ROWS)) > 0
        except (ArtifactError, ValueError, KeyError):
            return scene in KINDS

    def numbers(self, tenant: str) -> dict[str, int]:
        """What was forgotten last of each scene: an erasure keeps them, to ask `trained_without` later."""
        return {scene: self.store.number(tenant, scene) for scene in self._scenes}

    def trained_without(self, tenant: str, numbers: dict[str, int]) -> dict[str, str | None]:
        """The first version of each scene that has never seen what was forgotten up to these numbers; None: there
        is none yet."""
        found: dict[str, str | None] = {}
        for scene, number in numbers.items():
            try:
                names = self.shelf(tenant, scene).names()
            except VersionsUnreachable:
                names = []
            known = ((name, self.store.labels(tenant, scene, name)) for name in names)
            found[scene] = next((name for name, one in known if one and one.number >= number), None)
        return found

    def pending(self, tenant: str) -> list[str]:
        """The scenes whose version in force was trained on something that was forgotten since."""
        return [scene for scene in self._scenes if self.owes(tenant, scene)]

    def owes(self, tenant: str, scene: str) -> bool:
        """Whether the live version was trained on something that was forgotten since. Never where versions cannot
        be reached: no training could be published."""
        number = self.store.number(tenant, scene)
        try:
            current = self.shelf(tenant, scene).current() if number else None
        except VersionsUnreachable:
            return False
        if current is None:
            return False
        labels = self.store.labels(tenant, scene, current)
        return labels is None or labels.number < number
