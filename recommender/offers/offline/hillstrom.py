"""The public e-mail experiment of Hillstrom (2008): is ranking by uplift better than ranking by response?

Women's mail against no mail; customers with the men's mail are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.offers.learning.uplift import qini, two_model_uplift
from recommender.offers.offline.tables import Columns, read_text_columns

Floats = NDArray[np.float64]

_HILLSTROM = ("recency", "history", "mens", "womens", "newbie")
_HILLSTROM_CHOICES = ("history_segment", "zip_code", "channel")


def evaluate_hillstrom(path: Path, *, seed: int, n_folds: int = 5, draws: int = 200) -> list[dict[str, Any]]:
    """Qini of the women's mail against no mail, out of fold, in extra visits per 100 customers.

    One row each for a ranking by uplift and a ranking by response.
    """
    table = read_text_columns(path, ("segment", "visit", *_HILLSTROM, *_HILLSTROM_CHOICES))
    rows = table.text("segment") != "Mens E-Mail"
    treated = table.text("segment")[rows] == "Womens E-Mail"
    visit = table.numbers("visit")[rows]
    features = _hillstrom_features(table, rows)
    fold = np.random.default_rng(seed).permutation(len(visit)) % n_folds
    uplift, response = np.zeros(len(visit)), np.zeros(len(visit))
    for number in range(n_folds):
        test, fit = fold == number, fold != number
        bought = visit[fit] > 0
        uplift[test] = two_model_uplift(features[fit], treated[fit], bought, features[test])
        response[test] = _response(features[fit], bought, features[test])
    report = []
    for name, score in (("uplift", uplift), ("response", response)):
        rng = np.random.default_rng(seed)
        again = []
        for _ in range(draws):
            some = rng.integers(0, len(visit), len(visit))
            again.append(qini(score[some], treated[some], visit[some]).coefficient)
        low, high = np.percentile(again, [2.5, 97.5])
        value = qini(score, treated, visit).coefficient
        report.append({"policy": name, "qini": value, "low": float(low), "high": float(high)})
    return report


def _hillstrom_features(table: Columns, rows: NDArray[np.bool_]) -> Floats:
    numbers = np.column_stack([table.numbers(name)[rows] for name in _HILLSTROM])
    numbers = np.column_stack([numbers, np.log1p(numbers[:, 1])])
    scaled = (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-9)
    choices = []
    for name in _HILLSTROM_CHOICES:
        text = table.text(name)[rows]
        choices += [(text == one).astype(float) for one in np.unique(text)[1:]]
    return np.column_stack([scaled, *choices])


def _response(features: Floats, bought: NDArray[np.bool_], queries: Floats) -> Floats:
    from sklearn.linear_model import LogisticRegression

    return np.asarray(LogisticRegression(max_iter=1000).fit(features, bought).predict_proba(queries)[:, 1])
