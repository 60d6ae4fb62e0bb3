"""What a store box asks the centre over HTTPS: to be paired, and what is new.

No API key: each question is signed by the box, each answer is sealed for it and signed by the centre.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from plumbing.describing.later import Api
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.outbox.errors import BoxNotPaired
from plumbing.shared import Shared

if TYPE_CHECKING:
    from doorway.edge.centre import Centre

PAIRINGS, QUESTIONS = "/v1/edge/pairings", "/v1/edge/questions"
MOST_PAIRINGS = 20
MOST_QUESTIONS = 6_000
"""Of one address in a minute: many boxes may share one, and each asks once a second."""


class EdgePairingBody(BaseModel):
    """A box's one-time code and its public keys."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=8, max_length=200)
    public: str = Field(min_length=128, max_length=128)


class EdgePairingReply(BaseModel):
    """Whose box it is now, and the centre's public keys."""

    format: int
    box: str
    tenant: str
    name: str
    site: str
    pack: str
    keys: str
    sealed: str
    signature: str


class EdgeQuestionBody(BaseModel):
    """A signed question of a box."""

    model_config = ConfigDict(extra="forbid")
    box: str = Field(min_length=1, max_length=64)
    counter: int = Field(ge=1, lt=1 << 62)
    kind: Literal["sync", "piece"]
    said: dict[str, Any]
    signature: str = Field(max_length=200)


class EdgeAnswerReply(BaseModel):
    """What only this box opens, or a refusal."""

    format: int
    sealed: str
    refused: str
    counter: int = 0
    signature: str


def edge(shared: Shared, centre: Callable[[], Centre | None]) -> APIBlueprint:
    """The routes; `centre` gives None while no box was ever invited."""
    api = Api("edge", __name__)
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    def there() -> Centre:
        found = centre()
        if found is None:
            raise BoxNotPaired
        return found

    @door.route(
        "POST",
        PAIRINGS,
        scopes=PUBLIC,
        limit=Limit("boxes paired", MOST_PAIRINGS),
        reply=EdgePairingReply,
        described=False,
        summary="Pair a store box",
    )
    def pair_box(body: EdgePairingBody) -> Body:
        """Between a store box and its centre."""
        answer = there().pair(body.code, body.public)
        shared.access.log.note("box_paired")  # stands in the record of changes
        return answer

    @door.route(
        "POST",
        QUESTIONS,
        scopes=PUBLIC,
        limit=Limit("boxes ask", MOST_QUESTIONS),
        lane="privacy",
        reply=EdgeAnswerReply,
        described=False,
        summary="What is new for a store box",
    )
    def ask_centre(body: EdgeQuestionBody) -> Body:
        """Between a store box and its centre."""
        return there().answer(body.box, body.counter, body.kind, body.said, body.signature)

    return api
