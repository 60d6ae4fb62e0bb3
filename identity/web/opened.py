"""What the identity half opens, and its service: the parts from which `half.py` puts it together."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from identity.audit.log import Audit
from identity.audit.seal import AuditSeal
from identity.capture.passive_liveness import PassiveLiveness
from identity.config import DOCUMENTS, IdentityConfig
from identity.consent.ledger import ConsentLedger
from identity.customers.accounts import Accounts
from identity.customers.departed import FILE, Departed
from identity.customers.joining.pending import Pending
from identity.customers.leaving.erasure import Erasures, OtherPlaces
from identity.customers.leaving.retention import FILE as RETENTION
from identity.customers.leaving.retention import Retention
from identity.customers.visits.day_limits import DayLimits
from identity.customers.visits.looks import Camera
from identity.customers.visits.presses import Presses
from identity.device_vectors.opening import Opener
from identity.device_vectors.seal_keys import SealKeys
from identity.engines.manifests import load_pack
from identity.engines.protocol import FaceEngine
from identity.frames.decode import Decode
from identity.frames.decode import decode as decode_here
from identity.matching.matcher import Matchers
from identity.metrics import IdentityMetrics
from identity.sandbox.connection import Launch
from identity.sandbox.decoder import Decoder
from identity.sandbox.no_engine import NoEngine
from identity.sandbox.pool import EnginePool
from identity.service import IdentityService
from identity.store import IdentityStores, day_counts
from identity.store import presses as moments_tables
from identity.store.day_counts import DayCounts
from identity.store.presses import PressStore
from identity.vault.keyfile import KeyFile, master_keys
from identity.vault.vault import Vault
from identity.web import same_on_all
from identity.web.parts import customers_of
from plumbing import idempotency, limits
from plumbing.access.device_modes import DeviceModes
from plumbing.clock import Clock
from plumbing.closed import ClosedTokens
from plumbing.limits import Limits
from plumbing.storage.database import Database
from plumbing.storage.documents import Documents
from plumbing.storage.state import Files, State
from plumbing.storage.tombstones import Tombstones


@dataclass(frozen=True)
class Pack:
    """What looks at pictures; in processes of its own unless a test hands in an engine."""

    engine: FaceEngine
    unpack: Decode
    workers: EnginePool | None = None
    decoder: Decoder | None = None
    passive: PassiveLiveness | None = None


def pack_of(config: IdentityConfig, engine: FaceEngine | None, decode: Decode | None) -> Pack:
    """The pack that the configuration names; `engine` and `decode` take its place and that of the decoder."""
    workers = decoder = passive = None
    if engine is None and not config.engines:
        nothing = NoEngine(load_pack(config.pack))
        return Pack(nothing, nothing.decode)
    if engine is None:
        decoder = Decoder()
        engine = workers = EnginePool(Launch(config.pack, config.models_folder, config.cache), config.engines)
    if config.liveness is not None:
        passive = PassiveLiveness(config.liveness, config.models_folder, config.cache)
    unpack = decode or (decode_here if decoder is None else decoder.decode)
    return Pack(engine, unpack, workers, decoder, passive)


@dataclass(frozen=True)
class Kept:
    """What lies under the home, opened, and what is made of it alone."""

    files: tuple[Files, ...]
    passing: Database
    presses: PressStore
    vault: Vault
    stores: IdentityStores
    departed: Departed
    metrics: IdentityMetrics
    audit: Audit
    matchers: Matchers
    rate_limits: Limits
    retention: Retention
    closed: ClosedTokens
    modes: DeviceModes
    day_limits: DayLimits
    seal_keys: SealKeys


def kept_by(
    config: IdentityConfig,
    engine: FaceEngine,
    registry: CollectorRegistry | None,
    modes: DeviceModes,
    now_us: Clock,
) -> Kept:
    """Open it. Starts nothing."""
    master = config.master_file or config.home / "master.key"
    same_on_all.secrets(config.state, master)
    passing = passing_database(config.state)
    files = config.state.files("identity-keys", keys=True), config.state.files("access-files")
    log_files = config.state.files("identity-audit", lazily=True)
    vault = Vault(KeyFile(files[0].place("identity-keys"), lambda: master_keys(master)))
    same_on_all.keys(config.state, vault)
    stores, presses = IdentityStores.open(config.state, vault), PressStore(passing)
    departed = Departed(Tombstones.shared(files[0], config.tombstones, FILE), vault.keys)
    metrics = IdentityMetrics(registry or CollectorRegistry())
    seal = AuditSeal(log_files.place("identity-audit-head"), vault.keys, departed.file)
    own = Documents.of(config.state, DOCUMENTS)
    return Kept(
        files=(*files, log_files),
        passing=passing,
        presses=presses,
        vault=vault,
        stores=stores,
        departed=departed,
        metrics=metrics,
        audit=Audit(log_files.place("identity-audit.log"), now_us, seal),
        matchers=Matchers.of(stores, vault, engine.pack, config.promise, now_us),
        rate_limits=Limits(passing, now_us),
        retention=Retention(own.document(RETENTION), now_us, stores.customers.newest_day),
        closed=ClosedTokens.shared(files[1], config.token_keys, now_us),
        modes=modes,
        day_limits=DayLimits(DayCounts(passing), vault, metrics, now_us),
        seal_keys=SealKeys.of(config.state, vault.keys, now_us),
    )


def service_of(
    config: IdentityConfig, pack: Pack, kept: Kept, places: OtherPlaces, now_us: Clock
) -> IdentityService:
    """The service, with all that happens to a customer."""
    stores, vault, matchers, audit = kept.stores, kept.vault, kept.matchers, kept.audit
    renew, departed = matchers.renew_thresholds, kept.departed
    ledger = ConsentLedger(config, stores, vault, now_us, kept.retention.today, renew, departed)
    accounts = Accounts(config, stores, vault, ledger, departed, kept.rate_limits, now_us, kept.closed)
    pending = Pending(stores, kept.presses, vault, ledger, renew)
    erasures = Erasures(config, stores, vault, places, audit, kept.metrics, now_us, kept.retention)
    erasures.on_expiry = ledger.expire
    pressed = Presses(kept.presses, config, now_us)
    customers = customers_of(
        config, stores, vault, matchers, ledger, accounts, pressed, pending, erasures, audit, kept.metrics,
        kept.day_limits, now_us,
    )  # fmt: skip
    camera = Camera(
        engine=pack.engine,
        decode=pack.unpack,
        presses=pressed,
        passive=pack.passive,
        challenge_key=vault.keys.derive("challenges"),
        opener=Opener(kept.seal_keys, pack.engine.pack),
        modes=kept.modes,
        limits=kept.day_limits,
    )
    return IdentityService(
        config=config, camera=camera, matchers=matchers, customers=customers, audit=audit, metrics=kept.metrics
    )


def passing_database(state: State) -> Database:
    """For what is needed for minutes: presses, limits, kept replies."""
    return state.passing(
        "identity-moments",
        moments_tables.migrations,
        limits.migrations,
        idempotency.migrations,
        day_counts.migrations,
    )
