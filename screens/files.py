"""The routes of the pages' files and of their service worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from flask import Blueprint, Response, abort, request

from screens.assets import CHECKED, FOR_GOOD, Assets, can_be_zipped, smaller_of, type_of

PAGES = ("kiosk", "taxi")
PICTURES = "/images/"
"""Where the catalogue's own pictures are served; the service worker keeps them."""


def serve_files(pages: Blueprint, assets: Assets, static: str, *, also: Sequence[str] = ()) -> None:
    """`{static}/r/RELEASE/NAME` for good, `{static}/NAME` checked each time, and `/screens/worker.js`.

    `url_for("screens.static", filename=...)` gives the address with the release. `also` are addresses of other
    files that a page cannot start without.
    """

    release = hashlib.sha256(" ".join([assets.release, *also]).encode()).hexdigest()[:16]

    @pages.context_processor
    def say_the_release() -> dict[str, str]:
        return {"release": release}

    @pages.url_defaults
    def name_the_release(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == f"{pages.name}.static":
            values.setdefault("release", assets.release)

    @pages.get(f"{static}/r/<release>/<path:filename>", endpoint="static")
    def of_a_release(release: str, filename: str) -> Response:
        # While another release is brought in, a page may ask the server for one that it does not have.
        return _file(assets, filename, FOR_GOOD if release == assets.release else CHECKED)

    @pages.get(f"{static}/<path:filename>", endpoint="as_it_is")
    def as_it_is(filename: str) -> Response:
        return _file(assets, filename, CHECKED)

    @pages.get("/screens/worker.js")
    def worker() -> Response:
        page = request.args.get("page", "")
        if page not in PAGES:
            abort(404)
        named = [f"{static}/r/{assets.release}/{name}" for name in assets.to_keep]
        files = {"root": f"{static}/", "pictures": PICTURES, "names": [*named, *also]}
        head = {"PAGE": page, "RELEASE": release, "FILES": files}
        lines = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in head.items())
        response = Response(lines + _worker_text(), mimetype="text/javascript")
        response.headers["Service-Worker-Allowed"] = "/"  # its scope is the page, above its own folder
        response.headers["Cache-Control"] = CHECKED
        return response


def _worker_text() -> str:
    return Path(__file__).with_name("worker.js").read_text("utf-8")


def _file(assets: Assets, name: str, kept: str) -> Response:
    if not assets.has(name):
        abort(404)
    return sent(assets.content(name), type_of(name), kept, zipped=can_be_zipped(name))


def sent(content: bytes, kind: str, kept: str, *, zipped: bool = True) -> Response:
    """A file as a reply: smaller where the browser can read that, not at all where it has it already."""
    smaller = zipped and request.accept_encodings.quality("gzip") > 0
    response = Response(smaller_of(content) if smaller else content, content_type=kind)
    if smaller:
        response.headers["Content-Encoding"] = "gzip"
    if zipped:
        response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = kept
    response.add_etag()
    response.make_conditional(request)
    return response
