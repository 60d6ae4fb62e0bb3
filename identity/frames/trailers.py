"""What phones and cameras write behind the JPEG picture that they show. None of it is passed on.

Known are padding, further pictures (gain maps, depth, previews: CIPA DC-007, ISO 21496-1), the video of a motion
photo (ISO/IEC 14496-12) and Samsung's block of notes ("SEFT"). Each is walked to its end. Whatever else stands
behind a picture makes it something else as well, and it is refused.
"""

from __future__ import annotations

import struct

from identity.frames.header import behind_padding, foreign_data, truncated
from identity.frames.jpeg import end_of_jpeg

MOST_PICTURES = 16  # an iPhone writes up to 5
VIDEO_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"moof", b"mfra", b"mpvd"}


def check_behind(data: bytes, at: int) -> None:
    """Check what stands behind a JPEG picture that ends at `at`.

    Raises SuspiciousImage, TruncatedImage or NotAnImage.
    """
    for _ in range(MOST_PICTURES + 1):
        behind = behind_padding(data, at)
        if behind == len(data) or _are_notes(data, at, behind):
            return
        video = data.find(b"ftyp", behind, behind + 8) - 4  # its first bytes are zeros, as padding is
        if data[behind : behind + 3] == b"\xff\xd8\xff":
            at = end_of_jpeg(data, behind)
        elif at <= video <= behind:
            at = _end_of_motion(data, video)
        else:
            break
    raise foreign_data()


def _end_of_motion(data: bytes, at: int) -> int:
    """The position behind the boxes of a video."""
    while at + 8 <= len(data) and data[at + 4 : at + 8] in VIDEO_BOXES:
        length, size = struct.unpack_from(">I", data, at)[0], 8
        if length == 1 and at + 16 <= len(data):
            length, size = struct.unpack_from(">Q", data, at + 8)[0], 16
        if length == 0:  # up to the end of the file
            return len(data)
        if length < size:
            raise foreign_data()
        at += length
        if at > len(data):
            raise truncated()
    return at


def _are_notes(data: bytes, first: int, last: int) -> bool:
    """Whether one of Samsung's blocks starts between `first` and `last` and reaches to the end: entries, and a
    list of them."""
    end = len(data.rstrip(b"\0"))
    if data[end - 4 : end] != b"SEFT" or end - 8 < first:
        return False
    length: int = struct.unpack_from("<I", data, end - 8)[0]
    head = end - 8 - length
    if length < 12 or head < first or data[head : head + 4] != b"SEFH":
        return False
    count = struct.unpack_from("<I", data, head + 8)[0]
    if 12 + 12 * count != length:
        return False
    back: list[int] = [struct.unpack_from("<I", data, head + 16 + 12 * n)[0] for n in range(count)]
    return first <= head - max(back, default=0) <= last
