"""The scenes that there are, imported when they are first asked for: `usual --help` need not wait for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import cast

from recommender.scene import Scene

_WHERE = {
    "orders": ("recommender.scenes.orders", "ORDERS"),
    "destinations": ("recommender.scenes.destinations", "DESTINATIONS"),
}


@cache
def _scene(name: str) -> Scene:
    module, attribute = _WHERE[name]
    return cast(Scene, getattr(import_module(module), attribute))


class Scenes(Mapping[str, Scene]):
    """Name -> scene. `offers` is not among them: it decides from its log (recommender/offers)."""

    def __getitem__(self, name: str) -> Scene:
        return _scene(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_WHERE)

    def __len__(self) -> int:
        return len(_WHERE)


SCENES = Scenes()
