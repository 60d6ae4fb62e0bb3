"""Contrast of two colours as WCAG 2.2 counts it, and the nearest colour that has enough of it. Pure arithmetic."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

AA = 4.5
"""The least contrast of a text and what it stands on (WCAG 2.2, 1.4.3)."""

Triple = tuple[float, float, float]
_HEX = re.compile(r"#[0-9a-f]{6}")
_STEPS = 400  # of lightness, from black to white: finer than eight bits can show


def is_colour(text: object) -> bool:
    """Whether it is a colour as six hexadecimal digits in small letters: #a33f17."""
    return isinstance(text, str) and _HEX.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white); two colours in hexadecimal digits."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def least_contrast(colour: str, others: Iterable[str]) -> float:
    """The lowest contrast of `colour` with one of `others`."""
    return min(contrast(colour, other) for other in others)


def nearest(colour: str, others: Iterable[str], least: float = AA) -> str:
    """The colour of the same hue that stands out from all `others`, as little darker or lighter as will do.

    Its lightness is changed as eyes see it (OKLCH), its chroma only as far as no screen could show it.

    Raises:
        ValueError: no colour stands out from all of them.
    """
    against = list(others)
    if least_contrast(colour, against) >= least:
        return colour
    lightness, a, b = _oklab(colour)
    steps = sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda one: abs(one - lightness))
    for step in steps:
        made = _shown(step, a, b)
        if least_contrast(made, against) >= least:
            return made
    raise ValueError(f"no colour has a contrast of {least} with all of {', '.join(against)}")


def _channels(colour: str) -> Triple:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklab(colour: str) -> Triple:
    r, g, b = _channels(colour)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _shown(lightness: float, a: float, b: float) -> str:
    """The colour in hexadecimal digits, with as much of its chroma as a screen shows."""
    for share in range(20, -1, -1):
        channels = _from_oklab(lightness, a * share / 20, b * share / 20)
        if all(-0.0005 <= value <= 1.0005 for value in channels):
            break
    return "#" + "".join(f"{round(255 * _encoded(min(1.0, max(0.0, value)))):02x}" for value in channels)


def _from_oklab(lightness: float, a: float, b: float) -> Triple:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)
