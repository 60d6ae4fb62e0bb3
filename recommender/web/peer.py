"""What identity's own process tells the recommender: signs of life, and questions about what is retrained.

No API key: each message is signed with the keys of tokens, which only the two halves have.
"""

from __future__ import annotations

from plumbing.closed import SILENCE
from plumbing.demands import BATCH
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.handover import HEARTBEATS, WAITING, HeartbeatDesk
from plumbing.peers import is_signed, sign
from recommender.errors import PeerUnknown
from recommender.schemas import HeartbeatBody, HeartbeatReply, WaitingBody, WaitingReply
from recommender.service import RecommenderService

MOST = 6_000
"""Requests of one address in a minute: eight processes that beat once a second, and each opt-out."""


def routes(door: Door, service: RecommenderService) -> None:
    """Put the routes on the door."""
    keys = service.config.token_keys
    desk = HeartbeatDesk(keys, service.in_flight.closed, good_us=SILENCE)

    @door.route(
        "POST",
        HEARTBEATS,
        scopes=PUBLIC,
        limit=Limit("heartbeats", MOST),
        size=BATCH,
        lane="privacy",
        reply=HeartbeatReply,
        described=False,
        summary="Identity is there, and these tokens are closed",
    )
    def take_heartbeat(body: HeartbeatBody) -> Body:
        """Between the two halves."""
        said = body.model_dump(exclude={"signature"})
        try:
            answer = desk.take(said, body.signature)
        except ValueError as error:
            raise PeerUnknown from error
        if answer is None:
            raise PeerUnknown
        return answer

    @door.route(
        "POST",
        WAITING,
        scopes=PUBLIC,
        limit=Limit("erasures waiting", MOST),
        lane="privacy",
        reply=WaitingReply,
        described=False,
        summary="Which scenes still serve a version from before an erasure",
    )
    def list_waiting_erasures(body: WaitingBody) -> Body:
        """Between the two halves."""
        question = body.model_dump(exclude={"signature"})
        if not is_signed(keys, body.signature, "waiting", question):
            raise PeerUnknown
        scenes = service.waiting(body.tenant, body.marks)
        return {"scenes": scenes, "signature": sign(keys, "waiting answer", question, scenes)}
