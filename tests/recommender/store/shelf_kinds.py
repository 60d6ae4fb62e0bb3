"""The places where versions can lie, for tests that every one of them must pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from bench.standin import StandIn, stand_in
from recommender.store.shelves.objects import ObjectShelf
from recommender.store.version_places import FolderPlace, Place, open_place
from recommender.store.versions import VersionStore

HOUSE = "a" * 32


@pytest.fixture(scope="session")
def s3() -> Iterator[StandIn]:
    """The stand-in for S3, started once: moto takes three seconds to import."""
    with stand_in() as running:
        yield running


@dataclass
class Kind:
    """One place, and a look at its bytes behind the product's back."""

    place: Place
    url: str | None
    home: Path

    def store(self, scene: str = "orders") -> VersionStore:
        return self.place.store("grill", scene)

    def again(self, home: Path | None = None, house: str = HOUSE) -> Place:
        """The same place as another process, or another machine, opens it."""
        return open_place(home or self.home, self.url, house)

    def read(self, name: str, file: str) -> bytes:
        store = self.store()
        if self.url is None:
            return (store.folder / name / file).read_bytes()
        return bytes(self.bucket().get(self.key(name, file))[0])

    def write(self, name: str, file: str, content: bytes | None) -> None:
        """Put other bytes there; None deletes the file."""
        store = self.store()
        if self.url is None:
            path = store.folder / name / file
            path.unlink() if content is None else path.write_bytes(content)
        elif content is None:
            self.bucket().delete([self.key(name, file)])
        else:
            self.bucket().put(self.key(name, file), content)

    def bucket(self) -> Any:
        """The bucket itself."""
        from recommender.store.shelves.bucket import open_bucket

        return open_bucket(cast(str, self.url))

    def key(self, name: str, file: str) -> str:
        folder = f"grill/orders/{name}/"
        if file == "manifest.json":
            return folder + file
        manifest = json.loads(self.bucket().get(folder + "manifest.json")[0])
        return folder + str(manifest["objects"]["files"][file])

    def point(self, content: bytes) -> None:
        """Write `current` as nobody of ours would."""
        if self.url is None:
            self.store().pointer.write_bytes(content)
        else:
            self.bucket().put("grill/orders/current", content)

    def files(self) -> list[str]:
        """Every file or object, by its place below the scene's."""
        if self.url is None:
            folder = self.store().folder
            return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return sorted(entry.key.removeprefix("grill/orders/") for entry in self.bucket().list("grill/orders"))

    def shelf(self) -> ObjectShelf:
        """The shelf of a bucket."""
        shelf = self.store().shelf
        assert isinstance(shelf, ObjectShelf)
        return shelf


def make(kind: str, home: Path, s3: Callable[[], StandIn]) -> Kind:
    """A place of this kind, empty."""
    if kind == "folder":
        return Kind(FolderPlace(home / "models"), None, home)
    if kind == "file":
        (home / "shared").mkdir(parents=True)
        url = (home / "shared").as_uri()
    else:
        url = s3().bucket()
    return Kind(open_place(home, url, HOUSE), url, home)


@pytest.fixture(params=["folder", "file", "s3"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    """Each place in turn: a folder of the home, a folder that machines share, and a bucket."""
    made = make(request.param, tmp_path, lambda: request.getfixturevalue("s3"))
    yield made
    made.place.close()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Kind]:
    """A folder that several machines share: the quickest of the buckets."""
    made = make("file", tmp_path, stand_in_is_not_needed)
    yield made
    made.place.close()


def stand_in_is_not_needed() -> StandIn:
    raise AssertionError("a shared folder needs no stand-in")
