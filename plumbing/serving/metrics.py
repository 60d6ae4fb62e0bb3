"""Prometheus metrics of a server of several processes: each counts in a file, and any of them adds up all files.

The files hold names of metrics and numbers. They are deleted when the server stops, or when the next one starts on
this machine after one was killed. They are in the temporary folder and not in the home: these files are written
through memory, and on a full disk that ends a process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Metric, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's name for it
PREFIX = "usual-metrics-"
IN_USE = "in-use.lock"  # held by the server whose counters are beside it

log = structlog.get_logger(__name__)


@contextmanager
def counted_together() -> Iterator[None]:
    """Inside, this process and all that it starts count together."""
    remove_left_behind()
    folder, lock = _new_folder()
    os.environ[FOLDER] = str(folder)
    join()
    try:
        yield
    finally:
        del os.environ[FOLDER]
        values.ValueClass = values.MutexValue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _new_folder() -> tuple[Path, int]:
    """A folder that nobody removes while this process or one that it starts runs; and the lock that says so."""
    draft = Path(tempfile.mkdtemp(prefix=".usual-draft-"))
    lock = os.open(draft / IN_USE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = draft.with_name(PREFIX + draft.name.removeprefix(".usual-draft-"))
    draft.rename(folder)  # under this name it has its lock from the beginning
    return folder, lock


def remove_left_behind() -> None:
    """Remove the counters of servers that were killed. Those of a running server are locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or removed meanwhile
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / IN_USE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def join() -> None:
    """Count together with the process that started this one, if it wants that. Call before any metric is made."""
    if FOLDER in os.environ:
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # the library's own gap


def exposition(registry: CollectorRegistry) -> bytes:
    """The text that Prometheus reads: of all processes, or of the metrics in `registry`."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return generate_latest(registry)
    together = CollectorRegistry()
    together.register(_Readable(Path(folder)))
    return generate_latest(together)


class _Readable(Collector):
    """The sum of all files that can be read. One that is empty (its process was killed while it made it), cut
    short or damaged is left out: the others count, and the page is answered."""

    def __init__(self, folder: Path) -> None:
        self._files = [str(path) for path in sorted(folder.glob("*.db"))]

    def collect(self) -> Iterable[Metric]:
        good = [file for file in self._files if self._merged([file]) is not None]
        together = self._merged(good)
        return [] if together is None else together

    def _merged(self, files: list[str]) -> list[Metric] | None:
        try:
            found = list(MultiProcessCollector.merge(files, accumulate=True))  # type: ignore[no-untyped-call]
            for metric in found:
                _check(metric)
        except Exception as error:  # whatever bytes are in a file: the library raises errors of many kinds
            if len(files) == 1:
                log.warning("counters_not_readable", error=type(error).__name__)
            return None
        return found


def _check(metric: Metric) -> None:
    """Raise ValueError or another error when the text format cannot say this metric."""
    lone = CollectorRegistry()
    lone.register(_One(metric))
    generate_latest(lone).decode()
    if not metric.name.isascii() or not metric.name.replace("_", "a").replace(":", "a").isalnum():
        raise ValueError("no name of a metric")


class _One(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return [self._metric]
