"""What the operator sees of devices, times and room on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi3.openapi import OpenAPI

from app import create_app
from desk.operations import NOT_ME_ALARM, SILENT_US
from plumbing.access.access import Access
from plumbing.access.caller import Caller
from plumbing.clock import DAY, system_clock
from plumbing.settings import Config


class Clock:
    def __init__(self) -> None:
        self.now = system_clock()

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Iterator[OpenAPI]:
    app = create_app(Config(home=tmp_path, only="recommender"), now_us=clock)
    yield app
    for part in app.extensions["usual_open"]:
        part.close()


@pytest.fixture
def access(app: OpenAPI) -> Access:
    found: Access = app.extensions["usual"]["access"]
    return found


def seen(app: OpenAPI, access: Access, language: str = "en") -> dict[str, Any]:
    client: FlaskClient = app.test_client()
    key = access.create_key("grill", ["operate"])
    reply = client.get("/desk/v1/operations", headers={"X-API-Key": key, "Accept-Language": language})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.get_json()
    return body


def suggest(app: OpenAPI, key: str) -> None:
    reply = app.test_client().get("/recommender/v1/suggestions/orders", headers={"X-API-Key": key})
    assert reply.status_code == 200, reply.text


def test_a_device_that_calls_is_active_and_one_that_stopped_needs_attention(
    app: OpenAPI, access: Access, clock: Clock
) -> None:
    key = access.create_key("grill", ["suggest"], device="kiosk-1", site="market")
    assert "has not called" in str(seen(app, access)["answer"])
    suggest(app, key)

    found = seen(app, access)
    assert "1 of 1" in str(found["answer"])
    [row] = found["devices"]
    assert (row["state"], row["site"], row["requests"]) == ("online", "market", 1)

    clock.now += SILENT_US + 2 * DAY
    silent = seen(app, access, "ja")
    [attention] = silent["attention"]
    assert attention["about"] == "kiosk-1"
    assert "kiosk-1" in attention["text"]


def test_many_who_say_not_me_need_attention(app: OpenAPI, access: Access, clock: Clock) -> None:
    access.create_key("grill", ["identify"], device="kiosk-1", site="market")
    figures = access.figures
    assert figures is not None
    kiosk = Caller("grill", "any", "kiosk-1", "market", frozenset())
    for number in range(100):
        figures.count(kiosk, status=200, took_s=0.05, decision="matched")
        if number < 100 * NOT_ME_ALARM + 1:
            figures.count(kiosk, status=204, took_s=0.01, decision="not_me")

    [attention] = seen(app, access)["attention"]
    assert "not me" in attention["text"]


def test_prometheus_signs_in_with_a_bearer_key(app: OpenAPI, access: Access) -> None:
    client = app.test_client()
    key = access.create_key("grill", ["admin"])

    assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert client.get("/metrics", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Basic {key}"}).status_code == 401
    kiosk = access.create_key("grill", ["suggest"], device="kiosk-1", site="market")
    guest = client.get("/recommender/v1/suggestions/orders", headers={"Authorization": f"Bearer {kiosk}"})
    assert (guest.status_code, guest.get_json()["fallback"]) == (200, "no_token")


def test_a_person_of_one_site_sees_its_devices_alone(app: OpenAPI, access: Access) -> None:
    for device, site in (("kiosk-1", "market"), ("kiosk-2", "station")):
        access.create_key("grill", ["suggest"], device=device, site=site)
    people = app.extensions["usual_open"][-1].people
    secret = people.accept(people.invite("grill", "ana", ["operator"], sites=["station"]), "correct horse battery")
    client = app.test_client()
    client.set_cookie("usual_desk", secret)

    reply = client.get("/desk/v1/operations", headers={"X-Usual-Page": "desk"})
    assert [row["device"] for row in reply.get_json()["devices"]] == ["kiosk-2"]
