"""The wire format between the server and the process that decodes: records of fixed size, numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from identity.errors import FrameError, NotAnImage, SuspiciousImage, TooHardToDecode, TruncatedImage
from identity.frames.decode import FRAME, PHOTO, Limits

ORDER = np.dtype([("bytes", "<u4"), ("height", "<u4"), ("width", "<u4"), ("turned", "<u4")])
"""A picture to be decoded, as it is stored; `turned` is EXIF's orientation."""
ANSWER = np.dtype([("status", "<u4"), ("height", "<u4"), ("width", "<u4")])
"""DONE with the size of the pixels, upright; otherwise why there are none, one of REFUSED."""
DONE, TOO_HARD = 1, 2
REFUSED: dict[int, tuple[type[FrameError], str]] = {
    TOO_HARD: (TooHardToDecode, "The picture takes too long or too much memory to decode; send another one."),
    3: (NotAnImage, "The picture could not be decoded."),
    4: (TruncatedImage, "The picture ends too early; send it again."),
    5: (SuspiciousImage, "The picture unpacks to more than its header says."),
}


@dataclass(frozen=True)
class Work:
    """The largest file that a decoder is asked for, and what it may take for one: seconds of a processor, bytes of
    memory beyond what loading took, and seconds until its answer, as the machine may be busy."""

    limits: Limits
    processor_s: float
    spare_bytes: int
    answer_s: float


PROCESSOR_S = 0.5  # the dearest frame that is allowed (16 bits, 4.2 million pixels) takes .25
SPARE_BYTES = 192 * 2**20  # the dearest takes a third of it
FRAMES = Work(FRAME, PROCESSOR_S, SPARE_BYTES, 3.0)
"""A device's frames."""
PHOTOS = Work(PHOTO, 10.0, 2**30, 60.0)
"""An operator's folder: nobody waits before a screen."""
