"""After the suite: no file that it wrote holds a pixel of a frame. A pytest plugin.

It searches the files that this session wrote: in the temporary folders of every worker, in new `usual*` entries of
the system's temporary folder, in the default state folder, and in memory dumps of crashes. A hit fails the session
and names the file:

* a row of a magic colour (tests/magic.py), in whatever file;
* an encoded picture with such a colour, also as base64 within a log or a request;
* any encoded picture in a folder of state, also without such a colour.

Pictures of dishes are kept, in folders named DISHES. Tests put drawn input only into folders named INPUTS and into
files named as in FILMS; these are not searched.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import pytest

from tests.magic import has_pixels, pictures_in, shows_magic

INPUTS = "drawn"
FILMS = ("camera.mjpeg", "film.mjpeg", "film.mjpeg.part")
"""What a browser's fake camera plays."""
PLOTS = ("curve.png",)
"""Plots that commands write. They may be pictures; they are searched for magic colours all the same."""
DISHES = "with-dishes"
"""Folders of state in which tests keep pictures of dishes; they are searched for magic colours all the same."""
STATE = ("identity.db", "access.db", "recommender.db")
ROOT = Path(__file__).resolve().parent.parent
DUMPS = ("core", "core.[0-9]*")


def finding(path: Path, state: bool) -> str | None:
    """What is wrong with one file, `state` when it lies in a folder of state; None when nothing is."""
    if path.name in FILMS or INPUTS in path.parts:
        return None
    try:
        content = path.read_bytes()
    except OSError:  # gone meanwhile, or a socket
        return None
    if has_pixels(content):
        return "pixels of a frame"
    for picture in pictures_in(content):
        if shows_magic(picture):
            return "a frame, encoded"
        if state and path.name not in PLOTS and DISHES not in path.parts:
            return "a picture in a folder of state"
    return None


def files_below(place: Path, since: float = 0.0, state: bool = False) -> Iterator[tuple[Path, bool]]:
    """Every file that was changed since `since` (Unix seconds), and whether it is in a folder of state."""
    try:
        if place.is_symlink():
            return
        if place.is_dir():
            inside = list(place.iterdir())
            state = state or any(path.name in STATE for path in inside)
            for path in inside:
                yield from files_below(path, since, state)
        elif place.is_file() and place.stat().st_mtime >= since:
            yield place, state
    except FileNotFoundError:  # deleted by another process
        return


def findings(written: Path, began: float, places: Iterable[Path] = ()) -> list[str]:
    """A sentence for each file with a trace, below `written` and, if it changed since `began`, below `places`."""
    checked = (
        (path, finding(path, state))
        for found in (files_below(written), *(files_below(place, began) for place in places))
        for path, state in found
    )
    return [f"{path}: {what}" for path, what in checked if what is not None]


def below_temp() -> set[Path]:
    """What the product's own commands leave in the system's temporary folder."""
    return set(Path(tempfile.gettempdir()).glob("usual*"))


class Search:
    """The check at the end of a session, in the process that the workers answer to."""

    def __init__(self) -> None:
        self.began = time.time()
        self.there_before = below_temp()
        self.found: list[str] = []
        self.summary = ""

    @pytest.hookimpl(trylast=True)  # the workers have ended by then, and nothing was cleared away
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        start = time.perf_counter()
        # Programs contain the signatures of pictures but are none: no warnings of OpenCV about them.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        written: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        dumps = [path for pattern in DUMPS for path in Path.cwd().glob(pattern)]
        made = below_temp() - self.there_before
        self.found = findings(written, self.began, [ROOT / "data" / "state", *dumps, *made])
        self.summary = f"searched for pixels of frames in {time.perf_counter() - start:.1f} s"
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.found:
            terminalreporter.write_line(f"TRACE {line}", red=True)
        terminalreporter.write_line(f"{self.summary}: {len(self.found) or 'no'} traces")


def pytest_configure(config: pytest.Config) -> None:
    """Raises UsageError when pytest is set to delete the files that are to be searched."""
    if hasattr(config, "workerinput"):
        return
    if config.getini("tmp_path_retention_policy") != "all":
        raise pytest.UsageError("tests/traces.py searches what the tests wrote: tmp_path_retention_policy is all")
    config.pluginmanager.register(Search(), "traces-search")
