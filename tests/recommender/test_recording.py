"""What one device and one visit may store, when, where, and for which site."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbing.clock import DAY, HOUR, MINUTE
from recommender.destinations.area import ServedArea
from recommender.destinations.places import BadCoordinatesError, coarse_id, geo_id
from recommender.scene import Item
from recommender.scenes.registry import Scenes
from recommender.store import quotas
from recommender.store.quotas import Quota
from tests.engines import stored
from tests.recommender.service_fixtures import Installation, World


def ride(event_id: str = "r", **changes: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": "rode",
        "item_id": "work",
        "occurred_at": "2026-11-23T12:00:00Z",
    } | changes


def send(world: World, *events: dict[str, Any], key: str = "kiosk", token: str | None = None) -> Any:
    return world.call("POST", "/events", key=key, token=token, json={"events": list(events)})


# --- when ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "code"), [(-4, None), (-6, "event_outside_press"), (1, None), (3, "event_from_the_future")]
)
def test_a_customers_event_lies_within_the_press(world: World, minutes: int, code: str | None) -> None:
    """Five minutes before the token was made (a PIN makes a second one), two minutes ahead, no more."""
    reply = world.order("cola", token=world.token(), occurred_at=world.moment(minutes=minutes))
    assert reply.json.get("code") == code
    assert world.count("events") == (0 if code else 1)


def test_a_thousand_orders_of_1999_are_refused(world: World) -> None:
    """A token that was seen once writes nobody's past."""
    batch = [
        {"event_id": f"e{k}", "type": "ordered", "item_id": "cola", "occurred_at": "1999-05-01T12:00:00Z"}
        for k in range(1_000)
    ]
    assert send(world, *batch, token=world.token()).json["code"] == "event_outside_press"
    assert send(world, *batch).json["code"] == "event_too_old"
    assert world.count("events") == 0


@pytest.mark.parametrize(("hours", "key", "status"), [(47, "kiosk", 201), (49, "kiosk", 422), (49, "desk", 201)])
def test_a_guests_event_is_of_these_days(world: World, hours: int, key: str, status: int) -> None:
    """A screen that was cut off sends it within two days; later only a key that may train."""
    at = world.moment(minutes=-60 * hours)
    assert send(world, ride(occurred_at=at), key=key).status_code == status


def test_a_visit_is_not_a_hundred_orders(world: World) -> None:
    """Twenty orders since the press; the one after them and all that came with it are refused."""
    token = world.token()
    for number in range(20):
        assert world.order("cola", token=token, event_id=f"e{number}").status_code == 201
    reply = world.order("cola", token=token, event_id="e20")
    assert (reply.status_code, reply.json["code"]) == (429, "too_many_for_one_visit")
    assert world.order("cola", token=token, event_id="e19").json == {"accepted": 0, "duplicates": 1}
    assert world.count("events") == 20
    world.time_us += HOUR
    assert world.order("cola", token=world.token(), event_id="later").status_code == 201


# --- how much --------------------------------------------------------------------------------------------


def test_a_device_stores_so_many_rows_and_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted for each device: events, lines and bytes, a minute and a day; nothing of the batch is stored."""
    small = (Quota(MINUTE, events=3, lines=10, bytes=1_500), Quota(DAY, events=5, lines=10, bytes=1_500))
    monkeypatch.setattr(quotas, "QUOTAS", small)
    for number in range(3):
        assert send(world, ride(f"r{number}")).status_code == 201
    reply = send(world, ride("r3"), ride("r4"))
    assert (reply.status_code, reply.json["code"]) == (429, "too_many_events")
    assert 0 < int(reply.headers["Retry-After"]) <= 60
    assert world.count("events") == 3
    assert send(world, ride("r3"), key="desk").status_code == 201  # another sender
    world.time_us += MINUTE
    assert send(world, ride("r3"), ride("r4")).status_code == 201
    world.time_us += MINUTE
    assert "a day" in send(world, ride("r5")).json["detail"]
    world.time_us += DAY
    many = {"items": [{"item_id": "cola"}] * 11, "type": "ordered", "item_id": None}
    at = world.moment()
    assert "lines" in send(world, ride("r6", occurred_at=at) | many).json["detail"]
    assert send(world, ride("r7", occurred_at=at)).status_code == 201


def test_a_busy_till_never_meets_a_quota(world: World) -> None:
    """Ten orders of twenty lines a minute, and what was shown with them, are far below a minute's and a day's."""
    minute, day = quotas.QUOTAS
    assert minute.events >= 10 * 10 * 2
    assert minute.lines >= 10 * 20 * 5
    assert day.lines >= 10 * 20 * 60 * 24
    assert day.events >= 10 * 4 * 60 * 24


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": "x" * 65},
        {"event_id": "two words"},
        {"event_id": "ümlaut"},
        {"recommendation_id": "a b"},
        {"recommendation_id": "x" * 65},
        {"items": [{"item_id": "x" * 65}], "item_id": None},
        {"region": "x" * 65},
        {"note": "a field of its own"},
    ],
)
def test_texts_are_bounded(still: World, changes: dict[str, Any]) -> None:
    """Lengths and alphabets; nothing can be stored beside what an event says."""
    assert send(still, ride() | changes).json["code"] == "invalid_request"


def test_a_batch_is_bounded_in_lines(still: World) -> None:
    """1,000 events of 200 lines each are no batch."""
    order = {"event_id": "e", "type": "ordered", "occurred_at": "2026-11-23T12:00:00Z"}
    body = [order | {"event_id": f"e{k}", "items": [{"item_id": "cola"}] * 200} for k in range(26)]
    assert send(still, *body).json["code"] == "invalid_request"


# --- whose id --------------------------------------------------------------------------------------------


def test_no_device_takes_the_ids_of_another(world: World) -> None:
    """The same id from another device is another event; from the same one it is a retry, or a conflict."""
    other = world.access.create_key("grill", ["event"], device="kiosk-2", site="south")
    world.keys = world.keys | {"other": other}
    assert send(world, ride("order-1"), key="other").json == {"accepted": 1, "duplicates": 0}
    assert send(world, ride("order-1", item_id="home")).json == {"accepted": 1, "duplicates": 0}
    assert send(world, ride("order-1", item_id="home")).json == {"accepted": 0, "duplicates": 1}
    assert send(world, ride("order-1", item_id="work")).json["code"] == "event_conflict"
    assert world.count("events") == world.count("lines") == 2


def test_no_device_takes_the_redemption_of_another(world: World) -> None:
    """The log of offers keeps the sender too: an id that a second kiosk used first hides nothing."""
    other = world.access.create_key("grill", ["suggest", "event"], device="kiosk-2")
    world.keys = world.keys | {"other": other}
    mine, theirs = world.suggest("offers").json, world.call("GET", "/suggestions/offers", key="other").json
    for key, reply in (("other", theirs), ("kiosk", mine)):
        event = ride("sale-1", type="redeemed", item_id="lunch", recommendation_id=reply["recommendation_id"])
        assert send(world, event, key=key).json == {"accepted": 1, "duplicates": 0}
    assert world.count("offer_outcomes") == 2
    assert world.half.service.stores.offers.usage("grill")["lunch"].spent_count == 2


# --- where -----------------------------------------------------------------------------------------------

WRONG_SPOTS: list[tuple[dict[str, Any], str]] = [
    ({"lat": 0, "lon": 0}, "without a signal"),
    ({"lat": 0.001, "lon": -0.001}, "without a signal"),
    ({"lat": 13.40, "lon": 52.52}, "change places"),
    ({"lat": 53.2, "lon": 13.40}, "more than 40 km away"),
    ({"lat": -33.9, "lon": 151.2}, "more than 40 km away"),
    ({"lat": 52.5}, "needs both"),
    ({"lon": 13.4}, "needs both"),
]


@pytest.mark.parametrize("scene", ["orders", "destinations", "offers"])
@pytest.mark.parametrize(("spot", "words"), WRONG_SPOTS)
def test_a_pickup_that_cannot_be_is_refused_by_name(
    still: World, scene: str, spot: dict[str, Any], words: str
) -> None:
    """422 in every scene; nonsense never becomes somebody's buttons."""
    token = still.token()
    reply = still.suggest(scene, token=token, **spot)
    assert (reply.status_code, reply.json["code"]) == (422, "position_refused")
    assert words in reply.json["detail"]


@pytest.mark.parametrize("spot", [{"lat": "inf", "lon": 13}, {"lat": 91, "lon": 13}, {"lat": 52, "lon": "nan"}])
def test_a_number_that_is_none_is_an_invalid_request(still: World, spot: dict[str, Any]) -> None:
    assert still.suggest("destinations", token=still.token(), **spot).json["code"] == "invalid_request"


@pytest.mark.parametrize(("spot", "words"), WRONG_SPOTS)
def test_so_is_a_ride_that_begins_or_ends_there(still: World, spot: dict[str, Any], words: str) -> None:
    """As a position, as an id that spells one, as the destination."""
    events = [ride(pickup=spot)]
    if len(spot) == 2:
        spelled = f"geo:{spot['lat']},{spot['lon']}"
        events += [ride(pickup=spelled), ride(item_id=spelled), ride(pickup={"place": spelled})]
    for event in events:
        reply = send(still, event, token=still.token())
        assert (reply.status_code, reply.json["index"]) == (422, 0)
        assert reply.json["code"] in ("position_refused", "event_incomplete")
    assert still.count("events") == 0


@pytest.mark.parametrize("text", ["geo:", "geo:here", "geo:1", "geo:nan,1", "geo:99,13", "geo:52.5,13.4,x,y"])
def test_an_id_that_spells_no_position(still: World, text: str) -> None:
    """Refused by name, as a pick-up, a destination and in a context; or read as its cell."""
    reply = send(still, ride(item_id=text), token=still.token())
    assert reply.status_code == 422 or "x,y" in text
    assert still.suggest("destinations", token=still.token(), pickup=text).status_code in (200, 422)


def test_positions_are_coarse_behind_every_door(world: World) -> None:
    """Exact ones in: as the pick-up, as an id, as the destination. No file of the state holds more than a cell."""
    token = world.token()
    exact = {"lat": 52.5162745, "lon": 13.4377042}
    spelled = f"geo:{exact['lat']},{exact['lon']}"
    sent = [ride("a", pickup=exact), ride("b", pickup=spelled), ride("c", item_id=spelled, pickup="home")]
    assert send(world, *sent, token=token).json["accepted"] == 3
    world.suggest("destinations", token=token, **exact)
    world.suggest("offers", token=token, **exact)
    content = stored(world.half.config.state)
    for piece in (b"52.51627", b"13.43770"):
        assert piece not in content
    assert geo_id(**exact).encode() in content


@given(st.floats(-80, 80), st.floats(-179.9, 179.9))
def test_a_coarse_id_stays_as_it_is(lat: float, lon: float) -> None:
    """Once coarse, always the same; never more than three decimals."""
    once = geo_id(lat, lon)
    assert coarse_id(once) == once
    assert all(len(part.split(".")[1]) == 3 for part in once.removeprefix("geo:").split(","))


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_an_area_without_places_serves_everything(lat: float, lon: float) -> None:
    ServedArea(()).check(lat, lon)


def test_an_area_of_many_places_is_as_exact_as_one_of_few() -> None:
    """Beyond 2,000 places a tree is searched: the same verdicts."""
    few = [Item(f"p{k}", "P", lat=50 + k / 1_000, lon=8.0) for k in range(100)]
    many = few * 30
    for lat, lon in ((50.0, 8.5), (50.0, 8.6), (51.0, 8.0), (8.0, 50.0)):
        verdicts = []
        for places in (few, many):
            try:
                ServedArea(places).check(lat, lon)
                verdicts.append("")
            except BadCoordinatesError as error:
                verdicts.append(str(error))
        assert verdicts[0] == verdicts[1]


def test_no_place_of_the_catalogue_lies_nowhere(still: World) -> None:
    """0,0 by PUT, in bulk and from a file."""
    place = {"item_id": "x", "name": "X", "lat": 0, "lon": 0}
    assert still.call("PUT", "/places/x", key="desk", json=place).status_code == 422
    assert still.call("POST", "/places", key="desk", json={"rows": [place]}).json["code"] == "bad_rows"


def test_a_positions_label_is_words(installation: Installation, tmp_path: Path) -> None:
    """The owner's own place: words in place of coordinates; in its id no more than the cell; a guest sees none."""
    world = installation.open(tmp_path / "state", Scenes)
    token, spot = world.token(), {"lat": 52.5162745, "lon": 13.4377042}
    events = [ride(f"r{k}", item_id=f"geo:{spot['lat']},{spot['lon']}", pickup="home") for k in range(3)]
    assert send(world, *events, token=token).status_code == 201
    found = world.suggest("destinations", token=token, pickup="home").json["items"]
    own = next(one for one in found if one["item_id"].startswith("geo:"))
    assert (own["item_id"], own["name"]) == (geo_id(**spot), "a place you went to")
    guest = world.suggest("destinations", lat=52.516, lon=13.437).json["items"]
    assert [one["item_id"] for one in guest] == ["work", "home"]
    world.close()


# --- which site ------------------------------------------------------------------------------------------


def test_a_device_of_a_site_speaks_for_no_other(world: World) -> None:
    """Events and contexts: 403 by name, and nothing is stored; its own site may be named or left out."""
    for site, status in (("north", 201), ("", 201), ("south", 403)):
        reply = world.order("cola", event_id=f"e-{site}", site=site)
        assert reply.status_code == status
        reply = world.suggest("orders", site=site)
        assert reply.status_code == (200 if status == 201 else 403)
    assert reply.json["code"] == "site_foreign"
    batch = [ride("a", site="north"), ride("b", site="south")]
    assert send(world, *batch).json["code"] == "site_foreign"
    sites = {row["site"] for row in world.half.service.database.rows("SELECT site FROM events")}
    assert (sites, world.count("events")) == ({"north"}, 2)


def test_a_key_without_a_site_names_one_that_exists(world: World) -> None:
    """One of a key, of a dish, or of an order that was imported; an unknown one is refused by name."""
    for site, status in (("north", 201), ("", 201), ("nowhere", 422)):
        reply = send(world, ride(f"r-{site}", site=site), key="desk")
        assert reply.status_code == status
    assert reply.json["code"] == "site_unknown"
    asked = world.call("GET", "/suggestions/orders", key="desk", query_string={"site": "nowhere"})
    assert (asked.status_code, asked.json["code"]) == (422, "site_unknown")
    dish = {"item_id": "tea", "name": "Tea", "price": 200, "sites": ["nowhere"]}
    world.call("PUT", "/items/tea", key="desk", json=dish)
    assert send(world, ride("r-2", site="nowhere"), key="desk").status_code == 201


# --- offers ----------------------------------------------------------------------------------------------

COLA = {"offer_id": "lunch", "name": "Cola", "text": "Free", "budget_count": 50, "redemption_cost": 100}


def test_fifty_requests_of_a_kiosk_empty_no_budget(world: World) -> None:
    """Asked for and not shown: a device holds a fifth at most, for two minutes, and others get the offer."""
    world.call("PUT", "/offers/lunch", key="desk", json=COLA)
    assert all(world.suggest("offers").json["items"] for _ in range(60))
    offers = world.half.service.stores.offers
    assert offers.usage("grill")["lunch"].reserved_count == 10
    world.keys = world.keys | {"other": world.access.create_key("grill", ["suggest"], device="kiosk-2")}
    assert world.call("GET", "/suggestions/offers", key="other").json["items"]
    world.time_us += 2 * MINUTE
    assert world.call("GET", "/suggestions/offers", key="other").json["items"]
    assert offers.usage("grill")["lunch"].reserved_count == 1


def test_a_kiosk_that_says_shown_and_shown_empties_none_either(world: World) -> None:
    """Shown to guests: a fifth of the budget for one device, for ten minutes; then it is free again."""
    world.call("PUT", "/offers/lunch", key="desk", json=COLA)
    for number in range(50):
        reply = world.suggest("offers").json
        if reply["items"]:
            event = ride(f"s{number}", type="shown", scene="offers", item_id="lunch")
            send(world, event | {"recommendation_id": reply["recommendation_id"]})
    offers = world.half.service.stores.offers
    assert offers.usage("grill")["lunch"].reserved_count == 10
    world.keys = world.keys | {"other": world.access.create_key("grill", ["suggest"], device="kiosk-2")}
    assert world.call("GET", "/suggestions/offers", key="other").json["items"]
    world.time_us += 10 * MINUTE
    assert world.suggest("offers").json["items"]


def test_what_was_shown_to_a_customer_is_kept_for_its_window(world: World) -> None:
    """A customer may come back for it: reserved from the moment it was shown."""
    world.call("PUT", "/desk/settings", key="desk", json={"holdout_share": 0.0})
    world.call("PUT", "/offers/lunch", key="desk", json=COLA | {"budget_count": 1})
    token = world.token()
    reply: dict[str, Any] = {"items": []}
    while not reply["items"]:
        reply = world.suggest("offers", token=token).json
    event = ride("s", type="shown", scene="offers", item_id="lunch", recommendation_id=reply["recommendation_id"])
    assert send(world, event, token=token).status_code == 201
    world.time_us += DAY
    assert world.suggest("offers").json["items"] == []


def test_redemptions_beyond_the_budget_cost_nothing(world: World) -> None:
    """Twelve threads redeem what was asked for long ago: a budget of five is spent and never more."""
    world.call("PUT", "/offers/lunch", key="desk", json=COLA | {"budget_count": 5, "budget_money": 500})
    asked = [world.suggest("offers").json["recommendation_id"] for _ in range(12)]
    world.time_us += 5 * MINUTE

    def redeem(number: int) -> None:
        event = ride(f"s{number}", type="redeemed", item_id="lunch", recommendation_id=asked[number])
        assert send(world, event | {"occurred_at": world.moment()}).status_code in (201, 422)

    crew = [threading.Thread(target=redeem, args=(number,)) for number in range(12)]
    for one in crew:
        one.start()
    for one in crew:
        one.join(30)
    used = world.half.service.stores.offers.usage("grill")["lunch"]
    assert used.spent_count + used.reserved_count <= 5
    assert used.spent_money <= 500


def test_a_screens_key_reads_no_budget(world: World) -> None:
    """Neither one by one nor by the page; the desk's key reads all of it."""
    world.call("PUT", "/offers/lunch", key="desk", json=COLA)
    hidden = {"budget_count", "budget_money", "redemption_cost", "cap_count", "cap_days", "never_twice"}
    for row in (world.call("GET", "/offers/lunch").json, *world.call("GET", "/offers").json["rows"]):
        assert not hidden & row.keys()
        assert row["name"] == "Cola"
    assert hidden <= world.call("GET", "/offers/lunch", key="desk").json.keys()
    said = world.suggest("offers").get_data(as_text=True)
    assert not any(name in said for name in ("budget", "cost", "margin", "spent"))


# --- by whom ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rode", "shown", "accepted", "dismissed"])
def test_a_face_alone_writes_no_ride(world: World, kind: str) -> None:
    """A photograph before a camera writes into nobody's places: what a face may not read it may not write. The
    screen sends such a ride as a guest's, and it is in nobody's history."""
    one = ride(type=kind, scene="destinations", occurred_at=world.moment())
    refused = send(world, one, token=world.token(level="face"))

    assert (refused.status_code, refused.json["code"]) == (403, "second_factor_required")
    assert world.count("events") == 0
    assert send(world, one).status_code == 201
    assert world.half.service.database.row("SELECT customer FROM events")[0] == ""
    assert send(world, one | {"event_id": "r2"}, token=world.token()).status_code == 201


def test_nor_does_it_hide_a_ride_among_orders(world: World) -> None:
    order = {"event_id": "o", "type": "ordered", "item_id": "cola", "occurred_at": world.moment()}
    batch = [order, ride(occurred_at=world.moment())]
    face = world.token(level="face")

    assert send(world, *batch, token=face).json["code"] == "second_factor_required"
    assert world.count("events") == 0
    assert send(world, order, token=face).status_code == 201
