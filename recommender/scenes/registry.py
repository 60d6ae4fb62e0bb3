"""The scenes by name. Each is imported when it is first used: `usual --help` need not wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from recommender.scene import AnyScene
from recommender.store.offers import OfferStore

OFFERS = "offers"


def _orders(_log: OfferStore) -> AnyScene:
    from recommender.scenes.orders import ORDERS

    return ORDERS


def _destinations(_log: OfferStore) -> AnyScene:
    from recommender.scenes.destinations import DESTINATIONS

    return DESTINATIONS


def _offers(log: OfferStore) -> AnyScene:
    from recommender.scenes.offers import OffersScene

    return OffersScene(log)


_OPEN: Mapping[str, Callable[[OfferStore], AnyScene]] = {
    "orders": _orders,
    "destinations": _destinations,
    OFFERS: _offers,
}

SCENE_NAMES = tuple(_OPEN)


class Scenes(Mapping[str, AnyScene]):
    """Name -> scene. A scene that keeps a log of its own gets it here: offers, the log of their decisions."""

    def __init__(self, offers: OfferStore) -> None:
        self._offers = offers
        self._opened: dict[str, AnyScene] = {}

    def __getitem__(self, name: str) -> AnyScene:
        if name not in self._opened:
            self._opened[name] = _OPEN[name](self._offers)
        return self._opened[name]

    def __contains__(self, name: object) -> bool:
        return name in _OPEN  # `Mapping` would open the scene to find out

    def __iter__(self) -> Iterator[str]:
        return iter(_OPEN)

    def __len__(self) -> int:
        return len(_OPEN)


OpenScenes = Callable[[OfferStore], Mapping[str, AnyScene]]
"""Makes the scenes of an installation from the log of its offers: `Scenes`, or a test's own."""
