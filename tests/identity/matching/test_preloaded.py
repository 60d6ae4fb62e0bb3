"""The galleries of a start: opened once, copied by each worker process, and gone from there."""

from __future__ import annotations

import fcntl
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from identity.matching import preloaded
from identity.matching.preloaded import Preloaded
from tests.identity.matching.test_gallery import KINDS, Process, people


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def house(tmp_path: Path, kind: tuple[int, int]) -> Iterator[Process]:
    process = Process(tmp_path, *kind)
    yield process
    process.close()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    preloaded.forget()


def written(process: Process) -> None:
    """What `begin` does, without a process of its own."""
    process.galleries.warm()
    memory = os.memfd_create("galleries")
    done, writing = os.pipe()
    preloaded.write(memory, process.galleries.opened())
    os.close(writing)
    preloaded._present.append(Preloaded(memory, done))


def test_a_worker_process_takes_what_was_opened_and_reads_no_template(
    house: Process, kind: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = people(14)
    holders = [house.add(vector, site=f"site {n % 3}") for n, vector in enumerate(vectors)]
    house.galleries.warm()
    house.remove(holders[3])  # leaves a row that is free, in a large gallery
    written(house)
    worker = Process(tmp_path, *kind)
    monkeypatch.setattr(worker.vault, "open_each", None)

    taken, own = worker.galleries.current("north"), house.galleries.current("north")

    assert (taken.state, taken.ids, taken.sites) == (own.state, own.ids, own.sites)
    assert np.array_equal(taken.matrix, own.matrix)
    assert worker.best(vectors[5]) == holders[5].customer_id
    assert taken.home(holders[5].customer_id) == "site 2"
    assert worker.best(vectors[3]) is None
    worker.close()


def test_a_process_with_many_open_files_takes_it_too(
    house: Process, kind: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`select` itself refuses numbers above 1,023."""
    vector = people(1)[0]
    holder = house.add(vector)
    written(house)
    (kept,) = preloaded._present
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    high = fcntl.fcntl(kept.done, fcntl.F_DUPFD_CLOEXEC, 1_500)
    os.close(kept.done)
    preloaded._present[:] = [Preloaded(kept.memory, high)]
    worker = Process(tmp_path, *kind)
    monkeypatch.setattr(worker.vault, "open_each", None)

    assert worker.best(vector) == holder.customer_id
    worker.close()


def test_who_leaves_or_joins_after_it_was_opened_is_followed(
    house: Process, kind: tuple[int, int], tmp_path: Path
) -> None:
    vectors = people(13)
    holders = [house.add(vector) for vector in vectors[:12]]
    written(house)
    house.remove(holders[2])
    late = house.add(vectors[12])
    worker = Process(tmp_path, *kind)

    assert worker.best(vectors[2]) is None
    assert worker.best(vectors[12]) == late.customer_id
    assert worker.best(vectors[7]) == holders[7].customer_id
    worker.close()


def test_the_memory_is_gone_when_nobody_needs_it(house: Process) -> None:
    house.add(people(1)[0])
    written(house)
    memory, done = preloaded._present[0].memory, preloaded._present[0].done

    preloaded.forget()
    preloaded.forget()

    assert preloaded._present == []
    for number in (memory, done):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"\0" * 7,
        b"no index" + (10**9).to_bytes(8, "big"),
        b"a template" + b"\xff" * 8,
        b"9" + bytes(8),
        b"{}" + bytes(8),
    ],
)
def test_what_was_not_written_whole_is_opened_as_ever(
    house: Process, kind: tuple[int, int], tmp_path: Path, left: bytes
) -> None:
    vector = people(1)[0]
    holder = house.add(vector)
    memory = os.memfd_create("galleries")
    done, writing = os.pipe()
    os.close(writing)
    os.write(memory, left)
    preloaded._present.append(Preloaded(memory, done))
    worker = Process(tmp_path, *kind)

    assert worker.best(vector) == holder.customer_id
    worker.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_of_its_own_opens_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = Process(tmp_path, exact_up_to=4)
    holders = [house.add(vector) for vector in people(6)]
    house.galleries.warm()
    fork, children = os.fork, list[int]()

    def noted() -> int:
        children.append(fork())
        return children[-1]

    monkeypatch.setattr(os, "fork", noted)

    preloaded.begin(house.galleries.opened)

    worker = Process(tmp_path, exact_up_to=4)
    monkeypatch.setattr(worker.vault, "open_each", None)
    assert worker.best(people(6)[4]) == holders[4].customer_id
    for thread in threading.enumerate():
        if thread.name == "galleries":
            thread.join(10)
    with pytest.raises(ChildProcessError):  # it has ended, and nothing of it is left
        os.waitpid(children[0], os.WNOHANG)
    worker.close()
    house.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_that_hangs_is_ended_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preloaded, "LONGEST_S", 0.05)
    house = Process(tmp_path, exact_up_to=4)
    vector = people(1)[0]
    holder = house.add(vector)

    preloaded.begin(threading.Event().wait)  # type: ignore[arg-type]

    assert house.best(vector) == holder.customer_id
    for thread in threading.enumerate():
        if thread.name == "galleries":
            thread.join(10)
            assert not thread.is_alive()
    house.close()
