"""The routes of rides for the fake server: a tablet, a driver's screen, a ride. Nobody is kept waiting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from plumbing.problem_json import reply


@dataclass
class FakeRides:
    """What the server holds; a test may set it and look at it."""

    rows: list[dict[str, Any]]
    driver: bool = True  # a driver's screen belongs to the tablet
    set_up: bool = True  # the tablet was paired a moment ago
    forget_in_s: int = 900
    state: str = "none"
    place: dict[str, Any] | None = None
    mark: int = 1
    ride_id: str = ""
    codes: list[str] = field(default_factory=list)

    def put_on(self, app: Flask) -> None:
        rule = app.add_url_rule
        rule("/v1/ride", "hand_over", self._hand_over, methods=["POST"])
        rule("/v1/ride", "look", lambda: jsonify(self._on_tablet()), methods=["GET"])
        rule("/v1/ride", "end", self.end, methods=["DELETE"])
        rule("/v1/driver/ride", "where_to", self._where_to, methods=["GET"])
        rule("/v1/driver/ride", "over", self.end, methods=["DELETE"])
        rule("/v1/driver/ride/accepted", "accept", self._accept, methods=["PUT"])
        rule("/v1/driver/codes", "code", self._code, methods=["POST"])

    def change(self, state: str) -> None:
        self.state, self.mark = state, self.mark + 1

    def confirm(self, item_id: str) -> None:
        """As if a rider had just confirmed a place on the tablet."""
        row = next(one for one in self.rows if one["item_id"] == item_id)
        self.place, self.ride_id = row | {"lat": 54.4512, "lon": 6.9521}, "ride-9"
        self.change("sent")

    def end(self) -> tuple[str, int]:
        self.place, self.ride_id = None, ""
        self.change("none")
        return "", 204

    def _on_tablet(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "driver": self.driver,
            "ride_id": self.ride_id,
            "watch": "w",
            "mark": self.mark,
        }

    def _hand_over(self) -> tuple[Response, int]:
        item_id = request.get_json()["item_id"]
        self.place = next(row for row in self.rows if row["item_id"] == item_id) | {"lat": 54.4512, "lon": 6.9521}
        self.ride_id = f"ride-{self.mark}"
        self.change("sent")
        return jsonify(self._on_tablet()), 201

    def _where_to(self) -> Response:
        if self.state == "sent":
            self.change("seen")
        more = {"version": 1, "taxi": "taxi-1", "place": self.place, "confirmed_at": None}
        return jsonify(self._on_tablet() | more | {"forget_in_s": self.forget_in_s if self.place else 0})

    def _accept(self) -> tuple[str, int] | Response:
        if request.get_json()["ride_id"] != self.ride_id:
            return reply(404, "no_such_ride", "There is no such ride any more", "Ask again.")
        self.change("accepted")
        return "", 204

    def _code(self) -> Response | tuple[Response, int]:
        if not self.set_up:
            return reply(403, "code_too_late", "This tablet was paired too long ago", "Use the command line.")
        self.codes.append("7KQ2X4DPT5")
        return jsonify(code="7KQ2X4DPT5", device="driver-1", minutes=15), 201
