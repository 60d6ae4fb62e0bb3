"""The one address that Toast calls for every transaction of its loyalty integration."""

from __future__ import annotations

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from doorway.dialects.toast.answers import Refused, ToastReply, refused
from doorway.dialects.toast.transactions import ACCRUE, INQUIRE, NAME, REDEEM, REVERSE, Asked, Loyalty
from plumbing.access.dialects import DialectOff
from plumbing.clock import MINUTE
from plumbing.demands import KIB, BodySize
from plumbing.dialect_peers import Peer
from plumbing.door import PUBLIC, Door, Limit
from plumbing.json_limits import read
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.storage.tenants import narrow
from recommender.service import RecommenderService

OF_AN_ADDRESS, OF_A_TENANT = 3_000, 1_200
"""Transactions in a minute."""

CHECK = BodySize(512 * KIB, 50_000)
NOBODY = Peer("of-nobody-whatever-is-sent")

WITHOUT = {
    "LOYALTY_SEARCH": "Nobody is found by name, telephone or e-mail: none is kept. Scan the account's identifier.",
    "LOYALTY_SIGNUP": "Nobody is signed up by name, telephone or e-mail: none is kept.",
    "LOYALTY_TRANSFER": "Accounts are kept under keyed hashes and are not moved.",
}
"""Toast's other transactions, and why they are not carried out."""


class ToastPath(BaseModel):
    peer_id: str = Field(max_length=64, description="from `GET /v1/dialects/toast/peer`")


def toast(shared: Shared, service: RecommenderService) -> APIBlueprint:
    """The route, for Toast itself."""
    tag = Tag(name="toast", description="Toast's loyalty integration; off until a tenant switches it on")
    api = APIBlueprint("toast", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    loyalty = Loyalty(service, shared.now_us)

    @door.route(
        "POST",
        "/api/toast/<peer_id>",
        scopes=PUBLIC,
        limit=Limit("toast", OF_AN_ADDRESS),
        size=CHECK,
        lane="events",
        reply=ToastReply,
        other_replies={400: ToastReply, 500: ToastReply},
        summary="A transaction of Toast's loyalty integration",
    )
    def toast_transact(path: ToastPath) -> Response:
        """`Toast-Transaction-Type` says which: LOYALTY_INQUIRE, LOYALTY_REDEEM, LOYALTY_ACCRUE or LOYALTY_REVERSE,
        once for each `Toast-Transaction-GUID`. `Authorization` has the key that was agreed on, and
        `Toast-Restaurant-External-ID` a restaurant that was. Errors have Toast's own form.
        """
        try:
            asked = _asked(shared, path.peer_id)
            shared.limits.allow(asked.tenant, "transactions of toast", most=OF_A_TENANT, window_us=MINUTE)
            return loyalty.answer(asked)
        except Refused as error:
            return refused(error)
        except DialectOff as error:
            return refused(Refused("ERROR", error.detail))
        except Problem as error:
            return refused(Refused("ERROR", error.title, 500 if error.status >= 500 else 400))

    return api


def _asked(shared: Shared, peer_id: str) -> Asked:
    """Who asks for what. Raises Refused, DialectOff."""
    tenant, peer = shared.peers.called(NAME, peer_id)
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not (peer or NOBODY).shows(shown) or peer is None:
        raise Refused("ERROR_INVALID_TOKEN")
    narrow(tenant)
    shared.dialects.require(tenant, NAME)
    site = peer.sites.get(request.headers.get("Toast-Restaurant-External-ID", ""))
    if site is None:
        raise Refused("ERROR_INVALID_RESTAURANT", "This restaurant was not agreed on.")
    kind = request.headers.get("Toast-Transaction-Type", "")
    if kind not in (INQUIRE, REDEEM, ACCRUE, REVERSE):
        raise Refused("ERROR_INVALID_TOAST_TRANSACTION_TYPE", WITHOUT.get(kind, "There is no such transaction."))
    try:
        body = read(request.get_data())
    except ValueError as error:
        raise Refused("ERROR_INVALID_INPUT_PROPERTIES", "The body is no JSON.") from error
    if not isinstance(body, dict) or body.get("toastTransactionType", kind) != kind:
        raise Refused("ERROR_INVALID_INPUT_PROPERTIES", "The body is of another transaction than the header.")
    return Asked(tenant, site, request.headers.get("Toast-Transaction-GUID", ""), kind, body)
