"""Where things are: checked positions, distances on the globe, stay points, coarse cells and local clocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_KM = 6371.0088
"""Mean radius of the earth in km (IUGG)."""

DEGREE_KM = EARTH_KM * math.pi / 180
FEW = 2_000
"""Up to so many distances are measured one by one: 30 us more than a tree takes at most."""

CELL_M = 200.0
"""Side of the cells that stored positions are snapped to (curve: docs/decisions/0050-destination-cells.md)."""

_GEO = "geo:"
_DAY_US = 86_400_000_000


class PlaceError(ValueError):
    """A place, a ride or its time cannot be used. `code` is stable."""

    code = "bad_place"


class BadCoordinatesError(PlaceError):
    """A coordinate is out of range, not finite, or missing."""

    code = "bad_coordinates"


class SwappedCoordinatesError(BadCoordinatesError):
    """Latitude and longitude are swapped."""

    code = "swapped_coordinates"


class NaiveTimeError(PlaceError):
    """A local time without its zone: at the clock change it could mean two moments."""

    code = "time_without_zone"


def check_position(lat: float | None, lon: float | None) -> tuple[float, float] | None:
    """The position in degrees, or None where neither is given.

    Raises:
        BadCoordinatesError: one is missing, not finite, or out of range.
        SwappedCoordinatesError: they would be in range the other way round only.
    """
    if lat is None and lon is None:
        return None
    if lat is None or lon is None:
        raise BadCoordinatesError(f"a position needs both: latitude is {lat}, longitude is {lon}")
    if not (math.isfinite(lat) and math.isfinite(lon)):
        raise BadCoordinatesError(f"a position needs two finite numbers: latitude is {lat}, longitude is {lon}")
    if abs(lat) > 90 and abs(lat) <= 180 and abs(lon) <= 90:
        raise SwappedCoordinatesError("latitude is beyond 90 degrees: latitude and longitude look swapped")
    if abs(lat) > 90:
        raise BadCoordinatesError(f"latitude must lie within -90 .. 90 degrees, not {lat}")
    if abs(lon) > 180:
        raise BadCoordinatesError(f"longitude must lie within -180 .. 180 degrees, not {lon}")
    return float(lat), float(lon)


NOWHERE_DEGREES = 0.01
"""Nearer than this to latitude 0, longitude 0 nobody is picked up: a receiver without a signal says so."""


class NoSignalError(BadCoordinatesError):
    """Latitude 0, longitude 0: a receiver that has no position."""

    code = "no_position"


class OutsideAreaError(BadCoordinatesError):
    """Far from every place that the tenant serves."""

    code = "outside_served_area"


def check_given(lat: float | None, lon: float | None) -> tuple[float, float] | None:
    """`check_position` for a position that a caller sends.

    Raises:
        NoSignalError: latitude 0, longitude 0. And what `check_position` raises.
    """
    spot = check_position(lat, lon)
    if spot is not None and max(abs(spot[0]), abs(spot[1])) < NOWHERE_DEGREES:
        raise NoSignalError("latitude 0, longitude 0 is what a receiver without a signal says")
    return spot


def check_positions(lat: ArrayLike, lon: ArrayLike) -> None:
    """The same for whole columns (n,) in degrees; NaN pairs mean unknown. The error names the first bad row."""
    a, b = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    bad = (np.isnan(a) != np.isnan(b)) | (np.abs(a) > 90) | (np.abs(b) > 180)
    if bad.any():
        row = int(np.argmax(bad))
        given = [None if math.isnan(v) else float(v) for v in (a[row], b[row])]
        try:
            check_position(*given)
        except BadCoordinatesError as error:
            raise type(error)(f"row {row}: {error}") from None


def haversine_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in km between positions in degrees (broadcast); NaN where one is unknown.

    R. W. Sinnott, "Virtues of the haversine", Sky and Telescope 68 (1984).
    """
    a1, o1, a2, o2 = (np.radians(np.asarray(v, np.float64)) for v in (lat1, lon1, lat2, lon2))
    chord = np.sin((a2 - a1) / 2) ** 2 + np.cos(a1) * np.cos(a2) * np.sin((o2 - o1) / 2) ** 2
    km: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return km


@dataclass(frozen=True, eq=False)
class PlaceIndex:
    """Positions (n,) in degrees, searched by distance; unknown positions (NaN) are never found.

    A tree is made where it is quicker than to measure every distance: for many places, or many questions at once.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    @cached_property
    def _known(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.isfinite(self.lat) & np.isfinite(self.lon))

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        return np.asfortranarray(_on_sphere(self.lat[self._known], self.lon[self._known]))

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree  # much of scipy comes with it, which few servers need

        return KDTree(self._points)

    def near(self, lat: float, lon: float, km: float) -> NDArray[np.intp]:
        """Indices within `km` of a position, in rising order."""
        if not len(self._known):
            return np.zeros(0, np.intp)
        chord, point = 2 * np.sin(min(km / EARTH_KM, np.pi) / 2), _on_sphere(lat, lon)
        if len(self._known) <= FEW:
            found: NDArray[np.intp] = self._known[_chords(point, self._points)[0] <= chord]
            return found
        return np.sort(self._known[self._tree.query_ball_point(point[0], chord)])

    def nearest(self, lat: ArrayLike, lon: ArrayLike, k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The k nearest of each position (m,): indices and km, shape (m, min(k, n)), nearest first."""
        points = _on_sphere(lat, lon)
        k = min(k, len(self._known))
        if not k:
            return np.zeros((len(points), 0), np.intp), np.zeros((len(points), 0))
        if len(points) * len(self._known) <= FEW:
            chord, index = _least(_chords(points, self._points), k)
        else:
            chord, index = self._tree.query(points, k=np.arange(1, k + 1))
        return self._known[index], 2 * EARTH_KM * np.arcsin(np.clip(chord / 2, 0, 1))


def _on_sphere(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.float64]:
    """Positions in degrees as points (n, 3) of a sphere of radius 1: straight lines between them order them as
    distances along the ground do."""
    a, o = (np.radians(np.atleast_1d(np.asarray(v, np.float64))) for v in (lat, lon))
    return np.stack([np.cos(a) * np.cos(o), np.cos(a) * np.sin(o), np.sin(a)], axis=1)


def _chords(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths of the straight lines between each of `points` (m, 3) and each of `others` (n, 3), shape (m, n)."""
    apart = points[:, :, None] - others.T
    chords: NDArray[np.float64] = np.sqrt(np.einsum("mcn,mcn->mn", apart, apart))
    return chords


def _least(values: NDArray[np.float64], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The k smallest of each row of `values` (m, n), smallest first, and where they are, both (m, k)."""
    index = np.argpartition(values, k - 1, axis=1)[:, :k]
    found = np.take_along_axis(values, index, axis=1)
    order = np.argsort(found, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(index, order, axis=1)


def cell_of(lat: ArrayLike, lon: ArrayLike, side_m: float = CELL_M) -> NDArray[np.int64]:
    """A number for each position's cell of about `side_m` metres (n,); -1 where the position is unknown.

    Rows of equal latitude steps; within a row, longitude steps of the same length in metres.
    """
    a, b = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    step = side_m / 1000 / DEGREE_KM
    known = np.isfinite(a) & np.isfinite(b)
    row = np.floor((np.where(known, a, 0) + 90) / step)
    middle = np.clip((row + 0.5) * step - 90, -89.9, 89.9)
    column = np.floor((np.where(known, b, 0) + 180) / (step / np.cos(np.radians(middle))))
    return np.where(known, row.astype(np.int64) * (1 << 32) + column.astype(np.int64), -1)


def coarsen(
    lat: ArrayLike, lon: ArrayLike, side_m: float = CELL_M
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions moved to the middle of their cell: so coarse is what may be stored of a rider's position."""
    cell = cell_of(lat, lon, side_m)
    step = side_m / 1000 / DEGREE_KM
    row, column = cell >> 32, cell & 0xFFFFFFFF
    middle = np.clip((row + 0.5) * step - 90, -89.9, 89.9)
    east = np.clip((column + 0.5) * (step / np.cos(np.radians(middle))) - 180, -180, 180)
    return np.where(cell < 0, np.nan, middle), np.where(cell < 0, np.nan, east)


def stay_points(lat: ArrayLike, lon: ArrayLike, radius_km: float = 0.2) -> NDArray[np.intp]:
    """A label for each position (n,): positions of one label lie within `radius_km` of its densest point.

    Densest first: the point with most others around it takes them all, then the next that is left. Unlike
    density chaining it cannot join a whole street into one place; unlike a grid no place is cut by a cell
    border. docs/decisions/0050-destination-cells.md measures it beside HDBSCAN and a grid. -1 where unknown.
    """
    a, b = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    index = PlaceIndex(a, b)
    label = np.full(len(a), -1, np.intp)
    around = {int(i): index.near(a[i], b[i], radius_km) for i in np.flatnonzero(np.isfinite(a) & np.isfinite(b))}
    following = 0
    for i in sorted(around, key=lambda i: (-len(around[i]), i)):
        if label[i] < 0:
            mine = around[i]
            label[mine[label[mine] < 0]] = following
            following += 1
    return label


def geo_id(lat: float, lon: float) -> str:
    """The id of a place that has no id of its own: a geo URI (RFC 5870), coarsened to its cell.

    Three decimals are within the cell: more would look like a position that nobody keeps.
    """
    middle, east = coarsen([lat], [lon])
    return f"{_GEO}{middle[0]:.3f},{east[0]:.3f}"


def coarse_id(item_id: str) -> str:
    """The id as it may be stored: a geo URI becomes that of its cell, every other id stays.

    Raises:
        BadCoordinatesError: it starts like a geo URI and spells no position.
    """
    spot = position_of(item_id)
    return item_id if spot is None else geo_id(*spot)


def coarse_spot(lat: float, lon: float) -> tuple[float, float]:
    """A pick-up as a request may carry it: three decimals, at most 80 m away from where it was."""
    return round(lat, 3), round(lon, 3)


def position_of(item_id: str) -> tuple[float, float] | None:
    """The position that a geo URI spells, or None where the id is not one.

    Raises:
        BadCoordinatesError: it starts like one and does not go on like one.
    """
    if not item_id.startswith(_GEO):
        return None
    try:
        lat, lon = (float(part) for part in item_id[len(_GEO) :].split(";")[0].split(",")[:2])
    except ValueError:
        raise BadCoordinatesError(f"a geo URI reads geo:LAT,LON, not {item_id!r}") from None
    return check_position(lat, lon)


def clock(local_time: datetime) -> tuple[float, int]:
    """Hour of the local clock (0 <= hour < 24) and weekday (0 is Monday) of an aware time.

    At the clock change both passes of 01:30 read 1.5: habits follow the clock on the wall.

    Raises:
        NaiveTimeError: the time has no zone.
    """
    if local_time.utcoffset() is None:
        raise NaiveTimeError(f"{local_time.isoformat()} has no zone: send it with its offset from UTC")
    return local_time.hour + local_time.minute / 60 + local_time.second / 3600, local_time.weekday()


def clock_at(now_us: int, zone: tzinfo | None = None, lon: float | None = None) -> tuple[float, int]:
    """The same for a moment in microseconds UTC, by its zone, else by its longitude (15 degrees an hour)."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_us)
    if zone is not None:
        return clock(moment.astimezone(zone))
    if lon is None or not math.isfinite(lon):
        return math.nan, -1
    return clock(moment + timedelta(hours=round(lon / 15)))


def clocks_at(
    time_us: NDArray[np.int64], offset_us: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Local hours and weekdays (n,) of moments in microseconds UTC whose local offset is known."""
    local = time_us + offset_us
    day = np.floor_divide(local, _DAY_US)
    return ((local - day * _DAY_US) / 3_600_000_000).astype(np.float32), ((day + 3) % 7).astype(np.int8)
