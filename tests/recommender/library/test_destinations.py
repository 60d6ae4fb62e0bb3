"""`recommender.Destinations` in a notebook: fit, suggest, save, load; what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from data.town.town import Town
from recommender import Destinations, Interactions
from recommender.destinations.places import BadCoordinatesError, haversine_km
from recommender.library.folder import NotFitted
from recommender.ranking.frames import MissingColumns
from recommender.ranking.interactions import NO_TIME
from tests.recommender.destinations.world import town_log, write_log
from tests.recommender.library.frames import DataFrame, Make

MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)  # a Monday
RIDES = {
    "customer": ["ann"] * 4,
    "item": ["work", "home", "work", "home"],
    "origin": ["home", "work", "home", "work"],
    "time": ["2026-11-19T08:00Z", "2026-11-19T17:00Z", "2026-11-20T08:00Z", "2026-11-20T17:00Z"],
}


@pytest.fixture(scope="module")
def town() -> Town:
    return Town.build(customers=40)


@pytest.fixture(scope="module")
def fitted(town: Town) -> Destinations:
    return Destinations(town.places).fit(town.trips(), seed=1)


@pytest.mark.parametrize("make", [dict, DataFrame, Interactions.from_columns])
def test_a_commuter_goes_to_work_in_the_morning(make: Make) -> None:
    """From arrays, a frame or interactions; the pick-up place is not suggested first."""
    taxi = Destinations().fit(make(RIDES))

    answer = taxi.suggest(make(RIDES), at=MORNING, pickup="home")

    assert answer.suggestions[0].item_id == "work"
    assert answer.fallback is None


def test_save_and_load_give_the_same_suggestions(fitted: Destinations, town: Town, tmp_path: Path) -> None:
    """Riders and guests, scores included."""
    fitted.save(tmp_path)
    loaded = Destinations.load(tmp_path)
    home = town.truth["c001"].home

    for customer in [*town.customers[:8], None]:
        history = town.trips() if customer else None
        asked = {"customer": customer, "at": MORNING, "pickup": home}
        assert loaded.suggest(history, **asked) == fitted.suggest(history, **asked)  # type: ignore[arg-type]
    assert loaded.report == fitted.report


def test_an_unknown_rider_is_answered_with_what_others_do(fitted: Destinations, town: Town) -> None:
    """Marked as such, and not without an answer."""
    answer = fitted.suggest(town.trips(), customer="nobody", at=MORNING, pickup=town.places[0].item_id)

    assert answer.fallback == "no_history"
    assert len(answer.suggestions) == 3


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing columns, coordinates that cannot be, and a model that is not there."""
    with pytest.raises(MissingColumns, match="a column 'item'"):
        Destinations().fit({"customer": ["ann"], "place": ["work"]})
    with pytest.raises(BadCoordinatesError, match="'work'"):
        Destinations([{"item_id": "work", "lat": 95, "lon": 200}]).fit(RIDES)
    with pytest.raises(NotFitted, match="call fit"):
        Destinations().suggest()
    with pytest.raises(NotFitted, match="call fit"):
        Destinations().save(tmp_path)


def test_cells_move_what_is_known_of_a_place_and_not_the_place(town: Town) -> None:
    """By less than the diagonal of a cell."""
    coarse = Destinations(town.places, cell_m=400)

    far = [
        float(haversine_km(true.lat or 0, true.lon or 0, near.lat or 0, near.lon or 0))
        for true, near in zip(coarse.places, coarse.known_places, strict=True)
    ]
    assert coarse.places == town.places
    assert 0 < max(far) < 0.4 * 2**0.5 / 2 + 0.01


def test_rides_are_read_from_a_log_with_their_pick_ups(tmp_path: Path) -> None:
    """Each row of a chain but the first is a ride from the row before."""
    rows = town_log(riders=2, days=7)
    rides, places = Destinations.read(write_log(tmp_path / "log.csv", rows))

    assert len(rides) == sum(before["chain"] == row["chain"] for before, row in zip(*_by_chain(rows), strict=True))
    assert (rides.origin >= 0).all()
    assert (rides.time_us != NO_TIME).all()
    assert {(place.item_id, f"{place.lat:.5f}") for place in places} == {
        (row["place"], row["lat"]) for row in rows
    }


def _by_chain(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    ordered = sorted(rows, key=lambda row: (row["chain"], row["utc_time"]))
    return ordered[:-1], ordered[1:]


def test_the_same_data_and_seed_give_the_same_model(town: Town, tmp_path: Path) -> None:
    """To the byte: the version's name is a hash of its content."""
    few = town.trips(np.arange(len(town.rides.customer)) < 200)

    assert Destinations().fit(few).save(tmp_path / "a") == Destinations().fit(few).save(tmp_path / "b")
