"""Arguments and results of the service; none has a number of a face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from identity.capture.challenge import State
from identity.config import LONGEST_NAME
from identity.errors import NameTooLong


@dataclass(frozen=True, slots=True)
class Device:
    """Where a press is made. A token is good on this device alone. `site` is where the device stands: who
    enrolled there is looked for first."""

    tenant: str
    name: str
    site: str = ""

    def __post_init__(self) -> None:
        for text in (self.tenant, self.name):
            if len(text.encode()) > LONGEST_NAME or "\0" in text:
                raise NameTooLong


@dataclass(frozen=True, slots=True)
class Recognition:
    """`token` is None unless the decision is "matched", or "ambiguous" for a customer who can give their PIN.
    `hint` is a code for what the person can do when they are not greeted (`capture.hints`), `news` are codes of
    what a customer who was greeted should hear (`customers.news`)."""

    decision: str
    token: str | None = None
    expires_us: int | None = None
    purposes: tuple[str, ...] = ()
    liveness: State = "not_run"
    hint: str | None = None
    news: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """What a device that sends vectors seals them with: the tenant's public key (32 bytes) and its id, the name
    that the device has here, the engine pack and the length of its vectors, and whether an enrolment needs twins
    with a mask."""

    public_key: bytes
    key_id: bytes
    device: str
    pack: str
    size: int
    twins: bool


class Said(TypedDict):
    """What somebody said who wants to join: which purposes, after which notice (read in `language`, for `place`),
    that they are old enough, and the PIN that they chose, if any."""

    purposes: Mapping[str, bool]
    notice_version: str
    age_confirmed: bool
    language: NotRequired[str]
    place: NotRequired[str | None]
    pin: NotRequired[str | None]


class OfFace(TypedDict, total=False):
    """What somebody said who adds a face: after which notice, and whether they look like somebody else."""

    notice_version: str | None
    language: str
    somebody_else: bool


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a new customer gets. `pin_secret` sets the PIN, once, until `pin_until_us`, unless `pin_is_set`.
    `signed_receipt` says what they agreed to (`consent.receipts`); None when it
    cannot be signed now."""

    receipt: str
    purposes: tuple[str, ...]
    notice_version: str
    pin_secret: str
    pin_until_us: int
    pin_is_set: bool = False
    signed_receipt: str | None = None


@dataclass(frozen=True, slots=True)
class OptedOut:
    """`decision` is "forgotten", "pin_needed", "paused" or "unknown" (nobody was found; something may be held all
    the same). `reference` is what a member of staff types to end what is "paused"."""

    decision: str
    reference: str | None = None
