"""Favourite orders on real baskets: fit and answer for everybody, and the price of an answer beside TIFU-KNN.

Needs the evaluation data beside the project; without it there is nothing to show.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from scipy import sparse

from bench.measure import Row, peak_mb, run_in_own_process, shared
from recommender.orders import baselines
from recommender.orders.baselines import TifuKnn
from recommender.orders.batch import BATCH
from recommender.orders.evaluation import HeldOut, chosen_tifu
from recommender.orders.fit import fit_orders
from recommender.orders.history import read_history
from recommender.orders.questions import Questions
from recommender.orders.rounds import PART
from recommender.ranking.metrics import score_lists

PLAIN_SAMPLE = 500  # questions answered the plain way: it takes the same time for each


def baskets() -> Path | None:
    """The grocery baskets beside the project, None where they are not."""
    path = shared() / "datasets" / "orders" / "tafeng_give.csv.gz"
    return path if path.is_file() else None


def against_tifu() -> list[Row]:
    """Fit and answers for all customers in a process of their own; every second is processor time."""
    if baskets() is None:
        return []
    figures = run_in_own_process("bench.ordering")
    section = f"Favourite orders on grocery baskets, {figures['customers']:,.0f} customers, one thread"
    return [
        Row(section, "fit and answers for everybody", figures["fit_s"] + figures["answer_s"], "s", 360),
        Row(section, "peak memory", figures["peak_mb"], "MB", 3_000),
        Row(section, "recall@10", figures["recall"], ""),
        Row(section, "recall@10 / tuned TIFU-KNN's", figures["recall"] / figures["tifu_recall"], "x", 1, "more"),
        Row(section, "one answer", figures["answer_ms"], "ms"),
        Row(section, "one answer by plain TIFU-KNN (dense, exhaustive)", figures["plain_ms"], "ms"),
        Row(section, "one answer / plain TIFU-KNN's", figures["answer_ms"] / figures["plain_ms"], "x", 0.5),
        Row(section, "one answer by our own sparse TIFU-KNN", figures["sparse_ms"], "ms"),
    ]


def plain_answers(method: TifuKnn, asked: Questions, k: int = 20) -> np.ndarray:
    """TIFU-KNN as its authors run it: dense vectors, scikit-learn's exhaustive nearest neighbours (n, k)."""
    from sklearn.neighbors import NearestNeighbors

    neighbours, groups, within, between, alpha = method.parameters
    reference = method.reference.toarray()
    search = NearestNeighbors(n_neighbors=min(neighbours, len(reference)), algorithm="brute", n_jobs=1).fit(
        reference
    )
    weight = baselines.group_weights(asked.n_orders[asked.question], asked.ago, groups, within, between)
    shape = (asked.n, reference.shape[1])
    own = sparse.csr_array((weight, (asked.question, asked.item)), shape=shape).toarray()
    nearest = search.kneighbors(own, return_distance=False)
    lists = np.empty((asked.n, k), np.int64)
    for row, chosen in enumerate(nearest):
        mixed = alpha * own[row] + (1 - alpha) * reference[chosen].mean(axis=0)
        lists[row] = np.argsort(-mixed, kind="stable")[:k]
    return lists


def one() -> dict[str, float]:
    """Everything once, on the last orders of all customers with four or more."""
    path = baskets()
    if path is None:
        raise FileNotFoundError("the evaluation data is not beside the project")
    seen, _ = read_history(path)
    test = HeldOut.of(seen, least=4)
    asked = test.mask
    began = time.process_time()
    model = fit_orders(test.history, [()] * len(seen.items), seed=0, settings=BATCH, target_customers=asked).model
    fitted = time.process_time()
    lists = []
    for _, part in test.questions.parts(PART):
        lists.append(model.lists(model.crowd.pairs(part), part.n, 20))
    answered, peak = time.process_time(), peak_mb()
    figures = {
        "customers": test.questions.n,
        "fit_s": fitted - began,
        "answer_s": answered - fitted,
        "peak_mb": peak,
    }
    figures["answer_ms"] = 1000 * figures["answer_s"] / test.questions.n
    figures["recall"] = float(score_lists(np.concatenate(lists), test.truth)["recall@10"].mean())
    tifu = TifuKnn.fit(test.history, chosen_tifu(HeldOut.of(test.history, 3, asked)))
    began = time.process_time()
    figures["tifu_recall"] = float(test.score(tifu)["recall@10"].mean())
    figures["sparse_ms"] = 1000 * (time.process_time() - began) / test.questions.n
    began = time.process_time()
    plain_answers(tifu, test.questions.part(0, min(PLAIN_SAMPLE, test.questions.n)))
    figures["plain_ms"] = 1000 * (time.process_time() - began) / min(PLAIN_SAMPLE, test.questions.n)
    return figures


if __name__ == "__main__":
    print(json.dumps(one()))
