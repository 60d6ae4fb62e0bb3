"""What a browser is told about every reply; and that a redirect names no host."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from flask.testing import FlaskClient

from app import create_app
from plumbing.settings import Config


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The recommender's half with the documentation."""
    return create_app(Config(home=tmp_path_factory.mktemp("home"), only="recommender")).test_client()


PATHS = (
    "/docs/",
    "/docs/swagger",
    "/openapi.json",
    "/health/live",
    "/nowhere",
    "/marketing",
    "/recommender/v1/items",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_reply_says_what_a_browser_may_do(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)


def test_the_documentation_may_run_its_own_scripts_and_no_others(client: FlaskClient) -> None:
    page = client.get("/docs/swagger")

    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert inline
    for text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/docs", "//evil.example/..", "/docs?next=//evil.example"])
def test_no_redirect_says_the_host_that_the_caller_named(client: FlaskClient, path: str) -> None:
    reply = client.get(path, headers={"Host": "evil.example"})

    location = reply.headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith("//")
    assert "evil.example" not in reply.text
    if path == "/docs":
        assert (reply.status_code, location) == (308, "/docs/")
