"""What both halves hold about one customer, as one file with a schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from identity.web.me import OwnPageTools as IdentityOwnPage
from identity.web.me_schemas import OwnDataReply
from plumbing.bearer import bearer_of
from plumbing.clock import SECOND
from plumbing.describing.later import Api
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.shared import Shared
from recommender.web.me import OwnPageTools as RecommenderOwnPage
from recommender.web.me_schemas import OwnHistoryReply


class ExportReply(BaseModel):
    """All that is held about one customer, by both halves. Nothing in it is a number of a face."""

    format: Literal["usual-export-1"]
    made_at: str = Field(description="ISO 8601, UTC")
    identity: OwnDataReply
    recommender: OwnHistoryReply


def own_page(shared: Shared, identity: IdentityOwnPage, recommender: RecommenderOwnPage) -> APIBlueprint:
    """GET /v1/me: what both halves hold about the customer of a token, as one file, and its schema."""

    api = Api("own page", __name__, abp_tags=[Tag(name="own page", description="A customer's own page")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    @door.route(
        "GET",
        "/v1/me",
        scopes=PUBLIC,
        token=True,
        limit=Limit("looks at one's own page", 60),
        lane="own_page",
        reply=ExportReply,
        summary="All that is held about the customer of the token, as one file",
    )
    def export_own_data() -> Body:
        """Everything that both halves hold about the customer, in one JSON file, for them to keep or to take
        elsewhere.
        """
        token = bearer_of(request)
        return export_of(identity.held(token), recommender.held(token), shared.now_us())

    @door.route("GET", "/v1/me/schema", scopes=PUBLIC, reply=None, summary="The JSON schema of that file")
    def get_own_data_schema() -> Response:
        """The JSON Schema of the file of `export_own_data`, for a program that reads it."""
        return jsonify(_schema())

    return api


@cache
def _schema() -> dict[str, Any]:
    """Made when it is first asked for: it takes longer than the rest of these routes."""
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "usual-export-1"}
    return named | ExportReply.model_json_schema(mode="serialization")


def export_of(identity: Mapping[str, Any], recommender: Mapping[str, Any] | None, now_us: int) -> dict[str, Any]:
    """One file of the two halves' parts, as `GET /v1/me` and `usual access` give it."""
    moment = datetime.fromtimestamp(now_us // SECOND, UTC).isoformat()
    return {"format": "usual-export-1", "made_at": moment, "identity": identity, "recommender": recommender}
