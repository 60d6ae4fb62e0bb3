"""How many different people must have chosen what everybody sees: the marketer's setting."""

from __future__ import annotations

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from recommender.config import LEAST_PEOPLE_CEILING, LEAST_PEOPLE_FLOOR
from recommender.schemas import BASE, Strict
from recommender.store.sharing import SharingStore

DESK = ("train",)  # scopes


class SharingModel(Strict):
    least_people: int = Field(
        ge=LEAST_PEOPLE_FLOOR,
        le=LEAST_PEOPLE_CEILING,
        strict=True,
        description="so many different people must have chosen what others may see",
    )


class SharingReply(BaseModel):
    least_people: int
    floor: int = Field(description="nobody may set fewer")
    usual: int = Field(description="of the installation, where a tenant has set none")


def sharing_routes(door: Door, sharing: SharingStore) -> None:
    """Read and set the number."""

    def reply(tenant: str) -> dict[str, object]:
        return {"least_people": sharing.least_people(tenant), "floor": LEAST_PEOPLE_FLOOR, "usual": sharing.usual}

    path, words = BASE + "/desk/sharing", "how many people must stand behind what everybody sees"

    @door.route("GET", path, scopes=DESK, reply=SharingReply, summary=words.capitalize())
    def get_least_people(caller: Caller) -> Body:
        """From how many different people a place or a dish must come before everybody may see it as popular."""
        note_tag(reply(caller.tenant))
        return reply(caller.tenant)

    @door.route(
        "PUT",
        path,
        scopes=DESK,
        reply=SharingReply,
        approval="settings",
        summary=f"Set {words}",
        errors=("changed_meanwhile",),
    )
    def set_least_people(caller: Caller, body: SharingModel) -> Body:
        """Never below the least that the installation allows."""
        earlier = reply(caller.tenant)
        require_unchanged(earlier)
        note_change("sharing", earlier=earlier, later=earlier | {"least_people": body.least_people})
        sharing.set_least_people(caller.tenant, body.least_people)
        note_tag(reply(caller.tenant))
        return reply(caller.tenant)
