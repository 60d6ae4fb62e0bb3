"""The halves as two processes with a state folder each: what crosses, and what is believed when nothing does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from app import create_app
from identity.customers.leaving.erasure import OtherPlaces
from plumbing import handover
from plumbing.clock import SECOND, monotonic_us
from plumbing.handover import Heartbeat
from plumbing.openapi import new_app
from plumbing.settings import Config
from recommender.web.half import RecommenderHalf
from tests.identity.halves import KIOSK, World
from tests.plumbing.liars import as_json, http, peer


class Apart:
    """A recommender behind a real port, and identity with a folder of its own; `token.key` is copied."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / "identity").mkdir()
        (folder / "recommender").mkdir()
        self.identity = World(folder / "identity")
        (folder / "recommender" / "token.key").write_bytes(self.identity.half.config.token_keys[0] + b"\n")
        self.port_of_identity = _serve(stack, self._identity_app())
        config = Config(
            home=folder / "recommender",
            only="recommender",
            identity_url=f"http://127.0.0.1:{self.port_of_identity}",
        )
        self.app = create_app(config, now_us=self.identity.clock)
        self.half: RecommenderHalf = self.app.extensions["usual"]["recommender"]
        self.access = self.app.extensions["usual"]["access"]
        self.port = _serve(stack, self.app)
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = self.access.create_key("south", ("privacy",))  # of another tenant than the customer's
        self.till = self.access.create_key("north", ("suggest", "event"), device=KIOSK.name)
        self.client = self.app.test_client()
        stack.callback(self.close)

    def _identity_app(self) -> Any:
        made = new_app("identity", "One half.")
        made.register_api(self.identity.half.blueprint)
        return made

    def close(self) -> None:
        for part in self.app.extensions["usual_open"]:
            part.close()
        self.identity.close()

    def hands_over_to(self, url: str | None) -> None:
        keys = self.identity.half.config.token_keys
        places: OtherPlaces = self.identity.service.erasures._places
        object.__setattr__(places, "forget_elsewhere", handover.erasures(url, self.key, keys))

    def unplug_identity(self) -> None:
        """Identity cannot be asked; only its signs of life tell the recommender anything."""
        self.half.service.in_flight._pull = None

    def suggest(self, token: str) -> TestResponse:
        headers = {"X-API-Key": self.till, "Authorization": f"Bearer {token}"}
        return self.client.get("/recommender/v1/suggestions/orders", headers=headers)

    def order(self, token: str, number: str) -> TestResponse:
        headers = {"X-API-Key": self.till, "Authorization": f"Bearer {token}"}
        event = {
            "event_id": number,
            "type": "ordered",
            "occurred_at": "2024-10-04T00:00:00+00:00",
            "items": [{"item_id": "soup", "quantity": 1}],
        }
        return self.client.post("/recommender/v1/events", headers=headers, json={"events": [event]})


def _serve(stack: ExitStack, application: Any) -> int:
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def stop() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    stack.callback(stop)
    return int(server.server_port)


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    with ExitStack() as stack:
        yield Apart(tmp_path, stack)


def fallback(answer: TestResponse) -> object:
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["fallback"]


def test_an_opt_out_is_confirmed_through_a_key_of_another_tenant(apart: Apart) -> None:
    apart.hands_over_to(apart.url)
    made = apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""
    assert fallback(apart.suggest(token)) == "no_history"

    receipt = apart.identity.service.opt_out(KIOSK, made.receipt)

    assert receipt.everywhere
    assert dict(receipt.stores)["recommender.db"] == "erased"
    assert apart.suggest(token).get_json()["code"] == "erased"
    assert apart.order(token, "late").get_json()["code"] == "erased"
    assert apart.identity.half.vault.keys.counts()["erasures"] == 0


LIARS: dict[str, Callable[[bytes], bytes | None]] = {
    "a page": lambda _: http(b"<html>ok</html>"),
    "302": lambda _: http(b"", "302 Found", "Location: /"),
    "nothing": lambda _: None,
    "garbage": lambda _: b"\0" * 99,
    "JSON": lambda _: as_json({"erased": True, "events": 3}),
}


@pytest.mark.parametrize("lie", LIARS)
def test_a_peer_that_lies_erases_nothing_and_the_token_is_closed_all_the_same(apart: Apart, lie: str) -> None:
    made = apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""
    with peer(LIARS[lie]) as (url, _):
        apart.hands_over_to(url)
        receipt = apart.identity.service.opt_out(KIOSK, made.receipt)

    assert not receipt.everywhere
    assert apart.identity.half.vault.keys.counts()["erasures"] == 1
    assert apart.suggest(token).get_json()["code"] == "erased"  # the recommender asked identity
    assert apart.order(token, "late").get_json()["code"] == "erased"
    apart.hands_over_to(apart.url)
    assert apart.identity.service.erasures.finish_all() == 0
    assert apart.identity.service.erasures.receipts.all()[0].everywhere


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
def test_without_an_address_or_an_answer_the_token_is_closed_too(apart: Apart, url: str | None) -> None:
    made = apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""
    apart.hands_over_to(url)

    assert not apart.identity.service.opt_out(KIOSK, made.receipt).everywhere

    assert apart.suggest(token).get_json()["code"] == "erased"


def test_a_recommender_that_heard_nothing_serves_guests_and_takes_no_event(
    apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart.unplug_identity()
    apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""

    assert fallback(apart.suggest(token)) == "identity_silent"
    refused = apart.order(token, "early")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "identity_silent")
    assert refused.headers["Retry-After"] == "1"

    heart = Heartbeat(apart.url, apart.identity.half.config.token_keys, apart.identity.half.closed)
    heart.beat()
    assert fallback(apart.suggest(token)) == "no_history"
    now = monotonic_us()
    monkeypatch.setattr("recommender.in_flight.monotonic_us", lambda: now + 5 * SECOND)
    assert fallback(apart.suggest(token)) == "identity_silent"


def test_a_sign_of_life_closes_the_token_where_identity_cannot_be_asked(apart: Apart) -> None:
    apart.unplug_identity()
    heart = Heartbeat(apart.url, apart.identity.half.config.token_keys, apart.identity.half.closed)
    heart.beat()
    made = apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""
    assert fallback(apart.suggest(token)) == "no_history"
    apart.hands_over_to(None)

    apart.identity.service.opt_out(KIOSK, made.receipt)
    heart.beat()

    assert apart.suggest(token).get_json()["code"] == "erased"


def test_messages_between_the_halves_are_refused_without_their_signature(apart: Apart) -> None:
    beat = {"challenge": "", "asks": "", "entries": "", "signature": "0" * 64}
    asked = {"challenge": "", "tenant": "north", "marks": {}, "signature": "0" * 64}
    query = "challenge=&have=&signature=" + "0" * 64
    identity = apart._identity_app().test_client()
    answers = [
        apart.client.post(handover.HEARTBEATS, json=beat),
        apart.client.post(handover.WAITING, json=asked),
        identity.get(f"{handover.OPT_OUTS}?{query}"),
    ]

    assert [(answer.status_code, answer.get_json()["code"]) for answer in answers] == [(401, "peer_unknown")] * 3
    description = json.dumps(apart.client.get("/openapi.json").get_json())
    assert urlsplit(handover.HEARTBEATS).path not in description


def test_a_line_to_identity_that_lies_makes_guests(apart: Apart) -> None:
    apart.identity.enrol(1)
    token = apart.identity.recognise(1).token or ""
    for lie in LIARS.values():
        with peer(lie) as (url, _):
            pull = handover.Pull(url, apart.identity.half.config.token_keys, apart.half.service.in_flight.closed)
            apart.half.service.in_flight._pull = pull
            apart.half.service.in_flight._asked = (0.0, False)
            assert fallback(apart.suggest(token)) == "identity_silent"
