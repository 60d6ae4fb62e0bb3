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
SCRIPTS = sorted((FOLDER / "static" / "js").rglob("*.js"))

SOURCES = [path for path in FOLDER.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}]


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build())
    return app.test_client()


def directives(policy: str) -> dict[str, str]:
    """A policy as name -> sources."""
    return {name: sources for name, _, sources in (part.partition(" ") for part in policy.split("; "))}


@pytest.mark.parametrize("page", ["kiosk", "taxi", "driver"])
def test_a_page_may_use_its_own_host_and_nothing_else(client: FlaskClient, page: str) -> None:
    headers = client.get(f"/{page}").headers

    policy = directives(headers["Content-Security-Policy"])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["form-action"] == policy["base-uri"] == "'none'"
    # The watch holds kiosk and taxi (tests/screens/test_watch.py), and nobody the driver's screen.
    assert policy["frame-ancestors"] == ("'none'" if page == "driver" else "'self'")
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("page", "camera", "position"),
    [("kiosk", "self", ""), ("taxi", "self", "self"), ("driver", "", ""), ("me", "", "")],
)
def test_a_page_may_ask_for_the_camera_and_the_taxis_for_its_position(
    client: FlaskClient, page: str, camera: str, position: str
) -> None:
    allowed = client.get(f"/{page}").headers["Permissions-Policy"]

    assert f"camera=({camera})" in allowed
    assert "microphone=()" in allowed
    assert f"geolocation=({position})" in allowed


@pytest.mark.parametrize("page", ["kiosk", "taxi", "driver"])
def test_a_page_is_never_stored(client: FlaskClient, page: str) -> None:
    reply = client.get(f"/{page}")

    assert reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("page", ["kiosk", "taxi", "driver"])
def test_every_file_that_a_page_names_is_served(client: FlaskClient, page: str) -> None:
    html = client.get(f"/{page}").text
    named = set(re.findall(r'(?:src|href)="([^"#]+)', html))

    assert named
    assert all(name.startswith(STATIC + "/") for name in named)
    for name in named:
        with client.get(name) as reply:
            assert (name, reply.status_code) == (name, 200)


def test_every_module_that_a_module_imports_is_served(client: FlaskClient) -> None:
    named = {
        (path.parent / name).resolve()
        for path in SCRIPTS
        for name in re.findall(r'from "(\.{1,2}/[\w./-]+)"', path.read_text())
    }

    assert named <= set(SCRIPTS)
    for path in named:
        with client.get(f"{STATIC}/{path.relative_to(FOLDER / 'static')}") as reply:
            assert (path, reply.mimetype) == (path, "text/javascript")


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
def test_nothing_but_catalogue_and_settings_are_kept_in_the_browser(path: Path) -> None:
    """All that is kept goes through one module; its callers keep the catalogue, the device's settings and the ids
    of rides that are over, until the server knows. For a page of somebody's own, which has no
    cookie, usual.js keeps its key."""
    text = path.read_text()
    if path.name == "usual.js":
        kept = re.findall(r"localStorage\.\w+\((\w+)", text)
        assert set(kept) == {"KEPT_KEY"}
        text = text.replace("localStorage.", "")
    if path.parent.name not in {"browser", "outbox"}:
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b", text)
    if path.parent.name != "browser":
        assert set(re.findall(r"(?<![#.\w])keep\(([^,\n]+),", text)) <= {"this.kind", "NAME"}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".html"], ids=lambda path: path.name)
def test_no_page_holds_inline_code_or_style(path: Path) -> None:
    html = path.read_text()

    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_no_purpose_and_no_age_is_ticked_beforehand(client: FlaskClient) -> None:
    html = client.get("/kiosk").text
    boxes = [box for box in re.findall(r'<input type="checkbox"[^>]*>', html) if "pairing-kiosk" not in box]

    assert len(boxes) == 4
    assert not any("checked" in box for box in boxes)


def test_pictures_come_from_the_house_and_the_named_hosts_alone() -> None:
    """The policy of the pages that show dishes names exactly these; the customer's own page shows none."""
    app = Flask("pages")
    app.register_blueprint(build(image_hosts=("img.example.com", "cdn.example.org")))
    rules = {page: app.test_client().get(page).headers["Content-Security-Policy"] for page in ("/kiosk", "/me")}
    own = "'self' data: blob:"
    assert directives(rules["/kiosk"])["img-src"] == f"{own} https://img.example.com https://cdn.example.org"
    assert rules["/kiosk"].count("example") == 2
    assert directives(rules["/me"])["img-src"] == own
