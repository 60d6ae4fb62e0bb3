"""Arguments and results of the service; none has a number of a face."""

from __future__ import annotations

from dataclasses import dataclass

from identity.capture.challenge import State
from identity.config import LONGEST_NAME
from identity.errors import NameTooLong


@dataclass(frozen=True, slots=True)
class Device:
    """Where a press is made. A token is good on this device alone."""

    tenant: str
    name: str

    def __post_init__(self) -> None:
        for text in (self.tenant, self.name):
            if len(text.encode()) > LONGEST_NAME or "\0" in text:
                raise NameTooLong


@dataclass(frozen=True, slots=True)
class Recognition:
    """`token` is None unless the decision is "matched", or "ambiguous" for a customer who can give their PIN.
    `hint` is a code for what the person can do when they are not greeted (`capture.hints`)."""

    decision: str
    token: str | None = None
    expires_us: int | None = None
    purposes: tuple[str, ...] = ()
    liveness: State = "not_run"
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a new customer gets. `pin_secret` sets the PIN, once, until `pin_until_us`."""

    receipt: str
    purposes: tuple[str, ...]
    notice_version: str
    pin_secret: str
    pin_until_us: int
