"""A pack in its sandbox: the same answers as in the server, no way out, no harm when it crashes or attacks."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.faces import people
from identity.capture.embed import embed_one
from identity.engines.alignment import aligned_points
from identity.engines.load import open_pack
from identity.engines.manifests import PACKS, load_pack
from identity.frames.decode import decode
from identity.sandbox import lockdown
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool, EngineUnavailable
from tests.conftest import ROOT
from tests.identity import rogues

MAKER = "tests.identity.rogues:"


def picture(order: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), order, np.uint8)


def started(cache: Path, maker: str = "rogue", count: int = 1, timeout_s: float = 5.0) -> EnginePool:
    workers = EnginePool(Launch("dlib", None, cache, MAKER + maker), count, timeout_s=timeout_s)
    workers.start()
    return workers


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rogue")
    (folder / "identity.db").write_bytes(b"")
    return folder


@pytest.fixture
def rogue(cache: Path) -> Iterator[EnginePool]:
    workers = started(cache)
    yield workers
    workers.close()


def gone(pid: int, timeout_s: float = 5.0) -> bool:
    """Whether a process has ended (a zombie has)."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_pack_in_its_process_gives_what_it_gives_in_the_server(cache: Path) -> None:
    """The dlib pack, bit by bit: boxes, landmarks, scores, vectors."""
    here = open_pack("dlib", None, cache)
    workers = EnginePool(Launch("dlib", None, cache))
    workers.start()
    try:
        for person in range(3):
            frame = decode(people.jpeg(people.draw_face(person, 1)))
            ours, theirs = here.detect(frame.pixels), workers.detect(frame.pixels)
            assert [(f.box, f.score, f.scheme) for f in ours] == [(f.box, f.score, f.scheme) for f in theirs]
            assert np.array_equal(ours[0].landmarks, theirs[0].landmarks)
            assert np.array_equal(embed_one(here, frame).vector, embed_one(workers, frame).vector)
        assert workers.walls == ("limits", "system calls")
    finally:
        workers.close()


def test_a_pack_is_sent_no_more_pixels_than_it_looks_at(cache: Path, tmp_path: Path) -> None:
    """Frames at the size of its detector, crops no more than twice as large as it aligns them to."""
    raw = json.loads((PACKS / "dlib.json").read_text())
    points = aligned_points(load_pack("open-model-zoo"))
    given = raw["input"] | {"detector_width": 320, "alignment": points.tolist()}
    (tmp_path / "dlib.json").write_text(json.dumps(raw | {"engine": "onnx", "input": given}))
    workers = EnginePool(Launch("dlib", None, cache, MAKER + "measuring", tmp_path))
    workers.start()

    frame = workers.detect(picture(1, side=960))[0]
    landmarks = 5 * points + 200
    vector = workers.embed(picture(1, side=900), replace(frame, landmarks=landmarks))
    workers.close()

    assert frame.score == pytest.approx(320.032)  # what it was shown
    assert frame.box == (0, 0, 960, 960)  # in pixels of the frame again
    assert (frame.landmarks == 3).all()
    assert vector[:2].tolist() == [225, 225]
    assert vector[2:12] == pytest.approx(((landmarks + 0.5) / 4 - 0.5).ravel())


def test_a_malicious_pack_gets_at_no_file_socket_process_or_database(rogue: EnginePool) -> None:
    """The pack tries each way out from within its process; the score of a face says whether it was refused."""
    faces = rogue.detect(picture(rogues.TRY))

    allowed = {rogues.ATTEMPTS[round(face.box[0])] for face in faces if face.score != 1}
    assert len(faces) == len(rogues.ATTEMPTS)
    assert allowed == set()
    assert not Path("/tmp/usual-rogue").exists()
    assert not Path(rogues.__file__).with_name("stolen").exists()
    assert rogue.detect(picture(7))[0].box[0] == 7  # and it lives on, under the same walls


def test_the_attempts_succeed_where_there_is_no_wall(tmp_path: Path) -> None:
    """Otherwise the test above would show nothing. Attempts that would end the test itself are left out."""
    harmless = ("read a file", "open the database", "listen", "start a program", "make a pipe", "start a thread")

    for what in harmless:
        rogues.attempt(what, picture(0), str(tmp_path / "identity.db"))


@pytest.mark.parametrize("wall", ["limits", "system calls"])
def test_each_wall_holds_alone(wall: str) -> None:
    """Limits without the list of calls, and the list without limits: no file, no socket, no database."""
    without = "platform.machine = lambda: 'unknown'" if wall == "limits" else "lockdown.resource = None"
    probe = (
        "import platform, socket, sqlite3\nfrom identity.sandbox import lockdown\n"
        f"{without}\n"
        "assert lockdown.lock_down()[-1] == " + repr(wall) + "\n"
        "ways = lambda: open('/etc/hostname'), socket.socket, lambda: sqlite3.connect('x').execute('select 1')\n"
        "for n, way in enumerate(ways):\n"
        "    try:\n        way()\n"
        "    except (OSError, sqlite3.Error):\n        print(n)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["0", "1", "2"], done.stderr


def decided(program: bytes, architecture: int, number: int) -> int:
    """What the kernel would decide: an interpreter for the part of BPF that the filter uses."""
    steps = list(struct.iter_unpack("<HBBI", program))
    at = loaded = 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == lockdown.LOAD_WORD:
            loaded = architecture if value == lockdown.OFFSET_ARCHITECTURE else number
        elif code == lockdown.RETURN:
            return int(value)
        else:
            holds = loaded == value if code == lockdown.EQUAL else loaded >= value
            at += yes if holds else no


@pytest.mark.parametrize("machine", sorted(lockdown.MACHINES))
def test_the_filter_permits_the_listed_calls_and_no_other(machine: str) -> None:
    """Also on the processor that this test does not run on; a foreign one's calls end the process."""
    program = lockdown.filter_for(machine)
    column, architecture, _ = lockdown.MACHINES[machine]
    listed = {numbers[column] for numbers in lockdown.PERMITTED.values()}

    refused = lockdown.REFUSE | errno.EPERM
    for number in range(600):
        assert decided(program, architecture, number) == (lockdown.ALLOW if number in listed else refused)
    assert decided(program, architecture, lockdown.X32_BIT | 0) == refused
    assert decided(program, 0x40000003, 0) == lockdown.KILL
    named = {"open": (2, None), "openat": (257, 56), "socket": (41, 198), "execve": (59, 221), "clone": (56, 220)}
    assert all(numbers[column] not in listed for numbers in named.values())


@pytest.mark.parametrize("order", [rogues.CRASH, rogues.HANG, rogues.BABBLE, rogues.NOBODY_FITS])
def test_a_process_that_ends_hangs_or_babbles_is_replaced(cache: Path, order: int) -> None:
    workers = started(cache, timeout_s=20.0)
    try:
        workers.detect(picture(5))  # loaded now: a busy machine takes longer than the second below
        workers.timeout_s = 1.0
        before = workers.processes

        with pytest.raises(EngineUnavailable):
            workers.detect(picture(order))

        assert gone(before[0])
        workers.timeout_s = 20.0
        assert workers.detect(picture(5))[0].box[0] == 5
        assert workers.processes != before
    finally:
        workers.close()


def test_a_pack_that_fails_at_one_picture_does_the_next(rogue: EnginePool) -> None:
    before = rogue.processes

    with pytest.raises(EngineUnavailable, match="failed"):
        rogue.detect(picture(rogues.FAIL))

    assert rogue.detect(picture(9))[0].box[0] == 9
    assert rogue.processes == before


def test_a_vector_of_another_length_is_none(rogue: EnginePool) -> None:
    face = rogue.detect(picture(1))[0]

    with pytest.raises(EngineUnavailable):
        rogue.embed(picture(rogues.SHORT), face)


@pytest.mark.parametrize("order", [rogues.NAN, rogues.ZERO])
def test_an_invalid_vector_is_refused(rogue: EnginePool, order: int) -> None:
    """The pool passes it on unchanged, and `vectors.unit` refuses it: the person is a guest."""
    from identity.vectors import unit

    vector = rogue.embed(picture(order), rogue.detect(picture(1))[0])

    with pytest.raises(ValueError, match="zero or not finite"):
        unit(vector)


def shared_with_packs() -> set[tuple[int, int]]:
    """Where memory that packs see is mapped in this process: start and end of each range."""
    gc.collect()
    maps = Path("/proc/self/maps").read_text().splitlines()
    ranges = (line.split()[0].split("-") for line in maps if "memfd:usual-pixels" in line)
    return {(int(start, 16), int(end, 16)) for start, end in ranges}


def test_between_two_questions_no_picture_is_in_shared_memory(cache: Path) -> None:
    """Read from the server's own memory: the pack saw the picture, and it is erased."""
    of_other_pools = shared_with_packs()
    workers = started(cache)
    ranges = shared_with_packs() - of_other_pools

    assert workers.detect(picture(77, side=300))[0].box[0] == 77

    assert ranges
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for start, end in ranges:
            memory.seek(start)
            shared = memory.read(end - start)
            assert len(shared) >= 3 * 300 * 300
            assert not any(shared)
    workers.close()


def test_a_question_that_is_broken_off_leaves_no_answer_for_the_next(cache: Path) -> None:
    """For example a picture that does not fit into the shared memory: the process is replaced, not used again."""
    workers = started(cache)
    before = workers.processes

    with pytest.raises(ValueError, match="reshape"):
        workers.detect(np.zeros((2_400, 1_800, 3), np.uint8))

    assert workers.detect(picture(3))[0].box[0] == 3
    assert workers.processes != before
    workers.close()


def test_each_of_many_threads_gets_its_own_answer(cache: Path) -> None:
    workers, wrong = started(cache, count=2), []

    def detect_often(mine: int) -> None:
        for _ in range(40):
            if (found := workers.detect(picture(mine))[0].box[0]) != mine:
                wrong.append((mine, found))

    threads = [threading.Thread(target=detect_often, args=(n + 1,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    workers.close()

    assert wrong == []


def test_a_pack_sees_no_key_of_the_servers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_RECOMMENDER_KEY", "usual-k1-secret")
    monkeypatch.setenv("USUAL_HOME", "/somewhere")

    started(tmp_path, "environment_writer").close()

    seen = (tmp_path / "environment").read_text()
    assert "PATH" in seen
    assert "USUAL" not in seen
    assert "secret" not in seen


@pytest.mark.parametrize(
    ("maker", "why"), [("broken", "MemoryError while"), ("foreign", "opencv-zoo@1, not dlib@")]
)
def test_a_pack_that_does_not_load_says_why_without_its_secrets(cache: Path, maker: str, why: str) -> None:
    workers = EnginePool(Launch("dlib", None, cache, MAKER + maker))
    with pytest.raises(EngineUnavailable, match=why) as unavailable:
        workers.start()

    assert workers.failure() == unavailable.value.detail  # what readiness says
    assert "secret" not in unavailable.value.detail
    workers.close()


def test_closing_leaves_no_process_and_refuses_requests(cache: Path) -> None:
    workers = started(cache, count=2)
    while len(workers.processes) < 2:
        time.sleep(0.01)
    before = workers.processes

    workers.close()

    assert all(gone(pid) for pid in before)
    with pytest.raises(EngineUnavailable):
        workers.detect(picture(1))


def test_a_server_that_is_killed_leaves_no_process(cache: Path) -> None:
    """Also while the pack is in an endless computation."""
    server = (
        "import sys, threading, numpy as np\nfrom pathlib import Path\n"
        "from tests.identity.sandbox.test_pool import started, picture, rogues\n"
        f"w = started(Path({str(cache)!r}))\nprint(*w.processes, flush=True)\nw.timeout_s = 600\n"
        "w.detect(picture(rogues.HANG))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", server], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    time.sleep(0.2)
    assert not gone(pid, 0.1)

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert gone(pid)
    assert os.getpid() != pid
