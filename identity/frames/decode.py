"""Bytes -> checked pixels, in two steps: `check` looks at the structure of a file, `unpack` at its pixels.

The server calls `check` alone; `unpack` runs in a process of its own, without a key (`sandbox.decoder`). Only
pixels are passed on, turned upright: metadata, thumbnails, colour profiles and appended data are dropped. Nothing
is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.errors import FrameTooLarge, NotAnImage, TooFewPixels, TooManyPixels
from identity.frames.containers import inspect
from identity.frames.header import Header
from identity.frames.inflation import check_inflation
from identity.frames.opencv import cv2
from identity.frames.png import PNG_SIGNATURE
from identity.frames.resize import shrink
from plumbing.pictures.orientation import upright

MOST_BYTES = 2_000_000
MOST_PIXELS = 4_200_000
LEAST_SIDE = 64
MOST_ASPECT = 8


@dataclass(frozen=True)
class Limits:
    """The largest file that is taken: its bytes, its pixels, and the pixels of all scans of a JPEG together."""

    bytes: int
    pixels: int
    scanned: int


FRAME = Limits(MOST_BYTES, MOST_PIXELS, 60_000_000)
"""What a device sends."""
PHOTO = Limits(30_000_000, 64_000_000, 1_000_000_000)
"""What a phone or a camera writes into an operator's folder. Its pixels are shrunk to MOST_PIXELS."""


@dataclass(frozen=True)
class Frame:
    """A camera picture, only ever in memory: (height, width, 3) uint8, BGR."""

    pixels: NDArray[np.uint8]


Decode = Callable[[bytes], Frame]
"""The pixels of one JPEG, PNG or WebP file. Raises a FrameError."""


def decode(data: bytes) -> Frame:
    """The pixels of one JPEG, PNG or WebP, decoded in this process: for a program that works on its own pictures.

    Upright, as EXIF's orientation says. Raises a FrameError (`errors.pictures`).
    """
    return unpack(check(data))


def check(data: bytes, limits: Limits = FRAME) -> Header:
    """The size of a picture, and the file without what does not belong to it. No pixel is unpacked.

    Raises a FrameError (`errors.pictures`).
    """
    check_bytes(len(data), limits)
    header = inspect(data, limits.scanned)
    check_size(header, limits.pixels)
    return header


def check_bytes(count: int, limits: Limits = FRAME) -> None:
    """Raises FrameTooLarge."""
    if count > limits.bytes:
        raise FrameTooLarge(
            f"The picture has {count} bytes; at most {limits.bytes} are allowed. Send a smaller one."
        )


def unpack(header: Header) -> Frame:
    """The pixels of a checked file: upright, at most MOST_PIXELS, as many as `shape_of` says.

    Raises a FrameError when they are not what the header says.
    """
    if header.stripped.startswith(PNG_SIGNATURE):
        check_inflation(header.stripped)
    # cv2.imdecode returns no partial result: None, or pixels of the size in the header.
    try:
        pixels = cv2.imdecode(np.frombuffer(header.stripped, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise NotAnImage("The picture could not be decoded.") from error
    if pixels is None or pixels.shape != (header.height, header.width, 3):
        raise NotAnImage("The picture could not be decoded.")
    rows, columns = _fitted(header)
    return Frame(upright(shrink(np.asarray(pixels, np.uint8), columns, rows), header.turned))


def shape_of(header: Header) -> tuple[int, int]:
    """(height, width) of the pixels that `unpack` makes of a file."""
    rows, columns = _fitted(header)
    return (columns, rows) if header.turned >= 5 else (rows, columns)


def _fitted(header: Header) -> tuple[int, int]:
    """(height, width) as they are stored, made small enough for MOST_PIXELS."""
    scale = min(1.0, (MOST_PIXELS / (header.width * header.height)) ** 0.5)
    return int(header.height * scale), int(header.width * scale)


def check_size(header: Header, most_pixels: int = MOST_PIXELS) -> None:
    """Check the size in the header. Raises TooManyPixels or TooFewPixels."""
    width, height = header.width, header.height
    if width * height > most_pixels:
        raise TooManyPixels(
            f"The picture has {width} x {height} pixels; at most {most_pixels} are allowed. Send it smaller."
        )
    if min(width, height) < LEAST_SIDE or max(width, height) > MOST_ASPECT * min(width, height):
        raise TooFewPixels(
            f"The picture has {width} x {height} pixels; each side needs {LEAST_SIDE}, and the longer one"
            f" at most {MOST_ASPECT} times the shorter."
        )
