"""Metrics of a server that is several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from plumbing import metrics
from tests.conftest import ROOT

CHILD = """
from prometheus_client import CollectorRegistry, Counter
from plumbing import metrics
metrics.join()
Counter("visits", "Visits", registry=CollectorRegistry()).inc(2)
"""


def visit_lines(text: bytes) -> list[str]:
    return [line for line in text.decode().splitlines() if line.startswith("visits_total")]


def test_every_process_exposes_the_sum_of_all_processes() -> None:
    with metrics.counted_together():
        folder = os.environ[metrics.FOLDER]
        for _ in range(2):
            subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, check=True)
        registry = CollectorRegistry()
        Counter("visits", "Visits", registry=registry).inc()
        assert visit_lines(metrics.exposition(registry)) == ["visits_total 5.0"]

    assert not Path(folder).exists()
    alone = CollectorRegistry()
    Counter("visits", "Visits", registry=alone).inc()
    assert visit_lines(metrics.exposition(alone)) == ["visits_total 1.0"]
