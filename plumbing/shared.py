"""What the routes of both halves work with: keys, rate limits, remembered replies, metrics, the time."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry, Counter

from plumbing import idempotency, limits
from plumbing.access import access, device_figures
from plumbing.access.dialects import Dialects
from plumbing.access.heard import Listened
from plumbing.access.record_key import REPLIES, record_key
from plumbing.access.token_keys import FILE as TOKENS
from plumbing.access.token_keys import TokenKeys
from plumbing.clock import MINUTE, Clock
from plumbing.dialect_peers import PeersOfDialects
from plumbing.people import people
from plumbing.people.sealing import FILE as PEOPLE
from plumbing.people.sealing import Sealing
from plumbing.rides import rides
from plumbing.security.log import SILENT, SecurityLog
from plumbing.server_clock import clock_of
from plumbing.steady import SteadyClock, steady
from plumbing.storage import machines
from plumbing.storage.database import Database
from plumbing.storage.files import load_or_create_secret, private_home
from plumbing.storage.moved import require_finished
from plumbing.storage.state import State
from plumbing.webhooks.tables import addresses, sending
from plumbing.webhooks.webhooks import Webhooks

log = structlog.get_logger(__name__)


LASTING = (access.migrations, people.migrations, addresses)
"""The tables of access.db."""


@dataclass(frozen=True)
class Shared:
    """One for each application. `token_keys` are the Fernet keys of recognition tokens, newest first."""

    access: access.Access
    people: people.People
    limits: limits.Limits
    once: idempotency.Idempotency
    registry: CollectorRegistry
    rides: rides.Rides
    webhooks: Webhooks
    dialects: Dialects
    peers: PeersOfDialects
    token_keys: Sequence[bytes]
    now_us: SteadyClock
    databases: tuple[Database, ...]

    @classmethod
    def open(cls, state: State, now_us: Clock, security_log: SecurityLog = SILENT) -> Self:
        """Open the keys of devices, what is kept for minutes, and the secrets of the home; made when absent."""
        home = state.home
        if narrowed := private_home(home):
            log.warning("home_could_be_read_by_others", files=narrowed)
        lasting = state.database("access", *LASTING)
        require_finished(home, lasting if state.is_shared else None)
        clock = steady(clock_of(lasting, now_us, shared=state.is_shared), home)
        registry = CollectorRegistry()
        jumps = Counter("usual_clock_jumps", "Jumps of the machine's clock", ["way"], registry=registry)

        def jumped(way: str) -> None:
            jumps.labels(way).inc()
            security_log.note("clock_jump", way=way)

        clock.on_jump = jumped
        passing = _passing(state)
        token_keys = TokenKeys(home, clock)
        replies = load_or_create_secret(home / REPLIES, Fernet.generate_key())
        seal = load_or_create_secret(home / PEOPLE, Fernet.generate_key())
        found = {TOKENS: token_keys.all_lines(), REPLIES: [replies], PEOPLE: [seal]}
        machines.require_same(state, "access", found)
        listened, counters = Listened(security_log, clock), limits.Limits(passing, clock)
        staff = people.People(lasting, clock, listened, sealing=Sealing(seal, clock), limits=counters)
        keys = access.Access(lasting, clock, listened)
        keys.signed_in, keys.why_ended = staff.caller, staff.why_ended
        keys.figures = device_figures.DeviceFigures(passing, clock)
        keys.record.key = record_key(replies)
        listened.listen(keys.record, clock)
        atexit.register(listened.close)  # the last half second is not lost when the server ends
        return cls(
            access=keys,
            people=staff,
            limits=counters,
            once=_replies(home, passing, clock),
            registry=registry,
            rides=rides.Rides(passing, rides.rides_key(replies), clock),
            webhooks=Webhooks(lasting, passing, rides.webhooks_key(replies), clock, registry=registry),
            dialects=Dialects(lasting),
            peers=PeersOfDialects(lasting, rides.dialects_key(replies), clock),
            token_keys=token_keys,
            now_us=clock,
            databases=(lasting, passing),
        )

    def close(self) -> None:
        """Only when no request is running any more."""
        if self.access.figures is not None:
            self.access.figures.write()
        if isinstance(self.access.log, Listened):
            self.access.log.close()
            atexit.unregister(self.access.log.close)
        for database in self.databases:
            database.close()


def kept_replies(state: State, now_us: Clock) -> idempotency.Idempotency:
    """What the routes outside of both halves keep, for a command that has to drop some of it."""
    return _replies(state.home, _passing(state), now_us)


def _passing(state: State) -> Database:
    return state.passing(
        "access-moments",
        limits.migrations,
        idempotency.migrations,
        device_figures.migrations,
        rides.migrations,
        sending,
    )


def _replies(home: Path, passing: Database, now_us: Clock) -> idempotency.Idempotency:
    # Not a token key, which changes: what was kept under the one before could not be read any more.
    key = load_or_create_secret(home / REPLIES, Fernet.generate_key())
    return idempotency.Idempotency(passing, key, now_us, keep_us=10 * MINUTE)
