"""What a running experiment adds to a request, and how long its read-out takes with many customers."""

from __future__ import annotations

import json
import secrets
import tempfile
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet

from bench.measure import Row, in_turn, timed
from plumbing.clock import MINUTE, system_clock
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.experiments.assignment import unit_of
from recommender.experiments.plan import Experiment, Variant
from recommender.scene import Context, Item
from recommender.service import RecommenderService, SuggestRequest, service_of
from recommender.store.experiment_visits import Done, Seen, Who
from recommender.store.experiments import ExperimentStore

TENANT, OTHER = "tried", "plain"
SECTION = "Experiments"
DISHES = [Item(f"dish-{number:02d}", f"Dish {number}", price=500 + number) for number in range(40)]


def experiments(requests: int, customers: int) -> list[Row]:
    """Two tenants alike in one process, turn by turn: one with a running experiment, one without."""
    with tempfile.TemporaryDirectory(prefix="usual-experiments-") as folder:
        key = Fernet.generate_key()
        config = RecommenderConfig(Path(folder), (key,))
        stores = open_stores(config)
        try:
            service = service_of(config, stores, system_clock)
            for tenant in (TENANT, OTHER):
                stores.catalogue.put(tenant, "item", DISHES)
            _start(stores)
            return [*_requests(service, key, requests), *_read_out(service, stores, customers)]
        finally:
            stores.close()


def _start(stores: RecommenderStores) -> None:
    same = (Variant("A", "", 0.5), Variant("B", "", 0.5))
    stores.experiments.save_draft(TENANT, Experiment("exp-1", "A/A", "", "orders", "value", 30.0, same), 1)
    stores.experiments.start(TENANT, "exp-1", system_clock() - MINUTE)


def _requests(service: RecommenderService, key: bytes, n: int) -> list[Row]:
    def ask(tenant: str, k: int) -> object:
        now = system_clock()
        claims: dict[str, object] = {
            "pseudonym": f"p{k % 500}",
            "tenant": tenant,
            "device": "kiosk",
            "purposes": ["orders"],
        }
        claims |= {"level": "face", "issued_us": now, "expires_us": now + MINUTE, "token_id": f"t{k}"}
        token = "usual-t1." + Fernet(key).encrypt(json.dumps(claims).ljust(400).encode()).decode()
        return service.suggest(SuggestRequest(tenant, "kiosk", "orders", token, Context(), 5))

    tried, plain = in_turn([lambda k: ask(TENANT, k), lambda k: ask(OTHER, k)], n)
    added = tried.p50 - plain.p50
    flush = timed(lambda k: service.experimenting.flush(), 1, warm=0)
    return [
        Row(SECTION, "a suggestion in an experiment, of one without (p50)", tried.p50 / plain.p50, "x", 1.15),
        Row(SECTION, "what it adds to a suggestion (p50)", added, "ms", 0.2),
        Row(SECTION, f"putting {n:,} noted suggestions into the sums", flush.p50, "ms", note="beside requests"),
    ]


def _read_out(service: RecommenderService, stores: RecommenderStores, customers: int) -> list[Row]:
    ((experiment, salt),) = stores.experiments.running(TENANT)
    rng, now = np.random.default_rng(0), system_clock()
    noted: list[Seen | Done] = []
    for _ in range(customers):
        hashed = secrets.token_hex(32)
        who = Who(TENANT, experiment.experiment_id, unit_of(salt, hashed), hashed)
        noted.append(Seen(who, now, f"site-{rng.integers(50)}", "lunch", ("dish-01",), 9.0))
        noted.append(Done(who, now + 1, "ordered", hashed, ("dish-01",), int(rng.integers(400, 2_000))))
    for start in range(0, len(noted), 20_000):
        stores.experiments.count(noted[start : start + 20_000])
    figures = stores.experiments.figures
    fresh = timed(lambda k: ExperimentStore(stores.database).figures(TENANT, experiment, now), 5, warm=1)
    held = timed(lambda k: figures(TENANT, experiment, now), 20, warm=1)
    name = f"read-out of {customers:,} customers at 50 sites"
    return [
        Row(SECTION, f"{name}, as the page asks for it (p50)", held.p50, "ms", 300),
        Row(SECTION, f"{name}, computed again (p50)", fresh.p50, "ms"),
    ]
