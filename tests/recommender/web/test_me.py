"""The recommender's part of the customer's own page: who may look and change, and what the service is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import MINUTE
from recommender.errors import RecommenderError
from recommender.service import RecommenderService
from recommender.tokens import Claims
from recommender.web.me_schemas import OwnHistoryReply
from tests.recommender.service_fixtures import MENU, NOON, World, open_world

OWN = ("own_data", "orders")


class LinkRefused(RecommenderError):
    """A link code that ties nothing."""

    code = "link_code_wrong"
    status = 403


class EventMissing(RecommenderError):
    """No event of this customer has that name."""

    code = "no_such_event"
    status = 404


@dataclass(frozen=True)
class OneTimeCode:
    """A link code."""

    code: str
    expires_us: int


class Asked:
    """What the routes asked the service, in place of the store."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def put_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("own_data", "correct", "tie_account", "untie", "new_link_code"):
            monkeypatch.setattr(RecommenderService, name, getattr(self, name), raising=False)

    def own_data(self, claims: Claims) -> dict[str, Any]:
        self.calls.append(("own_data", claims.tenant, claims.pseudonym))
        event = {"reference": "r1", "event_id": "e1", "type": "ordered", "scene": "orders", "site": "north"}
        items = [{"item_id": "cola", "name": "Cola", "quantity": 1, "price": 300}]
        return {
            "events": [event | {"at": "2026-11-20T12:00:00+00:00", "items": items}],
            "destinations": {"held": 0, "events": [], "hidden_because": None},
            "offers": {"decisions": [], "purchases": []},
            "account": None,
            "models": [],
            "how_suggestions_are_made": {"orders": "From what you ordered."},
        }

    def correct(self, claims: Claims, event_id: str) -> None:
        self.calls.append(("correct", claims.pseudonym, event_id))
        if event_id != "e1":
            raise EventMissing

    def tie_account(self, claims: Claims, link_code: str) -> str:
        self.calls.append(("tie", claims.pseudonym, link_code))
        if link_code != "good":
            raise LinkRefused
        return "card 0815"

    def untie(self, claims: Claims) -> bool:
        self.calls.append(("untie", claims.tenant, claims.pseudonym))
        return True

    def new_link_code(self, tenant: str, account: str) -> OneTimeCode:
        self.calls.append(("link", tenant, account))
        return OneTimeCode("good", NOON + 10 * MINUTE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    asked.put_on(monkeypatch)
    return asked


@pytest.fixture
def own(tmp_path: Path, asked: Asked) -> Iterator[World]:
    world = open_world(tmp_path)
    assert world.call("POST", "/items", key="desk", json={"rows": MENU}).status_code == 200
    yield world
    world.close()


def call(world: World, method: str, path: str, token: str | None, **rest: Any) -> Any:
    """A request of the page: no API key."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return world.client.open(f"/recommender/v1/me{path}", method=method, headers=headers, **rest)


def page_token(world: World, **changes: Any) -> str:
    return world.token(**({"device": "me", "purposes": list(OWN)} | changes))


def test_the_page_gets_history_reasons_and_how_and_it_is_never_stored(own: World) -> None:
    own.order("cola", token=own.token())
    reply = call(own, "GET", "", page_token(own))
    held = OwnHistoryReply.model_validate(reply.get_json())

    assert reply.headers["Cache-Control"] == "no-store"
    assert (held.format, held.purposes, held.part) == ("usual-export-1", ["orders"], "recommender")
    assert [event.event_id for event in held.events] == ["e1"]
    assert (held.why[0].item_id, held.why[0].reason_code) == ("cola", "usual")
    assert {one.scene for one in held.why} == {"orders"}  # offers log what they show: nothing was shown here


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"device": "kiosk-1"}, 403, "token_foreign"),
        ({"purposes": ["orders"]}, 403, "purpose_not_given"),
        ({"issued_us": 0, "expires_us": 1}, 401, "token_expired"),
    ],
)
def test_only_a_token_for_the_page_opens_it(
    own: World, asked: Asked, changes: dict[str, Any], status: int, code: str
) -> None:
    token = page_token(own, **changes)
    for method, path, body in (("GET", "", None), ("DELETE", "/events/e1", None), ("DELETE", "/account", None)):
        reply = call(own, method, path, token, json=body)
        assert (reply.status_code, reply.get_json()["code"]) == (status, code), path
    assert asked.calls == []


def test_without_a_token_everybody_is_asked_to_sign_in(own: World) -> None:
    for method, path, body in (("GET", "", None), ("POST", "/account", {"link_code": "good"})):
        reply = call(own, method, path, None, json=body)
        assert (reply.status_code, reply.get_json()["code"]) == (401, "sign_in_needed")


def test_rides_stay_closed_without_the_pin(own: World) -> None:
    both = ["own_data", "orders", "destinations"]
    held = call(own, "GET", "", page_token(own, level="face", purposes=both)).get_json()

    assert {one["scene"] for one in held["why"]} <= {"orders"}


def test_who_was_erased_is_refused_everywhere(own: World, asked: Asked) -> None:
    own.half.erase(own.token(device="", purposes=["erasure"]))

    for method, path in (("GET", ""), ("DELETE", "/events/e1"), ("DELETE", "/account")):
        reply = call(own, method, path, page_token(own))
        assert (reply.status_code, reply.get_json()["code"]) == (410, "erased")
    assert asked.calls == []


def test_an_event_that_was_not_theirs_is_taken_out(own: World, asked: Asked) -> None:
    removed, missing = (call(own, "DELETE", f"/events/{name}", page_token(own)) for name in ("e1", "other"))

    assert (removed.status_code, removed.get_json()) == (200, {"removed": True})
    assert (missing.status_code, missing.get_json()["code"]) == (404, "no_such_event")
    assert asked.calls == [("correct", "ann", "e1"), ("correct", "ann", "other")]


def test_an_account_is_tied_by_the_customer_with_consent_of_its_own_never_by_the_shop(
    own: World, asked: Asked
) -> None:
    code = own.call("POST", "/accounts/card%200815/link-codes").get_json()
    without = call(own, "POST", "/account", page_token(own), json={"link_code": "good"})
    token = page_token(own, purposes=["account", "own_data"])
    wrong = call(own, "POST", "/account", token, json={"link_code": "bad"})
    tied = call(own, "POST", "/account", token, json={"link_code": code["link_code"]})
    by_the_shop = own.call("POST", "/me/account", json={"link_code": "good"})
    untied = call(own, "DELETE", "/account", page_token(own))

    assert code["expires_at"] == "2026-11-23T12:10:00+00:00"
    assert without.get_json()["code"] == "purpose_not_given"
    assert wrong.get_json()["code"] == "link_code_wrong"
    assert tied.get_json() == {"account": "card 0815"}
    assert by_the_shop.get_json()["code"] == "sign_in_needed"
    assert untied.status_code == 204
    assert [row[0] for row in asked.calls] == ["link", "tie", "tie", "untie"]


def test_link_codes_are_tried_ten_times_a_minute_from_one_address(own: World) -> None:
    token = page_token(own, purposes=["account", "own_data"])
    statuses = [call(own, "POST", "/account", token, json={"link_code": "bad"}).status_code for _ in range(12)]

    assert statuses == [403] * 10 + [429] * 2
