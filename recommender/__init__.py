"""The recommender: an opaque token in, suggestions out, events back, models retrained.

It never sees a face and never imports the half that does.

For notebooks and scripts it exports the engines themselves, on arrays and data frames, without a server:

    from recommender import Destinations, Interactions, Offers, Orders, evaluate

They are imported when they are first used, so that `import recommender` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recommender.library.destinations import Destinations
    from recommender.library.evaluation import evaluate
    from recommender.library.offers import Offers
    from recommender.library.orders import Orders
    from recommender.ranking.interactions import Interactions

__all__ = ["Destinations", "Interactions", "Offers", "Orders", "evaluate"]

_WHERE = {
    "Destinations": "recommender.library.destinations",
    "Interactions": "recommender.ranking.interactions",
    "Offers": "recommender.library.offers",
    "Orders": "recommender.library.orders",
    "evaluate": "recommender.library.evaluation",
}


def __getattr__(name: str) -> object:
    """The public names, imported when they are first used (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
