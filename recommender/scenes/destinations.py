"""Destinations: where a rider most likely wants to go, at the moment of the pick-up."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.atlas import Atlas, compact, recoded, recoded_to, settled, with_places
from recommender.destinations.fit import fit_rides
from recommender.destinations.model import Counting, RideModel, model_arrays, model_from, rank
from recommender.destinations.names import name_of
from recommender.destinations.partitions import Rides, rides_in_parts
from recommender.destinations.places import (
    BadCoordinatesError,
    OutsideAreaError,
    SwappedCoordinatesError,
    check_given,
    clock,
    clock_at,
    haversine_km,
    position_of,
)
from recommender.destinations.reasons import NO_REASON, reason_for
from recommender.destinations.signals.crowd import UNVISITED, Shared, crowd_of, of_places
from recommender.destinations.visits import Moments, Positions, Visits, no_visits, visits_of
from recommender.ranking.interactions import codes_in
from recommender.ranking.partitions import Mapper, PartitionedLog
from recommender.ranking.people import people_of, without_unshared
from recommender.scene import (
    Answer,
    Arrays,
    CatalogueScene,
    Item,
    Kind,
    KnownIds,
    Label,
    Progress,
    Request,
    Suggestion,
    Texts,
    Trained,
    TrainingInput,
    Trial,
)

FAR_KM = 100.0
"""A pick-up farther than this from every place is refused, also where no server has checked it."""

AT_KM = 0.15
"""A place this near to the pick-up is the pick-up place: a stored position may be half a cell's diagonal off."""


@dataclass(frozen=True, eq=False)
class DestinationModel:
    """A published version: its places, sorted, (P,), and the model of rides between them."""

    places: NDArray[np.str_]
    rides: RideModel


@dataclass(frozen=True, eq=False)
class _Setting:
    """One request as arrays. `ids` are the model's places, then the other places of this rider."""

    ids: Sequence[str] | NDArray[np.str_]
    positions: Positions
    visits: Visits
    moment: Moments  # one row
    here: frozenset[str]  # the places at the pick-up
    own: frozenset[str]  # the places that the rider was at


class PlacesAndPositions(Container[str]):
    """The places of the catalogue, and every position on earth ("geo:52.5,13.4")."""

    def __init__(self, places: Container[str]) -> None:
        self._places = places

    def __contains__(self, place: object) -> bool:
        return place in self._places or (isinstance(place, str) and _is_position(place))


def _is_position(item_id: str) -> bool:
    try:
        return position_of(item_id) is not None
    except BadCoordinatesError:
        return False


class DestinationsScene(CatalogueScene):
    """The scene `destinations` (see `recommender.scene.Scene`).

    It keeps the index of the last catalogue, because the service passes the same tuple again and again.
    """

    name = "destinations"
    kind: Kind = "place"
    learns_from: str | None = "rode"
    second_factor = True

    def __init__(self) -> None:
        self._last: tuple[Sequence[Item], Atlas] | None = None

    def train(self, data: TrainingInput, *, seed: int, progress: Progress) -> Trained:
        """Fit on everybody's rides; the report says whether the ranker or counting is in force and why.

        The version names the places of the catalogue and those to which enough different people rode, no other.

        Raises:
            PlaceError: a place of the catalogue has coordinates that cannot be.
        """
        atlas = self._atlas(data.catalogue)
        rides = with_places(settled(data.interactions, atlas), atlas)
        people = people_of(rides.item, rides.person, len(rides.items))
        known = Rides(rides.items, visits_of(rides), people)
        return _trained(known, atlas, data.least_people, seed=seed, progress=progress)

    def train_in_parts(
        self, log: PartitionedLog, data: TrainingInput, *, seed: int, progress: Progress
    ) -> Trained:
        """As `train`, of a log that is read part by part: the same bytes. `data` has the catalogue, no event.

        Visits, 40 bytes each, are in memory, and on each worker: the crowd of a week is of all riders.
        """
        atlas = self._atlas(data.catalogue)
        known = rides_in_parts(log, data.catalogue, lambda share: progress("reading the parts", 0.05 * share))
        return _trained(known, atlas, data.least_people, seed=seed, progress=progress, mapper=log.mapper)

    def load(self, arrays: Arrays, texts: Texts) -> DestinationModel:
        """Raises ValueError when a part is missing or does not fit."""
        rides = model_from(arrays, texts)
        if "places" not in arrays or len(arrays["places"]) != rides.crowd.n:
            raise ValueError("the model's list of places is missing or does not fit its crowd")
        return DestinationModel(np.asarray(arrays["places"], np.str_), rides)

    def suggest(self, model: DestinationModel | None, request: Request) -> Answer:
        """Up to `request.n` places, the likeliest first; the pick-up place is never the first.

        Raises:
            PlaceError: coordinates that cannot be, or a local time without zone.
        """
        atlas = self._atlas(request.catalogue)
        used = model if model is not None and len(model.places) else _without_model(request, atlas)
        if not len(used.places):
            return Answer((), "no_model")
        setting = _setting(used, request, atlas)
        lists, pairs, names, values = rank(
            used.rides, setting.visits, setting.moment, setting.positions, 2 * request.n + 20
        )
        row_of = {int(item): row for row, item in enumerate(pairs.item)}
        excluded: dict[str, str] = {}
        codes: list[int] = []
        for code in lists[0][lists[0] >= 0].tolist():
            item_id = str(setting.ids[code])
            if why := _why_not(item_id, atlas) or ("rule" if item_id in request.hidden else None):
                excluded[item_id] = why
            else:
                codes.append(code)

        def suggestion(code: int) -> Suggestion:
            item_id = str(setting.ids[code])
            signals = dict(zip(names, pairs.features[row_of[code]].tolist(), strict=True))
            item = atlas.by_id.get(item_id)
            reason = NO_REASON if item is not None and item.sensitive else reason_for(signals, setting.moment)
            return Suggestion(item_id, float(values[row_of[code]]), reason)

        # One more than requested: the pick-up place may have to go.
        found = [suggestion(code) for code in codes[: request.n + 1]]
        shown = _named(_pickup_not_first(found, setting.here)[: request.n], atlas, setting.own)

        behind = _Behind(
            {str(setting.ids[code]): code for code in codes},
            {one.item_id for one in shown},
            lambda code: _named([suggestion(code)], atlas, setting.own)[0],
        )
        fallback = _fallback(model, request, setting.visits)
        return Answer(tuple(shown), fallback, excluded, more=behind, never_first=setting.here)

    def known(self, tenant: str, catalogue: Mapping[str, Item]) -> KnownIds:
        """Places of the catalogue and positions."""
        return KnownIds("place", PlacesAndPositions(catalogue))

    def _atlas(self, catalogue: Sequence[Item]) -> Atlas:
        last = self._last
        if last is not None and last[0] is catalogue:
            return last[1]
        atlas = Atlas.of(catalogue)
        if isinstance(catalogue, tuple):  # it cannot change under us
            self._last = (catalogue, atlas)
        return atlas


DESTINATIONS = DestinationsScene()


@dataclass(frozen=True, slots=True, eq=False)
class _Behind:
    """The candidates behind a list, see `recommender.scene.Further`."""

    codes: Mapping[str, int]  # of all candidates, best first
    shown: Container[str]
    make: Callable[[int], Suggestion]

    def __iter__(self) -> Iterator[Suggestion]:
        return (self.make(code) for place, code in self.codes.items() if place not in self.shown)

    def of(self, item_id: str) -> Suggestion | None:
        """One of all candidates; None: it is none of them."""
        code = self.codes.get(item_id)
        return None if code is None else self.make(code)


def _trained(
    known: Rides, atlas: Atlas, least_people: int, *, seed: int, progress: Progress, mapper: Mapper | None = None
) -> Trained:
    """What is published."""
    positions = Positions(*atlas.positions(known.places))
    enough = known.people >= least_people if least_people > 1 else np.ones(len(known.places), np.bool_)
    shared = Shared(enough, least_people)
    fitted = fit_rides(known.visits, positions, seed=seed, shared=shared, progress=progress, mapper=mapper)
    listed = np.array([place in atlas.by_id for place in known.places.tolist()], np.bool_)
    kept = listed | shared.place

    def saved(model: RideModel) -> tuple[Arrays, Texts]:
        arrays, texts = model_arrays(replace(model, crowd=of_places(model.crowd, kept, listed)))
        return {"places": known.places[kept], **arrays}, texts

    tried = None if fitted.trial is None else Trial(*saved(fitted.trial), after_us=fitted.after_us)
    return Trained(*saved(fitted.model), fitted.report, trial=tried)


def _why_not(item_id: str, atlas: Atlas) -> str | None:
    """The filter that excludes a place; None: it may be shown."""
    item = atlas.by_id.get(item_id)
    if item is None:
        return None if item_id.startswith("geo:") or not atlas.by_id else "not_in_catalogue"
    return None if item.available else "not_available"


def _named(found: Sequence[Suggestion], atlas: Atlas, own: Container[str]) -> list[Suggestion]:
    """The suggestions with words in place of positions."""
    taken: dict[str, str] = {}
    named = []
    for suggestion in found:
        name = name_of(suggestion.item_id, atlas, own, taken)
        if name is not None:
            taken[name] = suggestion.item_id
            suggestion = replace(suggestion, label=Label(name))
        named.append(suggestion)
    return named


def _pickup_not_first(found: list[Suggestion], here: frozenset[str]) -> list[Suggestion]:
    """The best other place comes first; a pick-up place alone is no suggestion."""
    first = next((i for i, suggestion in enumerate(found) if suggestion.item_id not in here), None)
    if first is None:
        return []
    return [found[first], *found[:first], *found[first + 1 :]]


def _fallback(model: DestinationModel | None, request: Request, visits: Visits) -> str | None:
    if request.history is None:
        return "no_token"
    if not len(visits):
        return "no_history"
    return None if model is not None else "no_model"


def _without_model(request: Request, atlas: Atlas) -> DestinationModel:
    """The model while there is no version: the tenant's latest rides of enough people, and the default kernel.

    A place of the catalogue without visits is suggested too, after the others.
    """
    recent = None if request.recent is None else without_unshared(request.recent, request.least_people)
    own = None if request.history is None else settled(compact(request.history), atlas)
    ids = [*atlas.by_id, *(text for rides in (recent, own) if rides is not None for text in rides.items.tolist())]
    places = np.unique(np.array(ids, np.str_))
    visits = no_visits() if recent is None else visits_of(recoded_to(recent, places))
    known = np.zeros(len(places), np.bool_) if recent is None else np.isin(places, recent.items)
    shared = Shared(known, request.least_people)
    crowd = crowd_of(visits, *atlas.positions(places), request.now_us + 1, shared)
    offered = np.array([place in atlas.by_id for place in places.tolist()], bool)
    crowd = replace(crowd, visits=crowd.visits + UNVISITED * offered)
    return DestinationModel(places, RideModel("kernel", Counting(), None, crowd))


def _setting(model: DestinationModel, request: Request, atlas: Atlas) -> _Setting:
    """The request over the places of the model and of the rider, with the rider's visits."""
    crowd = model.rides.crowd
    ids, lat, lon, visits = model.places, crowd.lat, crowd.lon, no_visits()
    strange = np.zeros(0, np.str_)
    if request.history is not None and len(request.history):
        history = settled(compact(request.history), atlas)
        code = codes_in(model.places, history.items)
        strange = history.items[code < 0]
        code[code < 0] = crowd.n + np.arange(len(strange))
        visits = visits_of(recoded(history, ids, code))
        there = atlas.positions(strange)
        lat, lon = np.r_[lat, there[0]], np.r_[lon, there[1]]
    ids = np.r_[ids, strange] if len(strange) else ids
    positions = Positions(lat, lon)
    spot, origin, here = _pickup(model, request, atlas, ids, positions)
    hour, weekday = _clock(request, spot)
    moment = Moments(
        start=np.zeros(1, np.int64),
        stop=np.full(1, len(visits), np.int64),
        time_us=np.full(1, request.now_us, np.int64),
        hour=np.full(1, hour, np.float32),
        weekday=np.full(1, weekday, np.int8),
        origin=np.full(1, origin, np.int32),
        lat=np.full(1, spot[0] if spot else np.nan),
        lon=np.full(1, spot[1] if spot else np.nan),
    )
    own = frozenset(str(ids[code]) for code in np.unique(visits.place))
    return _Setting(ids, positions, visits, moment, here, own)


def _clock(request: Request, spot: tuple[float, float] | None) -> tuple[float, int]:
    """Hour and weekday of the local time, or from the longitude of the pick-up."""
    if request.context.local_time is not None:
        return clock(request.context.local_time)
    return clock_at(request.now_us, None, spot[1] if spot else None)


def _pickup(
    model: DestinationModel, request: Request, atlas: Atlas, ids: NDArray[np.str_], positions: Positions
) -> tuple[tuple[float, float] | None, int, frozenset[str]]:
    """The pick-up: position, place code (-1: unknown), and the ids of all places at it.

    Raises:
        SwappedCoordinatesError: there are places near only if latitude and longitude are swapped.
        OutsideAreaError: there are places, and none is near.
    """
    context = request.context
    spot = check_given(context.lat, context.lon)
    here = {context.pickup} if context.pickup else set()
    origin = -1
    if context.pickup:
        found = np.flatnonzero(ids == context.pickup)
        origin = int(found[0]) if len(found) else -1
        spot = spot or atlas.position(context.pickup)
        if spot is None and origin >= 0 and np.isfinite(positions.lat[origin]):
            spot = float(positions.lat[origin]), float(positions.lon[origin])
    if spot is None:
        return None, origin, frozenset(here)
    code, km = _nearest(model, positions, *spot)
    if km > FAR_KM:
        if abs(spot[1]) <= 90 and _nearest(model, positions, spot[1], spot[0])[1] <= FAR_KM:
            raise SwappedCoordinatesError(
                "no place is near this pick-up, but there are some where latitude and longitude change places"
            )
        if np.isfinite(km) and context.lat is not None:
            raise OutsideAreaError(f"no place is within {FAR_KM:g} km of this pick-up")
        return None, origin, frozenset(here)
    n = model.rides.crowd.n
    own = n + np.flatnonzero(haversine_km(*spot, positions.lat[n:], positions.lon[n:]) < AT_KM)
    around = np.r_[model.rides.crowd.index.near(*spot, AT_KM), own]
    here |= {str(ids[place]) for place in around}
    if origin < 0 and km < AT_KM:
        origin = code
    return spot, origin, frozenset(here)


def _nearest(model: DestinationModel, positions: Positions, lat: float, lon: float) -> tuple[int, float]:
    """Code and distance in km of the place nearest to a position; (-1, inf) where there is none."""
    n = model.rides.crowd.n
    index, km = model.rides.crowd.index.nearest(lat, lon, 1)
    best = (int(index[0, 0]), float(km[0, 0])) if index.size else (-1, float("inf"))
    own = np.nan_to_num(haversine_km(lat, lon, positions.lat[n:], positions.lon[n:]), nan=np.inf)
    if len(own) and np.min(own) < best[1]:
        return n + int(np.argmin(own)), float(np.min(own))
    return best
