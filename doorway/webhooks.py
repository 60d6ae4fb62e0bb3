"""Webhooks by the API: which addresses are notified of what. Their secrets are shown once."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.clock import SECOND
from plumbing.door import Body, Door
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.webhooks.sending import LONGEST_URL
from plumbing.webhooks.webhooks import EVENTS, Webhook


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


class WebhookPath(BaseModel):
    webhook_id: str = Field(min_length=1, max_length=64)


def webhooks(shared: Shared) -> APIBlueprint:
    """The routes, for scope `admin`."""
    tag = Tag(name="webhooks", description="Addresses that are notified of what happened")
    api = APIBlueprint("webhooks", __name__, abp_tags=[tag])
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

    return api


def _row(one: Webhook) -> dict[str, object]:
    moment = datetime.fromtimestamp(one.created_us // SECOND, UTC).isoformat().replace("+00:00", "Z")
    return {"webhook_id": one.webhook_id, "url": one.url, "events": list(one.events), "created_at": moment}
