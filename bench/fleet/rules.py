"""Real code on the simulated clock: limits and pauses, the list of closed tokens, the schedule of trainings."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet

from bench.fleet.fleet import DAY_S, Fleet, Visits
from identity.config import IdentityConfig
from identity.customers.visits.presses import Presses
from identity.errors import TooManyFailures
from identity.store import presses as press_tables
from plumbing import limits
from plumbing.clock import MINUTE, SECOND
from plumbing.closed import ClosedTokens
from plumbing.limits import Limits, TooManyRequests
from plumbing.storage.passing import ThrowawayDatabase
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.store import open_database
from recommender.store.run_locks import run_locks
from recommender.store.runs import ModelStore
from recommender.training.schedule import Scheduler, at_home, entry_of

TENANT = "chain"
MIDNIGHT_US = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * SECOND
BUSIEST = 20  # terminals whose presses go through the real limits
SCENES = ("orders", "destinations", "offers")


class SimulatedClock:
    """Microseconds of the simulated day."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> int:
        return MIDNIGHT_US + round(self.seconds * SECOND)


def rules(fleet: Fleet, visits: Visits) -> dict[str, int]:
    """A day of the busiest terminals, of opt-outs and of the schedule, with the product's own code; counts."""
    with tempfile.TemporaryDirectory(prefix="usual-fleet-") as folder:
        home = Path(folder)
        return pressed(fleet, visits, home) | closed(fleet, home) | scheduled(fleet, home)


def pressed(fleet: Fleet, visits: Visits, home: Path) -> dict[str, int]:
    """Presses of the busiest terminals: what the limits of a key and the pause after failures refuse."""
    clock = SimulatedClock()
    database = ThrowawayDatabase(home / "identity-moments.db", press_tables.migrations, limits.migrations)
    config = IdentityConfig(home=home, token_keys=[Fernet.generate_key()])
    presses, requests = Presses(press_tables.PressStore(database), config, clock), Limits(database, clock)
    most = RecommenderConfig(home, [Fernet.generate_key()]).requests_per_minute
    counts, rng = Counter({"presses": 0, "paused": 0, "limited": 0}), np.random.default_rng([16, fleet.seed])
    busiest = [terminal for terminal, _ in Counter(visits.terminal.tolist()).most_common(BUSIEST)]
    at_them = np.flatnonzero(np.isin(visits.terminal, busiest))
    try:
        for visit in at_them.tolist():
            clock.seconds = float(visits.at_s[visit])
            device = f"terminal-{visits.terminal[visit]}"
            recognised = bool(rng.random() < fleet.recognised)
            for again in range(int(visits.pictures[visit]) - 1, -1, -1):
                _press(presses, device, recognised and again == 0, hint=again > 0, counts=counts)
                clock.seconds += 2.0
            try:
                requests.allow(TENANT, f"events of key {device}", most=most, window_us=MINUTE)
            except TooManyRequests:
                counts["limited"] += 1
    finally:
        database.close()
    return {"busiest terminals": len(busiest), "visits there": len(at_them)} | dict(counts)


def _press(presses: Presses, device: str, recognised: bool, *, hint: bool, counts: Counter[str]) -> None:
    counts["presses"] += 1
    try:
        nonce, _ = presses.open(TENANT, device)
        presses.claim(TENANT, device, nonce)
    except TooManyFailures:
        counts["paused"] += 1
        return
    if hint:
        presses.unjudged(TENANT, device)
    elif recognised:
        presses.succeeded(TENANT, device)


def closed(fleet: Fleet, home: Path) -> dict[str, int]:
    """A day of opt-outs in the real list of closed tokens: how long it gets, and whether one is ever missing."""
    clock, key = SimulatedClock(), [secrets.token_bytes(32)]
    tokens = ClosedTokens(home, key, clock)
    other = ClosedTokens(home, key, clock)  # as another process reads it
    rng = np.random.default_rng([17, fleet.seed])
    moments = np.sort(DAY_S * rng.random(rng.poisson(fleet.faces * fleet.opt_outs)))
    longest = missing = 0
    try:
        for number, moment in enumerate(moments.tolist()):
            clock.seconds = moment
            name = f"{number:08d}"
            tokens.close(TENANT, name)
            missing += other.closed_until(TENANT, name) == 0
            longest = max(longest, len(other.entries()))
    finally:
        tokens.shut()
        other.shut()
    return {"opt-outs": len(moments), "longest list of closed tokens": longest, "opt-outs not seen": missing}


def scheduled(fleet: Fleet, home: Path, every_s: int = 60) -> dict[str, int]:
    """The nightly trainings with a scheduler in each replica, which looks every `every_s`: how many
    begin."""
    clock, begun = SimulatedClock(), Counter[str]()
    database = open_database(State(home))
    models = ModelStore(database, run_locks(State(home)))
    config = RecommenderConfig(home, [Fernet.generate_key()])

    def launch(tenant: str, scene: str, run_id: str) -> None:
        begun[scene] += 1
        models.end(tenant, run_id, "published", "", clock())

    entries = [
        entry_of(scene, "every night at 02:00", zone)
        for scene, (zone, _) in zip(SCENES, fleet.zones, strict=False)
    ]
    models.schedules.replace(TENANT, entries, MIDNIGHT_US - SECOND)
    schedulers = [Scheduler(config, models, launch, clock) for _ in range(max(2, fleet.replicas))]
    due = [at_home(entry, lambda _: "UTC") for entry in models.schedules.entries() if entry.enabled]
    try:
        for second in range(0, int(DAY_S), every_s):
            clock.seconds = float(second)
            for scheduler in schedulers:
                for entry in due:
                    scheduler.fire(entry)
    finally:
        models.close()
        database.close()
    return {"trainings due": len(due), "trainings begun": sum(begun.values())}
