"""Styles of the pages say where a line starts and ends, not left and right: some are written from the right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import screens

STYLES = sorted((Path(screens.__file__).parent / "static" / "css").glob("*.css"))
SIDES = re.compile(
    r"(?:margin|padding|border)-(?:left|right)\b"
    r"|(?<![\w-])(?:left|right|float|clear)\s*:"
    r"|(?:text-align|object-position|transform-origin)\s*:\s*[^;]*\b(?:left|right)\b"
)
FOUR = re.compile(r"(?<![\w-])(?:margin|padding)\s*:\s*([^;}]+)")


def sided(style: str) -> list[str]:
    """What of a style is at one side in every language; the second and fourth of four widths are its sides."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    widths = (re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "()", one).split() for one in FOUR.findall(style))
    return SIDES.findall(style) + [" ".join(four) for four in widths if len(four) == 4 and four[1] != four[3]]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_no_style_names_a_side(path: Path) -> None:
    assert sided(path.read_text()) == []


@pytest.mark.parametrize(
    "style",
    [
        "a { padding: 1rem 2rem 1rem 3rem; }",
        "a { margin-left: 2px; }",
        "a { left: 0; }",
        "a { text-align: right; }",
        "a { object-position: left; }",
        "a{padding:0 clamp(1rem, 2vw, 3rem) 0 0}",
    ],
)
def test_a_side_is_seen(style: str) -> None:
    assert sided(style)
