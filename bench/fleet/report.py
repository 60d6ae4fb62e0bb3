"""Everything of one run together: the day, the growth, the failures; as tables and as JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bench.fleet.costs import KINDS, Costs
from bench.fleet.failures import Failure, failures
from bench.fleet.fleet import DAY_S, Fleet, drawn, peak_hour, visits_a_day
from bench.fleet.flow import Day, Simulation
from bench.fleet.growth import (
    GROWTHS,
    Part,
    breaking,
    disk_gb_a_day,
    faces_a_second,
    grown,
    million_visits,
    parts,
)
from bench.fleet.rules import rules

REPLICAS = range(1, 9)
MOMENT_S = 120.0  # of the busiest hour that is simulated for each growth and each number of replicas
LATE_S = 0.3  # a recognition is answered within this


@dataclass(frozen=True, slots=True)
class Moment:
    """A part of the busiest hour. Times in milliseconds; refused: share of presses and recognitions."""

    faces_s: float
    visit_p50: float
    visit_p99: float
    waited_p99: float
    refused: float
    late: float  # share of recognitions that took longer than LATE_S


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found."""

    fleet: Fleet
    costs: Costs
    day: Day
    peak: Moment
    waits: dict[str, tuple[float, float, float, float]]  # whole p50, p99; waited p50, p99; milliseconds
    parts: list[Part]
    growths: dict[int, Moment]
    replicas: dict[int, tuple[float, str, Moment]]
    failures: list[Failure]
    rules: dict[str, int]
    took_s: float


Progress = Callable[[str], None]


def run(fleet: Fleet, costs: Costs, say: Progress = lambda what: None) -> Report:
    """Simulate all of it. The same fleet, seed and costs give the same figures, `took_s` apart."""
    began = time.perf_counter()
    begins, _ = peak_hour(fleet)
    say(f"a day of {visits_a_day(fleet):,.0f} visits")
    visits = drawn(fleet)
    day = Simulation(fleet, costs, visits, (begins, begins + 3600)).run()
    took_s = time.perf_counter() - began
    say("limits, closed tokens and schedule on the simulated clock")
    kept = rules(fleet, visits)
    say("growth")
    growths = {growth: moment(grown(fleet, growth), costs) for growth in GROWTHS}
    say("one to eight replicas")
    several = {n: (*faces_a_second(fleet, costs, n), moment(replace(fleet, replicas=n), costs)) for n in REPLICAS}
    say("failures")
    return Report(
        fleet=fleet,
        costs=costs,
        day=day,
        peak=_moment_of(day, fleet.peak_faces_s),
        waits={kind: _waits(day, kind) for kind in KINDS},
        parts=breaking(fleet, costs),
        growths=growths,
        replicas=several,
        failures=failures(fleet, costs),
        rules=kept,
        took_s=took_s,
    )


def moment(fleet: Fleet, costs: Costs, seconds: float = MOMENT_S) -> Moment:
    """The middle of the busiest hour, simulated alone."""
    begins = peak_hour(fleet)[0] + 1800
    visits = drawn(fleet, begins, begins + seconds)
    day = Simulation(fleet, costs, visits, (begins, begins + seconds)).run(begins + seconds)
    return _moment_of(day, float(visits.pictures.sum()) / seconds)


def _moment_of(day: Day, faces_s: float) -> Moment:
    whole, waited = (np.array(part or [0.0]) for part in (day.waits["visit"].whole, day.waits["visit"].waited))
    asked = day.requests["press"] + day.requests["visit"]
    middle, longest = np.percentile(whole, (50, 99))
    return Moment(
        faces_s,
        1000 * float(middle),
        1000 * float(longest),
        1000 * float(np.percentile(waited, 99)),
        (day.shed["press"] + day.shed["visit"]) / max(asked, 1),
        float(np.mean(whole > LATE_S)),
    )


def _waits(day: Day, kind: str) -> tuple[float, float, float, float]:
    kept = day.waits[kind]
    found = [np.percentile(part or [0.0], (50, 99)) * 1000 for part in (kept.whole, kept.waited)]
    return float(found[0][0]), float(found[0][1]), float(found[1][0]), float(found[1][1])


# --- as text -----------------------------------------------------------------------------------------


def as_text(report: Report) -> str:
    """Every table, one after the other."""
    tables = (_assumed, _day, _peak, _first, _growths, _machines, _failed, _real, _million)
    return "\n\n".join(table(report) for table in tables)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    return "\n".join([title, *("  " + line.rstrip() for line in lines)])


def _assumed(report: Report) -> str:
    fleet, costs = report.fleet, report.costs
    rows = [
        (kind, f"{one.server_ms:.1f}", f"{one.engine_ms:.1f}", f"{one.bytes_in:,}", f"{one.commits}")
        for kind, one in costs.requests.items()
    ]
    title = (
        f"A fleet of {fleet.terminals:,} terminals in {fleet.sites:,} sites, {fleet.faces:,} templates of one"
        f" tenant, {fleet.replicas} replicas of {fleet.cores} processors, state in {costs.state}\n"
        f"Costs of a request: {costs.where}"
        + (f"\nPostgreSQL: {costs.postgresql}" if costs.postgresql else "")
        + f"\nOne search of the gallery: {costs.scan(fleet.faces * fleet.searched):.1f} ms of processor time"
    )
    return _table(title, ("request", "server ms", "engine ms", "bytes in", "commits"), rows)


def _day(report: Report) -> str:
    day = report.day
    title = (
        f"The day: {day.visits:,} visits = {day.answered:,} answered + {day.outcome['refused']:,} refused"
        f" + {day.waiting:,} waiting; {day.orders:,} orders = {day.recorded:,} recorded + {day.unsent:,} unsent"
        f" (simulated in {report.took_s:.0f} s)"
    )
    cores = report.fleet.replicas * report.fleet.cores
    rows = []
    for hour in range(int(DAY_S) // 3600):
        busy = sum(hours[hour] for hours in report.day.replicas) / 3600 / cores
        rows.append((f"{hour:02d}:00", f"{100 * busy:5.1f} %", "#" * round(40 * busy)))
    return _table(title, ("UTC", "processors", "busy"), rows)


def _peak(report: Report) -> str:
    rows = [
        (kind, *(f"{value:.1f}" for value in values), f"{report.day.shed[kind]:,}")
        for kind, values in report.waits.items()
    ]
    head = ("request", "p50 ms", "p99 ms", "waited p50", "waited p99", "refused in the day")
    return _table("The busiest hour: time of a request in the centre, and the waiting in it", head, rows)


def _first(report: Report) -> str:
    rows = [(part.name, f"{100 * part.used:.1f} %", part.load, f"x {part.full_at:.2g}") for part in report.parts]
    title = (
        "Load on each part in the busiest hour, and the growth at which it is full (80 %), first to break first"
    )
    return _table(title, ("part", "used", "load", "full at"), rows)


def _growths(report: Report) -> str:
    used = {
        growth: max(
            (part for part in parts(grown(report.fleet, growth), report.costs) if "training" not in part.name),
            key=lambda part: part.used,
        )
        for growth in report.growths
    }
    rows = [
        (f"x {growth}", *_cells(one), f"{used[growth].name}, {100 * used[growth].used:.0f} %")
        for growth, one in report.growths.items()
    ]
    head = ("growth", "faces/s", "p50 ms", "p99 ms", "late", "refused", "fullest part")
    return _table("The same machines, with so many times the customers, sites and visits", head, rows)


def _machines(report: Report) -> str:
    rows = [
        (
            f"{n}",
            f"{faces:.0f}",
            f"{faces - (report.replicas[n - 1][0] if n > 1 else 0):.0f}",
            first,
            *_cells(one)[1:],
        )
        for n, (faces, first, one) in report.replicas.items()
    ]
    head = ("replicas", "faces/s at 80 %", "the last bought", "full first", "p50 ms", "p99 ms", "late", "refused")
    return _table(
        f"What the next machine buys, and waiting at {report.fleet.peak_faces_s:.0f} faces/s", head, rows
    )


def _cells(one: Moment) -> tuple[str, str, str, str, str]:
    shares = (f"{100 * one.late:.1f} %", f"{100 * one.refused:.1f} %")
    return f"{one.faces_s:.0f}", f"{one.visit_p50:.0f}", f"{one.visit_p99:.0f}", *shares


def _failed(report: Report) -> str:
    lines = [f"  {one.name}: {one.says}" for one in report.failures]
    return "\n".join(["Failures in the busiest hour", *lines])


def _real(report: Report) -> str:
    return "\n".join(
        [
            "The product's own rules on the simulated clock",
            *(f"  {name}: {value:,}" for name, value in report.rules.items()),
        ]
    )


def _million(report: Report) -> str:
    rows = [(name, f"{value:.2f}") for name, value in million_visits(report.fleet, report.costs).items()]
    rows.append(("database grows in a day by, GB", f"{disk_gb_a_day(report.fleet, report.costs):.2f}"))
    return _table("A million visits use", ("what", "how much"), rows)


def as_json(report: Report) -> dict[str, Any]:
    """The same for a machine to read."""
    day = report.day
    return {
        "fleet": asdict(report.fleet),
        "costs": asdict(report.costs),
        "day": {
            "visits": day.visits,
            "outcome": dict(day.outcome),
            "waiting": day.waiting,
            "orders": day.orders,
            "recorded": day.recorded,
            "requests": dict(day.requests),
            "shed": dict(day.shed),
            "processors_busy_s": [[round(value, 3) for value in hours] for hours in day.replicas],
        },
        "peak": asdict(report.peak),
        "waits_ms": report.waits,
        "parts": [asdict(part) for part in report.parts],
        "growths": {growth: asdict(one) for growth, one in report.growths.items()},
        "replicas": {n: [faces, first, asdict(one)] for n, (faces, first, one) in report.replicas.items()},
        "failures": {one.name: one.says for one in report.failures},
        "rules": report.rules,
        "million_visits": million_visits(report.fleet, report.costs),
    }
