"""Whether another process calculates as this one does: the same code, the same packages, the same arithmetic."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import recommender

PACKAGES = ("numpy", "scipy", "lightgbm", "lightfm-next", "pyarrow")


@dataclass(frozen=True, slots=True)
class Makeup:
    """What decides on the last bit of a result."""

    product: str  # the version of this product
    code: str  # sha256 over its modules
    packages: tuple[str, ...]
    arithmetic: str  # sha256 over the results of a few sums, products and logarithms

    def differs(self, other: Makeup) -> str | None:
        """What is different at `other`, in words; None: nothing."""
        if self.product != other.product:
            return f"usual {other.product}, and this machine usual {self.product}"
        if self.code != other.code:
            return f"other code of usual {other.product} ({other.code[:8]}, and this machine {self.code[:8]})"
        if self.packages != other.packages:
            pairs = zip(self.packages, other.packages, strict=True)
            return ", ".join(f"{theirs}, and this machine {ours}" for ours, theirs in pairs if ours != theirs)
        if self.arithmetic != other.arithmetic:
            return f"a processor that rounds otherwise ({platform.machine()})"
        return None


@cache
def makeup() -> Makeup:
    """Of this process. It is the same for as long as the process lives."""
    return Makeup(
        _version("usual"), _code(), tuple(f"{name} {_version(name)}" for name in PACKAGES), _arithmetic()
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _code() -> str:
    digest, root = hashlib.sha256(), Path(recommender.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _arithmetic() -> str:
    rng, digest = np.random.default_rng(0), hashlib.sha256()
    left, right = rng.random((67, 45)), rng.random((45, 33))
    pairs: list[tuple[Any, Any]] = [(left, right), (left.astype(np.float32), right.astype(np.float32))]
    for a, b in pairs:
        for result in (a @ b, np.log(a), np.exp(-a), a**0.3, np.sqrt(a), a.sum(axis=0), a.sum(axis=1)):
            digest.update(np.ascontiguousarray(result).tobytes())
    return digest.hexdigest()
