"""Logs of rides from CSV files, checked, and the moments at which a destination is to be predicted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.columns import DatasetError, read_columns
from recommender.destinations.places import PlaceError, check_positions, clocks_at, geo_id
from recommender.destinations.visits import DAY_US, HOUR_US, Moments, Positions, Visits, visits_of
from recommender.ranking.interactions import Interactions, codes_in

_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHAIN_GAP_US = DAY_US

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RideLog:
    """A log in the order of its file. Columns have one entry for each row (n,), places (P,) are sorted ids."""

    rider: NDArray[np.int32]
    place: NDArray[np.int32]
    origin: NDArray[np.int32]  # the place before in the same chain, -1 none
    time_us: Ints
    hour: NDArray[np.float32]
    weekday: NDArray[np.int8]
    target: NDArray[np.bool_]
    train: NDArray[np.bool_] | None  # rows of the part to fit on, where the file says so
    visits: Visits  # sorted by rider and time
    places: NDArray[np.str_]
    positions: Positions
    rows: Interactions  # every row, sorted by rider and time: `customer` is the rider, `item` the place

    def rides(self) -> Interactions:
        """The rows with a known pick-up, under vocabularies of riders and places."""
        return self.rows.where(self.rows.origin >= 0)

    def moments(self, rows: NDArray[np.intp]) -> Moments:
        """The moments just before the given rows; only the rider's visits of an earlier time may be read.

        Of the row itself only the rider, the clock and the pick-up are read.
        """
        times = np.unique(self.visits.time_us)
        width = np.int64(len(times) + 1)
        keys = self.visits.rider * width + np.searchsorted(times, self.visits.time_us)
        rider = self.rider[rows].astype(np.int64)
        stop = np.searchsorted(keys, rider * width + np.searchsorted(times, self.time_us[rows]))
        start = np.where(rider < 0, stop, np.searchsorted(keys, rider * width))
        origin = self.origin[rows]
        lat, lon = np.r_[self.positions.lat, np.nan], np.r_[self.positions.lon, np.nan]
        return Moments(
            start, stop, self.time_us[rows], self.hour[rows], self.weekday[rows], origin, lat[origin], lon[origin]
        )


def parse_utc(text: str) -> int:
    """Microseconds UTC of an ISO 8601 time; without an offset it is read as UTC.

    Raises:
        ValueError: it is no such time.
    """
    moment = datetime.fromisoformat(text.strip())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    difference = aware - _EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def _times(path: Path, name: str, values: Sequence[str]) -> Ints:
    """Microseconds of a column of times (n,): the fast way where all are written plainly."""
    if all(_PLAIN.fullmatch(value) for value in values):
        try:
            return np.array([value.rstrip("Z") for value in values], "datetime64[us]").astype(np.int64)
        except ValueError:
            pass  # the loop below names the row
    found = np.zeros(len(values), np.int64)
    for i, value in enumerate(values):
        try:
            found[i] = parse_utc(value)
        except ValueError as error:
            message = f"{path}: row {i + 2} has {name} {value!r}, which is no time like 2012-04-03T18:00Z"
            raise DatasetError(message) from error
    return found


def _numbers(path: Path, name: str, values: Sequence[str]) -> NDArray[np.float64]:
    """A column of numbers (n,), NaN where it is empty."""
    found = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        try:
            found[i] = float(value) if value else np.nan
        except ValueError as error:
            raise DatasetError(f"{path}: row {i + 2} has {name} {value!r}, which is no number") from error
    return found


def read_log(path: Path) -> RideLog:
    """A log with the columns rider, utc_time, and place or lat, lon; local_time, chain and target are optional.

    Without `chain`, visits of one rider at most 24 hours apart form a chain; without `local_time` the clock goes
    by the pick-up's longitude; without a place the coordinates' cell is the place.

    Raises:
        DatasetError: the file cannot be read, or a row cannot be used; it says which.
    """
    columns = read_columns(
        path, ("rider", "utc_time"), ("local_time", "place", "lat", "lon", "chain", "target", "split")
    )
    n = len(columns["rider"])
    empty = [""] * n
    time_us = _times(path, "utc_time", columns["utc_time"])
    lat, lon = (_numbers(path, name, columns.get(name, empty)) for name in ("lat", "lon"))
    try:
        check_positions(lat, lon)
    except PlaceError as error:
        raise DatasetError(f"{path}: {error} (rows count from 0 behind the header)") from error
    place = _place_ids(path, columns.get("place", empty), lat, lon)
    rider = np.array(columns["rider"], np.str_)
    origin_row = _rows_before(rider, np.array(columns.get("chain", empty), np.str_), time_us, "chain" in columns)
    had = origin_row >= 0
    origin = np.where(had, place[origin_row], "")
    target = np.array([value.strip() == "1" for value in columns.get("target", empty)], bool)
    # a target's own coordinates must not be read, not even for its time zone
    lon_known = np.where(had, lon[origin_row], np.where(target, np.nan, lon))
    offset = _offsets(path, columns.get("local_time", empty), time_us, lon_known)
    hour, weekday = clocks_at(time_us, offset)
    rides = Interactions.from_columns(
        {"customer": rider, "item": place, "origin": origin, "time_us": time_us, "hour": hour, "weekday": weekday}
    )
    code = codes_in(rides.items, place)
    return RideLog(
        rider=codes_in(rides.customers, rider),
        place=code,
        origin=codes_in(rides.items, origin),
        time_us=time_us,
        hour=hour,
        weekday=weekday,
        target=target,
        train=np.array([value == "train" for value in columns["split"]], bool) if "split" in columns else None,
        visits=visits_of(rides),
        places=rides.items,
        positions=_first_positions(code, time_us, lat, lon, len(rides.items)),
        rows=rides,
    )


def log_of(rides: Interactions, positions: Positions) -> RideLog:
    """A log from rides in memory: each is a row, in their order; `ground` positions their places (P,)."""
    n = len(rides)
    return RideLog(
        rider=rides.customer,
        place=rides.item,
        origin=rides.origin,
        time_us=rides.time_us,
        hour=rides.hour,
        weekday=rides.weekday,
        target=np.zeros(n, np.bool_),
        train=None,
        visits=visits_of(rides),
        places=rides.items,
        positions=positions,
        rows=rides,
    )


def _place_ids(
    path: Path, given: Sequence[str], lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> NDArray[np.str_]:
    """The place of each row (n,); where none is given, the cell of its coordinates.

    The cells are a fixed grid: with learned stay points, later rows would change earlier places.
    """
    ids = list(given)
    for i, value in enumerate(ids):
        if not value:
            if np.isnan(lat[i]):
                raise DatasetError(f"{path}: row {i + 2} has neither a place nor coordinates")
            ids[i] = geo_id(float(lat[i]), float(lon[i]))
    return np.array(ids, np.str_) if ids else np.zeros(0, np.str_)


def _rows_before(
    rider: NDArray[np.str_], chain: NDArray[np.str_], time_us: Ints, chained: bool
) -> NDArray[np.intp]:
    """For each row the row before it in its chain, by time, then by the file's order (n,); -1 where none is."""
    n = len(rider)
    before = np.full(n, -1, np.intp)
    order = np.lexsort((np.arange(n), time_us, chain, rider))
    same = (rider[order][1:] == rider[order][:-1]) & (chain[order][1:] == chain[order][:-1])
    if not chained:
        same &= np.diff(time_us[order]) <= CHAIN_GAP_US
    same &= rider[order][1:] != ""
    before[order[1:][same]] = order[:-1][same]
    return before


def _offsets(path: Path, local: Sequence[str], time_us: Ints, lon: NDArray[np.float64]) -> Ints:
    """What to add to UTC for the clock on the wall, in microseconds (n,): from `local_time`, else by longitude."""
    guess = np.round(np.nan_to_num(lon) / 15).astype(np.int64) * HOUR_US
    given = np.array([bool(value) for value in local], bool)
    if given.any():
        # an offset behind the local time is not needed: the difference to utc_time says it
        walls = [value[:19] if value[10:11] in "T " else value for value in local if value]
        guess[given] = _times(path, "local_time", walls) - time_us[given]
    return guess


def _first_positions(
    place: NDArray[np.int32], time_us: Ints, lat: NDArray[np.float64], lon: NDArray[np.float64], n: int
) -> Positions:
    """The first position of each place: later rows cannot change an earlier answer."""
    where = np.full((2, n), np.nan)
    known = np.flatnonzero(np.isfinite(lat))
    order = known[np.lexsort((known, time_us[known]))][::-1]
    where[0, place[order]], where[1, place[order]] = lat[order], lon[order]  # the earliest is written last
    return Positions(where[0], where[1])
