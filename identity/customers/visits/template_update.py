"""A template follows its customer's face, slowly, and only from matches that the customer confirmed.

The PIN, given after a match, confirms it. Until then the vector waits in this process's memory, for minutes and
for a few hundred customers at most. A confirmation in another process is ignored; the next one counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from identity.capture.embed import Capture
from identity.customers.accounts import holder_of
from identity.errors import KeyDestroyed
from identity.matching.matcher import Matcher
from identity.store.customers import CustomerRow
from identity.store.galleries import GalleryStore
from identity.vectors import Array, mean_template, unit
from plumbing.clock import DAY, MINUTE, Clock

SHARE = 0.1  # of the new picture in the template: ten confirmed visits renew two thirds of it
LEAST = 0.5  # of the way from the strangers' score to 1: a new picture must lie beyond it
WAITS_US = 10 * MINUTE
MOST_WAITING = 256


class TemplateUpdates:
    """For one server process. Once a day for each customer at most."""

    def __init__(self, store: GalleryStore, clear: Matcher, now_us: Clock) -> None:
        self._store, self._clear, self._now_us = store, clear, now_us
        self._waiting: OrderedDict[tuple[str, str], tuple[int, Array]] = OrderedDict()
        self._followed: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def saw(self, row: CustomerRow, captures: Sequence[Capture]) -> None:
        """Remember the vectors of a recognised customer until they confirm. Covered faces are ignored."""
        clear = [capture.vector for capture in captures if capture.quality.cover == "none"]
        if not clear:
            return
        with self._lock:
            self._waiting[(row.tenant, row.customer_id)] = (self._now_us(), mean_template(np.stack(clear)))
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)

    def dismiss(self, row: CustomerRow) -> None:
        """The match was wrong: drop what is remembered."""
        with self._lock:
            self._waiting.pop((row.tenant, row.customer_id), None)

    def confirmed(self, row: CustomerRow) -> bool:
        """Move the template a little towards the remembered vectors; whether it moved."""
        key, now = (row.tenant, row.customer_id), self._now_us()
        with self._lock:
            seen_us, vector = self._waiting.pop(key, (0, None))
            if vector is None or now - seen_us > WAITS_US or self._followed.get(key) == now // DAY:
                return False
            self._followed = {k: day for k, day in self._followed.items() if day == now // DAY} | {key: now // DAY}
        return self._move(row, vector)

    def _move(self, row: CustomerRow, vector: Array) -> bool:
        gallery = self._clear.galleries.current(row.tenant)
        least = self._clear.thresholds.one_person(row.tenant)
        if row.customer_id not in gallery.ids:
            return False
        old, new = gallery.template(row.customer_id), gallery.turned(vector)
        if float(old @ new) < least + LEAST * (1 - least):
            return False
        moved = unit((1 - SHARE) * old.astype(np.float64) + SHARE * new)
        try:
            sealed = self._clear.sealed_turned(holder_of(row), gallery, moved)
        except KeyDestroyed:
            return False
        with self._store.writing():
            if not self._clear.unchanged(row.tenant, gallery.state):
                return False  # the gallery changed meanwhile: the next visit will do
            self._clear.put(row.holder, sealed, gallery.home(row.customer_id))
        return True
