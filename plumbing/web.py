"""Routes that belong to the service and to neither half: pairing a screen, health, metrics."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access import cookies
from plumbing.access.access import OWN, AccessError, Caller, PairingRefused
from plumbing.access.record import note_change
from plumbing.clock import MINUTE
from plumbing.describing.later import Api
from plumbing.door import PUBLIC, Body, Door
from plumbing.problem import Remark
from plumbing.security.proxies import counted_as
from plumbing.serving.metrics import exposition as metrics_of_all
from plumbing.shared import Shared
from plumbing.storage.database import DatabaseBusy

Check = Callable[[], str | None]
"""A readiness check: None when all is well, a `Remark` on what an operator should know, else a sentence that says
what is not well."""

MOST_WRONG_CODES = 20
"""In a minute from one network address. A right code always pairs: with 128 random bits there is nothing to guess,
and many screens may share one address."""


class NotPaired(AccessError):
    """The caller is no paired screen: there is no cookie to end."""

    code = "not_paired"
    status = 409
    title = "This is no paired screen"
    says = "Only a paired screen logs out; end a key with `usual keys revoke`."


PUBLIC_KEY = (
    "The public key that the device signs vectors with: an uncompressed point of P-256 (65 bytes), base64url"
    " without padding. See docs/api/vectors.md"
)
PUBLIC_KEY_TEXT = r"^[A-Za-z0-9_-]{87}$"
PUBLIC_KEY_EXAMPLE: dict[str, Any] = {"example": "B" + 86 * "A"}


class PairingRequest(BaseModel):
    """The one-time code of a first-run link, and the key of a screen that will send vectors."""

    code: str = Field(min_length=8, max_length=64)
    public_key: str | None = Field(
        None, pattern=PUBLIC_KEY_TEXT, description=PUBLIC_KEY, json_schema_extra=dict(PUBLIC_KEY_EXAMPLE)
    )


class DeviceKeyBody(BaseModel):
    """The public key of a device that is paired already."""

    model_config = ConfigDict(extra="forbid")

    public_key: str = Field(
        pattern=PUBLIC_KEY_TEXT, description=PUBLIC_KEY, json_schema_extra=dict(PUBLIC_KEY_EXAMPLE)
    )


class PairingReply(BaseModel):
    """The screen that the browser is now."""

    page: str
    key: str | None = Field(None, description="Of a page of your own: its API key. Others get a cookie.")


class HealthReply(BaseModel):
    """`ok`, or what is wrong by part."""

    status: str = Field(json_schema_extra={"example": "ok"})
    parts: dict[str, str]


def blueprint(shared: Shared, checks: Mapping[str, Check]) -> APIBlueprint:
    """The service's own routes; `checks` are the readiness checks by part."""
    api = Api("service", __name__, abp_tags=[Tag(name="service", description="Pairing and health")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    _pairing_routes(door, shared)
    _device_routes(door, shared)
    _health_routes(door, shared, checks)

    @door.route("GET", "/metrics", scopes=("admin",), reply=None, summary="Prometheus metrics (scope admin)")
    def get_metrics(caller: Caller) -> Response:
        """Counters and histograms in the text format of Prometheus. No label says anything about a person."""
        return Response(metrics_of_all(shared.registry), mimetype="text/plain")

    return api


def _pairing_routes(door: Door, shared: Shared) -> None:
    @door.route(
        "POST",
        "/v1/pairings",
        scopes=PUBLIC,
        reply=PairingReply,
        from_pages=True,
        summary="Pair this browser as a screen",
        errors=("device_key_invalid", "pairing_refused", "too_many_requests"),
    )
    def pair_screen(body: PairingRequest) -> Response:
        """The one-time code of `usual keys pair` turns this browser into a kiosk, a tablet or a driver's screen:
        its key is a cookie that no script can read.
        """
        try:
            page, key = shared.access.pair(body.code, _bytes(body.public_key or ""))
        except PairingRefused:
            _count_wrong_code(shared)
            raise
        if page == OWN:
            return jsonify(PairingReply(page=page, key=key).model_dump())
        response = jsonify(PairingReply(page=page, key=None).model_dump(exclude_none=True))
        cookies.put(response, request, page, key)
        return response

    @door.route(
        "DELETE",
        "/v1/pairings",
        scopes=PUBLIC,
        status=204,
        reply=None,
        from_pages=True,
        summary="Log this screen out: its key is refused from then on, its cookie is gone",
        errors=("key_refused", "not_paired"),
    )
    def unpair_screen() -> Response:
        """The key of this screen is refused from the next request on."""
        caller = shared.access.authenticate(request)  # by its cookie, whatever its scopes
        if not caller.page:
            raise NotPaired
        shared.access.revoke_key(caller.tenant, caller.key_id)
        response = Response(status=204)
        cookies.clear(response, request, caller.page)
        return response


def _device_routes(door: Door, shared: Shared) -> None:
    @door.route(
        "PUT",
        "/v1/device-key",
        scopes=("identify",),
        status=204,
        reply=None,
        records=True,
        summary="Register the public key that this device signs vectors with: once",
        errors=("device_key_invalid", "device_key_set", "device_needed"),
    )
    def register_device_key(caller: Caller, body: DeviceKeyBody) -> Body:
        """For a device that was paired without one. The same key again changes nothing; another key needs another
        pairing. The key ends with the device.
        """
        shared.access.modes.register(caller.tenant, caller.device, _bytes(body.public_key))
        note_change(f"device {caller.device}", earlier=None, later={"key": "registered"})
        return None


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _count_wrong_code(shared: Shared) -> None:
    """Raises TooManyRequests after too many wrong codes of one address; a busy counter counts nothing."""
    with suppress(DatabaseBusy):
        name = f"wrong pairing codes from {counted_as(request.remote_addr or '')}"
        shared.limits.allow("", name, most=MOST_WRONG_CODES, window_us=MINUTE)


def _health_routes(door: Door, shared: Shared, checks: Mapping[str, Check]) -> None:
    @door.route(
        "GET",
        "/health/live",
        scopes=PUBLIC,
        lane="health",
        reply=HealthReply,
        from_pages=True,
        summary="The process answers",
    )
    def get_live() -> Body:
        """Whether the process answers at all: for a supervisor that restarts it."""
        return HealthReply(status="ok", parts={}).model_dump()

    @door.route(
        "GET",
        "/health/ready",
        scopes=PUBLIC,
        lane="health",
        reply=HealthReply,
        other_replies={503: HealthReply},
        summary="It can do its work",
    )
    def get_ready() -> Response:
        """Whether each part can do its work: for a load balancer. 503 names the parts that cannot."""
        parts = {name: check() or "ok" for name, check in checks.items()}
        if jump := shared.now_us.remark():
            parts["clock"] = Remark(jump)
        well = all(state == "ok" or isinstance(state, Remark) for state in parts.values())
        response = jsonify(HealthReply(status="ok" if well else "degraded", parts=parts).model_dump())
        response.status_code = 200 if well else 503
        return response
