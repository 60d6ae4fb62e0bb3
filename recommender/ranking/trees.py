"""Gradient-boosted trees from LightGBM's text format, for few rows at a time: what a server needs of a model.

LightGBM follows each row through one tree after the other, and between two requests other work pushes the trees
out of the processor's cache. Here all comparisons of a row are made at once, and each that fails strikes out the
leaves to its left: the first that remains is the row's (QuickScorer, Lucchese et al. 2015). The sums are those of
LightGBM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = (np.uint8, np.uint16, np.uint32, np.uint64)
"""A bit for each leaf of a tree."""
BLOCK = 64
"""Rows that are scored at once: what is in between stays in the processor's cache."""
DEFAULT_LEFT, MISSING_IS_NAN = 2, 8
"""Bits of LightGBM's `decision_type`. Where NaN is not a value of its own, it counts as 0."""


@dataclass(frozen=True, slots=True)
class CompactTrees:
    """All trees of one or several boosters.

    Comparison c, of each that occurs in the trees, is whether the feature `feature[c]` is at most `threshold[c]`.
    Node k of tree t makes comparison `node[k][t]` and, where it fails, keeps the leaves `keeps[k][t]`. A tree with
    fewer nodes than others has some that keep all.
    """

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]  # (comparisons, 1)
    nan_passes: NDArray[np.bool_]  # (comparisons, 1)
    node: Sequence[NDArray[np.intp]]
    keeps: Sequence[NDArray[Any]]  # (trees, 1) each
    leaf: NDArray[np.float64]  # all leaves, tree after tree, from left to right
    first: NDArray[np.intp]  # (trees, 1): where each tree's begin
    gain: NDArray[np.float64]  # (features,): what the splits by each feature gained, in all trees

    @classmethod
    def read(cls, texts: Sequence[str]) -> CompactTrees:
        """From the texts of boosters. Raises ValueError: one is damaged, or has trees that this cannot follow."""
        try:
            counts = {_n_features(text) for text in texts}
            trees = [tree for text in texts for tree in _trees(text)]
        except (KeyError, IndexError, RecursionError) as error:
            raise ValueError(f"the trees cannot be read: {error!r}") from error
        if len(counts) != 1 or any(not 0 <= key[0] < min(counts) for tree in trees for key in tree.keys):
            raise ValueError("the trees and their features do not belong together")
        return cls._of(trees, min(counts))

    @classmethod
    def _of(cls, trees: Sequence[_Tree], n_features: int) -> CompactTrees:
        most = max(len(tree.values) for tree in trees)
        kind = next((one for one in KINDS if most <= 8 * one().itemsize), None)
        if kind is None:
            raise ValueError(f"a tree has {most} leaves")
        keys = sorted({key for tree in trees for key in tree.keys} or {(0, 0.0, True)})
        place = {key: n for n, key in enumerate(keys)}
        node = np.zeros((max(most - 1, 1), len(trees)), np.intp)
        keeps = np.full((*node.shape, 1), np.iinfo(kind).max, kind)
        gain = np.zeros(n_features)
        for t, tree in enumerate(trees):
            for k, (key, strikes) in enumerate(zip(tree.keys, tree.strikes, strict=True)):
                node[k, t], keeps[k, t, 0] = place[key], np.iinfo(kind).max - strikes
            np.add.at(gain, [key[0] for key in tree.keys], tree.gains)
        feature, threshold, nan_passes = zip(*keys, strict=True)
        return cls(
            feature=np.array(feature, np.intp),
            threshold=np.array(threshold)[:, None],
            nan_passes=np.array(nan_passes)[:, None],
            node=list(node),
            keeps=list(keeps),
            leaf=np.concatenate([tree.values for tree in trees]),
            first=np.cumsum([0, *(len(tree.values) for tree in trees)])[:-1, None],
            gain=gain,
        )

    def sums(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """The sum over all trees, of each row of `features` (n, features). NaN is a missing value. Raises
        ValueError: rows with other features than the trees were learned from."""
        if features.shape[1] != len(self.gain):
            raise ValueError(f"{len(self.gain)} features are needed, not {features.shape[1]}")
        blocks = [self._sums(features[first : first + BLOCK]) for first in range(0, len(features), BLOCK)]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def _sums(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        values = np.take(features.T.astype(np.float64), self.feature, axis=0)
        passes = values <= self.threshold
        passes |= np.isnan(values) & self.nan_passes
        kind = self.keeps[0].dtype
        all_or_none = np.where(passes, ~kind.type(0), kind.type(0))  # what passes strikes nothing out
        left = np.take(all_or_none, self.node[0], axis=0)
        left |= self.keeps[0]
        kept = np.empty_like(left)
        for node, keeps in zip(self.node[1:], self.keeps[1:], strict=True):
            np.take(all_or_none, node, axis=0, out=kept, mode="clip")  # "clip": numpy makes no copy first
            kept |= keeps
            left &= kept
        found: NDArray[np.float64] = np.take(self.leaf, _lowest(left) + self.first).sum(axis=0)
        return found


@dataclass(frozen=True, slots=True)
class _Tree:
    keys: list[tuple[int, float, bool]]  # of each node: feature, threshold, whether NaN passes
    strikes: list[int]  # of each node: the leaves that are struck out where the comparison fails, a bit for each
    values: NDArray[np.float64]  # of the leaves, from left to right
    gains: list[float]  # of each node


def _fields(part: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in part.splitlines() if "=" in line)


def _n_features(text: str) -> int:
    """As many as are named. Raises ValueError where the sum over all trees is not what the booster predicts."""
    head = text.partition("\nTree=")[0]
    said = _fields(head)
    count = len(said["feature_names"].split())
    if count != int(said["max_feature_idx"]) + 1:
        raise ValueError("the features and their names do not belong together")
    if said["num_tree_per_iteration"] != "1" or "average_output" in head.splitlines():
        raise ValueError("trees of several classes, or whose mean counts")
    return count


def _trees(text: str) -> list[_Tree]:
    trees, end, _ = text.partition("\nend of trees")
    head, *parts = trees.split("\nTree=")
    if not end or not parts or len(parts) != len(_fields(head)["tree_sizes"].split()):
        raise ValueError("the trees are cut short")
    return [_tree(_fields(part)) for part in parts]


def _tree(said: Mapping[str, str]) -> _Tree:
    if said["num_cat"] != "0" or said["is_linear"] != "0":
        raise ValueError("a tree of categories or of lines")
    values = np.array([float(one) for one in said["leaf_value"].split()])
    if len(values) != int(said["num_leaves"]) or not np.isfinite(values).all():
        raise ValueError("a tree with leaves that are missing or no numbers")
    if len(values) == 1:
        return _Tree([], [], values, [])
    left, right, feature, kind = (
        [int(one) for one in said[name].split()]
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    threshold, gains = ([float(one) for one in said[name].split()] for name in ("threshold", "split_gain"))
    order: list[int] = []  # the leaves from left to right
    strikes = [0] * len(left)

    def walk(at: int) -> int:
        """The leaves below a node."""
        if at < 0:
            if len(order) == len(values):  # nodes with two parents: the walk could take for ever
                raise ValueError("a tree whose nodes are not one tree")
            order.append(~at)
            return 1 << (len(order) - 1)
        strikes[at] = walk(left[at])
        return strikes[at] | walk(right[at])

    walk(0)
    if sorted(order) != list(range(len(values))):
        raise ValueError("a tree whose nodes are not one tree")
    splits = zip(feature, threshold, kind, strict=True)
    keys = [(one, at, _nan_passes(how, at)) for one, at, how in splits]
    return _Tree(keys, strikes, values[order], gains)


def _nan_passes(kind: int, threshold: float) -> bool:
    if kind & ~(DEFAULT_LEFT | MISSING_IS_NAN):
        raise ValueError("a tree of categories, or one that takes 0 for missing")
    return bool(kind & DEFAULT_LEFT) if kind & MISSING_IS_NAN else threshold >= 0


_LOWEST = np.array([0, *((n & -n).bit_length() - 1 for n in range(1, 1 << 16))], np.intp)


def _lowest(bits: NDArray[Any]) -> NDArray[np.intp]:
    """The place of the lowest bit of each number."""
    if bits.dtype.itemsize <= np.uint16().itemsize:
        return np.take(_LOWEST, bits)
    lowest = bits & (~bits + bits.dtype.type(1))
    place: NDArray[np.intp] = np.frexp(lowest.astype(np.float64))[1].astype(np.intp) - 1
    return place
