"""A whole installation in a temporary folder, walked over HTTP with drawn people.

Every reply is held against the published description of the API.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from flask import Response, request
from flask.testing import FlaskClient
from flask_openapi3.openapi import OpenAPI
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from werkzeug.test import TestResponse

from app import create_app
from data.faces import people
from plumbing.access.access import Access
from plumbing.clock import system_clock
from plumbing.settings import Config
from tests import magic

drawn_face = magic.marked(people.draw_face)
EVERYTHING = (
    "identify",
    "enrol",
    "suggest",
    "event",
    "drive",
    "view",
    "train",
    "privacy",
    "operate",
    "people",
    "admin",
)


class Clock:
    """The machine's time, moved ahead by `ahead_us`."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead_us


def frames_of(person: int, first: int = 0, count: int = 3) -> list[str]:
    """Base64 JPEGs of a drawn person, a different moment each."""
    return [picture(drawn_face(person, first + n)) for n in range(count)]


def picture(pixels: NDArray[np.uint8]) -> str:
    """Pixels as the API takes them."""
    return base64.b64encode(people.jpeg(pixels)).decode()


def described(description: dict[str, Any], rule: str, method: str, status: int) -> tuple[str, Any] | None:
    """(content type, schema) that the description gives for a reply; None where it gives no content."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)
    responses = description["paths"][path][method.lower()]["responses"]
    content = responses.get(str(status), responses["default"]).get("content")
    if not content:
        return None
    (kind, inner), *_ = content.items()
    return kind, inner.get("schema")


def listed(description: dict[str, Any], rule: str, method: str, response: Response) -> None:
    """Fail a problem whose code the operation's description does not list: add it to `errors=` of the route."""
    if response.mimetype != "application/problem+json":
        return
    operation = description["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule), {}).get(method.lower())
    code = response.get_json()["code"]
    assert operation is None or code in operation["x-error-codes"], f"{method} {rule} answers {code!r}"


def check_replies(app: OpenAPI) -> None:
    """Fail a request whose reply does not match /openapi.json."""
    description = app.api_doc  # what /openapi.json serves

    @app.after_request
    def check(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else ""
        api = rule.startswith(("/v1", "/identity/v1", "/recommender/v1", "/health"))
        if not api or request.method in ("OPTIONS", "HEAD") or response.status_code == 405:
            return response
        listed(description, rule, request.method, response)
        content = described(description, rule, request.method, response.status_code)
        if content is not None:
            kind, schema = content
            assert response.mimetype == kind, (rule, response.status_code, response.mimetype)
            Draft202012Validator(schema | {"components": description["components"]}).validate(response.get_json())
        return response


@dataclass
class Place:
    """The application and one device's way of talking to it."""

    home: Path
    cache: Path
    tenant: str = "mill"
    device: str = "till-1"
    clock: Clock = field(default_factory=Clock)
    config: Config | None = None

    def __post_init__(self) -> None:
        config = self.config or Config(home=self.home, cache=self.cache)
        self.app = create_app(config, now_us=self.clock)
        self.access: Access = self.app.extensions["usual"]["access"]
        check_replies(self.app)
        self.client: FlaskClient = self.app.test_client()
        self.key = self.access.create_key(self.tenant, EVERYTHING, device=self.device, site="mill")

    @property
    def identity(self) -> Any:
        """The identity half, for operators' work that has no route."""
        return self.app.extensions["usual"]["identity"]

    def calibrate(self, cohort: int = 80) -> None:
        """Set the thresholds on drawn strangers, as the demo does."""
        self.identity.warm()  # a pack that is converted for the first time takes longer than a press may
        strangers = range(people.STRANGERS, people.STRANGERS + cohort)
        pictures = ([base64.b64decode(frame) for frame in frames_of(seed)] for seed in strangers)
        self.identity.calibrator.calibrate_on_pictures(self.tenant, pictures)

    def send(self, method: str, path: str, body: Any = None, key: str = "", **headers: str) -> TestResponse:
        """One request with this device's key."""
        sent = {"X-API-Key": key or self.key} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent)

    def nonce(self) -> str:
        """A press."""
        return str(self.send("POST", "/identity/v1/presses", {}).get_json()["nonce"])

    def enrol(self, person: int, **purposes: bool) -> dict[str, Any]:
        """Enrol a drawn person; the reply."""
        notice = self.send("GET", "/identity/v1/notice").get_json()
        wanted = {"orders": True, "offers": True, "destinations": True} | purposes
        consent = {"purposes": wanted, "notice_version": notice["version"], "age_confirmed": True}
        body = {"nonce": self.nonce(), "frames": frames_of(person), "consent": consent}
        reply = self.send("POST", "/identity/v1/enrolments", body)
        assert reply.status_code == 201, reply.get_json()
        enrolled: dict[str, Any] = reply.get_json()
        confirmed = self.send("PUT", f"/identity/v1/enrolments/{enrolled['receipt']}/confirmed")
        assert confirmed.status_code == 204, confirmed.get_json()
        return enrolled

    def recognise(self, person: int, first: int = 50, count: int = 1) -> dict[str, Any]:
        """A press and a look at a drawn person; the reply."""
        body = {"nonce": self.nonce(), "frames": frames_of(person, first, count)}
        reply = self.send("POST", "/identity/v1/recognitions", body)
        assert reply.status_code == 200, reply.get_json()
        seen: dict[str, Any] = reply.get_json()
        return seen
