"""The centre's side: pairs boxes, and answers each of them with what is new for its site, sealed for it alone."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from identity.edge.people import Known, People
from identity.web.half import IdentityHalf
from plumbing.clock import Clock
from plumbing.outbox.boxes import LEASE_US, REVOKED, Box, Boxes, Copy
from plumbing.outbox.errors import BoxNotPaired, SealRefused
from plumbing.outbox.seals import PublicKeys
from recommender.edge.goods import Goods
from recommender.errors import ArtifactError
from recommender.web.half import RecommenderHalf

FORMAT = 1
MOST_IN_A_BUNDLE = 40  # customers, with their histories
FRESH_S = 20.0
"""So old may be what the centre knows of who comes to a site and what they did elsewhere. Who left is known at
once."""


@dataclass
class _Seen:
    """What was read of a tenant for one box."""

    stamp: object
    read_s: float
    known: dict[str, Known] = field(default_factory=dict)  # by tag
    at_site: set[str] = field(default_factory=set)  # pseudonyms
    counts: dict[str, int] = field(default_factory=dict)


class Centre:
    """One for each process of the server. Safe with threads."""

    def __init__(self, boxes: Boxes, identity: IdentityHalf, recommender: RecommenderHalf, now_us: Clock) -> None:
        self.boxes = boxes
        ledger = identity.service.customers.standings.ledger
        self._people = People(identity.stores, identity.vault, ledger, identity.matchers)
        self._closed = identity.closed
        self._pack = identity.service.engine.pack.id
        self._goods = Goods(recommender.service.stores, recommender.config.home)
        self._now_us = now_us
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def pair(self, code: str, public: str) -> dict[str, object]:
        """Pair the box that has this code; the answer is signed, and its secret part opens at this box alone.

        Raises BoxCodeRefused, SealRefused.
        """
        box = self.boxes.pair(code, _public(public))
        secret = json.dumps({"line_password": line_password(self.boxes, box.box_id)}).encode()
        answer: dict[str, object] = {
            "format": FORMAT,
            "box": box.box_id,
            "tenant": box.tenant,
            "name": box.name,
            "site": box.site,
            "pack": self._pack,
            "keys": self.boxes.keys.public.raw.hex(),
            "sealed": box.keys.seal(secret, "pairing").hex(),
        }
        return answer | {"signature": self.boxes.keys.sign("pairing", answer)}

    def answer(
        self, box_id: str, counter: int, kind: str, said: Mapping[str, Any], signature: str
    ) -> dict[str, object]:
        """The answer to a box's question: sealed for it, and signed together with the number of the question.

        A box that was revoked, or silent for a day, gets a signed refusal: it is to forget everything. Raises
        BoxNotPaired: there is no such box; SealRefused: it did not ask this.
        """
        box = self.boxes.of_id(box_id)
        if box is None or not box.public_keys:
            raise BoxNotPaired
        box.keys.check(signature, kind, box_id, counter, said)
        if box.state == REVOKED:
            return self._signed(box, counter, refused="revoked")
        if box.is_silent(self._now_us()):
            return self._signed(box, counter, refused="silent")
        # Only this question says how the box stands; one for a piece of a version says nothing about its copies.
        syncs = kind == "sync"
        replica = str(said.get("replica", "")) if syncs else box.replica
        waiting = int(said.get("waiting", 0)) if syncs else box.waiting
        heard = self.boxes.heard(box, counter, replica=replica, waiting=waiting)
        if heard is None:
            return self._signed(box, counter, refused="stale")
        content = self._bundle(heard, said) if kind == "sync" else self._piece(heard, said)
        return self._signed(heard, counter, sealed=heard.keys.seal(content, kind).hex())

    def _signed(self, box: Box, counter: int, *, sealed: str = "", refused: str = "") -> dict[str, object]:
        answer: dict[str, object] = {
            "format": FORMAT,
            "sealed": sealed,
            "refused": refused,
            "counter": box.counter,
        }
        digest = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
        return answer | {"signature": self.boxes.keys.sign("answer", box.box_id, counter, digest)}

    # --- what is new

    def _bundle(self, box: Box, said: Mapping[str, Any]) -> bytes:
        """All that the box does not have yet, or a part of it (`more`)."""
        confirmed = int(said.get("confirmed", 0))
        self.boxes.confirm(box, confirmed)
        seen, copies = self._read(box), self.boxes.copies(box)
        gone = [tag for tag, copy in copies.items() if tag not in seen.known or copy.gone]
        wanted = self._wanted(seen, copies, confirmed) if said.get("drained") is True else []
        puts, noted = self._puts(box, seen, copies, wanted[:MOST_IN_A_BUNDLE], confirmed)
        noted += [Copy(tag, "", "", 0, "left") for tag in gone]
        number = self.boxes.put(box, noted) if noted else box.sent
        stamp = self._goods.catalogue_stamp(box.tenant)
        bundle = {
            "format": FORMAT,
            "number": number,
            "remove": gone,
            "put": puts,
            "more": len(wanted) > MOST_IN_A_BUNDLE,
            "lease_us": LEASE_US,
            "pack": self._pack,
            "figures": self._people.figures(box.tenant),
            "catalogue_stamp": stamp,
            "catalogue": None if said.get("catalogue") == stamp else self._goods.catalogue(box.tenant),
            "versions": self._goods.versions(box.tenant),
            "pictures": self._goods.pictures(box.tenant),
        }
        return json.dumps(bundle, separators=(",", ":")).encode()

    def _wanted(self, seen: _Seen, copies: Mapping[str, Copy], confirmed: int) -> list[str]:
        """The tags of those whom the box does not have, or not as they are now."""
        found = []
        for tag, known in seen.known.items():
            copy = copies.get(tag)
            if copy is None:
                if known.pseudonym in seen.at_site:
                    found.append(tag)
            elif not copy.gone and (
                copy.sent > confirmed or self._stamps(seen, known) != (copy.person, copy.history)
            ):
                found.append(tag)
        return found

    def _puts(
        self, box: Box, seen: _Seen, copies: Mapping[str, Copy], tags: Sequence[str], confirmed: int
    ) -> tuple[list[dict[str, object]], list[Copy]]:
        """What is sent of some customers, and what is noted of it. What the box has already is left out."""
        puts: list[dict[str, object]] = []
        noted = []
        for tag in tags:
            known, copy = seen.known[tag], copies.get(tag)
            person, history = self._stamps(seen, known)
            has = copy if copy is not None and copy.sent <= confirmed else Copy(tag, "", "", 0)
            put: dict[str, object] = {"tag": tag, "person": None, "history": None}
            if person != has.person:
                put["person"] = self._people.copy(box.tenant, known.customer_id, tag)
                if put["person"] is None:
                    continue  # they left this moment: the next look finds it
            if history != has.history:
                own = box.name if copy is not None else None  # an empty box gets its own events back
                put["history"] = self._goods.history(box.tenant, known.pseudonym, without_box=own)
            puts.append(put)
            noted.append(Copy(tag, person, history, 0))
        return puts, noted

    def _stamps(self, seen: _Seen, known: Known) -> tuple[str, str]:
        keys = self.boxes.keys
        return (
            keys.derive("person", known.stamp)[:8].hex(),
            keys.derive("history", known.pseudonym, str(seen.counts.get(known.pseudonym, 0)))[:8].hex(),
        )

    def _read(self, box: Box) -> _Seen:
        """The customers as they are now: it is read again as soon as somebody joined or left."""
        stamp = (self._people.generation(box.tenant), self._closed.generation())
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(box.box_id)
            if seen is not None and seen.stamp == stamp and now - seen.read_s < FRESH_S:
                return seen
            known = {self.boxes.tag(box, one.customer_id): one for one in self._people.all(box.tenant)}
            if seen is None or now - seen.read_s >= FRESH_S:
                at_site = self._goods.people_at(box.tenant, box.site)
                seen = _Seen(stamp, now, known, at_site, self._goods.counts(box.tenant, box.name))
            else:
                seen = _Seen(stamp, seen.read_s, known, seen.at_site, seen.counts)
            self._seen[box.box_id] = seen
            return seen

    def _piece(self, box: Box, said: Mapping[str, Any]) -> bytes:
        """A part of a published version or of a dish's picture. Raises BoxNotPaired: there is no such file."""
        try:
            return self._goods.piece(
                box.tenant, str(said["scene"]), str(said["name"]), str(said["file"]), int(said["at"])
            )
        except (ArtifactError, KeyError, ValueError) as error:
            raise BoxNotPaired("There is no such file for a box.") from error


def line_password(boxes: Boxes, box_id: str) -> str:
    """What a box shows to the centre's outbox server."""
    return boxes.keys.derive("line", box_id).hex()


def _public(text: str) -> PublicKeys:
    try:
        return PublicKeys(bytes.fromhex(text))
    except ValueError as error:
        raise SealRefused("These are no public keys.") from error
