"""The family of errors that the identity half raises.

IdentityError
├── FrameError          a picture that cannot or must not be looked at (frames.py)
├── CaptureError        a picture without exactly one usable face; carries a hint for the person (capture.py)
├── PackError           an engine pack that is missing, altered or foreign (engines.py, fetch.py)
└── ...                 presses, consent, tokens, enrolments (service.py)
"""

from __future__ import annotations

from typing import Any, ClassVar

from plumbing.problem import Problem


class IdentityError(Problem):
    """Base of the family."""

    code = "identity_error"


# --- frames, captures, packs -------------------------------------------------------------------------


class FrameError(IdentityError):
    """A picture that cannot or must not be decoded."""

    code = "bad_frame"
    status = 422
    title = "The picture could not be used"


class FrameTooLarge(FrameError):
    """More bytes than a camera picture needs."""

    code = "frame_too_large"
    status = 413


class NotAnImage(FrameError):
    """Neither JPEG, PNG nor WebP, or one that its decoder refuses."""

    code = "not_an_image"
    status = 415


class TruncatedImage(FrameError):
    """The file ends before its picture does."""

    code = "truncated_image"


class AnimatedImage(FrameError):
    """More than one picture in a file."""

    code = "animated_image"


class TooManyPixels(FrameError):
    """Would unpack to more pixels than any camera frame that is needed here."""

    code = "too_many_pixels"


class TooFewPixels(FrameError):
    """Too small a picture, or too long and thin, to hold a usable face."""

    code = "too_few_pixels"


class SuspiciousImage(FrameError):
    """A picture with something else inside or behind it, or built to exhaust its decoder."""

    code = "suspicious_image"


class CaptureError(IdentityError):
    """No single usable face; `hint` (a stable code) is what to tell the person."""

    code = "bad_capture"
    status = 422
    title = "No single face could be used"
    hint: ClassVar[str] = "try_again"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, **({"hint": self.hint} | extra))


class NoFace(CaptureError):
    """Nobody is in the picture."""

    code = "no_face"
    hint = "look_at_the_camera"


class SeveralFaces(CaptureError):
    """Two faces of similar size, or one before the other: whose press was it?"""

    code = "several_faces"
    hint = "one_person_please"


class FaceTooSmall(CaptureError):
    """The eyes are too close together in the frame."""

    code = "face_too_small"
    hint = "come_closer"


class FaceOffCentre(CaptureError):
    """The largest face is at the edge, perhaps somebody who walks by."""

    code = "face_off_centre"
    hint = "move_to_the_middle"


class FaceTurned(CaptureError):
    """The face looks to the side."""

    code = "face_turned"
    hint = "look_straight_ahead"


class FaceBlurred(CaptureError):
    """No sharp edge in the face."""

    code = "face_blurred"
    hint = "hold_still"


class TooDark(CaptureError):
    """The face is hardly lit."""

    code = "too_dark"
    hint = "more_light"


class TooBright(CaptureError):
    """The face is washed out."""

    code = "too_bright"
    hint = "less_light"


class PackError(IdentityError):
    """An engine pack that is missing, altered or foreign."""

    code = "bad_pack"
    status = 503
    title = "Recognition is not available"


class UnknownPack(PackError):
    """No manifest has this name."""

    code = "unknown_pack"


class PackMissing(PackError):
    """A file of the pack is not there."""

    code = "pack_missing"


class PackAltered(PackError):
    """A file of the pack is not the one that its manifest pins."""

    code = "pack_altered"


class PackDenied(PackError):
    """The pack's vendor or licence is not accepted."""

    code = "pack_denied"


class FetchFailed(PackError):
    """A file could not be fetched; nothing was kept."""

    code = "fetch_failed"


# --- presses, consent, tokens, enrolments ------------------------------------------------------------


class Fixed(IdentityError):
    """An error that always says the same."""

    says: ClassVar[str]

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.says, **extra)


class PressError(IdentityError):
    """A recognition, enrolment or opt-out without a press of the customer's own."""

    status = 403
    title = "A new press is needed"


class PressRefused(Fixed, PressError):
    """No such press on this device: unknown, used before, or made on another one. They look the same."""

    code = "press_refused"
    says = "This press is not known here or was used before. Ask the customer to press again."


class PressExpired(Fixed, PressError):
    """The press was made too long ago."""

    code = "press_expired"
    says = "A press is good for seconds only. Ask the customer to press again."


class TooManyFailures(PressError):
    """Too many presses on this device that recognised nobody."""

    code = "too_many_failures"
    status = 429
    title = "This device has to wait"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many presses recognised nobody. Go on without a face, or try again in {seconds} s.")
        self.retry_after = seconds


class NameTooLong(Fixed):
    """A tenant or device whose name fits neither a token nor a key slot."""

    code = "name_too_long"
    status = 422
    says = "Names of tenants and devices have 1 to 64 bytes."


class ConsentError(IdentityError):
    """Consent that is missing or void. Nothing was looked at, nothing was stored."""

    status = 422
    title = "There is no valid consent"


class NoConsent(Fixed, ConsentError):
    """Not one purpose was agreed to."""

    code = "no_consent"
    says = "Agree to at least one purpose, or go on without a face."


class UnknownPurpose(Fixed, ConsentError):
    """Consent to something the notice does not name."""

    code = "unknown_purpose"
    says = "A purpose is not one that the notice names: GET /identity/v1/notice lists them."


class AgeNotConfirmed(Fixed, ConsentError):
    """The customer did not declare to be old enough. An age is declared, never estimated."""

    code = "age_not_confirmed"
    says = "The customer has to confirm to be as old as the notice says."


class NoticeOutdated(Fixed, ConsentError):
    """The customer read another notice than the one in force."""

    code = "notice_outdated"
    status = 409
    says = "Show the notice in force (GET /identity/v1/notice) and ask again."


class EnrolmentError(IdentityError):
    """An enrolment that cannot be made or found."""

    status = 422
    title = "The enrolment could not be made"


class TooFewFrames(Fixed, EnrolmentError):
    """Not enough usable pictures for a template."""

    code = "too_few_frames"
    says = "Too few usable pictures: an enrolment needs three. Keep looking at the camera."


class FramesIdentical(Fixed, EnrolmentError):
    """One picture sent several times."""

    code = "frames_identical"
    says = "The pictures are one and the same. Take new ones, a moment apart."


class FramesDiffer(Fixed, EnrolmentError):
    """The pictures do not show one person."""

    code = "frames_differ"
    says = "The pictures do not seem to show one person. One person, please; take new ones."


class AlreadyEnrolled(Fixed, EnrolmentError):
    """This face is known to this tenant already."""

    code = "already_enrolled"
    status = 409
    title = "This face is enrolled already"
    says = (
        "Go on with the enrolment that exists: `token` and its PIN open it. Or opt out first. If that was somebody"
        " else, send `somebody_else: true`: both will then be asked for their PIN."
    )


class EnrolmentUnknown(Fixed, EnrolmentError):
    """No enrolment has this receipt."""

    code = "enrolment_unknown"
    status = 404
    title = "No enrolment has this receipt"
    says = "Check the receipt code. If it was used to opt out before, there is nothing left to do."


class PinError(IdentityError):
    """The second factor was not given."""

    status = 403
    title = "The PIN was not accepted"


class PinInvalid(Fixed, PinError):
    """Not four digits."""

    code = "pin_invalid"
    status = 422
    says = "A PIN has four digits."


class PinSetupRefused(Fixed, PinError):
    """The secret of the PIN set-up is wrong, used or too old."""

    code = "pin_setup_refused"
    says = "The PIN can be set once, within minutes of enrolling, with the secret given then."


class PinNotSet(Fixed, PinError):
    """This customer has no PIN."""

    code = "pin_not_set"
    status = 409
    says = "No PIN was set at enrolment; what needs one stays closed."


class PinWrong(Fixed, PinError):
    """Another PIN than the one that was set."""

    code = "pin_wrong"
    says = "That is not the PIN."


class PinLocked(PinError):
    """Too many wrong PINs."""

    code = "pin_locked"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong PINs. Try again in {seconds} s, or go on without.")
        self.retry_after = seconds


class TokenError(IdentityError):
    """A token that opens nothing here."""

    status = 401
    title = "The token is not accepted"


class TokenAltered(Fixed, TokenError):
    """Not a token of this installation, or changed on its way."""

    code = "token_altered"
    says = "This is not a token of ours. Ask the customer to press again."


class TokenExpired(Fixed, TokenError):
    """Too old."""

    code = "token_expired"
    says = "The token has expired. Ask the customer to press again."


class TokenForeign(Fixed, TokenError):
    """Made for another tenant or device."""

    code = "token_foreign"
    status = 403
    says = "The token was made for another tenant or device."


class VaultError(IdentityError):
    """Keys and what they seal."""

    status = 503
    title = "Recognition is not available"


class KeyDestroyed(Fixed, VaultError):
    """The key is gone for good: what it sealed is erased, wherever a copy may lie."""

    code = "key_destroyed"
    says = "The key was destroyed."


class SealBroken(Fixed, VaultError):
    """Sealed bytes that were altered, or that belong to another owner."""

    code = "seal_broken"
    says = "Sealed data was altered or belongs to somebody else."


class KeyFileDamaged(VaultError):
    """The key file cannot be read with the master keys at hand."""

    code = "key_file_damaged"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The key file cannot be used: {reason}.")


class StorageFull(Fixed, VaultError):
    """No room for another customer. Erasing still works: it overwrites in place."""

    code = "storage_full"
    status = 507
    title = "There is no room left"
    says = "Nothing was stored. Make room on the disk and try again."


class VectorInvalid(Fixed, VaultError):
    """An engine gave a vector that is zero, not finite or of another size."""

    code = "vector_invalid"
    says = "The engine gave no usable vector. Check the pack with `usual models check`."


class NotCalibrated(Fixed, VaultError):
    """The pack ships no figures, and none were measured here: no threshold can be made."""

    code = "not_calibrated"
    says = "This pack has no calibration here yet. Run `usual calibrate`."
