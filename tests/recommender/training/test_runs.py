"""What is kept of a run, and how it ends: dry runs, cancelling, full disks, too much memory."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.sentence import in_language
from plumbing.storage.room import DiskFull
from recommender.store.runs import DRY_RUN, Run
from recommender.training.outcomes import WORDS
from recommender.training.priority import SLICE_NS, behind, memory_mb, peak_mb
from recommender.training.run_book import Bounds, RunBook
from tests.recommender.service_fixtures import NOON, Installation, World
from tests.recommender.training.test_trainer import opened, visits


def ran(world: World, *, kind: str = "hand", seed: int = 0, **trainer: Any) -> Run:
    """One training in this process; its run."""
    models = world.half.trainer.models
    run_id = models.begin("grill", "orders", NOON, kind=kind, by="key:desk")
    replace(world.half.trainer, **trainer).run("grill", "orders", run_id, seed=seed)
    return models.run("grill", "orders", run_id)


def test_a_run_says_what_it_learned_from(world: World) -> None:
    """Lines, customers, until when, a hash of all that was read, seed, memory, and a log without a pseudonym."""
    visits(world, 3)
    run = ran(world, seed=5)
    cut = run.details["cut"]
    assert (run.state, run.details["seed"], run.details["by"]) == ("published", 5, "key:desk")
    assert (cut["lines"], cut["customers"], len(cut["sha256"])) == (3, 1, 64)
    assert 20 < run.details["peak_mb"] < 100_000
    log = world.half.trainer.models.log("grill", run.run_id)
    assert any("3 lines of 1 customers" in line for line in log)
    assert log[-1].endswith("published: Published: there was no version before it to compare with.")
    assert not any("ann" in line for line in log)


def test_a_dry_run_publishes_nothing(world: World) -> None:
    """It trains and judges, and says what would have happened, in each language."""
    visits(world, 3)
    before = sorted(path.name for path in world.home.rglob("*") if "models" in path.parts)
    run = ran(world, kind=DRY_RUN)
    assert (run.state, run.version) == ("tried", "")
    assert run.report["metric"] == "ndcg@10"
    assert sorted(path.name for path in world.home.rglob("*") if "models" in path.parts) == before
    assert world.suggest(token=world.token()).json["model_version"] is None
    assert "würde veröffentlicht" in in_language(WORDS, "de", run.why, run.message)
    assert ran(world).state == "published"
    assert "nothing would be published" in ran(world, kind=DRY_RUN).why


def test_a_dry_run_without_data_is_refused_and_withdraws_nothing(world: World) -> None:
    run = ran(world, kind=DRY_RUN)
    assert (run.state, "2 orders" in run.why) == ("refused", True)
    assert "2 回以上" in in_language(WORDS, "ja", run.why, run.message)


def test_a_cancelled_training_publishes_nothing(installation: Installation, tmp_path: Path) -> None:
    """Somebody cancels while it learns; it ends at the next step, and says who it was."""
    models: Any = None

    def cancel(counts: np.ndarray) -> np.ndarray:
        (run,) = models.runs("grill", "orders")
        models.cancel("grill", "orders", run.run_id, "user:8")
        time.sleep(0.8)  # the book looks twice a second
        return counts

    world = opened(installation, tmp_path / "state", spoil=cancel)
    visits(world, 3)
    models = world.half.trainer.models
    run = ran(world)
    assert (run.state, run.version) == ("cancelled", "")
    assert "user:8" in run.why
    assert world.suggest(token=world.token()).json["model_version"] is None
    world.close()


def test_a_training_that_does_not_notice_is_ended_with_its_process(world: World) -> None:
    """In a long step nobody asks; the book closes the run and ends the process, within two seconds."""
    models, left = world.half.trainer.models, threading.Event()
    run_id = models.begin("grill", "orders", NOON)
    with RunBook(models, ("grill", run_id), world.now_us, Bounds(leave=left.set)) as book:
        book.note("fitting", 0.3)
        models.cancel("grill", "orders", run_id, "user:8")
        began = time.monotonic()
        assert left.wait(5)
        assert time.monotonic() - began < 2
    assert models.run("grill", "orders", run_id).state == "cancelled"


def test_a_training_that_publishes_is_not_ended(world: World) -> None:
    """Cancelled too late, it ends with a whole version."""
    models, left = world.half.trainer.models, threading.Event()
    run_id = models.begin("grill", "orders", NOON)
    with RunBook(models, ("grill", run_id), world.now_us, Bounds(leave=left.set)) as book, book.publishing():
        models.cancel("grill", "orders", run_id, "user:8")
        assert not left.wait(1.4)
        book.end("published", "it counts", version="v1")
    assert models.run("grill", "orders", run_id).state == "published"


def test_a_training_that_needs_too_much_memory_ends_with_a_sentence(world: World) -> None:
    models, left = world.half.trainer.models, threading.Event()
    run_id = models.begin("grill", "orders", NOON)
    assert memory_mb() > 1
    with RunBook(models, ("grill", run_id), world.now_us, Bounds(1, left.set)):
        assert left.wait(5)
    run = models.run("grill", "orders", run_id)
    assert (run.state, "more memory than it may use (1 MB)" in run.why) == ("failed", True)


def _full(counts: np.ndarray) -> np.ndarray:
    raise OSError(errno.ENOSPC, "No space left on device")


def _no_memory(counts: np.ndarray) -> np.ndarray:
    raise MemoryError


def _refused(counts: np.ndarray) -> np.ndarray:
    raise DiskFull


@pytest.mark.parametrize(
    ("spoil", "why"), [(_full, "disk is full"), (_refused, "disk is full"), (_no_memory, "more memory")]
)
def test_what_runs_out_in_the_middle_of_a_run_is_one_sentence(
    installation: Installation, tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray], why: str
) -> None:
    """What was published before is whole, and still served."""
    world = opened(installation, tmp_path / "state")
    visits(world, 3)
    version = ran(world).version
    visits(world, 3, start=3)
    world.half.trainer.scenes["orders"].spoil = spoil  # type: ignore[attr-defined]  # of the scene that counts
    run = ran(world)
    assert (run.state, why in run.why) == ("failed", True)
    assert world.suggest(token=world.token()).json["model_version"] == version
    world.close()


def test_an_import_while_a_run_reads_is_not_in_it(world: World) -> None:
    """The run says what it has learned from: what was there when it read."""
    visits(world, 3)
    before = world.half.trainer.events

    def during(work: Callable[[], Any]) -> Any:
        done = work()
        if not before.counts("grill")["ordered"] > 3:  # it has read, and has not learned yet
            visits(world, 4, "bob")
        return done

    run = ran(world, aside=during)
    assert (run.state, run.details["cut"]["lines"]) == ("published", 3)
    assert before.counts("grill")["ordered"] == 7
    assert ran(world).details["cut"]["lines"] == 7


def version_of_linux() -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", platform.release())[:2])


def slice_ns() -> int:
    """For how long this thread goes on when another one wakes up; 0 stands for the usual 3 ms."""
    attributes = ctypes.create_string_buffer(56)
    number = {"x86_64": 315, "aarch64": 275}[platform.machine()]
    assert ctypes.CDLL(None, use_errno=True).syscall(number, 0, attributes, 56, 0) == 0
    asked = int(struct.unpack("=IIQiIQQQII", attributes.raw)[5])
    return asked or 3_000_000


def test_heavy_work_is_done_behind_everybody_else() -> None:
    """Its result and its exceptions come back; the thread that asked keeps its priority."""
    here, there = os.nice(0), behind(lambda: os.nice(0))
    if sys.platform == "linux":
        assert behind(lambda: os.sched_getscheduler(0)) == os.SCHED_BATCH
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
        assert (os.nice(0), there - here >= 9) == (here, True)
        if version_of_linux() >= (6, 12):
            assert behind(slice_ns) == SLICE_NS < slice_ns()
    with pytest.raises(ZeroDivisionError):
        behind(lambda: 1 // 0)
    assert peak_mb() >= memory_mb() > 0
