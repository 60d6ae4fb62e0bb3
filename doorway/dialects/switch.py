"""Switch dialects on and off, for each tenant; and refuse one that is off."""

from __future__ import annotations

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from plumbing.access.caller import NO_DEVICE, Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.problem import Problem
from plumbing.shared import Shared
from recommender.store.dialects import DialectStore

KNOWN = ("gorse",)


class NoSuchDialect(Problem):
    """There is no dialect of this name."""

    code = "no_such_dialect"
    status = 404
    title = "There is no such dialect"
    says = f"There is: {', '.join(KNOWN)}."


class DialectOff(Problem):
    """The tenant has not switched this dialect on."""

    code = "dialect_off"
    status = 404
    title = "This dialect is not switched on"
    says = "Switch it on for the tenant of this key: `usual dialects on NAME`, or PUT /v1/dialects/NAME."


class NotForDevices(Problem):
    """A key that stands where customers are."""

    code = "dialect_not_for_devices"
    status = 403
    title = "A device speaks no dialect"
    says = "Who names users can invent them: use a key of a server's own, without a device."


class DialectsReply(BaseModel):
    """Dialects of a tenant."""

    on: list[str]
    known: list[str]


class DialectPath(BaseModel):
    name: str = Field(min_length=1, max_length=64)


def check_caller(store: DialectStore, caller: Caller, name: str) -> None:
    """Raises DialectOff; NotForDevices: invented users would make dishes popular."""
    if not store.is_on(caller.tenant, name):
        raise DialectOff
    if not caller.device.startswith(NO_DEVICE):
        raise NotForDevices


def check_name(name: str) -> None:
    """Raises NoSuchDialect."""
    if name not in KNOWN:
        raise NoSuchDialect


def switches(shared: Shared, store: DialectStore) -> APIBlueprint:
    """The routes, for scope `admin`."""
    tag = Tag(name="dialects", description="APIs of other products that a tenant has switched on")
    api = APIBlueprint("dialects", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    def reply(tenant: str) -> dict[str, object]:
        return {"on": store.of(tenant), "known": list(KNOWN)}

    @door.route("GET", "/v1/dialects", scopes=("admin",), reply=DialectsReply, summary="Which dialects are on")
    def read_dialects(caller: Caller) -> Body:
        return reply(caller.tenant)

    @door.route(
        "PUT", "/v1/dialects/<name>", scopes=("admin",), reply=DialectsReply, summary="Switch a dialect on"
    )
    def turn_on(caller: Caller, path: DialectPath) -> Body:
        return turned(caller, path.name, on=True)

    @door.route(
        "DELETE", "/v1/dialects/<name>", scopes=("admin",), reply=DialectsReply, summary="Switch a dialect off"
    )
    def turn_off(caller: Caller, path: DialectPath) -> Body:
        return turned(caller, path.name, on=False)

    def turned(caller: Caller, name: str, *, on: bool) -> dict[str, object]:
        check_name(name)
        note_change(f"dialect {name}", earlier=store.is_on(caller.tenant, name), later=on)
        store.turn(caller.tenant, name, on=on)
        return reply(caller.tenant)

    return api
