"""Bytes -> checked pixels. The header and the structure of a file are checked before it is decoded.

Only pixels are passed on: metadata, thumbnails, colour profiles and appended data are dropped. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.errors import FrameTooLarge, NotAnImage, TooFewPixels, TooManyPixels
from identity.frames.containers import Header, inspect
from identity.frames.opencv import cv2

MOST_BYTES = 2_000_000
MOST_PIXELS = 4_200_000
LEAST_SIDE = 64
MOST_ASPECT = 8


@dataclass(frozen=True)
class Frame:
    """A camera picture, only ever in memory: (height, width, 3) uint8, BGR."""

    pixels: NDArray[np.uint8]


def decode(data: bytes) -> Frame:
    """The pixels of one JPEG, PNG or WebP. Orientation tags are ignored: a device sends its frames upright.

    Raises a FrameError (`errors.pictures`) for anything else; the size is checked in the header, before decoding.
    """
    if len(data) > MOST_BYTES:
        raise FrameTooLarge(
            f"The picture has {len(data)} bytes; at most {MOST_BYTES} are allowed. Send a smaller one."
        )
    header = inspect(data)
    check_size(header)
    # cv2.imdecode returns no partial result: None, or pixels of the size in the header.
    try:
        pixels = cv2.imdecode(np.frombuffer(header.stripped, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise NotAnImage("The picture could not be decoded.") from error
    if pixels is None or pixels.shape != (header.height, header.width, 3):
        raise NotAnImage("The picture could not be decoded.")
    return Frame(np.ascontiguousarray(pixels, dtype=np.uint8))


def check_size(header: Header) -> None:
    """Check the size in the header. Raises TooManyPixels or TooFewPixels."""
    width, height = header.width, header.height
    if width * height > MOST_PIXELS:
        raise TooManyPixels(f"The picture has {width} x {height} pixels; at most {MOST_PIXELS} are allowed.")
    if min(width, height) < LEAST_SIDE or max(width, height) > MOST_ASPECT * min(width, height):
        raise TooFewPixels(
            f"The picture has {width} x {height} pixels; each side needs {LEAST_SIDE}, and the longer one"
            f" at most {MOST_ASPECT} times the shorter."
        )
