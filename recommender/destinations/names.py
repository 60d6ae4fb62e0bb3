"""What a screen shows for a position that is no place of the catalogue: words, never numbers."""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import atan2, cos, degrees, radians

import numpy as np

from recommender.destinations.atlas import Atlas
from recommender.destinations.places import BadCoordinatesError, haversine_km, position_of
from recommender.scene import Item

NEAR_KM = 1.5
WAYS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def name_of(item_id: str, atlas: Atlas, own: Container[str], taken: Mapping[str, object]) -> str | None:
    """Words for a position: "near Harbour", "a place you went to"; None for everything that has a name.

    `own` are the places that the rider was at, `taken` the names that the same list has already.
    """
    if item_id in atlas.by_id or not item_id.startswith("geo:"):
        return None
    landmark = _landmark(item_id, atlas)
    if landmark is None:
        name = "a place you went to" if item_id in own else "a place that many go to"
    else:
        place, way = landmark
        name = f"near {place.name}"
        name = f"{name}, {way} of it" if name in taken else name
    return name if name not in taken else f"{name} ({sum(one.startswith(name) for one in taken) + 1})"


def _landmark(item_id: str, atlas: Atlas) -> tuple[Item, str] | None:
    """The nearest place of the catalogue within `NEAR_KM`, and in which direction of it the position lies."""
    try:
        spot = position_of(item_id)
    except BadCoordinatesError:
        return None
    if spot is None:
        return None
    places = [p for p in atlas.by_id.values() if p.lat is not None and p.lon is not None and not p.sensitive]
    if not places:
        return None
    lat, lon = [p.lat for p in places], [p.lon for p in places]
    km = haversine_km(*spot, [float(x or 0) for x in lat], [float(x or 0) for x in lon])
    nearest = int(np.argmin(km))
    if km[nearest] > NEAR_KM:
        return None
    return places[nearest], _way(places[nearest], spot)


def _way(place: Item, spot: tuple[float, float]) -> str:
    """The direction of a position from a place, in eighths of a circle."""
    north = spot[0] - float(place.lat or 0)
    east = (spot[1] - float(place.lon or 0)) * cos(radians(spot[0]))
    return WAYS[round(degrees(atan2(east, north)) / 45) % 8]
