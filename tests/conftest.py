"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

pytest_plugins = ["tests.traces", "tests.engines", "tests.applications"]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The evaluation data beside the project; tests that read it run whenever it is there."""
    folder = Path(os.environ.get("USUAL_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the evaluation data is not beside the project (set USUAL_SHARED)")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, or one worker would still be busy with them when the others have finished.

    One file of the browser stands between two others, so that few browsers run at once.
    """
    marks = {item.path: set[str]() for item in items}
    for item in items:
        marks[item.path] |= {mark.name for mark in item.iter_markers()}
    browser = [path for path in marks if "browser" in marks[path]]
    browser.sort(key=lambda path: "slow" not in marks[path])
    slow = [path for path in marks if "slow" in marks[path] and path not in browser]
    first: list[Path] = []
    while browser or slow:
        first += [*browser[:1], *slow[:2]]
        browser, slow = browser[1:], slow[2:]
    place = {path: number for number, path in enumerate(first)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where everything a test may need is there, a skipped test is a hole: say so and fail."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("USUAL_NOTHING_SKIPPED") and skipped:
        terminalreporter.write_line(f"USUAL_NOTHING_SKIPPED is set, yet {len(skipped)} were skipped", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The exit status for the above."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("USUAL_NOTHING_SKIPPED") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


RESULTS = ROOT / ".cache" / "test-results.json"


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the whole suite: keep how each test ended, for `usual audit pack`."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    chosen = config.option.keyword or config.option.markexpr or config.args != [str(ROOT / "tests")]
    if reporter is None or chosen or hasattr(config, "workerinput"):
        return
    # Those that failed, run once more (scripts/test.sh): the others ended as they did.
    again = config.option.lf and RESULTS.exists()
    ends: dict[str, str] = json.loads(RESULTS.read_text())["tests"] if again else {}
    for end in ("passed", "skipped", "error", "failed"):  # the worst last: it counts
        for report in reporter.stats.get(end, ()):
            file, _, rest = report.nodeid.removeprefix("tests/").partition("::")
            name = rest.partition("[")[0].rpartition("::")[2]
            ends[f"{file}::{name}"] = "failed" if end == "error" else end
    content = {"format": "usual-test-results-1", "made_on": str(date.today()), "tests": dict(sorted(ends.items()))}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=0))


@pytest.fixture(scope="session")
def engine_cache() -> Path:
    """Where converted engine packs are kept between runs: converting takes seconds and gives the same bytes."""
    return ROOT / ".cache" / "models"
