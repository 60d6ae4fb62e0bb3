"""The face matcher: a frame in, an opaque token out; of people who did not press, nothing is stored.

As a library, for measuring: `Engine` (faces to vectors), `enrol` and `match` on arrays, `read_picture`. They are
imported on first use, so that `import identity` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from identity.library import Engine, enrol, match, read_picture

__all__ = ["Engine", "enrol", "match", "read_picture"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("identity.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
