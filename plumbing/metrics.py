"""Prometheus metrics of a server that is several processes: each counts in a file, whoever is asked adds them up.

The files hold names of metrics and numbers, and go when the server is stopped.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it


@contextmanager
def counted_together() -> Iterator[None]:
    """Within, this process and all that it starts count together."""
    with tempfile.TemporaryDirectory(prefix="usual-metrics-") as folder:
        os.environ[FOLDER] = folder
        join()
        try:
            yield
        finally:
            del os.environ[FOLDER]
            values.ValueClass = values.MutexValue


def join() -> None:
    """Count together with whoever started this process, when it said so. Before any metric is made."""
    if FOLDER in os.environ:
        values.ValueClass = values.MultiProcessValue()


def exposition(registry: CollectorRegistry) -> bytes:
    """The text that Prometheus reads: of all processes, or of the metrics in `registry`."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return generate_latest(registry)
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)
    return generate_latest(together)
