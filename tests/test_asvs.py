"""docs/asvs.toml answers every requirement, and what it says of code as a whole is so."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from plumbing import handover, problem_json
from plumbing.settings import Config
from tests.conftest import ROOT

SCRIPT = ROOT / "scripts" / "asvs.py"
IDS = "29debb6cfc11acf5deb2b2bb4e01bd836c5648dcc592aae17957e36b808cec05"  # pragma: allowlist secret - a hash
"""SHA-256 of "id level" of each requirement of levels 1 and 2, in the order of the standard's table (5.0.0)."""


def asvs() -> ModuleType:
    """scripts/asvs.py as a module."""
    spec = spec_from_file_location("asvs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# The table


def test_the_table_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_requirement_of_both_levels_is_answered() -> None:
    requirements, _ = asvs().read()
    listed = "\n".join(f"{requirement.id} {requirement.level}" for requirement in requirements)

    assert [sum(one.level == level for one in requirements) for level in (1, 2)] == [70, 183]
    assert hashlib.sha256(listed.encode()).hexdigest() == IDS


def test_every_test_that_the_table_names_exists() -> None:
    requirements, _ = asvs().read()
    named = {tuple(test.split("::")) for requirement in requirements for test in requirement.tests}

    missing = {(file, test) for file, test in named if test not in names_in(ROOT / "tests" / file)}
    assert missing == set()


@cache
def names_in(path: Path) -> set[str]:
    """The names of all tests of a file, in classes or not."""
    if not path.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('id = "1.1.1", level = 2, answer = "met", subject = "x"', "no test shows it"),
        ('id = "1.1.1", level = 2, answer = "not_met", subject = "x"', "nothing says why"),
        ('id = "1.1.1", level = 2, answer = "not_applicable", subject = "x"', "nothing says why"),
        ('id = "1.1.1", level = 2, answer = "nearly", subject = "x", says = "y"', "none of"),
        ('id = "1.1.1", level = 3, answer = "not_met", subject = "x", says = "y"', "1 or 2"),
        ('id = "1.1.1", level = 2, answer = "not_met", subject = " ", says = "y"', "some words"),
    ],
)
def test_a_line_that_is_not_explained_is_refused(tmp_path: Path, row: str, words: str) -> None:
    data = tmp_path / "asvs.toml"
    data.write_text(f"requirements = [{{ {row} }}]\n[chapters]\n[reasons]\n")
    script = asvs()

    with pytest.raises(script.Unexplained, match=words):
        script.read(data)


# What is served


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The recommender's half alone: the doors are the same, and no engine pack is loaded."""
    app = create_app(Config(home=tmp_path_factory.mktemp("home"), only="recommender"))
    key = app.extensions["usual"]["access"].create_key("mill", ("suggest", "event"), device="till", site="mill")
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = key
    return client


def test_trace_is_no_method(client: FlaskClient) -> None:
    assert client.open("/health/live", method="TRACE").status_code == 405


@pytest.mark.parametrize("path", ["/recommender/v1/suggestions/orders?site=mill", "/health/live", "/nothing"])
def test_no_reply_permits_another_origin(client: FlaskClient, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        reply = client.open(path, method=method, headers={"Origin": "https://other.example"})

        assert [name for name, _ in reply.headers if name.lower().startswith("access-control-")] == []


def test_reading_methods_need_no_scope_that_changes_something(tmp_path: Path, client: FlaskClient) -> None:
    """GET reads: whatever enrols, records or erases is sent by another method."""
    paths = client.get("/openapi.json").get_json()["paths"]
    wrong = {
        (path, scope)
        for path, operations in paths.items()
        for way in operations.get("get", {}).get("security", ())
        for scope in way.get("api_key", ())
        if scope in ("event", "privacy")
    }

    assert wrong == set()


def test_over_tls_a_browser_learns_to_use_tls_alone(tmp_path: Path) -> None:
    app = create_app(Config(home=tmp_path, only="recommender", trusted_proxies="1"))

    secure = app.test_client().get("/health/live", headers={"X-Forwarded-Proto": "https"})
    plain = app.test_client().get("/health/live")

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in plain.headers


@pytest.mark.parametrize(
    "path", ["/recommender/v1/suggestions/orders?site=mill", "/health/live", "/openapi.json", "/x"]
)
def test_every_reply_names_its_type(client: FlaskClient, path: str) -> None:
    reply = client.get(path)

    assert reply.mimetype in ("application/json", "application/problem+json")
    assert reply.get_json() is not None


@pytest.mark.parametrize(
    "path",
    [
        "/screens/",
        "/screens/../app.py",
        "/screens/..%2fapp.py",
        "/recommender/static/",
        "/recommender/static/../web.py",
        "/.git/config",
        "/access.db",
        "/static/",
    ],
)
def test_no_folder_is_listed_and_no_file_beside_the_screens_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_served_application_is_not_in_debug_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(Config(home=tmp_path, only="recommender"))

    assert not app.debug
    assert not app.testing


def test_an_unexpected_error_is_answered_without_its_text() -> None:
    app = Flask("faulty")
    problem_json.register(app)

    @app.get("/")
    def fail() -> str:
        raise RuntimeError("words of the inside")

    reply = app.test_client().get("/")

    assert reply.status_code == 500
    assert reply.mimetype == "application/problem+json"
    assert "inside" not in reply.get_data(as_text=True)
    assert "Traceback" not in reply.get_data(as_text=True)


def test_an_erasure_follows_no_redirect() -> None:
    """The key and the token are for the address that the operator set, and for no other."""
    asked: list[str] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        erase = handover.erasures(f"http://127.0.0.1:{server.server_port}", "key")
        with pytest.raises(handover.RecommenderUnreachable):
            erase("token")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert asked == ["/recommender/v1/erasures"]
