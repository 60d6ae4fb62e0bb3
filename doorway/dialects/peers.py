"""Dialects by the API: what a tenant agreed on with a system that calls with a secret in place of a key."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.clock import as_text
from plumbing.dialect_peers import NoSuchPeer, Peer
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.problem import Problem
from plumbing.shared import Shared

PEERS = ("square", "toast")
LEAST = 16
Secret = Annotated[str, StringConstraints(min_length=LEAST, max_length=255, pattern=r"^[!-~]+$")]
Their = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Ours = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f]*$")]


class PeerIncomplete(Problem):
    """Something is missing of what a system needs to call."""

    code = "peer_incomplete"
    status = 422
    title = "Something is missing of what this system needs"
    what_to_do = "Send what the reply names."


class PeerPath(BaseModel):
    name: Literal["square", "toast"]


class PeerBody(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "secret": "the-key-of-your-subscription",
                "access_token": "token-of-the-tenant-at-square",
                "address": "https://usual.example/api/square/mfzwizltoq2gk4tu",
                "sites": {"L8GY3KXM4ND5R": "mill"},
            }
        },
    )

    secret: Secret | None = Field(
        None, description="Square: the subscription's signature key; Toast: the key that Toast sends"
    )
    access_token: Secret | None = Field(None, description="Square alone: with which orders are read there")
    address: str | None = Field(
        None, max_length=500, description="Square alone: the notification URL, as it is there"
    )
    sandbox: bool | None = Field(None, description="Square alone: its place for trials")
    sites: dict[Their, Ours] | None = Field(
        None, max_length=1_000, description="our site for each location of Square or restaurant GUID of Toast"
    )


class PeerReply(BaseModel):
    """What was agreed, without its secrets; while nothing was, `set_at` is null."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "square",
                "path": "/api/square/mfzwizltoq2gk4tu",
                "address": "https://usual.example/api/square/mfzwizltoq2gk4tu",
                "sandbox": False,
                "sites": {"L8GY3KXM4ND5R": "mill"},
                "has_access_token": True,
                "set_at": "2026-11-23T12:00:00Z",
                "earlier_until": None,
            }
        }
    )

    name: Literal["square", "toast"]
    path: str = Field(description="where it calls, behind this house's host")
    address: str
    sandbox: bool
    sites: dict[str, str]
    has_access_token: bool
    set_at: str | None
    earlier_until: str | None = Field(description="until when the secret before still counts")


def complete(name: str, peer: Peer, path: str) -> Peer:
    """Raises PeerIncomplete: something is missing. `path` is where it calls."""
    missing = []
    if not peer.secret:
        missing.append("secret")
    if name == "square":
        if not peer.access_token:
            missing.append("access_token")
        where = urlsplit(peer.address)
        if where.scheme != "https" or not peer.address.isascii() or not where.path.endswith(path):
            missing.append(f"address (as Square has it: https://HOUSE{path})")
    elif not peer.sites:
        missing.append("sites (the GUIDs of the restaurants that may call)")
    if missing:
        raise PeerIncomplete(f"{name} needs {', '.join(missing)}.")
    return peer


def changed(name: str, before: Peer | None, given: dict[str, Any], path: str) -> Peer:
    """The peer with what was given; the rest stays. Raises PeerIncomplete."""
    there = before or Peer("")
    parts = {one: getattr(there, one) for one in ("secret", "access_token", "address", "sandbox", "sites")}
    return complete(
        name, Peer(**(parts | {one: value for one, value in given.items() if value is not None})), path
    )


def peers(shared: Shared) -> APIBlueprint:
    """The routes, for scope `admin`. No secret is ever shown."""
    tag = Tag(name="dialects", description="Routes as other systems have them, for programs written for those")
    api = APIBlueprint("peers", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    where, path_of = "/v1/dialects/<name>/peer", shared.peers.path

    @door.route(
        "GET",
        where,
        scopes=("admin",),
        reply=PeerReply,
        summary="Where Square or Toast calls, and what was agreed with it",
    )
    def get_dialect_peer(caller: Caller, path: PeerPath) -> Body:
        """Addresses and sites, and since when; never a secret."""
        shown = row(path.name, shared.peers.find(caller.tenant, path.name), path_of(caller.tenant, path.name))
        note_tag(shown)
        return shown

    @door.route(
        "PUT",
        where,
        scopes=("admin",),
        reply=PeerReply,
        summary="Agree on a secret with Square or Toast, or change which site is which",
        errors=(PeerIncomplete.code, "changed_meanwhile"),
    )
    def put_dialect_peer(caller: Caller, path: PeerPath, body: PeerBody) -> Body:
        """What is left out stays. A secret that is replaced counts for another day, so that both sides need not
        change it in one moment; it is sealed, never shown, and not in the record of changes. `If-Match` refuses a
        change of what somebody else changed meanwhile.
        """
        before = shared.peers.find(caller.tenant, path.name)
        called = path_of(caller.tenant, path.name)
        require_unchanged(row(path.name, before, called))
        later = changed(path.name, before, body.model_dump(), called)
        note_change(
            f"dialect {path.name}",
            earlier=None if before is None else settings(before),
            later=settings(later) | {"new_secret": before is None or before.secret != later.secret},
        )
        shown = row(path.name, shared.peers.put(caller.tenant, path.name, later), called)
        note_tag(shown)
        return shown

    @door.route(
        "DELETE",
        where,
        scopes=("admin",),
        status=204,
        reply=None,
        summary="Take no call of Square or Toast any more",
        errors=(NoSuchPeer.code,),
    )
    def delete_dialect_peer(caller: Caller, path: PeerPath) -> Body:
        """At once, also with the secret before; what was recorded stays."""
        note_change(
            f"dialect {path.name}", earlier=settings(shared.peers.get(caller.tenant, path.name)), later=None
        )
        shared.peers.remove(caller.tenant, path.name)
        return None

    return api


def settings(peer: Peer) -> dict[str, object]:
    """What may be shown and stand in the record."""
    return {"address": peer.address, "sandbox": peer.sandbox, "sites": dict(peer.sites)}


def row(name: str, found: Peer | None, path: str) -> dict[str, object]:
    """As `PeerReply`."""
    peer = found or Peer("")
    return settings(peer) | {
        "name": name,
        "path": path,
        "has_access_token": bool(peer.access_token),
        "set_at": as_text(peer.set_us) if found else None,
        "earlier_until": as_text(peer.earlier_until_us) if peer.earlier else None,
    }
