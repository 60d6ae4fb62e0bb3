"""The gate beside a live version: spoiled logs, good ones, and a step back while customers are answered.

A spoiled log is refused, or survived: the version that learned from it serves the next orders of customers, whose
histories are clean, not significantly worse than the live version does.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row
from plumbing.clock import DAY
from recommender.orders.fit import FitSettings
from recommender.ranking.metrics import paired_bootstrap
from recommender.scene import Event, OrderLine, TrainingInput
from recommender.scenes.orders import OrdersScene
from recommender.store.shelves.contents import contents_of, finite
from recommender.training.checks import data_cut, shrunk
from recommender.training.gate import decide
from recommender.training.gate.changes import looks_of
from recommender.training.gate.decide import Case, Live, Verdict
from recommender.training.gate.questions import Question, ask, last_orders
from tests.recommender.service_fixtures import NOON, World, counting, open_world, stock
from tests.recommender.training import town

NAME = "gate"
FIRST, SECOND = NOON - 28 * DAY, NOON - 14 * DAY
IN_SHORT = ("half missing", "a giant customer")
PAUSE_S = 0.02
"""Of a device between two requests."""


@dataclass(frozen=True)
class Made:
    """A training, what the gate said of it, and its model."""

    verdict: Verdict
    live: Live
    refused: bool


@dataclass(frozen=True)
class Town:
    scene: OrdersScene
    whole: town.Columns
    clean: list[Question]

    @classmethod
    def of(cls, seed: int, customers: int, settings: FitSettings) -> Town:
        whole = town.town(seed, customers=customers)
        return cls(OrdersScene(settings), whole, next_orders(whole))

    def trained(self, made: town.Columns, live: Live | None, seed: int = 0) -> Made:
        data = TrainingInput(town.log_of(made), town.MENU, "grill", NOON, 10)
        trained = self.scene.train(data, seed=seed, progress=lambda what, share: None)
        looks = looks_of(data.interactions, live.profile if live else None, NOON)
        trained = replace(trained, profile=looks.whole.to_json())
        model = self.scene.load(dict(trained.arrays), dict(trained.texts))
        case = Case(self.scene, trained, model, live, data.interactions, town.MENU, looks, 10, seed, NOON)
        verdict = decide.decide(case)
        cut = data_cut(data)
        lost = shrunk(cut, live.manifest["cut"], 0) if live else None
        manifest = contents_of(trained, seed, cut)[1]
        made_live = Live("0001-a", model, manifest, finite(verdict.figures))
        return Made(verdict, made_live, verdict.refused is not None or lost is not None)

    def serves_worse(self, candidate: Live, live: Live) -> bool:
        """Significantly, on the next orders with clean histories."""
        answers = ask(self.scene, [candidate.model, live.model], self.clean, town.MENU, least_people=10)
        ours, theirs = (one.ndcg(self.clean) for one in answers)
        return paired_bootstrap(ours, theirs, np.random.default_rng(0)).high < 0


def next_orders(whole: town.Columns) -> list[Question]:
    """The first order of each customer in the last two weeks."""
    first: dict[str, int] = {}
    for who, at in zip(whole["customer"].tolist(), whole["time_us"].tolist(), strict=True):
        if at > SECOND:
            first[who] = min(first.get(who, at), at)
    until = np.array([first.get(who, -1) for who in whole["customer"].tolist()])
    seen = town.log_of(town.part(whole, whole["time_us"] <= until))
    return last_orders(seen, None, after_us=SECOND + 1, live_until_us=None, seed=0, most=1_000)


def rows(short: bool) -> list[Row]:
    """Every figure of this trial."""
    return [*_logs(short=short), *_steps_back(repetitions=20 if short else 200)]


def _logs(*, short: bool) -> Iterator[Row]:
    settings = FitSettings(trees=20, copies=1, rounds=1, max_questions=300) if short else FitSettings()
    one = Town.of(0, 240 if short else 400, settings)
    base, full = town.until(one.whole, FIRST), town.until(one.whole, SECOND)
    live = one.trained(base, None).live
    seeds = range(1 if short else 10)
    good = sum(not one.trained(full, live, seed).refused for seed in seeds)
    yield Row(NAME, f"good trainings let through, of {len(seeds)}", good, "", len(seeds), "more")
    names = IN_SHORT if short else tuple(town.SPOILED)
    wrong, refused = [], 0
    for name in names:
        for late in (False,) if short else (False, True):
            made = one.trained(spoiled(full, name, late=late), live)
            refused += made.refused
            if not made.refused and one.serves_worse(made.live, live):
                wrong.append(f"{name}{' lately' if late else ''}")
    n = len(names) * (1 if short else 2)
    note = f"{refused} refused, {n - refused - len(wrong)} survived" + (
        f"; wrong: {', '.join(wrong)}" if wrong else ""
    )
    yield Row(NAME, f"spoiled logs refused or survived, of {n}", n - len(wrong), "", n, "more", note)


def spoiled(full: town.Columns, name: str, *, late: bool) -> town.Columns:
    """All of the log, or only what came since the live version's training."""
    rng = np.random.default_rng(1)
    if not late:
        return town.SPOILED[name](full, rng)
    fresh = town.part(full, full["time_us"] > FIRST)
    return town.both(town.until(full, FIRST), town.SPOILED[name](fresh, rng))


def _steps_back(repetitions: int) -> list[Row]:
    """Back and forth between two versions, while four devices ask."""
    with tempfile.TemporaryDirectory() as folder:
        world = open_world(Path(folder), counting())
        try:
            stock(world)
            names = _two_versions(world)
            failed, answered, times = _under_requests(world, names, repetitions)
        finally:
            world.close()
    return [
        Row(NAME, "failed requests while somebody goes back", failed, "", 0, note=f"of {answered}"),
        Row(
            NAME,
            "a step back, the slowest",
            1000 * max(times),
            "ms",
            1000,
            note=f"of {repetitions}, 4 devices ask",
        ),
    ]


def _two_versions(world: World) -> list[str]:
    names = []
    for number, item in enumerate(("cola", "burger")):
        events = [
            Event(
                f"{item}{k}",
                "ordered",
                "orders",
                f"c{k % 20}",
                NOON - DAY * (9 - k % 7),
                12.0,
                0,
                (OrderLine(item),),
            )
            for k in range(40 * (number + 1))
        ]
        world.half.service.events.record("grill", events, NOON)
        outcome = world.half.trainer.train(
            "grill", "orders", seed=0, progress=lambda what, share: None, accept_changed_data=True
        )
        names.append(outcome.version)
    return names


def _under_requests(world: World, names: list[str], repetitions: int) -> tuple[int, int, list[float]]:
    over = threading.Event()
    statuses: list[int] = []

    def device() -> None:
        client = world.app.test_client()
        while not over.is_set():
            reply: Any = client.get(
                "/recommender/v1/suggestions/orders", headers={"X-API-Key": world.keys["kiosk"]}
            )
            right = reply.status_code == 200 and reply.json["model_version"] in names
            statuses.append(200 if right else 500)
            over.wait(PAUSE_S)

    devices = [threading.Thread(target=device) for _ in range(4)]
    for one in devices:
        one.start()
    times = []
    try:
        for number in range(repetitions):
            began = time.perf_counter()
            reply = world.call("POST", "/models/orders/rollback", key="desk", json={"version": names[number % 2]})
            times.append(time.perf_counter() - began)
            statuses.append(reply.status_code)
    finally:
        over.set()
        for one in devices:
            one.join()
    return sum(status != 200 for status in statuses), len(statuses), times
