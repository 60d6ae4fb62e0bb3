"""Heads that two servers could read in two ways are refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from plumbing.gate.head import MOST_HEADERS, check, environ_of
from plumbing.gate.problems import HeadRefused, LengthRequired


@dataclass
class Rows:
    """Headers as the server hands them over."""

    rows: list[tuple[str, str]]

    def items(self) -> list[tuple[str, str]]:
        return self.rows


@dataclass
class Head:
    """A request's head."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    method: str = "POST"
    path: str = "/x"
    proto: str = "http"
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    client: str = "127.0.0.1:40000"
    scheme: str = "http"
    query_string: str = ""

    @property
    def headers(self) -> Rows:
        return Rows([("host", "shop.example:8000"), *self.rows])


@pytest.mark.parametrize(
    "rows",
    [
        [("x_api_key", "usual-k1-a")],
        [("x-api-key", "usual-k1-a"), ("x_api_key", "usual-k1-b")],
        [("content_length", "5")],
        [("x_forwarded_for", "10.0.0.1")],
        [("x-api-key", "a"), ("x-api-key", "b")],
        [("content-length", "5"), ("content-length", "5")],
        [("content-length", "5, 5")],
        [("content-length", "+5")],
        [("content-length", "-1")],
        [("upgrade", "h2c"), ("connection", "Upgrade, HTTP2-Settings"), ("http2-settings", "AAMAAABk")],
        [("host", "other.example")],
        [(f"x-{n}", "") for n in range(MOST_HEADERS)],
        [("x-long", "a" * 100_000)],
    ],
)
def test_an_ambiguous_head_is_refused(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(HeadRefused):
        check(Head(rows))


@pytest.mark.parametrize("beside", [[], [("content-length", "5")]])
def test_a_chunked_body_is_refused_since_a_second_length_could_hide_behind_it(
    beside: list[tuple[str, str]],
) -> None:
    with pytest.raises(LengthRequired):
        check(Head([*beside, ("transfer-encoding", "chunked")]))


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a:b", "a,b", "[::1", "a\\b", "user:pw@a"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    class Hosted(Head):
        @property
        def headers(self) -> Rows:
            return Rows([("host", host)])

    with pytest.raises(HeadRefused):
        check(Hosted())


def test_a_long_address_is_refused() -> None:
    for head in (Head(query_string="a" * 9_000), Head(path="/" + "a" * 9_000)):
        with pytest.raises(HeadRefused):
            check(head)


def test_an_ordinary_head_becomes_what_wsgi_says() -> None:
    head = Head(
        [
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("x_other", "dropped"),
        ],
        path="/caf\u00e9",
    )

    environ = environ_of(head, check(head))

    assert environ["PATH_INFO"] == "/caf\u00e9".encode().decode("latin-1")
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("application/json", "2")
    assert environ["HTTP_HOST"] == "shop.example:8000"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert "HTTP_X_OTHER" not in environ
