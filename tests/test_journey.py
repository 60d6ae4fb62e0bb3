"""End to end with real parts: drawn people, a real network, real databases, real HTTP replies."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app import create_app
from plumbing.clock import MINUTE
from plumbing.settings import Config
from tests.journey import Place, frames_of

DISHES = [("soup", "Soup of the day", 450), ("pie", "Cheese pie", 690), ("cola", "Cola", 250), ("tea", "Tea", 220)]
PLACES = [("mill", 50.11, 8.68), ("station", 50.107, 8.66), ("harbour", 50.09, 8.70)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    """An installation with a small menu, whose thresholds were set on drawn strangers."""
    place = Place(tmp_path_factory.mktemp("home"), engine_cache)
    place.calibrate(40)
    dishes = [{"item_id": i, "name": name, "price": price} for i, name, price in DISHES]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    places = [{"item_id": i, "name": i.title(), "lat": lat, "lon": lon} for i, lat, lon in PLACES]
    assert place.send("POST", "/recommender/v1/places", {"rows": places}).status_code == 200
    return place


def event(place: Place, kind: str, item: str, *, hours_ago: float = 0.0, **more: Any) -> dict[str, Any]:
    when = datetime.fromtimestamp(place.clock() / 1e6, UTC) - timedelta(hours=hours_ago)
    fields = {"event_id": uuid.uuid4().hex, "type": kind, "item_id": item, "occurred_at": when.isoformat()}
    return fields | {"site": "mill"} | more


def order(place: Place, token: str | None, *items: str, hours_ago: float = 0.0) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    events = [event(place, "ordered", item, hours_ago=hours_ago) for item in items]
    return place.send("POST", "/recommender/v1/events", {"events": events}, **headers).status_code


def suggest(place: Place, token: str | None, scene: str = "orders", **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return place.send("GET", f"/recommender/v1/suggestions/{scene}?{asked}", **headers)


class TestAVisit:
    def test_a_customer_is_recognised_and_their_order_changes_the_next_answer_at_once(self, place: Place) -> None:
        place.enrol(0)
        token = place.recognise(0)["token"]
        first = suggest(place, token).get_json()
        assert first["fallback"] == "no_history"

        assert order(place, token, "pie") == 201
        second = suggest(place, place.recognise(0)["token"]).get_json()

        assert second["items"][0]["item_id"] == "pie"
        assert second["fallback"] in (None, "no_model")

    def test_one_call_recognises_and_suggests(self, place: Place) -> None:
        place.enrol(1)
        order(place, place.recognise(1)["token"], "tea")

        body = {"nonce": place.nonce(), "frames": frames_of(1, 70, 2), "scene": "orders", "n": 2}
        visit = place.send("POST", "/v1/visits", body).get_json()

        assert visit["decision"] == "matched"
        assert visit["suggestions"]["items"][0]["item_id"] == "tea"

    def test_a_hit_and_a_miss_of_a_visit_have_the_same_size(self, place: Place) -> None:
        place.enrol(2)
        for dish in ("tea", "pie", "soup"):
            order(place, place.recognise(2)["token"], dish)
        for n in (5, 20, 50):
            body = {"scene": "orders", "n": n}
            replies = [
                place.send("POST", "/v1/visits", body | {"nonce": place.nonce(), "frames": frames_of(who, 70, 1)})
                for who in (2, 900)
            ]

            assert [reply.get_json()["decision"] for reply in replies] == ["matched", "unknown"]
            assert len({(reply.status_code, len(reply.data)) for reply in replies}) == 1

    def test_the_same_visit_sent_twice_is_answered_twice_and_happens_once(self, place: Place) -> None:
        body = {"nonce": place.nonce(), "frames": frames_of(901, 0, 1), "scene": "orders"}

        replies = [place.send("POST", "/v1/visits", body, Idempotency_Key="visit-1") for _ in range(2)]
        other = place.send("POST", "/v1/visits", body | {"n": 3}, Idempotency_Key="visit-1")

        assert [reply.status_code for reply in replies] == [200, 200]
        assert replies[0].data == replies[1].data
        assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")

    def test_a_guest_sees_the_same_prices(self, place: Place) -> None:
        place.enrol(3)
        personal = suggest(place, place.recognise(3)["token"], n=10).get_json()["items"]
        guest = suggest(place, None, n=10).get_json()["items"]

        prices = {row["item_id"]: row["price"] for row in guest}
        assert {row["item_id"]: row["price"] for row in personal} == prices
        assert prices == {i: price for i, _, price in DISHES}


class TestATaxi:
    def test_a_face_alone_opens_no_destination_and_the_pin_does(self, place: Place) -> None:
        enrolled = place.enrol(4)
        setup = {"secret": enrolled["pin_setup"]["secret"], "pin": "4711"}
        assert place.send("PUT", f"/identity/v1/enrolments/{enrolled['receipt']}/pin", setup).status_code == 204
        token = place.recognise(4)["token"]

        refused = suggest(place, token, "destinations", pickup="mill")
        raised = place.send("POST", "/identity/v1/tokens/raise", {"token": token, "pin": "4711"}).get_json()[
            "token"
        ]
        ride = {"events": [event(place, "rode", "station", pickup="mill")]}
        place.send("POST", "/recommender/v1/events", ride, Authorization=f"Bearer {raised}")
        opened = suggest(place, raised, "destinations", pickup="mill").get_json()

        assert (refused.status_code, refused.get_json()["code"]) == (403, "second_factor_required")
        assert opened["items"][0]["item_id"] == "station"

    def test_a_visit_to_a_taxi_says_that_a_pin_would_open_more_and_shows_nothing_personal(
        self, place: Place
    ) -> None:
        place.enrol(5)
        body = {"nonce": place.nonce(), "frames": frames_of(5, 70, 1), "scene": "destinations"}

        visit = place.send("POST", "/v1/visits", body).get_json()

        assert visit["decision"] == "matched"
        assert visit["second_factor_required"]
        assert visit["suggestions"]["fallback"] == "second_factor_required"


class TestWithoutAFace:
    """Code and PIN in place of a face: the same token, the same suggestions, one size."""

    def with_pin(self, place: Place, person: int) -> str:
        enrolled = place.enrol(person)
        setup = {"secret": enrolled["pin_setup"]["secret"], "pin": "4711"}
        assert place.send("PUT", f"/identity/v1/enrolments/{enrolled['receipt']}/pin", setup).status_code == 204
        return str(enrolled["receipt"])

    def test_a_visit_by_code_suggests_what_a_visit_by_face_and_pin_does(self, place: Place) -> None:
        receipt = self.with_pin(place, 21)
        body = {"receipt": receipt, "pin": "4711", "scene": "destinations", "context": {"pickup": "mill"}}
        token = place.send("POST", "/v1/visits/by-code", body).get_json()["token"]
        ride = {"events": [event(place, "rode", "station", pickup="mill")]}
        assert (
            place.send("POST", "/recommender/v1/events", ride, Authorization=f"Bearer {token}").status_code == 201
        )

        visit = place.send("POST", "/v1/visits/by-code", body).get_json()

        assert (visit["decision"], visit["second_factor_required"]) == ("matched", False)
        assert visit["suggestions"]["items"][0]["item_id"] == "station"
        assert place.send("POST", "/identity/v1/recognitions/by-code", {"receipt": receipt, "pin": "4711"}).data
        by_face = {"nonce": place.nonce(), "frames": frames_of(21, 70, 1), "scene": "orders"}
        sizes = {
            len(place.send("POST", path, sent).data)
            for path, sent in (("/v1/visits", by_face), ("/v1/visits/by-code", body | {"scene": "orders"}))
        }
        assert len(sizes) == 1

    def test_a_wrong_pin_and_a_code_of_nobody_get_one_answer_and_no_suggestions(self, place: Place) -> None:
        receipt = self.with_pin(place, 22)
        wrong = [
            place.send("POST", path, {"receipt": code, "pin": "0000"} | more)
            for path, more in (
                ("/v1/visits/by-code", {"scene": "orders"}),
                ("/identity/v1/recognitions/by-code", {}),
            )
            for code in (receipt, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")
        ]

        assert {(reply.status_code, reply.get_json()["code"]) for reply in wrong} == {(403, "code_or_pin_wrong")}
        assert len({len(reply.data) for reply in wrong}) == 1
        assert not any("suggestions" in reply.get_json() for reply in wrong)


class TestForgetting:
    def test_who_opts_out_is_a_guest_the_same_second_and_nothing_brings_them_back(self, place: Place) -> None:
        receipt = place.enrol(6)["receipt"]
        token = place.recognise(6)["token"]
        assert order(place, token, "soup") == 201

        gone = place.send("DELETE", f"/identity/v1/enrolments/{receipt}")

        said = gone.get_json()
        assert (said["forgotten"], said["everywhere"]) == (True, True)
        assert place.recognise(6)["token"] is None
        assert suggest(place, token).get_json()["code"] == "erased"
        assert order(place, token, "soup") == 410

    def test_opting_out_works_by_face(self, place: Place) -> None:
        place.enrol(7)

        body = {"nonce": place.nonce(), "frames": frames_of(7, 80, 2)}
        gone = place.send("POST", "/identity/v1/opt-outs", body).get_json()

        assert gone["decision"] == "forgotten"
        assert place.recognise(7)["decision"] == "unknown"

    def test_a_customer_of_one_tenant_is_a_stranger_at_another(self, place: Place) -> None:
        place.enrol(8)
        key = place.access.create_key("cab", ["identify", "suggest"], device="till-1")
        nonce = place.send("POST", "/identity/v1/presses", {}, key=key).get_json()["nonce"]

        seen = place.send(
            "POST", "/identity/v1/recognitions", {"nonce": nonce, "frames": frames_of(8, 50, 1)}, key=key
        )

        assert seen.get_json()["decision"] == "unknown"

    def test_a_token_of_one_tenant_or_device_opens_nothing_on_another(self, place: Place) -> None:
        place.enrol(9)
        token = place.recognise(9)["token"]

        for tenant, device in (("cab", "till-1"), ("mill", "till-2")):
            key = place.access.create_key(tenant, ["suggest"], device=device)
            reply = place.send(
                "GET", "/recommender/v1/suggestions/orders", key=key, Authorization=f"Bearer {token}"
            )
            assert (reply.status_code, reply.get_json()["code"]) == (403, "token_foreign")

    def test_a_token_ends_after_ten_minutes(self, place: Place) -> None:
        place.enrol(10)
        token = place.recognise(10)["token"]
        place.clock.ahead_us += 11 * MINUTE

        assert suggest(place, token).get_json()["code"] == "token_expired"


def test_the_halves_run_as_two_processes_and_an_opt_out_crosses_by_http(
    tmp_path: Path, engine_cache: Path, place: Place
) -> None:
    recommender = create_app(Config(home=tmp_path, cache=engine_cache, only="recommender"))
    access = recommender.extensions["usual"]["access"]
    server = make_server("127.0.0.1", 0, recommender)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        other = Config(
            home=tmp_path,
            cache=engine_cache,
            only="identity",
            recommender_url=f"http://127.0.0.1:{server.server_port}",
            recommender_key=access.create_key("mill", ["privacy"]),
        )
        identity = Place(tmp_path, engine_cache, config=other)
        _copy_calibration(place, identity)
        receipt = identity.enrol(0)["receipt"]
        token = identity.recognise(0)["token"]
        ask = {
            "X-API-Key": access.create_key("mill", ["suggest"], device="till-1"),
            "Authorization": f"Bearer {token}",
        }
        client = recommender.test_client()
        before = client.get("/recommender/v1/suggestions/orders", headers=ask)

        gone = identity.send("DELETE", f"/identity/v1/enrolments/{receipt}").get_json()
        after = client.get("/recommender/v1/suggestions/orders", headers=ask)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (before.status_code, after.get_json()["code"]) == (200, "erased")
    assert (gone["forgotten"], gone["everywhere"], gone["erasure"]["closed"]) == (True, True, True)
    assert {"store": "recommender.db", "state": "erased"} in gone["erasure"]["stores"]


def _copy_calibration(source: Place, target: Place) -> None:
    """Numbers made from scores: they may travel, and calibrating twice would take the time of a test."""
    pack = source.identity.service.engine.pack.id
    tail = source.identity.stores.thresholds.tail("mill", pack, "single")
    numbers = json.loads(json.dumps(tail))
    target.identity.stores.thresholds.keep_tail("mill", pack, "single", numbers, people=40, now_us=0)
