"""The desk as it is served (with the recommender's half), and browsers in which people sign in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from plumbing.access.access import Access
from plumbing.clock import Clock as UsClock
from plumbing.people.people import People
from plumbing.settings import Config
from plumbing.shared import Shared
from tests.journey import Clock
from tests.plumbing.people.conftest import PASSWORD
from tests.plumbing.people.conftest import quick as quick

PAGE = {"X-Usual-Page": "desk"}


@dataclass
class Browser:
    """A browser that sends what the desk's pages send."""

    client: FlaskClient

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> TestResponse:
        sent = PAGE | dict(headers or {})
        return self.client.open(path, method=method, json=body, headers=sent, **more)

    def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.send("POST", "/desk/v1/sessions", {"name": name, "password": password, **more})

    def secret(self, name: str = "usual_desk") -> str:
        """The value of a cookie."""
        cookie = self.client.get_cookie(name)
        return cookie.value if cookie else ""


@dataclass
class Desk:
    """An installation and its clock."""

    home: Path
    clock: Clock = field(default_factory=Clock)
    now_us: UsClock | None = None

    def __post_init__(self) -> None:
        self.app = create_app(Config(home=self.home, only="recommender"), now_us=self.now_us or self.clock)
        self.access: Access = self.app.extensions["usual"]["access"]
        self.shared: Shared = self.app.extensions["usual_open"][-1]
        self.people: People = self.shared.people

    def browser(self) -> Browser:
        return Browser(self.app.test_client())

    def joined(self, name: str, *roles: str, sites: tuple[str, ...] = (), tenant: str = "grill") -> Browser:
        """A browser in which somebody has signed in."""
        secret = self.people.invite(tenant, name, roles, sites=sites)
        browser = self.browser()
        reply = browser.send("POST", "/desk/v1/invitations/accept", {"secret": secret, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        return browser

    def empty(self) -> None:
        """Nobody is there any more. The clock stays where it is."""
        lasting, passing = self.shared.databases
        for table in (
            "users",
            "sessions",
            "invitations",
            "recovery_codes",
            "code_uses",
            "changes",
            "keys",
            "devices",
        ):
            lasting.change(f"DELETE FROM {table}")
        passing.change("DELETE FROM windows")

    def close(self) -> None:
        for part in self.app.extensions["usual_open"]:
            part.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.close()


@pytest.fixture
def desk(installation: Desk) -> Desk:
    installation.empty()
    return installation
