"""Webhooks by the API: which addresses are notified of what. Their secrets are shown once."""

from __future__ import annotations

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.clock import as_text
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.webhooks.kinds import EVENTS
from plumbing.webhooks.queue import Message
from plumbing.webhooks.sending import LONGEST_URL
from plumbing.webhooks.webhooks import Webhook


class NoSuchWebhook(Problem):
    """There is no address of this id."""

    code = "no_such_webhook"
    status = 404
    title = "There is no such webhook"
    says = "It may have been removed already; read the list again."


class NoSuchEvent(Problem):
    """Nothing of that name is ever sent."""

    code = "no_such_event"
    status = 422
    title = "There is no such event"
    says = f"There is: {', '.join(EVENTS)}."


class WebhookBody(BaseModel):
    """Where to send what."""

    url: str = Field(min_length=1, max_length=LONGEST_URL, description="https alone, to a public host")
    events: list[str] = Field(min_length=1, max_length=20)


class WebhookRow(BaseModel):
    webhook_id: str
    url: str
    events: list[str]
    created_at: str


class NewWebhook(WebhookRow):
    secret: str = Field(description="with which the receiver checks signatures; shown this once")


class WebhooksReply(BaseModel):
    rows: list[WebhookRow]


class UndeliveredRow(BaseModel):
    """A message that never arrived. What it says is not shown: it may be about a person."""

    message_id: str
    webhook_id: str
    event: str
    made_at: str
    tries: int
    why: str = Field(description="what the last try said")
    kept_until: str


class UndeliveredReply(BaseModel):
    rows: list[UndeliveredRow]


class ReplayBody(BaseModel):
    """Which messages are sent again."""

    message_ids: list[str] | None = Field(
        None, max_length=1_000, description="none: all that never arrived at this address"
    )


class ReplayReply(BaseModel):
    waiting: int = Field(description="how many are sent again")


class WebhookPath(BaseModel):
    webhook_id: str = Field(min_length=1, max_length=64)


def webhooks(shared: Shared) -> APIBlueprint:
    """The routes, for scope `admin`."""
    tag = Tag(name="webhooks", description="Addresses that are notified of what happened")
    api = Api("webhooks", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    @door.route("GET", "/v1/webhooks", scopes=("admin",), reply=WebhooksReply, summary="Who is notified of what")
    def list_webhooks(caller: Caller) -> Body:
        """The addresses that are notified, and of which events; never their secrets."""
        return {"rows": [_row(one) for one in shared.webhooks.all(caller.tenant)]}

    @door.route(
        "POST",
        "/v1/webhooks",
        scopes=("admin",),
        status=201,
        reply=NewWebhook,
        summary="Send events to an address, signed as Standard Webhooks says",
        errors=("no_such_event", "too_many_webhooks", "webhook_address_refused"),
    )
    def create_webhook(caller: Caller, body: WebhookBody) -> Body:
        """Messages are signed as Standard Webhooks says; the secret is shown once. Only https addresses are
        taken.
        """
        if set(body.events) - set(EVENTS):
            raise NoSuchEvent
        made, secret = shared.webhooks.add(caller.tenant, body.url, body.events)
        note_change(f"webhook {made.webhook_id}", earlier=None, later=_row(made))
        return _row(made) | {"secret": secret}

    @door.route(
        "DELETE",
        "/v1/webhooks/<webhook_id>",
        scopes=("admin",),
        status=204,
        reply=None,
        summary="Send nothing there any more",
        errors=("no_such_webhook",),
    )
    def delete_webhook(caller: Caller, path: WebhookPath) -> Body:
        """Nothing more is sent to this address; what waited for it is dropped."""
        earlier = next(
            (one for one in shared.webhooks.all(caller.tenant) if one.webhook_id == path.webhook_id), None
        )
        if earlier is None or not shared.webhooks.remove(caller.tenant, path.webhook_id):
            raise NoSuchWebhook
        note_change(f"webhook {path.webhook_id}", earlier=_row(earlier), later=None)
        return None

    _undelivered_routes(door, shared)
    return api


def _undelivered_routes(door: Door, shared: Shared) -> None:
    """What never arrived, and sending it again."""
    queue = shared.webhooks.queue

    @door.route(
        "GET",
        "/v1/webhooks/undelivered",
        scopes=("admin",),
        reply=UndeliveredReply,
        summary="Messages that never arrived, newest first",
    )
    def list_undelivered(caller: Caller) -> Body:
        """What they say is not shown, for it may be about a person; `replay_webhook` sends them again."""
        return {"rows": [_undelivered(one) for one in queue.dead(caller.tenant)]}

    @door.route(
        "POST",
        "/v1/webhooks/<webhook_id>/replays",
        scopes=("admin",),
        status=202,
        reply=ReplayReply,
        summary="Send again what never arrived at an address",
        errors=("no_such_webhook",),
    )
    def replay_webhook(caller: Caller, path: WebhookPath, body: ReplayBody) -> Body:
        """Without `message_ids` all that never arrived there; each keeps its id, so a receiver knows it again."""
        if path.webhook_id not in {one.webhook_id for one in shared.webhooks.all(caller.tenant)}:
            raise NoSuchWebhook
        n = queue.replay(caller.tenant, path.webhook_id, body.message_ids)
        note_change(f"webhook {path.webhook_id}", earlier=None, later={"sent again": n})
        return {"waiting": n}


def _undelivered(one: Message) -> dict[str, object]:
    said = {name: getattr(one, name) for name in ("message_id", "webhook_id", "event", "tries", "why")}
    return said | {"made_at": as_text(one.made_us), "kept_until": as_text(one.until_us)}


def _row(one: Webhook) -> dict[str, object]:
    said: dict[str, object] = {"webhook_id": one.webhook_id, "url": one.url, "events": list(one.events)}
    return said | {"created_at": as_text(one.created_us)}
