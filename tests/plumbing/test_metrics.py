"""Metrics of a server that is several processes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from plumbing.serving import metrics
from tests.conftest import ROOT

CHILD = """
from prometheus_client import CollectorRegistry, Counter
from plumbing.serving import metrics
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


GOOD = json.dumps(["visits", "visits_total", {}, "Visits"]).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counter_7.db", b""),
        ("counter_7.db", b"\x00\x00\x00"),
        ("counter_7.db", struct.pack("ii", 100_000, 0) + b"x" * 50),
        ("counter_7.db", struct.pack("iii", 60, 0, -8) + b"\xff" * 60),
        ("counter_7.db", struct.pack("iii", 16 + len(GOOD), 0, len(GOOD)) + GOOD),
        ("counter_7.db", bytes(range(256)) * 64),
        (
            "gauge_7.db",
            struct.pack("iii", 28 + len(GOOD), 0, len(GOOD)) + GOOD.ljust(len(GOOD) + 8) + b"\x00" * 16,
        ),
        (
            "nonsense.db",
            struct.pack("iii", 28 + len(GOOD), 0, len(GOOD)) + GOOD.ljust(len(GOOD) + 8) + b"\x00" * 16,
        ),
    ],
    ids=("empty", "three bytes", "too long", "negative", "no value", "garbage", "no process", "no kind"),
)
def test_a_file_that_cannot_be_read_is_left_out(name: str, content: bytes) -> None:
    """Empty (its process was killed in between), cut short, garbage: the page is answered all the same."""
    with metrics.counted_together():
        registry = CollectorRegistry()
        Counter("visits", "Visits", registry=registry).inc(3)
        (Path(os.environ[metrics.FOLDER]) / name).write_bytes(content)

        assert visit_lines(metrics.exposition(registry)) == ["visits_total 3.0"]


def test_counters_of_killed_servers_are_removed_and_those_of_running_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "from plumbing.serving import metrics\n"
        "with metrics.counted_together():\n    print('in', flush=True)\n    input()"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for server in servers:
        assert server.stdout is not None
        server.stdout.readline()
    assert len(list(tmp_path.iterdir())) == 2
    servers[0].kill()
    servers[0].communicate()

    with metrics.counted_together():
        assert len(list(tmp_path.iterdir())) == 2  # that of the running server, and our own
    servers[1].communicate(b"\n")

    assert list(tmp_path.iterdir()) == []
