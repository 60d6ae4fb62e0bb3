"""How a camera was held: EXIF's orientation, and the picture as it is looked at.

Source: CIPA DC-008 (Exif 3.0), 4.6.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ORIENTATION = 0x0112
"""The number of the tag; its value is 1 (upright) to 8."""


def orientation_of(exif: bytes) -> int:
    """EXIF's orientation, 1 to 8; 1, upright, where it says none or nonsense. `exif` begins with its byte order.

    Of all that EXIF holds, such as positions, this number alone is read.
    """
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    if order is None:
        return 1
    first = _number(exif, 4, 4, order)
    for at in range(first + 2, min(first + 2 + 12 * _number(exif, first, 2, order), len(exif) - 11), 12):
        if _number(exif, at, 2, order) == ORIENTATION:
            said = _number(exif, at + 8, 2, order)
            return said if 1 <= said <= 8 else 1
    return 1


def upright(picture: NDArray[np.uint8], turned: int) -> NDArray[np.uint8]:
    """The picture (height, width, ...) as EXIF's orientation says that it is looked at."""
    if turned in (5, 6, 7, 8):
        picture = picture.swapaxes(0, 1)
    if turned in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if turned in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def _number(content: bytes, at: int, count: int, order: str) -> int:
    """0 where the content ends before."""
    return int.from_bytes(content[at : at + count], "big" if order == "big" else "little")
