"""What goes in and out over HTTP. No field takes an address, a folder or a list of people; others are refused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

BASE = "/identity/v1"
Frames = list[StrictStr]
FRAMES = "Camera pictures of this press: base64 of JPEG, PNG or WebP, at most 2 MB each"


class Body(BaseModel):
    """A request body: what it does not name is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class PressBody(Body):
    """Nothing: a press is made by the device that the key belongs to."""


class PressQuery(BaseModel):
    """What the press is for."""

    purpose: Literal["recognition"] | None = Field(
        None,
        alias="for",
        description="`recognition`: refuse the press when a recognition would be refused. Left out: never",
    )


class PressReply(BaseModel):
    """Good once, on this device, until `expires_at`."""

    nonce: str
    expires_at: str
    challenge: list[Literal["left", "right", "closer"]] = Field(
        description="Moves that prove a living head: send one frame of each as `moves`. Empty: no purpose needs it"
    )


class RecognitionBody(Body):
    """One press, one to three pictures."""

    nonce: str = Field(min_length=1, max_length=64)
    frames: Frames = Field(min_length=1, max_length=3, description=FRAMES)
    moves: Frames = Field(
        default_factory=list, max_length=4, description="The challenge of this press, a picture for each move"
    )


class RecognitionReply(BaseModel):
    """Always of the same size. `token` is null when the person gets no greeting, whatever the reason."""

    decision: str = Field(description="matched, unknown, ambiguous or low_quality")
    token: str | None
    expires_at: str | None
    purposes: list[str]
    hint: str | None = Field(
        description="A code of what the person can do when they are not greeted; the pictures alone make it"
    )
    liveness: Literal["not_run", "passed", "failed"]
    padding: str


class ConsentBody(Body):
    """Each purpose is off unless it is `true` here."""

    purposes: dict[str, StrictBool] = Field(default_factory=dict)
    notice_version: str = ""
    age_confirmed: StrictBool = False


class EnrolmentBody(Body):
    """The person at the device, who pressed, read the notice and chose."""

    nonce: str = Field(min_length=1, max_length=64)
    frames: Frames = Field(min_length=1, max_length=5, description=FRAMES + "; three at least")
    consent: ConsentBody = ConsentBody()
    somebody_else: StrictBool = Field(
        False, description="After `already_enrolled`: that was somebody else, who looks alike"
    )
    earlier: str | None = Field(
        None, max_length=64, description="Receipt of an enrolment with another engine pack: history and PIN stay"
    )


class PinSetup(BaseModel):
    """The secret sets the PIN once."""

    secret: str
    expires_at: str


class EnrolmentReply(BaseModel):
    """`receipt` is shown this once: it is the way to opt out without a face."""

    receipt: str
    purposes: list[str]
    notice_version: str
    pin_setup: PinSetup


class ReceiptPath(BaseModel):
    """A receipt code."""

    receipt: str = Field(min_length=1, max_length=64)


class PinBody(Body):
    """Four digits, and the secret given at enrolment."""

    secret: str = Field(min_length=1, max_length=64)
    pin: str = Field(min_length=1, max_length=16)


class ForgottenReply(BaseModel):
    """In force at once. `everywhere` is false while another part has still to confirm it."""

    forgotten: bool
    everywhere: bool


class OptOutReply(BaseModel):
    """Always of the same size."""

    decision: str = Field(description="forgotten or unknown")
    padding: str


class RaiseBody(Body):
    """A token of this device, and the customer's PIN."""

    token: str = Field(min_length=1, max_length=2000)
    pin: str = Field(min_length=1, max_length=16)


class RaiseReply(BaseModel):
    """A token that opens what needs a second factor."""

    token: str
    expires_at: str
    purposes: list[str]


class NotMeBody(Body):
    """The token of a greeting that was meant for somebody else."""

    token: str = Field(min_length=1, max_length=2000)


class NoticePurpose(BaseModel):
    """What can be agreed to."""

    name: str
    text: str


class NoticeReply(BaseModel):
    """What a customer reads before they decide."""

    version: str
    sha256: str
    text: str
    purposes: list[NoticePurpose]
    retention_months: int
    minimum_age: int
    grade: Literal["demo", "production"] = Field(
        description="of the engine pack: demo must be confirmed by the person"
    )
