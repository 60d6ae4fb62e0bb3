"""From tablet to driver: who may hand over, who sees it, who ends it, and how a driver's screen is bound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from doorway.rides import rides
from plumbing import openapi, web
from plumbing.access.drivers import SET_UP_US
from plumbing.access.errors import DriverWithoutTaxi
from plumbing.clock import HOUR, MINUTE, SECOND, system_clock
from plumbing.keys_cli import keys
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.state import State
from plumbing.waiting import Waiting
from recommender.config import RecommenderConfig
from recommender.scene import Item
from recommender.web import half

TENANT = "mill"
HOME = Item("place-01", "Linden Street", "residential", sensitive=True, lat=54.4512, lon=6.9521)
QUAY = Item("place-03", "Quay office", "office")


class Clock:
    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> int:
        return self.now


class Fleet:
    """The routes of rides, with browsers that are paired with their codes."""

    def __init__(self, home: Path) -> None:
        self.home, self.clock = home, Clock()
        self.shared = Shared.open(State(home), self.clock)
        config = RecommenderConfig.of(Config(home=home), self.shared.token_keys)
        self.recommender = half.build(config, access=self.shared.access, now_us=self.shared.now_us)
        places = self.recommender.service.stores.catalogue
        places.put(TENANT, "place", [HOME, QUAY])
        self.waiting = Waiting(self.shared.rides.changed_since)
        self.app = openapi.new_app("Test", "Rides.")
        self.app.register_api(web.blueprint(self.shared, {}))
        self.app.register_api(rides(self.shared, places, self.waiting))

    def pair(self, page: str, name: str, **more: Any) -> Screen:
        code = self.shared.access.create_pairing(TENANT, page, device=name, **more)
        return self.with_code(code)

    def with_code(self, code: str) -> Screen:
        client = self.app.test_client()
        reply = client.post("/v1/pairings", json={"code": code})
        assert reply.status_code == 200, reply.get_json()
        return Screen(client, reply.get_json()["page"])

    def close(self) -> None:
        self.recommender.close()
        self.shared.close()


class Screen:
    """A paired browser."""

    def __init__(self, client: FlaskClient, page: str) -> None:
        self.client, self.page = client, page

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = self.client.open(path, method=method, json=body, headers={"X-Usual-Page": self.page})
        return reply.status_code, reply.get_json(silent=True)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    yield made
    made.close()


def test_the_driver_sees_the_place_only_when_it_is_handed_over_and_the_rider_sees_the_answer(fleet: Fleet) -> None:
    taxi, driver = fleet.pair("taxi", "taxi-1"), fleet.pair("driver", "driver-1", taxi="taxi-1")
    assert driver.send("GET", "/v1/driver/ride")[1]["place"] is None

    status, handed = taxi.send("POST", "/v1/ride", {"item_id": "place-01"})
    assert (status, handed["state"], handed["driver"]) == (201, "sent", True)
    assert "Linden" not in json.dumps(handed)

    shown = driver.send("GET", "/v1/driver/ride")[1]
    assert (shown["place"]["name"], shown["place"]["lat"], shown["taxi"]) == ("Linden Street", 54.4512, "taxi-1")
    assert 0 < shown["forget_in_s"] <= 15 * 60
    assert taxi.send("GET", "/v1/ride")[1]["state"] == "seen"
    assert driver.send("PUT", "/v1/driver/ride/accepted", {"ride_id": shown["ride_id"]})[0] == 204
    known = taxi.send("GET", "/v1/ride")[1]
    assert known["state"] == "accepted"
    assert "Linden" not in json.dumps(known)


@pytest.mark.parametrize("who", ["tablet", "driver"])
def test_a_ride_ends_on_either_screen_and_both_forget_it(fleet: Fleet, who: str) -> None:
    taxi, driver = fleet.pair("taxi", "taxi-1"), fleet.pair("driver", "driver-1", taxi="taxi-1")
    ride = taxi.send("POST", "/v1/ride", {"item_id": "place-03"})[1]["ride_id"]
    screen, path = (taxi, "/v1/ride") if who == "tablet" else (driver, "/v1/driver/ride")

    assert screen.send("DELETE", f"{path}?ride_id=another")[0] == 204
    assert driver.send("GET", "/v1/driver/ride")[1]["place"] is not None
    assert screen.send("DELETE", f"{path}?ride_id={ride}")[0] == 204

    assert driver.send("GET", "/v1/driver/ride")[1]["place"] is None
    assert taxi.send("GET", "/v1/ride")[1]["state"] == "none"
    assert driver.send("PUT", "/v1/driver/ride/accepted", {"ride_id": ride})[1]["code"] == "no_such_ride"


def test_the_cars_own_system_ends_a_ride_when_the_door_is_closed(fleet: Fleet) -> None:
    taxi = fleet.pair("taxi", "taxi-1")
    key = fleet.shared.access.create_key(TENANT, ("event",), device="taxi-1")
    taxi.send("POST", "/v1/ride", {"item_id": "place-03"})

    reply = fleet.app.test_client().delete("/v1/ride", headers={"X-API-Key": key})

    assert reply.status_code == 204
    assert taxi.send("GET", "/v1/ride")[1]["state"] == "none"


def test_a_ride_is_forgotten_after_an_hour(fleet: Fleet) -> None:
    taxi, driver = fleet.pair("taxi", "taxi-1"), fleet.pair("driver", "driver-1", taxi="taxi-1")
    ride = taxi.send("POST", "/v1/ride", {"item_id": "place-03"})[1]["ride_id"]
    driver.send("GET", "/v1/driver/ride")
    driver.send("PUT", "/v1/driver/ride/accepted", {"ride_id": ride})
    fleet.clock.now += HOUR + SECOND

    assert driver.send("GET", "/v1/driver/ride")[1]["place"] is None
    assert taxi.send("GET", "/v1/ride")[1]["state"] == "none"


def test_another_taxis_driver_and_a_driver_of_none_see_nothing(fleet: Fleet) -> None:
    taxi, other = fleet.pair("taxi", "taxi-1"), fleet.pair("taxi", "taxi-2")
    stranger = fleet.pair("driver", "driver-2", taxi="taxi-2")
    taxi.send("POST", "/v1/ride", {"item_id": "place-03"})

    assert stranger.send("GET", "/v1/driver/ride")[1]["state"] == "none"
    assert other.send("GET", "/v1/ride")[1]["state"] == "none"
    assert stranger.send("GET", "/v1/ride")[0] == 403  # a driver's screen has no scope of a tablet
    assert taxi.send("GET", "/v1/driver/ride")[0] == 403
    with pytest.raises(DriverWithoutTaxi):
        fleet.shared.access.create_pairing(TENANT, "driver", device="driver-3", taxi="taxi-9")


def test_a_second_drivers_screen_and_a_tablet_that_was_replaced_end_the_binding(fleet: Fleet) -> None:
    taxi, first = fleet.pair("taxi", "taxi-1"), fleet.pair("driver", "driver-1", taxi="taxi-1")
    second = fleet.pair("driver", "driver-2", taxi="taxi-1")
    taxi.send("POST", "/v1/ride", {"item_id": "place-03"})
    assert first.send("GET", "/v1/driver/ride")[1]["taxi"] == ""
    assert second.send("GET", "/v1/driver/ride")[1]["place"]["name"] == "Quay office"

    replaced = fleet.pair("taxi", "taxi-1", replace=True)
    handed = replaced.send("POST", "/v1/ride", {"item_id": "place-01"})[1]
    assert handed["driver"] is False
    assert second.send("GET", "/v1/driver/ride")[1]["place"]["name"] == "Quay office"  # of the tablet before


def test_a_tablet_shows_the_code_of_its_driver_only_while_it_is_set_up(fleet: Fleet) -> None:
    taxi = fleet.pair("taxi", "taxi-1")
    status, made = taxi.send("POST", "/v1/driver/codes")
    assert (status, len(made["code"]), made["minutes"]) == (201, 10, 15)
    driver = fleet.with_code(made["code"])
    assert driver.send("GET", "/v1/driver/ride")[1]["taxi"] == "taxi-1"

    fleet.clock.now += SET_UP_US + MINUTE
    assert taxi.send("POST", "/v1/driver/codes")[1]["code"] == "code_too_late"
    kiosk = fleet.pair("kiosk", "kiosk-1")
    assert kiosk.send("POST", "/v1/driver/codes")[1]["code"] == "not_a_taxi"


def test_a_code_of_a_driver_is_valid_for_a_quarter_of_an_hour(fleet: Fleet) -> None:
    code = fleet.pair("taxi", "taxi-1").send("POST", "/v1/driver/codes")[1]["code"]
    fleet.clock.now += SET_UP_US + SECOND

    reply = fleet.app.test_client().post("/v1/pairings", json={"code": code})
    assert reply.get_json()["code"] == "pairing_refused"


def test_an_operator_pairs_a_drivers_screen_by_the_command_line(fleet: Fleet) -> None:
    fleet.pair("taxi", "taxi-1")
    given = ["pair", "--home", str(fleet.home), "--tenant", TENANT, "--taxi", "taxi-1", "driver"]
    done = CliRunner().invoke(keys, given)
    assert done.exit_code == 0, done.output
    link = done.stdout.strip().splitlines()[-1]

    driver = fleet.with_code(link.partition("#pair=")[2])
    assert driver.send("GET", "/v1/driver/ride")[1]["taxi"] == "taxi-1"
    refused = CliRunner().invoke(keys, ["pair", "--home", str(fleet.home), "--tenant", TENANT, "driver"])
    assert refused.exit_code == 1
    assert "--taxi" in refused.output


def test_what_is_no_place_of_the_catalogue_is_not_handed_over(fleet: Fleet) -> None:
    taxi = fleet.pair("taxi", "taxi-1")

    assert taxi.send("POST", "/v1/ride", {"item_id": "nowhere"})[0] == 404
    assert taxi.send("POST", "/v1/ride", {"item_id": ""})[0] == 422
    assert taxi.send("GET", "/v1/ride")[1]["state"] == "none"


def test_a_ride_knows_no_token_and_no_person(fleet: Fleet) -> None:
    """A tablet that sends a customer's token along leaves nothing of it beside the place."""
    taxi = fleet.pair("taxi", "taxi-1")
    headers = {"X-Usual-Page": "taxi", "Authorization": "Bearer usual-t1.raised"}
    assert taxi.client.post("/v1/ride", json={"item_id": "place-01"}, headers=headers).status_code == 201

    ride = fleet.shared.rides.of(TENANT, "taxi-1")
    assert set(ride.place or {}) == {"item_id", "name", "names", "category", "lat", "lon"}
    files = [path for path in fleet.home.iterdir() if path.is_file()]
    assert all(b"usual-t1.raised" not in path.read_bytes() for path in files)
