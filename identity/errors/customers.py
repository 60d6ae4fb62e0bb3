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
    what_to_do = "Wait as long as `Retry-After` says; the customer goes on as a guest."

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
    """The customer read another notice than the one in force: `version`, in `languages`."""

    code = "notice_outdated"
    status = 409
    says = "Show the notice in force (GET /identity/v1/notice) and ask again."


class CodeMistyped(IdentityError):
    """No code reads like this: a sign is wrong, missing or in another's place. Nothing was looked up."""

    code = "code_mistyped"
    status = 422
    title = "The code was mistyped"
    what_to_do = "Have the code typed again, or scan it."

    def __init__(self, group: int) -> None:
        super().__init__(f"Check group {group} of the code: a sign in it is wrong or missing.", group=group)


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


class FaceHeld(EnrolmentError):
    """A second face for a customer who has one."""

    code = "face_held"
    status = 409
    title = "This customer has a face already"
    says = "One face at a time: drop it first (DELETE /enrolments/<receipt>/face)."


class HeldUnknown(EnrolmentError):
    """No opt-out waits under this reference: a wrong one, one that was ended, or one whose pause is over."""

    code = "held_unknown"
    status = 404
    title = "Nothing waits under this reference"
    says = "Check the reference: `usual identity held` lists all. Somebody ended it, or its 30 days are over."


class HeldOfSeveral(EnrolmentError):
    """Several people look alike, and nothing says which of them asked."""

    code = "held_of_several"
    status = 409
    title = "It may be one of several customers"
    what_to_do = "Ask the customer for their code or PIN, and give it with the reference."

    def __init__(self, customers: int) -> None:
        super().__init__(
            f"{customers} customers look like this person. Ask for their code or PIN: it says which one to erase."
            " If they have neither, and all of these are surely theirs, --everybody erases them all."
        )


class CustomerLeft(EnrolmentError):
    """The customer opted out, perhaps in this very moment: nothing of theirs opens any more."""

    code = "customer_left"
    status = 410
    title = "This customer has opted out"
    says = "The enrolment was erased. Nothing is held any more that could be shown or changed."


class PinError(IdentityError):
    """The second factor was not given."""

    status = 403
    title = "The PIN was not accepted"


class PinInvalid(PinError):
    """Not four digits."""

    code = "pin_invalid"
    status = 422
    says = "A PIN has four digits."


class PinNeeded(PinError):
    """What was agreed to can never open without a PIN, or the way of joining has nothing else to prove."""

    code = "pin_needed"
    status = 422
    title = "This needs a PIN"
    says = "Places open with a PIN alone. Send `pin` (four digits), or agree to something else too."


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


class CodeOrPinWrong(PinError):
    """One answer to a code that nobody has, to a wrong PIN, to a code without a PIN and to a locked one."""

    code = "code_or_pin_wrong"
    security_event = "receipt_refused"
    title = "The code and the PIN do not open anything together"
    says = (
        "Check both. After five wrong PINs a code waits for a quarter of an hour, then for longer each time."
        " Without them you get what every guest gets."
    )


class TooManyCodes(PinError):
    """A device on which one wrong code or PIN followed the other."""

    code = "too_many_codes"
    security_event = "lock_out"
    status = 429
    title = "This device has to wait"
    what_to_do = "Wait as long as `Retry-After` says."

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many codes and PINs were wrong. Go on without, or try again in {seconds} s.")
        self.retry_after = seconds


class PinLocked(PinError):
    """Too many wrong PINs."""

    code = "pin_locked"
    security_event = "lock_out"
    status = 429
    what_to_do = "Wait as long as `Retry-After` says; the receipt's code opts out meanwhile."

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
    """The token is too old: it is good for ten minutes at most."""

    code = "token_expired"
    says = "The token has expired. Ask the customer to press again."


class FaceTokenOnly(TokenError):
    """A token that rests on a face alone, where the PIN is needed."""

    code = "second_factor_required"
    status = 403
    title = "A face alone is not enough for this"
    says = "Raise the token with the customer's PIN (POST /identity/v1/tokens/raise) and try again."


class TokenForeign(TokenError):
    """Made for another tenant or device."""

    code = "token_foreign"
    security_event = "token_refused"
    status = 403
    says = "The token was made for another tenant or device."
