"""How waitress reads a head: each address has its own limit of a body, and TLS is answered at once.

waitress has one limit for all, and waits for the end of a head that will never come when a client speaks TLS.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.utilities import BadRequest

MostBytes = Callable[[str], int]
"""(path) -> the largest body that is taken there, in bytes."""
HANDSHAKE = b"\x16"
"""The first byte of whoever begins with TLS; no method of HTTP begins with it."""
NO_TLS = "This port speaks no TLS: ask it with http://, or the server that stands in front of it with https://."


def server_with(most_bytes: MostBytes | None) -> Callable[..., Any]:
    """What makes a server of waitress whose bodies are limited by address; None: by `max_request_body_size`."""

    class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress is not typed
        adj: Any

        def received(self, data: bytes) -> int:
            if data[:1] == HANDSHAKE and self.body_rcv is None and not self.header_plus:
                self.parse_header(b"GET / HTTP/1.0\r\n")
                self.error = BadRequest(NO_TLS)
                self.completed = True
                return len(data)
            taken: int = super().received(data)
            return taken

        def parse_header(self, head: bytes) -> None:
            super().parse_header(head)
            if most_bytes is not None:
                limited = copy(self.adj)
                limited.max_request_body_size = most_bytes(self.path) + 1  # waitress refuses this size, too
                self.adj = limited

    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class = Parser

    def make(app: Any, **options: Any) -> Any:
        server = create_server(app, **options)
        server.channel_class = Channel
        return server

    return make
