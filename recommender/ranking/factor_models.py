"""Factor models of other packages, LightFM and ALS, behind one small class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Vectors of customers (customers, size) and of items (items, size), and a bias of each item (items,)."""

    customers: Scores
    items: Scores
    biases: Scores

    def scores(self, customers: NDArray[np.integer]) -> Scores:
        """(len(customers), items) float32: the score of every item for each customer code."""
        return np.asarray(self.customers[customers] @ self.items.T + self.biases, np.float32)


def lightfm_factors(matrix: sparse.csr_matrix, seed: int, *, size: int, epochs: int) -> FactorModel:
    """LightFM with the WARP loss on a (customers, items) matrix."""
    from lightfm import LightFM

    model = LightFM(no_components=size, loss="warp", random_state=seed)
    model.fit(matrix.tocoo(), epochs=epochs, num_threads=1)
    return FactorModel(model.user_embeddings, model.item_embeddings, model.item_biases)


def als_factors(matrix: sparse.csr_matrix, seed: int, *, size: int, iterations: int, alpha: float) -> FactorModel:
    """ALS on a (customers, items) matrix of confidences.

    Raises:
        ImportError: the package `implicit` is not installed.
    """
    from implicit.cpu.als import AlternatingLeastSquares

    # Its own threads and BLAS's get into each other's way; one of each also makes it reproducible.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=size, iterations=iterations, alpha=alpha, random_state=seed, num_threads=1
        )
        model.fit(matrix, show_progress=False)
    users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
    return FactorModel(users, items, np.zeros(len(items), np.float32))
