"""What waitress refuses when it has read the head of a request, or its first byte."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from plumbing.serving.waitress_parser import server_with

SIZES = {"/large": 1_000}


@pytest.fixture
def parser() -> Any:
    """Of a connection; nothing is served."""
    made = server_with(lambda path: SIZES.get(path, 10))(Flask("x"), port=0, max_request_body_size=5_000)
    made.task_dispatcher.shutdown()
    made.close()
    return made.channel_class.parser_class(made.adj)


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", *lines, "", "")).encode()


@pytest.mark.parametrize(
    ("path", "length", "taken"),
    [
        ("/large", 1_000, True),
        ("/large", 1_001, False),
        ("/small", 10, True),
        ("/small", 11, False),
        ("/small?x=/large", 11, False),
        ("//large", 11, False),
        ("/%6Carge", 1_000, True),
    ],
)
def test_a_body_is_refused_by_its_length_before_it_is_read(
    parser: Any, path: str, length: int, taken: bool
) -> None:
    parser.received(head(path, f"Content-Length: {length}"))

    assert (parser.error is None) == taken
    assert parser.error is None or parser.error.code == 413


def test_a_body_in_pieces_is_refused_when_it_is_too_long(parser: Any) -> None:
    parser.received(head("/small", "Transfer-Encoding: chunked"))
    parser.received(b"b\r\n" + bytes(11) + b"\r\n")

    assert parser.error.code == 413


def test_a_client_that_begins_with_tls_is_answered_at_once(parser: Any) -> None:
    assert parser.received(b"\x16\x03\x01\x02\x00") == 5

    assert parser.completed
    assert parser.error.code == 400
    assert "speaks no TLS" in parser.error.body
