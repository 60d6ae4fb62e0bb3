"""Sign somebody in at the desk, without the form: for tests of the pages behind it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from playwright.sync_api import Page

from plumbing.people.people import People

PASSWORD = "correct horse battery"


def session_of(
    people: People, tenant: str, roles: Sequence[str] = ("marketer",), *, name: str = "", sites: Sequence[str] = ()
) -> str:
    """The secret of a session of a new user."""
    invitation = people.invite(tenant, name or f"user-{secrets.token_hex(4)}", roles, sites=sites)
    return people.accept(invitation, PASSWORD)


def sign_in(page: Page, address: str, secret: str) -> None:
    """Put the session into the browser of `page`."""
    page.context.add_cookies([{"name": "usual_desk", "value": secret, "url": address}])
