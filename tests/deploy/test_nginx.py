"""`deploy/nginx` and `deploy/systemd` together, for real: TLS, limits, the caller's address, a stop."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path

import pytest

from plumbing.security.headers import TLS_ALONE
from tests.deploy.served import Front, nginx_before, server_of
from tests.deploy.units import Unit

pytestmark = pytest.mark.slow
Running = tuple[subprocess.Popen[bytes], int]
SLOW_BODY = {r"client_body_timeout 15s": "client_body_timeout 200ms"}


@pytest.fixture(scope="module")
def nginx() -> str:
    found = shutil.which("nginx")
    if found is None and os.environ.get("USUAL_NOTHING_SKIPPED"):
        pytest.fail("nginx is not installed, and nothing may be skipped here")
    if found is None:
        pytest.skip("nginx is not installed; on Debian: apt-get install nginx-light")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Running]:
    with server_of(Unit.read("usual-house.service"), folder) as running:
        yield running


@pytest.fixture(scope="module")
def front(nginx: str, folder: Path, server: Running) -> Iterator[Front]:
    with nginx_before(server[1], folder, SLOW_BODY) as running:
        yield running


def ask(port: int, path: str, headers: dict[str, str]) -> Message:
    """The headers of the server's own reply, without nginx."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().headers


def test_a_page_comes_over_tls_and_asks_for_tls_alone(front: Front) -> None:
    for path in ("/policy", "/kiosk", "/openapi.json", "/not-there"):
        reply, _ = front.send("GET", path)
        assert reply.headers.get_all("Strict-Transport-Security") == [TLS_ALONE], path


def test_what_nginx_says_itself_asks_for_tls_too(front: Front) -> None:
    reply, body = front.send("POST", "/recommender/v1/events", b"x" * (2 * 2**20 + 1))

    assert reply.status == 413
    assert json.loads(body)["code"] == "body_too_large"
    assert reply.headers.get_all("Strict-Transport-Security") == [TLS_ALONE]


def test_a_picture_may_be_larger_than_a_list_of_events(front: Front) -> None:
    reply, body = front.send("POST", "/v1/visits", b"{" + b" " * (3 * 2**20), Content_Type="application/json")

    assert reply.status == 401  # it reached the server, which asks for a key
    assert json.loads(body)["status"] == 401


def test_the_server_believes_nginx_about_the_scheme_and_no_caller(front: Front, server: Running) -> None:
    """Whatever a caller says: over TLS the server knows that it is TLS, and it is asked over 127.0.0.1 alone."""
    spoken = {"X-Forwarded-Proto": "https"}
    asked = [ask(server[1], "/policy", headers) for headers in (spoken, {})]
    reply, _ = front.send("GET", "/policy", X_Forwarded_Proto="http", Forwarded="proto=http")

    assert [headers["Strict-Transport-Security"] for headers in asked] == [TLS_ALONE, None]
    assert reply.headers["Strict-Transport-Security"] == TLS_ALONE


def test_figures_and_what_machines_ask_each_other_stay_inside(front: Front) -> None:
    for path in ("/metrics", "/identity/v1/opt-outs/since", "/recommender/v1/heartbeats"):
        assert front.send("GET", path)[0].status == 404


def test_without_tls_a_person_is_sent_on_and_a_program_is_refused(front: Front) -> None:
    page, _ = front.send("GET", "/kiosk", plain=True)
    call, body = front.send("GET", "/recommender/v1/suggestions/orders", plain=True, X_API_Key="uk_key")

    assert (page.status, page.headers["Location"]) == (308, "https://localhost/kiosk")
    assert call.status == 403
    assert json.loads(body)["code"] == "tls_needed"


def test_a_body_that_does_not_come_is_not_waited_for(front: Front) -> None:
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
    with front.trust.wrap_socket(raw, server_hostname="localhost") as line:
        line.sendall(b"POST /v1/visits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")

        assert line.recv(2**16) == b"" or b"408" in line.recv(2**16)


def test_stopping_ends_with_status_nought(front: Front, server: Running) -> None:
    """As `systemctl stop` does: SIGTERM to the first process. nginx then answers for the server."""
    process, _ = server
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0
    reply, body = front.send("GET", "/v1/screen")
    assert (reply.status, json.loads(body)["code"]) == (503, "replica_away")
    assert reply.headers["Retry-After"] == "1"
