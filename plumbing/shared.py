"""What the routes of both halves work with: keys, rate limits, remembered replies, metrics, the time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry, Counter

from plumbing import access, idempotency, limits
from plumbing.clock import MINUTE, Clock
from plumbing.database import Database
from plumbing.files import load_or_create_secret
from plumbing.steady import SteadyClock, steady


@dataclass(frozen=True)
class Shared:
    """One for each application. `token_keys` are the Fernet keys of recognition tokens, newest first."""

    access: access.Access
    limits: limits.Limits
    once: idempotency.Idempotency
    registry: CollectorRegistry
    token_keys: tuple[bytes, ...]
    now_us: SteadyClock
    databases: tuple[Database, ...]

    @classmethod
    def open(cls, home: Path, now_us: Clock) -> Self:
        """Open `access.db`, `access-moments.db` and `token.key` under `home`; made when they are absent."""
        clock = steady(now_us, home)
        registry = CollectorRegistry()
        jumps = Counter("usual_clock_jumps", "Jumps of the machine's clock", ["way"], registry=registry)
        clock.on_jump = lambda way: jumps.labels(way).inc()
        lasting = Database(home / "access.db", access.migrations)
        passing = Database(home / "access-moments.db", limits.migrations, idempotency.migrations, durable=False)
        token_keys = tuple(load_or_create_secret(home / "token.key", Fernet.generate_key() + b"\n").split())
        return cls(
            access=access.Access(lasting, clock),
            limits=limits.Limits(passing, clock),
            once=idempotency.Idempotency(passing, token_keys[0], clock, keep_us=10 * MINUTE),
            registry=registry,
            token_keys=token_keys,
            now_us=clock,
            databases=(lasting, passing),
        )

    def close(self) -> None:
        """Only when no request is running any more."""
        for database in self.databases:
            database.close()
