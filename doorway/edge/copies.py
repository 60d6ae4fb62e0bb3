"""What an erasure has to know about copies in other houses: at the centre those of its boxes, at a box the centre.

Imported by every server: the rest of this folder is not, where no box was ever invited.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from identity.customers.leaving.erasure_receipts import BOX, ERASED
from plumbing.clock import Clock
from plumbing.storage.state import State

if TYPE_CHECKING:
    from plumbing.outbox.boxes import Boxes
    from plumbing.outbox.seals import PublicKeys
    from plumbing.outbox.stream import Outbox

FILE = "edge.db"
LEFT = "usual.left"
PLACE, CENTRE = "store boxes", "the centre"
ON_ITS_WAY = "is on its way, from an outbox on the disk"
FORMAT = 1


class BoxCopies:
    """At the centre: which boxes hold somebody who left. Where there are none it costs a look at the folder."""

    def __init__(self, state: State, now_us: Clock) -> None:
        self._state = state
        self._now_us = now_us

    @cached_property
    def boxes(self) -> Boxes:
        """The boxes of this installation."""
        made: Boxes = import_module("plumbing.outbox.boxes").Boxes(self._state, self._now_us)
        return made

    @property
    def any(self) -> bool:
        """Whether a box was ever invited."""
        return self._state.is_shared or (self._state.home / FILE).exists()

    def note_left(self, tenant: str, customer_id: str, number: str) -> tuple[tuple[str, str], ...]:
        """See `CopiesElsewhere`."""
        if not self.any:
            return ()
        return ((PLACE, BOX if self.boxes.note_left(tenant, customer_id, number) else ERASED),)

    def still(self, number: str) -> bool:
        """See `CopiesElsewhere`."""
        return self.any and self.boxes.still(number)

    def remark(self) -> str | None:
        """See `CopiesElsewhere`."""
        return self.boxes.remark() if self.any else None


class CentreCopies:
    """At a box: the centre hears of everybody who leaves here, by way of the outbox."""

    def __init__(self, outbox: Outbox, centre: PublicKeys, box_id: str) -> None:
        self._outbox = outbox
        self._centre = centre
        self._box_id = box_id

    def note_left(self, tenant: str, customer_id: str, number: str) -> tuple[tuple[str, str], ...]:
        """See `CopiesElsewhere`. Raises OutboxClosed."""
        self._say(tenant, "left", [customer_id], number)
        return ((CENTRE, ON_ITS_WAY),)

    def note_held(self, tenant: str, customer_ids: Sequence[str], reference: str) -> None:
        """An opt-out by face that several people may mean: all of them are paused at the centre, too. Raises
        OutboxClosed."""
        self._say(tenant, "held", customer_ids, reference)

    def still(self, number: str) -> bool:
        """A box waits for nobody: what it has said is on its disk."""
        return False

    def remark(self) -> str | None:
        """The box's own check says how the line is."""
        return None

    def _say(self, tenant: str, kind: str, tags: Sequence[str], number: str) -> None:
        said = {"format": FORMAT, "kind": kind, "tenant": tenant, "box": self._box_id, "tags": list(tags)}
        content = json.dumps(said | {"reference": number if kind == "held" else ""}).encode()
        self._outbox.put(LEFT, self._centre.seal(content, "left"), f"{kind} {number}")
