"""The engine of a kiosk's own browser: its files in the home, under addresses that name their content.

`usual screens fetch` puts them there (`doorway/browser_engine/`); without it nothing is served, and a device that
works with pictures misses nothing. Each file is named after its sha256, and served only while it has that.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import structlog
from flask import Blueprint, Response, abort, request

from plumbing.storage.files import sync_path, write_atomic
from screens.assets import CHECKED, FOR_GOOD

VERSION = 2
"""Of `engine.json` in the folder: `{"v", "pack", "masks", "runtime", "input", "files": {role: {"name", "sha256",
"bytes", "gzip", "br"}}}`; `masks` says whether the pack is calibrated for masked faces. Version 1 has no `br`: its
files are sent with gzip alone."""
SHOWN = 1
"""The version of what a page reads of it."""
ENDINGS = {"br": ".br", "gzip": ".gz"}
"""How a file may be sent, the smallest first. Browsers take Brotli over TLS and from the machine itself alone."""
DESCRIPTION = "engine.json"
ADDRESS = "/screens/engine"
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm", ".onnx": "application/octet-stream"}

PIECE = 512 * 1024
Progress = Callable[[str, int, int], object]
"""(what, bytes done, bytes in all), called now and then."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EngineFile:
    """One file: its name in the folder, what it must be, and how many bytes are sent of it. `br` is 0 in a folder
    of version 1."""

    name: str
    sha256: str
    bytes: int
    gzip: int
    br: int = 0

    @property
    def encodings(self) -> tuple[str, ...]:
        """How it may be sent, the smallest first."""
        return tuple(ENDINGS) if self.br else ("gzip",)

    @property
    def sent(self) -> int:
        """How many bytes a browser gets of it over TLS."""
        return self.br or self.gzip

    def seen_by_page(self) -> dict[str, str]:
        """Address and hash, as a page needs them."""
        digest = base64.b64encode(bytes.fromhex(self.sha256)).decode()
        return {"url": f"{ADDRESS}/{self.name}", "integrity": f"sha256-{digest}"}


@dataclass(frozen=True, slots=True)
class EngineFolder:
    """The folder of a home; it need not be there."""

    path: Path

    @classmethod
    def of(cls, home: Path) -> EngineFolder:
        return cls(home / "screens" / "engine")

    @property
    def description(self) -> Mapping[str, Any] | None:
        """What `write` was given; None when nothing was, or another version."""
        try:
            read: dict[str, Any] = json.loads((self.path / DESCRIPTION).read_bytes())
        except (OSError, ValueError):
            return None
        return read if read.get("v") in (1, VERSION) else None

    @property
    def files(self) -> dict[str, EngineFile]:
        """Role -> file, as described."""
        found = self.description
        return {} if found is None else {role: EngineFile(**file) for role, file in found["files"].items()}

    def digest_of(self, role: str) -> str | None:
        """The sha256 of the file in a role as it lies there, and of what is sent of it; None without one."""
        file = self.files.get(role)
        if file is None or not self.is_whole(file):
            return None
        return file.sha256

    def is_whole(self, file: EngineFile) -> bool:
        """Whether a file and what is sent of it have the hash in its name. Read once for each change of them."""
        paths = (self.path / file.name, *(self.path / f"{file.name}{ENDINGS[how]}" for how in file.encodings))
        try:
            states = [path.stat() for path in paths]
        except OSError:
            return False
        return _have_hash(paths, file.sha256, tuple((one.st_mtime_ns, one.st_size) for one in states))

    def content(self, sha256: str) -> bytes | None:
        """The file with this hash; None when there is none, or it is altered."""
        for file in self.files.values():
            if file.sha256 == sha256 and self.is_whole(file):
                return (self.path / file.name).read_bytes()
        return None

    def write(
        self,
        *,
        pack: str,
        masks: bool,
        runtime: str,
        input: Mapping[str, Any],
        contents: Mapping[str, tuple[str, bytes]],
        progress: Progress = lambda file, done, total: None,
    ) -> None:
        """Put files there, by role: (ending, content). What is described last is what counts; older files go. A
        file that is there already is not compressed again: Brotli takes half a minute for all."""
        self.path.mkdir(parents=True, exist_ok=True)
        there = {file.name: file for file in self.files.values() if file.br and self.is_whole(file)}
        files = {}
        for role, (ending, content) in contents.items():
            digest = hashlib.sha256(content).hexdigest()
            name = f"{role}.{digest[:16]}{ending}"
            files[role] = there.get(name) or self._put(
                name, digest, content, partial(progress, f"{role}, compressed")
            )
        described = {"v": VERSION, "pack": pack, "masks": masks, "runtime": runtime, "input": input}
        described["files"] = {role: asdict(file) for role, file in files.items()}
        write_atomic(self.path / DESCRIPTION, json.dumps(described, indent=1).encode())
        named = {DESCRIPTION} | {f"{file.name}{end}" for file in files.values() for end in ("", *ENDINGS.values())}
        for path in self.path.iterdir():
            if path.name not in named:
                path.unlink()
        sync_path(self.path)

    def _put(self, name: str, digest: str, content: bytes, progress: Callable[[int, int], object]) -> EngineFile:
        small = {"gzip": gzip.compress(content, 9, mtime=0), "br": _with_brotli(content, progress)}
        write_atomic(self.path / name, content)
        for how, ending in ENDINGS.items():
            write_atomic(self.path / f"{name}{ending}", small[how])
        return EngineFile(name, digest, len(content), len(small["gzip"]), len(small["br"]))


def _with_brotli(content: bytes, progress: Callable[[int, int], object]) -> bytes:
    """Compressed in one stream, piece by piece: the pieces cost nothing, and somebody sees that it goes on."""
    import brotli  # of the server, the first who asks for a file needs it

    packer, small = brotli.Compressor(quality=11, lgwin=24), bytearray()
    for start in range(0, len(content), PIECE):
        progress(start, len(content))
        small += packer.process(content[start : start + PIECE])
    small += packer.finish()
    progress(len(content), len(content))
    return bytes(small)


@lru_cache(maxsize=32)
def _have_hash(paths: tuple[Path, ...], sha256: str, states: tuple[tuple[int, int], ...]) -> bool:
    """Whether a file and its compressed ones hold what the hash names. `states` (time and size of each) makes a
    changed file another question."""
    try:
        return all(hashlib.sha256(_unpacked(path)).hexdigest() == sha256 for path in paths)
    except (OSError, EOFError, ValueError, zlib.error):  # gzip.BadGzipFile is an OSError
        return False


def _unpacked(path: Path) -> bytes:
    """The content of a file, compressed or not. Raises OSError, EOFError, ValueError, zlib.error."""
    packed = path.read_bytes()
    if path.suffix == ENDINGS["gzip"]:
        return gzip.decompress(packed)
    if path.suffix != ENDINGS["br"]:
        return packed
    import brotli

    try:
        return bytes(brotli.decompress(packed))
    except brotli.error as error:
        raise ValueError(path.name) from error


def serve_engine(pages: Blueprint, folder: EngineFolder) -> None:
    """`GET /screens/engine/engine.json` (asked each time) and the files that it names (kept for good).

    A file that is not the one of its name is not sent: the log says which one, and what to do.
    """

    @pages.get(f"{ADDRESS}/{DESCRIPTION}")
    def engine_description() -> Response:
        found = folder.description
        if found is None:
            abort(404)
        kept = {"v": SHOWN} | {name: found[name] for name in ("pack", "masks", "runtime", "input")}
        files = {role: file.seen_by_page() for role, file in folder.files.items()}
        response = Response(json.dumps(kept | {"files": files}), mimetype="application/json")
        response.headers["Cache-Control"] = CHECKED
        response.add_etag()
        response.make_conditional(request)
        return response

    @pages.get(f"{ADDRESS}/<name>")
    def engine_file(name: str) -> Response:
        file = next((file for file in folder.files.values() if file.name == name), None)
        if file is None:
            abort(404)
        if not folder.is_whole(file):
            log.error("engine_file_altered", file=name, to_do="Run `usual screens fetch`.")
            abort(404)
        how = next((one for one in file.encodings if request.accept_encodings.quality(one) > 0), "")
        content = (folder.path / f"{name}{ENDINGS.get(how, '')}").read_bytes()
        response = Response(content, content_type=TYPES[Path(name).suffix])
        if how:
            response.headers["Content-Encoding"] = how
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOR_GOOD
        response.set_etag(f"{file.sha256}-{how}" if how else file.sha256)
        response.make_conditional(request)
        return response
