"""The customer's own page as files: what is served, with which rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import screens
from screens.web import STATIC, build

FOLDER = Path(screens.__file__).parent / "static" / "js" / "me"
SCRIPTS = sorted(FOLDER.rglob("*.js"))


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build())
    return app.test_client()


def test_the_page_may_use_its_own_host_alone_and_no_camera(client: FlaskClient) -> None:
    headers = client.get("/me").headers

    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]
    assert "connect-src 'self'" in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "Set-Cookie" not in headers


def test_every_file_that_the_page_needs_is_served(client: FlaskClient) -> None:
    named = set(re.findall(r'(?:src|href)="([^"#]+)', client.get("/me").text))
    for path in SCRIPTS:
        for name in re.findall(r'from "(\.[\w./]+)"', path.read_text()):
            named.add(f"{STATIC}/{(path.parent / name).resolve().relative_to(FOLDER.parents[1])}")

    assert len(named) > 8
    for name in named:
        with client.get(name) as reply:
            assert (name, reply.status_code) == (name, 200)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_text_keeps_anything_or_names_a_host(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\b", text)
    assert not re.search(r"https?://", text)


def test_nothing_is_ticked_beforehand_and_the_page_holds_no_inline_code(client: FlaskClient) -> None:
    html = client.get("/me").text

    assert "checked" not in html
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
