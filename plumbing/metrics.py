"""Prometheus metrics of a server of several processes: each counts in a file, and any of them adds up all files.

The files hold names of metrics and numbers. They are deleted when the server stops.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's name for it


@contextmanager
def counted_together() -> Iterator[None]:
    """Inside, this process and all that it starts count together."""
    with tempfile.TemporaryDirectory(prefix="usual-metrics-") as folder:
        os.environ[FOLDER] = folder
        join()
        try:
            yield
        finally:
            del os.environ[FOLDER]
            values.ValueClass = values.MutexValue


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
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)
