"""The family of errors that the identity half raises.

IdentityError
├── FrameError          a picture that cannot or must not be looked at (frames.py)
├── CaptureError        a picture without exactly one usable face; carries a hint for the person (capture.py)
├── PackError           an engine pack that is missing, altered or foreign (engines.py, fetch.py)
└── ...                 presses, consent, tokens, enrolments (service.py)
"""

from __future__ import annotations

from plumbing.problems import Problem


class IdentityError(Problem):
    """Base of the family."""

    code = "identity_error"


# --- frames, captures, packs -------------------------------------------------------------------------


class FrameError(IdentityError):
    """A picture that cannot or must not be decoded."""

    code = "bad_frame"
    status = 422
    title = "The picture could not be used"


class CaptureError(IdentityError):
    """No single usable face; `hint` is what to tell the person."""

    code = "bad_capture"
    status = 422
    title = "No single face could be used"


class PackError(IdentityError):
    """An engine pack that is missing, altered or foreign."""

    code = "bad_pack"
    status = 503
    title = "Recognition is not available"


# --- presses, consent, tokens, enrolments ------------------------------------------------------------
