"""Errors of the customer's own page: signing in with a code, and what is asked there."""

from __future__ import annotations

from identity.errors.base import IdentityError


class OwnPageError(IdentityError):
    """The customer's own page does not open, or not this part of it."""

    status = 403
    title = "The page was not opened"


class SignInTooOften(OwnPageError):
    """One code was tried too often, right or wrong, whether anybody has it or not."""

    code = "too_many_requests"
    security_event = "lock_out"
    status = 429
    title = "Too many requests"
    what_to_do = "Wait as long as `Retry-After` says."

    def __init__(self, seconds: int) -> None:
        super().__init__(f"This code was tried too often. Try again in {seconds} s.")
        self.retry_after = seconds


class TwoWaysIn(OwnPageError):
    """Neither a code nor a token of the device, or both."""

    code = "two_ways_in"
    status = 422
    says = "Send either `receipt`, with `pin` if one was set, or `token` of this device."


class PinNeededHere(OwnPageError):
    """A face alone does not show anybody's history."""

    code = "second_factor_required"
    says = "Give the PIN first: a face alone shows nobody's history. Without a PIN, sign in with the code."
