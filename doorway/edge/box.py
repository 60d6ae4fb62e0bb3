"""How a store box's server differs: it passes on what happens, and leaves to the centre what is the centre's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import request
from flask_openapi3.openapi import OpenAPI

from doorway.edge.copies import CentreCopies
from doorway.edge.folder import BoxFolder, Pairing
from identity.web.half import IdentityHalf
from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.outbox.errors import NotAtBox, NotOfThisBox
from plumbing.outbox.server import EVENTS
from plumbing.outbox.stream import JetStreamOutbox, Outbox
from plumbing.problem import Remark
from plumbing.settings import Config
from recommender.edge.events import Batch
from recommender.scene import Event
from recommender.web.half import RecommenderHalf

FORMAT = 1
OFFERED = frozenset(
    {
        ("POST", "/identity/v1/presses"),
        ("POST", "/identity/v1/recognitions"),
        ("POST", "/identity/v1/not-me"),
        ("POST", "/identity/v1/opt-outs"),
        ("DELETE", "/identity/v1/enrolments/<receipt>"),
        ("POST", "/recommender/v1/events"),
        ("POST", "/v1/visits"),
        ("POST", "/v1/pairings"),
        ("DELETE", "/v1/pairings"),
    }
)
"""All that changes something and is done at a box. A closed list: what is not in it is the centre's."""
CUT_US = 5 * SECOND


@dataclass(frozen=True)
class BoxServer:
    """The wiring of one process of a box's server."""

    pairing: Pairing
    outbox: Outbox
    folder: BoxFolder
    now_us: Clock

    @classmethod
    def of(cls, config: Config, now_us: Clock, outbox: Outbox | None = None) -> BoxServer:
        """As `usual edge run` left it. Raises BoxNotPaired."""
        assert config.edge is not None, "only a box has this setting"
        folder = BoxFolder(config.edge, config.home.parent, now_us)
        return cls(folder.pairing(), outbox or JetStreamOutbox(folder.outbox_address), folder, now_us)

    @property
    def copies(self) -> CentreCopies:
        """What identity's erasures say on."""
        return CentreCopies(self.outbox, self.pairing.centre, self.pairing.box)

    def record(self, tenant: str, events: Sequence[Event], purposes: Sequence[str]) -> None:
        """Put events that were recorded into the outbox. Raises OutboxClosed: the device sends them again.
        NotOfThisBox: the device's key is of another tenant or site."""
        mine = self.pairing.tenant, self.pairing.site
        if any((tenant, event.site or mine[1]) != mine for event in events):
            raise NotOfThisBox(f"This box is of the tenant {mine[0]!r} at {mine[1]!r}: make a key for those.")
        batch = Batch(tuple(events), tuple(purposes)).to_json(self.pairing.name)
        said = {"format": FORMAT, "tenant": tenant, "box": self.pairing.box, "batch": batch}
        content = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
        number = hashlib.sha256(content).hexdigest()
        self.outbox.put(EVENTS, self.pairing.centre.seal(content, "events"), number)

    def wire(self, app: OpenAPI, identity: IdentityHalf | None, recommender: RecommenderHalf) -> RecommenderHalf:
        """Connect both halves with the outbox, and refuse what a box does not offer."""
        recommender.service.on_recorded = self.record
        if identity is not None:
            identity.service.erasures.ends_retention = False
            identity.service.customers.held.on_hold = self.copies.note_held
        app.before_request(refuse_what_is_the_centres)
        return replace(recommender, trains=False)

    def check(self) -> str | None:
        """Readiness: how the line is, as a remark; an empty box serves guests."""
        state = self.folder.state()
        if state is None:
            return Remark("this store box is empty until it hears from the centre; everybody is a guest")
        silent = self.folder.silent_us() or 0
        if state.line_cut_us or silent > CUT_US:
            return Remark(f"the centre was not heard for {silent // MINUTE} minutes; the outbox keeps events")
        return Remark(state.remark) if state.remark else None


def refuse_what_is_the_centres() -> None:
    """Raises NotAtBox."""
    rule = request.url_rule.rule if request.url_rule else ""
    if request.method in ("GET", "HEAD", "OPTIONS") or not rule:
        return
    if (request.method, rule) not in OFFERED:
        raise NotAtBox
