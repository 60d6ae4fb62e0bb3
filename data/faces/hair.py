"""The hair of a drawn face: what lies behind it and what lies before it. Centre of the face: (cx, cy)."""

from __future__ import annotations

import numpy as np

from data.faces.brush import Canvas, Points, oval, smooth
from data.faces.looks import Looks, darker, lighter

_FRINGE: dict[
    str, list[tuple[float, float]]
] = {  # the hairline from the left temple to the right one, in half faces
    "crop": [(-0.97, -0.28), (-0.84, -0.56), (-0.5, -0.7), (0, -0.73), (0.5, -0.7), (0.84, -0.56), (0.97, -0.28)],
    "parted": [
        (-1.0, -0.2),
        (-0.86, -0.5),
        (-0.5, -0.84),
        (-0.1, -0.66),
        (0.45, -0.58),
        (0.86, -0.5),
        (1.0, -0.2),
    ],
    "long": [(-1.06, 0.3), (-0.95, -0.3), (-0.6, -0.64), (0, -0.9), (0.6, -0.64), (0.95, -0.3), (1.06, 0.3)],
    "bob": [(-1.08, 0.35), (-0.93, -0.2), (-0.8, -0.44), (0, -0.5), (0.8, -0.44), (0.93, -0.2), (1.08, 0.35)],
    "curls": [(-1.0, -0.15), (-0.86, -0.5), (-0.45, -0.66), (0, -0.7), (0.45, -0.66), (0.86, -0.5), (1.0, -0.15)],
    "bun": [(-0.98, -0.25), (-0.86, -0.55), (-0.5, -0.74), (0, -0.8), (0.5, -0.74), (0.86, -0.55), (0.98, -0.25)],
    "quiff": [
        (-0.98, -0.3),
        (-0.88, -0.6),
        (-0.55, -0.78),
        (0.1, -0.72),
        (0.6, -0.66),
        (0.88, -0.56),
        (0.98, -0.3),
    ],
    "waves": [
        (-1.06, 0.15),
        (-0.94, -0.3),
        (-0.7, -0.66),
        (-0.3, -0.84),
        (0.3, -0.6),
        (0.92, -0.36),
        (1.06, 0.15),
    ],
    "receding": [
        (-0.98, -0.3),
        (-0.9, -0.62),
        (-0.66, -0.92),
        (0, -0.82),
        (0.66, -0.92),
        (0.9, -0.62),
        (0.98, -0.3),
    ],
}


def hair_behind(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    w, h, colour = who.width, who.height, who.hair_colour
    dark = darker(colour, 0.72)
    if who.hair in ("long", "waves"):
        low = cy + h * (1.35 if who.hair == "long" else 1.05)
        side = smooth(
            [
                (cx - w * 0.3, cy - h * 1.05),
                (cx - w * 1.22, cy - h * 0.5),
                (cx - w * 1.3, cy + h * 0.5),
                (cx - w * 1.15, low),
            ]
        )
        canvas.polygon(side + [(2 * cx - x, y) for x, y in side[::-1]], dark, soft=1)
        if who.hair == "waves":
            for side_sign in (-1, 1):
                for k in range(5):
                    spot = (cx + side_sign * w * (1.06 + 0.1 * (k % 2)), cy - h * 0.62 + k * h * 0.4)
                    canvas.ellipse(spot, (w * 0.3, h * 0.3), dark, soft=0.8)
    elif who.hair == "bob":
        canvas.ellipse((cx, cy - h * 0.1), (w * 1.27, h * 1.02), dark, soft=1)
    elif who.hair == "curls":
        for angle in np.linspace(150, 390, 15):
            a = np.radians(angle)
            spot = (cx + w * 1.08 * np.cos(a), cy - h * 0.22 + h * 0.98 * np.sin(a))
            canvas.ellipse(spot, (w * 0.3, w * 0.3), dark, soft=0.8)
    elif who.hair == "bun":
        canvas.ellipse((cx, cy - h * 1.22), (w * 0.42, w * 0.36), dark, soft=0.8)
        canvas.ellipse((cx - 8, cy - h * 1.25), (w * 0.26, w * 0.18), lighter(colour, 0.12), soft=5, alpha=0.6)


def hair_before(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    line = _FRINGE.get(who.hair)
    if line is None:
        return
    w, h, colour = who.width, who.height, who.hair_colour
    low = smooth([(cx + x * w, cy + y * h) for x, y in line], 40)
    rise = {"quiff": 1.3, "curls": 1.2, "parted": 1.17, "crop": 1.08, "receding": 1.06}.get(who.hair, 1.13)
    lean = {"quiff": 0.16, "parted": -0.1}.get(who.hair, 0.0) * w
    side = 1.09 if who.hair in ("crop", "receding", "bun") else 1.17
    middle = cy - h * 0.32
    crown = oval((cx, middle), (w * side, h * (rise - 0.32)), start=0, end=-180, n=24)
    crown = [(x + lean * (middle - y) / (h * (rise - 0.32)), y) for x, y in crown]
    over = [
        (cx + line[-1][0] * w * 1.06, cy + line[-1][1] * h),
        *crown,
        (cx + line[0][0] * w * 1.06, cy + line[0][1] * h),
    ]
    below = [(x, y + 5) for x, y in low]
    canvas.line(below, darker(who.skin, 0.6), 11, soft=4, alpha=0.45)
    canvas.polygon(low + smooth(over, 60), colour, soft=0.8)
    canvas.ellipse(
        (cx - w * 0.3, cy - h * 0.93), (w * 0.42, h * 0.09), lighter(colour, 0.4), soft=10, alpha=0.35, angle=-14
    )
    _strands(canvas, who, low, cx, cy - h * rise)


def _strands(canvas: Canvas, who: Looks, low: Points, cx: float, top: float) -> None:
    """A few lines from the crown to the hairline, so that hair looks combed rather than cut out."""
    rng = np.random.default_rng([19, who.seed])
    if who.hair == "curls":
        for x, y in [low[i] for i in range(3, len(low) - 2, 4)]:
            at = (x, y - rng.uniform(4, 16))
            canvas.ellipse(at, (who.width * 0.15, who.width * 0.14), who.hair_colour, soft=0.8)
            ring = oval(at, (who.width * 0.1, who.width * 0.09), start=180, end=330, n=10)
            canvas.line(ring, lighter(who.hair_colour, 0.25), 2.4, soft=0.6, alpha=0.6)
        return
    for i in range(4, len(low) - 4, 3):
        x, y = low[i]
        crown = (cx + (x - cx) * 0.45, top + 12 + rng.uniform(0, 8))
        middle = (cx + (x - cx) * 0.85, (y + crown[1]) / 2 - 6)
        tone = darker(who.hair_colour, 0.7) if i % 2 else lighter(who.hair_colour, 0.2)
        canvas.line([crown, middle, (x, y - 3)], tone, 2.2, soft=0.5, alpha=0.45)
