"""The identity half over HTTP, and how it is put together."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flask_openapi3 import APIBlueprint
from prometheus_client import CollectorRegistry

from identity.audit.log import Audit
from identity.audit.seal import AuditSeal
from identity.capture.passive_liveness import PassiveLiveness
from identity.config import IdentityConfig
from identity.customers.erasure import Erasures
from identity.customers.pins import Pins
from identity.customers.presses import Presses
from identity.engines.protocol import FaceEngine
from identity.matching.gallery import Galleries
from identity.matching.matcher import matchers_of, renew_all
from identity.metrics import IdentityMetrics
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from identity.service import IdentityService
from identity.store import customers as store_tables
from identity.store import presses as moments_tables
from identity.store.customers import Store
from identity.store.presses import PressStore
from identity.vault.keyfile import KeyFile, master_keys
from identity.vault.vault import Vault
from identity.web.routes import RouteContext, _blueprint, _recognised
from identity.web.schemas import (
    RecognitionBody,
    RecognitionReply,
)
from plumbing import idempotency, limits
from plumbing.access import Access, Caller
from plumbing.clock import MINUTE, Clock
from plumbing.database import Database, DatabaseBusy
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits

__all__ = ["IdentityHalf", "RecognitionBody", "RecognitionReply", "build", "recognition_reply"]

REPLIES_US = 10 * MINUTE  # how long an answer can be asked for again: as long as a token is good


@dataclass(frozen=True)
class IdentityHalf:
    """What the doorway gets."""

    config: IdentityConfig
    service: IdentityService
    store: Store
    vault: Vault
    galleries: Galleries
    audit: Audit
    blueprint: APIBlueprint
    databases: tuple[Database, ...]
    workers: EnginePool | None

    @property
    def passive(self) -> PassiveLiveness | None:
        """The passive liveness model that is plugged in."""
        return self.service.passive

    @property
    def _running(self) -> list[EnginePool]:
        """What runs in processes of its own."""
        passive = None if self.passive is None else self.passive.workers
        return [workers for workers in (self.workers, passive) if workers is not None]

    def warm(self) -> None:
        """Start the engine pack and open the galleries, or the first customer would wait for them.

        Raises EngineUnavailable.
        """
        self.service.warm()
        for workers in self._running:
            workers.start()

    def check(self) -> str | None:
        """Readiness: None when the database answers and the engine pack runs, else a sentence."""
        try:
            self.store.galleries("")
        except (DatabaseBusy, OSError) as error:
            return f"identity's database does not answer: {error}"
        return next((trouble for workers in self._running if (trouble := workers.failure())), None)

    def close(self) -> None:
        """Only when no request is running any more."""
        for database in self.databases:
            database.close()
        self.vault.keys.close()
        self.audit.close()
        for workers in self._running:
            workers.close()


def build(
    config: IdentityConfig,
    *,
    access: Access,
    now_us: Clock,
    forget_elsewhere: Callable[[str], None],
    registry: CollectorRegistry | None = None,
    engine: FaceEngine | None = None,
) -> IdentityHalf:
    """Open what lies under `config.home` and put the routes together. Starts nothing.

    `forget_elsewhere` hands an erasure token to the recommender; it raises a Problem or OSError when it cannot,
    and is called again later. `engine` takes the place of the pack that the configuration names (tests).
    """
    master = config.master_file or config.home / "master.key"
    workers = None
    if engine is None:
        engine = workers = EnginePool(Launch(config.pack, config.models_folder, config.cache), config.engines)
    passive = (
        None if config.liveness is None else PassiveLiveness(config.liveness, config.models_folder, config.cache)
    )
    lasting = Database(config.home / "identity.db", store_tables.migrations)
    passing = _passing_database(config.home / "identity-moments.db")
    vault = Vault(KeyFile(config.home / "identity-keys", lambda: master_keys(master)))
    store, moments, metrics = Store(lasting), PressStore(passing), IdentityMetrics(registry or CollectorRegistry())
    seal = AuditSeal(config.home / "identity-audit-head", vault.keys)
    audit = Audit(config.home / "identity-audit.log", now_us, seal)
    clear, masked = matchers_of(store, vault, engine.pack, config.promise, now_us)
    erasures = Erasures(
        store=store,
        moments=moments,
        vault=vault,
        audit=audit,
        metrics=metrics,
        config=config,
        now_us=now_us,
        forget_elsewhere=forget_elsewhere,
        shrunk=partial(renew_all, (clear, masked)),
    )
    service = IdentityService(
        config=config,
        engine=engine,
        store=store,
        vault=vault,
        presses=Presses(moments, config, now_us),
        limits=Limits(passing, now_us),
        clear=clear,
        masked=masked,
        passive=passive,
        pins=Pins(store, vault, config, now_us),
        erasures=erasures,
        audit=audit,
        metrics=metrics,
        now_us=now_us,
    )
    once = Idempotency(passing, base64.urlsafe_b64encode(vault.keys.derive("replies")), now_us, keep_us=REPLIES_US)
    api = _blueprint(service, RouteContext(access, once, vault.keys.derive("fingerprints")))
    return IdentityHalf(config, service, store, vault, clear.galleries, audit, api, (lasting, passing), workers)


def _passing_database(path: Path) -> Database:
    """For what is needed for minutes: presses, limits, kept replies."""
    tables = (moments_tables.migrations, limits.migrations, idempotency.migrations)
    return Database(path, *tables, durable=False)


def recognition_reply(half: IdentityHalf, caller: Caller, body: RecognitionBody) -> dict[str, Any]:
    """What a recognition answers; the doorway puts suggestions beside it."""
    return _recognised(half.service, caller, body)
