"""What the readers of the formats share: the header that they return, and the errors of all of them."""

from __future__ import annotations

import re
from typing import NamedTuple

from identity.errors import SuspiciousImage, TruncatedImage

MOST_CHUNKS = 4_000  # parts of a file
PADDING = re.compile(rb"(?:\x00|\xff(?!\xd8)|[\r\n])*")
"""What cameras and cards fill files up with: no content."""


class Header(NamedTuple):
    """Width and height in pixels as they are stored; `stripped` is the file without metadata. `turned` is EXIF's
    orientation, 1 (upright) to 8: all that is read of the metadata."""

    width: int
    height: int
    stripped: bytes
    turned: int = 1


def truncated() -> TruncatedImage:
    """The file ends before its picture does."""
    return TruncatedImage("The picture ends too early; send it again.")


def foreign_data() -> SuspiciousImage:
    """A polyglot: a picture that is something else as well."""
    return SuspiciousImage("Something other than the picture is in the file.")


def too_many_parts() -> SuspiciousImage:
    """More than MOST_CHUNKS."""
    return SuspiciousImage("The picture consists of too many parts.")


def behind_padding(data: bytes, at: int) -> int:
    """The position behind what fills the file up from `at` on."""
    found = PADDING.match(data, at)
    return at if found is None else found.end()
