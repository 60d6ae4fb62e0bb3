"""The fleet in `python -m bench --only fleet`: the busiest minutes, what breaks first, whether a day adds up."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from bench.fleet.costs import RATIO_1, RATIO_8, RECORDED_RATIOS, Costs
from bench.fleet.failures import failures
from bench.fleet.fleet import Fleet, drawn, visits_a_day
from bench.fleet.flow import Day, Simulation
from bench.fleet.growth import breaking, faces_a_second
from bench.fleet.measured import SHORT, measured
from bench.fleet.report import moment
from bench.measure import Row

DAY_TAKES_S = 60.0  # a simulated day, of processor time
SMALL = Fleet(terminals=2_000, sites=200, faces=100_000, peak_faces_s=2.8)


def section(pack: str, models: Path | None, cache: Path, *, few: bool) -> list[Row]:
    """With costs that are measured first, or the recorded ones when only `few` things are to be done."""
    costs = Costs.load() if few else measured(pack, models, cache, SHORT)
    fleet = Fleet()
    costs = costs.on_postgresql(RATIO_1, RATIO_8, RECORDED_RATIOS)
    name = (
        f"A fleet of {fleet.terminals:,} terminals, {fleet.faces:,} faces, {fleet.replicas} replicas (simulated)"
    )
    note = "costs as recorded" if few else "costs measured here"
    peak = moment(fleet, costs)
    rows = [
        Row(name, "recognition in the busiest hour, p99", peak.visit_p99, "ms", note=note),
        Row(name, "refused in the busiest hour", 100 * peak.refused, "%"),
    ]
    rows += [
        Row(name, f"{part.name}: full at growth", part.full_at, "x", note=part.load)
        for part in breaking(fleet, costs)
    ]
    rows += [
        Row(name, f"{n} replicas serve", faces_a_second(fleet, costs, n)[0], "/s", note="faces")
        for n in (1, 2, 4, 8)
    ]
    return rows + _adds_up(costs)


def _adds_up(costs: Costs) -> list[Row]:
    """A whole day of a tenth of the fleet, and its failures: who and what is missing at the end."""
    used = time.process_time()
    day = Simulation(SMALL, costs, drawn(SMALL)).run()
    used = time.process_time() - used
    failed = [one.day for one in failures(replace(SMALL, replicas=2), costs)]
    name = f"A simulated day of {SMALL.terminals:,} terminals, {day.visits:,} visits, and three failures"
    whole = used * visits_a_day(Fleet()) / max(day.visits, 1)
    return [
        Row(name, "visits that are neither answered, refused nor waiting", _missing([day, *failed]), "", 0),
        Row(name, "orders that are not recorded at the end", sum(one.unsent for one in [day, *failed]), "", 0),
        Row(name, "processor time for a day of 20,000 terminals", whole, "s", DAY_TAKES_S),
    ]


def _missing(days: list[Day]) -> int:
    return sum(abs(one.visits - one.answered - one.outcome["refused"] - one.waiting) for one in days)
