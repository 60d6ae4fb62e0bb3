"""The structure of JPEG, PNG and WebP files: size, number of pictures, whether complete, and no other content.

Each reader walks the structure of its format, so that a file is checked before any pixel is decoded, and returns
the file without the parts that do not belong to the picture. What phones and cameras write behind a picture is
known and left behind (`trailers`); other formats are refused by their names (`others`).
"""

from __future__ import annotations

from identity.frames.header import Header
from identity.frames.jpeg import read_jpeg
from identity.frames.others import refusal_of
from identity.frames.png import PNG_SIGNATURE, read_png
from identity.frames.trailers import check_behind
from identity.frames.webp import read_webp


def inspect(data: bytes, most_scanned: int) -> Header:
    """The header of a JPEG, PNG or WebP file; `most_scanned` pixels may all scans of a JPEG file have together.

    Raises NotAnImage, HeicImage, TruncatedImage, AnimatedImage or SuspiciousImage.
    """
    if data[:3] == b"\xff\xd8\xff":
        header, end = read_jpeg(data, most_scanned)
        check_behind(data, end)
        return header
    if data[:8] == PNG_SIGNATURE:
        return read_png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    raise refusal_of(data)
