"""What identity's part of a customer's own page takes and gives. No field takes an address, a folder or a list of
people; others are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from identity.web.schemas import Body
from plumbing.query import Query

Level = Literal["face", "second_factor"]
Purpose = Literal["orders", "offers", "destinations", "account"]


class SessionBody(Body):
    """The code and, where one is set, the PIN; or a token of the device where the customer stands."""

    model_config = ConfigDict(json_schema_extra={"example": {"receipt": "K7QM-2RXD-9TFA", "pin": "4711"}})

    receipt: str | None = Field(None, min_length=1, max_length=64, description="the code, however it was typed")
    pin: str | None = Field(None, min_length=1, max_length=16)
    token: str | None = Field(None, min_length=1, max_length=2000, description="of this device, after the PIN")


class SessionReply(BaseModel):
    """Signed in: a token for the customer's own page. Keep it in memory alone."""

    token: str
    expires_at: str
    level: Level = Field(description="face: without the PIN; rides stay closed")
    purposes: list[str]


class OwnFace(BaseModel):
    """Whether numbers made from the face are held, never the numbers."""

    held: bool
    kept: list[str] = Field(description="for which engine pack, and of which kind: bare face or face with a mask")
    site: str | None = Field(None, description="where it was enrolled, the one site that is kept; null: not known")


class OwnNotice(BaseModel):
    """The notice that was agreed to, and the newest one."""

    agreed: str
    newest: str


class OwnLookup(BaseModel):
    """Once that somebody asked who this customer is, or did something to what is held."""

    day: str
    device: str
    event: str
    purposes: list[str]
    outcome: str


class OwnDataReply(BaseModel):
    """What identity holds about the customer of the token."""

    format: Literal["usual-export-1"] = "usual-export-1"
    part: Literal["identity"] = "identity"
    in_words: list[str] = Field(description="the same in a few English sentences")
    state: Literal["active", "paused"]
    paused_until: str | None
    purposes: dict[str, bool] = Field(description="what the customer agreed to, whether paused or not")
    notice: OwnNotice
    last_visit: str | None = Field(description="the day; no time of it is kept")
    kept_until: str | None = Field(description="the day on which everything is erased without another visit")
    ends_soon: bool
    pin_set: bool
    face: OwnFace
    face_needs_pin: Literal["never", "lookalike", "by_choice"]
    consent_records: list[dict[str, Any]] = Field(description="in the fields of ISO/IEC TS 27560")
    lookups: list[OwnLookup]


class PauseReply(BaseModel):
    """Nobody is greeted until then, nothing is forgotten."""

    paused_until: str


class PurposesBody(Body):
    """What changes; what is not named stays. Giving needs the version of the notice that was read."""

    purposes: dict[Purpose, StrictBool] = Field(
        min_length=1, max_length=4, json_schema_extra={"example": {"offers": True}}
    )
    notice_version: str = Field("", max_length=64)
    language: str = Field("en", max_length=16, pattern=r"^[A-Za-z-]*$")


class NewPinBody(Body):
    """Four digits; the present ones too where some are set."""

    new_pin: str = Field(min_length=1, max_length=16)
    pin: str | None = Field(None, min_length=1, max_length=16)


class OwnErasureReply(BaseModel):
    """Erased, in force at once. `everywhere` is false while another part has still to confirm it."""

    forgotten: bool
    everywhere: bool
    erasure: dict[str, Any] | None = Field(
        description="the receipt of the erasure: every store that was looked through"
    )


class OwnNoticeQuery(Query):
    """In which language."""

    language: str = Field("en", max_length=16, pattern=r"^[A-Za-z-]*$")


class OwnNoticeReply(BaseModel):
    """What is read before agreeing to one more purpose."""

    version: str
    language: str
    sha256: str
    text: str
