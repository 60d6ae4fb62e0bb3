"""What the pages of the watch may do, as headers."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from screens.web import STATIC, build


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build())
    return app.test_client()


def policy(client: FlaskClient, path: str) -> dict[str, str]:
    """The content policy of a page as name -> sources."""
    text = client.get(path).headers["Content-Security-Policy"]
    return {name: sources for name, _, sources in (part.partition(" ") for part in text.split("; "))}


@pytest.mark.parametrize("path", ["/kiosk", "/taxi", "/watch/dog"])
def test_only_a_page_of_our_own_origin_may_hold_it_in_a_frame(client: FlaskClient, path: str) -> None:
    assert policy(client, path)["frame-ancestors"] == "'self'"


@pytest.mark.parametrize("path", ["/watch", "/me"])
def test_nobody_may_hold_it_in_a_frame(client: FlaskClient, path: str) -> None:
    assert policy(client, path)["frame-ancestors"] == "'none'"


def test_the_watch_holds_pages_of_our_own_alone(client: FlaskClient) -> None:
    assert policy(client, "/watch")["frame-src"] == "'self'"
    assert "frame-src" not in policy(client, "/kiosk")


@pytest.mark.parametrize("path", ["/watch/dog", "/watch/restart"])
def test_what_leads_the_window_away_has_no_origin_and_nothing_else(client: FlaskClient, path: str) -> None:
    allowed = policy(client, path)
    headers = client.get(path).headers

    assert allowed["sandbox"] == "allow-scripts allow-top-navigation"  # no cookie, no store, no form, no window
    assert allowed["default-src"] == "'none'"
    assert headers["Cross-Origin-Opener-Policy"] == "unsafe-none"  # the window leaves the process that hangs
    assert headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=()"


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("", "/watch?"),
        ("?page=taxi&amp;x=1", "/watch?page=taxi&amp;amp;x=1"),
        ("?%22%3E//evil", "/watch?%22%3E//evil"),
    ],
)
def test_a_restart_leads_to_the_watch_and_nowhere_else(client: FlaskClient, asked: str, to: str) -> None:
    assert f'data-to="{to}"' in client.get("/watch/restart" + asked).text


def test_only_the_two_scripts_without_data_may_be_loaded_without_an_origin(client: FlaskClient) -> None:
    shared = "cross-origin"
    for path in (f"{STATIC}/js/watch/dog.js", f"{STATIC}/js/watch/restart.js", "/watch/alive"):
        with client.get(path) as reply:
            assert (path, reply.headers["Cross-Origin-Resource-Policy"]) == (path, shared)
    for path in (f"{STATIC}/js/watch/watch.js", f"{STATIC}/js/usual.js", "/watch", "/kiosk"):
        with client.get(path) as reply:
            assert (path, reply.headers["Cross-Origin-Resource-Policy"]) == (path, "same-origin")


@pytest.mark.parametrize(
    ("language", "said"), [("de", "Einen Moment"), ("ja", "少々お待ちください"), ("xx", "One moment")]
)
def test_the_watch_speaks_the_language_of_the_screen(client: FlaskClient, language: str, said: str) -> None:
    assert said in client.get(f"/watch?lang={language}").text
