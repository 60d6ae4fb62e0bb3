"""Who may sign in: what a user is, what a sign-in name is, and whose rights one may give."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from plumbing.access.caller import Caller
from plumbing.access.roles import ROLES, may_give
from plumbing.people.errors import RoleRefused, SitesRefused, UserNameRefused, UserNotYours
from plumbing.storage.database import Row

LONGEST_NAME = 100
LONGEST_SITE = 64
MOST_SITES = 500


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may sign in. `sites` empty: all sites of the tenant. `state` is invited, active or removed."""

    tenant: str
    user_id: str
    name: str
    display: str
    roles: tuple[str, ...]
    sites: tuple[str, ...]
    language: str
    state: str
    created_us: int
    second_step: bool = False
    link_until_us: int = 0
    """When their one-time link ends; 0 without one."""


def as_user(row: Row) -> User:
    """A row of `users`, with `expires_us` of an invitation where it was joined."""
    link = row["expires_us"] if "expires_us" in row.keys() else None  # noqa: SIM118 - a Row is no mapping
    return User(
        tenant=row["tenant"],
        user_id=row["user_id"],
        name=row["name"],
        display=row["display"],
        roles=tuple(row["roles"].split()),
        sites=tuple(row["sites"].splitlines()),
        language=row["language"],
        state=row["state"],
        created_us=row["created_us"],
        second_step=bool(row["totp"]),
        link_until_us=link or 0,
    )


def as_name(text: str) -> str:
    """A sign-in name as it is stored: small letters, so that nobody has to remember how it was written.

    Raises UserNameRefused.
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or any(sign.isspace() for sign in name):
        raise UserNameRefused
    return name


def checked_roles(roles: Iterable[str], by: Caller | None) -> tuple[str, ...]:
    """The roles, sorted. `by` is who gives them; None is the operator's command line.

    Raises RoleRefused: none, an unknown one, or one with rights that `by` does not have.
    """
    wanted = tuple(sorted(set(roles)))
    if not wanted or set(wanted) - set(ROLES):
        raise RoleRefused(f"Choose at least one of the roles {', '.join(ROLES)}.")
    if by is not None and not all(may_give(by.scopes, role) for role in wanted):
        raise RoleRefused
    return wanted


def checked_sites(sites: Iterable[str], by: Caller | None) -> tuple[str, ...]:
    """The sites, sorted; none stands for all of them.

    Raises SitesRefused: a name that is none, or sites that `by` may not see.
    """
    wanted = tuple(sorted({site.strip() for site in sites}))
    if len(wanted) > MOST_SITES or any(
        not 1 <= len(site) <= LONGEST_SITE or not site.isprintable() for site in wanted
    ):
        raise SitesRefused(f"The name of a site has 1 to {LONGEST_SITE} signs on one line.")
    if by is not None and by.sites and not (wanted and set(wanted) <= by.sites):
        raise SitesRefused
    return wanted


def may_manage(by: Caller, user: User) -> bool:
    """Whether `by` may change or remove this person: has all their roles and sites."""
    sites = not by.sites or bool(user.sites and set(user.sites) <= by.sites)
    return by.tenant == user.tenant and sites and all(may_give(by.scopes, role) for role in user.roles)


def require_manages(by: Caller | None, user: User) -> None:
    """Raises UserNotYours."""
    if by is not None and not may_manage(by, user):
        raise UserNotYours
