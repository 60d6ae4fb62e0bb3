"""The present ride of a taxi: two devices and a place, for an hour at most."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet

from plumbing.backup.contents import kind_of
from plumbing.clock import HOUR, MINUTE, SECOND
from plumbing.rides.rides import Rides, migrations, rides_key
from plumbing.storage.state import State

PLACE = {"item_id": "place-01", "name": "Linden Street", "lat": 54.45, "lon": 6.95}
KEY = rides_key(Fernet.generate_key())


class Clock:
    now = 1_790_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


def test_a_ride_is_handed_over_seen_accepted_and_ended(state: State) -> None:
    clock = Clock()
    rides = Rides(state.passing("access-moments", migrations), KEY, clock)

    ride = rides.hand_over("mill", "taxi-1", PLACE)
    assert (rides.of("mill", "taxi-1").state, rides.of("mill", "taxi-1").place) == ("sent", PLACE)
    assert rides.seen("mill", "taxi-1", ride).state == "seen"
    assert rides.accept("mill", "taxi-1", ride.ride_id)
    assert rides.of("mill", "taxi-1").state == "accepted"
    assert rides.end("mill", "taxi-1", ride.ride_id)
    assert (rides.of("mill", "taxi-1").state, rides.of("mill", "taxi-1").place) == ("none", None)
    assert not rides.accept("mill", "taxi-1", ride.ride_id)
    assert not rides.end("mill", "taxi-1")


def test_another_taxi_and_another_tenant_see_nothing_of_it(state: State) -> None:
    rides = Rides(state.passing("access-moments", migrations), KEY, Clock())
    ride = rides.hand_over("mill", "taxi-1", PLACE)

    assert rides.of("mill", "taxi-2").place is None
    assert rides.of("quay", "taxi-1").place is None
    assert not rides.end("quay", "taxi-1", ride.ride_id)
    assert len({rides.topic("mill", "taxi-1"), rides.topic("mill", "taxi-2"), rides.topic("quay", "taxi-1")}) == 3


def test_no_ride_outlives_an_hour_and_one_that_nobody_accepts_a_quarter_of_one(state: State) -> None:
    clock = Clock()
    rides = Rides(state.passing("access-moments", migrations), KEY, clock)
    began = clock.now
    rides.hand_over("mill", "taxi-1", PLACE)
    clock.now = began + 15 * MINUTE + SECOND
    assert rides.of("mill", "taxi-1").place is None

    began = clock.now
    ride = rides.hand_over("mill", "taxi-1", PLACE)
    assert rides.accept("mill", "taxi-1", ride.ride_id)
    clock.now = began + HOUR - SECOND
    assert rides.of("mill", "taxi-1").state == "accepted"
    clock.now = began + HOUR + SECOND
    assert rides.of("mill", "taxi-1").place is None


def test_a_clock_that_was_ahead_keeps_no_place_for_longer(state: State) -> None:
    clock = Clock()
    rides = Rides(state.passing("access-moments", migrations), KEY, clock)
    clock.now += 400 * 24 * HOUR
    ahead = rides.hand_over("mill", "taxi-1", PLACE)
    clock.now -= 400 * 24 * HOUR

    rides.sweep()
    rides.hand_over("mill", "taxi-2", PLACE)  # sweeps, once a minute at most
    clock.now += 2 * MINUTE
    rides.sweep()

    assert rides.of("mill", "taxi-1").place is None
    assert rides.hand_over("mill", "taxi-1", PLACE).mark > ahead.mark  # also then a change is a change


def test_what_is_over_leaves_no_place_in_the_table_also_when_no_screen_asks_again(tmp_path: Path) -> None:
    clock = Clock()
    database = State(tmp_path).passing("access-moments", migrations)
    rides = Rides(database, KEY, clock)
    rides.hand_over("mill", "taxi-1", PLACE)
    clock.now += 2 * HOUR
    rides.sweep()

    [row] = database.rows("SELECT * FROM rides")
    assert (row["state"], row["place"], row["ride_id"], row["confirmed_us"]) == ("none", "", "", 0)


def test_the_place_is_sealed_bound_to_its_taxi_and_in_no_backup(tmp_path: Path) -> None:
    database = State(tmp_path).passing("access-moments", migrations)
    rides = Rides(database, KEY, Clock())
    rides.hand_over("mill", "taxi-1", PLACE)

    assert all(b"Linden" not in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert kind_of("access-moments.db") is None
    columns = [row["name"] for row in database.rows("SELECT name FROM pragma_table_info('rides')")]
    assert columns == ["tenant", "taxi", "ride_id", "state", "place", "confirmed_us", "until_us", "mark"]
    database.change("UPDATE rides SET taxi = 'taxi-2'")
    assert rides.of("mill", "taxi-2").place is None


def test_every_change_has_a_higher_mark_and_one_query_finds_them(state: State) -> None:
    rides = Rides(state.passing("access-moments", migrations), KEY, Clock())
    first = rides.hand_over("mill", "taxi-1", PLACE)
    highest, _ = rides.changed_since(0)
    assert rides.changed_since(highest) == (highest, [])

    rides.hand_over("mill", "taxi-2", PLACE)
    rides.end("mill", "taxi-1")
    later, rows = rides.changed_since(highest)

    assert later > highest >= first.mark
    assert {topic for topic, _ in rows} == {rides.topic("mill", "taxi-1"), rides.topic("mill", "taxi-2")}
