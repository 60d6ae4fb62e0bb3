"""The fleet that is simulated, and its day: when and where visits come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTES = 1440
DAY_S = 86_400.0
MEALS = ((8.0, 1.0, 0.18), (12.5, 1.0, 0.42), (18.75, 1.4, 0.40))
"""Breakfast, lunch and dinner: local hour, width in hours, share of the day's visits."""

OPEN_FROM, OPEN_UNTIL = 6, 23


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is assumed. Every figure that is not measured stands here."""

    terminals: int = 20_000
    sites: int = 2_000
    faces: int = 1_000_000  # templates, all of one tenant
    searched: float = 1.0  # share of the templates that a press is compared with
    peak_faces_s: float = 28.0  # pictures of faces that are looked at, a second, in the busiest hour
    faced: float = 0.5  # share of visits that begin with a press
    pictures: tuple[float, ...] = (0.85, 0.12, 0.03)  # shares of presses that take one, two, three tries
    recognised: float = 0.8  # of the presses with a face: the rest are strangers
    lines: float = 2.0  # of an order
    zones: tuple[tuple[str, float], ...] = (("Europe/Lisbon", 0.2), ("Europe/Berlin", 0.5), ("Europe/Athens", 0.3))
    opt_outs: float = 0.0005  # of all customers, a day
    history_days: int = 90  # that the nightly training looks at
    replicas: int = 2
    cores: int = 2  # of each replica
    processes: int = 2  # of the server, on each replica
    threads: int = 3  # for recognition, of each process (USUAL_THREADS)
    seed: int = 14

    @property
    def tries(self) -> float:
        """Pictures of an average visit with a face."""
        return sum((n + 1) * share for n, share in enumerate(self.pictures))

    @property
    def peak_visits_s(self) -> float:
        """Visits a second in the busiest hour."""
        return self.peak_faces_s / self.tries / self.faced


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of a day (or a part of it) in the order in which they come; arrays of shape (n,)."""

    at_s: NDArray[np.float64]  # since midnight UTC
    terminal: NDArray[np.int32]
    pictures: NDArray[np.int8]  # 0: a guest who did not press
    think_s: NDArray[np.float32]  # from the suggestions to the order

    def __len__(self) -> int:
        return len(self.at_s)

    def between(self, from_s: float, until_s: float) -> Visits:
        """Those that come in [from_s, until_s)."""
        first, last = np.searchsorted(self.at_s, (from_s, until_s))
        part = slice(int(first), int(last))
        return Visits(self.at_s[part], self.terminal[part], self.pictures[part], self.think_s[part])


def local_curve() -> NDArray[np.float64]:
    """Share of a site's visits in each minute of its local day, (1440,); the sum is 1."""
    hour = (np.arange(MINUTES) + 0.5) / 60
    curve = sum(share / width * np.exp(-(((hour - at) / width) ** 2) / 2) for at, width, share in MEALS)
    curve = np.where((hour >= OPEN_FROM) & (hour < OPEN_UNTIL), curve + 0.01, 0.0)
    return np.asarray(curve / curve.sum())


def offset_minutes(zone: str) -> int:
    """How far a zone is ahead of UTC on the simulated day (in November: no summer time)."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    ahead = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo(zone)).utcoffset()
    return round(ahead.total_seconds() / 60) if ahead is not None else 0


def utc_curve(fleet: Fleet) -> NDArray[np.float64]:
    """Share of the fleet's visits in each minute UTC, (1440,)."""
    local = local_curve()
    return np.asarray(sum(share * np.roll(local, -offset_minutes(zone)) for zone, share in fleet.zones))


def peak_hour(fleet: Fleet) -> tuple[float, float]:
    """When the busiest hour begins (seconds UTC) and its share of the day's visits."""
    curve = utc_curve(fleet)
    hours = np.convolve(np.r_[curve, curve[:59]], np.ones(60), "valid")
    return 60.0 * int(np.argmax(hours)), float(hours.max())


def visits_a_day(fleet: Fleet) -> float:
    """So many visits that the busiest hour has `peak_faces_s`."""
    return fleet.peak_visits_s * 3600 / peak_hour(fleet)[1]


def drawn(fleet: Fleet, from_s: float = 0.0, until_s: float = DAY_S, growth: float = 1.0) -> Visits:
    """The visits of a day or a part of it, `growth` times as many; the same for the same seed."""
    rng = np.random.default_rng([14, fleet.seed])
    sites = _sites(fleet)
    weight = rng.gamma(4.0, 1.0, fleet.sites)
    ahead = np.array([60 * offset_minutes(zone) for zone, _ in fleet.zones])
    share_of_zone = np.bincount(sites, weight, len(ahead))
    whole, cumulated = visits_a_day(fleet) * growth, np.r_[0.0, np.cumsum(local_curve())]
    at, terminal = [], []
    for zone, shift in enumerate(ahead):
        own = np.flatnonzero(sites == zone)
        edges = np.interp(((np.array([from_s, until_s]) + shift) / 60), np.arange(MINUTES + 1), cumulated)
        late = until_s + shift > DAY_S  # the end of the UTC day is the beginning of the next local one
        spans = [(edges[0], edges[1] if not late else 1.0)]
        if late:
            over = np.interp((until_s + shift - DAY_S) / 60, np.arange(MINUTES + 1), cumulated)
            spans.append((1.0, 1.0 + float(over)))
        zone_visits = whole * share_of_zone[zone] / weight.sum()
        for low, high in spans:
            n = int(rng.poisson(zone_visits * (high - low)))
            where = np.interp((low + (high - low) * rng.random(n)) % 1.0, cumulated, np.arange(MINUTES + 1))
            at.append(60 * where - shift + (DAY_S if low >= 1.0 else 0.0))
            cumulated_weight = np.cumsum(weight[own]) / weight[own].sum()
            site = own[np.searchsorted(cumulated_weight, rng.random(n)).clip(max=len(own) - 1)]
            each = fleet.terminals // fleet.sites
            terminal.append(site * each + rng.integers(0, each, n))
    at_s, terminals = np.concatenate(at), np.concatenate(terminal)
    order = np.argsort(at_s, kind="stable")
    tries = 1 + rng.choice(len(fleet.pictures), len(order), p=fleet.pictures)
    pictures = np.where(rng.random(len(order)) < fleet.faced, tries, 0).astype(np.int8)
    think = (15 + 60 * rng.random(len(order))).astype(np.float32)
    return Visits(at_s[order], terminals[order].astype(np.int32), pictures, think)


def _sites(fleet: Fleet) -> NDArray[np.int64]:
    """The zone of each site, (sites,): the first share of them lies in the first zone, and so on."""
    bounds = np.cumsum([share for _, share in fleet.zones])
    return np.searchsorted(bounds, (np.arange(fleet.sites) + 0.5) / fleet.sites)
