"""The area that a tenant serves: everything near a place of its catalogue."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recommender.destinations.places import OutsideAreaError, PlaceIndex, SwappedCoordinatesError
from recommender.scene import Item

SERVED_KM = 40.0


class ServedArea:
    """Positions within `km` of a place of the catalogue. Without such a place every position is served."""

    def __init__(self, places: Iterable[Item], km: float = SERVED_KM) -> None:
        known = [(p.lat, p.lon) for p in places if p.lat is not None and p.lon is not None]
        table = np.array(known, np.float64).reshape(len(known), 2)
        self._index = PlaceIndex(table[:, 0], table[:, 1])
        self._km = km

    def check(self, lat: float, lon: float) -> None:
        """Nothing when the position is served.

        Raises:
            OutsideAreaError: it is far from every place.
            SwappedCoordinatesError: it would not be with latitude and longitude the other way round.
        """
        if not len(self._index.lat) or self._away(lat, lon) <= self._km:
            return
        if abs(lon) <= 90 and self._away(lon, lat) <= self._km:
            raise SwappedCoordinatesError(
                "no place is near this position, but there are some where latitude and longitude change places"
            )
        raise OutsideAreaError(f"the position is more than {self._km:g} km away from every place that is served")

    def _away(self, lat: float, lon: float) -> float:
        return float(self._index.nearest(lat, lon, 1)[1][0, 0])
