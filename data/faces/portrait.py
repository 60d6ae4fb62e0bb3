"""A drawn face: its parts, painted one over the other."""

from __future__ import annotations

import cv2
import numpy as np

from data.faces.brush import Box, Canvas, Picture, keep_inside, saved, smooth
from data.faces.features import beard, brow, ears, eye, glasses, mouth, nose
from data.faces.hair import hair_before, hair_behind
from data.faces.looks import Looks, darker, lighter, outline


def paint(who: Looks, size: tuple[int, int], scale: float) -> Picture:
    """The person facing the camera, uint8 BGR, shape (height * scale, width * scale, 3)."""
    w, h = size
    canvas = Canvas(np.zeros((int(h * scale), int(w * scale), 3), np.uint8), scale)
    fade = np.linspace(1.03, 0.9, canvas.picture.shape[0], dtype=np.float32)[:, None, None]
    canvas.picture[:] = np.clip(np.array(who.wall, np.float32) * fade, 0, 255)
    canvas.ellipse((w / 2 + 30, h / 2 + 20), (190, 200), darker(who.wall, 0.8), soft=50, alpha=0.5)
    cx, cy = w / 2, h / 2 + 10
    hair_behind(canvas, who, cx, cy)
    _shoulders(canvas, who, cx, cy)
    ears(canvas, who, cx, cy)
    _skin(canvas, who, cx, cy)
    beard(canvas, who, cx, cy)
    nose(canvas, who, cx, cy)
    mouth(canvas, who, cx, cy)
    for side in (-1, 1):
        eye(canvas, who, cx, cy, side)
        brow(canvas, who, cx, cy, side)
    hair_before(canvas, who, cx, cy)
    glasses(canvas, who, cx, cy)
    return canvas.picture


def _skin(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    edge = outline(who, cx, cy)
    box, before = saved(canvas, edge)
    canvas.polygon(edge, who.skin, soft=0.6)
    _round(canvas, who, cx, cy, box)
    w, h = who.width, who.height
    for side in (-1, 1):
        eye = (cx + side * who.eye_gap, cy - who.eye_y)
        canvas.ellipse((eye[0], eye[1] - 3), (w * 0.27, h * 0.13), darker(who.skin, 0.72), soft=9, alpha=0.5)
        canvas.ellipse(
            (cx + side * w * 0.58, cy + h * 0.26), (w * 0.2, h * 0.12), (110, 120, 226), soft=12, alpha=0.2
        )
        canvas.ellipse(
            (cx + side * w * 0.5, cy + h * 0.13), (w * 0.18, h * 0.06), lighter(who.skin, 0.5), soft=9, alpha=0.4
        )
    canvas.ellipse((cx - w * 0.1, cy - h * 0.6), (w * 0.4, h * 0.12), lighter(who.skin, 0.5), soft=16, alpha=0.4)
    canvas.ellipse((cx, cy + h * 0.84), (w * 0.2, h * 0.08), lighter(who.skin, 0.4), soft=8, alpha=0.4)
    if who.freckles:
        rng = np.random.default_rng([17, who.seed])
        for x, y in rng.normal(0, 1, (26, 2)):
            side = 1 if x > 0 else -1
            spot = (cx + side * w * 0.36 + x * w * 0.14, cy + h * 0.16 + y * h * 0.06)
            canvas.ellipse(spot, (1.5, 1.4), darker(who.skin, 0.7), alpha=0.5)
    keep_inside(canvas, box, before, edge)


def _round(canvas: Canvas, who: Looks, cx: float, cy: float, box: Box) -> None:
    """Light from the upper left over a rounded head: what was flat becomes a body."""
    part, step = canvas.picture[box], 6
    ys, xs = np.mgrid[box[0].start : box[0].stop : step, box[1].start : box[1].stop : step].astype(np.float32)
    nx = (xs / canvas.scale - cx) / (who.width * 1.12)
    ny = (ys / canvas.scale - cy) / (who.height * 1.12)
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, 1))
    light = np.clip(0.58 + 0.46 * (-0.34 * nx - 0.3 * ny + 0.9 * nz), 0.5, 1.08).astype(np.float32)
    light = cv2.resize(light, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
    part[:] = cv2.multiply(np.ascontiguousarray(part), cv2.merge([light] * 3), dtype=cv2.CV_8U)


def _shoulders(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    chin, w = cy + who.height, who.width
    neck = w * (0.5 + 0.14 * who.jaw)
    canvas.polygon(
        [(cx - neck, cy + 30), (cx + neck, cy + 30), (cx + neck * 1.1, chin + 70), (cx - neck * 1.1, chin + 70)],
        darker(who.skin, 0.82),
    )
    canvas.ellipse((cx, chin + 4), (neck * 1.2, 30), darker(who.skin, 0.6), soft=9, alpha=0.7)
    left = smooth(
        [(cx - w * 2.6, 520), (cx - w * 2.1, chin + 78), (cx - w * 1.1, chin + 48), (cx - neck * 1.02, chin + 26)]
    )
    collar = smooth([(cx - neck * 1.02, chin + 26), (cx, chin + 62), (cx + neck * 1.02, chin + 26)], 20)
    right = [(2 * cx - x, y) for x, y in left[::-1]]
    canvas.polygon(left + collar + right, who.clothes)
    canvas.line(collar, darker(who.clothes, 0.7), 7, alpha=0.8)
    canvas.ellipse((cx + w * 1.3, 480), (w * 0.9, 50), darker(who.clothes, 0.7), soft=24, alpha=0.5)
