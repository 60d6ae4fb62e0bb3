"""The pages as files: what is served, with which rules, and what must not be in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import screens
from screens.web import STATIC, build

FOLDER = Path(screens.__file__).parent
SCRIPTS = sorted((FOLDER / "static" / "js").glob("*.js"))
SOURCES = [path for path in FOLDER.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}]


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build(currency="CHF", idle_seconds=45))
    return app.test_client()


def directives(policy: str) -> dict[str, str]:
    """A policy as name -> sources."""
    return {name: sources for name, _, sources in (part.partition(" ") for part in policy.split("; "))}


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_a_page_may_use_its_own_host_and_nothing_else(client: FlaskClient, page: str) -> None:
    headers = client.get(f"/{page}").headers

    policy = directives(headers["Content-Security-Policy"])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_a_page_may_ask_for_the_camera_and_for_no_other_device(client: FlaskClient, page: str) -> None:
    allowed = client.get(f"/{page}").headers["Permissions-Policy"]

    assert "camera=(self)" in allowed
    assert "microphone=()" in allowed
    assert "geolocation=()" in allowed


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_a_page_is_never_stored(client: FlaskClient, page: str) -> None:
    reply = client.get(f"/{page}")

    assert reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_every_file_that_a_page_names_is_served(client: FlaskClient, page: str) -> None:
    html = client.get(f"/{page}").text
    named = set(re.findall(r'(?:src|href)="([^"#]+)', html))

    assert named
    assert all(name.startswith(STATIC + "/") for name in named)
    for name in named:
        with client.get(name) as reply:
            assert (name, reply.status_code) == (name, 200)


def test_every_module_that_a_module_imports_is_served(client: FlaskClient) -> None:
    imported = {name for path in SCRIPTS for name in re.findall(r'from "\./([\w.]+)"', path.read_text())}

    assert imported <= {path.name for path in SCRIPTS}
    for name in imported:
        with client.get(f"{STATIC}/js/{name}") as reply:
            assert (name, reply.mimetype) == (name, "text/javascript")


def test_the_page_carries_the_currency_and_the_time_until_it_forgets(client: FlaskClient) -> None:
    html = client.get("/kiosk").text

    assert 'data-currency="CHF"' in html
    assert 'data-idle="45"' in html


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_names_another_host(path: Path) -> None:
    hosts = set(re.findall(r"https?://([^/\"' )]+)", path.read_text()))

    assert hosts <= {"www.w3.org"}  # the name of the SVG vocabulary; nothing is fetched from it


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_turns_text_into_code_or_markup(path: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_nothing_but_the_catalogue_is_kept_in_the_browser(path: Path) -> None:
    kept = re.findall(r"(?:localStorage|sessionStorage|indexedDB|document\.cookie|caches)[^;]*", path.read_text())

    assert all("`usual-${this.kind}`" in use for use in kept)


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".html"], ids=lambda path: path.name)
def test_no_page_holds_inline_code_or_style(path: Path) -> None:
    html = path.read_text()

    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_no_purpose_and_no_age_is_ticked_beforehand(client: FlaskClient) -> None:
    html = client.get("/kiosk").text
    boxes = re.findall(r'<input type="checkbox"[^>]*>', html)

    assert len(boxes) == 4
    assert not any("checked" in box for box in boxes)


@pytest.mark.parametrize(
    ("currency", "idle"), [("euro", 60.0), ("eur", 60.0), ("EUR", 0.0), ("EUR", float("nan"))]
)
def test_settings_that_cannot_work_are_refused(currency: str, idle: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        build(currency=currency, idle_seconds=idle)


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("words", ["js/strings", "js/me/words"])
def test_the_words_beside_a_box_are_those_of_the_notice(language: str, words: str) -> None:
    """What is ticked on the screen is what the record and the receipt say."""
    (notice,) = (FOLDER.parent / "identity" / "consent" / "texts").glob(f"*/{language}.md")
    head = notice.read_text("utf-8").split("---")[1]
    texts = (FOLDER / "static" / words / f"{language}.js").read_text("utf-8")

    for purpose in ("orders", "offers", "destinations"):
        (agreed,) = re.findall(rf"^{purpose}: (.+)$", head, re.MULTILINE)
        assert f'purpose_{purpose}_text: "{agreed}"' in texts
