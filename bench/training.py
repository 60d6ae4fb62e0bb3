"""Training on 50,000 to 2,000,000 events: seconds, peak memory and how both grow."""

from __future__ import annotations

import json
import math
import sys
import time
from itertools import pairwise

from bench.measure import Row, peak_mb, run_in_own_process

SIZES = (50_000, 500_000, 2_000_000)


def training(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """Each size in a process of its own. An exponent of 1 says: ten times the events, ten times the time."""
    results = {size: run_in_own_process("bench.training", str(size)) for size in sizes}
    section = f"Training orders on {sizes[0]:,} to {sizes[-1]:,} events, one thread"
    rows = []
    for size in sizes:
        rows.append(Row(section, f"{size:,} events", results[size]["seconds"], "s"))
        rows.append(Row(section, f"peak memory, {size:,} events", results[size]["peak_mb"], "MB"))
    for small, large in pairwise(sizes):
        for name, key in (("time", "seconds"), ("memory", "peak_mb")):
            exponent = math.log(results[large][key] / results[small][key]) / math.log(large / small)
            rows.append(Row(section, f"exponent of {name}, {small:,} to {large:,}", exponent, "", 1.15))
    return rows


def one(events: int) -> dict[str, float]:
    """Train once; processor seconds, because other processes' work is not this one's."""
    from data.town.town import Town
    from recommender.scene import TrainingInput
    from recommender.scenes.orders import ORDERS

    interactions, catalogue = Town.scaled(events // 20, 500, events, seed=5)
    began = time.process_time()
    ORDERS.train(TrainingInput(interactions, tuple(catalogue)), seed=0, progress=lambda what, share: None)
    seconds = time.process_time() - began
    return {"seconds": seconds, "peak_mb": peak_mb()}


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]))))
