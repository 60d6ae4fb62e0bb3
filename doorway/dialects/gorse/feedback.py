"""Feedback as events, and events as feedback."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, tzinfo

from doorway.dialects.gorse.problems import TypeUnknown
from doorway.dialects.gorse.schemas import Feedback
from plumbing.clock import SECOND
from recommender.errors import TimeWithoutZone
from recommender.scene import Event, OrderLine
from recommender.store.own_events import OwnEvent
from recommender.times import hour_of, to_us

MEANS: Mapping[str, str] = {
    **dict.fromkeys(("order", "ordered", "buy", "bought", "purchase", "purchased"), "ordered"),
    **dict.fromkeys(("like", "star", "click", "cart", "add_to_cart", "favorite"), "accepted"),
    **dict.fromkeys(("read", "view", "show", "shown", "seen", "impression"), "shown"),
    **dict.fromkeys(("dislike", "skip", "dismiss"), "dismissed"),
}
"""What each type of feedback is here."""

SENDER = "dialect:gorse"
"""Who sends, whichever key: no device can be called that, and what a rotated key sends again is the same."""


def meaning(feedback_type: str) -> str:
    """The type of event. Raises TypeUnknown."""
    if feedback_type not in MEANS:
        raise TypeUnknown(f"{feedback_type!r} is none of {', '.join(MEANS)}.")
    return MEANS[feedback_type]


def event_of(one: Feedback, who: str, site: str, zone: tzinfo, now_us: int) -> Event:
    """`who` is the account, not the user's id. Raises TypeUnknown; TimeWithoutZone: no time."""
    kind = meaning(one.FeedbackType)
    moment = _moment(one.Timestamp, zone, now_us)
    pieces = max(1, round(one.Value)) if kind == "ordered" else 1
    return Event(
        event_id=_name(one, moment, who),
        type=kind,
        scene="orders",
        customer="",
        time_us=to_us(moment),
        hour=round(hour_of(moment), 4),
        weekday=moment.weekday(),
        lines=(OrderLine(one.ItemId, pieces),),
        site=site,
        sender=SENDER,
    )


def _moment(text: str, zone: tzinfo, now_us: int) -> datetime:
    """The time on the tenant's clock: clients send UTC, and habits are those of the place."""
    if not text:
        return datetime.fromtimestamp(now_us / SECOND, zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeWithoutZone("Timestamp") from error
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _name(one: Feedback, moment: datetime, who: str) -> str:
    """The same feedback of the same moment is one event; the dish again at another moment is another."""
    said = f"{who}\n{one.ItemId}\n{to_us(moment)}"
    return f"{one.FeedbackType}.{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def feedback_of(event: OwnEvent, user_id: str, zone: tzinfo) -> list[dict[str, object]]:
    """The inverse of `event_of`, of what came in this dialect; what came in another way has its own type."""
    made_here = event.sender == SENDER
    kind = event.event_id.partition(".")[0] if made_here else event.type
    moment = datetime.fromtimestamp(event.time_us / SECOND, zone)
    return [
        {
            "FeedbackType": kind,
            "UserId": user_id,
            "ItemId": item,
            "Timestamp": moment.isoformat(),
            "Value": float(quantity),
            "Comment": "",
        }
        for item, quantity, _, _ in event.lines
    ]
