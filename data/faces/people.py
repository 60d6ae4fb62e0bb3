"""People who do not exist, drawn by code alone: the project keeps no picture of anybody.

A seed decides who somebody is (the shape of the face, hair, eyes, a beard, glasses), a second seed decides the
moment (a little rotation, light and noise). Same seeds, same pixels.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from data.faces.brush import Picture, blurred
from data.faces.looks import WALLS, looks
from data.faces.portrait import paint

STRANGERS = 1_000_000
"""Seeds from here on belong to people of the calibration cohort: never customers."""

_W, _H = 640, 480  # the units everything is drawn in
_SCALE = 1.25  # portraits are painted larger and shrunk into the frame


def draw_face(
    person_seed: int,
    frame_seed: int,
    size: tuple[int, int] = (_W, _H),
    *,
    zoom: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Picture:
    """One frame of one person who does not exist.

    Args:
        person_seed: who it is (>= 0).
        frame_seed: the moment: turn up to 4 degrees, scale and place by a few percent, light and noise.
        size: (width, height) in px.
        zoom: 1.0 fills the frame as at a kiosk (eyes 80 to 110 px apart at 640x480).
        shift: moves the face, in shares of the frame's width and height.

    Returns:
        uint8 BGR, shape (height, width, 3).
    """
    w, h = size
    rng = np.random.default_rng([11, person_seed, frame_seed])
    turn, scale = rng.uniform(-4, 4), zoom * rng.uniform(1.04, 1.1) * min(w / _W, h / _H) / _SCALE
    move = cv2.getRotationMatrix2D((_W * _SCALE / 2, _H * _SCALE / 2), turn, scale)
    move[0, 2] += (w - _W * _SCALE) / 2 + w * (shift[0] + rng.uniform(-0.015, 0.015))
    move[1, 2] += (h - _H * _SCALE) / 2 + h * (shift[1] + rng.uniform(-0.015, 0.015))
    move[0, 1] += rng.uniform(-0.02, 0.02) * scale
    frame = cv2.warpAffine(
        _portrait(person_seed), move, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    gain = rng.uniform(0.92, 1.06)
    slope_x, slope_y = rng.uniform(-0.07, 0.07, 2)
    fine = rng.standard_normal((h // 2, w // 2), dtype=np.float32) * np.float32(2.2)
    light = gain + slope_x * np.linspace(-1, 1, w)[None, :] + slope_y * np.linspace(-1, 1, h)[:, None]
    grain = cv2.resize(fine, (w, h), interpolation=cv2.INTER_NEAREST)
    lit = cv2.multiply(frame, cv2.merge([light.astype(np.float32)] * 3), dtype=cv2.CV_32F)
    return np.asarray(cv2.add(lit, cv2.merge([grain] * 3), dtype=cv2.CV_8U), np.uint8)


def jpeg(frame: Picture, quality: int = 90) -> bytes:
    """The frame as a camera would send it."""
    done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a frame of shape {frame.shape} cannot be written as JPEG")
    return data.tobytes()


def two_people(first: int, second: int, frame_seed: int = 0, *, equal: bool = True) -> Picture:
    """Two people side by side, shape (480, 640, 3); with `equal=False` the second stands far behind the first."""
    near, far = (0.78, 0.78) if equal else (1.0, 0.34)
    if equal:  # both faces get the same size
        a, b = looks(first), looks(second)
        far *= float(np.sqrt(a.width * a.height / (b.width * b.height)))
    left = draw_face(first, frame_seed, (320 if equal else 460, _H), zoom=near * (2.0 if equal else 1.39))
    right = draw_face(second, frame_seed, (320 if equal else 180, _H), zoom=far * (2.0 if equal else 3.55))
    return np.ascontiguousarray(np.hstack([left, right]))


def tiny(person_seed: int, frame_seed: int = 0) -> Picture:
    """A face too far away: the eyes are about 30 px apart."""
    return draw_face(person_seed, frame_seed, zoom=0.33)


def blurred_face(person_seed: int, frame_seed: int = 0, sigma: float = 14.0) -> Picture:
    """A face out of focus."""
    return blurred(draw_face(person_seed, frame_seed), sigma)


def empty_room(frame_seed: int = 0, size: tuple[int, int] = (_W, _H)) -> Picture:
    """A wall and nobody in front of it."""
    rng = np.random.default_rng([13, frame_seed])
    fade = np.linspace(1.0, 0.88, size[1])[:, None, None]
    grain = rng.normal(0, 2, (size[1], size[0], 3))
    return np.clip(np.array(WALLS[frame_seed % len(WALLS)]) * fade + grain, 0, 255).astype(np.uint8)


def write_y4m(path: Path, frames: list[Picture], fps: int = 10) -> None:
    """Frames (all of one even size) as the raw video that Chromium's fake camera plays in a loop."""
    h, w = frames[0].shape[:2]
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{w} H{h} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            out.write(b"FRAME\n")
            out.write(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())


def write_mjpeg(path: Path, frames: list[Picture]) -> None:
    """Frames as a chain of JPEGs: far smaller than y4m, and Chromium's fake camera plays it as well."""
    path.write_bytes(b"".join(jpeg(frame, 95) for frame in frames))


@lru_cache(maxsize=16)
def _portrait(person_seed: int) -> Picture:
    """Painted once for each person and bent into frames afterwards; read-only."""
    picture = paint(looks(person_seed), (_W, _H), _SCALE)
    picture.setflags(write=False)
    return picture
