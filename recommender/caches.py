"""What a process keeps in memory between requests, and how it notices that it is out of date.

No customer's data is in here: only the catalogue, what is popular (everybody counted as a guest) and the
published models. Each entry has a stamp: the generation or the file it was read from. A change by another process
changes the stamp.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from recommender.destinations.area import ServedArea
from recommender.errors import ArtifactError, RecommenderError
from recommender.ranking.interactions import Interactions
from recommender.rules.document import Allergens, Hide, RulesDocument
from recommender.rules.errors import RulesUnreadable
from recommender.rules.plan import NO_RULES, LiveRules
from recommender.scene import AnyScene, Item, Kind
from recommender.store.catalogue import CatalogueStore
from recommender.store.events import EventStore
from recommender.store.rules import RulesStore
from recommender.store.sharing import SharingStore
from recommender.store.tenant_settings import TenantSettings, TenantSettingsStore
from recommender.store.version_places import Served
from recommender.store.version_rows import VersionRows


@dataclass(frozen=True, slots=True)
class CatalogueSnapshot:
    """The catalogue of one kind at one generation."""

    items: tuple[Item, ...]
    by_id: Mapping[str, Item]
    generation: int = 0  # another one after each change; screens compare it


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in force. `model` is None when no version can be read."""

    version: str | None
    model: Any | None
    skipped: tuple[str, ...] = ()  # newer versions that failed their checks
    made_from: Hashable = None  # the file that was read, and the rows that were left out


Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Values by key, each with a stamp; built again when the stamp differs. Safe with threads."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Hashable, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, stamp: Hashable, build: Callable[[], Value]) -> Value:
        """The value under `key`; `build` makes it when there is none or its stamp is another."""
        entry = self._entries.get(key)
        if entry is not None and entry[0] == stamp:
            return entry[1]
        with self._lock:  # one thread builds, the others wait for it
            entry = self._entries.get(key)
            if entry is None or entry[0] != stamp:
                entry = (stamp, build())
                self._entries[key] = entry
            return entry[1]

    def last(self, key: Hashable) -> Value | None:
        """The latest value under `key`, however old: for when the database does not answer."""
        entry = self._entries.get(key)
        return entry[1] if entry else None


class Caches:
    """The caches of one process."""

    def __init__(
        self,
        *,
        events: EventStore,
        catalogue: CatalogueStore,
        scenes: Mapping[str, AnyScene],
        now_us: Clock,
        popular_from: int,
        sharing: SharingStore,
        served_km: float,
        rows: VersionRows,
        rules: RulesStore,
        tenants: TenantSettingsStore,
    ) -> None:
        self._events = events
        self._catalogue = catalogue
        self._scenes = scenes
        self._now_us = now_us
        self._popular_from = popular_from
        self._sharing = sharing
        self._served_km = served_km
        self._rows = rows
        self._rules = rules
        self._tenants = tenants
        self._forgotten: dict[tuple[str, str], int] = {}  # tenant, scene -> as it was last read
        self._least: dict[str, int] = {}  # tenant -> as it was last read
        self._local = threading.local()  # what a request has read: see `request`
        self._areas: Cache[ServedArea] = Cache()
        self._menus: Cache[CatalogueSnapshot] = Cache()
        self._popular: Cache[Interactions] = Cache()
        self._models: Cache[LoadedModel] = Cache()
        self._live_rules: Cache[LiveRules] = Cache()
        self._tried_rules: Cache[LiveRules] = Cache()
        self._settings: Cache[TenantSettings] = Cache()
        self._ruled: set[str] = set()  # the tenants whose rules were read

    @contextmanager
    def request(self, tenant: str) -> Iterator[None]:
        """Inside, this thread carries out a request of a tenant: what caches are compared with is read once."""
        self._local.least = {}
        try:
            with self._events.glance(tenant):
                yield
        finally:
            self._local.least = None

    def menu(self, tenant: str, kind: Kind) -> CatalogueSnapshot:
        """The catalogue as it is now. Costs one indexed lookup of its generation."""

        generation = self._events.generation(tenant, "catalogue")

        def build() -> CatalogueSnapshot:
            items = self._catalogue.all(tenant, kind)
            return CatalogueSnapshot(items, {item.item_id: item for item in items}, generation)

        return self._menus.get((tenant, kind), generation, build)

    def menu_in_memory(self, tenant: str, kind: Kind) -> CatalogueSnapshot:
        """The catalogue without the database; empty when this process has never read it."""
        return self._menus.last((tenant, kind)) or CatalogueSnapshot((), {})

    def least_people(self, tenant: str) -> int:
        """How many different people must have chosen what others may see. Never raises."""
        try:
            return self._least_now(tenant)
        except (DatabaseBusy, DatabaseUnusable, sqlite3.OperationalError):
            return self._least.get(tenant, self._sharing.usual)

    def _least_now(self, tenant: str) -> int:
        seen: dict[str, int] | None = getattr(self._local, "least", None)
        if seen is None or tenant not in seen:
            self._least[tenant] = self._sharing.least_people(tenant)
            if seen is None:
                return self._least[tenant]
            seen[tenant] = self._least[tenant]
        return seen[tenant]

    def rules(self, tenant: str) -> LiveRules:
        """The house's rules as they are now. A document that cannot be read holds nothing and raises nothing."""
        stamp = (self._events.generation(tenant, "rules"), self._events.generation(tenant, "tenant_settings"))
        self._ruled.add(tenant)
        return self._live_rules.get(tenant, stamp, lambda: self._rules.live(tenant))

    def rules_of(self, tenant: str, variant: Hashable, document: Mapping[str, Any]) -> LiveRules:
        """The rules of a variant of an experiment; the published ones where they cannot be read.

        What is hidden now, or left out for an allergen, is so in every variant: a dish may have been recalled.
        """
        stamp = (self._events.generation(tenant, "rules"), self._events.generation(tenant, "tenant_settings"))
        live = self.rules(tenant)

        def read() -> LiveRules:
            try:
                tried = RulesDocument.read(document)
            except RulesUnreadable:
                return live
            today = datetime.fromtimestamp(self._now_us() / SECOND, live.zone or UTC).date()
            found = live.on(today)
            safety = [] if found is None else [one for one in found[1].rules if isinstance(one, Hide | Allergens)]
            return LiveRules(((0, tried.model_copy(update={"rules": (*safety, *tried.rules)})),), zone=live.zone)

        return self._tried_rules.get((tenant, variant), stamp, read)

    def rules_in_memory(self, tenant: str) -> LiveRules:
        """The same without the database; none when this process has never read them."""
        return self._live_rules.last(tenant) or NO_RULES

    def rules_trouble(self) -> str | None:
        """What is wrong with the rules of the tenants that this process serves, as a sentence; None: nothing."""
        found = (self.rules_in_memory(tenant).trouble for tenant in sorted(self._ruled))
        trouble = next((one for one in found if one), None)
        return trouble and f"{trouble[0].upper()}{trouble[1:]}: no rule holds until it is saved again or restored."

    def house(self, tenant: str) -> TenantSettings:
        """What the tenant says about itself as it is now; the defaults where that cannot be read."""
        stamp = self._events.generation(tenant, "tenant_settings")
        try:
            return self._settings.get(tenant, stamp, lambda: self._tenants.get(tenant))
        except (RecommenderError, ValueError):
            return TenantSettings()

    def area(self, tenant: str) -> ServedArea:
        """The area that the tenant serves, by its catalogue of places."""
        stamp, menu = self._events.generation(tenant, "catalogue"), self.menu(tenant, "place")
        return self._areas.get(tenant, stamp, lambda: ServedArea(menu.items, self._served_km))

    def popular(self, tenant: str, event_type: str) -> Interactions:
        """What enough people chose lately, at most a minute old, never older than the last erasure."""
        least = self.least_people(tenant)
        stamp = (self._events.generation(tenant, "erasures"), self._now_us() // MINUTE, least)
        return self._popular.get(
            (tenant, event_type), stamp, lambda: self._events.latest(tenant, event_type, self._popular_from, least)
        )

    def popular_in_memory(self, tenant: str, event_type: str) -> Interactions | None:
        """The same without the database; None when this process has never read it."""
        return self._popular.last((tenant, event_type))

    def model(self, tenant: str, scene: str) -> LoadedModel:
        """The version in force; read again when another one is current, or somebody was forgotten whose
        row it has. Never raises.

        A version that shows others what fewer people chose than the tenant asks for now is skipped.
        """
        least, number = self._least_and_number(tenant, scene)
        shelf = self._rows.place.served(tenant, scene)
        stamp = (shelf.stamp(), least, number)
        try:
            return self._models.get((tenant, scene), stamp, lambda: self._read(shelf, tenant, scene, least))
        except (
            DatabaseBusy,
            DatabaseUnusable,
            sqlite3.OperationalError,
        ):  # it is not known whose rows must go: none is served
            return LoadedModel(None, None)

    def version(self, tenant: str, scene: str, name: str) -> LoadedModel | None:
        """A version that a variant of an experiment names, kept in memory like the one in force; None: it is
        gone, or cannot be shown. Never raises."""
        least, number = self._least_and_number(tenant, scene)
        shelf = self._rows.place.served(tenant, scene)
        try:
            loaded = self._models.get(
                (tenant, scene, name), (least, number), lambda: self._read(shelf, tenant, scene, least, [name])
            )
        except (DatabaseBusy, DatabaseUnusable, sqlite3.OperationalError):
            return None
        return None if loaded.model is None else loaded

    def _least_and_number(self, tenant: str, scene: str) -> tuple[int, int]:
        """`least_people`, and the number of what was forgotten last (-1: never read); as they were last read while
        the database does not answer. Both in one short wait."""
        try:
            with self._rows.store.hurried():
                self._least_now(tenant)
                self._forgotten[tenant, scene] = self._rows.store.number(tenant, scene)
        except (DatabaseBusy, DatabaseUnusable, sqlite3.OperationalError):
            pass
        return self._least.get(tenant, self._sharing.usual), self._forgotten.get((tenant, scene), -1)

    def _read(
        self, shelf: Served, tenant: str, scene: str, least: int, names: Sequence[str] | None = None
    ) -> LoadedModel:
        of_events = self._scenes[scene].learns_from is not None
        skipped: list[str] = []
        for name in shelf.candidates() if names is None else names:
            try:
                version = shelf.load(name)
                if of_events and int(version.manifest["cut"].get("least_people", 0)) < least:
                    raise ValueError("made from fewer people than may be shown now")
                arrays, left_out = self._rows.served(tenant, scene, version)
                made_from = (name, version.digest, left_out)
                earlier = self._models.last((tenant, scene) if names is None else (tenant, scene, name))
                if earlier is not None and earlier.made_from == made_from:
                    return replace(earlier, skipped=tuple(skipped))
                model = self._scenes[scene].load(dict(arrays), dict(version.texts))
            except (ArtifactError, ValueError):
                skipped.append(name)
                continue
            return LoadedModel(name, model, tuple(skipped), made_from)
        return LoadedModel(None, None, tuple(skipped))
