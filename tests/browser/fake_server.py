"""A small fake server for the pages: it replies as the API contract says and records the requests."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from identity.consent.qr import qr_svg
from plumbing.problem_json import reply
from screens.dictionaries import FOLDER as WORDS
from screens.engine import EngineFolder
from screens.web import build
from tests import pseudo
from tests.browser.fake_notice import POLICY, TEXTS, VERSION, notice
from tests.browser.fake_rides import FakeRides
from tests.closing import Closing

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Row = dict[str, Any]
RECEIPT = "7KQ25-X4DPT-ZT5V3-2RMN5"
EARLIER = "AAAAA-BBBBB-CCCCC-DDDDD-22222"
PIN = "2580"

_DISHES = [
    ("Flat white", "coffee", 380),
    ("Cappuccino", "coffee", 360),
    ("Earl Grey", "tea", 300),
    ("Rhubarb lemonade", "cold drinks", 370),
    ("Butter croissant", "bakery", 260),
    ("Cinnamon bun", "bakery", 330),
    ("Scrambled eggs on toast", "breakfast plates", 720),
    ("Tomato soup", "soups", 560),
    ("Caesar salad", "salads", 940),
    ("Chicken teriyaki bowl", "bowls", 1240),
    ("Club sandwich", "sandwiches", 990),
    ("Margherita", "pizza", 980),
    ("Spaghetti bolognese", "pasta", 1160),
    ("Cheeseburger", "grill", 1240),
    ("Chips", "sides", 420),
    ("Cheesecake", "cakes", 450),
]
ITEMS: list[Row] = [
    {
        "item_id": f"dish-{k:02d}",
        "name": name,
        "category": category,
        "price": price,
        "available": True,
        "sites": [],
    }
    for k, (name, category, price) in enumerate(_DISHES, 1)
]
_PLACES = [
    ("Linden Street", "residential"),
    ("Mill Street", "residential"),
    ("Quay office", "office"),
    ("Harbour station", "station"),
    ("Heron gym", "gym"),
    ("Ferry restaurant", "restaurant"),
    ("Lantern cinema", "cinema"),
    ("Meadow park", "park"),
]
PLACES: list[Row] = [
    {"item_id": f"place-{k:02d}", "name": name, "category": category, "available": True, "sensitive": False}
    for k, (name, category) in enumerate(_PLACES, 1)
]
QR = qr_svg(f"https://usual.example/me#{RECEIPT}")


def screen_settings() -> Row:
    """The reply to `GET /v1/screen` of a house that has set nothing; light at night too: tests see one thing."""
    none = {"accent": None, "second": None}
    return {
        "version": 1,
        "brand": {"name": "", "logo": None, "colours": {"light": none, "dark": none}, "typeface": "friendly"},
        "currency": "EUR",
        "digits": 2,
        "languages": ["en", "de", "ja"],
        "timezone": "Europe/Berlin",
        "theme": "light",
        "call_staff": True,
        "sound": False,
        "sign": None,
    }


@dataclass
class Fake:
    """The server's next replies (settings) and the requests that it received (`heard`)."""

    idle_seconds: float = 60.0
    screen: Row = field(default_factory=screen_settings)  # without the idle time
    paired: bool = True
    grade: str = "demo"
    sold_out: bool = False  # orders are refused
    where: str = ""  # at which side of the picture a refused face is
    hint: str | None = None  # the hint of a reply without a match
    decisions: deque[str] = field(default_factory=deque)  # of presses; empty: matched. Problem codes are refusals
    news: list[str] = field(default_factory=list)  # of a recognition
    within_s: float = 60.0  # to confirm a receipt
    in_force: set[str] = field(default_factory=set)  # receipts that were confirmed
    pending: set[str] = field(default_factory=set)  # receipts that were not, yet
    slow_enrolment: threading.Event | None = None  # an enrolment is answered when this is set
    purposes: list[str] = field(default_factory=lambda: ["destinations", "offers", "orders"])
    dishes: dict[str, Row | None] = field(default_factory=dict)  # what is other than in ITEMS; None: not there
    least: int = 0  # minor units, of the offer
    alike: list[tuple[str, str]] = field(default_factory=list)  # ids and reasons of dishes like any other
    problems: list[Row] = field(default_factory=list)  # of the lines of every order
    heard: list[Row] = field(default_factory=list)
    rides: FakeRides = field(default_factory=lambda: FakeRides(PLACES))
    address: str = ""
    words: Path = WORDS  # the folder of the languages
    images: dict[str, bytes] = field(default_factory=dict)  # WebP by the path below /images/
    image_hosts: tuple[str, ...] = ()
    engine: EngineFolder | None = None  # of the browser
    seal: Row | None = None  # of a press: the device sends vectors
    gone: dict[str, int] = field(default_factory=dict)  # the status of whatever has a path that ends so
    events: list[str] = field(default_factory=list)  # the events of `GET /v1/events`
    listening: list[str | None] = field(default_factory=list)  # the tokens that came with it; not in `heard`
    _count: int = 0

    def bodies(self, path: str) -> list[Row]:
        """The JSON bodies that were posted to a path, oldest first."""
        return [row["body"] for row in self.heard if row["path"] == path and row["method"] != "GET"]

    def tokens(self, path: str) -> list[str | None]:
        """The tokens that came with the requests to a path."""
        return [row["token"] for row in self.heard if row["path"] == path]

    def app(self) -> Flask:
        """The pages and the routes that they call."""
        app = Flask("fake")
        app.register_blueprint(build(words=self.words, image_hosts=self.image_hosts, engine=self.engine))
        app.before_request(self._hear)
        rule = app.add_url_rule
        rule("/v1/pairings", "pair", self._pair, methods=["POST"])
        rule("/v1/screen", "screen", lambda: jsonify(self.screen | {"idle_seconds": self.idle_seconds}))
        rule("/v1/events", "news", self._news)
        rule("/v1/screen/calls", "call_staff", lambda: (jsonify(ends_in_s=900), 201), methods=["POST"])
        rule("/identity/v1/notice", "notice", self._notice)
        rule("/policy", "policy", lambda: POLICY.format(language=request.args.get("language")))
        rule("/me", "me", lambda: "<!doctype html><html lang=en><title>me</title><h1>Your page</h1></html>")
        rule("/v1/device-key", "device_key", lambda: ("", 204), methods=["PUT"])
        rule("/identity/v1/presses", "presses", self._press, methods=["POST"])
        rule("/identity/v1/recognitions", "recognise", self._recognise, methods=["POST"])
        rule("/identity/v1/recognitions/by-code", "by_code", self._recognise_by_code, methods=["POST"])
        rule("/identity/v1/enrolments", "enrol", self._enrol, methods=["POST"])
        rule("/identity/v1/enrolments/<receipt>/confirmed", "confirm", self._confirm, methods=["PUT"])
        rule("/identity/v1/enrolments/<receipt>", "forget", self._forget, methods=["DELETE"])
        rule("/identity/v1/opt-outs", "optout", self._opt_out, methods=["POST"])
        rule("/identity/v1/not-me", "not_me", lambda: ("", 204), methods=["POST"])
        rule("/identity/v1/not-me/permanent", "never", lambda: ("", 204), methods=["POST", "DELETE"])
        rule("/identity/v1/tokens/raise", "raise", self._raise, methods=["POST"])
        rule("/v1/visits/by-code", "visit_by_code", self._visit_by_code, methods=["POST"])
        rule("/v1/visits", "visits", self._visit, methods=["POST"])
        rule("/recommender/v1/items", "items", lambda: jsonify(rows=self._rows(), next_cursor=None))
        rule("/recommender/v1/items/<item_id>/similar", "similar", self._similar)
        rule("/recommender/v1/places", "places", lambda: jsonify(rows=PLACES, next_cursor=None))
        rule("/images/<name>/<file>", "images", self._image)
        rule("/recommender/v1/events", "events", self._events, methods=["POST"])
        rule("/recommender/v1/suggestions/<scene>", "suggest", self._suggest)
        self.rides.put_on(app)
        return app

    def _news(self) -> Response | tuple[str, int]:
        """What happened since then; it waits for a second, so that no request outlives its test for long."""
        since, ends = request.args.get("since"), time.monotonic() + 1
        while since == str(len(self.events)) and time.monotonic() < ends:
            time.sleep(0.02)
        later = self.events[int(since) :] if since is not None else []
        return jsonify(id=str(len(self.events)), events=[{"event": one} for one in later])

    def _rows(self) -> list[Row]:
        changed = [row | (self.dishes.get(row["item_id"], {}) or {}) for row in ITEMS]
        return [row for row in changed if self.dishes.get(row["item_id"], {}) is not None]

    def _image(self, name: str, file: str) -> Response:
        content = self.images.get(f"{name}/{file}")
        if content is None:
            return reply(404, "not_found", "There is no such picture", "Look at the name.")
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(content, mimetype="image/webp", headers=kept)

    def _events(self) -> tuple[Response, int]:
        there = {row["item_id"] for row in self._rows() + PLACES} | {"offer-05"}
        if self.sold_out or any(
            line["item_id"] not in there for event in request.get_json()["events"] for line in event["items"]
        ):
            return reply(422, "unknown_item", "no", "no"), 422
        ordered = any(event["type"] == "ordered" for event in request.get_json()["events"])
        return jsonify(
            accepted=1, duplicates=0, **({"problems": self.problems} if ordered and self.problems else {})
        ), 201

    def _similar(self, item_id: str) -> Response:
        rows = {row["item_id"]: row for row in self._rows()}
        found = [
            {"item_id": one, "name": rows[one]["name"], "price": rows[one]["price"], "score": 1.0, "reason": why}
            for one, why in self.alike
            if one in rows and one != item_id
        ]
        return jsonify(items=found[: int(request.args["n"])], model_version=None, generation=1)

    def _hear(self) -> Response | None:
        for end, status in self.gone.items():
            if request.path.endswith(end):
                return Response(status=status)
        if request.path.startswith(("/screens", "/kiosk", "/taxi", "/driver", "/watch", "/favicon", "/me")):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        body = request.get_json(silent=True)
        if request.path == "/v1/events":
            self.listening.append(token)
            return None if self.paired else reply(401, "key_refused", "A valid API key is needed", "Pair this.")
        self.heard.append(
            {
                "method": request.method,
                "path": request.path,
                "body": body,
                "token": token,
                "query": request.args.to_dict(flat=False),
                "key": request.headers.get("Idempotency-Key"),
                "page": request.headers.get("X-Usual-Page"),
            }
        )
        if not self.paired and request.path != "/v1/pairings":
            return reply(401, "key_refused", "A valid API key is needed", "Pair this screen.")
        return None

    def _next(self, otherwise: str) -> str:
        return self.decisions.popleft() if self.decisions else otherwise

    def _pair(self) -> Response:
        if request.get_json()["code"] != "good-code":
            return reply(403, "pairing_refused", "This link does not pair the screen any more", "Make a new one.")
        self.paired = True
        return jsonify(page="kiosk")

    def _press(self) -> tuple[Response, int]:
        return jsonify(nonce="n", expires_at="x", seal=self.seal), 201

    def _decide(self) -> Row | Response:
        decision = self._next("matched")
        if decision not in ("matched", "unknown", "ambiguous"):
            status = {"too_many_failures": 429, "bad_pack": 503, "overloaded": 503}.get(decision, 422)
            return reply(
                status, decision, "No", "No.", {"hint": "try_again", "where": self.where} if status == 422 else {}
            )
        known = decision == "matched"
        self._count += 1
        token = None if decision == "unknown" else f"usual-t1.face-{self._count}"
        hint = None if known else self.hint
        purposes, news = (self.purposes, self.news) if known else ([], [])
        return {"decision": decision, "token": token, "purposes": purposes, "hint": hint, "news": news}

    def _recognise(self) -> Response:
        made = self._decide()
        return made if isinstance(made, Response) else jsonify(made)

    def _visit(self) -> Response:
        made = self._decide()
        if isinstance(made, Response):
            return made
        known = "orders" in made["purposes"]
        return jsonify(made | {"suggestions": suggestions("orders", known, [])})

    def _notice(self) -> Response:
        if request.args["language"] not in {*TEXTS, pseudo.LANGUAGE}:
            return reply(404, "notice_language_unknown", "No notice in this language", "There are en, de, ja.")
        return jsonify(notice(request.args["language"], request.args.get("place", "restaurant"), self.grade))

    def _by_code(self) -> Row | Response:
        body = request.get_json()
        if body["pin"] == "9999":
            return reply(429, "too_many_codes", "Too many tries", "Wait.")
        if body["receipt"] not in {RECEIPT, EARLIER} or body["pin"] != PIN:
            return reply(403, "code_or_pin_wrong", "The code or the PIN is not right", "Check both.")
        return {"decision": "matched", "token": "usual-t1.code", "purposes": self.purposes, "news": self.news}

    def _recognise_by_code(self) -> Response:
        made = self._by_code()
        return made if isinstance(made, Response) else jsonify(made)

    def _visit_by_code(self) -> Response:
        made = self._by_code()
        if isinstance(made, Response):
            return made
        return jsonify(made | {"suggestions": suggestions("orders", "orders" in self.purposes, [])})

    def _enrol(self) -> Response | tuple[Response, int]:
        if self.slow_enrolment:
            self.slow_enrolment.wait(20)
        body = request.get_json()
        if body.get("earlier", EARLIER) != EARLIER:
            return reply(404, "enrolment_unknown", "No enrolment has this receipt", "Check the receipt code.")
        purposes = [name for name, given in body["consent"]["purposes"].items() if given]
        if purposes == ["destinations"] and "pin" not in body:
            return reply(422, "pin_needed", "Places open with a PIN alone", "Choose a PIN.")
        decision = self._next("enrolled")
        if decision != "enrolled":
            return reply(409, decision, "No", "No.", {"token": "usual-t1.other"})
        self.pending.add(RECEIPT)
        made = {"receipt": RECEIPT, "purposes": purposes, "notice_version": VERSION, "in_force": False}
        return jsonify(
            **made, confirm_within_s=self.within_s, qr=QR, signed_receipt="usual-receipt-1.abc.def"
        ), 201

    def _confirm(self, receipt: str) -> Response | tuple[str, int]:
        if receipt not in self.pending | self.in_force:
            return reply(404, "enrolment_unknown", "No enrolment has this receipt", "Check the receipt code.")
        self.pending.discard(receipt)
        self.in_force.add(receipt)
        return "", 204

    def _forget(self, receipt: str) -> Response:
        if receipt != RECEIPT:
            return reply(404, "enrolment_unknown", "No enrolment has this receipt", "Check the receipt code.")
        self.pending.discard(receipt)
        self.in_force.discard(receipt)
        return jsonify(forgotten=True)

    def _opt_out(self) -> Response:
        decision = self._next("forgotten")
        if decision == "pin_wrong":
            return reply(403, decision, "The PIN was not accepted", "Try again.", {"hint": "try_again"})
        return jsonify(decision=decision, reference="H7K4-22" if decision == "paused" else None)

    def _raise(self) -> Response:
        body = request.get_json()
        if body["pin"] == "9999":
            return reply(429, "pin_locked", "Too many wrong PINs", "Wait.")
        if body["pin"] != PIN:
            return reply(403, "pin_wrong", "The PIN was not accepted", "Try again.")
        return jsonify(token="usual-t1.raised", expires_at="x", purposes=self.purposes)

    def _suggest(self, scene: str) -> Response:
        token = request.headers.get("Authorization")
        made = suggestions(scene, token is not None, request.args.getlist("basket"))
        if scene == "offers" and self.least:
            terms = {"en": "25 % off cakes", "de": "25 % auf Kuchen", "ja": "ケーキ25 %引き"}
            made["items"][0]["offer"] = {"discount": None, "min_spend": self.least, "items": [], "terms": terms}
            made["items"][0]["offer"] |= {"categories": [], "once_per_visit": False, "currency": "EUR"}
        return jsonify(made)


_USUAL = [
    ("dish-01", "usual", "you ordered this on 7 of your last 10 visits"),
    ("dish-05", "usual", "you ordered this on 5 of your last 10 visits"),
    ("dish-06", "alike", "people who order like you choose this"),
    ("dish-07", "popular_here", "popular here on Monday mornings"),
    ("dish-09", "new", "something new for you to try"),
]
_OWN_PLACES = [
    ("place-03", "usual_now", "you ride here on weekday mornings"),
    ("place-01", "return", "back to where you came from"),
    ("place-05", "usual", "you ride here on Mondays"),
]


def suggestions(scene: str, known: bool, basket: list[str]) -> Row:
    """A reply of the recommender; items in the basket are not suggested again."""
    if scene == "offers":
        reason = {"code": "offer_today", "text": "An offer for today"}
        chosen = [{"item_id": "offer-05", "name": "Cake hour, 25 % off", "price": None, "reason": reason}]
        return _reply(scene, None, chosen)
    table, rows = ((_USUAL, ITEMS), (_OWN_PLACES, PLACES))[scene == "destinations"]
    by_id = {row["item_id"]: row for row in rows}
    guest = [(row["item_id"], "popular_here", "popular here") for row in rows[2:9]]
    ranked = [line for line in (table if known else guest) if line[0] not in basket]
    if basket:
        more = [(row["item_id"], "with_basket", "goes with what is in your basket") for row in rows[14:]]
        ranked = [line for line in more if line[0] not in basket] + ranked
    items = [
        {
            "item_id": item_id,
            "name": by_id[item_id]["name"],
            "price": by_id[item_id].get("price"),
            "score": 1.0,
            "reason": {"code": code, "text": text},
        }
        for item_id, code, text in ranked[:5]
    ]
    return _reply(scene, None if known else "no_token", items)


def _reply(scene: str, fallback: str | None, items: list[Row]) -> Row:
    return {
        "recommendation_id": f"rec_{scene}",
        "scene": scene,
        "model_version": None,
        "fallback": fallback,
        "items": items,
        "took_ms": 1.0,
    }


class Quiet(WSGIRequestHandler):
    """Does not log requests, and keeps connections: a page asks for sixty files."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def serve(app: WSGIApplication, port: int = 0) -> Iterator[str]:
    """`app` on a port of this machine (0: a free one), in a thread; yields its address."""
    closing = Closing(app)
    server = make_server("127.0.0.1", port, closing, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        closing.close()
