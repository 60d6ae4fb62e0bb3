"""What the recommender's own process asks identity: whose tokens are closed.

No API key: the question is signed with the keys of tokens, which only the two halves have.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from identity.errors import PeerUnknown
from plumbing.closed import ClosedTokens
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.handover import answer_pull
from plumbing.query import Query

MOST = 6_000
"""Requests of one address in a minute: eight processes that ask ten times a second at most."""


class SinceQuery(Query):
    """`have` names what the recommender has already."""

    challenge: str = Field(max_length=100)
    have: str = Field(max_length=200)
    signature: str = Field(max_length=64)


class SinceReply(BaseModel):
    entries: str
    have: str
    signature: str


def routes(door: Door, token_keys: Sequence[bytes], closed: ClosedTokens) -> None:
    """Put the route on the door."""

    @door.route(
        "GET",
        "/opt-outs/since",
        scopes=PUBLIC,
        limit=Limit("opt-outs since", MOST),
        lane="privacy",
        reply=SinceReply,
        described=False,
        summary="Whose tokens are closed",
    )
    def closed_tokens_since(query: SinceQuery) -> Body:
        """Between the two halves."""
        answer = answer_pull(token_keys, closed, query.challenge, query.have, query.signature)
        if answer is None:
            raise PeerUnknown
        return answer
