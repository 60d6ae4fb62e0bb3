"""The identity half over HTTP, and how it is put together."""

from __future__ import annotations

import base64
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from flask_openapi3.blueprint import APIBlueprint
from prometheus_client import CollectorRegistry

from identity.audit.log import Audit
from identity.calibrate import Calibrator
from identity.capture.passive_liveness import PassiveLiveness
from identity.config import IdentityConfig, config_of
from identity.consent.receipts import ReceiptKeys
from identity.customers.leaving.erasure import CopiesElsewhere, NoCopies, OtherPlaces
from identity.device_vectors.seal_keys import SealKeys
from identity.engines.protocol import FaceEngine
from identity.frames.decode import Decode
from identity.matching import preloaded
from identity.matching.gallery import Galleries
from identity.matching.matcher import Matchers
from identity.sandbox.decoder import Decoder
from identity.sandbox.pool import EnginePool
from identity.service import IdentityService
from identity.store import IdentityStores
from identity.vault.vault import Vault
from identity.web import me, routes
from identity.web.desk import DeskTools
from identity.web.opened import kept_by, pack_of, service_of
from identity.web.parts import own_page_of
from plumbing.access.access import Access
from plumbing.clock import MINUTE, Clock, monotonic_us
from plumbing.closed import ClosedTokens
from plumbing.handover import Forgotten, Heartbeat, patient
from plumbing.idempotency import Idempotency
from plumbing.problem import Problem, Remark
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.steady import steady
from plumbing.storage.database import Database
from plumbing.storage.free_space import Cleaning
from plumbing.storage.state import Files
from plumbing.upgrade import aside

log = structlog.get_logger(__name__)
HAND_OVER_S = 0.2  # how often a process looks whether another one, or a command, erased somebody
BEAT_S = 1.0  # how often identity says that it is there
MIX_AFTER_S, MIX_EVERY_S = 300.0, 86_400.0  # PostgreSQL's rows are put out of their order
LONGEST_WAIT_S = 60.0  # between two tries to hand an erasure over
Elsewhere = Callable[[str], Forgotten | None]
Waiting = Callable[[str, Mapping[str, int]], Sequence[str]]
REPLIES_US = 10 * MINUTE  # how long an answer can be asked for again: as long as a token is good


@dataclass(frozen=True)
class IdentityHalf:
    """What the doorway gets."""

    config: IdentityConfig
    service: IdentityService
    calibrator: Calibrator
    stores: IdentityStores
    vault: Vault
    matchers: Matchers
    audit: Audit
    blueprint: APIBlueprint
    databases: tuple[Database, ...]
    files: tuple[Files, ...]
    receipt_keys: ReceiptKeys
    workers: EnginePool | None
    decoder: Decoder | None
    own_page: me.OwnPageTools
    closed: ClosedTokens
    seal_keys: SealKeys
    heart: Heartbeat | None = None  # where the recommender is another process

    @property
    def galleries(self) -> Galleries:
        """The galleries of bare faces."""
        return self.matchers.clear.galleries

    @property
    def passive(self) -> PassiveLiveness | None:
        """The passive liveness model that is plugged in."""
        return self.service.passive

    @property
    def _running(self) -> list[EnginePool | Decoder]:
        """What runs in processes of its own."""
        passive = None if self.passive is None else self.passive.workers
        return [workers for workers in (self.decoder, self.workers, passive) if workers is not None]

    def warm(self) -> None:
        """Start the engine pack and open the galleries, or the first customer would wait for them.

        Raises EngineUnavailable.
        """
        for workers in self._running:
            workers.begin()
        self.service.warm()
        for workers in self._running:
            workers.start()

    def start(self) -> Callable[[], None]:
        """Get ready for the first customer, and finish opt-outs in the background; returns what ends it.

        Engine packs are loaded in the background too: guests are served meanwhile, and readiness says so.
        """
        self.settle()
        self.service.warm()
        preloaded.forget()
        for workers in self._running:
            threading.Thread(target=_load, args=(workers,), name="engine loading", daemon=True).start()
        ended = threading.Event()
        works = {"erasures": self._finish_erasures, "heartbeats": self._beat}
        threads = [threading.Thread(target=work, args=(ended,), name=n, daemon=True) for n, work in works.items()]
        for thread in threads:
            thread.start()
        stop_cleaning = Cleaning([self.stores.database], partial(aside.clean, self.config.home)).start()

        def stop() -> None:
            ended.set()
            stop_cleaning()
            for thread in threads:
                thread.join(5)
            self.close()  # signs the audit

        return stop

    def settle(self) -> None:
        """Erase again whom a backup brought back, before anybody is served. They are not recognised anyway."""
        try:
            self.service.erasures.settle()
            self.service.customers.standings.settle()
            self.matchers.keep_thresholds()
        except (Problem, sqlite3.Error, OSError) as error:  # tried again every minute
            log.warning("restored customers are still to be erased", why=str(error))

    def _finish_erasures(self, ended: threading.Event) -> None:
        """Undo who did not confirm their receipt in time. Hand over opt-outs: those of other processes at once,
        those that the recommender could not take yet after one second, two, four, and so on, up to a minute.
        Delete what is too old."""
        keys, erasures, pending = self.vault.keys, self.service.erasures, self.service.customers.pending
        seen, due_s, again_s, wait_s = keys.changed(), 0.0, 0.0, 1.0
        mix_s = time.monotonic() + MIX_AFTER_S
        while not ended.is_set():
            try:
                pending.sweep()
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("pending enrolments are still to be undone", why=str(error))
            try:
                now_s = time.monotonic()
                with patient():
                    if now_s >= due_s:
                        due_s = now_s + 60
                        self.settle()
                        erasures.due()
                    elif (now := keys.changed()) != seen or (again_s and now_s >= again_s):
                        wait_s = 1.0 if now != seen else min(2 * wait_s, LONGEST_WAIT_S)
                        seen = now
                        again_s = time.monotonic() + wait_s if erasures.finish_all() else 0.0
                        self.service.warm()  # templates of who left are not kept in memory until the next press
                erasures.overdue()
                if now_s >= mix_s:
                    mix_s = now_s + MIX_EVERY_S
                    self._mix_rows()
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("erasures are still to be finished", why=str(error))
            ended.wait(HAND_OVER_S)

    def _mix_rows(self) -> None:
        """So that the order of the rows says about nobody when they joined. SQLite's tables have none."""
        if self.config.state.is_shared:
            from plumbing.storage.postgres_order import mix

            mix(self.stores.database)

    def _beat(self, ended: threading.Event) -> None:
        """Say that identity is there, and at once when somebody's tokens are closed."""
        said, next_s = -1, 0.0
        while not ended.is_set():
            try:
                now = self.closed.generation()
                if now != said or time.monotonic() >= next_s:
                    next_s, said = time.monotonic() + BEAT_S, now
                    self.closed.note_heard(monotonic_us())  # for a recommender with the same state folder
                    if self.heart is not None:
                        self.heart.beat()
            except (Problem, OSError) as error:
                said = -1
                log.warning("no_sign_of_life", why=str(error))
                ended.wait(BEAT_S / 2)
            ended.wait(0.05)

    def check(self) -> str | None:
        """Readiness: None when everything can be written, a press too, and the pack runs; else a sentence."""
        for database in self.databases:
            if (trouble := database.trouble()) is not None:
                return trouble
        try:
            self.service.try_press()
        except (Problem, sqlite3.Error, OSError) as error:
            return f"nobody can press: {error}"
        trouble = next((trouble for workers in self._running if (trouble := workers.failure())), None)
        loading = any(workers.is_loading() for workers in self._running)
        remarks = [
            "the engine pack is being loaded; until then everybody is a guest" if loading else None,
            self.service.erasures.retention.remark(),
            *self.service.customers.joining.notices.remarks(self.service.engine.pack.grade),
            self.receipt_keys.remark(),
            self.service.erasures.remark(),
        ]
        return trouble or Remark("; ".join(filter(None, remarks))) or None

    def close(self) -> None:
        """Only when no request is running any more."""
        for database in self.databases:
            database.close()
        self.service.erasures.receipts.close()
        self.vault.keys.close()
        self.audit.close()
        for kept in self.files:
            kept.close()
        for workers in self._running:
            workers.close()


def open_half(
    config: Config,
    shared: Shared,
    forget_elsewhere: Elsewhere,
    waiting: Waiting | None = None,
    copies: CopiesElsewhere | None = None,
) -> IdentityHalf:
    """The half as the settings of an installation want it. See `build`."""
    return build(
        config_of(config, shared.token_keys),
        access=shared.access,
        now_us=shared.now_us,
        registry=shared.registry,
        forget_elsewhere=forget_elsewhere,
        waiting=waiting,
        recommender_url=config.recommender_url if config.only == "identity" else None,
        replies=(shared.once,),
        copies=copies,
    )


def build(
    config: IdentityConfig,
    *,
    access: Access,
    now_us: Clock,
    forget_elsewhere: Elsewhere,
    waiting: Waiting | None = None,
    recommender_url: str | None = None,
    replies: Sequence[Idempotency] = (),
    copies: CopiesElsewhere | None = None,
    registry: CollectorRegistry | None = None,
    engine: FaceEngine | None = None,
    decode: Decode | None = None,
) -> IdentityHalf:
    """Open what lies under `config.home` and put the routes together. Starts nothing.

    `forget_elsewhere` hands an erasure token to the recommender; it raises a Problem or OSError when it cannot,
    and is called again later. `waiting` asks which scenes of a tenant were trained before an erasure.
    `recommender_url` gets signs of life. `replies` are kept for routes outside of this half. `copies` are those of
    customers in other houses.

    `engine` takes the place of the pack that the configuration names, and then pictures are decoded by `decode`,
    in this process unless another is given (tests).
    """
    now_us = steady(now_us, config.home)
    pack = pack_of(config, engine, decode)
    kept = kept_by(config, pack.engine, registry, access.modes, now_us)
    places = OtherPlaces(
        kept.presses,
        kept.departed,
        kept.matchers.renew_thresholds,
        forget_elsewhere,
        kept.closed,
        waiting or (lambda tenant, marks: ()),
        _forgetting(replies),
        kept.day_limits.forget,
        copies or NoCopies(),
    )
    service = service_of(config, pack, kept, places, now_us)
    own_page = own_page_of(service.customers, kept.stores, kept.vault, kept.rate_limits, kept.audit, access)
    once = Idempotency(
        kept.passing,
        base64.urlsafe_b64encode(kept.vault.keys.derive("replies")),
        now_us,
        keep_us=REPLIES_US,
        is_current=service.customers.accounts.stands,
    )
    desk = DeskTools(service, kept.stores, kept.matchers, now_us)
    return IdentityHalf(
        config=config,
        service=service,
        calibrator=Calibrator(pack.engine, kept.matchers, pack.unpack),
        stores=kept.stores,
        vault=kept.vault,
        matchers=kept.matchers,
        audit=kept.audit,
        blueprint=routes.blueprint(service, access, once, kept.rate_limits, kept.closed, own_page, desk),
        databases=(kept.stores.database, kept.passing),
        files=kept.files,
        receipt_keys=ReceiptKeys.of(config.state),
        workers=pack.workers,
        decoder=pack.decoder,
        closed=kept.closed,
        seal_keys=kept.seal_keys,
        heart=None if recommender_url is None else Heartbeat(recommender_url, config.token_keys, kept.closed),
        own_page=own_page,
    )


def _forgetting(replies: Sequence[Idempotency]) -> Callable[[str], None]:
    """What forgets the kept replies of a tenant."""

    def forget_replies(tenant: str) -> None:
        for once in replies:
            once.forget(tenant)

    return forget_replies


def _load(workers: EnginePool) -> None:
    try:
        workers.start()
    except Problem as error:
        log.error("recognition is not available", why=error.detail)
