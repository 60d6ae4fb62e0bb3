"""Opens the place where an installation keeps its versions: `models` in the home, or the bucket of a setting."""

from __future__ import annotations

import json
import secrets
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

import structlog

from plumbing.storage.files import process_lock, write_atomic
from plumbing.storage.shred import shred_folder
from recommender.errors import ArtifactError
from recommender.store.shelves.contents import as_json, safe
from recommender.store.shelves.errors import (
    CurrentChanged,
    VersionsDenied,
    VersionsUnreachable,
    VersionsUnusable,
)
from recommender.store.shelves.folder import FolderShelf
from recommender.store.versions import Version, VersionStore

if TYPE_CHECKING:  # obstore is imported only when there is a bucket
    from recommender.store.shelves.bucket import Bucket
    from recommender.store.shelves.objects import Known, ObjectShelf
    from recommender.store.version_copies import Copies, Followed, Watch

log = structlog.get_logger(__name__)

MODELS = "models"
SEARCHED = ".versions-searched"
FORMAT = 1


class Served(Protocol):
    """The versions of one scene as a server reads them."""

    def stamp(self) -> Hashable:
        """What differs as soon as another version can be read. Asked for with every request."""
        ...

    def candidates(self) -> list[str]:
        """The versions to try, the current one first."""
        ...

    def load(self, name: str) -> Version:
        """A version, checked. Raises ArtifactError."""
        ...


class Place(Protocol):
    """Where the versions of all tenants lie."""

    def store(self, tenant: str, scene: str) -> VersionStore:
        """The versions of one scene: to publish, to go back, to take rows out."""
        ...

    def served(self, tenant: str, scene: str) -> Served:
        """The same for a server: its requests never wait for a bucket that is silent."""
        ...

    def check(self) -> None:
        """See that versions can be kept here as they must. Raises VersionsUnusable, VersionsUnreachable."""
        ...

    def check_at_start(self) -> None:
        """The same when a server starts: one that has what it served before starts without an answer too."""
        ...

    def start(self) -> None:
        """Begin to look for what is new, where that needs somebody."""
        ...

    def trouble(self) -> str | None:
        """A sentence for the operator while the place does not answer."""
        ...

    def stores(self) -> Iterator[tuple[str, VersionStore]]:
        """The versions of every scene that there is, each as `tenant/scene`."""
        ...

    def fetch(self, folder: Path) -> None:
        """Put every file that does not lie in the home into `folder`, for somebody to search them."""
        ...

    def close(self) -> None:
        """End what runs beside the requests."""
        ...


class FolderPlace:
    """The folder `models` of a home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def store(self, tenant: str, scene: str) -> VersionStore:
        return VersionStore(self.root, tenant, scene)

    def served(self, tenant: str, scene: str) -> Served:
        return VersionStore(self.root, tenant, scene)

    def check(self) -> None:
        return None

    def check_at_start(self) -> None:
        return None

    def start(self) -> None:
        return None

    def trouble(self) -> str | None:
        return None

    def stores(self) -> Iterator[tuple[str, VersionStore]]:
        for path in sorted(self.root.glob("*/*")):
            if path.is_dir():
                yield (
                    f"{path.parent.name}/{path.name}",
                    VersionStore(FolderShelf(path), path.parent.name, path.name),
                )

    def fetch(self, folder: Path) -> None:
        return None

    def close(self) -> None:
        return None


class BucketPlace:
    """A bucket, with a copy of what is served in the home.

    `house` says whose versions these are: another installation in the same folder of a bucket is refused, because
    it would take the rows of its own customers out of versions that it knows nothing about.
    """

    def __init__(self, bucket: Bucket, home: Path, house: str | None) -> None:
        from recommender.store.version_copies import FOLDER, Copies, Watch

        self._bucket = bucket
        self._home = home
        self._house = house
        self._known: Known = {}
        self._copies: Copies = Copies(home / FOLDER)
        self._watch: Watch = Watch()
        self._checked = False

    def store(self, tenant: str, scene: str) -> VersionStore:
        return VersionStore(self._shelf(_key_of(tenant, scene)), tenant, scene)

    def served(self, tenant: str, scene: str) -> Served:
        followed = self._follow(_key_of(tenant, scene))
        self._watch.fresh(followed)
        return followed

    def check(self) -> None:
        if self._checked:
            return
        if self._copies.scenes():
            _owner(self._bucket)  # what was read there before is there: it is no empty folder without its mount
        _probe(self._bucket)
        _claim(self._bucket, self._house)
        self._checked = True
        self._move_in()

    def check_at_start(self) -> None:
        try:
            self.check()
        except VersionsUnreachable as error:
            if isinstance(error, VersionsDenied) and not self._copies.scenes():
                raise  # it never worked: rather say so now
            log.warning("versions_not_checked", error=error.code, what=error.detail)

    def start(self) -> None:
        shred_folder(self._home / SEARCHED)  # of a search that was killed
        for key in self._copies.scenes():
            self._follow(key)
        self._watch.start()

    def trouble(self) -> str | None:
        if not self._watch.silent():
            return None
        return "The object storage with the versions does not answer; what was served before is served on."

    def stores(self) -> Iterator[tuple[str, VersionStore]]:
        parts = [entry.key.split("/") for entry in self._bucket.list("")]
        for key in sorted({(part[0], part[1]) for part in parts if len(part) > 2}):
            yield "/".join(key), VersionStore(self._shelf(key), *key)

    def fetch(self, folder: Path) -> None:
        for number, entry in enumerate(self._bucket.list("")):
            with suppress(FileNotFoundError):  # deleted meanwhile
                name = f"{number}-{PurePosixPath(entry.key).name}"  # never a path that somebody else chose
                write_atomic(folder / name, self._bucket.get(entry.key)[0])

    def close(self) -> None:
        self._watch.close()

    def _shelf(self, key: tuple[str, str]) -> ObjectShelf:
        from recommender.store.shelves.objects import ObjectShelf

        def changed(name: str) -> None:
            with suppress(OSError):
                self._copies.drop(key, name)

        return ObjectShelf(self._bucket, "/".join(key), self._known, changed=changed, ready=self.check)

    def _follow(self, key: tuple[str, str]) -> Followed:
        from recommender.store.version_copies import Followed

        known = self._watch.get(key)
        if known is None:
            known = self._watch.add(key, Followed(self._shelf(key), key, self._copies))
        return known

    def _move_in(self) -> None:
        """Versions that the home published before there was a bucket go there: an erasure must find them."""
        root = self._home / MODELS
        if not root.is_dir():
            return
        with process_lock(self._home / "versions-move.lock"):
            for _, here in FolderPlace(root).stores():
                there = self._shelf((here.folder.parent.name, here.folder.name))
                for name in here.names():
                    with suppress(ArtifactError):  # a broken one is served nowhere
                        found = here.read(name)
                        there.put(name, found.manifest, found.contents)
                now, current = there.pointer(), here.current()
                if now.tag is None and current is not None:
                    with suppress(CurrentChanged):
                        there.point_at(current, now)
                shred_folder(here.folder)
            shred_folder(root)


def open_place(home: Path, url: str | None, house: str | None = None) -> Place:
    """Where an installation keeps its versions. Nothing is sent; obstore is imported only with a `url`.

    Raises:
        WrongSetting: the `url` is no address of a bucket.
        VersionsUnusable: obstore is missing.
    """
    if url is None:
        return FolderPlace(home / MODELS)
    from recommender.store.shelves.bucket import open_bucket

    return BucketPlace(open_bucket(url), home, house)


@contextmanager
def fetched(home: Path, url: str | None) -> Iterator[None]:
    """Inside, the home holds what its bucket has too, for a search; overwritten afterwards.

    Raises VersionsUnreachable, VersionsUnusable.
    """
    try:
        open_place(home, url).fetch(home / SEARCHED)
        yield
    finally:
        shred_folder(home / SEARCHED)


def _key_of(tenant: str, scene: str) -> tuple[str, str]:
    return safe(tenant), safe(scene)


def _probe(bucket: Bucket) -> None:
    """See by one small object whether writes that come too late are refused. Raises VersionsUnusable."""
    from recommender.store.shelves.bucket import ABSENT, NO_CONDITIONS, Stale

    key = f"usual-probe-{secrets.token_hex(6)}"
    try:
        first = bucket.swap(key, b"1", ABSENT)
        second = bucket.swap(key, b"2", first)
        for seen in (ABSENT, first):
            try:
                bucket.swap(key, b"3", seen)
            except Stale:
                continue
            raise VersionsUnusable(NO_CONDITIONS)
        bucket.delete([key])
        if bucket.keeps_versions(second):
            raise VersionsUnusable(
                "The bucket keeps earlier versions of its objects, so that rows of customers who left would stay"
                " there. Turn its versioning off, or use another bucket."
            )
    except Stale as error:
        raise VersionsUnusable(NO_CONDITIONS) from error
    finally:
        with suppress(VersionsUnreachable):
            bucket.delete([key])


def _claim(bucket: Bucket, house: str | None) -> None:
    """The folder of the bucket belongs to the first installation that uses it. Raises VersionsUnusable."""
    from recommender.store.shelves.bucket import ABSENT, MARK, Stale

    if house is None:
        return
    with suppress(Stale):
        bucket.swap(MARK, as_json({"format": FORMAT, "house": house}), ABSENT)
    if _owner(bucket) != house:
        raise VersionsUnusable(
            "Another installation keeps its versions there (it has another recommender.key). Name a folder of the"
            " bucket for this one; replicas of one installation have the same recommender.key."
        )


def _owner(bucket: Bucket) -> str:
    """Whose versions these are.

    Raises:
        VersionsUnusable: what says so is damaged, or a newer release wrote it.
        VersionsDenied: nothing says so.
    """
    from recommender.store.shelves.bucket import MARK

    try:
        found = json.loads(bucket.get(MARK)[0])
        made, owner = int(found["format"]), str(found["house"])
    except FileNotFoundError:
        raise VersionsDenied(
            f"There is no {MARK}, and versions were read there before: is the address right, is it mounted?"
            " To begin with an empty place, delete the folder versions-copy of the state folder."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise VersionsUnusable(f"The object {MARK} in it is damaged. Name an empty folder of it.") from error
    if made > FORMAT:
        raise VersionsUnusable("A newer release of Usual wrote there. Update this one.")
    return owner
