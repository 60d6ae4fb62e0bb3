"""The lock between processes: who gets it, who does not, and when it is free again."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import Timeout

from plumbing.storage.files import process_lock

HOLD = """
import sys
from pathlib import Path
from plumbing.storage.files import process_lock

lock = process_lock(Path(sys.argv[1]))
lock.acquire()
print("locked", flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Another process that has the lock, until its standard input is closed or it is killed."""
    order = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_second_process_does_not_get_the_lock_until_the_first_is_killed(tmp_path: Path) -> None:
    lock = process_lock(tmp_path / "lock")
    with holder(tmp_path / "lock") as other:
        with pytest.raises(Timeout):
            lock.acquire(blocking=False)
        other.kill()
    with lock.acquire(blocking=False):
        assert lock.is_locked


def test_who_waits_gets_the_lock_when_the_other_process_ends(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as other:
        assert other.stdin is not None
        threading.Timer(0.2, other.stdin.close).start()
        with process_lock(tmp_path / "lock").acquire(timeout=30):
            assert other.wait(30) == 0


def test_a_second_thread_does_not_get_the_lock_either(tmp_path: Path) -> None:
    refused = threading.Event()

    def try_it() -> None:
        with pytest.raises(Timeout):
            process_lock(tmp_path / "lock").acquire(blocking=False)
        refused.set()

    with process_lock(tmp_path / "lock").acquire(blocking=False):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()

    assert refused.is_set()


def test_the_file_of_a_lock_stays_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with process_lock(path):
        pass

    assert path.stat().st_mode & 0o777 == 0o600
