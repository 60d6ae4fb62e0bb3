"""The nginx of `deploy/replicas` in front of replicas that are only a stub: what it repeats, what it passes on,
and whether a picture ever touches the disk."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from bench.measure import ROOT, Row
from data.demo.server import free_port

SECTION = "nginx in front of replicas"
PICTURES = 15 * 2**20


class Stub(ThreadingHTTPServer):
    """Counts what it was sent. `breaks`: it takes a request in whole and breaks the connection, as one that is
    killed at that moment does."""

    daemon_threads = True

    def __init__(self, *, breaks: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks = breaks
        self.status = 200
        self.seen: Counter[str] = Counter()
        self.forwarded: list[str] = []
        self.octets = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        stub = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        stub.seen[self.command] += 1
        stub.octets = max(stub.octets, len(body))
        stub.forwarded += self.headers.get_all("X-Forwarded-For") or []
        if stub.breaks:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(stub.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def rows(short: bool) -> list[Row]:
    """Each number of requests once more than it may be would be a person counted twice. Raises RuntimeError: there
    is no nginx."""
    if shutil.which("nginx") is None:
        raise RuntimeError("nginx is not installed; on Debian: apt-get install nginx-light")
    n = 20 if short else 200
    return [*_repeats(n), *_passes_on(n)]


def _repeats(n: int) -> list[Row]:
    """One replica breaks every connection after it took the request."""
    broken, sound = Stub(breaks=True), Stub(breaks=False)
    with _proxy([broken, sound]) as (port, _):
        answers: Counter[int] = Counter()
        for _ in range(n):
            answers[_ask(port, "POST", b"{}")[0]] += 1
            time.sleep(0.02)
        taken = broken.seen["POST"] + sound.seen["POST"]
        gets = Counter(_ask(port, "GET")[0] for _ in range(n))
    return [
        Row(SECTION, "POSTs that a replica broke and another was sent too", taken - n, "", 0),
        Row(
            SECTION,
            "POSTs that were answered neither by a replica nor by 503",
            n - answers[200] - answers[503],
            "",
            0,
        ),
        Row(SECTION, "GETs that a broken replica kept from an answer", n - gets[200], "", 0),
    ]


def _passes_on(n: int) -> list[Row]:
    """A replica that is gone, one that has too much to do, large pictures, and what a caller says of itself."""
    gone, sound = Stub(breaks=False), Stub(breaks=False)
    with _proxy([gone, sound]) as (port, run):
        gone.shutdown()
        gone.server_close()
        posts = Counter(_ask(port, "POST", b"{}")[0] for _ in range(n))
        sound.seen.clear()
        sound.status = 503
        refused, _ = _ask(port, "POST", b"{}")
        repeated = sound.seen["POST"] - 1
        sound.status = 200
        files = _files_while(run, lambda: _ask(port, "POST", b"x" * PICTURES, {"X-Forwarded-For": "8.8.8.8"}))
        too_large, said = _ask(port, "POST", b"x" * (PICTURES + 2**21))
    return [
        Row(SECTION, "POSTs that failed because a replica was gone", n - posts[200], "", 0),
        Row(SECTION, "503 of a replica: passed on, not repeated", repeated + (refused != 503), "", 0),
        Row(SECTION, "files made while pictures of 15 MB went through", files, "", 0),
        Row(SECTION, "bytes of them that did not arrive", PICTURES - sound.octets, "", 0),
        Row(SECTION, "addresses believed that a caller made up", sound.forwarded.count("8.8.8.8"), "", 0),
        Row(
            SECTION,
            "larger bodies not refused as body_too_large",
            int(too_large != 413 or json.loads(said)["code"] != "body_too_large"),
            "",
            0,
        ),
    ]


@contextmanager
def _proxy(stubs: list[Stub]) -> Iterator[tuple[int, Path]]:
    """nginx with the configuration that is shipped, in front of the stubs; its port and its folder."""
    start = _start()
    with tempfile.TemporaryDirectory(prefix="usual-proxy-") as folder:
        run, port = Path(folder), free_port(0)
        run.chmod(0o755)
        replicas = [start.Replica(k, run, stub.server_port) for k, stub in enumerate(stubs)]
        (run / "nginx.conf").write_text(start.configuration(replicas, run, f"127.0.0.1:{port}"))
        process = subprocess.Popen(["nginx", "-c", str(run / "nginx.conf")], stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            yield port, run
        finally:
            process.terminate()
            process.wait()
            for stub in stubs:
                stub.shutdown()
                stub.server_close()


def _start() -> ModuleType:
    spec = spec_from_file_location("replicas_start", ROOT / "deploy" / "replicas" / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _wait(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("nginx did not listen within 10 s")


def _ask(port: int, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, "/v1/visits", body, headers or {})
        reply = line.getresponse()
        return reply.status, reply.read()
    except (BrokenPipeError, ConnectionResetError):  # refused before the whole body was sent
        reply = line.getresponse()
        return reply.status, reply.read()
    finally:
        line.close()


def _files_while(run: Path, work: object) -> int:
    """The most files that were in nginx' folder for bodies while `work` was done."""
    assert callable(work)
    thread, most = threading.Thread(target=work), 0
    thread.start()
    while thread.is_alive():
        most = max(most, sum(path.is_file() for path in (run / "never").rglob("*")))
        time.sleep(0.001)
    thread.join()
    return most
