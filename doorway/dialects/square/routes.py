"""Square's notifications in: what they name is read at Square, and is in the log as it is there now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from doorway.dialects.menu import TillMenu
from doorway.dialects.square.fetching import Fetch, SquareSilent, fetch
from doorway.dialects.square.orders import SquareOrder, read_order
from doorway.dialects.square.signature import HEADER, SignatureRefused, check
from doorway.dialects.tills import TillOrder, Tills, short
from plumbing.clock import HOUR, MINUTE
from plumbing.dialect_peers import Peer
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.json_limits import read
from plumbing.shared import Shared
from plumbing.storage.tenants import narrow
from recommender.errors import EventError, SiteUnknown, TimeWithoutZone
from recommender.service import RecommenderService

NAME = "square"
OF_AN_ADDRESS, OF_A_TENANT = 3_000, 1_200
"""Notifications in a minute."""

NOTIFIED = (
    "order.created",
    "order.updated",
    "payment.created",
    "payment.updated",
    "refund.created",
    "refund.updated",
)
log = structlog.get_logger(__name__)


class SquarePath(BaseModel):
    peer_id: str = Field(max_length=64, description="from `GET /v1/dialects/square/peer`")


class SquareReply(BaseModel):
    """What became of a notification. Square reads the status alone; people read this in its log of webhooks."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"outcome": "recorded", "problem": "", "unlisted": ["W62UWFY35CWMYGVWK6TWJDNI"]}
        }
    )

    outcome: str = Field(description="recorded, taken_back, unchanged, waiting, not_paid, ignored, refused ...")
    problem: str = Field("", description="the code of what keeps the order from being recorded")
    unlisted: list[str] = Field(description="Square's ids of what is in no catalogue here; the rest was recorded")


@dataclass(frozen=True)
class Square:
    """What the route works with."""

    service: RecommenderService
    tills: Tills
    fetch: Fetch

    def mirror(self, tenant: str, peer: Peer, order_id: str) -> dict[str, object]:
        """The log as Square has the order now. Raises SquareSilent, TooManyEvents."""
        currency = self.service.stores.tenants.get(tenant).currency
        menu = TillMenu(self.service.caches.menu(tenant, "item").by_id.values())
        try:
            order = read_order(self.fetch(peer, order_id), currency)
            return self._kept(tenant, peer, order, menu)
        except (EventError, SiteUnknown, TimeWithoutZone) as error:  # sent again it is no better
            log.warning("square_order_refused", code=error.code)
            return _said("refused", error.code)
        except (TypeError, KeyError, ValueError, AttributeError):
            log.warning("square_order_unreadable")
            return _said("refused", "order_unreadable")

    def _kept(self, tenant: str, peer: Peer, order: SquareOrder, menu: TillMenu) -> dict[str, object]:
        site = peer.sites.get(order.location, "")
        if order.cancelled:
            return _said(self.tills.drop(tenant, order.order_id, order.version))
        read, outcome = menu.read(order.lines), "not_paid"
        if order.paid and order.lines:
            kept = TillOrder(order.order_id, order.time_us, site, read.lines, version=order.version)
            outcome = self.tills.keep(tenant, kept)
        unlisted = list(read.unlisted)
        for place, back in enumerate(order.returns if order.completed else ()):
            returned = menu.read(back.lines)
            unlisted += returned.unlisted
            if returned.lines:
                name = f"{short(order.order_id)}.{place}"
                outcome = self.tills.refund(tenant, back.order_id, name, order.time_us, returned.lines)
            elif outcome == "not_paid":
                outcome = "unchanged"  # money alone went back: the dishes were eaten
        if unlisted:
            log.warning("square_lines_unlisted", lines=len(unlisted))
        return _said(outcome, unlisted=unlisted)


def square(shared: Shared, service: RecommenderService, reading: Fetch = fetch) -> APIBlueprint:
    """The route, for Square itself. `reading` reads an order at Square."""
    tag = Tag(name="square", description="Square's notifications; off until a tenant switches them on")
    api = APIBlueprint("square", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    tools = Square(service, Tills(service, NAME, shared.now_us), reading)

    @door.route(
        "POST",
        "/api/square/<peer_id>",
        scopes=PUBLIC,
        limit=Limit("square", OF_AN_ADDRESS),
        lane="events",
        reply=SquareReply,
        summary="A notification of Square: an order, a payment or a refund has changed",
        errors=("dialect_off", SignatureRefused.code, SquareSilent.code, "too_many_events"),
    )
    def square_notify(path: SquarePath) -> Body:
        """The body is Square's event, signed in `x-square-hmacsha256-signature`. What it names is read at Square
        with the tenant's access token, and stands in the log as it is there now: in any order of arrival, once.
        """
        body = request.get_data()
        tenant, found = shared.peers.called(NAME, path.peer_id)
        peer = check(found, request.headers.get(HEADER, ""), body)
        narrow(tenant)
        shared.dialects.require(tenant, NAME)
        shared.limits.allow(tenant, "notifications of square", most=OF_A_TENANT, window_us=MINUTE)
        event_id, order_id = _named(body)
        if not order_id:
            return _said("ignored")
        seen = f"square event {event_id}"
        if event_id and shared.limits.reached(tenant, seen, most=1, window_us=HOUR):
            return _said("unchanged")
        done = tools.mirror(tenant, peer, order_id)
        if event_id:
            shared.limits.count(tenant, seen, window_us=HOUR)
        return done

    return api


def _named(body: bytes) -> tuple[str, str]:
    """The ids of the event and of the order that it is about; "" where there is none."""
    try:
        event = read(body)
        if event["type"] not in NOTIFIED:
            return "", ""
        subject: Mapping[str, Any] = next(iter(event["data"]["object"].values()))
        return str(event.get("event_id") or "")[:64], str(subject.get("order_id") or "")[:192]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return "", ""


def _said(outcome: str, problem: str = "", unlisted: list[str] | None = None) -> dict[str, object]:
    return {"outcome": outcome, "problem": problem, "unlisted": unlisted or []}
