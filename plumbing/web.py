"""Routes that belong to the service and to neither half: pairing a screen, health, metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from plumbing.access import Caller
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.metrics import exposition as metrics_of_all
from plumbing.problem import Remark
from plumbing.shared import Shared

Check = Callable[[], str | None]
"""A readiness check: None when all is well, a `Remark` on what an operator should know, else a sentence that says
what is not well."""

PAIRING = Limit("pairing", most=20)


class PairingRequest(BaseModel):
    """The one-time code of a first-run link."""

    code: str = Field(min_length=8, max_length=64)


class PairingReply(BaseModel):
    """The screen that the browser is now."""

    page: str


class HealthReply(BaseModel):
    """`ok`, or what is wrong by part."""

    status: str
    parts: dict[str, str]


def blueprint(shared: Shared, checks: Mapping[str, Check]) -> APIBlueprint:
    """The service's own routes; `checks` are the readiness checks by part."""
    api = APIBlueprint("service", __name__, abp_tags=[Tag(name="service", description="Pairing and health")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    @door.route(
        "POST",
        "/v1/pairings",
        scopes=PUBLIC,
        limit=PAIRING,
        reply=PairingReply,
        summary="Pair this browser as a screen",
    )
    def pair(body: PairingRequest) -> Response:
        page, key = shared.access.pair(body.code)
        response = jsonify(PairingReply(page=page).model_dump())
        # Strict: no other site can make the browser send it, so there is nothing to forge.
        response.set_cookie(
            f"usual_{page}", key, max_age=365 * 86_400, httponly=True, samesite="Strict", secure=request.is_secure
        )
        return response

    @door.route("GET", "/health/live", scopes=PUBLIC, reply=HealthReply, summary="The process answers")
    def live() -> Body:
        return HealthReply(status="ok", parts={}).model_dump()

    @door.route(
        "GET",
        "/health/ready",
        scopes=PUBLIC,
        reply=HealthReply,
        other_replies={503: HealthReply},
        summary="It can do its work",
    )
    def ready() -> Response:
        parts = {name: check() or "ok" for name, check in checks.items()}
        if jump := shared.now_us.remark():
            parts["clock"] = Remark(jump)
        well = all(state == "ok" or isinstance(state, Remark) for state in parts.values())
        response = jsonify(HealthReply(status="ok" if well else "degraded", parts=parts).model_dump())
        response.status_code = 200 if well else 503
        return response

    @door.route("GET", "/metrics", scopes=("admin",), reply=None, summary="Prometheus metrics (scope admin)")
    def metrics(caller: Caller) -> Response:
        return Response(metrics_of_all(shared.registry), mimetype="text/plain")

    return api
