"""Rides: a tablet hands the confirmed place to its driver's screen, which accepts it; either may end the ride.

What crosses is a place of the catalogue and two devices. Nothing here asks for a token or knows a customer.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import Counter, Gauge
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.drivers import SET_UP_US
from plumbing.access.record import note_change
from plumbing.clock import MINUTE, SECOND, as_text
from plumbing.describing.later import Api
from plumbing.door import Body, Door, Limit
from plumbing.problem import Problem
from plumbing.query import Query
from plumbing.rides.rides import ACCEPTED, SEEN, Ride
from plumbing.shared import Shared
from plumbing.waiting import Waiting
from recommender.store.catalogue import CatalogueStore

VERSION = 1
"""Of what a driver's screen and a webhook get."""
RIDES = Limit("rides", 60)
CODES = Limit("codes of drivers", 6)


class NoSuchRide(Problem):
    """The ride is over, or another one has begun."""

    code = "no_such_ride"
    status = 404
    title = "There is no such ride any more"
    says = "It was ended, or another one has begun; ask again."


class NotATaxi(Problem):
    """Only a taxi's tablet gets a code for its driver's screen."""

    code = "not_a_taxi"
    status = 409
    title = "This is no taxi's tablet"
    says = "Pair a browser as `taxi`; the driver's screen belongs to that."


class RideBody(BaseModel):
    """What the rider has confirmed."""

    item_id: str = Field(min_length=1, max_length=128, description="a place of the catalogue")


class WatchQuery(Query):
    """What the caller knows already: the request waits up to 28 s for something newer, then 204."""

    watch: str = Field("", max_length=64)
    since: str = Field("", max_length=18, pattern=r"^\d*$")


class RideOnTablet(BaseModel):
    """The tablet's ride, without its place: the rider knows it, and the next one need not."""

    state: Literal["none", "sent", "seen", "accepted"]
    driver: bool = Field(description="whether a driver's screen belongs to this tablet")
    ride_id: str
    watch: str = Field(description="with `mark`: what a request that waits for a change names")
    mark: int


class PlaceOfRide(BaseModel):
    """Where to. `lat` and `lon` are null where the catalogue does not say them."""

    item_id: str
    name: str
    names: dict[str, str] = Field(description="by language, where the catalogue has them")
    category: str
    lat: float | None
    lon: float | None


class RideOfDriver(BaseModel):
    """The present ride of the driver's taxi."""

    version: int
    taxi: str = Field(description="the tablet's name; empty: this screen belongs to none any more")
    state: Literal["none", "sent", "seen", "accepted"]
    ride_id: str
    place: PlaceOfRide | None
    confirmed_at: str | None
    forget_in_s: int = Field(description="after so many seconds the screen must not show the place any more")
    watch: str
    mark: int


class AcceptRideBody(BaseModel):
    """The ride that the driver saw."""

    ride_id: str = Field(min_length=1, max_length=64)


class EndQuery(Query):
    """The ride that is to end; left out: whichever there is."""

    ride_id: str = Field("", max_length=64)


class DriverCode(BaseModel):
    """A code that turns one browser into this taxi's driver's screen."""

    code: str
    device: str
    minutes: int


def rides(shared: Shared, places: CatalogueStore, waiting: Waiting) -> APIBlueprint:
    """The routes of tablet and driver. `waiting` looks at `shared.rides`."""
    api = Api("rides", __name__, abp_tags=[Tag(name="rides", description="From tablet to driver")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    done = Counter("usual_rides", "Rides by what happened to them", ["what"], registry=shared.registry)
    waits = Gauge("usual_waiting", "Requests that wait for a change of a ride", registry=shared.registry)
    waits.set_function(lambda: len(waiting))
    _tablet_routes(door, shared, places, waiting, done)
    _driver_routes(door, shared, waiting, done)
    _code_route(door, shared)
    return api


def _tablet_routes(door: Door, shared: Shared, places: CatalogueStore, waiting: Waiting, done: Counter) -> None:
    def shown(caller: Caller, ride: Ride) -> Body:
        return {
            "state": ride.state,
            "driver": shared.access.drivers.has_driver(caller.tenant, caller.device),
            "ride_id": ride.ride_id,
            "watch": shared.rides.topic(caller.tenant, caller.device),
            "mark": ride.mark,
        }

    @door.route(
        "POST",
        "/v1/ride",
        scopes=("event",),
        status=201,
        reply=RideOnTablet,
        limit=RIDES,
        lane="rides",
        summary="Hand the confirmed place to this tablet's driver; the ride before is over",
        errors=("not_found",),
    )
    def hand_over_ride(caller: Caller, body: RideBody) -> Body:
        """The rider has confirmed a place: the screen of this taxi's driver shows it. A ride before is over."""
        row = places.get(caller.tenant, "place", body.item_id)
        place = {name: getattr(row, name) for name in ("item_id", "name", "category", "lat", "lon")}
        place["names"] = dict(getattr(row, "names", None) or {})
        ride = shared.rides.hand_over(caller.tenant, caller.device, place)
        done.labels("handed_over").inc()
        place_sent = {name: place[name] for name in ("item_id", "name", "category", "lat", "lon")}
        data = {"version": VERSION, "device": caller.device, "ride_id": ride.ride_id, "place": place_sent}
        with suppress(Problem):  # the driver has it: that a back end does not must not say otherwise
            shared.webhooks.tell(caller.tenant, "destination.confirmed", data | {"at": as_text(ride.confirmed_us)})
        return shown(caller, ride)

    @door.route(
        "GET",
        "/v1/ride",
        scopes=("event",),
        reply=RideOnTablet,
        lane="rides",
        holds=waiting.hold,
        summary="What became of this tablet's ride; waits for news when the request says what is known",
    )
    def get_ride(caller: Caller, query: WatchQuery) -> Body:
        """The state of the ride, for the rider's tablet. With `watch` and `since` of the last reply the request
        waits up to 28 seconds for a change; 204: there was none.
        """
        return shown(caller, shared.rides.of(caller.tenant, caller.device))

    @door.route(
        "DELETE",
        "/v1/ride",
        scopes=("event",),
        status=204,
        reply=None,
        lane="rides",
        summary="The ride is over, or the door was closed: both screens forget it",
    )
    def end_ride(caller: Caller, query: EndQuery) -> Body:
        """Both screens forget the place. Sent when the door closes or the rider says so."""
        if shared.rides.end(caller.tenant, caller.device, query.ride_id):
            done.labels("ended_by_tablet").inc()
        return None


def _driver_routes(door: Door, shared: Shared, waiting: Waiting, done: Counter) -> None:
    def taxi_of(caller: Caller) -> str:
        return shared.access.drivers.taxi_of(caller.tenant, caller.device)

    @door.route(
        "GET",
        "/v1/driver/ride",
        scopes=("drive",),
        reply=RideOfDriver,
        lane="rides",
        holds=waiting.hold,
        summary="Where the rider of this driver's taxi wants to go; waits for news beyond what is known",
    )
    def get_ride_of_driver(caller: Caller, query: WatchQuery) -> Body:
        """The place of the present ride, for the driver's screen. With `watch` and `since` of the last reply the
        request waits up to 28 seconds for a change; 204: there was none.
        """
        taxi = taxi_of(caller)
        ride = shared.rides.of(caller.tenant, taxi) if taxi else Ride()
        if taxi and ride.state == "sent":
            ride = shared.rides.seen(caller.tenant, taxi, ride)
            if ride.state == SEEN:
                done.labels("seen").inc()
        left_us = max(0, ride.until_us - shared.now_us()) if ride.place is not None else 0
        return {
            "version": VERSION,
            "taxi": taxi.partition("~")[0],
            "state": ride.state,
            "ride_id": ride.ride_id,
            "place": ride.place,
            "confirmed_at": as_text(ride.confirmed_us) if ride.place is not None else None,
            "forget_in_s": left_us // SECOND,
            "watch": shared.rides.topic(caller.tenant, taxi or f"driver {caller.device}"),
            "mark": ride.mark,
        }

    @door.route(
        "PUT",
        "/v1/driver/ride/accepted",
        scopes=("drive",),
        status=204,
        reply=None,
        lane="rides",
        summary="The driver is on the way; the rider sees it",
        errors=("no_such_ride",),
    )
    def accept_ride(caller: Caller, body: AcceptRideBody) -> Body:
        """The rider's tablet shows that the driver is on the way."""
        taxi = taxi_of(caller)
        if not taxi or not shared.rides.accept(caller.tenant, taxi, body.ride_id):
            raise NoSuchRide
        done.labels(ACCEPTED).inc()
        return None

    @door.route(
        "DELETE",
        "/v1/driver/ride",
        scopes=("drive",),
        status=204,
        reply=None,
        lane="rides",
        summary="The driver ends the ride: both screens forget it",
    )
    def end_ride_of_driver(caller: Caller, query: EndQuery) -> Body:
        """Both screens forget the place."""
        taxi = taxi_of(caller)
        if taxi and shared.rides.end(caller.tenant, taxi, query.ride_id):
            done.labels("ended_by_driver").inc()
        return None


def _code_route(door: Door, shared: Shared) -> None:
    @door.route(
        "POST",
        "/v1/driver/codes",
        scopes=("event",),
        status=201,
        reply=DriverCode,
        limit=CODES,
        lane="rides",
        records=True,
        summary="A code for this tablet's driver's screen, while the tablet is being set up",
        errors=("code_too_late", "not_a_taxi", "device_taken"),
    )
    def create_driver_code(caller: Caller) -> Body:
        """A code of ten signs that pairs one browser as this taxi's driver's screen. Only within 15 minutes
        after the tablet was paired.
        """
        if caller.page != "taxi":
            raise NotATaxi
        shared.access.drivers.require_set_up(caller.tenant, caller.key_id)
        driver = shared.access.free_name(caller.tenant, "driver")
        name = caller.device.partition("~")[0]
        note_change(f"driver's screen of {name}", later={"device": driver, "taxi": name})
        made = shared.access.create_pairing(
            caller.tenant, "driver", device=driver, site=caller.site, taxi=name, short=True
        )
        return {"code": made, "device": driver, "minutes": SET_UP_US // MINUTE}
