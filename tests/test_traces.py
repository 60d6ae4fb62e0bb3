"""The search after the suite finds pictures that are left, and every frame of the suite has the magic colour."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.faces import people
from identity.capture.embed import embed_one
from identity.frames.decode import decode
from tests import journey, magic
from tests.conftest import ROOT
from tests.identity.fakes import FakeEngine, person_picture
from tests.identity.halves import picture
from tests.traces import INPUTS, finding

Session = Callable[..., subprocess.CompletedProcess[str]]
HEAD = """
import base64
import cv2
import numpy as np
from tests import magic

frame = np.full((96, 96, 3), 120, np.uint8)
plain = cv2.imencode(".jpg", frame)[1].tobytes()
magic.stamp(frame, 16, 32)
jpeg = cv2.imencode(".jpg", frame)[1].tobytes()


def test_that_leaves_something(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / "identity.db").write_bytes(b"SQLite format 3")
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Runs a pytest session in a subprocess. Its files are deleted before the outer session is searched."""

    def run(body: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_tiny.py").write_text(HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
        arguments = [
            "-p",
            "tests.traces",
            "-p",
            "no:cacheprovider",
            "-c",
            "tiny.ini",
            "--rootdir",
            ".",
            "-q",
            *options,
        ]
        (tmp_path / "tiny.ini").write_text("[pytest]\n")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, "--basetemp", "written", "test_tiny.py"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    shutil.rmtree(tmp_path)


PLANTED = {
    "raw": "(state / 'leak').write_bytes(frame.tobytes())",
    "rgb": "(state / 'leak').write_bytes(frame[..., ::-1].tobytes())",
    "array": "np.save(tmp_path / 'leak.npy', frame)",
    "hex": "(state / 'leak').write_text('pixels: ' + frame.tobytes().hex())",
    "base64": "(tmp_path / 'leak').write_bytes(b'x' + base64.b64encode(b'y' + frame.tobytes()))",
    "jpeg": "(tmp_path / 'leak').write_bytes(jpeg)",
    "jpeg in a log": "(tmp_path / 'leak').write_bytes(b'frame: ' + jpeg + b' refused')",
    "jpeg as sent": "(tmp_path / 'leak').write_bytes(b'{\"frames\": [\"' + base64.b64encode(jpeg) + b'\"]}')",
    "png": "(tmp_path / 'leak').write_bytes(cv2.imencode('.png', frame)[1])",
    "webp": "(tmp_path / 'leak').write_bytes(cv2.imencode('.webp', frame)[1])",
    "whatever picture in the state": "(state / 'leak').write_bytes(plain)",
    "torn picture in the state": "(state / 'leak').write_bytes(plain[:200])",
    "memory dump": "open('core.17', 'wb').write(frame.tobytes())",
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_a_test_leaves_fails_the_session_and_is_named(session: Session, what: str) -> None:
    done = session(PLANTED[what])

    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("TRACE")]
    assert "core.17" in line if what == "memory dump" else "leak" in line
    assert "1 passed" in done.stdout


def test_the_files_of_other_processes_are_searched_when_they_have_ended(session: Session) -> None:
    done = session(PLANTED["raw"], "-n", "2")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "TRACE" in done.stdout


def test_a_clean_session_passes(session: Session) -> None:
    """Drawn inputs, plots, and bytes that only look like a picture."""
    done = session(
        "(tmp_path / 'drawn').mkdir()\n"
        "(tmp_path / 'drawn' / 'input.png').write_bytes(jpeg)\n"
        "(tmp_path / 'plot.jpg').write_bytes(plain)\n"
        "(state / 'curve.png').write_bytes(plain)\n"
        "(state / 'other').write_bytes(bytes(100_000) + bytes(range(256)) * 100 + b'/9j/ RIFF')"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no traces" in done.stdout


def test_a_session_that_clears_its_files_away_is_refused(session: Session) -> None:
    done = session(PLANTED["raw"], "-o", "tmp_path_retention_policy=failed")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "tmp_path_retention_policy" in done.stderr


def test_every_frame_of_the_fakes_carries_the_colour_in_its_crop() -> None:
    for data in (picture(1, 0), person_picture(2), person_picture(3, 1, 160, 120)):
        pixels = decode(data).pixels
        assert magic.has_pixels(pixels.tobytes())
        assert magic.shows_magic(data)
        if len(pixels) > 200:
            engine = FakeEngine()
            embed_one(engine, decode(data))
            assert magic.has_pixels(engine.seen[0].tobytes())


def test_every_frame_that_is_sent_carries_it_through_jpeg() -> None:
    for data in map(base64.b64decode, journey.frames_of(4)):
        assert magic.has_pixels(decode(data).pixels.tobytes())
        halved = cv2.resize(decode(data).pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        assert magic.has_pixels(halved.tobytes())


def test_a_bomb_stops_no_search(tmp_path: Path) -> None:
    """A PNG whose header claims ten thousand million pixels."""
    said = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + said + struct.pack(">I", zlib.crc32(said))
    (tmp_path / "bomb").write_bytes(head + bytes(100))

    assert finding(tmp_path / "bomb", state=False) is None
    assert finding(tmp_path / "bomb", state=True) == "a picture in a folder of state"
    (tmp_path / "bomb").unlink()


def test_other_pictures_are_no_hits(tmp_path: Path) -> None:
    """Drawn people and noise do not contain the magic colours."""
    for number in range(20):
        drawn = people.draw_face(number, 0)
        (tmp_path / "pixels").write_bytes(drawn.tobytes())
        (tmp_path / "camera.jpg").write_bytes(people.jpeg(drawn))
        assert [finding(tmp_path / name, state=False) for name in ("pixels", "camera.jpg")] == [None, None]
    (tmp_path / "noise").write_bytes(np.random.default_rng(1).bytes(2_000_000))
    assert finding(tmp_path / "noise", state=True) is None
    assert finding(tmp_path / INPUTS / "whatever", state=True) is None


@pytest.mark.parametrize("zeros", [0, 1, 63, 64, 100_000])
def test_empty_pages_around_a_trace_hide_nothing(zeros: int) -> None:
    """Runs of zeros are passed over; what stands directly before, between or after them is found."""
    empty, row = bytes(zeros), bytes(magic.OWN) * magic.RUN
    picture = people.jpeg(magic.marked(people.draw_face)(1, 0))

    assert magic.has_pixels(empty + row + empty)
    assert not magic.has_pixels(row[:9] + b"\0" + empty + row[:9])
    assert [found[: len(picture)] for found in magic.pictures_in(empty + picture + empty)] == [picture]
    assert len(list(magic.pictures_in(empty + magic.SIGNATURES[1] + empty))) == 1
