"""What happens to a fleet at its busiest hour when something fails."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.fleet.costs import Costs
from bench.fleet.fleet import Fleet, drawn, peak_hour
from bench.fleet.flow import Day, Simulation

WINDOW_S = 600.0
FAILS_AT_S = 120.0
LOST_S, AWAY_S, CUT_S = 60.0, 30.0, 300.0
CUT_SITES = 100
DRAIN_S = 900.0  # after the window: screens and boxes send what they kept


@dataclass(frozen=True, slots=True)
class Failure:
    """One scenario and what came of it."""

    name: str
    day: Day
    says: str


def failures(fleet: Fleet, costs: Costs, seconds: float = WINDOW_S) -> list[Failure]:
    """A replica lost, the database away, the line of 100 sites cut: each alone, at the busiest hour."""
    return [
        _replica_lost(replace(fleet, replicas=max(2, fleet.replicas)), costs, seconds),
        _database_away(fleet, costs, seconds),
        _line_cut(fleet, costs, seconds),
    ]


def _prepared(fleet: Fleet, costs: Costs, seconds: float) -> tuple[Simulation, float]:
    begins, _ = peak_hour(fleet)
    return Simulation(fleet, costs, drawn(fleet, begins, begins + seconds), (begins, begins + seconds)), begins


def _replica_lost(fleet: Fleet, costs: Costs, seconds: float) -> Failure:
    simulation, begins = _prepared(fleet, costs, seconds)
    at, replica = begins + FAILS_AT_S, simulation.replicas[0]

    def back() -> None:
        replica.up = True

    simulation.at(at, lambda: replica.lose(at + LOST_S))
    simulation.at(at + LOST_S, back)
    day = simulation.run(begins + seconds + DRAIN_S)
    says = (
        f"{sum(day.lost.values())} requests in flight lost, {day.outcome['turned_guest']} visits went on as"
        f" guests, {sum(day.shed.values())} refused by lanes, {day.again} orders sent again,"
        f" {day.doubled} answered as duplicates, {day.unsent} orders missing at the end"
    )
    return Failure(f"one of {fleet.replicas} replicas lost for {LOST_S:.0f} s", day, says)


def _database_away(fleet: Fleet, costs: Costs, seconds: float) -> Failure:
    simulation, begins = _prepared(fleet, costs, seconds)
    at = begins + FAILS_AT_S
    simulation.store.away = (at, at + AWAY_S)
    day = simulation.run(begins + seconds + DRAIN_S)
    says = (
        f"{day.outcome['turned_guest']} visits went on as guests, {day.outcome['refused']} had the menu alone,"
        f" {day.most_unsent} orders waited on screens at most,"
        f" {day.again} sent again, {day.unsent} missing at the end"
    )
    return Failure(f"database away for {AWAY_S:.0f} s", day, says)


def _line_cut(fleet: Fleet, costs: Costs, seconds: float) -> Failure:
    simulation, begins = _prepared(fleet, costs, seconds)
    sites = min(CUT_SITES, max(1, fleet.sites // 20))
    at = begins + FAILS_AT_S
    first = fleet.sites // 2  # in the largest zone
    simulation.cut(range(first, first + sites), at, at + CUT_S)
    day = simulation.run(begins + seconds + DRAIN_S)
    bytes_of_one = costs.requests["event"].bytes_in
    drained = max(0.0, day.boxes_empty_at - at - CUT_S)
    says = (
        f"{day.outcome['at_the_box']} visits answered by boxes, {day.in_boxes} orders in outboxes"
        f" ({day.in_boxes / CUT_S:.1f}/s, {day.in_boxes * bytes_of_one / 1e6:.2f} MB in all),"
        f" {day.most_in_a_box} in the fullest, the last was sent {drained:.1f} s after the line's return;"
        f" {day.unsent} missing at the end"
    )
    return Failure(f"the line of {sites} sites cut for {CUT_S:.0f} s", day, says)
