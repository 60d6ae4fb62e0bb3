"""Geometry on whole pixels."""

from __future__ import annotations

import numpy as np


def inside(corners: tuple[float, float, float, float], height: int, width: int) -> tuple[int, int, int, int]:
    """Corners (x0, y0, x1, y1) -> whole pixels within a frame of `height` x `width`."""
    x0, y0, x1, y1 = corners
    limit = ((x0, width), (y0, height), (x1, width), (y1, height))
    low = [min(max(int(np.floor(value)), 0), top) for value, top in limit[:2]]
    high = [min(max(int(np.ceil(value)), 0), top) for value, top in limit[2:]]
    return low[0], low[1], high[0], high[1]
