"""Webhooks by the API and the command line, and what a confirmed destination tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from doorway.webhooks import webhooks
from plumbing.webhooks_cli import webhooks as command
from tests.doorway.test_rides import TENANT, Fleet

URL = "https://203.0.113.7/hook"  # of documentation: see below
EVENT = "destination.confirmed"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setenv("USUAL_WEBHOOK_HOSTS", "203.0.113.7")
    made = Fleet(tmp_path)
    made.shared.webhooks.allowed = {"203.0.113.7"}
    made.app.register_api(webhooks(made.shared))
    yield made
    made.close()


def send(fleet: Fleet, key: str, method: str, path: str, body: Any = None) -> TestResponse:
    return fleet.app.test_client().open(path, method=method, json=body, headers={"X-API-Key": key})


def test_an_address_is_added_listed_removed_and_on_record_without_its_secret(fleet: Fleet) -> None:
    key = fleet.shared.access.create_key(TENANT, ("admin",))
    made = send(fleet, key, "POST", "/v1/webhooks", {"url": URL, "events": [EVENT]})
    assert made.status_code == 201
    secret = made.get_json()["secret"]
    rows = send(fleet, key, "GET", "/v1/webhooks").get_json()["rows"]
    assert [(row["url"], row["events"], "secret" in row) for row in rows] == [(URL, [EVENT], False)]
    path = f"/v1/webhooks/{rows[0]['webhook_id']}"
    assert send(fleet, key, "DELETE", path).status_code == 204
    assert send(fleet, key, "DELETE", path).get_json()["code"] == "no_such_webhook"

    record = json.dumps([str(dict(row)) for row in fleet.shared.databases[0].rows("SELECT * FROM changes")])
    assert URL in record
    assert secret not in record


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://fleet.example/", "events": [EVENT]}, "webhook_address_refused"),
        ({"url": "https://127.0.0.1/", "events": [EVENT]}, "webhook_address_refused"),
        ({"url": "https://nobody.invalid/", "events": [EVENT]}, "webhook_address_refused"),
        ({"url": URL, "events": ["face.seen"]}, "no_such_event"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(fleet: Fleet, body: dict[str, Any], code: str) -> None:
    key = fleet.shared.access.create_key(TENANT, ("admin",))

    reply = send(fleet, key, "POST", "/v1/webhooks", body)
    assert (reply.status_code, reply.get_json()["code"]) == (422, code)
    other = fleet.shared.access.create_key(TENANT, ("event", "suggest", "train"))
    assert send(fleet, other, "GET", "/v1/webhooks").status_code == 403


def test_a_confirmed_destination_tells_device_ride_place_and_time_and_no_person(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[dict[str, Any]]()
    monkeypatch.setattr(
        fleet.shared.webhooks, "_send", lambda url, body, headers, allowed: told.append(json.loads(body))
    )
    fleet.shared.webhooks.add(TENANT, URL, [EVENT])
    taxi = fleet.pair("taxi", "taxi-1")
    headers = {"X-Usual-Page": "taxi", "Authorization": "Bearer usual-t1.raised"}
    ride = taxi.client.post("/v1/ride", json={"item_id": "place-01"}, headers=headers).get_json()
    assert fleet.shared.webhooks.send_next()

    [message] = told
    assert set(message) == {"type", "timestamp", "data"}
    assert message["type"] == EVENT
    at = message["data"].pop("at")
    assert at.endswith("Z")
    place = {"item_id": "place-01", "name": "Linden Street", "category": "residential", "lat": 54.4512}
    assert message["data"] == {
        "version": 1,
        "device": "taxi-1",
        "ride_id": ride["ride_id"],
        "place": place | {"lon": 6.9521},
    }


def test_an_operator_does_the_same_by_the_command_line(fleet: Fleet) -> None:
    given = ["--home", str(fleet.home), "--tenant", TENANT]
    added = CliRunner().invoke(command, ["add", *given, "--event", EVENT, URL])
    assert added.exit_code == 0, added.output
    webhook_id, secret = added.output.split()
    listed = CliRunner().invoke(command, ["list", *given])
    assert listed.output.split() == [webhook_id, EVENT, URL]
    assert secret not in listed.output
    assert CliRunner().invoke(command, ["remove", *given, webhook_id]).exit_code == 0
    assert CliRunner().invoke(command, ["remove", *given, webhook_id]).exit_code == 1
    refused = CliRunner().invoke(command, ["add", *given, "--event", EVENT, "http://fleet.example"])
    assert "https" in refused.output
