"""Why a file is not taken as a picture."""

from __future__ import annotations

from plumbing.problem import Problem


class PictureRefused(Problem):
    """A picture that is not taken; nothing was stored."""

    code = "picture_refused"
    status = 422
    title = "The picture was not taken"
    what_to_do = "Take another picture: JPEG, PNG or WebP."


class NoPicture(PictureRefused):
    """Other content, or a format that is not taken."""

    code = "no_picture"
    says = "The file is no JPEG, PNG or WebP picture. Save it as one of these and send it again."


class PictureDamaged(PictureRefused):
    """It begins as a picture and does not go on as one."""

    code = "picture_damaged"
    says = "The picture is damaged or incomplete. Open it and save it again."


class PictureAnimated(PictureRefused):
    """Several pictures in one file."""

    code = "picture_animated"
    says = "The picture moves. Screens show still ones: save one of its pictures."


class TooManyPixels(PictureRefused):
    """It would take too much memory."""

    code = "too_many_pixels"
    what_to_do = "Make the picture smaller before it is sent."


class PictureTooHard(PictureRefused):
    """Making it small took more time or memory than there is for one picture."""

    code = "picture_too_hard"
    says = "The picture takes too long or too much memory to be read. Save it smaller and send it again."


class PictureTooLarge(PictureRefused):
    """Too many bytes."""

    code = "picture_too_large"
    status = 413
    what_to_do = "Make the picture smaller: at most 20 MiB."
