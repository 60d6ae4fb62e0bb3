"""Trees read from LightGBM's text: its own predictions, and no other text is taken for trees."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from recommender.offers.learning.uplift import Trees
from recommender.ranking.trees import BLOCK, CompactTrees


def features(n: int, seed: int) -> np.ndarray:
    """Five columns: two with missing values, one without, one of 0 and 1, one that decides nothing."""
    rng = np.random.default_rng(seed)
    made = rng.standard_normal((n, 5)).astype(np.float32)
    made[:, 3] = made[:, 3] > 0
    made[rng.random((n, 5)) < [0.2, 0.1, 0, 0, 0]] = np.nan
    return made


def booster(leaves: int, trees: int = 20, **settings: Any) -> lightgbm.Booster:
    rows = features(1_500, 1)
    target = np.nan_to_num(rows[:, 0]) * rows[:, 2] + np.isnan(rows[:, 1]) + rows[:, 3]
    if settings.get("objective") == "binary":
        target = target > 0.5
    fixed = {
        "num_threads": 1,
        "verbosity": -1,
        "min_data_in_leaf": 5,
        "deterministic": True,
        "force_row_wise": True,
    }
    return lightgbm.train({**fixed, "num_leaves": leaves, **settings}, lightgbm.Dataset(rows, target), trees)


@pytest.mark.parametrize("leaves", [2, 7, 16, 31, 64])
def test_sums_are_those_of_lightgbm(leaves: int) -> None:
    """Also with values that are missing in a column that had all of them when it was learned from."""
    made = booster(leaves)
    rows = np.vstack([features(BLOCK + 3, 2), np.full((1, 5), np.nan, np.float32), np.zeros((1, 5), np.float32)])
    rows[:9, 2] = np.nan

    found = CompactTrees.read([made.model_to_string()]).sums(rows)

    np.testing.assert_array_equal(found, made.predict(rows, raw_score=True, num_threads=1))


def test_several_boosters_add_up_and_no_row_is_no_sum() -> None:
    two = [booster(7), booster(12, 5)]
    rows = features(10, 3)
    trees = CompactTrees.read([one.model_to_string() for one in two])

    expected = np.sum([one.predict(rows, raw_score=True) for one in two], axis=0)
    np.testing.assert_allclose(trees.sums(rows), expected, rtol=1e-12)
    assert trees.sums(rows[:0]).shape == (0,)
    gain = np.sum([one.feature_importance("gain") for one in two], axis=0)
    np.testing.assert_allclose(trees.gain, gain, rtol=1e-4)


def test_a_tree_that_never_splits_is_its_only_leaf() -> None:
    made = booster(7, 3, min_data_in_leaf=1_500)

    found = CompactTrees.read([made.model_to_string()]).sums(features(4, 4))

    np.testing.assert_array_equal(found, made.predict(features(4, 4), raw_score=True))


def test_chances_are_those_of_lightgbm() -> None:
    made = booster(7, objective="binary")

    found = Trees(made.model_to_string()).predict(features(40, 5))

    np.testing.assert_allclose(found, made.predict(features(40, 5)), rtol=1e-12)


def replaced(text: str, name: str, value: str) -> str:
    """The text with another value of a field of its first tree."""
    head, rest = text.split("\nTree=0", 1)
    before, after = rest.split(f"\n{name}=", 1)
    return f"{head}\nTree=0{before}\n{name}={value}\n{after.split(chr(10), 1)[1]}"


DOUBLED = " ".join([*(str(node) for node in range(1, 60)), "-1"])
"""Sixty nodes, of which each leads to the next one on both sides: 2^60 ways."""


def refused(text: str) -> bool:
    try:
        CompactTrees.read([text])
    except ValueError:
        return True
    return False


def test_a_damaged_text_is_refused() -> None:
    text = booster(4, 3).model_to_string()
    wrong = {
        "nothing": "",
        "no tree": "tree\nnothing",
        "cut short": text[: text.index("\nTree=2")],
        "a tree less": text.replace("\nTree=2", "\nTrees=2"),
        "no numbers": replaced(text, "leaf_value", "a b c d"),
        "a leaf less": replaced(text, "leaf_value", "1 2 3"),
        "a threshold less": replaced(text, "threshold", "1 2"),
        "a loop": replaced(text, "left_child", "0 1 2"),
        "a node that is not there": replaced(text, "left_child", "7 8 9"),
        "a leaf twice": replaced(replaced(text, "left_child", "1 2 -1"), "right_child", "-1 -2 -3"),
        "another feature": replaced(text, "split_feature", "5 0 0"),
        "0 is missing": replaced(text, "decision_type", "6 6 6"),
        "categories": replaced(text, "num_cat", "1"),
        "a node of categories": replaced(text, "decision_type", "1 2 2"),
        "no finite leaf": replaced(text, "leaf_value", "nan 1 2 3"),
        "more features than memory": text.replace("max_feature_idx=4", "max_feature_idx=99999999999"),
        "nodes with two parents": replaced(replaced(text, "left_child", DOUBLED), "right_child", DOUBLED),
        "a mean of trees": booster(4, 3, boosting="rf", bagging_freq=1, bagging_fraction=0.5).model_to_string(),
        "several classes": text.replace("num_tree_per_iteration=1", "num_tree_per_iteration=3"),
    }

    assert CompactTrees.read([text]).sums(features(3, 6)).shape == (3,)
    assert [name for name, damaged in wrong.items() if not refused(damaged)] == []
    with pytest.raises(ValueError, match="65 leaves"):
        CompactTrees.read([booster(65, 1, min_data_in_leaf=1).model_to_string()])


def test_rows_with_other_features_are_refused() -> None:
    trees = CompactTrees.read([booster(4, 3).model_to_string()])

    for columns in (4, 6):
        with pytest.raises(ValueError, match=f"5 features are needed, not {columns}"):
            trees.sums(np.zeros((2, columns)))
