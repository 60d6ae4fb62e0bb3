"""Who reaches the helper, what it hands on, and what it keeps to itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doorway.kiosk_helper.command import CONNECTIONS
from doorway.kiosk_helper.web import LOOK_SIZE, LOOKS, PASSED_ON, most_bytes
from plumbing.demands import SMALL
from tests.conftest import ROOT
from tests.doorway.kiosk_helper.helped import OWN, PORT, Helped
from tests.identity.halves import World, b64, pictures


@pytest.fixture
def helped(tmp_path: Path) -> Iterator[Helped]:
    world = World(tmp_path / "house")
    yield Helped(world, tmp_path / "kiosk")
    world.close()


@pytest.mark.parametrize(
    "path", ["/kiosk", "/identity/v1/notice", "/v1/screen", "/", "/screens/worker.js?page=kiosk"]
)
def test_a_name_that_only_leads_here_is_refused(helped: Helped, path: str) -> None:
    """DNS rebinding: a site's own name is made to lead to 127.0.0.1."""
    for host in ("http://rebound.example:8020", "http://127.0.0.1:8021", "http://127.0.0.1.rebound.example:8020"):
        refused = helped.ask("GET", path, at=host)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "not_this_address")
    assert helped.line.heard == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": f"https://127.0.0.1:{PORT}"},
        {"Origin": OWN, "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_site_reaches_nothing(helped: Helped, headers: dict[str, str]) -> None:
    sent: dict[str, Any] = {"nonce": "x", "purpose": "recognise", "frames": b64(pictures(1, 1))}
    for method, path, body in (
        ("POST", "/identity/v1/presses", {}),
        ("POST", LOOKS, sent),
        ("POST", "/v1/pairings", {"code": "x"}),
        ("GET", "/identity/v1/notice", None),
    ):
        refused = helped.ask(method, path, body, **headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "foreign_page"), path
    assert helped.line.heard == []
    assert helped.engine.detections == 0


def test_pages_and_their_files_are_the_helpers_own(helped: Helped) -> None:
    first = helped.ask("GET", "/?site=harbour&lat=54.4")
    page = helped.ask("GET", "/taxi")

    assert (first.status_code, first.headers["Location"]) == (302, "/kiosk?site=harbour&lat=54.4")
    assert page.status_code == 200
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    assert helped.ask("GET", re.findall(r'src="(/screens/static/[^"]+)"', page.text)[0]).status_code == 200
    assert helped.ask("GET", "/watch/alive", Origin="null", Sec_Fetch_Site="cross-site").status_code == 204
    assert [helped.ask("GET", path).status_code for path in ("/driver", "/me", "/screens/engine")] == [404] * 3
    assert helped.line.heard == []


def test_only_what_a_screen_needs_goes_through(helped: Helped) -> None:
    for method, path in (
        ("GET", "/metrics"),
        ("POST", "/desk/v1/sessions"),
        ("PUT", "/v1/device-key"),
        ("DELETE", "/v1/pairings"),
        ("POST", "/recommender/v1/items"),
        ("GET", "/identity/v1/../../desk"),
        ("GET", "/images/../desk/v1/operations"),
        ("GET", "/images/%2e%2e/metrics"),
        ("GET", "/recommender/v1/items/../similar"),
    ):
        assert helped.ask(method, path).status_code in (404, 405), path
    assert helped.line.heard == []


def test_it_passes_on_what_the_pages_ask_for() -> None:
    """As usual.js calls it; what is left out belongs to other pages, or is done by the helper."""
    source = (ROOT / "screens" / "static" / "js" / "usual.js").read_text()
    calls = set(re.findall(r'this\.call\("(\w+)", [`"](/[^`"]*)', source))
    asked = {(method, re.sub(r"\$\{[^}]*\}", "<>", path)) for method, path in calls}
    given = {(method, re.sub(r"<[^>]*>", "<>", rule)) for method, rule in PASSED_ON}
    elsewhere = {pair for pair in asked if pair[1].startswith("/v1/driver/ride") or pair[1] == "/v1/pairings"}

    assert asked - given - elsewhere == {("PUT", "/v1/device-key"), ("GET", "/recommender/v1/<>")}
    assert {("GET", f"/recommender/v1/{kind}") for kind in ("items", "places", "offers")} <= given
    assert given - asked <= {
        ("GET", "/policy"),
        ("GET", "/images/<>"),
        *[("GET", f"/recommender/v1/{kind}") for kind in ("items", "places", "offers")],
    }


def test_a_page_never_gets_a_key(helped: Helped) -> None:
    replies = [
        helped.ask("GET", "/kiosk"),
        helped.ask("GET", "/identity/v1/notice"),
        helped.ask("POST", "/identity/v1/presses", {}),
        helped.look(pictures(1)),
        helped.ask("POST", "/v1/visits", {}),
    ]

    assert not any(helped.key in reply.text or "Set-Cookie" in reply.headers for reply in replies)
    assert all(headers["Cookie"] == f"usual_kiosk={helped.key}" for headers in helped.line.headers)


def test_a_cookie_or_key_of_the_page_is_not_passed_on(helped: Helped) -> None:
    helped.ask("GET", "/identity/v1/notice", Cookie="usual_kiosk=other", X_API_Key="other", X_Usual_Page="desk")

    [sent] = helped.line.headers
    assert sent["X-Usual-Page"] == "kiosk"
    assert "other" not in json.dumps(dict(sent))


def test_without_a_line_a_page_hears_that_nobody_answers(helped: Helped) -> None:
    """So that it goes on as a screen without a line does: guests are served, orders wait."""
    helped.line.away = True
    replies = [helped.ask("GET", "/identity/v1/notice"), helped.ask("POST", "/identity/v1/presses", {})]
    assert [(one.status_code, one.headers["X-Usual-Away"]) for one in replies] == [(503, "1")] * 2
    helped.line.away = False
    assert "X-Usual-Away" not in helped.ask("GET", "/identity/v1/notice").headers

    away, back = helped.said
    assert away.startswith("The house does not answer: https://usual.example")
    assert back == "The house answers again."
    source = (ROOT / "screens" / "static" / "js" / "usual.js").read_text()
    assert 'AWAY = "X-Usual-Away"' in source


def test_a_key_that_was_revoked_in_the_middle_is_said_once_and_the_page_asks_for_a_code(helped: Helped) -> None:
    helped.press()
    [row] = helped.world.access.keys("north")
    helped.world.access.revoke_key("north", str(row["key_id"]))
    refused = [helped.ask("GET", "/identity/v1/notice") for _ in range(2)]

    assert [(one.status_code, one.get_json()["code"]) for one in refused] == [(401, "key_refused")] * 2
    assert helped.said == ["The house does not know this device any more: pair it again."]


def test_a_clock_that_is_an_hour_off_is_said_and_changes_nothing(helped: Helped) -> None:
    from doorway.kiosk_helper.line import Answer

    date = "Mon, 02 Mar 2026 10:00:00 GMT"
    helped.world.clock.now = 1_772_445_600_000_000 + 3_600_000_000
    helped.house.look_at_clock(Answer(200, (("Date", date),), b""))
    helped.world.clock.now -= 3_600_000_000
    helped.house.look_at_clock(Answer(200, (("Date", date),), b""))
    helped.house.look_at_clock(Answer(200, (), b""))

    assert helped.said == ["This machine's clock is 60 minutes ahead of the house's: set it."]


def test_a_body_is_limited_by_its_address_before_it_is_read() -> None:
    """waitress asks for the limit when the head is there: 32 connections hold less than 200 MB."""
    assert CONNECTIONS * most_bytes(LOOKS) < 200 * 2**20
    assert [most_bytes(path) for path in (LOOKS, "/v1/visits", f"/{LOOKS}", f"{LOOKS}/")] == [
        LOOK_SIZE.most_bytes,
        *[SMALL.most_bytes] * 3,
    ]


def test_a_problem_names_a_page_that_is_here(helped: Helped) -> None:
    """Also without a line; of the helper's own codes and of the house's."""
    helped.line.away = True
    named = helped.ask("POST", "/identity/v1/presses", {}).get_json()["type"]
    shown = helped.ask("GET", named, Accept="text/html")

    assert named == "/docs/errors/house_away"
    assert (shown.status_code, "The house does not answer" in shown.text) == (200, True)
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert helped.ask("GET", "/docs/errors/press_expired").get_json()["code"] == "press_expired"
    assert helped.ask("GET", "/docs/errors/none").status_code == 404
    assert helped.line.heard == []
