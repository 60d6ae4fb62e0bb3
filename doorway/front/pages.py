"""`GET /`, `GET /docs/errors` and `GET /docs/errors/<code>`: pages for a browser, JSON for a program. No login.

`errors.json` is written by `scripts/api.py` from the classes of errors, so that a process knows codes, too, that
another one answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask import json as flask_json

from plumbing.http_problems import NotFound
from plumbing.problem_json import ERRORS

CATALOGUE = Path(__file__).parent / "errors.json"
PLACES = (
    ("/docs", "docs", "The API: every operation with examples, scopes and error codes"),
    ("/openapi.json", "description", "The same for programs (OpenAPI 3.1)"),
    (ERRORS, "errors", "What every error code means, and what to do"),
    ("/health/ready", "health", "Whether every part can do its work"),
    ("/kiosk", "kiosk", "The screen of a restaurant"),
    ("/taxi", "taxi", "The tablet of a taxi"),
    ("/desk", "desk", "The desk, for those who run the house"),
    ("/me", "own_page", "The page of a customer: what is held, and how to leave"),
    ("/policy", "policy", "How faces are handled here"),
)
"""Where to go: address, name in JSON, what is there."""


@cache
def errors() -> Mapping[str, Mapping[str, Any]]:
    """What every code means, by code."""
    found: dict[str, dict[str, Any]] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return found


def build() -> Blueprint:
    """The pages."""
    pages = Blueprint("front", __name__, template_folder="templates")

    @pages.get("/")
    def home() -> Response:
        rules = current_app.url_map.iter_rules()
        there = {rule.rule.rstrip("/") for rule in rules if not rule.endpoint.startswith("apart.")}
        places = [place for place in PLACES if place[0] in there]
        if not _for_browser():
            return _json(
                {"name": "Usual", "version": version("usual"), **{name: path for path, name, _ in places}}
            )
        return _page("home", places=places, version=version("usual"))

    serve_errors(pages)
    return pages


def serve_errors(pages: Blueprint) -> None:
    """`GET /docs/errors` and `GET /docs/errors/<code>`: the addresses that problems name as their type."""

    @pages.get(ERRORS)
    def all_errors() -> Response:
        rows = [_row(code) for code in sorted(errors())]
        return _page("errors", rows=rows) if _for_browser() else _json({"rows": rows})

    @pages.get(f"{ERRORS}/<code>")
    def one_error(code: str) -> Response:
        if code not in errors():
            raise NotFound("No error has this code. GET /docs/errors lists all of them.")
        return _page("error", row=_row(code)) if _for_browser() else _json(_row(code))


def _row(code: str) -> dict[str, Any]:
    return {"code": code, "type": f"{ERRORS}/{code}", **errors()[code]}


def _for_browser() -> bool:
    """Whether a page is asked for rather than JSON; a program that says nothing gets JSON."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _page(name: str, **values: Any) -> Response:
    return _kept(Response(render_template(f"front/{name}.html", **values), mimetype="text/html"))


def _json(document: Mapping[str, Any]) -> Response:
    return _kept(Response(flask_json.dumps(document), mimetype="application/json"))


def _kept(response: Response) -> Response:
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-cache"  # another release may say something else
    return response
