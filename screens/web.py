"""The pages in front of people. They hold no data: whatever they show they fetch, with a paired cookie."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import escape

from plumbing.patterns import Pattern
from plumbing.security.headers import page_headers, thread_headers
from screens.assets import FOR_GOOD, Assets, assets_of
from screens.dictionaries import FOLDER as WORDS
from screens.dictionaries import dictionaries, language_for
from screens.engine import EngineFolder, serve_engine
from screens.files import sent, serve_files
from screens.watch import add_watch

STATIC = "/screens/static"
_UNSAID = re.compile(r'(data-i18n="(\w+)"[^>]*>)(?=</)')
DICTIONARIES = STATIC + "/words"

HEADERS = page_headers(camera=True)
OWN_PAGE_HEADERS = page_headers(camera=False)
"""Of the customer's own page and the driver's: they never take a picture."""

ENGINE_PAGE = "/screens/engine"
ENGINE_HEADERS = page_headers(camera=True, engine=True)
THREAD = "/js/engine/worker.js"


def own_files() -> Assets:
    """The pages' files, looked at once: a server does so before its processes part."""
    return assets_of(Path(__file__).parent / "static")


def build(
    *,
    words: Path = WORDS,
    image_hosts: Sequence[str] = (),
    engine: EngineFolder | None = None,
    helped: bool = False,
) -> Blueprint:
    """`GET /kiosk`, `GET /taxi`, `GET /driver`, `GET /me`, `GET /screens/engine` and their files under
    `/screens/static`.

    How a screen looks, its money and its times come from `GET /v1/screen`, once it is paired.

    Args:
        words: the folder of the languages; each of its folders is one.
        image_hosts: from where else pictures of dishes may come; a page is sent before its house is known.
        engine: where the files of the browsers' engine lie, once they are fetched.
        helped: a helper on the device serves the pages, and looks at pictures in the browser's place.
    """
    folder = Path(__file__).parent
    headers = page_headers(camera=True, engine=True, image_hosts=image_hosts)
    # The operator of a taxi's tablet may let it use its own receiver.
    of_taxi = page_headers(camera=True, engine=True, position=True, image_hosts=image_hosts)
    pages = Blueprint(
        "screens",
        __name__,
        template_folder=str(folder / "templates"),
    )

    add_watch(pages)
    offered = dictionaries(words)
    files = {one.file: one for one in offered.values()}
    listed = {
        language: {"name": one.name, "url": f"{DICTIONARIES}/{one.file}"} for language, one in offered.items()
    }
    assets = own_files()
    serve_files(pages, assets, STATIC, also=[f"{DICTIONARIES}/{name}" for name in files])

    @pages.context_processor
    def spoken() -> dict[str, object]:
        language = language_for(request, offered)
        return {
            "language": language,
            "languages": json.dumps(listed),
            "listed": listed,
            "words": offered[language].messages,
            "dictionary": listed[language]["url"],
            "first_module": assets.first_module,
            "modules_of": assets.modules_of,
            "helped": helped,
        }

    @pages.get(DICTIONARIES + "/<name>")
    def dictionary(name: str) -> Response:
        if name not in files:
            abort(404)
        return sent(files[name].body, "application/json", FOR_GOOD)

    def drawn(template: str) -> str:
        return in_words(render_template(template), offered[language_for(request, offered)].messages)

    @pages.get("/kiosk")
    def kiosk() -> str:
        return drawn("screens/kiosk.html")

    @pages.get("/taxi")
    def taxi() -> Response:
        return _page(drawn("screens/taxi.html"), of_taxi)

    @pages.get("/driver")
    def driver() -> Response:
        return _page(drawn("screens/driver.html"), OWN_PAGE_HEADERS)

    @pages.get("/me")
    def me() -> Response:
        return _page(render_template("screens/me.html"), OWN_PAGE_HEADERS)

    @pages.get(ENGINE_PAGE)
    def engine_page() -> Response:
        return _page(drawn("screens/engine.html"), ENGINE_HEADERS)

    if engine is not None:
        serve_engine(pages, engine)

    @pages.after_request
    def protect(response: Response) -> Response:
        if request.path.endswith(THREAD):
            response.headers.update(thread_headers())
        elif "Permissions-Policy" not in response.headers:
            kept = response.headers.get("Cache-Control", headers["Cache-Control"])
            response.headers.update({**headers, "Cache-Control": kept})
        return response

    return pages


def in_words(html: str, messages: Mapping[str, Pattern]) -> str:
    """A page whose empty elements have their words: it can be read before any script has run, and nothing moves
    when one has."""
    return _UNSAID.sub(lambda found: found[1] + str(escape(messages[found[2]])), html)


def _page(html: str, headers: Mapping[str, str]) -> Response:
    response = Response(html, mimetype="text/html")
    response.headers.update(headers)
    return response
