"""Routes that belong to the service and to neither half: pairing a screen, health, metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, Field

from plumbing.access import Access
from plumbing.clock import SECOND
from plumbing.limits import Limits
from plumbing.metrics import exposition as metrics_of_all

Check = Callable[[], str | None]
"""A readiness check: None when all is well, else a sentence that says what is not."""


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


def blueprint(
    *, access: Access, limits: Limits, checks: Mapping[str, Check], registry: CollectorRegistry
) -> APIBlueprint:
    """The service's own routes."""
    api = APIBlueprint("service", __name__, abp_tags=[Tag(name="service", description="Pairing and health")])

    @api.post("/v1/pairings", responses={"200": PairingReply}, summary="Pair this browser as a screen")
    def pair(body: PairingRequest) -> Response:
        limits.allow("", f"pairing from {request.remote_addr}", most=20, window_us=60 * SECOND)
        page, key = access.pair(body.code)
        response = jsonify(PairingReply(page=page).model_dump())
        # Strict: no other site can make the browser send it, so there is nothing to forge.
        response.set_cookie(
            f"usual_{page}", key, max_age=365 * 86_400, httponly=True, samesite="Strict", secure=request.is_secure
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @api.get("/health/live", responses={"200": HealthReply}, summary="The process answers")
    def live() -> Response:
        return jsonify(HealthReply(status="ok", parts={}).model_dump())

    @api.get("/health/ready", responses={"200": HealthReply, "503": HealthReply}, summary="It can do its work")
    def ready() -> tuple[Response, int]:
        parts = {name: check() or "ok" for name, check in checks.items()}
        well = all(state == "ok" for state in parts.values())
        reply = HealthReply(status="ok" if well else "degraded", parts=parts)
        return jsonify(reply.model_dump()), 200 if well else 503

    @api.get("/metrics", responses={"200": None}, summary="Prometheus metrics (scope admin)")
    def metrics() -> Response:
        access.authenticate(request, "admin")
        return Response(metrics_of_all(registry), mimetype="text/plain")

    return api
