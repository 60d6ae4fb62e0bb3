"""A desk with two colleagues, on the recommender's half: for tests of the record and of four eyes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from flask_openapi3.openapi import OpenAPI
from werkzeug.test import TestResponse

from app import create_app
from plumbing.clock import system_clock
from plumbing.settings import Config
from plumbing.shared import Shared

PASSWORD = "correct horse battery"  # pragma: allowlist secret
TENANT = "grill"


class MovedClock:
    """The machine's clock, and what a test adds to it."""

    ahead_us = 0

    def __call__(self) -> int:
        return system_clock() + self.ahead_us


@dataclass
class Person:
    """Somebody who is signed in, with their browser."""

    client: FlaskClient
    user_id: str
    name: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """A request as the pages send it."""
        sent = {"X-Usual-Page": "desk"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent)

    def record(self, **query: Any) -> list[dict[str, Any]]:
        """The rows that this person sees, newest first."""
        reply = self.send("GET", "/desk/v1/changes?" + "&".join(f"{k}={v}" for k, v in query.items()))
        assert reply.status_code == 200, reply.text
        rows: list[dict[str, Any]] = reply.get_json()["rows"]
        return rows


@dataclass
class Desk:
    """The application and its people."""

    app: OpenAPI
    home: Path
    clock: MovedClock
    tenant: str = TENANT

    @property
    def shared(self) -> Shared:
        shared: Shared = self.app.extensions["usual_open"][-1]
        return shared

    def person(self, name: str, roles: Sequence[str] = ("marketer",), *, password: str = "") -> Person:
        """A new colleague, signed in. Only one with a `password` can sign in with it: hashing it takes a while."""
        people, database = self.shared.people, self.shared.databases[0]
        unique = name if self.tenant == TENANT else f"{name}.{self.tenant}"
        invitation = people.invite(self.tenant, unique, roles, display=name.capitalize())
        if password:
            people.accept(invitation, password)
        (user,) = (one for one in people.users(self.tenant) if one.name == unique)
        with database.write() as connection:
            connection.execute("UPDATE users SET state = 'active' WHERE user_id = ?", (user.user_id,))
            secret = people.begin_session(connection, self.tenant, user.user_id)
        client = self.app.test_client()
        client.set_cookie("usual_desk", secret)
        return Person(client, user.user_id, unique)


@contextmanager
def open_desk(home: Path, **settings: Any) -> Iterator[Desk]:
    """A desk in `home`, closed at the end."""
    clock = MovedClock()
    app = create_app(Config(home=home, **{"only": "recommender"} | settings), now_us=clock)
    try:
        yield Desk(app, home, clock)
    finally:
        for part in app.extensions["usual_open"]:
            part.close()
