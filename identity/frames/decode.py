"""Bytes -> checked pixels, in two steps: `check` looks at the structure of a file, `unpack` at its pixels.

The server calls `check` alone; `unpack` runs in a process of its own, without a key (`sandbox.decoder`). Only
pixels are passed on: metadata, thumbnails, colour profiles and appended data are dropped. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.errors import FrameTooLarge, NotAnImage, TooFewPixels, TooManyPixels
from identity.frames.containers import PNG_SIGNATURE, Header, inspect
from identity.frames.inflation import check_inflation
from identity.frames.opencv import cv2

MOST_BYTES = 2_000_000
MOST_PIXELS = 4_200_000
LEAST_SIDE = 64
MOST_ASPECT = 8


@dataclass(frozen=True)
class Frame:
    """A camera picture, only ever in memory: (height, width, 3) uint8, BGR."""

    pixels: NDArray[np.uint8]


Decode = Callable[[bytes], Frame]
"""The pixels of one JPEG, PNG or WebP file. Raises a FrameError."""


def decode(data: bytes) -> Frame:
    """The pixels of one JPEG, PNG or WebP, decoded in this process: for a program that works on its own pictures.

    Orientation tags are ignored: a device sends its frames upright. Raises a FrameError (`errors.pictures`).
    """
    return unpack(check(data))


def check(data: bytes) -> Header:
    """The size of a picture, and the file without what does not belong to it. No pixel is unpacked.

    Raises a FrameError (`errors.pictures`).
    """
    if len(data) > MOST_BYTES:
        raise FrameTooLarge(
            f"The picture has {len(data)} bytes; at most {MOST_BYTES} are allowed. Send a smaller one."
        )
    header = inspect(data)
    check_size(header)
    return header


def unpack(header: Header) -> Frame:
    """The pixels of a checked file. Raises a FrameError when they are not what the header says."""
    if header.stripped.startswith(PNG_SIGNATURE):
        check_inflation(header.stripped)
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
