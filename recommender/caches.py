"""What a process keeps at hand between requests, and how it notices that it has gone stale.

Nothing in here is a customer's: the catalogue, what is popular (everybody counted as a guest) and the published
models. Each entry remembers the generation or the file it came from; another process's change shows there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbing.clock import MINUTE, Clock
from recommender.errors import ArtifactError
from recommender.offers.learning.log import from_parts
from recommender.ranking.interactions import Interactions
from recommender.scene import Item, Scene
from recommender.store.catalogue import CatalogueStore, Kind
from recommender.store.events import EventStore
from recommender.store.versions import VersionStore


@dataclass(frozen=True, slots=True)
class CatalogueSnapshot:
    """The catalogue of one kind at one generation."""

    items: tuple[Item, ...]
    by_id: Mapping[str, Item]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in force. `model` is None when there is no version that can be read."""

    version: str | None
    model: Any | None
    skipped: tuple[str, ...] = ()  # newer versions that failed their checks


class Cache:
    """Keyed values, each with a stamp; rebuilt when the stamp differs. Safe with threads."""

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[Hashable, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, stamp: Hashable, build: Callable[[], Any]) -> Any:
        held = self._held.get(key)
        if held is not None and held[0] == stamp:
            return held[1]
        with self._lock:  # one builds, the others wait for it
            held = self._held.get(key)
            if held is None or held[0] != stamp:
                held = (stamp, build())
                self._held[key] = held
            return held[1]

    def last(self, key: Hashable) -> Any | None:
        """Whatever is held, however old: for when the database does not answer."""
        held = self._held.get(key)
        return held[1] if held else None


class Caches:
    """The caches of one process."""

    def __init__(
        self,
        *,
        events: EventStore,
        catalogue: CatalogueStore,
        scenes: Mapping[str, Scene],
        root: Path,
        now_us: Clock,
        popular_from: int,
    ) -> None:
        self._events = events
        self._catalogue = catalogue
        self._scenes = scenes
        self._root = root
        self._now_us = now_us
        self._popular_from = popular_from
        self._menus, self._popular, self._models = Cache(), Cache(), Cache()

    def menu(self, tenant: str, kind: Kind) -> CatalogueSnapshot:
        """The catalogue as it is now: one indexed lookup of its generation."""

        def build() -> CatalogueSnapshot:
            items = self._catalogue.all(tenant, kind)
            return CatalogueSnapshot(items, {item.item_id: item for item in items})

        return self._menus.get((tenant, kind), self._events.generation(tenant, "catalogue"), build)

    def menu_held(self, tenant: str, kind: Kind) -> CatalogueSnapshot:
        """The catalogue without asking the database; empty when this process has never seen it."""
        return self._menus.last((tenant, kind)) or CatalogueSnapshot((), {})

    def popular(self, tenant: str, event_type: str) -> Interactions:
        """The tenant's latest lines, at most a minute old, never older than the last erasure."""
        stamp = (self._events.generation(tenant, "erasures"), self._now_us() // MINUTE)
        return self._popular.get(
            (tenant, event_type), stamp, lambda: self._events.latest(tenant, event_type, self._popular_from)
        )

    def popular_held(self, tenant: str, event_type: str) -> Interactions | None:
        """The same without asking the database; None when there is nothing at hand."""
        return self._popular.last((tenant, event_type))

    def model(self, tenant: str, scene: str) -> LoadedModel:
        """The version in force, read again when `current` was replaced. Never raises."""
        shelf = VersionStore(self._root, tenant, scene)
        try:
            seen = shelf.pointer.stat()
            stamp: Hashable = (seen.st_mtime_ns, seen.st_ino, seen.st_size)
        except OSError:
            stamp = ("no current", shelf.folder.is_dir() and shelf.folder.stat().st_mtime_ns)
        return self._models.get((tenant, scene), stamp, lambda: self._read(shelf, scene))

    def _read(self, shelf: VersionStore, scene: str) -> LoadedModel:
        skipped: list[str] = []
        for name in shelf.candidates():
            try:
                version = shelf.load(name)
                load = from_parts if scene == "offers" else self._scenes[scene].load
                model = load(dict(version.arrays), dict(version.texts))
            except (ArtifactError, ValueError):
                skipped.append(name)
                continue
            return LoadedModel(name, model, tuple(skipped))
        return LoadedModel(None, None, tuple(skipped))
