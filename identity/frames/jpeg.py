"""The structure of a JPEG file. Source: ITU-T T.81, annex B."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from identity.errors import NotAnImage, SuspiciousImage
from identity.frames.header import MOST_CHUNKS, Header, foreign_data, too_many_parts, truncated
from plumbing.pictures.orientation import orientation_of

MOST_SCANS = 24  # an ordinary progressive JPEG has 10
NOT_FILL = re.compile(rb"[^\xff]")
END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""A marker that is neither a stuffed zero nor a restart."""


def read_jpeg(data: bytes, most_scanned: int) -> tuple[Header, int]:
    """The header of a JPEG file, and the position behind its picture; `most_scanned` pixels may all scans have
    together, as each is a pass over the whole picture.

    Raises NotAnImage, TruncatedImage or SuspiciousImage.
    """
    parts, size, scans, turned, end = [b"\xff\xd8"], None, 0, 0, 2
    for marker, at, end in _segments(data, 2):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if size is not None or end - at < 11:
                raise SuspiciousImage("The JPEG file describes more than one picture.")
            size = _jpeg_size(marker, data[at + 2 : end])
        elif marker == 0xE1 and not turned and data[at + 2 : at + 8] == b"Exif\0\0":
            turned = orientation_of(data[at + 8 : end])
        elif marker == 0xDA:
            scans += 1
            if size is None:
                raise NotAnImage("The JPEG file has no proper header.")
            if scans > MOST_SCANS or 1 < scans > most_scanned / (size[0] * size[1]):
                raise SuspiciousImage("The JPEG file has too many scans.")
        if _is_of_picture(marker, data[at + 2 : at + 7]):
            parts.append(b"\xff" + bytes([marker]) + data[at:end])
    if size is None or not scans:
        raise truncated()
    parts.append(b"\xff\xd9")
    return Header(size[0], size[1], b"".join(parts), turned or 1), end


def end_of_jpeg(data: bytes, at: int) -> int:
    """The position behind a JPEG file that begins at `at`.

    Raises NotAnImage, TruncatedImage or SuspiciousImage.
    """
    parts = list(_segments(data, at + 2))
    if all(marker != 0xDA for marker, _, _ in parts):
        raise foreign_data()
    return parts[-1][2]


def _segments(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(marker, first byte behind it, end) of each part from `at` on; a scan's with its data. The last is the end
    of the picture (0xD9)."""
    for _ in range(MOST_CHUNKS):
        marker, at = _next_marker(data, at)
        if marker == 0xD9:
            yield marker, at, at
            return
        if at + 2 > len(data):
            raise truncated()
        length = struct.unpack_from(">H", data, at)[0]
        end = at + length
        if length < 2 or end > len(data):
            raise truncated()
        if marker == 0xDA:
            end = _end_of_scan(data, end)
        yield marker, at, end
        at = end
    raise too_many_parts()


def _is_of_picture(marker: int, start: bytes) -> bool:
    """Whether a part belongs to the picture: tables, frame, scans, restart interval and Adobe's colour transform.
    Thumbnails, positions, profiles and comments do not. Raises NotAnImage for a part that no camera writes."""
    if marker in (0xC4, 0xDB, 0xDD, 0xDA) or 0xC0 <= marker <= 0xC2 or (marker == 0xEE and start == b"Adobe"):
        return True
    if 0xE0 <= marker <= 0xEF or marker in (0xFE, 0xD9):
        return False
    raise NotAnImage("The JPEG file has a part that no camera writes.")


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker that starts at `at` (after fill bytes) and the position behind it."""
    if at >= len(data):
        raise truncated()
    if data[at] != 0xFF:
        raise NotAnImage("The JPEG file is damaged; send it again.")
    behind = NOT_FILL.search(data, at)
    if behind is None:
        raise truncated()
    at = behind.start()
    if data[at] == 0xD8:
        raise foreign_data()
    return data[at], at + 1


def _end_of_scan(data: bytes, at: int) -> int:
    """Where entropy-coded data end."""
    end = END_OF_SCAN.search(data, at)
    if end is None:
        raise truncated()
    return end.start()


def _jpeg_size(marker: int, segment: bytes) -> tuple[int, int]:
    """(width, height) of a frame header; only 8-bit baseline, extended and progressive, grey or three colours."""
    precision, height, width, components = struct.unpack_from(">BHHB", segment)
    if marker > 0xC2 or precision != 8 or components not in (1, 3) or not height or not width:
        raise NotAnImage("The JPEG file is of a kind that no camera writes.")
    return width, height
