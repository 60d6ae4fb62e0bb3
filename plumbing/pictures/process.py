"""Decodes one picture from the standard input and writes it as WebP: `python -m plumbing.pictures.process`.

It knows nothing, gets no key and no folder, and once OpenCV is loaded it can open no file and start no process.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plumbing.pictures.convert import DAMAGED, FILE, LONGEST_CPU_S
from plumbing.pictures.orientation import upright
from plumbing.serving.process import die_with_parent

QUALITY = 80
SPARE_BYTES = 2**30  # more than a picture of the most pixels needs


def main(turned: int, widths: list[int]) -> None:
    """Exits with DAMAGED when the picture cannot be decoded, otherwise not 0 when memory or time did not do."""
    cv2.setNumThreads(1)
    content = np.frombuffer(sys.stdin.buffer.read(), np.uint8)
    limit()
    try:
        picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        picture = None if picture is None else plain(picture, content)
    except cv2.error as error:
        sys.exit(1 if error.code == cv2.Error.StsNoMem else DAMAGED)
    if picture is None:
        sys.exit(DAMAGED)
    picture = upright(picture, turned)
    for width in widths:
        height = max(1, round(picture.shape[0] * width / picture.shape[1]))
        # A picture that is a line high would be stretched; nobody shows one.
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        _, made = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        sys.stdout.buffer.write(FILE.pack(width, height, made.size) + made.tobytes())
    sys.stdout.buffer.flush()


def plain(picture: Any, content: Any) -> Any:
    """Eight bits a channel; blue, green, red, and how opaque where it says so."""
    if picture.dtype != np.uint8 or picture.ndim == 2:
        return cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return picture


def limit() -> None:
    """From here on: no file, no process, a bounded amount of memory and of time."""
    with contextlib.suppress(OSError, ValueError):  # only Linux says how much memory is in use
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + SPARE_BYTES, in_use + SPARE_BYTES))
    for name, most in (("CPU", LONGEST_CPU_S), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0), ("NOFILE", 0)):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # some Unixes lack some of them
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


if __name__ == "__main__":
    parent, turn, *rest = (int(number) for number in sys.argv[1:])
    die_with_parent(parent)
    main(turn, rest)
