"""The parts of a drawn face, painted one over the other."""

from __future__ import annotations

import cv2
import numpy as np

from data.faces.brush import Canvas, Picture, Points, oval, smooth
from data.faces.looks import Looks, darker, lighter, mixed

Box = tuple[slice, slice]


def paint(who: Looks, size: tuple[int, int], scale: float) -> Picture:
    """The person facing the camera, uint8 BGR, shape (height * scale, width * scale, 3)."""
    w, h = size
    canvas = Canvas(np.zeros((int(h * scale), int(w * scale), 3), np.uint8), scale)
    fade = np.linspace(1.03, 0.9, canvas.picture.shape[0], dtype=np.float32)[:, None, None]
    canvas.picture[:] = np.clip(np.array(who.wall, np.float32) * fade, 0, 255)
    canvas.ellipse((w / 2 + 30, h / 2 + 20), (190, 200), darker(who.wall, 0.8), soft=50, alpha=0.5)
    cx, cy = w / 2, h / 2 + 10
    _hair_behind(canvas, who, cx, cy)
    _shoulders(canvas, who, cx, cy)
    _ears(canvas, who, cx, cy)
    _skin(canvas, who, cx, cy)
    _beard(canvas, who, cx, cy)
    _nose(canvas, who, cx, cy)
    _mouth(canvas, who, cx, cy)
    for side in (-1, 1):
        _eye(canvas, who, cx, cy, side)
        _brow(canvas, who, cx, cy, side)
    _hair_before(canvas, who, cx, cy)
    _glasses(canvas, who, cx, cy)
    return canvas.picture


def outline(who: Looks, cx: float, cy: float, grow: float = 1.0, n: int = 72) -> list[tuple[float, float]]:
    """The edge of the face: an oval above, a jaw between pointed and square below."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    below = np.clip(np.sin(t), 0, 1)
    power = 2.0 + 0.75 * who.jaw * below
    c, s = np.cos(t), np.sin(t)
    radius = (np.abs(c) ** power + np.abs(s) ** power) ** (-1 / power)
    narrow = 1 - (0.26 - 0.2 * who.jaw) * below**2
    xs = cx + who.width * grow * radius * c * narrow
    ys = cy + who.height * grow * radius * s
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _skin(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    edge = outline(who, cx, cy)
    box, before = _saved(canvas, edge)
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
    _inside(canvas, box, before, edge)


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


def _inside(canvas: Canvas, box: Box, before: Picture, edge: Points) -> None:
    """Takes back whatever was painted outside the edge."""
    part = canvas.picture[box]
    mask = np.zeros(before.shape[:2], np.uint8)
    corners = np.asarray(edge) * canvas.scale - (box[1].start, box[0].start)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    weight = mask.astype(np.float32) / np.float32(255.0)
    part[:] = cv2.blendLinear(np.ascontiguousarray(part), before, weight, 1.0 - weight)


def _saved(canvas: Canvas, edge: Points) -> tuple[Box, Picture]:
    """The box round a shape and a copy of what is in it now."""
    corners = np.asarray(edge) * canvas.scale
    h, w = canvas.picture.shape[:2]
    (x0, y0), (x1, y1) = corners.min(axis=0) - 3, corners.max(axis=0) + 3
    box = (slice(max(int(y0), 0), min(int(y1), h)), slice(max(int(x0), 0), min(int(x1), w)))
    return box, canvas.picture[box].copy()


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


def _ears(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
    for side in (-1, 1):
        at = (cx + side * (who.width * 0.985), cy - who.eye_y + 14)
        canvas.ellipse(at, (13 * who.ears, 27 * who.ears), darker(who.skin, 0.88), angle=-side * 10, soft=0.6)
        canvas.ellipse(
            (at[0] + side * 2, at[1]), (6 * who.ears, 17 * who.ears), darker(who.skin, 0.62), soft=3, alpha=0.6
        )


def _eye(canvas: Canvas, who: Looks, cx: float, cy: float, side: int) -> None:
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
    box, before = _saved(canvas, upper + lower)
    canvas.polygon(upper + lower, (236, 240, 243), soft=0.4)
    ring = min(wide * 0.56, tall * 1.12)
    canvas.ellipse((x, y - 0.5), (ring, ring), darker(who.iris, 0.5))
    canvas.ellipse((x, y - 0.5), (ring * 0.84, ring * 0.84), who.iris)
    canvas.ellipse((x, y + ring * 0.4), (ring * 0.55, ring * 0.35), lighter(who.iris, 0.35), soft=1.5, alpha=0.7)
    canvas.ellipse((x, y - 0.5), (ring * 0.46, ring * 0.46), (14, 12, 12))
    canvas.line(upper, (60, 60, 66), 9, soft=2.5, alpha=0.45)
    _inside(canvas, box, before, upper + lower)
    canvas.ellipse((x - ring * 0.34, y - ring * 0.42), (ring * 0.24, ring * 0.24), (255, 255, 255))
    lash = mixed(darker(who.hair_colour, 0.5), (20, 20, 24), 0.7)
    canvas.line(upper, lash, 4.2)
    canvas.line(lower, darker(who.skin, 0.5), 1.8, alpha=0.7)
    bag = [(px, py + 7) for px, py in lower]
    canvas.line(bag, darker(who.skin, 0.7), 3, soft=1.6, alpha=0.45)


def _brow(canvas: Canvas, who: Looks, cx: float, cy: float, side: int) -> None:
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


def _nose(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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


def _mouth(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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
    for side in (-1, 1):
        at = (cx + side * half, y - smile * 0.7)
        canvas.ellipse(at, (4, 3.4), darker(who.skin, 0.5), soft=2, alpha=0.6)
        fold = [
            (cx + side * (who.nose[1] + 6), y - full - 24),
            (cx + side * (half + 9), y - 12),
            (cx + side * (half + 9), y + 3),
        ]
        canvas.line(fold, darker(who.skin, 0.66), 3.4, soft=2, alpha=0.4)
    canvas.line([(cx - 3, y - full - 12), (cx - 3, y - full * 0.7)], darker(who.skin, 0.7), 4, soft=1.6, alpha=0.5)


def _beard(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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


def _hair_behind(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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


def _hair_before(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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


def _glasses(canvas: Canvas, who: Looks, cx: float, cy: float) -> None:
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
