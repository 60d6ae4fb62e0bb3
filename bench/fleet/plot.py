"""Draws the simulated day."""

from __future__ import annotations

import io

import numpy as np

from bench.fleet.fleet import MINUTES, utc_curve, visits_a_day
from bench.fleet.report import Report
from plumbing.serving.silence import import_pyplot


def draw(report: Report) -> bytes:
    """As PNG: visits a second and busy processors over the day, load on each part, and what machines buy."""
    pyplot = import_pyplot()
    figure, (day, load, bought) = pyplot.subplots(3, 1, figsize=(8, 10), layout="constrained")
    hours = np.arange(MINUTES) / 60
    day.plot(hours, utc_curve(report.fleet) * visits_a_day(report.fleet) / 60, label="visits a second")
    cores = report.fleet.replicas * report.fleet.cores
    busy = [100 * sum(one[hour] for one in report.day.replicas) / 3600 / cores for hour in range(24)]
    day.bar(np.arange(24) + 0.5, busy, width=0.9, alpha=0.3, label="processors busy, %")
    day.set(xlabel="hour, UTC", ylim=(0, None))
    day.legend()
    parts = report.parts[::-1]
    load.barh([part.name for part in parts], [100 * part.used for part in parts])
    load.axvline(80, color="grey", linewidth=1)
    load.set(xlabel="% used in the busiest hour (line: full)")
    bought.plot(list(report.replicas), [faces for faces, _, _ in report.replicas.values()], marker="o")
    bought.axhline(report.fleet.peak_faces_s, color="grey", linewidth=1)
    bought.set(xlabel="replicas", ylabel="faces a second at 80 % (line: the busiest hour)", ylim=(0, None))
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    pyplot.close(figure)
    return stream.getvalue()
