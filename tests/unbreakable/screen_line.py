"""A kiosk in Chromium whose line is cut while people order and the page is reloaded: the long form of a test."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from bench.measure import ROOT, Row

SECTION = "orders of a kiosk while its line is cut"
TEST = "tests/browser/test_line_cuts.py"
SAID = re.compile(r"orders over (\d+) line cuts and (\d+) reloads: lost (\d+), doubled (\d+)")


def run(test: str, short: bool) -> subprocess.CompletedProcess[str]:
    """Run a file of browser tests, in its long form unless `short`."""
    environment = {name: value for name, value in os.environ.items() if name != "USUAL_ENDURE"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if short else {"USUAL_ENDURE": "1"})
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-n", "0", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def rows(short: bool) -> list[Row]:
    """6 cuts and 3 reloads (short), or 50 and 20. Raises RuntimeError: the test said no figures."""
    done = run(TEST, short)
    found = SAID.search(done.stdout)
    if found is None:
        raise RuntimeError(f"{TEST} said no figures:\n{done.stdout[-2000:]}{done.stderr[-500:]}")
    cuts, reloads, lost, doubled = map(int, found.groups())
    section = f"{SECTION}: {cuts} cuts, {reloads} reloads"
    return [
        Row(section, "lost", lost, "", 0),
        Row(section, "doubled", doubled, "", 0),
        Row(section, "the test failed", float(done.returncode != 0), "", 0),
    ]
