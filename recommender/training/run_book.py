"""What a training writes down while it runs: progress, log, memory; and whether somebody wants it to end.

A thread of its own writes and looks, so that a step that takes minutes is no reason to wait, and so that nothing
that the server waits for is held by the thread with the low priority.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self

from plumbing.clock import SECOND, Clock
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.errors import TrainingCancelled, TrainingTooLarge
from recommender.scene import DataCut
from recommender.store.runs import ModelStore
from recommender.training.outcomes import cancelled, sentence
from recommender.training.priority import memory_mb, peak_mb

LOOK_S = 0.2
WRITE_S = 0.5
LEAVE_S = 0.5
"""A training that does not notice in this time that it is to end is ended together with its process."""

Stop = TrainingCancelled | TrainingTooLarge


class Watch(Protocol):
    """Whoever watches a training."""

    def note_cut(self, cut: DataCut) -> None:
        """What the training has read."""

    def publishing(self) -> Any:
        """A context: inside, the training cannot be ended any more."""


class Nobody:
    """A `Watch` that lets everything pass."""

    def note_cut(self, cut: DataCut) -> None:
        """See `Watch`."""

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """See `Watch`."""
        yield


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may not do. `leave` ends the process; None: this process does more than train."""

    most_mb: int | None = None
    leave: Callable[[], None] | None = None


FREE = Bounds()
"""No bounds."""


class RunBook:
    """The book of one run: a context around the training."""

    def __init__(self, models: ModelStore, run: tuple[str, str], now_us: Clock, bounds: Bounds = FREE) -> None:
        """`run` is the tenant and the run's id."""
        self._models, self._run, self._now_us = models, run, now_us
        self._bounds = bounds
        self._lock = threading.RLock()
        self._latest = ("waiting", 0.0)
        self._written: tuple[str, float] | None = None
        self._lines: list[str] = []
        self._details: dict[str, Any] = {}
        self._stop: Stop | None = None
        self._committing = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="run book", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def note(self, what: str, share: float) -> None:
        """The training is at the stage `what`, with `share` (0..1) done.

        Raises:
            TrainingCancelled, TrainingTooLarge: it is to end.
        """
        if self._stop is not None and not self._committing:
            raise self._stop
        with self._lock:
            if what != self._latest[0]:
                self._lines.append(self._line(what))
            self._latest = (what, share)

    def note_cut(self, cut: DataCut) -> None:
        """See `Watch`. Sizes and a hash, nothing of anybody."""
        with self._lock:
            self._details["cut"] = asdict(cut)
            until = "" if cut.until_us is None else f", until {_moment(cut.until_us)}"
            self._lines.append(self._line(f"{cut.lines} lines of {cut.customers} customers{until}"))

    def note_detail(self, **details: Any) -> None:
        """Further details of the run, JSON without personal data."""
        with self._lock:
            self._details |= details

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """See `Watch`. Raises what `note` raises."""
        with self._lock:
            if self._stop is not None:
                raise self._stop
            self._committing = True
        try:
            yield
        finally:
            self._committing = False

    def end(self, state: str, why: str, *, version: str = "", report: Any = None) -> None:
        """Close the run with its outcome. Raises DiskFull, DatabaseBusy: it is not closed."""
        with self._lock:
            self._committing = True  # nobody ends this process between here and its own end
            self._lines.append(self._line(f"{state}: {why}"))
            self._models.end(
                *self._run,
                state,
                why,
                self._now_us(),
                version=version,
                report=report,
                details=self._details | {"peak_mb": round(peak_mb(), 1)},
                lines=self._lines,
            )
            self._over.set()

    def _keep(self) -> None:
        written = time.monotonic()
        while not self._over.wait(LOOK_S):
            if self._bounds.most_mb is not None and memory_mb() > self._bounds.most_mb:
                self._leave_now(TrainingTooLarge(self._bounds.most_mb))
            due = self._written is None or time.monotonic() - written >= WRITE_S
            try:
                who = self._write() if due else self._models.cancelled_by(*self._run)
            except (DatabaseBusy, DiskFull):
                continue  # progress can wait; the training goes on
            written = time.monotonic() if due else written
            if who and self._stop is None:
                self._stop = TrainingCancelled(who)
                self._over.wait(LEAVE_S)
                self._leave_now(self._stop)

    def _write(self) -> str:
        with self._lock:
            latest, lines = self._latest, list(self._lines)
        if latest == self._written and not lines:
            return self._models.cancelled_by(*self._run)
        who = self._models.progress(*self._run, *latest, self._now_us(), lines)
        with self._lock:
            self._written = latest
            del self._lines[: len(lines)]
        return who

    def _leave_now(self, stop: Stop) -> None:
        """End the run and with it this process, unless it publishes or has ended."""
        with self._lock:
            self._stop = stop
            if self._committing or self._over.is_set() or self._bounds.leave is None:
                return
            self.end(*ending(stop))
            self._bounds.leave()

    def _line(self, text: str) -> str:
        return f"{_moment(self._now_us())} {' '.join(text.split())}"


def ending(stop: Stop) -> tuple[str, str]:
    """State and reason of a run that was ended."""
    if isinstance(stop, TrainingCancelled):
        return "cancelled", cancelled(stop.who)
    return "failed", sentence("training-too-large", megabytes=stop.megabytes)


def leave_process() -> None:
    """End this process at once; its run is closed already."""
    os._exit(0)


def _moment(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat(timespec="seconds")
