"""A fake server for the customer's own page: one customer in memory, answered as the API contract says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from plumbing.problem_json import reply
from screens.web import build

Row = dict[str, Any]
CODE = "7KQ2M-X4DPH-ZT5VR-2LMNA"
PIN = "2580"
NOTICES = {
    "en": "# What we ask\n\nMay we recognise you when you press the button?\n\nYou can stop at any time.",
    "de": "# Worum wir bitten\n\nDürfen wir Sie erkennen, wenn Sie drücken?\n\nJederzeit widerrufbar.",
    "ja": "# お願い\n\nボタンを押したときに認識してもよろしいですか。\n\nいつでも取り消せます。",
}


GERMAN = {"Flat white": "Flat White mit Milch", "Cinnamon bun": "Zimtschnecke"}


def _event(number: int, kind: str, name: str, day: str) -> Row:
    scene = "destinations" if kind == "rode" else "orders"
    item: Row = {"item_id": f"i-{number}", "name": name, "quantity": 1 + number % 2, "price": 380}
    item |= {"names": {"de": GERMAN[name]}} if name in GERMAN else {}
    where = {"reference": f"e-{number}", "at": f"{day}T08:30:00+00:00", "site": "Market Street"}
    return {"event_id": f"e-{number}", "type": kind, "scene": scene, "items": [item]} | where


def _events() -> list[Row]:
    named = ["Flat white", "Rhubarb lemonade", "Cinnamon bun", "Chicken teriyaki bowl", "Spaghetti bolognese"]
    orders = [_event(n, "ordered", named[n % 5], f"2026-11-{20 - n:02d}") for n in range(10)]
    return [_event(10, "rode", "Harbour station", "2026-11-08"), *reversed(orders)]


@dataclass
class FakeMe:
    """The customer as the server holds them, and what was asked (`heard`)."""

    pin: str | None = PIN
    purposes: dict[str, bool] = field(
        default_factory=lambda: {
            "face": True,
            "orders": True,
            "offers": False,
            "destinations": True,
            "account": False,
        }
    )
    paused: bool = False
    face_needs_pin: str = "by_choice"
    events: list[Row] = field(default_factory=_events)
    tied: str = ""
    erased: bool = False
    heard: list[Row] = field(default_factory=list)
    address: str = ""

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests of one kind, oldest first."""
        return [row["body"] for row in self.heard if (row["method"], row["path"]) == (method, path)]

    def app(self) -> Flask:
        """The page and the routes that it calls."""
        app = Flask("fake")
        app.register_blueprint(build())
        app.before_request(self._hear)
        me, rule = "/identity/v1/me", app.add_url_rule
        rule(me + "/sessions", "sessions", self._session, methods=["POST"])
        rule("/v1/me", "held", lambda: jsonify(self.held()))
        rule(me + "/notice", "notice", self._notice)
        rule(me + "/pause", "pause", self._pause, methods=["PUT", "DELETE"])
        rule(me + "/purposes", "purposes", self._purposes, methods=["PUT"])
        rule(me + "/pin", "pin", self._set_pin, methods=["PUT"])
        rule(me + "/face", "face", self._drop_face, methods=["DELETE"])
        rule(me + "/not-me", "not_me", self._not_me, methods=["DELETE"])
        rule(me, "erase", self._erase, methods=["DELETE"])
        rule("/recommender/v1/me/events/<event_id>", "correct", self._correct, methods=["DELETE"])
        rule("/recommender/v1/me/account", "account", self._account, methods=["POST", "DELETE"])
        return app

    def _hear(self) -> Response | None:
        if request.path.startswith(("/screens", "/me", "/favicon")):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.heard.append(
            {
                "method": request.method,
                "path": request.path,
                "body": request.get_json(silent=True),
                "token": token,
                "page": request.headers.get("X-Usual-Page"),
            }
        )
        if request.path.endswith("/sessions"):
            return None
        if self.erased:
            if request.path.startswith("/recommender"):
                return reply(410, "erased", "This customer was erased", "Nothing is stored.")
            return reply(401, "token_expired", "The token was not accepted", "It has expired.")
        return None if token == "usual-t1.me" else reply(401, "sign_in_needed", "Sign in first", "Sign in.")

    def _token(self) -> Response:
        level = "second_factor" if self.pin else "face"
        given = [name for name, on in self.purposes.items() if on and name != "face"]
        return jsonify(token="usual-t1.me", expires_at="2099-01-01T00:00:00+00:00", level=level, purposes=given)

    def _session(self) -> Response:
        body = request.get_json()
        if body.get("token") == "usual-t1.kiosk":
            return self._token()
        code = str(body.get("receipt", "")).upper()
        if code == CODE[:-1] + "8":
            return reply(422, "code_mistyped", "Mistyped", "Group 4.", {"group": 4})
        if self.erased or code != CODE or body.get("pin") != self.pin:
            return reply(403, "code_or_pin_wrong", "The page was not opened", "Wrong.")
        return self._token()

    def held(self) -> Row:
        """What `GET /v1/me` answers."""
        record = {"record_id": "ab" * 16, "privacy_notice": {"version": "2026-12"}}
        mine = {
            "format": "usual-export-1",
            "part": "identity",
            "in_words": [],
            "state": "paused" if self.paused else "active",
            "paused_until": "2026-12-29" if self.paused else None,
            "purposes": self.purposes,
            "notice": {"agreed": "2026-12", "newest": "2027-01"},
            "last_visit": "2026-11-20",
            "kept_until": "2027-11-20",
            "ends_soon": False,
            "pin_set": self.pin is not None,
            "face": {
                "held": self.purposes["face"],
                "kept": ["dlib@1, bare face"] if self.purposes["face"] else [],
                "site": "market" if self.purposes["face"] else None,
            },
            "face_needs_pin": self.face_needs_pin,
            "consent_records": [
                record
                | {
                    "purposes": [{"purpose": name}],
                    "events": [{"event_type": "given", "event_time": "2026-11-01T09:00:00+00:00"}],
                }
                for name, on in self.purposes.items()
                if on
            ],
            "lookups": [
                {
                    "day": f"2026-11-{20 - n:02d}",
                    "device": "kiosk-1",
                    "event": "recognise",
                    "purposes": ["orders"],
                    "outcome": "matched",
                }
                for n in range(10)
            ],
        }
        reason: Row = {"scene": "orders", "item_id": "i-0", "name": "Flat white", "reason_code": "usual"}
        rides = [event for event in self.events if event["type"] == "rode"]
        hidden = None if self.pin else "Rides are shown with your PIN."
        decision = {"decision_id": "d1", "at": "2026-11-19T15:00:00+00:00", "offer": "cake", "name": "Cake hour"}
        history = {
            "format": "usual-export-1",
            "part": "recommender",
            "purposes": ["orders"],
            "events": [event for event in self.events if event not in rides],
            "destinations": {"held": len(rides), "events": rides if self.pin else [], "hidden_because": hidden},
            "offers": {"decisions": [decision], "purchases": []},
            "account": {"account": self.tied, "held": 3} if self.tied else None,
            "models": [{"scene": "orders", "version": "0007-3f9a2c41d0be"}],
            "why": [reason | {"reason": "you ordered this on 7 of your last 10 visits", "model_version": None}],
            "how_suggestions_are_made": {"orders": "From what you ordered before."},
        }
        return {
            "format": "usual-export-1",
            "made_at": "2026-11-29T12:00:00+00:00",
            "identity": mine,
            "recommender": history,
        }

    def _notice(self) -> Response:
        language = request.args.get("language", "en")
        return jsonify(version="2027-01", language=language, sha256="0" * 64, text=NOTICES[language])

    def _pause(self) -> Response | tuple[str, int]:
        self.paused = request.method == "PUT"
        return jsonify(paused_until="2026-12-29") if self.paused else ("", 204)

    def _purposes(self) -> Response:
        body = request.get_json()
        if any(body["purposes"].values()) and body.get("notice_version") != "2027-01":
            return reply(409, "notice_outdated", "There is no valid consent", "Show the notice.")
        self.purposes |= body["purposes"]
        return self._token()

    def _set_pin(self) -> Response | tuple[str, int]:
        body = request.get_json()
        if self.pin is not None and body.get("pin") != self.pin:
            return reply(403, "pin_wrong", "The PIN was not accepted", "That is not the PIN.")
        self.pin = body["new_pin"]
        return "", 204

    def _drop_face(self) -> tuple[str, int]:
        self.purposes["face"] = False
        return "", 204

    def _not_me(self) -> tuple[str, int]:
        self.face_needs_pin = "never"
        return "", 204

    def _correct(self, event_id: str) -> Response:
        before = len(self.events)
        self.events = [event for event in self.events if event["event_id"] != event_id]
        return jsonify(removed=len(self.events) < before)

    def _account(self) -> Response | tuple[str, int]:
        if request.method == "DELETE":
            self.tied = ""
            return "", 204
        if not self.purposes["account"]:
            return reply(403, "purpose_not_given", "The customer did not agree to this purpose", "No.")
        if request.get_json()["link_code"] != "LINK-1234":
            return reply(403, "link_code_wrong", "This link code ties nothing", "Ask for a new one.")
        self.tied = "Card 0815"
        return jsonify(account="Card 0815")

    def _erase(self) -> Response:
        self.erased = True
        stores = [
            {"store": "identity.db", "state": "nothing found"},
            {"store": "models/orders", "state": "nothing found"},
        ]
        receipt = {"format": "usual-erasure-1", "id": "e1", "stores": stores, "closed": False}
        return jsonify(forgotten=True, everywhere=True, erasure=receipt)
