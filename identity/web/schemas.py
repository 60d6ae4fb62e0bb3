"""What goes in and out over HTTP. No field takes an address, a folder or a list of people; others are refused."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from plumbing.query import Query

BASE = "/identity/v1"
Frames = list[StrictStr]
SEALED = "In place of pictures, of a device that sends vectors: the sealed message in base64 (docs/api/vectors.md)"
MOST_SEALED = 20_000
FRAMES = "Camera pictures of this press: base64 of JPEG, PNG or WebP, at most 2 MB each"


class Body(BaseModel):
    """A request body: what it does not name is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


def require_one(frames: Frames, message: str | None) -> None:
    """Raises ValueError: neither pictures nor a sealed message, or both."""
    if bool(frames) == (message is not None):
        raise ValueError("send either `frames` or `device_message`")


class PressBody(Body):
    """Nothing: a press is made by the device that the key belongs to."""


class PressQuery(Query):
    """What the press is for."""

    purpose: Literal["recognition"] | None = Field(
        None,
        alias="for",
        description="`recognition`: refuse the press when a recognition would be refused. Left out: never",
    )


class SealModel(BaseModel):
    """What a device that sends vectors seals them with (docs/api/vectors.md)."""

    public_key: str = Field(description="X25519, 32 bytes in base64url: the tenant's, to seal to")
    key_id: str = Field(description="8 bytes in hex that name this key in a message")
    device: str = Field(description="the name of this device in the text that a message is bound to")
    pack: str = Field(description="the engine pack whose vectors are compared here, as name@version")
    size: int = Field(description="numbers of a vector")
    masks: bool = Field(description="an enrolment has a twin of each vector, with a mask drawn over the face")


class PressReply(BaseModel):
    """Good once, on this device, until `expires_at`."""

    nonce: str
    expires_at: str
    challenge: list[Literal["left", "right", "closer"]] = Field(
        description="Moves that prove a living head: send one frame of each as `moves`. Empty: no purpose needs it"
    )
    seal: SealModel | None = Field(
        description="Of a device that sends vectors; null for one that sends pictures. The operator chooses which"
    )


class RecognitionBody(Body):
    """One press, and one to three pictures or a sealed message."""

    nonce: str = Field(min_length=1, max_length=64)
    frames: Frames = Field(
        default_factory=list, max_length=3, description=FRAMES + "; one at least, or `device_message`"
    )
    moves: Frames = Field(
        default_factory=list, max_length=4, description="The challenge of this press, a picture for each move"
    )
    device_message: StrictStr | None = Field(None, max_length=MOST_SEALED, description=SEALED)

    @model_validator(mode="after")
    def has_one_of_both(self) -> Self:
        """Raises ValueError: neither pictures nor a message, or both."""
        require_one(self.frames, self.device_message)
        if self.device_message is not None and self.moves:
            raise ValueError("a message says by itself which moves were made: leave out `moves`")
        return self


class ByCodeBody(Body):
    """The code and the PIN of somebody who goes without a face, or does so today."""

    receipt: str = Field(min_length=1, max_length=64, description="the code, as it is read or scanned")
    pin: str = Field(min_length=1, max_length=16)


class OptOutBody(RecognitionBody):
    """One press; and the PIN, once the reply was `pin_needed`."""

    pin: str | None = Field(
        None,
        max_length=16,
        description="Which of several who look alike it is. Leave it out at first; an empty text says: none",
    )


class RecognitionReply(BaseModel):
    """Always of the same size. `token` is null when the person gets no greeting, whatever the reason."""

    decision: str = Field(description="matched, unknown, ambiguous or low_quality")
    token: str | None
    expires_at: str | None
    purposes: list[str]
    hint: str | None = Field(
        description="A code of what the person can do when they are not greeted, such as `come_closer`,"
        " `give_the_pin` or, for a match who chose no PIN, `use_your_code`"
    )
    liveness: Literal["not_run", "passed", "failed"]
    news: list[str] = Field(
        description="`notice_changed`: they agreed to an older notice; `consent_ends_soon`: they would soon have"
        " been forgotten, and this visit keeps them"
    )
    padding: str


class ConsentBody(Body):
    """Each purpose is off unless it is `true` here."""

    purposes: dict[str, StrictBool] = Field(default_factory=dict)
    notice_version: str = ""
    age_confirmed: StrictBool = False
    language: str = Field(default="en", max_length=35, description="in which the notice was read")
    place: Literal["restaurant", "taxi"] | None = Field(default=None, description="as the notice was asked for")


class EnrolmentBody(Body):
    """The person at the device, who read the notice and chose. With a face they pressed as well."""

    way: Literal["face", "code"] = Field("face", description="`code`: without a face; then no press, no frames")
    nonce: str = Field("", max_length=64, description="of the press; needed with a face")
    frames: Frames = Field(
        default_factory=list, max_length=5, description=FRAMES + "; three at least, none with `code`"
    )
    device_message: StrictStr | None = Field(None, max_length=MOST_SEALED, description=SEALED)
    consent: ConsentBody = ConsentBody()
    pin: str | None = Field(
        None, max_length=16, description="Four digits, set at once. `code` needs it, and so do places alone"
    )
    somebody_else: StrictBool = Field(
        False, description="After `already_enrolled`: that was somebody else, who looks alike"
    )
    earlier: str | None = Field(
        None, max_length=64, description="Receipt of an enrolment with another engine pack: history and PIN stay"
    )

    @model_validator(mode="after")
    def fits_its_way(self) -> EnrolmentBody:
        """Raises ValueError: a face without a press or a picture, or either without a face."""
        if self.way == "face":
            if not self.nonce:
                raise ValueError("an enrolment with a face needs `nonce`")
            require_one(self.frames, self.device_message)
        of_face = (
            self.nonce or self.frames or self.device_message or self.somebody_else or self.earlier is not None
        )
        if self.way == "code" and of_face:
            raise ValueError("an enrolment with a code takes no press, no frames and nothing about a face")
        return self


class PinSetup(BaseModel):
    """The secret sets the PIN once."""

    secret: str
    expires_at: str


class EnrolmentReply(BaseModel):
    """`receipt`, the customer's code, is shown this once. They are in force when they confirmed to have it."""

    receipt: str
    purposes: list[str]
    notice_version: str
    pin_setup: PinSetup | None = Field(description="null when the PIN was set with the enrolment")
    in_force: Literal[False] = Field(description="not before PUT /enrolments/<receipt>/confirmed")
    confirm_within_s: int
    signed_receipt: str | None = Field(
        description="what was agreed to, signed; `usual receipts verify` checks it offline. null when the key"
        " for it cannot be read: joining does not fail for that"
    )
    qr: str = Field(description="SVG: the link to the customer's page, with the code behind its #")


class ReceiptPath(BaseModel):
    """A receipt code."""

    receipt: str = Field(min_length=1, max_length=64)


class PinBody(Body):
    """Four digits, and the secret given at enrolment."""

    secret: str = Field(min_length=1, max_length=64)
    pin: str = Field(min_length=1, max_length=16)


class FaceBody(Body):
    """A face for somebody who has a code: a press, pictures, and the PIN where one is set."""

    nonce: str = Field(min_length=1, max_length=64)
    frames: Frames = Field(
        default_factory=list, max_length=5, description=FRAMES + "; three at least, or `device_message`"
    )
    device_message: StrictStr | None = Field(None, max_length=MOST_SEALED, description=SEALED)
    pin: str | None = Field(None, max_length=16)
    notice_version: str | None = Field(
        None, max_length=64, description="the notice that was read; left out: today's"
    )
    language: str = Field("en", max_length=35)
    somebody_else: StrictBool = Field(False, description="as in an enrolment")

    @model_validator(mode="after")
    def has_one_of_both(self) -> Self:
        """Raises ValueError: neither pictures nor a message, or both."""
        require_one(self.frames, self.device_message)
        return self


class NoFaceBody(Body):
    """The PIN, where one is set."""

    pin: str | None = Field(None, max_length=16)


class ErasedStore(BaseModel):
    """A place that may hold a customer, and what became of them there."""

    store: str
    state: str


class ErasureModel(BaseModel):
    """The receipt of an erasure: `usual erasures verify` takes it. `fingerprints` are of short pieces of what was
    theirs, and lead to nobody. `closed` once versions trained without them are live."""

    format: Literal["usual-erasure-1"]
    id: str
    tenant: str
    day: str
    stores: list[ErasedStore]
    everywhere: bool
    closed: bool
    marks: str
    fingerprints: str
    signature: str


class ForgottenReply(BaseModel):
    """In force at once. `everywhere` is false while another part has still to confirm it."""

    forgotten: bool
    everywhere: bool
    erasure: ErasureModel


class OptOutReply(BaseModel):
    """Always of the same size."""

    decision: Literal["forgotten", "pin_needed", "paused", "unknown"] = Field(
        description="`pin_needed`: again, with the PIN. `paused`: nobody is greeted who may be meant, until a"
        " member of staff ends it. `unknown`: nobody was found; something may be held all the same"
    )
    reference: str | None = Field(description="of `paused`: what a member of staff types to end it")
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
    news: list[str] = Field(description="as in a recognition's reply")


class NotMeBody(Body):
    """The token of a greeting that was meant for somebody else."""

    token: str = Field(min_length=1, max_length=2000)
