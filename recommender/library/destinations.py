"""Destinations as an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from recommender.destinations.log import read_log
from recommender.destinations.places import coarsen
from recommender.library.catalogue import Catalogue, from_json, items_of, to_json
from recommender.library.folder import (
    CATALOGUE,
    TENANT,
    NotFitted,
    load_model,
    save_model,
    stored_report,
    trained_of,
)
from recommender.library.request import Data, interactions_of, reported, request_of
from recommender.ranking.interactions import Interactions
from recommender.scene import Answer, Context, Item, Progress, Trained, TrainingInput
from recommender.scenes.destinations import DESTINATIONS, DestinationModel


class Destinations:
    """Where a rider who just got in most likely wants to go.

    Args:
        places: `item_id`, `lat` and `lon` (degrees) and, where known, name, category, available. Places that
            occur in rides only, and whose ids are not `geo:LAT,LON`, have no position.
        cell_m: side in metres of the cells to whose middle positions are moved before anything is learned (a
            server stores positions in cells of 200 m); None uses them as they are.

    Attributes:
        places: the places as given; `known_places` has them in their cells.
        report: after `fit` or `load`: `in_force` ("ranker" or "counting"), `method`, `why`, `rows`, `metric`,
            `value`, `baseline_value`, `interval`, `n_train`, `n_validation`.

    Example:
        >>> rides = {"customer": ["ann"], "item": ["work"], "origin": ["home"], "time": ["2026-11-23T08:00Z"]}
        >>> taxi = Destinations().fit(rides)
        >>> [one.item_id for one in taxi.suggest(rides, n=1, pickup="home").suggestions]
        ['work']
    """

    def __init__(self, places: Catalogue = (), *, cell_m: float | None = None) -> None:
        self.places, self.cell_m = items_of(places), cell_m
        self.known_places = self.places if cell_m is None else _in_cells(self.places, cell_m)
        self._trained: Trained | None = None
        self._model: DestinationModel | None = None
        self._seed = 0
        self.report: Mapping[str, Any] = {}

    def fit(self, data: Data, *, seed: int = 0, progress: Progress | None = None) -> Destinations:
        """Learn from rides; the learned ranker is in force only where it beats counting.

        Args:
            data: one row for each ride: `customer`, `item` (the destination), `origin` (the pick-up place),
                `time` or `time_us` with `hour` and `weekday` (see `Interactions.from_columns`).
            progress: called with what is being done and the share done, 0..1.

        Raises:
            MissingColumns: `data` has no `customer` or no `item`.
            PlaceError: a place has coordinates that cannot be.
        """
        training = TrainingInput(interactions_of(data), self.known_places)
        trained = DESTINATIONS.train(training, seed=seed, progress=reported(progress))
        self._trained, self._seed, self.report = trained, seed, stored_report(trained)
        self._model = DESTINATIONS.load(trained.arrays, trained.texts)
        return self

    def suggest(
        self,
        history: Data | None = None,
        *,
        customer: str | None = None,
        n: int = 3,
        at: datetime | None = None,
        pickup: str = "",
        lat: float | None = None,
        lon: float | None = None,
    ) -> Answer:
        """Up to n places, the likeliest first, each with its score and a reason; never the pick-up place first.

        Args:
            history: rides of one rider, or of several with `customer` saying whose; None is a guest. A rider
                without rows in it gets what is popular near the pick-up (`fallback` "no_history").
            at: when the rider gets in (with a zone).
            pickup, lat, lon: where: the id of a place, or degrees.

        Raises:
            NotFitted: before `fit` or `load`.
            MissingColumns: `history` has no `customer` or no `item`.
            ValueError: several riders and no `customer`, or `at` without a zone.
            PlaceError: coordinates that cannot be.
        """
        if self._model is None:
            raise NotFitted("Destinations")
        context = Context(local_time=at, pickup=pickup, lat=lat, lon=lon)
        request = request_of(history, customer, context, None, self.known_places, n, None)
        return DESTINATIONS.suggest(self._model, request)

    def save(self, folder: Path | str) -> str:
        """Write the model under `folder` as plain arrays and texts; returns the version's name.

        Raises:
            NotFitted: before `fit` or `load`.
        """
        if self._trained is None:
            raise NotFitted("Destinations")
        texts = {CATALOGUE: to_json(self.known_places)}
        return save_model(folder, "destinations", self._trained, texts, seed=self._seed)

    @classmethod
    def load(cls, folder: Path | str, *, tenant: str = TENANT) -> Destinations:
        """The model that was saved last in `folder`, or the one a server serves: its folder `models`, a `tenant`.

        Raises:
            ArtifactError: there is none, or a file was altered.
        """
        version = load_model(folder, "destinations", tenant)
        loaded = cls(from_json(version.texts.get(CATALOGUE, "[]")))
        loaded._trained = trained_of(version)
        loaded._model = DESTINATIONS.load(version.arrays, version.texts)
        loaded._seed, loaded.report = int(version.manifest["seed"]), stored_report(loaded._trained)
        return loaded

    @staticmethod
    def read(path: Path | str) -> tuple[Interactions, tuple[Item, ...]]:
        """(rides, places) from a CSV log: rider, utc_time, and place or lat, lon (gzipped or not).

        `local_time` and `chain` are read where they are there: a ride goes from each row of a chain to the next.
        A place lies where the log first says it does.

        Raises:
            DatasetError: the file cannot be read, or a row cannot be used; it says which.
        """
        log = read_log(Path(path))
        rows = zip(log.places.tolist(), log.positions.lat.tolist(), log.positions.lon.tolist(), strict=True)
        places = [
            Item(name, name) if lat != lat else Item(name, name, lat=lat, lon=lon) for name, lat, lon in rows
        ]
        return log.rides(), tuple(places)


def _in_cells(places: tuple[Item, ...], side_m: float) -> tuple[Item, ...]:
    """The places with their positions moved to the middle of cells of `side_m` metres."""
    placed = []
    for place in places:
        if place.lat is not None and place.lon is not None:
            lat, lon = coarsen([place.lat], [place.lon], side_m)
            place = replace(place, lat=float(lat[0]), lon=float(lon[0]))
        placed.append(place)
    return tuple(placed)
