"""The house is another machine: nothing that answers there reaches the camera, or stops the helper."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from doorway.kiosk_helper import line as lines
from doorway.kiosk_helper.command import THREADS
from doorway.kiosk_helper.errors import HouseAway
from doorway.kiosk_helper.line import Answer, Line
from doorway.kiosk_helper.web import LOOKS, MOST_WAITING, create_kiosk
from plumbing.serving.server import PLAIN_THREADS
from tests.doorway.kiosk_helper.helped import Helped
from tests.identity.halves import World, b64, pictures

SEAL = {"device": "d", "pack": "fake@1", "key_id": "00", "public_key": "A" * 43}
"""With a public key that makes no secret."""


@pytest.fixture
def helped(tmp_path: Path) -> Iterator[Helped]:
    world = World(tmp_path / "house")
    yield Helped(world, tmp_path / "kiosk")
    world.close()


def answering(
    helped: Helped, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, *more: tuple[str, str]
) -> None:
    monkeypatch.setattr(helped.house, "_given", lambda *_: Answer(status, more, body))


@pytest.mark.parametrize(
    ("path", "kind"), [("/policy", "text/html"), ("/images/a.svg", "image/svg+xml"), ("/v1/screen", "text/html")]
)
def test_a_page_of_the_house_runs_nothing_beside_the_camera(
    helped: Helped, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    own = ("Content-Security-Policy", "script-src * 'unsafe-inline'")
    answering(helped, monkeypatch, 200, b"<script>alert(1)</script>", ("Content-Type", kind), own)
    reply = helped.ask("GET", path)
    policy = reply.headers["Content-Security-Policy"].split("; ")

    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert not any(part.startswith(("script-src", "connect-src")) for part in policy)
    assert "camera=()" in reply.headers["Permissions-Policy"]


def test_a_header_in_several_lines_is_one_line(helped: Helped, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(helped, monkeypatch, 200, b"{}", ("Vary", "Accept,\r\n Cookie"))

    assert helped.ask("GET", "/v1/screen").headers["Vary"] == "Accept, Cookie"


def test_an_answer_to_a_press_that_cannot_be_read_is_said(helped: Helped, monkeypatch: pytest.MonkeyPatch) -> None:
    for body in (b"[" * 100_000, b"<html>", b'{"nonce": "n", "seal": "no"}'):
        answering(helped, monkeypatch, 201, body)
        refused = helped.ask("POST", "/identity/v1/presses", {})
        assert (refused.status_code, refused.get_json()["code"]) == (400, "kiosk_helper")
    answering(helped, monkeypatch, 201, json.dumps({"nonce": "n", "challenge": [], "seal": SEAL}).encode())
    assert helped.ask("POST", "/identity/v1/presses", {}).status_code == 201
    look = helped.ask("POST", LOOKS, {"nonce": "n", "purpose": "recognise", "frames": b64(pictures(1))})
    assert (look.status_code, look.get_json()["code"]) == (400, "kiosk_helper")


@pytest.mark.parametrize("path", ["/images/..%5Cmetrics", "/images/..;/metrics", "/images/a/%2E%2E/metrics"])
def test_an_address_that_another_server_reads_as_a_higher_one_is_not_passed_on(helped: Helped, path: str) -> None:
    assert helped.ask("GET", path).status_code == 404
    assert helped.line.heard == []


def test_at_port_80_a_browser_says_no_port(helped: Helped) -> None:
    at = "http://127.0.0.1"
    page = create_kiosk(helped.house, helped.looks, 80).test_client()

    assert page.get("/kiosk", base_url=at).status_code == 200
    assert page.get("/identity/v1/notice", base_url=at, headers={"Origin": at}).status_code == 200
    assert page.get("/v1/screen", base_url="http://rebound.example").status_code == 403


def test_requests_for_news_leave_threads_to_all_others(helped: Helped, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that begins again, or another visit, leaves one behind that waits on at the house."""
    asked, news = threading.Semaphore(0), threading.Event()

    def answer(_: str, target: str, *__: object) -> Answer:
        if target == "/v1/events":
            asked.release()
            news.wait(10)
        return Answer(200, (), b"{}")

    monkeypatch.setattr(helped.house, "_given", answer)
    with ThreadPoolExecutor(MOST_WAITING) as pool:
        waiting = [pool.submit(helped.ask, "GET", "/v1/events") for _ in range(MOST_WAITING)]
        for _ in waiting:
            assert asked.acquire(timeout=10)
        refused = helped.ask("GET", "/v1/events")
        other = helped.ask("GET", "/v1/screen")
        news.set()

    assert (refused.status_code, refused.get_json()["code"], other.status_code) == (503, "overloaded", 200)
    assert "X-Usual-Away" not in refused.headers
    assert [one.result().status_code for one in waiting] == [200] * MOST_WAITING
    assert helped.ask("GET", "/v1/events").status_code == 200
    assert MOST_WAITING + 6 <= THREADS + PLAIN_THREADS, "a browser asks with six at a time"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "packed"),
        (b"HTTP/1.1 99999 \x1b[2JX\r\n\r\n", r"answer: HTTP/1.1 99999 \[2JX\.$"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999, "too large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b"x" * 99, "does not end"),
    ],
)
def test_a_reply_that_is_not_whole_is_none(monkeypatch: pytest.MonkeyPatch, reply: bytes, says: str) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 1000)
    if says == "does not end":
        monkeypatch.setattr(lines, "LONGEST_S", -1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(9999)
                connection.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        line = Line(f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(HouseAway, match=says):
            line.send("GET", "/v1/screen", {}, None, 5.0)
        assert not line._busy


def test_a_request_that_cannot_be_written_leaves_no_connection() -> None:
    line = Line("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="header"):
        line.send("GET", "/", {"A": "a\r\nb"}, None, 1.0)
    assert not line._busy
