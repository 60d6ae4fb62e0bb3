"""Fetching a pack: whole, right and resumed, or a clear error and nothing left behind."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from identity import errors
from identity.cli.models import models
from identity.engines.fetch import fetch_pack
from identity.engines.manifests import Pack, PackFile

CONTENT = {
    "models/detector.onnx": np.random.default_rng(1).bytes(300_000),
    "models/embedder.onnx": np.random.default_rng(2).bytes(700_000),
}


class Shelf(ThreadingHTTPServer):
    """A file server that misbehaves when a test wants it; `requests` lists path and Range of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.content = dict(CONTENT)
        self.requests: list[tuple[str, str | None]] = []
        self.break_after: int | None = None  # bytes of each answer; Content-Length stays
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Reply(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        shelf, span = self.server, self.headers.get("Range")
        shelf.requests.append((self.path.lstrip("/"), span))
        data = shelf.content.get(self.path.lstrip("/"))
        if data is None:
            self.send_error(404)
            return
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and shelf.ranges else 0
        self.send_response(206 if span and shelf.ranges else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data) if shelf.break_after is None else start + shelf.break_after
        self.wfile.write(data[start:end])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    server = Shelf()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def pack() -> Pack:
    files = tuple(
        PackFile(
            role=Path(url).stem,
            name=Path(url).name,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            licence="MIT",
            source="fetched",
            url=url,
        )
        for url, data in CONTENT.items()
    )
    return Pack("toy", "1", "onnx", "nobody", "MIT", "demo", 8, files, {})


def left_behind(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_a_pack_arrives_whole_and_only_once(shelf: Shelf, tmp_path: Path) -> None:
    """Both files are there with their content; a second call sends no request."""
    seen: dict[str, int] = {}
    paths = fetch_pack(pack(), tmp_path, shelf.url, lambda name, done, _: seen.update({name: done}))
    count = len(shelf.requests)
    fetch_pack(pack(), tmp_path, shelf.url)

    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert seen == {"detector.onnx": 300_000, "embedder.onnx": 700_000}
    assert len(shelf.requests) == count == 2


def test_a_broken_connection_is_resumed_where_it_broke(shelf: Shelf, tmp_path: Path) -> None:
    """Every answer breaks off after 250,000 bytes; no byte is requested twice."""
    shelf.break_after = 250_000
    paths = fetch_pack(pack(), tmp_path, shelf.url)

    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert [span for name, span in shelf.requests if "embedder" in name] == [
        None,
        "bytes=250000-",
        "bytes=500000-",
    ]
    assert left_behind(tmp_path) == ["detector.onnx", "embedder.onnx"]


def test_an_interrupted_run_is_resumed_by_the_next(shelf: Shelf, tmp_path: Path) -> None:
    """Ctrl-C leaves the part; the next run fetches the rest."""

    def stop(name: str, done: int, total: int) -> None:
        if name.startswith("embedder") and done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_pack(pack(), tmp_path, shelf.url, stop)
    part = (tmp_path / "toy" / "embedder.onnx.part").stat().st_size
    paths = fetch_pack(pack(), tmp_path, shelf.url)

    assert 0 < part < 700_000
    assert shelf.requests[-1] == ("models/embedder.onnx", f"bytes={part}-")
    assert paths[1].read_bytes() == CONTENT["models/embedder.onnx"]


def test_a_server_without_ranges_is_read_from_the_start(shelf: Shelf, tmp_path: Path) -> None:
    """An ignored Range does not put a head behind a head."""
    shelf.ranges = False
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "detector.onnx.part").write_bytes(CONTENT["models/detector.onnx"][:1000])

    assert fetch_pack(pack(), tmp_path, shelf.url)[0].read_bytes() == CONTENT["models/detector.onnx"]


def test_a_foreign_leftover_is_thrown_away(shelf: Shelf, tmp_path: Path) -> None:
    """A part of something else costs a second download, not the pack."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "detector.onnx.part").write_bytes(b"something else entirely")

    assert fetch_pack(pack(), tmp_path, shelf.url)[0].read_bytes() == CONTENT["models/detector.onnx"]


def altered(data: bytes) -> bytes:
    return data[:1000] + b"!" + data[1001:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [(altered, "another content"), (lambda d: d[:-10], "not the 300000"), (lambda d: d + b"x", "not the 300000")],
)
def test_a_wrong_file_is_refused_and_nothing_is_left(
    shelf: Shelf, tmp_path: Path, change: Callable[[bytes], bytes], reason: str
) -> None:
    """Another content, too short, too long: named, and neither the file nor a part of it stays."""
    shelf.content["models/detector.onnx"] = change(CONTENT["models/detector.onnx"])
    with pytest.raises(errors.FetchFailed, match=reason):
        fetch_pack(pack(), tmp_path, shelf.url)

    assert left_behind(tmp_path) == []


def test_a_file_that_is_not_there_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    """The error names the status, and the first file, which is right, stays for the next run."""
    del shelf.content["models/embedder.onnx"]
    with pytest.raises(errors.FetchFailed, match="404"):
        fetch_pack(pack(), tmp_path, shelf.url)

    assert left_behind(tmp_path) == ["detector.onnx"]


def test_a_connection_that_brings_nothing_ends(shelf: Shelf, tmp_path: Path) -> None:
    """Three empty answers are enough."""
    shelf.break_after = 0
    with pytest.raises(errors.FetchFailed, match="ended after 0 of 300000"):
        fetch_pack(pack(), tmp_path, shelf.url)

    assert len(shelf.requests) == 3
    assert left_behind(tmp_path) == []


def test_without_a_network_the_command_says_so(tmp_path: Path) -> None:
    """Exit status 1, one line, no traceback, no file."""
    command = ["fetch", "opencv-zoo", "--cache", str(tmp_path), "--base-url", "http://127.0.0.1:9/"]
    done = CliRunner().invoke(models, command)

    assert done.exit_code == 1
    assert done.output.startswith("Error: face_detection_yunet_2023mar.onnx could not be fetched")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/", "ftp://example.org/"])
def test_only_http_addresses_are_accepted(tmp_path: Path, url: str) -> None:
    """A base URL cannot point into the file system."""
    with pytest.raises(errors.FetchFailed, match="http"):
        fetch_pack(pack(), tmp_path, url)
