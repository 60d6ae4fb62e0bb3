"""Routes of the keys of devices, tills and scripts: which there are, never their secrets; and ending one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from desk.common import BASE
from plumbing.access.access import Access
from plumbing.access.caller import Caller
from plumbing.access.device_modes import DeviceMode
from plumbing.access.record import note_change
from plumbing.clock import as_text
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.problem import Problem
from plumbing.shared import Shared

OPERATE = ("admin",)  # scopes


class NoSuchKey(Problem):
    """There is no key of this name."""

    code = "no_such_key"
    status = 404
    title = "There is no such key"
    says = "It may have been ended already; read the list again."


class KeyPath(BaseModel):
    key_id: str = Field(min_length=1, max_length=64)


class KeyRow(BaseModel):
    key_id: str
    device: str
    site: str
    scopes: list[str]
    page: str = Field(description="the screen that was paired with it")
    created_at: str
    expires_at: str
    last_used_on: str | None = Field(description="the day of its last use")


class DeviceModePath(BaseModel):
    name: str = Field(min_length=1, max_length=64)


class DeviceModeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sends: Literal["pictures", "vectors"]
    attested: StrictBool = Field(
        False,
        description="The operator vouches that nobody can change the program on the device; with vectors only",
    )


class KeysReply(BaseModel):
    rows: list[KeyRow]


def routes(shared: Shared) -> APIBlueprint:
    """The routes, for operators."""
    api = Api("desk-keys", __name__, abp_tags=[Tag(name="desk", description="Keys of devices")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    _key_routes(door, shared.access)
    _mode_route(door, shared.access)
    return api


def _key_routes(door: Door, access: Access) -> None:
    @door.route("GET", BASE + "/keys", scopes=OPERATE, reply=KeysReply, summary="The keys, without their secrets")
    def list_keys(caller: Caller) -> Body:
        """Every key and paired screen of the tenant, with its scopes and the day of its last use; never a
        secret.
        """
        return {"rows": [_row(row).model_dump() for row in access.keys(caller.tenant)]}

    @door.route(
        "DELETE",
        BASE + "/keys/<key_id>",
        scopes=OPERATE,
        status=204,
        reply=None,
        summary="End a key at once",
        errors=("no_such_key",),
    )
    def revoke_key(caller: Caller, path: KeyPath) -> Body:
        """The key is refused from the next request on. A screen that was paired with it shows how to pair it
        again.
        """
        earlier = next((row for row in access.keys(caller.tenant) if row["key_id"] == path.key_id), None)
        if earlier is None or not access.revoke_key(caller.tenant, path.key_id):
            raise NoSuchKey
        device = {name: earlier[name] for name in ("device", "site", "scopes")}
        note_change(f"key {path.key_id}", earlier=device, later=None)
        return None


def _mode_route(door: Door, access: Access) -> None:
    @door.route(
        "PUT",
        BASE + "/devices/<name>/mode",
        scopes=OPERATE,
        status=204,
        reply=None,
        summary="Let a device send pictures, or vectors that it made of them",
        errors=("device_unknown",),
    )
    def choose_device_mode(caller: Caller, path: DeviceModePath, body: DeviceModeBody) -> Body:
        """From its next press on. What the device sends otherwise is refused: nothing falls back by itself."""
        earlier = access.modes.all(caller.tenant).get(path.name, DeviceMode())
        access.modes.choose(caller.tenant, path.name, body.sends, attested=body.attested)
        later = {"sends": body.sends, "attested": body.attested}
        note_change(
            f"device {path.name}", earlier={"sends": earlier.mode, "attested": earlier.attested}, later=later
        )
        return None


def _row(key: dict[str, object]) -> KeyRow:
    day = key["last_day"]
    return KeyRow(
        key_id=str(key["key_id"]),
        device=str(key["device"] or ""),
        site=str(key["site"] or ""),
        scopes=str(key["scopes"]).split(),
        page=str(key["page"]),
        created_at=_moment(key["created_us"]),
        expires_at=_moment(key["expires_us"]),
        last_used_on=(date(1970, 1, 1) + timedelta(days=day)).isoformat() if isinstance(day, int) else None,
    )


def _moment(time_us: object) -> str:
    assert isinstance(time_us, int)
    return as_text(time_us)
