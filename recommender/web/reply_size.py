"""How long a suggestions reply of `n` items can be, whoever it is for: replies are padded to that.

What a customer gets may have longer names and a whole basket; what a guest gets has not. The bound is made from
the tenant's catalogue and the number of items asked for, which say nothing about the customer.
"""

from __future__ import annotations

import json

from recommender.caches import CatalogueSnapshot
from recommender.scene import Item
from recommender.service import RecommenderService

STEP = 1024  # bytes; a changed name seldom changes the size
AROUND = 700  # recommendation id, version, fallback and the like
ROW = 390  # bytes of a row without item id and name: numbers, reason, the words around a place's name
SPONSOR = 400  # one row of a reply names who pays for its place: 60 letters, each six bytes at most
BASKET = 8  # items of a usual basket at most; one item of a reply has it
PART = 60
SHORTEST = 90  # a position that is no place of the catalogue has an id and words of its own
OFFER = 700  # an offer's name and text; the catalogue does not hold them


class ReplySizes:
    """Bounds by catalogue: the longest names are looked for once in each."""

    def __init__(self, service: RecommenderService) -> None:
        self._service = service
        self._longest: dict[tuple[str, str], tuple[CatalogueSnapshot, int]] = {}

    def bound(self, tenant: str, scene: str, n: int) -> int:
        """Bytes that no suggestions reply of this scene exceeds, as JSON, a multiple of STEP."""
        names = self._names(tenant, scene)
        size = AROUND + SPONSOR + n * (ROW + names) + BASKET * (PART + names)
        return -(-size // STEP) * STEP

    def _names(self, tenant: str, scene: str) -> int:
        kind = self._service.scenes[scene].kind
        menu = self._service.caches.menu_in_memory(tenant, kind)
        known = self._longest.get((tenant, scene))
        if known is None or known[0] is not menu:
            longest = max((_length(item) for item in menu.items), default=0)
            known = menu, max(longest, OFFER if scene == "offers" else SHORTEST)
            self._longest[tenant, scene] = known
        return known[1]


def _length(item: Item) -> int:
    return len(json.dumps([item.item_id, item.name]))
