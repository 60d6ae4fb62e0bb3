"""The parts that destinations are made of: visits, waits, trails, the kernel, the order of a list."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.destinations.model import DISCOVER, SURE, Counting, score, with_room_for_new
from recommender.destinations.signals.kernel import Kernel, gaps_of, kernel_weights, pair_visits, waited
from recommender.destinations.signals.own import trail_begins
from recommender.destinations.visits import HOUR_US, Moments, Visits, stays, waits
from recommender.ranking.interactions import NO_TIME
from recommender.ranking.pairs import Pairs


def visits(*rows: tuple[int, int, int, float]) -> Visits:
    """Visits from (rider, pick-up, place, hours since the epoch), sorted."""
    rider, origin, place, hours = (np.array(column) for column in zip(*rows, strict=True))
    return Visits(
        rider.astype("i4"),
        place.astype("i4"),
        origin.astype("i4"),
        (hours * HOUR_US).astype("i8"),
        (hours % 24).astype("f4"),
        (hours // 24 % 7).astype("i1"),
        np.ones(len(rider), bool),
        rider.astype("i4"),
    )


def moment(seen: Visits, hours: float, origin: int) -> Moments:
    """One moment at a place of unknown position, after all visits."""
    nowhere = np.full(1, np.nan)
    return Moments(
        np.zeros(1, "i8"),
        np.full(1, len(seen), "i8"),
        np.full(1, round(hours * HOUR_US), "i8"),
        np.full(1, hours % 24, "f4"),
        np.full(1, hours // 24 % 7, "i1"),
        np.full(1, origin, "i4"),
        nowhere,
        nowhere,
    )


def test_how_long_somebody_stayed_is_how_long_they_had_waited_before_the_next_ride() -> None:
    seen = visits((0, -1, 1, 8.0), (0, 1, 2, 9.0), (0, 2, 1, 16.0), (1, -1, 3, 10.0))

    assert np.expm1(stays(seen)) == pytest.approx([1, 7, np.nan, np.nan], nan_ok=True)
    assert np.expm1(waits(seen)) == pytest.approx([np.nan, 1, 7, np.nan], nan_ok=True)


def test_a_pick_up_and_its_drop_off_of_one_time_have_waited_alike() -> None:
    seen = visits((0, -1, 1, 8.0), (0, 1, 2, 8.0), (0, -1, 3, 18.0), (0, 3, 1, 18.0))

    assert np.expm1(waits(seen)) == pytest.approx([np.nan, np.nan, 10, 10], nan_ok=True)


def test_a_visit_without_a_time_has_no_wait() -> None:
    seen = visits((0, -1, 1, 8.0), (0, 1, 2, 9.0))
    seen.time_us[0] = NO_TIME

    assert np.isnan(waits(seen)).all()
    assert np.isnan(waited(seen.where(np.array([0])), moment(seen.where(np.array([0])), 9.0, 1))).all()


def test_after_a_wait_as_long_as_this_one_counts_more() -> None:
    gym, home, office = 1, 2, 3
    seen = visits(
        (0, -1, office, 9.0),
        (0, office, gym, 18.0),  # after nine hours
        (0, gym, office, 41.0),
        (0, office, home, 42.0),  # at the same hour of the clock, after one
        (0, home, office, 57.0),
    )
    now = moment(seen, 66.0, office)  # nine hours again
    visit_pairs = pair_visits(seen, now)
    everywhere = np.zeros(4)
    gaps = gaps_of(seen, now, visit_pairs, everywhere, everywhere)
    level = {"hour_floor": 1e6, "age_floor": 1e6, "other_class": 1.0, "origin_gain": 0.0, "pickup_weight": 1.0}

    mass = visit_pairs.total(kernel_weights(Kernel().with_values(**level), gaps))

    by_place = dict(zip(visit_pairs.group_place.tolist(), mass.tolist(), strict=True))
    assert by_place[gym] > 2 * by_place[home]


@pytest.mark.parametrize(("hours", "begins"), [(40.0, 2), (58.9, 2), (60.0, 4)])
def test_a_trail_goes_on_until_a_pause_of_more_than_a_day(hours: float, begins: int) -> None:
    seen = visits((0, -1, 1, 1.0), (0, 1, 2, 3.0), (0, 2, 1, 33.0), (0, 1, 2, 35.0))

    assert trail_begins(seen, moment(seen, hours, 2)).tolist() == [begins]


def test_behind_the_first_five_new_places_count_more_and_none_of_the_five_moves() -> None:
    score = np.array([0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.045])
    new = np.array([0, 0, 1, 0, 0, 0, 1, 1], bool)
    names = ["count"]
    pairs = Pairs(np.zeros(8, "i8"), np.arange(8, dtype="i4"), np.where(new, np.nan, 1.0)[:, None].astype("f4"))

    order = np.argsort(-with_room_for_new(pairs, score, names), kind="stable").tolist()

    assert order[:SURE] == [0, 1, 2, 3, 4]
    assert order[SURE:] == [6, 7, 5]
    assert DISCOVER * 0.045 > 0.06


def test_counting_takes_into_account_that_people_leave_where_they_are() -> None:
    names = ["kernel_share", "now", "km", "alike", "is_pickup"]
    features = np.array([[0.6, 0, np.log(0.05), 0, 1], [0.4, 0, np.log(3.0), 0, 0]], "f4")
    pairs = Pairs(np.zeros(2, "i8"), np.arange(2, dtype="i4"), features)

    stay, leave = score("kernel", Counting(here=0.3, new_share=0.0), None, pairs, names, 1)

    assert leave / stay == pytest.approx(0.4 / (0.6 * 0.3))
    assert stay + leave == pytest.approx(1)
