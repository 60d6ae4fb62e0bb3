"""What a store box needs of the recommender: catalogue, histories, published versions with their hashes."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plumbing.storage.files import sync_path, write_atomic
from plumbing.storage.shred import shred_folder
from recommender.allergens import stated
from recommender.assembly import RecommenderStores
from recommender.edge.events import as_json, event_of
from recommender.errors import ArtifactError
from recommender.item import options_json, options_of
from recommender.scene import KINDS, Item
from recommender.store.catalogue import FIELDS, LISTS
from recommender.store.copies import CopiedEvents
from recommender.store.former_items import FormerItem
from recommender.store.screen_settings import ScreenSettings
from recommender.store.tenant_settings import TenantSettings
from recommender.store.versions import VersionStore

SCENES = ("orders", "destinations")
"""Offers have budgets that the centre alone counts: a box shows none."""
PICTURES = "pictures"
"""In place of a scene: a piece is one of a dish's picture, `WIDTH.webp`."""
FILES = ("manifest.json", "arrays.npz", "texts.json")
LATER = ("names", "texts", "image", "options")
"""Fields of an item that an older centre does not send."""
MOST_EVENTS = 200
PIECE = 2 * 1024 * 1024


class Goods:
    """One installation's, at the centre to read and at the box to write."""

    def __init__(self, stores: RecommenderStores, home: Path) -> None:
        self._stores = stores
        self._root = home / "models"
        self._copied = CopiedEvents(stores.database)
        self._hashes: dict[Path, tuple[tuple[int, int, int], str]] = {}

    # --- at the centre

    def people_at(self, tenant: str, site: str) -> set[str]:
        """The pseudonyms of a site's customers: whoever had an event there."""
        return self._copied.people_at(tenant, site)

    def counts(self, tenant: str, box: str) -> dict[str, int]:
        """How many events of each customer the box does not know by itself."""
        return self._copied.counts(tenant, box)

    def history(self, tenant: str, pseudonym: str, *, without_box: str | None) -> list[dict[str, Any]]:
        """A customer's latest events as JSON has them."""
        return [
            as_json(one) for one in self._copied.history(tenant, pseudonym, MOST_EVENTS, without_box=without_box)
        ]

    def catalogue_stamp(self, tenant: str) -> int:
        """Another number after each change of the catalogue, of the house's rules or of its settings."""
        generation = self._stores.events.generation
        kinds = ("catalogue", "rules", "tenant_settings", "screen_settings")
        return sum(generation(tenant, name) for name in kinds)

    def catalogue(self, tenant: str) -> dict[str, list[dict[str, Any]]]:
        """The catalogue as JSON has it, by kind; and the published rules for what is shown of it."""
        rules = [
            {"number": one.number, "at_us": one.at_us, "document": one.content}
            for one in self._stores.rules.history(tenant)
        ]
        house = self._stores.tenants.get(tenant)
        own = {"currency": house.currency, "languages": list(house.languages), "sites": house.to_dict()["sites"]}
        screens = [self._stores.screens.get(tenant).to_dict()]
        former = [asdict(one) for kind in KINDS for one in self._stores.catalogue.former(tenant, kind)]
        return {
            "former": former,
            "rules": rules,
            "zone": [{"timezone": house.timezone}],
            "house": [own],
            "screens": screens,
        } | {
            kind: [
                {name: getattr(item, name) for name in FIELDS}
                | {"allergens": item.allergens or (), "allergens_known": item.allergens is not None}
                | {"options": options_json(item.options)}
                for item in self._stores.catalogue.all(tenant, kind)
            ]
            for kind in KINDS
        }

    def versions(self, tenant: str) -> dict[str, dict[str, Any]]:
        """The published version of each scene: its name, and the sha256 of each of its files."""
        found: dict[str, dict[str, Any]] = {}
        for scene in SCENES:
            shelf = VersionStore(self._root, tenant, scene)
            name = shelf.current()
            if name is None:
                continue
            try:
                hashes = {file: self._sha256(shelf.folder / name / file) for file in FILES}
            except OSError:
                continue  # just replaced: the next look finds it
            found[scene] = {"name": name, "files": hashes}
        return found

    def piece(self, tenant: str, scene: str, name: str, file: str, at: int) -> bytes:
        """Up to PIECE bytes of a file of a version or of a picture. Raises ArtifactError: there is none."""
        if scene == PICTURES:
            return self._picture(tenant, name, file)[at : at + PIECE]
        shelf = VersionStore(self._root, tenant, scene)
        if scene not in SCENES or file not in FILES or name not in shelf.names():
            raise ArtifactError("There is no such file of a published version.")
        try:
            with (shelf.folder / name / file).open("rb") as opened:
                opened.seek(at)
                return opened.read(PIECE)
        except OSError as error:
            raise ArtifactError("The version went while it was read.") from error

    def pictures(self, tenant: str) -> dict[str, list[int]]:
        """The widths in pixels of each picture of a dish."""
        return self._stores.images.widths(tenant)

    def _picture(self, tenant: str, name: str, file: str) -> bytes:
        width = file.removesuffix(".webp")
        known = self.pictures(tenant).get(name, ())
        content = self._stores.images.file(name, width) if width in map(str, known) else None
        if content is None:
            raise ArtifactError("There is no such picture.")
        return content

    def _sha256(self, path: Path) -> str:
        seen = path.stat()
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        known = self._hashes.get(path)
        if known is None or known[0] != stamp:
            known = self._hashes[path] = stamp, hashlib.sha256(path.read_bytes()).hexdigest()
        return known[1]

    # --- at the box

    def put_catalogue(self, tenant: str, said: Mapping[str, Any]) -> None:
        """Make the catalogue the one that the centre has. Raises ValueError."""
        for kind in KINDS:
            try:
                items = [_item(row) for row in said[kind]]
            except (KeyError, TypeError) as error:
                raise ValueError("this is no catalogue") from error
            if kind == KINDS[0]:
                self._stores.catalogue.put_former(tenant, ())
            gone = {item.item_id for item in self._stores.catalogue.all(tenant, kind)}
            gone -= {item.item_id for item in items}
            for item_id in gone:
                self._stores.catalogue.delete(tenant, kind, item_id)
            if items:
                self._stores.catalogue.put(tenant, kind, items)
        if "former" in said:  # an older centre does not say
            self._put_former(tenant, said["former"])
        self._put_rules(tenant, said)

    def _put_former(self, tenant: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises ValueError."""
        try:
            self._stores.catalogue.put_former(tenant, [FormerItem(**row) for row in rows])
        except TypeError as error:
            raise ValueError("these are no former items") from error

    def _put_rules(self, tenant: str, said: Mapping[str, Any]) -> None:
        """An older centre sends none. Raises ValueError."""
        try:
            rules = [(int(row["number"]), int(row["at_us"]), row["document"]) for row in said.get("rules", ())]
            tenant_says: dict[str, Any] = {}
            for row in said.get("zone", ()):
                tenant_says["timezone"] = str(row["timezone"])
            for row in said.get("house", ()):
                tenant_says |= {"currency": row["currency"], "languages": row["languages"]}
                tenant_says |= {"sites": row["sites"]} if "sites" in row else {}
        except (KeyError, TypeError) as error:
            raise ValueError("these are no rules") from error
        self._stores.rules.replace(tenant, rules)
        tenants = self._stores.tenants
        if tenant_says:
            tenants.save(tenant, TenantSettings.from_dict(tenants.get(tenant).to_dict() | tenant_says))
        for row in said.get("screens", ()):
            known = {name: value for name, value in row.items() if name in ScreenSettings().to_dict()}
            self._stores.screens.save(tenant, ScreenSettings.from_dict(known))  # a newer centre may say more

    def put_history(self, tenant: str, rows: Sequence[Mapping[str, Any]], now_us: int) -> int:
        """Add events of a customer from elsewhere; how many were new. Raises ValueError or Erased."""
        try:
            events = [event_of(row) for row in rows]
        except (KeyError, TypeError) as error:
            raise ValueError("this is no history") from error
        return self._stores.events.record(tenant, events, now_us)

    def missing(self, tenant: str, said: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The scenes whose published version is not the one here."""
        here = self.versions(tenant)
        return [scene for scene in SCENES if scene in said and here.get(scene) != dict(said[scene])]

    def missing_pictures(self, tenant: str, said: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
        """The pictures of `said` (widths by name) that dishes here name and that are not kept here."""
        new = said.keys() - self._stores.images.widths(tenant).keys()
        if not new:  # as a rule: a box asks again and again
            return {}
        named = {item.image for item in self._stores.catalogue.all(tenant, "item")}
        return {name: said[name] for name in new & named}

    def keep_picture(self, tenant: str, name: str, files: Mapping[int, bytes]) -> None:
        """Keep a picture that was fetched. Raises ValueError: it is another one."""
        self._stores.images.keep_copy(tenant, name, files)

    def adopt(self, tenant: str, scene: str, name: str, files: Mapping[str, bytes]) -> None:
        """Put a version that was fetched in place and make it the published one; others go.

        Raises ArtifactError: it does not pass its checks; the one that was there stays.
        """
        draft = VersionStore(self._root / f".draft-{secrets.token_hex(6)}", tenant, scene)
        shelf = VersionStore(self._root, tenant, scene)
        try:
            for file in FILES:
                (draft.folder / name).mkdir(parents=True, exist_ok=True)
                write_atomic(draft.folder / name / file, files[file])
            draft.load(name)
            shelf.folder.mkdir(parents=True, exist_ok=True)
            if name in shelf.names():
                shelf.drop(name)
            (draft.folder / name).rename(shelf.folder / name)
        finally:
            shred_folder(draft.folder.parent.parent)
        sync_path(shelf.folder)
        shelf.point_at(name)
        for other in shelf.names():
            if other != name:
                shelf.drop(other)


def _item(row: Mapping[str, Any]) -> Item:
    values = {name: row[name] for name in FIELDS if name not in LATER or name in row}
    values |= {name: tuple(map(str, row[name])) for name in LISTS}
    known = row.get("allergens_known", bool(row["allergens"]))  # an older centre does not say
    values["allergens"] = stated(values["allergens"]) if known else None
    values["options"] = options_of(row.get("options", ()))
    return Item(**values)


def catalogue_text(said: Mapping[str, Any]) -> bytes:
    """A catalogue as a file on the box's disk: nothing in it is about a person."""
    return json.dumps({"format": 1, "catalogue": said}, separators=(",", ":")).encode()


def catalogue_of(content: bytes) -> dict[str, Any]:
    """The inverse of `catalogue_text`. Raises ValueError."""
    said = json.loads(content)
    if not isinstance(said, dict) or said.get("format") != 1 or not isinstance(said.get("catalogue"), dict):
        raise ValueError("this is no catalogue of a box")
    found: dict[str, Any] = said["catalogue"]
    return found
