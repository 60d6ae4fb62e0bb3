"""Who gets which variant: computed from a salted hash at each request, stored nowhere. Pure.

A customer is known here by the hash of their tombstone (`EventStore.tombstone`), never by the pseudonym. From it
and the experiment's salt comes the customer's *unit*; from the unit the variant. Two experiments have two salts,
so what one draws says nothing about the other. When the salt is deleted, no unit leads to anybody any more.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

UNIT_BYTES = 16
_POINT_BYTES = 8
_WHOLE = 2.0**64


def unit_of(salt: str, hashed: str) -> str:
    """The unit of a customer in one experiment: 32 hexadecimal digits."""
    return hmac.digest(salt.encode(), f"unit {hashed}".encode(), hashlib.sha256)[:UNIT_BYTES].hex()


def layer_point(key: bytes, tenant: str, scene: str, hashed: str) -> float:
    """Where a customer stands in the layer of a scene, 0 to 1: the same for all experiments of the scene.

    Each running experiment has a stretch of the layer for itself, so nobody is in two experiments of one scene.
    """
    digest = hmac.digest(key, f"layer {tenant}\0{scene}\0{hashed}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:_POINT_BYTES], "big") / _WHOLE


def variant_at(shares: Sequence[float], unit: str) -> int:
    """The number of the variant of a unit; `shares` add up to 1."""
    point = int(unit[: 2 * _POINT_BYTES], 16) / _WHOLE
    return min(bisect_right(_ends(shares), point), len(shares) - 1)


def variants_of(shares: Sequence[float], units: Sequence[str]) -> NDArray[np.int64]:
    """`variant_at` of many units, (n_units,)."""
    found = np.searchsorted(np.array(_ends(shares)), points_of(units) / _WHOLE, side="right")
    return np.minimum(found, len(shares) - 1).astype(np.int64)


def points_of(units: Sequence[str]) -> NDArray[np.uint64]:
    """The first 64 bits of each unit, (n_units,): what its variant is computed from."""
    begins = "".join([unit[: 2 * _POINT_BYTES] for unit in units])
    return np.frombuffer(bytes.fromhex(begins), ">u8").astype(np.uint64)


def _ends(shares: Sequence[float]) -> list[float]:
    return list(accumulate(shares))


def free_stretch(taken: Sequence[tuple[float, float]], width: float) -> tuple[float, float] | None:
    """The first stretch of a layer with this width that no other experiment has; None: there is no room.

    `taken` are (from, to) of the running experiments of the scene.
    """
    begin = 0.0
    for low, high in sorted(taken):
        if low - begin >= width - 1e-9:
            break
        begin = max(begin, high)
    return (begin, begin + width) if begin + width <= 1 + 1e-9 else None
