"""Pieces of work on the workers of a Dask cluster."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from distributed import Client, Future, TimeoutError, get_worker, wait
from distributed.scheduler import KilledWorker

from recommender.errors import ClusterError, PartUnreadable
from recommender.ranking.partitions import Stage, Tick, Work
from recommender.training.cluster.same import Makeup, makeup

AHEAD = 2
"""Pieces of work in the cluster, for each worker: the next one waits there, and few results are in memory."""

TRIES = 3
SILENCE_S = 60.0
"""So long a cluster without any worker is waited for: a worker that died is started again."""

LOOK_S = 2.0
FETCH_S = 300.0
"""For one result, once it is there."""


class WorkerDiffers(Exception):
    """On a worker: it does not calculate as the machine that asks. Its text says in what."""


class OnCluster:
    """A mapper (`recommender.ranking.partitions.Mapper`) whose pieces are done by workers.

    A piece is a pure function: when a worker dies, another one does it again, and nothing changes.
    """

    def __init__(self, client: Client, *, carry: bool) -> None:
        """`carry`: workers do not see the folder of the parts, so that each part is sent with its work."""
        self.stages: list[Stage] = []
        self._client, self._carry = client, carry
        self._makeup = makeup()

    def map(
        self,
        work: Work,
        arguments: Sequence[tuple[Any, ...]],
        *,
        shared: tuple[Any, ...] = (),
        name: str = "",
        tick: Tick = lambda share: None,
    ) -> Iterator[Any]:
        """See `Mapper`. Raises ClusterError."""
        stage = Stage(name or work.__name__)
        self.stages.append(stage)
        began, done, tries = time.perf_counter(), 0, 0
        while done < len(arguments):
            try:
                for seconds, result in self._results(work, arguments[done:], shared, name):
                    stage.pieces.append(seconds)
                    done += 1
                    yield result
                    tick(done / len(arguments))
            except PartUnreadable:
                if self._carry:
                    raise
                self._carry = True  # a worker that came later does not see the folder
            except KilledWorker as error:
                raise ClusterError(
                    f"Workers died again and again on one piece of work ({name}): give them more memory."
                ) from error
            except WorkerDiffers as error:
                raise ClusterError(str(error)) from error
            except (CancelledError, OSError, TimeoutError) as error:  # all who had the shared data are gone
                tries += 1
                if tries == TRIES or self._client.status != "running":
                    raise ClusterError("The connection to the cluster was lost; train again.") from error
                self._wait_for_worker()
        stage.wall = time.perf_counter() - began

    def _results(
        self, work: Work, arguments: Sequence[tuple[Any, ...]], shared: tuple[Any, ...], name: str
    ) -> Iterator[tuple[float, Any]]:
        sent = [self._sent(one) for one in shared]
        running: deque[Future[Any]] = deque()
        waiting = iter(arguments)
        try:
            while True:
                most = AHEAD * max(self._workers(), 1)
                while len(running) < most and (one := next(waiting, None)) is not None:
                    running.append(self._submitted(work, sent, one, name))
                if not running:
                    return
                result = self._result(running[0])
                _let_go([running.popleft()])
                yield result
        finally:
            if self._client.status == "running":
                _let_go([*running, *sent])

    def _sent(self, one: Any) -> Future[Any]:
        """On every worker, so that it is there when one dies."""
        scatter: Callable[..., list[Future[Any]]] = self._client.scatter
        return scatter([one], broadcast=True, hash=False)[0]

    def _submitted(self, work: Work, sent: list[Future[Any]], one: tuple[Any, ...], name: str) -> Future[Any]:
        one = carried(one) if self._carry else one
        key = f"{name or work.__name__}-{time.monotonic_ns()}"
        return self._client.submit(timed, self._makeup, work, *sent, *one, key=key, pure=False, retries=0)

    def _result(self, future: Future[Any]) -> tuple[float, Any]:
        alone_since: float | None = None
        while True:
            try:
                with self._client.as_current():
                    wait(future, timeout=LOOK_S)  # type: ignore[no-untyped-call]
            except TimeoutError:
                now = time.monotonic()
                alone_since = None if self._workers() else alone_since or now
                if alone_since is not None and now - alone_since > SILENCE_S:
                    raise ClusterError(self._why_alone()) from None
                continue
            found: tuple[float, Any] = future.result(timeout=FETCH_S)
            return found

    def _workers(self) -> int:
        """How many workers take work: dask pauses one whose memory is full."""
        return sum(status != "paused" for status in self._statuses())

    def _statuses(self) -> list[str]:
        return [one["status"] for one in self._client.scheduler_info(n_workers=-1)["workers"].values()]

    def _why_alone(self) -> str:
        if self._statuses():
            return "The memory of every worker is full: give them more memory and train again."
        return "No worker of the cluster is left; start some and train again."

    def _wait_for_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=SILENCE_S)
        except TimeoutError as error:
            raise ClusterError(self._why_alone()) from error


def _let_go(futures: Sequence[Future[Any]]) -> None:
    """Nobody wants these any more: what has not begun never does, and what is done is forgotten."""
    for future in futures:
        future.cancel()  # type: ignore[no-untyped-call]  # Dask has types for a part of its functions


def timed(asker: Makeup, work: Work, *arguments: Any) -> tuple[float, Any]:
    """On a worker: the seconds that a piece of work took, and its result.

    Raises WorkerDiffers: also a worker that came in the middle is compared.
    """
    if different := asker.differs(makeup()):
        raise WorkerDiffers(differs_at(_address(), different))
    began = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - began, result


def differs_at(worker: str, different: str) -> str:
    """The sentence about a worker that calculates otherwise."""
    return f"The worker {worker} has {different}: results would differ. Install the same on both and train again."


def reads(path: Path) -> bool:
    """On a worker: whether it sees this file."""
    try:
        return path.is_file()
    except OSError:
        return False


def carried(value: Any) -> Any:
    """The same with the bytes of every file in it."""
    if isinstance(value, tuple | list):
        return type(value)(carried(one) for one in value)
    return value.carried() if hasattr(value, "carried") else value


def _address() -> str:
    try:
        return str(get_worker().address)
    except ValueError:
        return "of this process"
