"""Suggestions alone, and factor scores by dot product against LightFM's own predict."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bench.measure import Row, in_turn, timed
from data.town.town import Town
from recommender.orders.menu import item_features
from recommender.scene import Context, Request, TrainingInput
from recommender.scenes.orders import ORDERS

CUSTOMERS, ITEMS, EVENTS = 10_000, 500, 200_000
MANY_ITEMS = 5_000


def suggestions(n: int, events: int = EVENTS, items: int = ITEMS) -> list[Row]:
    """The scene `orders` in this process: one customer's live history in, ten ranked dishes with reasons out."""
    interactions, catalogue = Town.scaled(CUSTOMERS, items, events, seed=1)
    scene = ORDERS
    trained = scene.train(TrainingInput(interactions, tuple(catalogue)), seed=0, progress=lambda what, share: None)
    model = scene.load(trained.arrays, trained.texts)
    starts = np.searchsorted(interactions.customer, np.arange(CUSTOMERS + 1))
    dishes = tuple(catalogue)
    now_us = int(np.max(interactions.time_us)) + 3_600_000_000
    rng = np.random.default_rng(2)
    sampled = rng.choice(CUSTOMERS, min(n, 500), replace=False)
    histories = [interactions.where(slice(starts[c], starts[c + 1])) for c in sampled]
    context = Context(site="site-1")

    def ask(k: int) -> object:
        history = histories[k % len(histories)]
        request = Request(history, context, dishes, 10, now_us, np.random.default_rng(k))
        answer = scene.suggest(model, request)
        if not answer.suggestions:
            raise RuntimeError("no suggestion was made: there is nothing to measure")
        return answer

    times = timed(ask, n, warm=20)
    section = f"Suggestions, {CUSTOMERS:,} customers x {items:,} items, one process ({trained.report.in_force})"
    return [
        Row(section, "p50", times.p50, "ms"),
        Row(section, "p99", times.p99, "ms", 20),
        Row(section, "processor time for one", times.processor_ms, "ms"),
        Row(section, "per second", times.per_second, "/s", 300 if items == ITEMS else None, "more"),
    ]


def dot_product(n: int) -> list[Row]:
    """Every item scored for one customer: the saved vectors against LightFM.predict with the same features."""
    from lightfm import LightFM

    interactions, catalogue = Town.scaled(2_000, ITEMS, 40_000, seed=3)
    ones = np.ones(len(interactions), np.float32)
    pairs = sparse.coo_matrix((ones, (interactions.customer, interactions.item)), shape=(2_000, ITEMS))
    own = sparse.identity(ITEMS, format="csr", dtype=np.float32)
    named = [item_features(item) for item in catalogue]
    at = {name: k for k, name in enumerate(sorted({name for names in named for name in names}))}
    columns = [at[name] for names in named for name in names]
    starts = np.cumsum([0, *map(len, named)])
    shared = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, starts), shape=(ITEMS, len(at)))
    features = sparse.hstack([own, shared], format="csr").astype(np.float32)
    model = LightFM(no_components=24, loss="warp", random_state=0)
    model.fit(pairs.tocsr().sign().tocoo(), item_features=features, epochs=2, num_threads=1)
    biases, vectors = model.get_item_representations(features)
    user_biases, users = model.get_user_representations()
    everything = np.arange(ITEMS, dtype=np.int32)

    def dot(k: int) -> np.ndarray:
        return np.asarray(vectors @ users[k % 2_000] + biases + user_biases[k % 2_000])

    def predict(k: int) -> np.ndarray:
        asker = np.full(ITEMS, k % 2_000, np.int32)
        return np.asarray(model.predict(asker, everything, item_features=features, num_threads=1))

    difference = max(float(np.abs(dot(k) - predict(k)).max()) for k in range(20))
    fast, slow = in_turn([dot, predict], n)
    section = "Factor scores of 500 items for one customer (p50)"
    return [
        Row(section, "dot product of the saved vectors", fast.p50, "ms"),
        Row(section, "LightFM.predict", slow.p50, "ms"),
        Row(section, "predict / dot product", slow.p50 / fast.p50, "x", 10, "more"),
        Row(section, "largest difference of a score", difference, "", 1e-4),
    ]
