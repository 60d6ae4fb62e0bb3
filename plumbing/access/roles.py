"""What each role may do: roles give scopes, and a route asks for scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROLES: Mapping[str, tuple[str, ...]] = {
    "viewer": ("view",),
    "marketer": ("view", "suggest", "train", "people"),
    "privacy_officer": ("view", "privacy", "people"),
    "operator": ("view", "operate", "admin", "people"),
}
"""Scopes by role. `view` reads figures; `people` invites to roles whose scopes one has."""

IMPLIED: Mapping[str, tuple[str, ...]] = {"train": ("view",), "admin": ("operate",)}
"""What comes with a scope: keys made before there was `view` or `operate` keep reading what they read."""


ADMINISTRATION = frozenset({"train", "privacy", "operate", "people", "admin"})
"""Scopes with which a request changes how the installation works, or what it holds of a person."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """The scopes of someone with these roles; a role that this release does not know gives none."""
    return with_implied(scope for role in roles for scope in ROLES.get(role, ()))


def with_implied(scopes: Iterable[str]) -> frozenset[str]:
    """`scopes`, and what comes with them."""
    given = frozenset(scopes)
    return given.union(*(IMPLIED.get(scope, ()) for scope in given))


def may_give(own: Iterable[str], role: str) -> bool:
    """Whether someone with the scopes `own` may invite to `role`: nobody gives what they do not have."""
    return role in ROLES and set(ROLES[role]) <= set(own)
