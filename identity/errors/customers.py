"""Errors of presses, consent, enrolments, PINs and tokens: what a device meets, for its customer."""

from __future__ import annotations

from identity.errors.base import IdentityError


class PressError(IdentityError):
    """A recognition, enrolment or opt-out without a press of the customer's own."""

    status = 403
    title = "A new press is needed"


class PressRefused(PressError):
    """No such press on this device: unknown, used before, or made on another one. They look the same."""

    code = "press_refused"
    security_event = "nonce_refused"
    says = "This press is not known here or was used before. Ask the customer to press again."


class PressExpired(PressError):
    """The press was made too long ago."""

    code = "press_expired"
    says = "A press is good for seconds only. Ask the customer to press again."


class TooManyFailures(PressError):
    """Too many presses on this device that recognised nobody."""

    code = "too_many_failures"
    security_event = "lock_out"
    status = 429
    title = "This device has to wait"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many presses recognised nobody. Go on without a face, or try again in {seconds} s.")
        self.retry_after = seconds


class NameTooLong(IdentityError):
    """A tenant or device whose name fits neither a token nor a key slot."""

    code = "name_too_long"
    status = 422
    says = "Names of tenants and devices have 1 to 64 bytes."


class ConsentError(IdentityError):
    """Consent that is missing or void. No picture was decoded, nothing was stored."""

    status = 422
    title = "There is no valid consent"


class NoConsent(ConsentError):
    """Not one purpose was agreed to."""

    code = "no_consent"
    says = "Agree to at least one purpose, or go on without a face."


class UnknownPurpose(ConsentError):
    """Consent to something the notice does not name."""

    code = "unknown_purpose"
    says = "A purpose is not one that the notice names: GET /identity/v1/notice lists them."


class AgeNotConfirmed(ConsentError):
    """The customer did not declare to be old enough. An age is declared, never estimated."""

    code = "age_not_confirmed"
    says = "The customer has to confirm to be as old as the notice says."


class NoticeOutdated(ConsentError):
    """The customer read another notice than the one in force."""

    code = "notice_outdated"
    status = 409
    says = "Show the notice in force (GET /identity/v1/notice) and ask again."


class EnrolmentError(IdentityError):
    """An enrolment that cannot be made or found."""

    status = 422
    title = "The enrolment could not be made"


class TooFewFrames(EnrolmentError):
    """Not enough usable pictures for a template."""

    code = "too_few_frames"
    says = "Too few usable pictures: an enrolment needs three. Keep looking at the camera."


class FramesIdentical(EnrolmentError):
    """One picture sent several times."""

    code = "frames_identical"
    says = "The pictures are one and the same. Take new ones, a moment apart."


class FramesDiffer(EnrolmentError):
    """The pictures do not show one person."""

    code = "frames_differ"
    says = "The pictures do not seem to show one person. One person, please; take new ones."


class AlreadyEnrolled(EnrolmentError):
    """This face is known to this tenant already."""

    code = "already_enrolled"
    status = 409
    title = "This face is enrolled already"
    says = (
        "Go on with the enrolment that exists: `token` and its PIN open it. Or opt out first. If that was somebody"
        " else, send `somebody_else: true`: both will then be asked for their PIN."
    )


class EnrolmentUnknown(EnrolmentError):
    """No enrolment has this receipt."""

    code = "enrolment_unknown"
    security_event = "receipt_refused"
    status = 404
    title = "No enrolment has this receipt"
    says = "Check the receipt code. If it was used to opt out before, there is nothing left to do."


class PinError(IdentityError):
    """The second factor was not given."""

    status = 403
    title = "The PIN was not accepted"


class PinInvalid(PinError):
    """Not four digits."""

    code = "pin_invalid"
    status = 422
    says = "A PIN has four digits."


class PinSetupRefused(PinError):
    """The secret of the PIN set-up is wrong, used or too old."""

    code = "pin_setup_refused"
    says = "The PIN can be set once, within minutes of enrolling, with the secret given then."


class PinNotSet(PinError):
    """This customer has no PIN."""

    code = "pin_not_set"
    status = 409
    says = "No PIN was set at enrolment; what needs one stays closed."


class PinWrong(PinError):
    """Another PIN than the one that was set."""

    code = "pin_wrong"
    says = "That is not the PIN."


class PinLocked(PinError):
    """Too many wrong PINs."""

    code = "pin_locked"
    security_event = "lock_out"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong PINs. Try again in {seconds} s, or go on without.")
        self.retry_after = seconds


class TokenError(IdentityError):
    """A token that opens nothing here."""

    status = 401
    title = "The token is not accepted"


class TokenAltered(TokenError):
    """Not a token of this installation, or changed on its way."""

    code = "token_altered"
    security_event = "token_refused"
    says = "This is not a token of ours. Ask the customer to press again."


class TokenExpired(TokenError):
    """Too old."""

    code = "token_expired"
    says = "The token has expired. Ask the customer to press again."


class TokenForeign(TokenError):
    """Made for another tenant or device."""

    code = "token_foreign"
    security_event = "token_refused"
    status = 403
    says = "The token was made for another tenant or device."
