"""The recommender's routes: valid replies match the schema; bad input gets an error code and stores nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import MINUTE
from recommender.schemas import EventsReply, SuggestionsReply
from recommender.schemas.catalogue import ItemsReply, PlacesReply
from tests.recommender.service_fixtures import MENU, OFFER, PLACES, Installation, World


def test_a_guest_gets_what_is_popular_with_the_same_prices(world: World) -> None:
    """A call without a token is no error: a full reply, marked `no_token`, with the menu's prices."""
    world.crowd("cola")
    reply = world.suggest()
    guest = SuggestionsReply.model_validate(reply.json)
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    assert guest.fallback == "no_token"
    assert (guest.items[0].item_id, guest.items[0].price) == ("cola", 300)
    recognised = SuggestionsReply.model_validate(world.suggest(token=world.token()).json)
    prices = {item.item_id: item.price for item in guest.items}
    assert {item.item_id: item.price for item in recognised.items} == prices


def test_an_event_changes_the_next_answer(world: World) -> None:
    """An order counts from the next request on, for this customer and without a training."""
    token = world.token()
    assert world.suggest(token=token).json["items"][0]["item_id"] == "burger"
    assert EventsReply.model_validate(world.order("salad", token=token).json).accepted == 1
    after = world.suggest(token=token).json
    assert after["items"][0]["item_id"] == "salad"
    assert after["items"][0]["reason"]["code"] == "usual"


def test_n_and_availability(world: World) -> None:
    """`n` bounds the list; what is not available is not suggested."""
    assert len(world.suggest(n=1).json["items"]) == 1
    assert "soup" not in [item["item_id"] for item in world.suggest(n=50).json["items"]]


BAD_TOKENS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("orders", "expired", {"expires_us": 1, "issued_us": 0}, 401, "token_expired"),
    ("orders", "of another tenant", {"tenant": "other"}, 403, "token_foreign"),
    ("orders", "of another device", {"device": "kiosk-2"}, 403, "token_foreign"),
    ("offers", "for a purpose not given", {"purposes": ["orders"]}, 403, "purpose_not_given"),
    ("destinations", "of a face alone", {"level": "face"}, 403, "second_factor_required"),
]


@pytest.mark.parametrize(("scene", "why", "changes", "status", "code"), BAD_TOKENS)
def test_tokens_that_do_not_open(
    still: World, scene: str, why: str, changes: dict[str, Any], status: int, code: str
) -> None:
    """Each kind of wrong token has its own code, and its events are not stored."""
    reply = still.suggest(scene, token=still.token(**changes))
    assert (reply.status_code, reply.json["code"]) == (status, code), why
    assert reply.mimetype == "application/problem+json"
    if code != "second_factor_required":
        event = {"event_id": "e", "type": "accepted", "scene": scene, "occurred_at": "2026-11-23T12:00:00Z"}
        item = {"orders": "cola", "offers": "lunch", "destinations": "home"}[scene]
        body = {"events": [event | {"item_id": item}]}
        assert still.call("POST", "/events", token=still.token(**changes), json=body).json["code"] == code
    assert still.count("events") == 0


@pytest.mark.parametrize("text", ["nonsense", "usual-t1.abc", "Bearer"])
def test_an_altered_token(still: World, text: str) -> None:
    """Text that is no token is refused as altered, never treated as a guest."""
    assert still.suggest(token=text).json["code"] == "token_altered"
    assert still.order("cola", token=text).json["code"] == "token_altered"
    assert still.count("events") == 0


GOOD = {
    "event_id": "e",
    "type": "ordered",
    "occurred_at": "2026-11-23T13:00:00+01:00",
    "items": [{"item_id": "cola"}],
}
BAD_EVENTS: list[tuple[str, dict[str, Any], str]] = [
    ("an unknown item", {"items": [{"item_id": "pizza"}]}, "unknown_item"),
    ("a negative price", {"items": [{"item_id": "cola", "price": -1}]}, "invalid_request"),
    ("no quantity", {"items": [{"item_id": "cola", "quantity": 0}]}, "invalid_request"),
    ("a fraction of a dish", {"items": [{"item_id": "cola", "quantity": 0.5}]}, "invalid_request"),
    ("from the future", {"occurred_at": "2026-11-23T12:02:01Z"}, "event_from_the_future"),
    ("no zone", {"occurred_at": "2026-11-23T11:00:00"}, "time_without_zone"),
    ("no time", {"occurred_at": "yesterday"}, "time_without_zone"),
    ("a time before time", {"occurred_at": "0001-01-01T00:00:00+14:00"}, "time_without_zone"),
    ("an unknown type", {"type": "stared"}, "invalid_request"),
    ("an order of nothing", {"items": []}, "event_incomplete"),
    ("a misspelt field", {"sight": "north"}, "invalid_request"),
    ("a NUL in an id", {"event_id": "a\0b"}, "invalid_request"),
    ("items and an item", {"item_id": "cola"}, "event_incomplete"),
    ("an order of a place", {"scene": "destinations"}, "event_incomplete"),
    (
        "a ride to two places",
        {"type": "rode", "items": [{"item_id": "home"}, {"item_id": "work"}]},
        "event_incomplete",
    ),
    ("a ride from nowhere", {"type": "rode", "items": [{"item_id": "home"}], "pickup": "moon"}, "unknown_item"),
    (
        "half a position",
        {"type": "rode", "items": [{"item_id": "home"}], "pickup": {"lat": 5}},
        "event_incomplete",
    ),
    (
        "beyond the pole",
        {"type": "rode", "items": [{"item_id": "home"}], "pickup": {"lat": 95, "lon": 0}},
        "invalid_request",
    ),
    ("an unknown offer", {"type": "redeemed", "items": [{"item_id": "dinner"}]}, "unknown_item"),
]


@pytest.mark.parametrize(("what", "changes", "code"), BAD_EVENTS)
def test_a_bad_event_stops_its_batch(still: World, what: str, changes: dict[str, Any], code: str) -> None:
    """The reply has a stable code and names the event; the valid one before it is not stored either."""
    batch = {"events": [GOOD | {"event_id": "good"}, GOOD | changes]}
    reply = still.call("POST", "/events", token=still.token(), json=batch)
    assert (reply.json["code"], 400 <= reply.status_code < 500) == (code, True), what
    if code != "invalid_request":
        assert reply.json["index"] == 1
    assert still.count("events") == still.count("lines") == 0


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": [GOOD] * 1001}, [], "x", None])
def test_a_body_that_is_no_batch(still: World, body: Any) -> None:
    """No events, too many, or something else: 4xx, nothing stored."""
    assert still.call("POST", "/events", json=body).status_code in (400, 422)
    assert still.count("events") == 0


def test_a_device_whose_clock_is_a_little_ahead(world: World) -> None:
    """Events up to two minutes in the future are accepted."""
    assert world.order("cola", occurred_at="2026-11-23T12:01:59Z").status_code == 201


def test_events_are_kept_with_the_local_clock(world: World) -> None:
    """Hour and weekday are local to the event: Sunday 23:30 there is Monday in UTC."""
    world.time_us = 1_795_408_200_000_000
    world.order("cola", token=world.token(), occurred_at="2026-11-22T23:30:00-05:00")
    row = world.half.service.database.rows("SELECT * FROM events")[0]
    assert (row["hour"], row["weekday"], row["time_us"]) == (23.5, 6, 1_795_408_200_000_000)
    assert row["site"] == "north"  # the key's own, because none was sent


def test_a_ride_keeps_a_cell_not_a_position(world: World) -> None:
    """A pick-up position is stored as the middle of its 200 m cell; a known place by its id."""
    rides: list[dict[str, object]] = [
        {"event_id": "r1", "type": "rode", "item_id": "work", "pickup": "home"},
        {"event_id": "r2", "type": "rode", "item_id": "home", "pickup": {"lat": 52.516275, "lon": 13.377704}},
    ]
    body = {"events": [ride | {"occurred_at": world.moment()} for ride in rides]}
    assert world.call("POST", "/events", token=world.token(), json=body).json["accepted"] == 2
    origins = [
        row["origin"] for row in world.half.service.database.rows("SELECT origin FROM events ORDER BY event_id")
    ]
    assert origins[0] == "home"
    assert origins[1].startswith("geo:52.5")
    assert origins[1] == "geo:52.516,13.377"


def test_the_same_idempotency_key(world: World) -> None:
    """The same request twice: one row and the same reply. Another body: 409."""
    body = {"events": [GOOD]}
    token = world.token()
    first = world.call("POST", "/events", token=token, once="k", json=body)
    second = world.call("POST", "/events", token=token, once="k", json=body)
    assert (
        (first.status_code, first.json)
        == (second.status_code, second.json)
        == (201, {"accepted": 1, "duplicates": 0})
    )
    other = world.call("POST", "/events", once="k", json={"events": [GOOD | {"event_id": "f"}]})
    assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")
    assert world.count("events") == 1


def test_a_refused_request_frees_its_idempotency_key(world: World) -> None:
    """An error is not stored: the corrected request with the same key works."""
    bad = world.call("POST", "/events", once="k", json={"events": [GOOD | {"items": [{"item_id": "pizza"}]}]})
    assert bad.status_code == 422
    assert world.call("POST", "/events", once="k", json={"events": [GOOD]}).status_code == 201


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"n": 0}, "invalid_request"),
        ({"n": 51}, "invalid_request"),
        ({"local_time": "2026-11-23T12:00:00"}, "time_without_zone"),
        ({"local_time": "noon"}, "time_without_zone"),
        ({"lat": "nan"}, "invalid_request"),
        ({"lon": 181}, "invalid_request"),
        ({"party_size": 0}, "invalid_request"),
        ({"repeat": "never"}, "invalid_request"),
    ],
)
def test_a_bad_context(still: World, query: dict[str, Any], code: str) -> None:
    """A bad query parameter gets its own error code."""
    reply = still.suggest(**query)
    assert (reply.status_code, reply.json["code"]) == (422, code)


def test_a_plus_lost_in_a_query_string(still: World) -> None:
    """`+01:00` that arrives as a space is understood; so is Z."""
    for text in ("2026-11-23T12:00:00 01:00", "2026-11-23T12:00:00Z"):
        assert still.suggest(local_time=text).status_code == 200


@pytest.mark.parametrize("kind", ["items", "places"])
def test_the_catalogue_one_by_one(world: World, kind: str) -> None:
    """Read, replace, page, delete; another tenant sees nothing of it."""
    rows = MENU if kind == "items" else PLACES
    first = f"/{kind}/{rows[0]['item_id']}"
    changed = rows[0] | {"name": "Renamed"}
    assert world.call("PUT", first, key="desk", json=changed).json["name"] == "Renamed"
    assert world.call("GET", first).json["name"] == "Renamed"
    assert world.call("GET", first, key="stranger").status_code == 404
    page = world.call("GET", f"/{kind}", query_string={"n": 1}).json
    (ItemsReply if kind == "items" else PlacesReply).model_validate(page)
    following = world.call("GET", f"/{kind}", query_string={"n": 50, "cursor": page["next_cursor"]}).json
    assert len(page["rows"] + following["rows"]) == len(rows)
    assert world.call("DELETE", first, key="desk").status_code == 204
    assert world.call("GET", first).json["code"] == "not_found"
    assert world.call("DELETE", first, key="desk").status_code == 404


@pytest.mark.parametrize(
    ("path", "row", "code"),
    [
        ("/items", {"price": -1}, "bad_rows"),
        ("/items", {"price": 1.5}, "bad_rows"),
        ("/items", {"name": ""}, "bad_rows"),
        ("/items", {"dayparts": ["teatime"]}, "bad_rows"),
        ("/items", {"colour": "red"}, "bad_rows"),
        ("/items", {"item_id": "burger"}, "bad_rows"),
        ("/places", {"item_id": "x", "lat": 91}, "bad_rows"),
        ("/places", {"item_id": "home", "lat": 1}, "bad_rows"),
        ("/offers", {"budget_count": -1}, "bad_rows"),
        ("/offers", {"starts_on": "2026-02-01", "ends_on": "2026-01-01"}, "bad_rows"),
        ("/offers", {"items": ["pizza"]}, "bad_rows"),
    ],
)
def test_a_bad_row_stops_the_bulk(still: World, path: str, row: dict[str, Any], code: str) -> None:
    """The row is named; the good rows before it are not stored."""
    rows_of: dict[str, dict[str, Any]] = {"/items": MENU[0], "/places": PLACES[0], "/offers": OFFER}
    good = rows_of[path]
    key = "offer_id" if path == "/offers" else "item_id"
    before = still.call("GET", path).json
    rows = [good | {"name": "Changed"}, good | {key: "another"} | row]
    reply = still.call("POST", path, key="desk", json={"rows": rows})
    assert (reply.status_code, reply.json["code"]) == (422, code)
    assert reply.json["rows"][0]["row"] == 1
    assert still.call("GET", path).json == before


def test_a_negative_price_alone(still: World) -> None:
    """One item by PUT: 422 naming the field, the old price stays; the address and the body must agree."""
    reply = still.call("PUT", "/items/cola", key="desk", json=MENU[1] | {"price": -5})
    assert (reply.status_code, reply.json["fields"][0]["field"]) == (422, "price")
    assert still.call("PUT", "/items/tea", key="desk", json=MENU[1]).json["code"] == "catalogue_error"
    assert still.call("GET", "/items/cola").json["price"] == 300


def test_offers_are_written_paused_and_ended(world: World) -> None:
    """An ended offer is not suggested any more and stays stored."""
    assert world.suggest("offers").json["items"][0]["item_id"] == "lunch"
    assert world.call("DELETE", "/offers/lunch", key="desk").status_code == 204
    assert world.suggest("offers").json["items"] == []
    assert world.call("GET", "/offers/lunch").json["status"] == "ended"
    wrong = world.call("PUT", "/offers/lunch", key="desk", json=OFFER | {"budget_money": -3, "from_hour": 25})
    assert {field["field"] for field in wrong.json["fields"]} == {"budget_money", "from_hour"}
    assert world.call("GET", "/offers/unknown").json["code"] == "unknown_offer"


def test_an_offer_is_decided_logged_and_followed_up(world: World) -> None:
    """The reply's id is the decision's id; the log has its outcome and all propensities."""
    token = world.token()
    reply = world.suggest("offers", token=token).json
    row = world.half.service.database.rows("SELECT * FROM offer_decisions")[0]
    assert row["decision_id"] == reply["recommendation_id"]
    assert sum(json.loads(row["propensities"]).values()) == pytest.approx(1)
    event = {"type": "shown", "scene": "offers", "occurred_at": "2026-11-23T12:00:00Z", "item_id": "lunch"}
    shown = event | {"event_id": "s", "recommendation_id": reply["recommendation_id"]}
    assert world.call("POST", "/events", token=token, json={"events": [shown]}).status_code == 201
    assert world.count("offer_outcomes") == 1
    stray = event | {"event_id": "t", "recommendation_id": "dec_of_nobody"}
    refused = world.call("POST", "/events", token=token, json={"events": [stray]})
    assert (refused.status_code, refused.json["code"]) == (404, "unknown_decision")
    assert world.count("events") == 1


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/items", "kiosk", 403),
        ("POST", "/models/orders/train", "kiosk", 403),
        ("POST", "/erasures", "kiosk", 403),
        ("GET", "/models", "kiosk", 403),
        ("GET", "/nothing", "kiosk", 404),
        ("POST", "/models/offers/train", "kiosk", 403),
        ("POST", "/models/dreams/train", "desk", 422),
    ],
)
def test_who_may_not(still: World, method: str, path: str, key: str, status: int) -> None:
    """Missing scopes, unknown routes and unknown scenes get a problem reply."""
    reply = still.call(method, path, key=key, json={"rows": [MENU[0]]})
    assert (reply.status_code, reply.mimetype) == (status, "application/problem+json")


def test_no_key_no_answer(still: World) -> None:
    """Every route checks the key first, whatever the rest of the request is."""
    for path, operations in still.app.api_doc["paths"].items():
        for method in operations:
            made = path.replace("{scene}", "orders").replace("{run_id}", "x").replace("{item_id}", "x")
            body = {"rows": [], "events": [GOOD]}
            reply = still.client.open(made.replace("{offer_id}", "x"), method=method.upper(), json=body)
            assert reply.status_code in (401, 422), (path, method)


def test_an_erasure_is_in_force_with_the_reply(world: World) -> None:
    """After it the token and late events are refused and the rows are deleted; a second erasure succeeds."""
    token = world.token()
    world.order("cola", token=token)
    world.suggest("offers", token=token)
    erasure = world.token(purposes=["erasure"], device="")
    assert world.call("POST", "/erasures", key="desk", token=token).json["code"] == "purpose_not_given"
    foreign = world.call("POST", "/erasures", key="stranger", token=erasure)
    assert foreign.json["code"] == "token_foreign"
    assert world.call("POST", "/erasures", key="desk").json["code"] == "token_altered"
    assert world.call("POST", "/erasures", key="desk", token=erasure).json == {"erased": True, "events": 1}
    assert world.call("POST", "/erasures", key="desk", token=erasure).json == {"erased": True, "events": 0}
    for reply in (
        world.suggest(token=token),
        world.suggest("offers", token=token),
        world.order("cola", token=token),
    ):
        assert (reply.status_code, reply.json["code"]) == (410, "erased")
    assert world.count("events") == world.count("lines") == world.count("offer_decisions") == 0


def test_a_device_that_runs_wild_is_slowed(installation: Installation, tmp_path: Path) -> None:
    """Above the limit: 429 with Retry-After; a minute later requests succeed again."""
    world = installation.open(tmp_path / "state", requests_per_minute=2)
    assert [world.suggest().status_code for _ in range(3)] == [200, 200, 429]
    assert int(world.suggest().headers["Retry-After"]) > 0
    world.time_us += MINUTE
    assert world.suggest().status_code == 200
    world.close()
