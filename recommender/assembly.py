"""Open the state folder: for the server, the training process and the command line alike."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plumbing.clock import Clock, system_clock
from plumbing.storage import machines
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.files import load_or_create_secret
from plumbing.storage.room import DiskFull
from plumbing.storage.state import Files
from plumbing.storage.tombstones import Tombstones
from recommender.caches import Caches
from recommender.config import RecommenderConfig
from recommender.experimenting import Experimenting, VariantSources
from recommender.in_flight import InFlight
from recommender.scene import AnyScene
from recommender.scenes.registry import SCENE_NAMES, Scenes
from recommender.store import open_database
from recommender.store.attention_mails import AttentionMailStore
from recommender.store.catalogue import CatalogueStore
from recommender.store.erased import FILE, ErasedCustomers
from recommender.store.events import EventStore
from recommender.store.experiments import ExperimentStore
from recommender.store.figures import FigureStore
from recommender.store.forgotten import ForgottenStore
from recommender.store.images import ImageStore
from recommender.store.import_log import ImportLog
from recommender.store.imports import remove_abandoned
from recommender.store.kept_reports import KeptReportStore
from recommender.store.offers import OfferStore
from recommender.store.own_events import OwnEventStore
from recommender.store.parts_folder import sweep
from recommender.store.quotas import QuotaStore
from recommender.store.rule_variants import RuleVariants
from recommender.store.rules import RulesStore
from recommender.store.run_locks import run_locks
from recommender.store.runs import ModelStore
from recommender.store.screen_settings import ScreenSettingsStore
from recommender.store.screen_signs import ScreenSigns
from recommender.store.sharing import SharingStore
from recommender.store.staff_calls import StaffCalls
from recommender.store.tenant_settings import TenantSettingsStore
from recommender.store.ties import AccountTies
from recommender.store.till_orders import TillOrders
from recommender.store.version_notes import VersionNotes
from recommender.store.version_places import Place, open_place
from recommender.store.version_rows import VersionRows
from recommender.training.cluster.reading import in_parts
from recommender.training.cluster.session import Where
from recommender.training.priority import behind, here
from recommender.training.reading import at_once
from recommender.training.run_book import FREE, Bounds
from recommender.training.trainer import Trainer


@dataclass(frozen=True)
class RecommenderStores:
    """The recommender's database, one store for each subject."""

    database: Database
    erased: ErasedCustomers
    events: EventStore
    catalogue: CatalogueStore
    images: ImageStore
    offers: OfferStore
    models: ModelStore
    sharing: SharingStore
    tenants: TenantSettingsStore
    screens: ScreenSettingsStore
    signs: ScreenSigns
    calls: StaffCalls
    figures: FigureStore
    kept_reports: KeptReportStore
    import_log: ImportLog
    attention_mails: AttentionMailStore
    rules: RulesStore
    quotas: QuotaStore
    rows: VersionRows
    notes: VersionNotes
    own: OwnEventStore
    ties: AccountTies
    experiments: ExperimentStore
    tills: TillOrders
    secret: bytes = field(repr=False)  # of this half alone; each use derives a key of its own
    files: Files

    def close(self) -> None:
        """Only when no request and no training is running any more."""
        for end in self.offers.before_close:
            end()
        self.models.close()
        self.database.close()
        self.files.close()

    def key(self, use: str) -> bytes:
        """32 bytes for one use."""
        return _derive(self.secret, use)


def open_stores(config: RecommenderConfig) -> RecommenderStores:
    """Create the database and the key where they are missing; migrate an older database; erase again whom a
    restored one brought back.

    Raises TombstonesUnusable: it is not known who was erased.
    """
    sweep(config.home)
    files = config.state.files("recommender-keys", keys=True)
    remembered = Tombstones.shared(files, config.tombstones, FILE)
    database = open_database(config.state)
    with suppress(DatabaseBusy, DiskFull):  # nobody sees what is left; the next import tries again
        remove_abandoned(database)
    secret = load_or_create_secret(config.home / "recommender.key", secrets.token_bytes(32))
    machines.require_same(config.state, "recommender", {"recommender.key": [secret]})
    tenants = TenantSettingsStore(database)
    events = EventStore(database, _derive(secret, "tombstones"), remembered)
    offers, experiments = OfferStore(database, tenants), ExperimentStore(database)
    stores = RecommenderStores(
        database=database,
        erased=ErasedCustomers(database, events, offers, remembered, system_clock, experiments),
        events=events,
        catalogue=CatalogueStore(database),
        images=ImageStore(database),
        offers=offers,
        models=ModelStore(database, run_locks(config.state)),
        sharing=SharingStore(database, config.least_people),
        tenants=tenants,
        screens=ScreenSettingsStore(database),
        signs=ScreenSigns(database),
        calls=StaffCalls(database),
        figures=FigureStore(database),
        kept_reports=KeptReportStore(database),
        import_log=ImportLog(database),
        attention_mails=AttentionMailStore(database),
        rules=RulesStore(database, tenants),
        quotas=QuotaStore(database),
        rows=VersionRows(
            place_of(config),
            config.home,
            ForgottenStore(database, _derive(secret, "rows"), events.tombstone),
            SCENE_NAMES,
        ),
        notes=VersionNotes(database),
        own=OwnEventStore(database, _derive(secret, "corrections"), events),
        ties=AccountTies(database, _derive(secret, "ties")),
        experiments=experiments,
        tills=TillOrders(database),
        secret=secret,
        files=files,
    )
    stores.erased.keep_erased(at_start=True)
    return stores


def zones_of(stores: RecommenderStores) -> Callable[[str], str]:
    """The zone of each tenant's days, for schedules without a zone of their own."""
    return lambda tenant: stores.tenants.get(tenant).timezone


def place_of(config: RecommenderConfig) -> Place:
    """Where the versions lie, without opening a database. Raises WrongSetting, VersionsUnusable."""
    key = config.home / "recommender.key"
    house = _derive(key.read_bytes(), "versions").hex()[:32] if config.versions and key.is_file() else None
    return open_place(config.home, config.versions, house)


def trainer_of(
    stores: RecommenderStores,
    config: RecommenderConfig,
    now_us: Clock,
    scenes: Mapping[str, AnyScene] | None = None,
    where: Where | None = None,
    bounds: Bounds | None = None,
) -> Trainer:
    """The trainer of an installation; `scenes` are the registry's unless a test brings its own.

    `where` trains in parts, on a cluster; None: in this process, with all of the log in memory. With `bounds` it
    works for a run of its own, and in nobody's way.
    """
    return Trainer(
        scenes=Scenes(stores.offers) if scenes is None else scenes,
        events=stores.events,
        catalogue=stores.catalogue,
        models=stores.models,
        now_us=now_us,
        keep_versions=config.keep_versions,
        least_people=stores.sharing.least_people,
        rows=stores.rows,
        notes=stores.notes,
        reads=at_once if where is None else in_parts(where, stores.database, config.home),
        aside=behind if bounds is not None and where is None else here,
        bounds=bounds or FREE,
    )


def experimenting_of(
    stores: RecommenderStores, caches: Caches, in_flight: InFlight, now_us: Clock
) -> Experimenting:
    """The experiments of one process."""
    sources = VariantSources(stores.rows.place, stores.offers)
    sources.rules = RuleVariants(stores.rules)
    return Experimenting(
        stores.experiments,
        stores.events,
        caches.version,
        sources,
        key=stores.key("experiments"),
        now_us=now_us,
        closed=in_flight.closed,
    )


def _derive(secret: bytes, use: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"usual recommender {use}".encode()).derive(secret)
