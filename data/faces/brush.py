"""A soft brush on a BGR picture: just enough of a paint box to draw people with."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Points = Sequence[tuple[float, float]]
Picture = NDArray[np.uint8]
Box = tuple[slice, slice]
"""Rows and columns of a picture."""

_SHIFT = 4  # cv2 takes sub-pixel coordinates as integers of 1/16 px


class Canvas:
    """A picture to paint on. Coordinates are in units of a 640x480 picture, for every real size."""

    def __init__(self, picture: Picture, scale: float) -> None:
        self.picture = picture
        self.scale = scale

    def polygon(self, points: Points, colour: Colour, *, soft: float = 0.0, alpha: float = 1.0) -> None:
        """Fill a polygon; `soft` is the blur of its edge in units."""
        corners = np.asarray(points, np.float64) * self.scale
        low, high = corners.min(axis=0), corners.max(axis=0)
        box = self._box(low, high, soft)
        if box is None:
            return
        mask = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
        local = np.rint((corners - (box[0], box[1])) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [local], 255, cv2.LINE_AA, _SHIFT)
        self._lay(box, mask, colour, soft, alpha)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        *,
        angle: float = 0.0,
        soft: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Fill an ellipse turned by `angle` degrees."""
        self.polygon(oval(centre, radii, angle=angle), colour, soft=soft, alpha=alpha)

    def line(self, points: Points, colour: Colour, width: float, *, soft: float = 0.0, alpha: float = 1.0) -> None:
        """A smooth stroke of `width` units through the points, thinner towards both ends."""
        self.polygon(stroke(points, width), colour, soft=soft, alpha=alpha)

    def loop(self, points: Points, colour: Colour, width: float, *, alpha: float = 1.0) -> None:
        """The outline of a closed shape."""
        corners = np.asarray(points, np.float64) * self.scale
        box = self._box(corners.min(axis=0), corners.max(axis=0), width)
        if box is None:
            return
        mask = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
        local = np.rint((corners - (box[0], box[1])) * (1 << _SHIFT)).astype(np.int32)
        cv2.polylines(mask, [local], True, 255, max(1, round(width * self.scale)), cv2.LINE_AA, _SHIFT)
        self._lay(box, mask, colour, 0.0, alpha)

    def _box(
        self, low: NDArray[np.float64], high: NDArray[np.float64], margin: float
    ) -> tuple[int, int, int, int] | None:
        """The part of the picture that a shape can touch, or None when it lies outside."""
        h, w = self.picture.shape[:2]
        reach = 3.0 * margin * self.scale + 2
        x0, y0 = (max(int(v - reach), 0) for v in low)
        x1, y1 = min(int(high[0] + reach) + 1, w), min(int(high[1] + reach) + 1, h)
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def _lay(
        self, box: tuple[int, int, int, int], mask: Picture, colour: Colour, soft: float, alpha: float
    ) -> None:
        x0, y0, x1, y1 = box
        if soft > 0:
            mask = blurred(mask, soft * self.scale)
        weight = mask.astype(np.float32) * np.float32(alpha / 255.0)
        part = self.picture[y0:y1, x0:x1]
        paint = np.empty(part.shape, np.uint8)
        cv2.rectangle(paint, (0, 0), (part.shape[1], part.shape[0]), colour, -1)
        part[:] = cv2.blendLinear(paint, np.ascontiguousarray(part), weight, 1.0 - weight)


def blurred(picture: Picture, sigma: float) -> Picture:
    """Gaussian blur of `sigma` px; wide ones are made small first, which nobody can see."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    h, w = picture.shape[:2]
    step = min(int(sigma // 3), h, w)
    small = cv2.resize(picture, (max(w // step, 1), max(h // step, 1)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)


def oval(
    centre: tuple[float, float],
    radii: tuple[float, float],
    *,
    angle: float = 0.0,
    start: float = 0.0,
    end: float = 360.0,
    n: int = 48,
) -> list[tuple[float, float]]:
    """Points on an ellipse from `start` to `end` degrees (0 is right, 90 is down)."""
    t = np.radians(np.linspace(start, end, n))
    x, y = radii[0] * np.cos(t), radii[1] * np.sin(t)
    a = np.radians(angle)
    xs = centre[0] + x * np.cos(a) - y * np.sin(a)
    ys = centre[1] + x * np.sin(a) + y * np.cos(a)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def smooth(points: Points, n: int = 40) -> list[tuple[float, float]]:
    """A curve through the points (Catmull-Rom)."""
    return [(x, y) for x, y in _spline(points, n).tolist()]


def _spline(points: Points, n: int) -> NDArray[np.float64]:
    """A curve through the points (Catmull-Rom)."""
    p = np.asarray(points, np.float64)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    at = np.linspace(0, len(p) - 3 - 1e-9, n)
    k = at.astype(np.int64)
    t = (at - k)[:, None]
    a, b, c, d = p[k], p[k + 1], p[k + 2], p[k + 3]
    return np.asarray(
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    )


def stroke(points: Points, width: float, n: int = 24) -> list[tuple[float, float]]:
    """The outline of a brush stroke through the points, tapered at its ends."""
    p = _spline(points, n)
    along = np.gradient(p, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    half = 0.5 * width * np.sqrt(np.sin(np.linspace(0.12, np.pi - 0.12, n)))[:, None]
    return [(x, y) for x, y in np.vstack([p + normal * half, (p - normal * half)[::-1]]).tolist()]


def saved(canvas: Canvas, edge: Points) -> tuple[Box, Picture]:
    """The box round a shape and a copy of what is in it now."""
    corners = np.asarray(edge) * canvas.scale
    h, w = canvas.picture.shape[:2]
    (x0, y0), (x1, y1) = corners.min(axis=0) - 3, corners.max(axis=0) + 3
    box = (slice(max(int(y0), 0), min(int(y1), h)), slice(max(int(x0), 0), min(int(x1), w)))
    return box, canvas.picture[box].copy()


def keep_inside(canvas: Canvas, box: Box, before: Picture, edge: Points) -> None:
    """Restore every pixel outside the edge."""
    part = canvas.picture[box]
    mask = np.zeros(before.shape[:2], np.uint8)
    corners = np.asarray(edge) * canvas.scale - (box[1].start, box[0].start)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    weight = mask.astype(np.float32) / np.float32(255.0)
    part[:] = cv2.blendLinear(np.ascontiguousarray(part), before, weight, 1.0 - weight)
