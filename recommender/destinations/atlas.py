"""Which places there are and where: the catalogue, ids that spell a position, and riders' learned stay points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.places import (
    BadCoordinatesError,
    check_position,
    geo_id,
    position_of,
    stay_points,
)
from recommender.ranking.interactions import Interactions, codes_in
from recommender.scene import Item

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Atlas:
    """The catalogue by place id."""

    by_id: Mapping[str, Item]

    @classmethod
    def of(cls, catalogue: Iterable[Item]) -> Atlas:
        return cls({item.item_id: item for item in catalogue})

    def position(self, item_id: str) -> tuple[float, float] | None:
        """A place's position: from the catalogue (which is corrected when a place moves), else from the id itself.

        Raises:
            BadCoordinatesError: what it says cannot be a position.
        """
        item = self.by_id.get(item_id)
        try:
            if item is not None and (item.lat is not None or item.lon is not None):
                return check_position(item.lat, item.lon)
            return position_of(item_id)
        except BadCoordinatesError as error:
            raise type(error)(f"place {item_id!r}: {error}") from None

    def positions(self, ids: NDArray[np.str_]) -> tuple[Floats, Floats]:
        """Latitudes and longitudes (n,) in degrees, NaN where the position is unknown."""
        found = [self.position(str(item_id)) or (np.nan, np.nan) for item_id in ids]
        table = np.array(found, np.float64).reshape(len(found), 2)
        return table[:, 0].copy(), table[:, 1].copy()


def recoded(rides: Interactions, places: NDArray[np.str_], code: NDArray[np.int32]) -> Interactions:
    """The same rides over another vocabulary of places: `code` (items,) says where each old code went."""
    full = np.r_[code, -1].astype(np.int32)  # the last one is reached by -1: unknown stays unknown
    return replace(rides, items=places, item=full[rides.item], origin=full[rides.origin])


def recoded_to(rides: Interactions, places: NDArray[np.str_]) -> Interactions:
    """The same rides over another sorted vocabulary; places that are not in it become unknown."""
    return recoded(rides, places, codes_in(places, rides.items))


def with_places(rides: Interactions, atlas: Atlas) -> Interactions:
    """The same rides over a vocabulary that also has every place of the catalogue."""
    places = np.unique(np.r_[rides.items, np.array(list(atlas.by_id), np.str_)])
    return rides if len(places) == len(rides.items) else recoded_to(rides, places)


def compact(rides: Interactions) -> Interactions:
    """The same rides over only those places that occur in them."""
    used = np.unique(np.r_[rides.item, rides.origin])
    used = used[used >= 0]
    code = np.full(len(rides.items), -1, np.int32)
    code[used] = np.arange(len(used))
    return recoded(rides, rides.items[used], code)


def settled(rides: Interactions, atlas: Atlas) -> Interactions:
    """Raw coordinates (geo URIs that are no place of the catalogue) replaced by each rider's own stay points.

    A stay point is named by the middle of its positions, coarsened to its cell: no raw position remains.
    """
    raw = np.array([text.startswith("geo:") and text not in atlas.by_id for text in rides.items], bool)
    if not raw.any():
        return rides
    lat, lon = atlas.positions(rides.items)
    ends = []
    for column in (rides.item, rides.origin):
        text = np.r_[rides.items, [""]][column].astype(object)
        ends.append((column, np.r_[raw, False][column], text))
    for rider in np.unique(rides.customer):
        mine = rides.customer == rider
        used = np.unique(np.concatenate([column[mine & is_raw] for column, is_raw, _ in ends]))
        label = stay_points(lat[used], lon[used])
        middles = np.array(
            [geo_id(*_middle(lat[used[label == k]], lon[used[label == k]])) for k in np.unique(label)]
        )
        for column, is_raw, text in ends:
            rows = np.flatnonzero(mine & is_raw)
            text[rows] = middles[label[np.searchsorted(used, column[rows])]] if len(rows) else []
    item, origin = (text.astype(np.str_) for _, _, text in ends)
    places = np.unique(np.r_[item, origin])
    places = places[places != ""]
    return replace(rides, items=places, item=codes_in(places, item), origin=codes_in(places, origin))


def _middle(lat: Floats, lon: Floats) -> tuple[float, float]:
    """The mean position of points that are near each other, also across the date line."""
    reference = lon[0]
    offset = (lon - reference + 180) % 360 - 180
    return float(lat.mean()), float((reference + offset.mean() + 180) % 360 - 180)
