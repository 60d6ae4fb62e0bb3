"""Errors of pictures, which the person in front of the camera can correct."""

from __future__ import annotations

from typing import Any, ClassVar

from identity.errors.base import IdentityError


class FrameError(IdentityError):
    """A picture that cannot or must not be decoded."""

    code = "bad_frame"
    security_event = "file_refused"
    status = 422
    title = "The picture could not be used"
    what_to_do = (
        "Take a new picture: JPEG, PNG or WebP, at most 2 MB and 4.2 million pixels, 64 pixels wide at least."
    )


class FrameTooLarge(FrameError):
    """More bytes than a camera picture needs."""

    code = "frame_too_large"
    status = 413
    what_to_do = "Send a smaller picture: at most 2 MB."


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
    what_to_do = "Send one still picture in each file."


class TooManyPixels(FrameError):
    """Would unpack to more pixels than any camera frame that is needed here."""

    code = "too_many_pixels"
    what_to_do = "Make the picture smaller before it is sent."


class TooFewPixels(FrameError):
    """Too small a picture, or too long and thin, to hold a usable face."""

    code = "too_few_pixels"


class SuspiciousImage(FrameError):
    """A picture with something else inside or behind it, or built to exhaust its decoder."""

    code = "suspicious_image"
    what_to_do = "Send the picture as the camera made it, without anything inside or behind it."


class TooHardToDecode(FrameError):
    """Takes more time or memory to decode than any camera picture does, or makes its decoder crash."""

    code = "too_hard_to_decode"


class CaptureError(IdentityError):
    """No single usable face; `hint` (a stable code) is what the person can do."""

    code = "bad_capture"
    status = 422
    title = "No single face could be used"
    what_to_do = "Show the person the sentence of the `hint`, then take new pictures of a new press."
    hint: ClassVar[str] = "try_again"

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail, **({"hint": self.hint} | extra))


class NoFace(CaptureError):
    """Nobody is in the picture."""

    code = "no_face"
    hint = "look_at_the_camera"


class SeveralFaces(CaptureError):
    """Two faces of similar size, or one that covers the other: the press may be of either."""

    code = "several_faces"
    hint = "one_person_please"


class FaceTooSmall(CaptureError):
    """The eyes are too close together in the frame."""

    code = "face_too_small"
    hint = "come_closer"


class FaceOffCentre(CaptureError):
    """The largest face is at the edge: perhaps a passer-by."""

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


class FaceCovered(CaptureError):
    """Something covers a face that is to be enrolled, or that nobody was recognised by."""

    code = "face_covered"
    hint = "take_off_what_covers_your_face"
    title = "The face is covered"
    what_to_do = "Ask the person to uncover their face, or to go on without it."
