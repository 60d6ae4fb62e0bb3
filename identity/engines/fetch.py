"""Downloads the files of a pack: resumed after an interruption, checked against a pinned sha256."""

from __future__ import annotations

import contextlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from identity.engines.manifests import Pack, PackFile, sha256_of
from identity.errors import FetchFailed
from plumbing.storage.files import sync_path

OPENCV_ZOO = "https://github.com/opencv/opencv_zoo/raw/main/"
PIECE = 1 << 16
FRUITLESS_ATTEMPTS = 3
TIMEOUT_S = 20

Progress = Callable[[str, int, int], None]  # name, bytes so far, bytes in all


def fetch_pack(
    pack: Pack, cache: Path, base_url: str = OPENCV_ZOO, progress: Progress | None = None
) -> list[Path]:
    """Download every file of `pack` that comes from the network into `cache`; the paths, in the manifest's order.

    A file with the right hash is not fetched again. Raises FetchFailed; then the file does not exist.
    """
    if not base_url.startswith(("https://", "http://")):
        raise FetchFailed(f"{base_url!r} is not an http(s) address.")
    wanted = [file for file in pack.files if file.source == "fetched"]
    if not wanted:
        raise FetchFailed(f"Pack {pack.name!r} has nothing to fetch. See `usual models list`.")
    paths = []
    for file in wanted:
        path = cache / pack.name / file.name
        if not (path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256):
            fetch_file(file, path, base_url.rstrip("/") + "/" + file.url, progress or (lambda *_: None))
        paths.append(path)
    return paths


def fetch_file(file: PackFile, path: Path, url: str, progress: Progress) -> None:
    """Download one file to `path` through `path`.part, which an interrupted run leaves for the next to resume."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    leftover = part.is_file()
    try:
        _fill(part, file, url, progress)
        if leftover and sha256_of(part) != file.sha256:
            part.unlink()  # the leftover belonged to another file: once more from the start
            _fill(part, file, url, progress)
        if sha256_of(part) != file.sha256:
            raise FetchFailed(f"{file.name} arrived with another content than its manifest pins; it was deleted.")
    except (FetchFailed, OSError) as error:
        part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()  # unless another file of the pack is there
        if isinstance(error, FetchFailed):
            raise
        raise FetchFailed(f"{file.name} could not be stored: {error.strerror or error}.") from error
    part.replace(path)
    sync_path(path.parent)


def _fill(part: Path, file: PackFile, url: str, progress: Progress) -> None:
    """Append to `part` until it has the pinned length. Gives up after three attempts without a new byte."""
    fruitless, reason = 0, ""
    with part.open("ab") as stream:
        if stream.tell() > file.bytes:
            stream.truncate(0)
        while (have := stream.seek(0, os.SEEK_END)) < file.bytes:
            if fruitless == FRUITLESS_ATTEMPTS:
                raise FetchFailed(
                    f"{file.name} could not be fetched: {reason}. Try again, or use another base URL."
                )
            try:
                _append(stream, file, url, have, progress)
                reason = f"the connection ended after {stream.tell()} of {file.bytes} bytes"
            except urllib.error.HTTPError as error:
                error.close()
                raise FetchFailed(f"{file.name} could not be fetched: {url} answered {error.code}.") from error
            except (OSError, HTTPException) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            fruitless = fruitless + 1 if stream.tell() <= have else 0
        stream.flush()
        os.fsync(stream.fileno())


def _append(stream: BinaryIO, file: PackFile, url: str, have: int, progress: Progress) -> None:
    """One request for the rest. A server that ignores Range sends the whole file; then `stream` starts again."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (http(s) only: see fetch_pack)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
        if have and reply.status != HTTPStatus.PARTIAL_CONTENT:
            stream.truncate(0)
            stream.seek(0)
            have = 0
        length = reply.headers.get("Content-Length")
        if length is not None and have + int(length) != file.bytes:
            raise FetchFailed(
                f"{file.name} has {have + int(length)} bytes at {url}, not the {file.bytes} of its manifest."
            )
        while piece := reply.read1(PIECE):
            have += len(piece)
            if have > file.bytes:
                raise FetchFailed(f"{file.name} is longer at {url} than its manifest pins.")
            stream.write(piece)
            progress(file.name, have, file.bytes)
        stream.flush()
