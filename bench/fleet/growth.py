"""Load on each part by arithmetic: what is full at which growth, and what the next machine buys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bench.fleet.costs import Costs
from bench.fleet.fleet import Fleet, visits_a_day

GROWTHS = (1, 2, 5, 10)
LINE_MB_S = 125.0  # a line of 1 Gbit/s into the centre
MACHINE_MB = 8 * 1024.0  # memory of a replica
DATABASE_CORES = 2  # the database has a machine like a replica
NIGHT_S = 5 * 3600.0  # the training begins at 02:00 and is to be done at 07:00
FULL = 0.8
"""A part that is used more than this is full: waiting grows without bound soon after."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the fleet at its busiest hour. `full_at` is the growth at which it is full."""

    name: str
    used: float  # share of what it can do
    load: str
    full_at: float = 0.0


def grown(fleet: Fleet, growth: float) -> Fleet:
    """As many times the terminals, sites, customers and visits, on the same machines."""
    return replace(
        fleet,
        terminals=round(fleet.terminals * growth),
        sites=round(fleet.sites * growth),
        faces=round(fleet.faces * growth),
        peak_faces_s=fleet.peak_faces_s * growth,
    )


def requests_s(fleet: Fleet) -> dict[str, float]:
    """Requests of each kind a second in the busiest hour."""
    faces, visits = fleet.peak_faces_s, fleet.peak_visits_s
    return {"press": faces, "visit": faces, "suggestion": visits * (1 - fleet.faced), "event": visits}


def parts(fleet: Fleet, costs: Costs) -> list[Part]:
    """Every part at the busiest hour."""
    rates = requests_s(fleet)
    of = costs.requests
    server_s = sum(rate * of[kind].server_ms for kind, rate in rates.items()) / 1000
    scan_s = rates["visit"] * costs.scan(fleet.faces * fleet.searched) / 1000
    engine_s = rates["visit"] * of["visit"].engine_ms / 1000
    commits = sum(rate * of[kind].commits for kind, rate in rates.items())
    reads = sum(rate * (of[kind].reads + of[kind].marks) for kind, rate in rates.items())
    bytes_s = sum(rate * of[kind].bytes_in for kind, rate in rates.items())
    cores, processes = fleet.replicas * fleet.cores, fleet.replicas * fleet.processes
    memory = costs.server_mb + fleet.processes * fleet.faces * costs.template_bytes / 2**20
    lines = trained_lines(fleet)
    commits_s = costs.commits_s if costs.state == "postgresql" else 1000 / costs.commit_ms
    found = [
        Part(
            "processors of the replicas",
            (server_s + scan_s + engine_s) / cores,
            f"{server_s + scan_s + engine_s:.2f} of {cores}, {scan_s:.2f} of it searching the gallery",
        ),
        Part("engine processes", engine_s / processes, f"{engine_s:.2f} of {processes}"),
        Part(
            "server's threads (one interpreter each)", (server_s + scan_s) / processes, f"of {processes} processes"
        ),
        Part("database: commits", commits / commits_s, f"{commits:.0f}/s of {commits_s:.0f}/s"),
        Part("network in", bytes_s / 1e6 / LINE_MB_S, f"{bytes_s / 1e6:.1f} MB/s of {LINE_MB_S:.0f} MB/s"),
        Part(
            "memory of a replica", memory / MACHINE_MB, f"{memory / 1024:.1f} GiB of {MACHINE_MB / 1024:.0f} GiB"
        ),
        Part(
            "nightly training, one process",
            lines * costs.train_s / 1e6 / NIGHT_S,
            f"{lines / 1e6:.0f} million lines: {lines * costs.train_s / 3.6e9:.1f} h of {NIGHT_S / 3600:.0f} h",
        ),
    ]
    if costs.state == "postgresql":
        queries = Part(
            "database: small queries and marks",
            reads * costs.read_ms / 1000 / DATABASE_CORES,
            f"{reads:.0f}/s of {1000 * DATABASE_CORES / costs.read_ms:.0f}/s",
        )
        found.insert(4, queries)
    return found


def trained_lines(fleet: Fleet) -> float:
    """Order lines that the nightly training looks at: those of customers, not of guests."""
    share = fleet.faced * fleet.recognised
    return visits_a_day(fleet) * share * fleet.lines * fleet.history_days


def breaking(fleet: Fleet, costs: Costs) -> list[Part]:
    """The parts with the growth at which each is full, first to break first."""

    def used(number: int, growth: float) -> float:
        return parts(grown(fleet, growth), costs)[number].used

    found = [
        replace(part, full_at=_full_at(partial(used, number))) for number, part in enumerate(parts(fleet, costs))
    ]
    return sorted(found, key=lambda part: part.full_at)


def _full_at(used: Callable[[float], float]) -> float:
    """The growth at which a part is used by FULL; halving between 1/64 and 4096."""
    low, high = 1 / 64, 4096.0
    for _ in range(48):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if used(middle) > FULL else (middle, high)
    return low


def faces_a_second(fleet: Fleet, costs: Costs, replicas: int) -> tuple[float, str]:
    """How many faces a second so many replicas serve before the first part that serves requests is full (with the
    same gallery), and which part that is."""
    several = replace(fleet, replicas=replicas)
    serving = [part for part in parts(several, costs) if "training" not in part.name and "memory" not in part.name]
    first = max(serving, key=lambda part: part.used)
    return fleet.peak_faces_s * FULL / first.used, first.name


def million_visits(fleet: Fleet, costs: Costs) -> dict[str, float]:
    """What a million visits use: processor hours by part, gigabytes in, gigabytes that stay."""
    of, tries = costs.requests, fleet.faced * fleet.tries
    per_visit = {"press": tries, "visit": tries, "suggestion": 1 - fleet.faced, "event": 1.0}
    server = sum(n * of[kind].server_ms for kind, n in per_visit.items())
    scan, engine = tries * costs.scan(fleet.faces * fleet.searched), tries * of["visit"].engine_ms
    bytes_in = sum(n * of[kind].bytes_in for kind, n in per_visit.items())
    trained = (
        fleet.faced * fleet.recognised * fleet.lines * fleet.history_days * costs.train_s
    )  # each line, 90 nights
    return {
        "server, processor hours": server / 3.6,
        "gallery, processor hours": scan / 3.6,
        "engine, processor hours": engine / 3.6,
        "training, processor hours": trained / 3600,
        "network in, GB": bytes_in / 1000,
        "database grows by, GB": costs.event_bytes / 1000,
    }


def disk_gb_a_day(fleet: Fleet, costs: Costs) -> float:
    """Gigabytes that the recommender's database grows by in a day."""
    return visits_a_day(fleet) * costs.event_bytes / 1e9
