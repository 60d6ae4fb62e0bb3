"""A process that serves gives back what it does not use."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest

from plumbing.serving import memory

BETWEEN = """
import sys
import numpy as np
from pathlib import Path
from plumbing.serving import memory

def resident():
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

memory.share_pool()
pictures, small = [], []
for _ in range(16):
    pictures.append(np.ones(3_700_000, np.uint8))
    small.append(np.ones(10_000, np.uint8))
full = resident()
pictures.clear()
kept = resident()
memory.trim()
print(full - kept, full - resident(), "asyncio" in sys.modules)
"""


def test_memory_between_small_things_goes_back_too() -> None:
    """Of 59 MB of pictures with something small behind each, the C library by itself keeps most.

    Engines and decoders use the module, too: it must not load what they do not need."""
    said = subprocess.run([sys.executable, "-c", BETWEEN], capture_output=True, text=True, check=True).stdout
    by_itself, trimmed, heavy = said.split()

    assert int(by_itself) < 15
    assert int(trimmed) > 45
    assert heavy == "False"


def test_it_is_done_again_and_again_while_the_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory, "trim", lambda: done.append("trimmed"))
    monkeypatch.setattr(memory, "TRIM_S", 0.001)

    async def run() -> None:
        memory.keep_trimmed(asyncio.get_running_loop())
        while len(done) < 3:
            await asyncio.sleep(0)

    asyncio.run(run())

    assert done[:3] == ["trimmed"] * 3


def test_it_is_done_less_often_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can allocate meanwhile: at most a thousandth of the time goes into it."""
    now, pauses = [0.0], []
    loop = SimpleNamespace(time=lambda: now[0], call_later=lambda pause, *_: pauses.append(pause))
    for took in (0.002, 0.4):
        monkeypatch.setattr(memory, "trim", lambda took=took: now.append(now.pop() + took))
        memory.keep_trimmed(loop)  # type: ignore[arg-type]

    assert pauses == [memory.TRIM_S, pytest.approx(400)]
