"""A picture as WebP in the widths that screens show, made in a process of its own that can only compute."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from threading import BoundedSemaphore

from plumbing.pictures.errors import PictureDamaged, PictureTooHard, PictureTooLarge, TooManyPixels
from plumbing.pictures.header import head_of

WIDTHS = (160, 400, 800)
"""Pixels of a picture's files. A narrower picture has its own width as its last one: nothing is enlarged."""

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000
LONGEST_S, LONGEST_CPU_S = 60.0, 30
"""By the clock, and of a processor."""
FILE = struct.Struct("<III")  # width, height and length of what follows: what the process writes for each file
DAMAGED = 3  # how the process ends when it cannot decode
_PASSED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
_one_at_a_time = BoundedSemaphore(1)

Size = tuple[int, int]


def made_small(content: bytes) -> list[tuple[Size, bytes]]:
    """The files of a picture: (width, height) and WebP, the narrowest first, upright, without any metadata.

    Raises PictureRefused, as one of its children.
    """
    check_bytes(len(content))
    head = head_of(content)
    if head.width * head.height > MOST_PIXELS:
        raise TooManyPixels(
            f"The picture has {head.width} x {head.height} pixels; {MOST_PIXELS // 10**6} million are taken."
            " Save it smaller and send it again."
        )
    upright = head.width if head.turned < 5 else head.height
    order = [str(number) for number in (head.turned, *widths_of(upright))]
    # Each may take hundreds of megabytes, and nobody waits in front of a screen.
    if not _one_at_a_time.acquire(timeout=LONGEST_S):
        raise PictureTooHard
    try:
        return _read(_run(content, order))
    finally:
        _one_at_a_time.release()


def check_bytes(count: int) -> None:
    """Raises PictureTooLarge."""
    if count > MOST_BYTES:
        raise PictureTooLarge(
            f"The picture has {count} bytes; at most {MOST_BYTES} are taken. Save it smaller and send it again."
        )


def widths_of(width: int) -> list[int]:
    """The widths in which a picture of so many pixels is kept; in JavaScript: `widthsOf` of `picture.js`."""
    return [*(one for one in WIDTHS if one < width), *([width] if width <= WIDTHS[-1] else [])]


def _run(content: bytes, order: Sequence[str]) -> bytes:
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "OPENCV_IO_MAX_IMAGE_PIXELS": str(MOST_PIXELS)}
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and numbers
            [sys.executable, "-m", "plumbing.pictures.process", str(os.getpid()), *order],
            input=content,
            capture_output=True,
            env=environment,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PictureTooHard from error
    if done.returncode == DAMAGED or b"JPEG data" in done.stderr:
        raise PictureDamaged
    if done.returncode:
        raise PictureTooHard
    return done.stdout


def _read(said: bytes) -> list[tuple[Size, bytes]]:
    files: list[tuple[Size, bytes]] = []
    at = 0
    while at < len(said):
        width, height, length = FILE.unpack_from(said, at)
        at += FILE.size
        files.append(((width, height), said[at : at + length]))
        at += length
    return files
