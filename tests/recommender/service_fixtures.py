"""A recommender in a temporary folder, with a clock that the test sets and scenes that only count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from plumbing import problem_json as problems
from plumbing.access import access as access_tables
from plumbing.access.access import Access
from plumbing.clock import MINUTE
from plumbing.describing.later import DescribedApp
from plumbing.storage.database import Database
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.desk.versions import NameOf, by_id
from recommender.scene import (
    Answer,
    AnyScene,
    Arrays,
    CatalogueScene,
    Progress,
    Reason,
    Report,
    Request,
    Suggestion,
    Texts,
    Trained,
    TrainingInput,
)
from recommender.scenes.destinations import DESTINATIONS
from recommender.scenes.offers import OffersScene
from recommender.scenes.orders import ORDERS
from recommender.scenes.registry import OpenScenes
from recommender.store.offers import OfferStore
from recommender.web.half import RecommenderHalf, build
from tests.engines import copy_home

Floats = NDArray[np.float64]

NOON = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z, a Monday
MENU = [
    {"item_id": "burger", "name": "Burger", "category": "grill", "price": 950},
    {"item_id": "cola", "name": "Cola", "category": "drinks", "price": 300},
    {"item_id": "salad", "name": "Salad", "category": "green", "price": 790, "dayparts": ["lunch"]},
    {"item_id": "soup", "name": "Soup", "category": "green", "price": 520, "available": False},
]
PLACES = [
    {"item_id": "home", "name": "Elm Street 4", "lat": 52.52, "lon": 13.40},
    {"item_id": "work", "name": "Mill Lane 1", "lat": 52.50, "lon": 13.45},
]
OFFER = {"offer_id": "lunch", "name": "Lunch for two", "text": "A free cola with a burger", "items": ["burger"]}


@dataclass
class CountingScene(CatalogueScene):
    """What was chosen most often, by the customer first, then by everybody.

    It stands in for orders or destinations, with their name, catalogue and events.
    """

    name: str
    value: float = 0.5  # this and the next two are figures of its report
    baseline_value: float = 0.4
    in_force: str = "ranker"
    spoil: Callable[[Floats], Floats] = lambda counts: counts

    def __post_init__(self) -> None:
        real = ORDERS if self.name == "orders" else DESTINATIONS
        self.kind, self.learns_from, self.second_factor = real.kind, real.learns_from, real.second_factor
        self.known = real.known  # type: ignore[method-assign]

    def train(self, data: TrainingInput, *, seed: int, progress: Progress) -> Trained:
        progress("counting", 0.5)
        seen = data.interactions
        counts = np.bincount(seen.item, minlength=len(seen.items)).astype(np.float64)
        report = Report(
            in_force=self.in_force,
            why="it counts",
            metric="ndcg@10",
            value=self.value,
            baseline_value=self.baseline_value,
            interval=(0.01, 0.2),
            rows=[{"method": "counting", "ndcg@10": 0.4}],
            n_train=1,
            n_validation=1,
        )
        return Trained({"counts": self.spoil(counts)}, {"items": json.dumps(seen.items.tolist())}, report)

    def load(self, arrays: Arrays, texts: Texts) -> dict[str, float]:
        return dict(zip(json.loads(texts["items"]), arrays["counts"].tolist(), strict=True))

    def suggest(self, model: dict[str, float] | None, request: Request) -> Answer:
        own: Counter[str] = Counter()
        if request.history is not None:
            own.update(request.history.items[request.history.item].tolist())
        crowd: Mapping[str, float] = model or {}
        if model is None and request.recent is not None:
            crowd = Counter(request.recent.items[request.recent.item].tolist())
        score = {
            i.item_id: 100 * own[i.item_id] + crowd.get(i.item_id, 0) for i in request.catalogue if i.available
        }
        ranked = sorted(score, key=lambda item: (-score[item], item))[: request.n]
        reasons = [Reason("usual", "yours") if own[i] else Reason("popular_here", "popular here") for i in ranked]
        fallback = None if request.history is not None and len(request.history) else "no_history"
        return Answer(tuple(Suggestion(i, score[i], r) for i, r in zip(ranked, reasons, strict=True)), fallback)


def counting(**orders: Any) -> OpenScenes:
    """Orders and destinations that count, `orders` with these figures; and the real offers."""

    def scenes(log: OfferStore) -> Mapping[str, AnyScene]:
        made = (CountingScene("orders", **orders), CountingScene("destinations"), OffersScene(log))
        return {scene.name: scene for scene in made}

    return scenes


@dataclass
class World:
    """A running recommender, its clock and its callers."""

    home: Path
    time_us: int
    token_key: bytes
    access: Access
    half: RecommenderHalf
    client: FlaskClient
    keys: dict[str, str]
    launched: list[tuple[str, str, str]]
    app: OpenAPI
    door: Database
    registry: CollectorRegistry

    def close(self) -> None:
        self.half.close()
        self.door.close()

    def now_us(self) -> int:
        return self.time_us

    def token(self, pseudonym: str = "ann", **changes: Any) -> str:
        """A token as identity mints it."""
        claims = {
            "pseudonym": pseudonym,
            "tenant": "grill",
            "device": "kiosk-1",
            "purposes": ["destinations", "offers", "orders"],
            "level": "second_factor",
            "issued_us": self.time_us,
            "expires_us": self.time_us + 10 * MINUTE,
            "token_id": "t1",
        } | changes
        return "usual-t1." + Fernet(self.token_key).encrypt(json.dumps(claims).ljust(400).encode()).decode()

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str = "kiosk",
        token: str | None = None,
        once: str | None = None,
        **rest: Any,
    ) -> Any:
        """A request under /recommender/v1 with one of `keys`."""
        headers = {"X-API-Key": self.keys[key]} | rest.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if once:
            headers["Idempotency-Key"] = once
        return self.client.open(f"/recommender/v1{path}", method=method, headers=headers, **rest)

    def suggest(self, scene: str = "orders", token: str | None = None, **query: Any) -> Any:
        return self.call("GET", f"/suggestions/{scene}", token=token, query_string=query)

    def order(self, *items: str, token: str | None = None, event_id: str = "e1", **changes: Any) -> Any:
        event = {"event_id": event_id, "type": "ordered", "occurred_at": self.moment()}
        event |= {"items": [{"item_id": item} for item in items]} | changes
        return self.call("POST", "/events", token=token, json={"events": [event]})

    def moment(self, *, minutes: float = 0.0) -> str:
        """So many minutes from now by the world's clock, at the hour of Berlin's winter."""
        at = datetime.fromtimestamp(self.time_us / 1e6, UTC) + timedelta(minutes=minutes)
        return at.astimezone(timezone(timedelta(hours=1))).isoformat()

    def earlier(self, at: str, customer: str, *items: str, event_id: str, **changes: Any) -> Any:
        """A recognised customer's event of an earlier moment, sent then."""
        now, self.time_us = self.time_us, round(datetime.fromisoformat(at).timestamp()) * 1_000_000
        try:
            return self.order(
                *items, token=self.token(customer), event_id=event_id, **({"occurred_at": at} | changes)
            )
        finally:
            self.time_us = now

    def crowd(self, *items: str, n: int = 10) -> None:
        """So many different customers order these: enough to be popular."""
        for number in range(n):
            assert (
                self.order(
                    *items, token=self.token(f"one-of-many-{number}"), event_id=f"crowd-{'-'.join(items)}-{number}"
                ).status_code
                == 201
            )

    def count(self, table: str) -> int:
        return int(self.half.service.database.rows(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])

    def run_trainings(self) -> None:
        """Run the trainings that the route launched."""
        while self.launched:
            tenant, scene, run_id = self.launched.pop(0)
            self.half.trainer.run(tenant, scene, run_id, seed=0)


def open_world(
    home: Path,
    scenes: OpenScenes | None = None,
    key: bytes | None = None,
    keys: dict[str, str] | None = None,
    name_of: NameOf = by_id,
    **settings: Any,
) -> World:
    """Open `home`. Opened again with the same `key`, it is another process of the same installation."""
    key = key or Fernet.generate_key()
    launched: list[tuple[str, str, str]] = []
    world: World

    def now_us() -> int:
        return world.time_us

    database = State(home, settings.get("database")).database("access", access_tables.migrations)
    access = Access(database, now_us)
    world = World(home, NOON, key, access, None, None, {}, launched, None, database, CollectorRegistry())  # type: ignore[arg-type]
    world.half = build(
        RecommenderConfig(home=home, token_keys=(key,), **settings),
        access=access,
        now_us=now_us,
        registry=world.registry,
        scenes=scenes or counting(),
        launch=lambda *run: launched.append(run),
        entropy=7,
        name_of=name_of,
    )
    world.app = app_of(world.half)
    world.client = world.app.test_client()
    world.keys = keys or {
        "kiosk": access.create_key("grill", ["suggest", "event"], device="kiosk-1", site="north"),
        "desk": access.create_key("grill", ["train", "suggest", "privacy", "event"]),
        "stranger": access.create_key("other", ["train", "suggest", "privacy", "event"], device="kiosk-1"),
    }
    return world


def app_of(half: RecommenderHalf) -> OpenAPI:
    """An application with the routes of this half alone."""
    app = DescribedApp(
        "test",
        info=Info(title="test", version="1"),
        validation_error_callback=problems.invalid_request,
        static_folder=None,
    )
    problems.register(app)
    app.register_api(half.blueprint)
    return app


def stock(world: World) -> None:
    """Fill the catalogue."""
    for path, rows in (("/items", MENU), ("/places", PLACES), ("/offers", [OFFER])):
        reply = world.call("POST", path, key="desk", json={"rows": rows})
        assert reply.status_code == 200, reply.json


@dataclass(frozen=True)
class Installation:
    """A state folder with a catalogue, to copy: a copy takes a hundredth of the time."""

    home: Path
    key: bytes
    keys: dict[str, str]

    def open(self, home: Path, scenes: OpenScenes | None = None, **settings: Any) -> World:
        if not home.exists():
            copy_home(self.home, home)
        return open_world(home, scenes, self.key, self.keys, **settings)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = open_world(tmp_path_factory.mktemp("installation"))
    stock(made)
    made.close()
    return Installation(made.home, made.token_key, made.keys)


@pytest.fixture
def world(installation: Installation, tmp_path: Path) -> Iterator[World]:
    made = installation.open(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture(scope="module")
def still(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests of a file; each test must leave it as it was."""
    made = installation.open(tmp_path_factory.mktemp("still") / "state")
    yield made
    made.close()
