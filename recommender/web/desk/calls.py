"""Call staff: a screen says that somebody is wanted; the operator's page shows it until it is answered."""

from __future__ import annotations

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.clock import SECOND, Clock
from plumbing.door import Body, Door, Limit
from recommender.assembly import RecommenderStores
from recommender.errors import RecommenderError
from recommender.schemas import BASE
from recommender.store.staff_calls import LASTS_US, StaffCall
from recommender.web.desk.screen import SCREEN

PATH = BASE + "/desk/calls"
A_MINUTE = 6
"""So often a screen may call: a finger that does not stop is one call all the same."""


class CallsAreOff(RecommenderError):
    """The house has no button that calls somebody."""

    code = "calls_are_off"
    status = 409
    title = "Nobody can be called from this screen"
    says = "The settings of the screens have no button that calls somebody."


class NoSuchCall(RecommenderError):
    """It was answered already, or has ended by itself."""

    code = "no_such_call"
    status = 404
    title = "There is no open call of this device"
    says = "Somebody has answered it, or it has ended by itself."


class DevicePath(BaseModel):
    device: str = Field(min_length=1, max_length=200)


class CallModel(BaseModel):
    device: str
    site: str
    since_s: int = Field(description="seconds since the first press")


class CallsReply(BaseModel):
    calls: list[CallModel]


class CalledReply(BaseModel):
    ends_in_s: int = Field(description="it ends by itself after so many seconds")


def call_routes(door: Door, stores: RecommenderStores, now_us: Clock) -> None:
    """What a screen sends, and what the operator reads and answers."""
    calls = stores.calls

    @door.route(
        "POST",
        SCREEN + "/calls",
        scopes=("suggest",),
        status=201,
        limit=Limit("staff calls", A_MINUTE),
        reply=CalledReply,
        summary="Somebody is wanted at this screen",
        errors=("calls_are_off",),
    )
    def call_staff(caller: Caller) -> Body:
        """A customer at this screen wants somebody: the desk shows it until it is answered."""
        if not stores.screens.get(caller.tenant).call_staff:
            raise CallsAreOff
        calls.call(caller.tenant, device_name(caller), caller.site, now_us())
        return {"ends_in_s": LASTS_US // SECOND}

    @door.route(
        "GET", PATH, scopes=("operate",), sites="own", reply=CallsReply, summary="Where somebody is wanted"
    )
    def list_calls(caller: Caller) -> Body:
        """The screens at which somebody is wanted, the longest wait first."""
        now = now_us()
        found = [one for one in calls.open(caller.tenant, now) if caller.may_see(one.site)]
        rows = [
            {"device": one.device, "site": one.site, "since_s": (now - one.since_us) // SECOND} for one in found
        ]
        return {"calls": rows}

    @door.route(
        "DELETE",
        PATH + "/<device>",
        scopes=("operate",),
        sites="own",
        status=204,
        reply=None,
        summary="Somebody has been there",
        errors=("no_such_call", "not_found"),
    )
    def answer_call(caller: Caller, path: DevicePath) -> Body:
        """Somebody has been there: the call goes from the desk."""
        with stores.database.write():
            found = _open(calls.open(caller.tenant, now_us()), caller, path.device)
            note_change(f"call {found.device}", earlier={"device": found.device, "site": found.site}, later=None)
            calls.end(caller.tenant, found.device)
        return None


def device_name(caller: Caller) -> str:
    """The device's name, also of one that has taken another's place."""
    return caller.device.partition("~")[0]


def _open(calls: list[StaffCall], caller: Caller, device: str) -> StaffCall:
    for one in calls:
        if one.device == device and caller.may_see(one.site):
            return one
    raise NoSuchCall
