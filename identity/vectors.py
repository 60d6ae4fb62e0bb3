"""Unit vectors: the arrays in which faces are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def unit(vectors: NDArray[np.floating]) -> Array:
    """Rows (n, d) or a vector (d,) at unit length. Raises ValueError on a zero or a value that is not finite."""
    array = np.asarray(vectors, np.float64)
    norm = np.sqrt((array * array).sum(axis=-1, keepdims=True))
    if not np.isfinite(norm).all() or (norm < 1e-6).any():
        raise ValueError("a face vector is zero or not finite")
    return (array / norm).astype(np.float32)


def mean_template(vectors: NDArray[np.floating]) -> Array:
    """(k, d) unit vectors of one person -> the (d,) unit vector of their mean."""
    return unit(unit(np.atleast_2d(vectors)).astype(np.float64).mean(axis=0))


def mean_probe(vectors: NDArray[np.floating]) -> Array:
    """(k, d) unit vectors of one press -> the (d,) mean, NOT of unit length: its product with a template is the
    mean of the frames' cosines, and means of a stranger's scores lie no further out than single ones. Stretched to
    unit length they would, by as much as the frames differ."""
    return np.asarray(np.atleast_2d(vectors).mean(axis=0), np.float32)
