"""One request to a scene from what a notebook gives: a history, a customer, a time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from recommender.library.catalogue import Catalogue, items_of
from recommender.ranking.frames import Columns
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.scene import Context, Item, Progress, Request

Data = Interactions | Columns
"""Interactions, a mapping of columns, or a data frame."""


def interactions_of(data: Data) -> Interactions:
    """Raises MissingColumns, ValueError or TypeError as `Interactions.from_columns` does."""
    return data if isinstance(data, Interactions) else Interactions.from_columns(data)


def no_progress(_what: str, _share: float) -> None:
    """What is called where nobody wants to see progress."""


def reported(progress: Progress | None) -> Progress:
    """The given callback, or one that does nothing."""
    return progress or no_progress


def request_of(
    history: Data | None,
    customer: str | None,
    context: Context,
    catalogue: Catalogue | None,
    known_items: tuple[Item, ...],
    n: int,
    generator: np.random.Generator | None,
) -> Request:
    """The request of one customer; `history` None is a guest.

    Raises:
        ValueError: `history` holds several customers and `customer` does not say whose request it is; a time
            without zone.
    """
    rows = None if history is None else _rows_of(interactions_of(history), customer)
    if context.local_time is not None and context.local_time.tzinfo is None:
        raise ValueError(f"`at` needs a zone: {context.local_time.isoformat()} may mean several moments")
    return Request(
        history=rows,
        context=context,
        catalogue=known_items if catalogue is None else items_of(catalogue),
        n=n,
        now_us=_now_us(context.local_time, rows),
        rng=generator or np.random.default_rng(0),
    )


def _rows_of(history: Interactions, customer: str | None) -> Interactions:
    if customer is not None:
        return history.of_customer(customer)
    if len(np.unique(history.customer)) > 1:
        raise ValueError("the history holds several customers: say which one by `customer`")
    return history


def _now_us(at: datetime | None, history: Interactions | None) -> int:
    """The moment of the request; without one, just after the last event of the history."""
    if at is not None:
        return int(at.astimezone(UTC).timestamp() * 1e6)
    times = np.zeros(0, np.int64) if history is None else history.time_us[history.time_us != NO_TIME]
    return int(np.max(times)) + 1 if len(times) else 0
