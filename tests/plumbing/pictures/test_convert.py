"""A picture is made small, upright and bare in a process of its own; what is none is refused by name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from plumbing.pictures import convert
from plumbing.pictures.convert import MOST_BYTES, made_small, widths_of
from plumbing.pictures.errors import PictureRefused, PictureTooHard
from tests import pictures


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_a_picture_becomes_webp_in_widths_that_are_not_larger(kind: str) -> None:
    made = made_small(pictures.encoded(kind))
    assert [size for size, _ in made] == [(160, 80), (400, 200), (600, 300)]
    for (width, height), content in made:
        assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
        picture = pictures.decoded(content)
        assert picture.shape == (height, width, 3)
        left, right = picture[height // 2, width // 4], picture[height // 2, 3 * width // 4]
        assert left[2] > 200 > 60 > left[0]
        assert right[0] > 200 > 60 > right[2]


def test_nothing_is_enlarged() -> None:
    assert (widths_of(90), widths_of(160), widths_of(700)) == ([90], [160], [160, 400, 700])
    assert (widths_of(800), widths_of(4000)) == ([160, 400, 800], [160, 400, 800])


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_picture_is_turned_as_the_camera_was_held_and_carries_nothing_of_it(kind: str) -> None:
    """6: the camera stood on its side. What was on the left is now on top."""
    given = pictures.with_exif(pictures.encoded(kind), 6)
    assert b"CAMERA-OF-ANN" in given
    made = made_small(given)
    assert [size for size, _ in made] == [(160, 320), (300, 600)]
    assert not [content for _, content in made if b"CAMERA" in content or b"EXIF" in content]
    picture = pictures.decoded(made[-1][1])
    assert picture[100, 150, 2] > 200
    assert picture[500, 150, 0] > 200


RED = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 7: "bottom", 8: "bottom"}


@pytest.mark.parametrize("turned", RED)
def test_every_way_to_hold_a_camera(turned: int) -> None:
    given = pictures.with_exif(pictures.encoded(".png", pictures.halves(300, 300)), turned)
    picture = pictures.decoded(made_small(given)[-1][1])
    at = {"left": (150, 50), "right": (150, 250), "top": (50, 150), "bottom": (250, 150)}[RED[turned]]
    assert picture[at][2] > 200 > 60 > picture[at][0]


def test_a_picture_keeps_what_is_transparent() -> None:
    clear = np.dstack([pictures.halves(), np.full((300, 600), 10, np.uint8)])
    assert pictures.decoded(made_small(pictures.encoded(".png", clear))[0][1]).shape == (80, 160, 4)


def _torn() -> bytes:
    noise = np.random.default_rng(3).integers(0, 255, (200, 300, 3), np.uint8)
    content = bytearray(pictures.encoded(".jpg", noise))
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    return bytes(content)


def _changed(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (lambda: b"", "no_picture"),
    "a text": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no_picture"),
    "a moving GIF": (lambda: b"GIF89a" + bytes(40), "no_picture"),
    "half of a JPEG": (lambda: pictures.encoded(".jpg")[:900], "picture_damaged"),
    "half of a PNG": (lambda: pictures.encoded(".png")[:900], "picture_damaged"),
    "half of a WebP": (lambda: pictures.encoded(".webp")[:40], "picture_damaged"),
    "a JPEG with a hole": (_torn, "picture_damaged"),
    "a PNG with one wrong byte": (lambda: _changed(pictures.encoded(".png"), 60), "picture_damaged"),
    "a moving PNG": (lambda: pictures.with_chunk(pictures.encoded(".png"), b"acTL", bytes(8)), "picture_animated"),
    "a moving WebP": (pictures.animated_webp, "picture_animated"),
    "many pixels": (lambda: pictures.of_size(10_001, 5_000), "too_many_pixels"),
    "more pixels than it has": (lambda: pictures.of_size(5_000, 5_000), "picture_damaged"),
    "many bytes": (lambda: pictures.encoded(".jpg") + bytes(MOST_BYTES), "picture_too_large"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_picture_is_refused_by_name(case: str) -> None:
    make, code = WRONG[case]
    with pytest.raises(PictureRefused) as refused:
        made_small(make())
    assert refused.value.code == code


def test_a_picture_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its process is gone."""
    monkeypatch.setattr(convert, "LONGEST_S", 0.001)
    with pytest.raises(PictureTooHard):
        made_small(pictures.encoded(".jpg"))


def test_the_process_that_decodes_opens_nothing_and_has_bounded_memory() -> None:
    """Whatever a file makes the decoder do."""
    code = (
        "import cv2, os, resource\n"
        "from plumbing.pictures.process import SPARE_BYTES, limit\n"
        "limit()\n"
        "refused = 0\n"
        "opened = lambda: os.open('/dev/null', os.O_RDONLY)\n"
        "for attempt in (opened, os.pipe, lambda: bytearray(2 * SPARE_BYTES)):\n"
        "    try:\n        attempt()\n"
        "    except (OSError, MemoryError):\n        refused += 1\n"
        "print(refused, resource.getrlimit(resource.RLIMIT_CPU)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "30"]
