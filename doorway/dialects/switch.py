"""Dialects by the API: which of them a tenant speaks."""

from __future__ import annotations

from typing import Literal

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.shared import Shared

NAMES = ("compreface", "gorse", "square", "toast")
Name = Literal["compreface", "gorse", "square", "toast"]


class DialectsBody(BaseModel):
    """All that are to be on; the others are switched off."""

    model_config = ConfigDict(extra="forbid")

    names: list[Name] = Field(max_length=len(NAMES))


class DialectsReply(BaseModel):
    names: list[Name]
    possible: list[Name]


def dialects(shared: Shared) -> APIBlueprint:
    """The routes, for scope `admin`."""
    tag = Tag(name="dialects", description="Routes as other systems have them, for programs written for those")
    api = Api("dialects", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    def answer(tenant: str) -> dict[str, object]:
        return {"names": list(shared.dialects.names(tenant)), "possible": list(NAMES)}

    @door.route(
        "GET", "/v1/dialects", scopes=("admin",), reply=DialectsReply, summary="Which dialects are switched on"
    )
    def get_dialects(caller: Caller) -> Body:
        """The dialects that programs of this tenant may speak, and all that there are."""
        found = answer(caller.tenant)
        note_tag(found)
        return found

    @door.route(
        "PUT",
        "/v1/dialects",
        scopes=("admin",),
        reply=DialectsReply,
        summary="Switch dialects on and off",
        errors=("changed_meanwhile",),
    )
    def choose_dialects(caller: Caller, body: DialectsBody) -> Body:
        """Those that are named are switched on, all others off; it is in force at once. `If-Match` refuses a
        change of what somebody else changed meanwhile.
        """
        earlier = answer(caller.tenant)
        require_unchanged(earlier)
        note_change("dialects", earlier={"names": earlier["names"]}, later={"names": sorted(set(body.names))})
        shared.dialects.choose(caller.tenant, body.names)
        later = answer(caller.tenant)
        note_tag(later)
        return later

    return api
