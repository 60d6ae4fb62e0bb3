"""Lighthouse on the pages of people, by the real server: `python -m bench.lighthouse [--lighthouse PROGRAM]`.

Needs Chromium and Lighthouse 12, which is no part of this project: `npm install lighthouse@12.2.3` into a folder
of its own, and name its `node_modules/.bin/lighthouse` here or in USUAL_LIGHTHOUSE. Status 2 when one is missing.
Kiosk and taxi are seen as they stand in a house, paired; pages of a loopback address count as secure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Row, table
from bench.screens import House, serving

PAGES = ("kiosk", "taxi", "me")
CATEGORIES = ("performance", "accessibility", "best-practices")
LEAST = 95.0
CHROMIUM = "--headless=new --no-sandbox --disable-gpu --use-fake-device-for-media-stream"


def main() -> int:
    """Print the marks, and what costs some; status 1 when one is below the limit."""
    reader = argparse.ArgumentParser(prog="python -m bench.lighthouse", description=__doc__)
    reader.add_argument("--lighthouse", default=os.environ.get("USUAL_LIGHTHOUSE") or shutil.which("lighthouse"))
    reader.add_argument("--url", help="a server that runs already; else a small house is made")
    reader.add_argument("--cache", type=Path, default=ROOT / ".cache" / "models")
    options = reader.parse_args()
    chromium = shutil.which("chromium")
    if not options.lighthouse or not chromium:
        print("Lighthouse 12 or Chromium is not here: npm install lighthouse@12.2.3 in a folder of its own, then")
        print("USUAL_LIGHTHOUSE=.../node_modules/.bin/lighthouse python -m bench.lighthouse")
        return 2
    if options.url:
        rows = marks(options.lighthouse, chromium, options.url)
    else:
        with (
            tempfile.TemporaryDirectory(prefix="usual-bench-") as name,
            serving(ROOT, Path(name) / "house", options.cache) as house,
        ):
            rows = marks(options.lighthouse, chromium, house.url, house)
    print(table(rows))
    return int(any(row.met is False for row in rows))


def marks(lighthouse: str, chromium: str, url: str, house: House | None = None) -> list[Row]:
    """The marks of every page (0 to 100); on stderr the audits that are not passed."""
    rows = []
    for page in PAGES:
        code = house.codes.get(page) if house else None
        report = _report(lighthouse, chromium, f"{url}/{page}" + (f"#pair={code}" if code else ""))
        for name in CATEGORIES:
            score = report["categories"][name]["score"]
            mark = 100.0 * score if score is not None else float("nan")
            rows.append(Row("Lighthouse", f"/{page}: {name}", mark, "", LEAST, "more"))
            for audit in report["categories"][name]["auditRefs"]:
                one = report["audits"][audit["id"]]
                if audit["weight"] and one["score"] is not None and one["score"] < 0.9:
                    print(
                        f"/{page} {name} {one['id']}: {one['title']} {one.get('displayValue', '')}",
                        file=sys.stderr,
                    )
    return rows


def _report(lighthouse: str, chromium: str, url: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            lighthouse,
            url,
            "--output=json",
            "--quiet",
            "--preset=desktop",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags={CHROMIUM}",
        ],
        env=os.environ | {"CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            f"Lighthouse ended with {done.returncode} on {url.partition('#')[0]}: {done.stderr[-800:]}"
        )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


if __name__ == "__main__":
    sys.exit(main())
