"""Pairing a screen: wrong codes, the life of its cookie, TLS in front, logging out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from plumbing.access.access import PAGES, Access
from plumbing.clock import DAY
from plumbing.settings import Config
from tests.journey import Clock

PAGE = {"X-Usual-Page": "kiosk"}
NEEDED = "/recommender/v1/suggestions/orders"


@dataclass
class Desk:
    """The recommender's half and a browser."""

    home: Path
    trusted: str | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        config = Config(home=self.home, only="recommender", trusted_proxies=self.trusted)
        self.app = create_app(config, now_us=self.clock)
        self.access: Access = self.app.extensions["usual"]["access"]
        self.browser: FlaskClient = self.app.test_client()

    def pair(self, **headers: str) -> TestResponse:
        """Spend a new code."""
        code = self.access.create_pairing("mill", "kiosk", device="desk")
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.browser.post("/v1/pairings", json={"code": code}, headers=sent)

    def suggestions(self, **headers: str) -> TestResponse:
        """A call that needs the paired key."""
        sent = PAGE | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.browser.get(NEEDED, headers=sent)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_an_earlier_release_paired_as_the_marketers_page_opens_nothing(desk: Desk) -> None:
    old = desk.access.create_key("mill", ["train"], device="desk")
    desk.browser.set_cookie("usual_marketing", old)
    desk.browser.set_cookie("usual_desk", old)
    for page in ("marketing", "desk"):
        reply = desk.browser.get("/recommender/v1/models", headers={"X-Usual-Page": page})
        assert (reply.status_code, reply.get_json()["code"]) in ((401, "key_refused"), (401, "session_ended"))


def test_a_link_of_a_page_that_is_no_more_pairs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGES, "marketing", ("train",))
    code = desk.access.create_pairing("mill", "marketing")
    monkeypatch.delitem(PAGES, "marketing")

    assert desk.browser.post("/v1/pairings", json={"code": code}).get_json()["code"] == "pairing_refused"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_foreign_page_changes_nothing_with_the_cookie_of_a_screen(desk: Desk, site: str) -> None:
    desk.pair()
    reply = desk.browser.delete("/v1/pairings", headers=PAGE | {"Sec-Fetch-Site": site})

    assert (reply.status_code, reply.get_json()["code"]) == (403, "foreign_page")
    assert desk.suggestions().status_code == 200


def test_wrong_codes_of_one_address_keep_no_screen_from_pairing(desk: Desk) -> None:
    wrong = [desk.browser.post("/v1/pairings", json={"code": f"guess-number-{n}"}) for n in range(30)]

    assert [reply.status_code for reply in wrong] == [403] * 20 + [429] * 10
    assert "Retry-After" in wrong[-1].headers
    assert desk.pair().status_code == 200


def test_a_cookie_lives_thirty_days_and_each_day_of_use_begins_them_again(desk: Desk) -> None:
    first = desk.pair().headers["Set-Cookie"]
    same_day = desk.suggestions()
    renewed = []
    for _ in range(4):
        desk.clock.ahead_us += 20 * DAY
        renewed.append(desk.suggestions())
    desk.clock.ahead_us += 31 * DAY

    assert f"Max-Age={30 * 86_400}" in first
    assert "Set-Cookie" not in same_day.headers
    assert [reply.status_code for reply in renewed] == [200] * 4
    assert all(f"Max-Age={30 * 86_400}" in reply.headers["Set-Cookie"] for reply in renewed)
    assert desk.suggestions().status_code == 401


def test_a_pairing_from_before_with_a_year_left_is_shortened_when_it_is_used(desk: Desk) -> None:
    old = desk.access.create_key("mill", ["suggest"], device="desk", days=365)
    desk.browser.set_cookie("usual_kiosk", old)
    assert desk.suggestions().status_code == 200

    desk.clock.ahead_us += 31 * DAY

    assert desk.suggestions().status_code == 401


def test_a_key_in_the_header_is_never_renewed(desk: Desk) -> None:
    key = desk.access.create_key("mill", ["suggest"], days=90)

    reply = desk.browser.get(NEEDED, headers={"X-API-Key": key})

    desk.clock.ahead_us += 60 * DAY
    assert "Set-Cookie" not in reply.headers
    assert desk.browser.get(NEEDED, headers={"X-API-Key": key}).status_code == 200


def test_behind_a_trusted_proxy_with_tls_a_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    desk = Desk(tmp_path, trusted="127.0.0.1")

    cookies = desk.pair(X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9").headers.getlist("Set-Cookie")

    made = next(cookie for cookie in cookies if cookie.startswith("__Host-usual_kiosk=usual-k1"))
    assert "Secure" in made
    assert "Path=/" in made
    assert "Domain" not in made
    key = re.sub(r"^[^=]+=([^;]+);.*$", r"\1", made)
    assert desk.suggestions(Cookie=f"__Host-usual_kiosk={key}").status_code == 200


def test_without_the_setting_nobody_is_believed(desk: Desk) -> None:
    cookie = desk.pair(X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9").headers["Set-Cookie"]

    assert "Secure" not in cookie
    assert cookie.startswith("usual_kiosk=")


def test_wrong_codes_are_counted_for_the_clients_address_and_not_for_the_proxys(tmp_path: Path) -> None:
    desk = Desk(tmp_path, trusted="1")

    def guess(address: str) -> int:
        sent = {"X-Forwarded-For": address}
        return desk.browser.post("/v1/pairings", json={"code": "guess-a-code"}, headers=sent).status_code

    assert [guess("203.0.113.9") for _ in range(21)][-1] == 429
    assert guess("203.0.113.10") == 403


def test_all_addresses_of_one_ipv6_network_are_one_client(tmp_path: Path) -> None:
    desk = Desk(tmp_path, trusted="1")

    def guess(address: str) -> int:
        sent = {"X-Forwarded-For": address}
        return desk.browser.post("/v1/pairings", json={"code": "guess-a-code"}, headers=sent).status_code

    assert [guess(f"2001:db8:1:2::{n:x}") for n in range(21)][-1] == 429
    assert guess("2001:db8:1:3::1") == 403


def test_logging_out_ends_the_key_and_takes_the_cookie_away(desk: Desk) -> None:
    key = desk.pair().headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    out = desk.browser.delete("/v1/pairings", headers=PAGE)

    assert out.status_code == 204
    assert any("usual_kiosk=;" in cookie for cookie in out.headers.getlist("Set-Cookie"))
    assert desk.suggestions().status_code == 401
    assert desk.browser.get(NEEDED, headers={"X-API-Key": key}).status_code == 401
    assert desk.browser.delete("/v1/pairings", headers=PAGE).status_code == 401


def test_a_servers_key_is_not_ended_by_logging_out(desk: Desk) -> None:
    key = desk.access.create_key("mill", ["suggest"])

    reply = desk.browser.delete("/v1/pairings", headers={"X-API-Key": key})

    assert (reply.status_code, reply.get_json()["code"]) == (409, "not_paired")
    assert desk.browser.get(NEEDED, headers={"X-API-Key": key}).status_code == 200
