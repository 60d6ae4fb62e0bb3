"""Positions, distances, cells, stay points and clocks."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.destinations import places

LATITUDES = st.floats(-80, 80)
LONGITUDES = st.floats(-179.9, 179.9)


def test_a_degree_of_latitude_is_111_km() -> None:
    assert places.haversine_km(0.0, 0.0, 1.0, 0.0) == pytest.approx(111.195, abs=0.001)


def test_the_way_across_the_date_line_is_short() -> None:
    assert places.haversine_km(0.0, 179.9, 0.0, -179.9) == pytest.approx(22.24, abs=0.01)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distance_is_symmetric_and_at_most_half_way_round(a: float, b: float, c: float, d: float) -> None:
    there, back = places.haversine_km(a, b, c, d), places.haversine_km(c, d, a, b)

    assert there == pytest.approx(back)
    assert 0 <= there <= math.pi * places.EARTH_KM + 1e-6


@given(LATITUDES, LONGITUDES, st.sampled_from([25.0, 100.0, 500.0]))
def test_a_coarse_position_is_within_its_cell_and_stays_where_it_is(lat: float, lon: float, side: float) -> None:
    once = places.coarsen([lat], [lon], side)
    twice = places.coarsen(*once, side)

    assert places.haversine_km(lat, lon, *once)[0] * 1000 <= side * 0.72
    assert places.cell_of(*once, side) == places.cell_of([lat], [lon], side)
    assert np.allclose(once, twice)


def test_an_unknown_position_has_no_cell_and_stays_unknown() -> None:
    assert places.cell_of([math.nan], [5.0]).tolist() == [-1]
    assert np.isnan(places.coarsen([math.nan], [5.0])).all()


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [
        (95.0, 10.0, "swapped"),
        (120.5, 41.3, "swapped"),
        (-200.0, 10.0, "within -90"),
        (41.0, 181.0, "within -180"),
        (math.nan, 10.0, "finite"),
        (41.0, math.inf, "finite"),
        (41.0, None, "needs both"),
        (None, 69.0, "needs both"),
    ],
)
def test_an_impossible_position_is_refused_by_name(lat: float | None, lon: float | None, words: str) -> None:
    with pytest.raises(places.BadCoordinatesError, match=words):
        places.check_position(lat, lon)


def test_no_position_at_all_is_no_error() -> None:
    assert places.check_position(None, None) is None


def test_a_column_names_its_first_bad_row() -> None:
    with pytest.raises(places.SwappedCoordinatesError, match="row 2"):
        places.check_positions([41.0, math.nan, 169.0], [69.0, math.nan, 41.0])


def test_the_index_knows_who_is_near_and_never_the_unknown() -> None:
    index = places.PlaceIndex(np.array([41.0, 41.001, math.nan, 42.0]), np.array([69.0, 69.0, 69.0, 69.0]))

    assert index.near(41.0, 69.0, 0.2).tolist() == [0, 1]
    nearest, km = index.nearest(41.0, 69.0, 9)
    assert nearest.tolist() == [[0, 1, 3]]
    assert km[0, 1] == pytest.approx(0.1112, abs=0.001)


def test_few_places_are_measured_one_by_one_and_many_by_a_tree_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    index = places.PlaceIndex(52 + rng.normal(0, 0.05, 300), 13 + rng.normal(0, 0.05, 300))
    at = rng.normal((52, 13), 0.05, (5, 2))
    summed = index.near(52.0, 13.0, 2.0), *index.nearest(at[:, 0], at[:, 1], 9)
    assert "_tree" not in vars(index)
    monkeypatch.setattr(places, "FEW", 0)

    searched = index.near(52.0, 13.0, 2.0), *index.nearest(at[:, 0], at[:, 1], 9)

    assert "_tree" in vars(index)
    assert len(summed[0]) > 20
    for one, other in zip(summed, searched, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_an_empty_index_answers_with_nobody() -> None:
    index = places.PlaceIndex(np.zeros(0), np.zeros(0))

    assert index.near(41.0, 69.0, 5.0).tolist() == []
    assert index.nearest(41.0, 69.0, 3)[0].shape == (1, 0)


def test_two_doors_scattered_by_the_receiver_become_two_stay_points() -> None:
    rng = np.random.default_rng(0)
    north = 41.0 + rng.normal(0, 0.0002, 20)
    south = 40.99 + rng.normal(0, 0.0002, 20)

    label = places.stay_points(np.r_[north, south], np.full(40, 69.0))

    assert len(set(label[:20])) == len(set(label[20:])) == 1
    assert label[0] != label[-1]


def test_a_street_of_single_stops_is_not_chained_into_one_place() -> None:
    label = places.stay_points(41.0 + np.arange(10) * 0.001, np.full(10, 69.0))

    assert len(set(label)) >= 3


def test_an_unknown_position_belongs_to_no_stay_point() -> None:
    assert places.stay_points(np.array([math.nan, 41.0]), np.array([69.0, 69.0])).tolist() == [-1, 0]


@given(LATITUDES, LONGITUDES)
def test_a_geo_id_spells_its_cell(lat: float, lon: float) -> None:
    spelled = places.position_of(places.geo_id(lat, lon))

    assert spelled is not None
    assert places.haversine_km(lat, lon, *spelled) * 1000 <= places.CELL_M


def test_an_id_that_only_looks_like_a_geo_uri_is_refused() -> None:
    assert places.position_of("p42") is None
    with pytest.raises(places.BadCoordinatesError, match="geo:LAT,LON"):
        places.position_of("geo:here")
    with pytest.raises(places.SwappedCoordinatesError):
        places.position_of("geo:139.7,35.6")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(places.NaiveTimeError, match="has no zone"):
        places.clock(datetime(2026, 11, 1, 1, 30))


@pytest.mark.parametrize("fold", [0, 1])
def test_both_passes_of_the_hour_of_the_clock_change_read_the_same(fold: int) -> None:
    moment = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=fold)

    assert places.clock(moment) == (1.5, 6)


def test_an_hour_before_and_after_the_clock_change_differs_by_what_the_wall_shows() -> None:
    zone = ZoneInfo("America/New_York")
    before = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)

    hours = [places.clock_at(int((before + timedelta(minutes=m)).timestamp() * 1e6), zone)[0] for m in (0, 1)]

    assert hours == pytest.approx([1 + 59 / 60, 3.0])


def test_without_a_zone_the_clock_follows_the_longitude() -> None:
    noon = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1e6)

    assert places.clock_at(noon, lon=69.2) == (17.0, 0)
    assert places.clock_at(noon, lon=179.9) == (0.0, 1)
    assert math.isnan(places.clock_at(noon)[0])


def test_columns_of_clocks_agree_with_the_single_one() -> None:
    moments = [datetime(2012, 12, 31, 23, 30, tzinfo=UTC), datetime(1969, 7, 20, 20, 17, tzinfo=UTC)]
    times = np.array([round(moment.timestamp()) * 1_000_000 for moment in moments])

    hour, weekday = places.clocks_at(times, np.full(2, 5 * 3_600_000_000))

    for i, moment in enumerate(moments):
        assert (hour[i], weekday[i]) == pytest.approx(places.clock(moment + timedelta(hours=5)), abs=1e-5)
