"""Training on 50,000 and 500,000 events: seconds, peak memory and how both grow."""

from __future__ import annotations

import json
import math
import sys
import time

from bench.measure import Row, apart, peak_mb

SIZES = (50_000, 500_000)


def training(sizes: tuple[int, int] = SIZES) -> list[Row]:
    """Each size in a process of its own. An exponent of 1 says: ten times the events, ten times the time."""
    small, large = (apart("bench.training", str(size)) for size in sizes)
    growth = math.log(sizes[1] / sizes[0])
    section = f"Training orders on {sizes[0]:,} and {sizes[1]:,} events, one thread"
    return [
        Row(section, f"{sizes[0]:,} events", small["seconds"], "s"),
        Row(section, f"{sizes[1]:,} events", large["seconds"], "s"),
        Row(section, "exponent of time", math.log(large["seconds"] / small["seconds"]) / growth, "", 1.15),
        Row(section, f"peak memory, {sizes[0]:,} events", small["peak_mb"], "MB"),
        Row(section, f"peak memory, {sizes[1]:,} events", large["peak_mb"], "MB"),
        Row(section, "exponent of memory", math.log(large["peak_mb"] / small["peak_mb"]) / growth, "", 1.15),
    ]


def one(events: int) -> dict[str, float]:
    """Train once; processor seconds, because other processes' work is not this one's."""
    from data.town import Town
    from recommender.scenes.registry import SCENES

    interactions, catalogue = Town.scaled(events // 20, 500, events, seed=5)
    scene = SCENES["orders"]  # imported before the stopwatch starts
    began = time.process_time()
    scene.train(interactions, catalogue, seed=0, progress=lambda what, share: None)
    seconds = time.process_time() - began
    return {"seconds": seconds, "peak_mb": peak_mb()}


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]))))
