"""Draws the curve of a calibration."""

from __future__ import annotations

import io

from identity.evaluation.curve import Scored, curve
from plumbing.serving.silence import import_pyplot


def draw_curve(scores: Scored, threshold: float | None = None) -> bytes:
    """The curve as PNG: both shares with their intervals at each threshold, and a line at `threshold`."""
    pyplot = import_pyplot()
    points = curve(scores)
    at = [p.threshold for p in points]
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    axes.plot(at, [100 * p.fpir for p in points], label="strangers greeted")
    low, high = zip(*[p.fpir_interval for p in points], strict=True)
    axes.fill_between(at, [100 * v for v in low], [100 * v for v in high], alpha=0.25)
    missed = [(p.threshold, p.fnir, p.fnir_interval) for p in points if p.fnir is not None and p.fnir_interval]
    if missed:
        x, y, bounds = zip(*missed, strict=True)
        axes.plot(x, [100 * v for v in y], linestyle="--", label="customers missed")
        axes.fill_between(x, [100 * b[0] for b in bounds], [100 * b[1] for b in bounds], alpha=0.25)
    if threshold is not None:
        axes.axvline(threshold, color="grey", linewidth=1)
    axes.set(xlabel="threshold (line: the current one)", ylabel="% of people", ylim=(0, 50))
    axes.legend()
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    pyplot.close(figure)
    return stream.getvalue()
