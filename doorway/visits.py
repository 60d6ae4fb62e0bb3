"""A visit in one call: who pressed, and what to suggest to them. Each answer takes as long and is as large for a
stranger as for a customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import Histogram
from pydantic import BaseModel, Field

from identity.web.codes import BY_CODE, LOOKED_AT, RECOGNITION
from identity.web.half import IdentityHalf
from identity.web.routes import PICTURE_FIELDS, RECOGNITION_BYTES, by_code_reply, padded, recognition_reply
from identity.web.schemas import ByCodeBody, RecognitionBody, RecognitionReply
from plumbing.access.access import Caller
from plumbing.demands import PICTURES
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.pace import Pace
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.storage.sqlite import storage_is_named
from recommender.errors import SecondFactorRequired, TokenError
from recommender.schemas import ContextModel, SceneName, SuggestionsReply
from recommender.service import SuggestRequest
from recommender.web.codes import MOMENT
from recommender.web.half import RecommenderHalf
from recommender.web.reply_size import ReplySizes
from recommender.web.suggestions import reply_as_json

HELD = "For how long answers to visits wait, so that their time shows nothing"
HELD_S = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1)


class Wanted(BaseModel):
    """What is to be suggested."""

    scene: SceneName
    context: ContextModel = Field(default_factory=lambda: ContextModel.model_validate({}))
    n: int = Field(5, ge=1, le=50)


class VisitBody(Wanted, RecognitionBody):
    """A recognition, and what is to be suggested afterwards."""


class CodeVisitBody(Wanted, ByCodeBody):
    """Code and PIN in place of a face, and what is to be suggested afterwards."""


class VisitReply(RecognitionReply):
    """A recognition's reply with suggestions; `second_factor_required` when the PIN would open more."""

    second_factor_required: bool
    suggestions: SuggestionsReply


def visits(shared: Shared, identity: IdentityHalf, recommender: RecommenderHalf) -> APIBlueprint:
    """POST /v1/visits: frames and a moment in, recognition and suggestions out; and the same without a face."""

    pace, sizes = Pace(), ReplySizes(recommender.service)
    held = Histogram("usual_visit_held_seconds", HELD, buckets=HELD_S, registry=shared.registry)
    api = Api("doorway", __name__, abp_tags=[Tag(name="doorway", description="A visit in one call")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once, pictures=PICTURE_FIELDS)

    @door.route(
        "POST",
        "/v1/visits",
        scopes=("identify", "suggest"),
        reply=VisitReply,
        size=PICTURES,
        lane="recognition",
        summary="Recognise and suggest in one call",
        errors=(*LOOKED_AT, *MOMENT),
    )
    def visit(caller: Caller, body: VisitBody) -> Body:
        """`recognise` and `suggest` in one request: a kiosk needs one call after a press. A stranger gets what
        is popular, in a reply of the same size.
        """
        return answered(caller, body, lambda: recognition_reply(identity.service, caller, body))

    @door.route(
        "POST",
        "/v1/visits/by-code",
        scopes=("identify", "suggest"),
        reply=VisitReply,
        summary="Code and PIN in place of a face, and suggest, in one call",
        errors=(*BY_CODE, *RECOGNITION, *MOMENT),
    )
    def visit_by_code(caller: Caller, body: CodeVisitBody) -> Body:
        """The same for somebody who types code and PIN: no picture is sent or looked at."""
        return answered(caller, body, lambda: by_code_reply(identity.service, caller, body))

    def answered(caller: Caller, body: Wanted, recognised: Callable[[], dict[str, object]]) -> Body:
        context, locked = body.context.to_context(caller.site), False  # before anybody is looked at
        pace.clear()
        try:
            with storage_is_named():
                seen = recognised()
        except Problem as error:
            if error.status < 500:
                raise  # the person can do something about it
            seen = {"decision": "unknown", "token": None, "expires_at": None, "purposes": []}
            seen |= {"hint": "go_on_without", "liveness": "not_run", "news": []}
        guest = SuggestRequest(caller.tenant, caller.device, body.scene, None, context, body.n)
        token = seen["token"]
        assert token is None or isinstance(token, str)
        try:
            reply = recommender.service.suggest(replace(guest, token=token))
        except TokenError as error:  # not agreed to, or a face is not enough: the guest's answer
            locked = isinstance(error, SecondFactorRequired)
            reply = recommender.service.suggest(guest)
            reply = replace(reply, fallback="second_factor_required" if locked else error.code)
        recommender.metrics.suggested(reply.scene, reply.fallback, reply.took_ms)
        answer = seen | {"second_factor_required": locked, "suggestions": reply_as_json(reply), "padding": ""}
        # The time must not show whether a customer was matched.
        held.observe(pace.hold(str(seen["decision"]), request.environ))
        size = RECOGNITION_BYTES + sizes.bound(caller.tenant, body.scene, body.n)  # neither must the size
        return padded(answer, -(-(len(json.dumps(answer)) + 64) // size) * size)

    return api
