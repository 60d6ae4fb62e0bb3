"""Keeps a box's copies as the centre has them, and forgets all of it when it must."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from doorway.edge.folder import CATALOGUE, BoxFolder, State
from doorway.edge.line import LONGEST_S, WITHIN_S, Line
from identity.edge.replica import Replica
from identity.web.half import IdentityHalf
from plumbing.clock import Clock
from plumbing.outbox.errors import CentreUnreachable, OutboxClosed
from plumbing.outbox.server import LEFT
from plumbing.outbox.stream import Outbox
from plumbing.problem import Problem
from plumbing.storage.files import write_atomic
from recommender.assembly import RecommenderStores
from recommender.edge.goods import FILES, PICTURES, PIECE, Goods, catalogue_of, catalogue_text
from recommender.errors import ArtifactError, Erased

FORMAT = 1
log = structlog.get_logger(__name__)


class Over(Exception):
    """The box must forget all that it has. `why`: "revoked", or "silent" for a day."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Opened:
    """Both halves of the box's folder in memory, as a command opens them."""

    identity: IdentityHalf
    stores: RecommenderStores
    goods: Goods

    def close(self) -> None:
        """Close both."""
        self.identity.close()
        self.stores.database.close()


class Keeper:
    """Asks the centre and does what it says. One for each box; one thread."""

    def __init__(
        self, folder: BoxFolder, tenant: str, line: Line, outbox: Outbox, opened: Opened, now_us: Clock
    ) -> None:
        self._folder = folder
        self._tenant = tenant
        self._line = line
        self._outbox = outbox
        self._opened = opened
        self._now_us = now_us
        half = opened.identity
        customers = half.service.customers
        self.replica = Replica(
            half.config, half.stores, half.vault, half.matchers, customers.accounts, half.service.erasures, now_us
        )

    def tick(self) -> bool:
        """Ask once and do what is new; whether there is more to fetch. Raises Over; CentreUnreachable."""
        if self._folder.is_over():
            raise Over("silent")
        state = self._folder.state() or self._folder.new_state()
        waiting = self._waiting()
        said = {
            "replica": state.replica,
            "confirmed": state.confirmed,
            "catalogue": state.catalogue,
            "waiting": sum(waiting.values()),
            # Who opted out here is out at the centre before anything is put back here.
            "drained": waiting.get(LEFT, 1) == 0,
        }
        try:
            bundle = json.loads(self._line.ask("sync", said, LONGEST_S if not state.line_cut_us else WITHIN_S))
        except CentreUnreachable:
            self._note_cut(state)
            raise
        if bundle["format"] != FORMAT:
            raise CentreUnreachable("The centre is of another version: update the box.")
        self._folder.keep(self._done(state, bundle))
        self._folder.seen()
        return bool(bundle["more"])

    def _done(self, state: State, bundle: Mapping[str, Any]) -> State:
        """The state after a bundle was carried out. Who left goes first."""
        self.replica.remove(self._tenant, bundle["remove"])
        self.replica.put_figures(self._tenant, bundle["figures"])
        for put in bundle["put"]:
            self._put(put)
        if bundle["put"]:
            self._opened.identity.matchers.keep_thresholds()
        if bundle["catalogue"] is not None:
            self._opened.goods.put_catalogue(self._tenant, bundle["catalogue"])
            write_atomic(self._folder.disk / CATALOGUE, catalogue_text(bundle["catalogue"]), mode=0o600)
        fresh = self._folder.new_state()
        ours = self._opened.identity.service.engine.pack.id
        same = ours == bundle["pack"]
        done = replace(
            fresh,
            replica=state.replica,
            confirmed=int(bundle["number"]),
            catalogue=int(bundle["catalogue_stamp"]),
            customers=self.replica.count(),
            remark="" if same else f"the centre recognises with the pack {bundle['pack']}, this box with {ours}",
        )
        self._folder.keep(done)  # before versions are fetched, which takes longer
        self._fetch(bundle["versions"])
        self._fetch_pictures(bundle.get("pictures", {}))  # an older centre says nothing of them
        return done

    def _put(self, put: Mapping[str, Any]) -> None:
        try:
            if put["person"] is not None and not self.replica.put(self._tenant, put["person"]):
                return
            if put["history"]:
                self._opened.goods.put_history(self._tenant, put["history"], self._now_us())
        except Erased:
            return  # they opted out here a moment ago
        except (ValueError, KeyError) as error:
            log.error("copy_not_kept", why=str(error))

    def _fetch(self, said: Mapping[str, Mapping[str, Any]]) -> None:
        """Fetch the published versions that are not here. Raises CentreUnreachable."""
        for scene in self._opened.goods.missing(self._tenant, said):
            name = str(said[scene]["name"])
            files = {file: self._file(scene, name, file) for file in FILES}
            try:
                self._opened.goods.adopt(self._tenant, scene, name, files)
            except ArtifactError as error:  # it was replaced while it was read: the next look fetches it again
                log.warning("version_not_taken", why=error.detail)

    def _fetch_pictures(self, said: Mapping[str, Sequence[int]]) -> None:
        """Fetch the pictures of dishes that are not here. Raises CentreUnreachable."""
        goods = self._opened.goods
        for name, widths in goods.missing_pictures(self._tenant, said).items():
            files = {int(width): self._file(PICTURES, name, f"{width}.webp") for width in widths}
            try:
                goods.keep_picture(self._tenant, name, files)
            except ValueError as error:
                log.warning("picture_not_taken", why=str(error))

    def _file(self, scene: str, name: str, file: str) -> bytes:
        content = b""
        while True:
            said = {"scene": scene, "name": name, "file": file, "at": len(content)}
            piece = self._line.ask("piece", said, LONGEST_S)
            content += piece
            if len(piece) < PIECE:
                return content

    def _waiting(self) -> dict[str, int]:
        try:
            return self._outbox.waiting()
        except OutboxClosed:
            return {}

    def _note_cut(self, state: State) -> None:
        if not state.line_cut_us and self._folder.state() is not None:
            self._folder.keep(replace(state, line_cut_us=self._now_us()))


def put_back_catalogue(folder: BoxFolder, tenant: str, goods: Goods) -> None:
    """The catalogue as the box knew it last: an empty box still takes orders and shows the menu."""
    with suppress(OSError, ValueError, Problem, sqlite3.Error):
        goods.put_catalogue(tenant, catalogue_of((folder.disk / CATALOGUE).read_bytes()))


Opener = Callable[[BoxFolder, str], Opened]
