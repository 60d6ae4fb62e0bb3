"""Ears, eyes, brows, nose, mouth, beard and glasses of a drawn face. Centre of the face: (cx, cy)."""

from __future__ import annotations

import numpy as np

from data.faces.brush import Canvas, keep_inside, oval, saved, smooth
from data.faces.looks import Looks, darker, lighter, mixed, outline


def ears(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    for side in (-1, 1):
        at = (cx + side * (who.width * 0.985), cy - who.eye_y + 14)
        canvas.ellipse(at, (13 * who.ears, 27 * who.ears), darker(who.skin, 0.88), angle=-side * 10, soft=0.6)
        canvas.ellipse(
            (at[0] + side * 2, at[1]), (6 * who.ears, 17 * who.ears), darker(who.skin, 0.62), soft=3, alpha=0.6
        )


def eye(canvas: Canvas, who: Looks, cx: float, cy: float, side: int) -> None:
    x, y = cx + side * who.eye_gap, cy - who.eye_y
    wide, tall = who.eye_size
    tilt = side * who.eye_tilt * 0.12 * wide / 10
    inner, outer = (x - side * wide, y + 1.5 + tilt), (x + side * wide, y - tilt)
    upper = smooth([inner, (x - side * wide * 0.3, y - tall), (x + side * wide * 0.45, y - tall * 0.9), outer], 20)
    lower = smooth(
        [outer, (x + side * wide * 0.3, y + tall * 0.72), (x - side * wide * 0.45, y + tall * 0.66), inner], 20
    )
    fold = [(px, py - tall * 0.62 - 1.5) for px, py in upper[2:-1]]
    canvas.line(fold, darker(who.skin, 0.55), 3.0, soft=0.8, alpha=0.6)
    box, before = saved(canvas, upper + lower)
    canvas.polygon(upper + lower, (236, 240, 243), soft=0.4)
    ring = min(wide * 0.56, tall * 1.12)
    canvas.ellipse((x, y - 0.5), (ring, ring), darker(who.iris, 0.5))
    canvas.ellipse((x, y - 0.5), (ring * 0.84, ring * 0.84), who.iris)
    canvas.ellipse((x, y + ring * 0.4), (ring * 0.55, ring * 0.35), lighter(who.iris, 0.35), soft=1.5, alpha=0.7)
    canvas.ellipse((x, y - 0.5), (ring * 0.46, ring * 0.46), (14, 12, 12))
    canvas.line(upper, (60, 60, 66), 9, soft=2.5, alpha=0.45)
    keep_inside(canvas, box, before, upper + lower)
    canvas.ellipse((x - ring * 0.34, y - ring * 0.42), (ring * 0.24, ring * 0.24), (255, 255, 255))
    lash = mixed(darker(who.hair_colour, 0.5), (20, 20, 24), 0.7)
    canvas.line(upper, lash, 4.2)
    canvas.line(lower, darker(who.skin, 0.5), 1.8, alpha=0.7)
    bag = [(px, py + 7) for px, py in lower]
    canvas.line(bag, darker(who.skin, 0.7), 3, soft=1.6, alpha=0.45)


def brow(canvas: Canvas, who: Looks, cx: float, cy: float, side: int) -> None:
    lift, thick, arch, slope = who.brow
    x, y = cx + side * who.eye_gap, cy - who.eye_y - who.eye_size[1] - lift
    wide = who.eye_size[0] * 1.42
    line = [
        (x - side * wide, y + 2 + slope),
        (x - side * wide * 0.2, y - arch * 0.7),
        (x + side * wide * 0.5, y - arch),
    ]
    line.append((x + side * wide, y + 3 - slope))
    colour = mixed(darker(who.hair_colour, 0.72), (40, 44, 52), 0.35)
    canvas.line(line, colour, thick, soft=0.9, alpha=0.92)


def nose(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    length, wide, bridge = who.nose
    top = cy - who.eye_y + 4
    tip = top + length
    shade, glow = darker(who.skin, 0.62), lighter(who.skin, 0.6)
    canvas.line(
        [(cx + bridge * 0.9, top - 8), (cx + bridge, top + length * 0.5), (cx + wide * 0.55, tip - 4)],
        shade,
        8,
        soft=3,
        alpha=0.55,
    )
    canvas.line(
        [(cx - bridge * 1.1, top - 8), (cx - bridge, top + length * 0.35), (cx - wide * 0.6, tip - 4)],
        shade,
        6,
        soft=3,
        alpha=0.3,
    )
    canvas.line([(cx - 1, top), (cx - 1.5, tip - 12)], glow, bridge * 1.2, soft=2.5, alpha=0.5)
    canvas.ellipse((cx - 2, tip - 7), (wide * 0.3, 5.5), glow, soft=3, alpha=0.6)
    canvas.ellipse((cx, tip + 6), (wide * 1.0, 6), shade, soft=4, alpha=0.6)
    for side in (-1, 1):
        wing = oval((cx + side * wide * 0.78, tip - 2), (wide * 0.3, 8), start=-80, end=100, n=10)
        wing = wing if side > 0 else [(2 * (cx - wide * 0.78) - x, y) for x, y in wing]
        canvas.line(wing, darker(who.skin, 0.52), 3.6, soft=0.8, alpha=0.8)
        canvas.ellipse(
            (cx + side * wide * 0.4, tip + 3),
            (wide * 0.2, 3.1),
            darker(who.skin, 0.25),
            angle=-side * 14,
            soft=0.9,
        )


def mouth(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    down, half, full, smile = who.mouth
    y = cy + down
    lip = mixed(darker(who.skin, 0.74), (92, 84, 190), 0.42)
    left, right = (cx - half, y - smile * 0.7), (cx + half, y - smile * 0.7)
    seam = smooth(
        [
            left,
            (cx - half * 0.4, y + smile * 0.35),
            (cx, y + smile * 0.3),
            (cx + half * 0.4, y + smile * 0.35),
            right,
        ]
    )
    bow = smooth(
        [
            right,
            (cx + half * 0.3, y - full * 0.62),
            (cx, y - full * 0.38),
            (cx - half * 0.3, y - full * 0.62),
            left,
        ]
    )
    under = smooth(
        [right, (cx + half * 0.5, y + full * 0.85), (cx, y + full * 1.1), (cx - half * 0.5, y + full * 0.85), left]
    )
    canvas.ellipse((cx, y + full * 1.6 + 6), (half * 0.6, 4.5), darker(who.skin, 0.6), soft=4, alpha=0.55)
    canvas.polygon(seam + under, lighter(lip, 0.08), soft=0.8)
    canvas.polygon(seam + bow, darker(lip, 0.82), soft=0.8)
    canvas.ellipse(
        (cx - half * 0.12, y + full * 0.62), (half * 0.3, full * 0.16), lighter(lip, 0.5), soft=1.8, alpha=0.6
    )
    canvas.line(seam, darker(lip, 0.36), 3.2, soft=0.4)
    _mouth_corners(canvas, who, cx, y)
    canvas.line([(cx - 3, y - full - 12), (cx - 3, y - full * 0.7)], darker(who.skin, 0.7), 4, soft=1.6, alpha=0.5)


def _mouth_corners(canvas: Canvas, who: Looks, cx: float, y: float) -> None:
    """The corners of the mouth and the folds from the nose to them; `y` is the middle of the mouth."""
    _, half, full, smile = who.mouth
    for side in (-1, 1):
        at = (cx + side * half, y - smile * 0.7)
        canvas.ellipse(at, (4, 3.4), darker(who.skin, 0.5), soft=2, alpha=0.6)
        fold = [
            (cx + side * (who.nose[1] + 6), y - full - 24),
            (cx + side * (half + 9), y - 12),
            (cx + side * (half + 9), y + 3),
        ]
        canvas.line(fold, darker(who.skin, 0.66), 3.4, soft=2, alpha=0.4)


def beard(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    if who.beard == "none":
        return
    w, h = who.width, who.height
    y, half = cy + who.mouth[0], who.mouth[1]
    colour = mixed(who.hair_colour, darker(who.hair_colour, 0.7), 0.5)
    if who.beard in ("full", "stubble"):
        edge = outline(who, cx, cy, 1.015)
        jaw = [p for p in edge if p[1] > cy + h * 0.1]
        jaw.sort(key=lambda p: np.arctan2(p[1] - cy, p[0] - cx))
        inner = [
            (cx - w * 0.74, cy + h * 0.2),
            (cx - half * 1.25, y - 16),
            (cx, y - 19),
            (cx + half * 1.25, y - 16),
        ]
        inner.append((cx + w * 0.74, cy + h * 0.2))
        alpha = 0.94 if who.beard == "full" else 0.34
        canvas.polygon(jaw + smooth(inner, 30), colour, soft=3.0, alpha=alpha)
        canvas.ellipse((cx, y + 2), (half * 0.98, who.mouth[2] + 3), who.skin, soft=2.5, alpha=0.75)
    if who.beard == "goatee":
        canvas.ellipse(
            (cx, y + (h - who.mouth[0]) * 0.62), (half * 0.66, (h - who.mouth[0]) * 0.42), colour, soft=3
        )
    if who.beard in ("goatee", "moustache", "full"):
        tache = [(cx - half * 1.12, y - 1), (cx - half * 0.5, y - 13), (cx, y - 14), (cx + half * 0.5, y - 13)]
        canvas.line([*tache, (cx + half * 1.12, y - 1)], colour, 13, soft=1.4, alpha=0.95)


def glasses(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    if who.glasses == "none":
        return
    y, frame = cy - who.eye_y + 3, (38, 36, 44)
    half = min(who.eye_gap * 0.8, 40)
    for side in (-1, 1):
        x = cx + side * who.eye_gap
        if who.glasses == "round":
            rim = oval((x, y), (half, half * 0.92))
        else:
            tall = half * (0.74 if who.glasses == "square" else 0.6)
            t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
            box = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** 0.4, np.sign(np.sin(t)) * np.abs(np.sin(t)) ** 0.4
            rim = [(x + half * float(a), y + tall * float(b)) for a, b in zip(*box, strict=True)]
        canvas.polygon(rim, (255, 250, 244), alpha=0.04)
        if who.glasses == "half":
            canvas.line(rim[24:], frame, 5)
            canvas.loop(rim, frame, 1.2, alpha=0.6)
        else:
            canvas.loop(rim, frame, 2.6)
        canvas.line([(x + side * half, y - 6), (cx + side * who.width * 1.0, y - 8)], frame, 3.6)
    bridge = who.eye_gap - half
    canvas.line([(cx - bridge, y - 3), (cx, y - 8), (cx + bridge, y - 3)], frame, 4)
