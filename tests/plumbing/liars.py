"""A server in place of the other half that answers whatever a test wants, byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes], bytes | None]
"""The bytes sent for the bytes of a request; None closes the connection without a word."""


def http(content: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def as_json(said: object) -> bytes:
    return http(json.dumps(said).encode(), "200 OK", "Content-Type: application/json")


def header_of(request: bytes, name: str) -> str:
    lines = request.split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return next(value.strip() for key, _, value in (line.partition(":") for line in lines) if key == name)


def whole(line: socket.socket) -> bytes:
    """A request with its body, which may come in another packet."""
    request = line.recv(1 << 20)
    while b"\r\n\r\n" not in request or len(request.partition(b"\r\n\r\n")[2]) < length_of(request):
        more = line.recv(1 << 20)
        if not more:
            break
        request += more
    return request


def length_of(request: bytes) -> int:
    try:
        return int(header_of(request, "Content-Length"))
    except StopIteration:
        return 0


@contextmanager
def peer(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the requests that it got."""
    asked: list[bytes] = []
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                line, _ = door.accept()
            except TimeoutError:
                continue
            with line, suppress(OSError):
                line.settimeout(2)
                request = whole(line)
                asked.append(request)
                said = answer(request)
                if said is not None:
                    line.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}", asked
    finally:
        ended.set()
        thread.join()
        door.close()
