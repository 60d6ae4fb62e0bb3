"""What the recommender's part of a customer's own page takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recommender.schemas import EventId, Id, SceneName, Strict


class Open(BaseModel):
    """A part of the export: more fields may be added to it, none is taken away within one format."""

    model_config = ConfigDict(extra="allow")


class OwnItem(Open):
    """One line of an event."""

    item_id: str
    name: str = ""
    names: dict[str, str] | None = Field(None, description="by language")
    quantity: int = 1
    price: int | None = Field(None, description="minor units, as it was")
    options: list[str] | None = Field(None, description="what was chosen of the dish")


class OwnEvent(Open):
    """Something that happened and is kept under this customer's pseudonym."""

    reference: str = Field(description="names the event to DELETE /recommender/v1/me/events/<event_id>")
    event_id: str = Field(description="as the device chose it; two devices may choose the same")
    type: str
    scene: str
    at: str = Field(description="ISO 8601, UTC")
    site: str
    items: list[OwnItem]


class OwnRides(Open):
    """Rides, which are shown after the PIN alone."""

    held: int
    events: list[OwnEvent]
    hidden_because: str | None


class OwnOffers(Open):
    """Offers that were decided for this customer, and purchases that offers are measured by."""

    decisions: list[dict[str, Any]]
    purchases: list[dict[str, Any]]


class OwnAccount(Open):
    """The shop's own account that the customer tied, and how many of its events count for them."""

    account: str
    held: int


class OwnModel(Open):
    """A published version that holds a row of this customer."""

    scene: str
    version: str


class OwnExperiment(Open):
    """A running experiment that counts this customer's visits; which variant they get is stored nowhere."""

    scene: str
    name: str
    question: str
    visits: int
    value: int = Field(description="minor units, of all these visits")


class OwnWhy(BaseModel):
    """A suggestion as this customer would get it now, and its reason."""

    scene: SceneName
    item_id: str
    name: str
    names: dict[str, str] = Field({}, description="by language")
    reason: str
    reason_code: str
    model_version: str | None


class OwnHistoryReply(Open):
    """What the recommender holds about the customer of the token."""

    format: Literal["usual-export-1"] = "usual-export-1"
    part: Literal["recommender"] = "recommender"
    purposes: list[str] = Field(description="what the token says that the customer agreed to")
    events: list[OwnEvent]
    destinations: OwnRides
    offers: OwnOffers
    account: OwnAccount | None
    experiments: list[OwnExperiment] = []
    models: list[OwnModel]
    why: list[OwnWhy] = Field(description="what would be suggested now, and why")
    how_suggestions_are_made: dict[str, str] = Field(description="by scene")


class EventPath(BaseModel):
    """Which event was not theirs: its reference, or its event_id where only one event has it."""

    event_id: EventId


class CorrectionReply(BaseModel):
    """The event is out of the history, and the customer's row out of every model until the next training."""

    removed: bool


class TieBody(Strict):
    """The one-time code that the shop gave for its account."""

    link_code: str = Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")


class TieReply(BaseModel):
    """The account that is tied now."""

    account: str


class AccountPath(BaseModel):
    """The shop's own name of an account, as in its imports."""

    account: Id


class LinkCodeReply(BaseModel):
    """Shown once. The customer types it on their own page; the shop alone can tie nothing."""

    link_code: str
    expires_at: str
