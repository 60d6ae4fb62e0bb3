"""Destinations suggested on getting in, in a small town whose habits anybody can see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recommender.destinations.places import (
    BadCoordinatesError,
    NaiveTimeError,
    NoSignalError,
    OutsideAreaError,
    SwappedCoordinatesError,
    haversine_km,
    position_of,
)
from recommender.ranking.interactions import Interactions
from recommender.scene import Answer, Context, Item, Request, TrainingInput
from recommender.scenes.destinations import DESTINATIONS

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
TOWN = (
    Item("flat", "17 Mill Lane", lat=41.00, lon=69.00),
    Item("office", "Office", lat=41.05, lon=69.05),
    Item("gym", "Gym", lat=41.02, lon=69.00),
    Item("cinema", "Cinema", lat=41.03, lon=69.03),
    Item("kiosk", "Kiosk at the office", lat=41.0501, lon=69.0501),
    Item("clinic", "Clinic", lat=41.04, lon=69.00, sensitive=True),
    Item("closed", "Closed", lat=41.01, lon=69.01, available=False),
)


def us(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def rides(*legs: tuple[str, str, str, datetime]) -> Interactions:
    """Rides from (rider, from, to, when)."""
    return Interactions.from_columns(
        {
            "customer": [leg[0] for leg in legs],
            "origin": [leg[1] for leg in legs],
            "item": [leg[2] for leg in legs],
            "time_us": [us(leg[3]) for leg in legs],
            "hour": [leg[3].hour for leg in legs],
            "weekday": [leg[3].weekday() for leg in legs],
        }
    )


def commuter(weeks: int = 2) -> Interactions:
    """To the office at eight, home at six, on Saturdays at ten to the gym."""
    legs = []
    for week in range(weeks):
        for day in range(5):
            date = MONDAY + timedelta(days=7 * week + day)
            legs.append(("ada", "flat", "office", date.replace(hour=8)))
            legs.append(("ada", "office", "flat", date.replace(hour=18)))
        legs.append(("ada", "flat", "gym", MONDAY + timedelta(days=7 * week + 5, hours=10)))
    return rides(*legs)


def ask(
    history: Interactions | None,
    at: datetime,
    pickup: tuple[float, float] | None = None,
    n: int = 3,
    recent: Interactions | None = None,
    **context: object,
) -> Answer:
    lat, lon = pickup or (None, None)
    moment = Context(lat=lat, lon=lon, local_time=at, **context)  # type: ignore[arg-type]
    return DESTINATIONS.suggest(None, Request(history, moment, TOWN, n, us(at), np.random.default_rng(0), recent))


def first(answer: Answer) -> str:
    return answer.suggestions[0].item_id


AT_FLAT, AT_OFFICE = (41.00, 69.00), (41.05, 69.05)
TUESDAY = MONDAY + timedelta(days=15)


@pytest.mark.parametrize(
    ("at", "pickup", "place"),
    [
        (TUESDAY.replace(hour=8), AT_FLAT, "office"),
        (TUESDAY.replace(hour=18), AT_OFFICE, "flat"),
        (TUESDAY.replace(hour=10) + timedelta(days=4), AT_FLAT, "gym"),
    ],
)
def test_a_habit_is_offered_at_its_hour(at: datetime, pickup: tuple[float, float], place: str) -> None:
    answer = ask(commuter(), at, pickup)

    assert first(answer) == place


def test_a_ride_of_a_minute_ago_counts() -> None:
    at = TUESDAY.replace(hour=20)
    before = rides(("ada", "flat", "gym", MONDAY))
    after = rides(("ada", "flat", "gym", MONDAY), ("ada", "gym", "cinema", at - timedelta(minutes=1)))

    assert "cinema" not in [s.item_id for s in ask(before, at, n=2).suggestions[:1]]
    assert first(ask(after, at)) == "cinema"


def test_an_earlier_pickup_is_offered_as_the_way_back() -> None:
    history = rides(("ada", "cinema", "office", TUESDAY.replace(hour=9)))

    answer = ask(history, TUESDAY.replace(hour=17), AT_OFFICE)

    assert first(answer) == "cinema"
    assert answer.suggestions[0].reason.code == "return"


def test_the_pickup_place_is_never_first_however_often_it_was_the_destination() -> None:
    history = rides(*[("ada", "flat", "office", MONDAY + timedelta(days=d)) for d in range(14)])

    assert first(ask(history, TUESDAY, AT_OFFICE)) not in {"office", "kiosk"}
    assert first(ask(history, TUESDAY, pickup=None)) == "office"


def test_the_pickup_may_be_given_as_a_place_without_coordinates() -> None:
    at = TUESDAY.replace(hour=18)
    moment = Context(local_time=at, pickup="office")

    answer = DESTINATIONS.suggest(None, Request(commuter(), moment, TOWN, 3, us(at), np.random.default_rng(0)))

    assert first(answer) == "flat"


def test_a_place_within_walking_distance_stands_behind_an_equal_one_farther_away() -> None:
    pickup = (41.0230, 69.0)  # 330 m from the gym, further from the cinema
    history = rides(
        ("ada", "office", "gym", MONDAY), ("ada", "office", "cinema", MONDAY), ("ada", "x", "office", MONDAY)
    )

    order = [s.item_id for s in ask(history, MONDAY + timedelta(days=1), pickup).suggestions]

    assert order.index("cinema") < order.index("gym")


def test_a_guest_is_offered_what_is_popular_near_the_pickup() -> None:
    at = TUESDAY.replace(hour=18)
    crowd = rides(
        *[(f"r{i}", "office", "cinema", at - timedelta(days=1 + i % 5)) for i in range(20)],
        *[(f"s{i}", "office", "gym", at.replace(hour=7) - timedelta(days=1 + i % 5)) for i in range(3)],
    )

    answer = ask(None, at, AT_OFFICE, recent=crowd)

    assert first(answer) == "cinema"
    assert answer.fallback == "no_token"


def test_an_empty_history_is_marked_and_answered() -> None:
    answer = ask(commuter().where(slice(0, 0)), TUESDAY, AT_OFFICE)

    assert answer.fallback == "no_history"
    assert answer.suggestions


def test_one_ride_is_a_history() -> None:
    answer = ask(rides(("ada", "flat", "cinema", MONDAY)), TUESDAY, AT_OFFICE)

    assert {"flat", "cinema"} == {s.item_id for s in answer.suggestions[:2]}


def test_what_is_not_available_or_gone_is_excluded_by_name() -> None:
    history = rides(("ada", "flat", "closed", MONDAY), ("ada", "flat", "demolished", MONDAY))

    answer = ask(history, TUESDAY, AT_OFFICE, n=20)

    assert answer.excluded["closed"] == "not_available"
    assert answer.excluded["demolished"] == "not_in_catalogue"
    assert not {"closed", "demolished"} & {s.item_id for s in answer.suggestions}


def test_reasons_name_no_place_and_a_sensitive_place_has_none() -> None:
    history = rides(*[("ada", "flat", "clinic", MONDAY + timedelta(days=d)) for d in range(9)])

    answer = ask(history, TUESDAY, AT_OFFICE, n=20)

    texts = {s.item_id: s.reason for s in answer.suggestions}
    assert texts["clinic"].code == "suggested"
    for item in TOWN:
        assert not any(item.name.lower() in reason.text.lower() for reason in texts.values())
    assert not any("home" in reason.text for reason in texts.values())


def test_the_reason_of_a_habit_says_when() -> None:
    answer = ask(commuter(4), TUESDAY.replace(hour=18) + timedelta(days=14), AT_OFFICE)

    assert answer.suggestions[0].reason.text == "you often go here on weekday evenings"


def test_a_pickup_in_the_sea_is_refused_by_name() -> None:
    with pytest.raises(OutsideAreaError, match="within 100 km"):
        ask(commuter(), TUESDAY.replace(hour=8), (20.0, -40.0))


def test_a_receiver_without_a_signal_is_refused_by_name() -> None:
    with pytest.raises(NoSignalError, match="without a signal"):
        ask(commuter(), TUESDAY.replace(hour=8), (0.0, 0.0))


def test_swapped_coordinates_get_their_own_error() -> None:
    with pytest.raises(SwappedCoordinatesError, match="change places"):
        ask(commuter(), TUESDAY, (69.0, 41.0))


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 200.0), (41.0, None), (float("nan"), 69.0)])
def test_a_pickup_that_cannot_be_is_refused(lat: float, lon: float | None) -> None:
    with pytest.raises(BadCoordinatesError):
        ask(commuter(), TUESDAY, (lat, lon))  # type: ignore[arg-type]


def test_a_local_time_without_zone_is_refused() -> None:
    at = TUESDAY.replace(tzinfo=None)
    request = Request(commuter(), Context(local_time=at), TOWN, 3, us(TUESDAY), np.random.default_rng(0))

    with pytest.raises(NaiveTimeError):
        DESTINATIONS.suggest(None, request)


def test_a_place_of_the_catalogue_that_cannot_be_is_named() -> None:
    town = (*TOWN, Item("nowhere", "Nowhere", lat=141.0, lon=69.0))
    request = Request(None, Context(), town, 3, us(TUESDAY), np.random.default_rng(0))

    with pytest.raises(SwappedCoordinatesError, match="'nowhere'"):
        DESTINATIONS.suggest(None, request)


def test_a_place_that_moved_is_where_the_catalogue_says_now() -> None:
    at = TUESDAY.replace(hour=18)
    moved = tuple(replace(item, lat=41.0505, lon=69.05) if item.item_id == "gym" else item for item in TOWN)
    history = rides(("ada", "flat", "gym", MONDAY), ("ada", "flat", "cinema", MONDAY))
    moment = Context(lat=41.05, lon=69.05, local_time=at)

    def order(town: tuple[Item, ...]) -> list[str]:
        request = Request(history, moment, town, 6, us(at), np.random.default_rng(0))
        return [s.item_id for s in DESTINATIONS.suggest(None, request).suggestions]

    assert order(moved).index("gym") > order(moved).index("cinema")  # now within walking distance
    assert order(TOWN).index("gym") < 3


def test_a_repeated_ride_counts_once() -> None:
    once = rides(("ada", "flat", "gym", MONDAY), ("ada", "flat", "cinema", MONDAY + timedelta(days=1)))
    leg = ("ada", "flat", "gym", MONDAY)
    twice = rides(leg, leg, leg, ("ada", "flat", "cinema", MONDAY + timedelta(days=1)))

    assert ask(twice, TUESDAY).suggestions == ask(once, TUESDAY).suggestions


def test_ten_thousand_rides_of_one_rider_in_a_day_are_answered_and_do_not_make_a_place_popular() -> None:
    start = TUESDAY.replace(hour=0)
    flood = rides(*[("bot", "flat", "gym", start + timedelta(seconds=8 * i)) for i in range(10_000)])
    others = [(f"r{i}", "flat", "cinema", start + timedelta(hours=8, minutes=i)) for i in range(12)]
    recent = rides(*others, *[("bot", "flat", "gym", start + timedelta(seconds=8 * i)) for i in range(2_000)])

    assert ask(flood, TUESDAY + timedelta(days=1)).suggestions
    assert first(ask(None, TUESDAY.replace(hour=9) + timedelta(days=1), AT_OFFICE, recent=recent)) == "cinema"


def test_raw_coordinates_become_stay_points() -> None:
    rng = np.random.default_rng(1)
    legs = []
    for day in range(10):
        for origin, end, hour in (((41.0, 69.0), (41.05, 69.05), 8), ((41.05, 69.05), (41.0, 69.0), 18)):
            noise = rng.normal(0, 2e-4, (2, 2))
            ids = [f"geo:{p[0] + e[0]:.6f},{p[1] + e[1]:.6f}" for p, e in zip((origin, end), noise, strict=True)]
            legs.append(("ada", ids[0], ids[1], MONDAY + timedelta(days=day, hours=hour)))
    at = MONDAY + timedelta(days=14, hours=18)
    request = Request(rides(*legs), Context(lat=41.05, lon=69.05, local_time=at), (), 3, us(at), rng)

    answer = DESTINATIONS.suggest(None, request)

    spot = position_of(first(answer))
    assert spot is not None
    assert haversine_km(*spot, 41.0, 69.0) < 0.15
    assert len(answer.suggestions) == 2  # two doors, not forty points


def test_the_same_question_has_the_same_answer() -> None:
    assert ask(commuter(), TUESDAY, AT_OFFICE) == ask(commuter(), TUESDAY, AT_OFFICE)


def test_a_trained_model_comes_back_from_its_arrays_and_answers_the_same() -> None:
    trained = DESTINATIONS.train(TrainingInput(commuter(3), TOWN), seed=0, progress=lambda what, share: None)
    model = DESTINATIONS.load(trained.arrays, trained.texts)
    at = MONDAY + timedelta(days=22, hours=8)
    moment = Context(lat=41.0, lon=69.0, local_time=at)
    request = Request(commuter(3), moment, TOWN, 3, us(at), np.random.default_rng(0))

    assert trained.report.in_force == "counting"
    assert "too few" in trained.report.why
    assert first(DESTINATIONS.suggest(model, request)) == "office"
    assert DESTINATIONS.suggest(model, request).fallback is None


def test_a_broken_model_is_refused_by_name() -> None:
    trained = DESTINATIONS.train(TrainingInput(commuter(), TOWN), seed=0, progress=lambda what, share: None)

    for name in trained.arrays:
        arrays = {key: value for key, value in trained.arrays.items() if key != name}
        with pytest.raises(ValueError, match=r"cannot be read|missing"):
            DESTINATIONS.load(arrays, trained.texts)
    with pytest.raises(ValueError, match="cannot be read"):
        DESTINATIONS.load(trained.arrays, {})


def test_where_nothing_is_known_nothing_is_suggested() -> None:
    answer = DESTINATIONS.suggest(None, Request(None, Context(), (), 3, us(TUESDAY), np.random.default_rng(0)))

    assert answer == Answer((), "no_model")


def test_the_first_three_do_not_all_lead_to_one_block() -> None:
    near = [Item(f"mall{i}", f"Shop {i}", lat=41.1 + i * 1e-4, lon=69.1) for i in range(4)]
    far = Item("beach", "Beach", lat=41.2, lon=69.1)
    trips = {"mall0": 6, "mall1": 5, "mall2": 5, "beach": 4}
    legs = [("ada", "x", place, MONDAY + timedelta(days=i)) for place, n in trips.items() for i in range(n)]
    request = Request(rides(*legs), Context(), (*near, far), 3, us(TUESDAY), np.random.default_rng(0))

    shown = [s.item_id for s in DESTINATIONS.suggest(None, request).suggestions]

    assert shown[0] == "mall0"
    assert "beach" in shown[1:]
