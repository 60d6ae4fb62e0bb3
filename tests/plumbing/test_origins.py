"""Pages of other hosts: nobody by default, what a screen does for those that the setting names, and no cookie."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from app import create_app
from plumbing.access.access import Access
from plumbing.clock import DAY
from plumbing.gate.gate import Gate
from plumbing.settings import Config, WrongSetting
from tests.journey import Clock
from tests.plumbing.gate.test_gate import Exchange
from tests.plumbing.gate.test_head import Head

OWN = "http://127.0.0.1:8090"
NEEDED = "/recommender/v1/suggestions/orders"
ALLOWED = "Access-Control-Allow-Origin"


@dataclass
class House:
    """The recommender's half, which lets in pages of OWN and of one more host."""

    home: Path
    origins: str | None = f"https://Kiosk.example/, {OWN}"
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.app = create_app(Config(home=self.home, only="recommender", origins=self.origins), now_us=self.clock)
        self.access: Access = self.app.extensions["usual"]["access"]
        self.browser: FlaskClient = self.app.test_client()

    def asks(self, method: str, path: str, origin: str = OWN) -> TestResponse:
        """What a browser asks before the request of a page."""
        headers = {"Origin": origin, "Access-Control-Request-Method": method}
        return self.browser.options(path, headers=headers)

    def paired(self) -> str:
        """The key of a page of one's own, as the page gets it."""
        code = self.access.create_pairing("mill", "own", device="window", site="mill")
        reply = self.browser.post("/v1/pairings", json={"code": code}, headers={"Origin": OWN})
        assert (reply.get_json()["page"], reply.headers[ALLOWED]) == ("own", OWN)
        assert "Set-Cookie" not in reply.headers
        return str(reply.get_json()["key"])


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("path", [NEEDED, "/health/live", "/clients/1/usual.js"])
def test_without_the_setting_no_page_of_another_host_reads_anything(tmp_path: Path, path: str) -> None:
    house = House(tmp_path, origins=None)

    assert ALLOWED not in house.asks("GET", path).headers
    assert ALLOWED not in house.browser.get(path, headers={"Origin": OWN}).headers


@pytest.mark.parametrize("origin", [OWN, "https://kiosk.example"])
@pytest.mark.parametrize("path", ["/recommender/v1/events", "/v1/pairings"])
def test_a_page_that_is_named_may_send_what_a_screen_sends(house: House, origin: str, path: str) -> None:
    asked = house.asks("POST", path, origin)

    assert (asked.headers[ALLOWED], asked.headers["Vary"]) == (origin, "Origin")
    assert "X-API-Key" in asked.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked.headers


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8091", "https://kiosk.example.evil.example", "http://kiosk.example", "null", "*"]
)
def test_any_other_page_gets_no_answer_that_it_can_read(house: House, origin: str) -> None:
    assert ALLOWED not in house.asks("GET", NEEDED, origin).headers
    assert ALLOWED not in house.browser.get(NEEDED, headers={"Origin": origin}).headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/desk/v1/sessions"),
        ("POST", "/recommender/v1/items"),
        ("GET", "/recommender/v1/me"),
        ("GET", "/metrics"),
        ("GET", "/marketing"),
        ("GET", "/nowhere"),
    ],
)
def test_the_desk_and_a_customers_own_page_are_closed_to_them(house: House, method: str, path: str) -> None:
    assert ALLOWED not in house.asks(method, path).headers
    assert ALLOWED not in house.browser.open(path, method=method, json={}, headers={"Origin": OWN}).headers


def test_a_page_reads_why_it_is_refused_also_when_the_gate_refuses(house: House) -> None:
    refused = house.browser.get(NEEDED, headers={"Origin": OWN})
    gate = Gate(house.app, house.access, CollectorRegistry(), threads=1)
    for origin, read in ((OWN, OWN), ("https://evil.example", None)):
        exchange = Exchange()
        asyncio.run(gate.__rsgi__(Head(method="GET", path=NEEDED, rows=[("origin", origin)]), exchange))
        assert (exchange.status, exchange.headers.get(ALLOWED.lower())) == (401, read)
    gate.close()

    assert (refused.status_code, refused.headers[ALLOWED]) == (401, OWN)
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]


def test_the_cookie_of_a_screen_opens_nothing_for_a_page_of_another_host(house: House) -> None:
    code = house.access.create_pairing("mill", "kiosk", site="mill")
    house.browser.post("/v1/pairings", json={"code": code})
    sent = {"X-Usual-Page": "kiosk", "Origin": OWN, "Sec-Fetch-Site": "cross-site"}

    refused = house.browser.post("/recommender/v1/events", json={"events": []}, headers=sent)

    assert refused.get_json()["code"] == "foreign_page"
    assert (
        "X-Usual-Page" not in house.asks("POST", "/recommender/v1/events").headers["Access-Control-Allow-Headers"]
    )


def test_the_key_of_a_page_of_ones_own_lives_as_a_screens_and_ends_by_itself_or_by_revoking(house: House) -> None:
    """Thirty days from each day of use; the page itself ends it by logging out."""
    key = house.paired()

    def status() -> int:
        return house.browser.get(NEEDED, headers={"X-API-Key": key}).status_code

    used = []
    for _ in range(3):
        house.clock.ahead_us += 20 * DAY
        used.append(status())
    [row] = [row for row in house.access.keys("mill") if row["device"] == "window"]
    house.clock.ahead_us += 31 * DAY

    assert used == [200, 200, 200]
    assert set(str(row["scopes"]).split()) == {"identify", "enrol", "suggest", "event"}
    assert status() == 401
    key = house.paired()
    assert house.browser.delete("/v1/pairings", headers={"X-API-Key": key}).status_code == 204
    assert status() == 401


@pytest.mark.parametrize(
    "wrong", ["*", "null", "kiosk.example", "https://kiosk.example/page", "https://a.example b"]
)
def test_a_setting_that_is_no_origin_is_refused_by_name(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_ORIGINS", wrong)
    with pytest.raises(WrongSetting, match=r"USUAL_ORIGINS: .* is no origin such as"):
        Config.from_environment()
