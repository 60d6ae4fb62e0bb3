"""Every page of kiosk and taxi in every size, language and theme: the long form of a test."""

from __future__ import annotations

import re

from bench.measure import Row
from tests.unbreakable.screen_line import run

SECTION = "pages of kiosk and taxi in every size, language and theme"
TEST = "tests/browser/test_pages.py"
SAID = re.compile(r"([\w/]+), (\w+): (\d+) looks, (\d+) by axe-core, (\d+) things wrong")


def rows(short: bool) -> list[Row]:
    """8 looks for each page (short), or 64. Raises RuntimeError: the test said no figures."""
    done = run(TEST, short)
    found = SAID.findall(done.stdout)
    if not found:
        raise RuntimeError(f"{TEST} said no figures:\n{done.stdout[-2000:]}{done.stderr[-500:]}")
    looks = sum(int(one[2]) for one in found)
    axed = sum(int(one[3]) for one in found)
    return [
        *(Row(f"{SECTION}: {looks:,} looks", f"{one[0]}, {one[1]}: wrong", int(one[4]), "", 0) for one in found),
        Row(SECTION, "looks by axe-core", float(axed), ""),
        Row(SECTION, "the test failed", float(done.returncode != 0), "", 0),
    ]
