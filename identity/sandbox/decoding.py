"""The wire format between the server and the process that decodes: records of fixed size, numbers only."""

from __future__ import annotations

import numpy as np

from identity.errors import FrameError, NotAnImage, SuspiciousImage, TooHardToDecode, TruncatedImage

ORDER = np.dtype([("bytes", "<u4"), ("height", "<u4"), ("width", "<u4")])
"""A picture to be decoded."""
ANSWER = np.dtype([("status", "<u4"), ("height", "<u4"), ("width", "<u4")])
"""DONE with the size of the pixels; otherwise why there are none, one of REFUSED."""
DONE, TOO_HARD = 1, 2
REFUSED: dict[int, tuple[type[FrameError], str]] = {
    TOO_HARD: (TooHardToDecode, "The picture takes too long or too much memory to decode; send another one."),
    3: (NotAnImage, "The picture could not be decoded."),
    4: (TruncatedImage, "The picture ends too early; send it again."),
    5: (SuspiciousImage, "The picture unpacks to more than its header says."),
}
