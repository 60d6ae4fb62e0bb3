"""What the helper answers at 127.0.0.1: the pages, one address for pictures, and what is passed on to the house.

Pages of other sites reach nothing here: a request must name this very address (a name that leads to 127.0.0.1 by
DNS is another one), and must not come from a page of another origin. The device's keys never reach a page.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

from flask import Blueprint, Flask, Response, jsonify, redirect, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from doorway.front import pages as front
from doorway.kiosk_helper.errors import HouseAway, NotThisAddress, PicturesStayHere
from doorway.kiosk_helper.house import House, json_of
from doorway.kiosk_helper.line import WITHIN_S, Answer
from doorway.kiosk_helper.looks import Looks
from identity.device_vectors.looking import Pictures
from identity.frames.texts import pictures
from plumbing import problem_json
from plumbing.access.errors import ForeignPage
from plumbing.demands import MIB, SMALL, BodySize, too_large
from plumbing.gate.problems import Overloaded
from plumbing.problem import Problem
from plumbing.security import headers
from screens import web as screens

LOOKS = "/screens/engine/looks"
PRESSES = "/identity/v1/presses"
LOOK_SIZE = BodySize(6 * MIB, 1_000)
"""Ten pictures of 1280 x 960 as a page takes them, in base64, are 4 MB."""
AWAY = "X-Usual-Away"
HTTP_PORT = 80
WAITS_S = 45.0
"""Longer than the house lets a request for news or for a ride wait."""
WAITING = ("/v1/events", "/v1/ride")
MOST_WAITING = 5
"""Requests for news at a time. One that its page has given up waits on here; the others need threads, too."""
_PARTED = re.compile(r"[/\\;]")
"""Where some servers end a part of an address."""
PASSED_ON: tuple[tuple[str, str], ...] = (
    ("GET", "/health/live"),
    ("GET", "/v1/screen"),
    ("POST", "/v1/screen/calls"),
    ("GET", "/v1/events"),
    ("GET", "/policy"),
    ("GET", "/images/<path:name>"),
    ("POST", PRESSES),
    ("GET", "/identity/v1/notice"),
    ("POST", "/identity/v1/recognitions"),
    ("POST", "/identity/v1/recognitions/by-code"),
    ("POST", "/identity/v1/tokens/raise"),
    ("POST", "/identity/v1/not-me"),
    ("POST", "/identity/v1/not-me/permanent"),
    ("DELETE", "/identity/v1/not-me/permanent"),
    ("POST", "/identity/v1/enrolments"),
    ("PUT", "/identity/v1/enrolments/<receipt>/confirmed"),
    ("DELETE", "/identity/v1/enrolments/<receipt>"),
    ("POST", "/identity/v1/opt-outs"),
    ("POST", "/v1/visits"),
    ("POST", "/v1/visits/by-code"),
    ("GET", "/recommender/v1/items"),
    ("GET", "/recommender/v1/items/<item_id>/similar"),
    ("GET", "/recommender/v1/places"),
    ("GET", "/recommender/v1/offers"),
    ("GET", "/recommender/v1/suggestions/<scene>"),
    ("POST", "/recommender/v1/events"),
    ("POST", "/v1/ride"),
    ("GET", "/v1/ride"),
    ("DELETE", "/v1/ride"),
    ("POST", "/v1/driver/codes"),
)
"""All that a paired kiosk or tablet asks of its house. A closed list: nothing else goes through."""
SENT = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "X-Usual-Clock",
)
"""Headers of the page that the house gets; the key is added by the helper."""
GIVEN = ("Cache-Control", "Content-Type", "Date", "ETag", "Retry-After", "Vary")
"""Headers of the house that the page gets. No cookie is among them, and no word on what a page may do."""
OTHER_PAGES = frozenset({"screens.driver", "screens.me", "screens.engine_page"})
"""Pages for other devices: they are the house's."""


class LookBody(BaseModel):
    """The pictures of one press, in base64: JPEG, PNG or WebP."""

    model_config = ConfigDict(extra="forbid")

    nonce: str = Field(min_length=1, max_length=64)
    purpose: Literal["recognise", "enrol", "opt_out"]
    frames: list[str] = Field(min_length=1, max_length=6)
    moves: list[str] = Field(default=[], max_length=4)


class PairingBody(BaseModel):
    """A code that somebody types at the screen, or the link of a first run."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field(min_length=1, max_length=200)


def create_kiosk(house: House, looks: Looks, port: int, image_hosts: Sequence[str] = ()) -> Flask:
    """The helper's application, for requests to 127.0.0.1 and `port` alone. Nothing is started."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LOOK_SIZE.most_bytes
    problem_json.register(app)
    headers.register(app)
    app.register_error_handler(HouseAway, _away)
    app.register_error_handler(ValidationError, problem_json.invalid_request)
    app.register_blueprint(screens.build(image_hosts=image_hosts, helped=True))
    app.register_blueprint(_error_pages())
    # A browser leaves out the port that it would take anyway.
    hosts = {name if port == HTTP_PORT else f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
    app.before_request(lambda: refuse_strangers(hosts))

    @app.get("/")
    def first() -> AnyResponse:
        query = request.query_string.decode("latin-1")  # the site, or where a taxi stands
        return redirect(f"/{house.device.page}" + (f"?{query}" if query else ""))

    @app.post("/v1/pairings")
    def pair() -> Response:
        code = PairingBody.model_validate_json(request.get_data()).code
        return jsonify(page=house.pair(house.device.server, code).page)

    @app.post(LOOKS)
    def look() -> Response:
        body = LookBody.model_validate_json(request.get_data(cache=False))
        seen = Pictures(pictures(body.frames), moves=pictures(body.moves))
        message = looks.message(body.nonce, body.purpose, seen, house.device.signing)
        return jsonify(device_message=base64.b64encode(message).decode())

    waiting = threading.BoundedSemaphore(MOST_WAITING)

    def pass_on(**_: str) -> Response:
        if request.method != "GET" or request.path not in WAITING:
            return _reply(_asked(house, looks))
        if not waiting.acquire(blocking=False):
            raise Overloaded
        try:
            return _reply(_asked(house, looks))
        finally:
            waiting.release()

    for method, rule in PASSED_ON:
        app.add_url_rule(rule, f"{method} {rule}", pass_on, methods=[method], provide_automatic_options=False)
    return app


def _error_pages() -> Blueprint:
    """What each code means: a problem of the helper or of the house names its page by an address here."""
    pages = Blueprint("front", front.__name__, template_folder="templates")
    front.serve_errors(pages)
    return pages


def most_bytes(path: str) -> int:
    """The largest body that is taken at `path`: a server refuses more before it reads any of it."""
    return (LOOK_SIZE if path == LOOKS else SMALL).most_bytes


def refuse_strangers(hosts: set[str]) -> None:
    """Raises NotThisAddress, ForeignPage. Pages and their files hold nothing; they are not looked at further."""
    if request.host not in hosts:
        raise NotThisAddress
    if request.blueprint == "screens":
        if request.endpoint in OTHER_PAGES:
            raise NotFound("This page is the house's own.")
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    own = origin is None or origin.removeprefix("http://") in hosts
    if not own or site not in (None, "same-origin", "none"):
        raise ForeignPage


def _asked(house: House, looks: Looks) -> Answer:
    """What the house answers to the page's request."""
    if {".", ".."} & set(_PARTED.split(request.path)):  # what stands in front of the house might follow it
        raise NotFound("There is no such address.")
    body = request.get_data()
    if len(body) > SMALL.most_bytes:
        raise too_large(SMALL)
    if _has_pictures(body):
        raise PicturesStayHere
    sent = {name: request.headers[name] for name in SENT if name in request.headers}
    query = request.query_string.decode("latin-1")
    target = quote(request.path) + (f"?{query}" if query else "")
    within_s = WAITS_S if request.path in WAITING else WITHIN_S
    answer = house.ask(request.method, target, sent, body or None, within_s)
    if request.path == PRESSES and answer.status == HTTPStatus.CREATED:
        keep_press(house, looks, answer)
    return answer


def keep_press(house: House, looks: Looks, answer: Answer) -> None:
    """Keep what the house answered to a press; what does not fit is said once. Raises as `Looks.pressed` does."""
    try:
        looks.pressed(json_of(answer))
    except Problem as error:
        house.notices.about("presses", f"{error.title}: {error.detail}")
        raise
    house.notices.about("presses", "")


def _has_pictures(body: bytes) -> bool:
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return False  # the house says what is wrong with it
    return isinstance(said, dict) and bool({"frames", "moves"} & said.keys())


def _reply(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status)
    response.headers.remove("Content-Type")
    for name in GIVEN:
        if value := answer.header(name):
            response.headers[name] = " ".join(value.split())  # one that was sent in several lines
    response.headers.update(headers.OF_ANOTHER_SERVER)
    return response


def _away(error: HouseAway) -> Response:
    """So that a page goes on as without a line: somebody answers, but not the house."""
    response = problem_json.reply_to(error)
    response.headers[AWAY] = "1"
    return response
