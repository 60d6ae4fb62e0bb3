"""`fit_orders` of a log in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.orders.fit import FitSettings, FittedOrders, asked_last, enough_targets, fit_rounds
from recommender.orders.partitions.crowds import Crowds, PartitionedRound, State
from recommender.orders.partitions.facts import order_counts
from recommender.orders.rounds import Features, Mask, asked
from recommender.orders.signals.crowd import ItemCrowd
from recommender.ranking.partitions import NEVER, PartitionedLog
from recommender.scene import Progress


def fit_in_parts(
    log: PartitionedLog,
    features: Features,
    *,
    seed: int,
    settings: FitSettings | None = None,
    target_customers: Mask | None = None,
    progress: Progress | None = None,
) -> FittedOrders:
    """The same model as `fit_orders` makes of all parts together, to the byte."""
    settings = settings or FitSettings()
    tick = progress or (lambda _what, _share: None)
    rounds = PartitionedRounds(
        log,
        features,
        settings,
        seed,
        enough_targets(target_customers),
        lambda share: tick("counting in parts", 0.02 + 0.18 * share),
    )
    fitted = fit_rounds(rounds, settings, seed, progress)
    return replace(fitted, asked=rounds.asked_last())


class PartitionedRounds:
    """The rounds of a log in parts (`recommender.orders.fit.Rounds`): those that are sure to be needed are counted
    at once, so that each part is read as seldom as possible."""

    def __init__(
        self,
        log: PartitionedLog,
        features: Features,
        settings: FitSettings,
        seed: int,
        target_customers: Mask | None,
        tick: Callable[[float], None],
    ) -> None:
        self._log, self._settings, self._seed, self._targets = log, settings, seed, target_customers
        self._crowds = Crowds(log, features, seed, settings.least_people)
        work = [(part,) for part in log.parts]
        counts = list(log.mapper.map(order_counts, work, shared=(log.vocabularies,), name="orders"))
        self._orders = np.concatenate([one.orders for one in counts])
        last = self._limit(self._orders, 1, least=3)
        earlier = np.where(last != NEVER, np.concatenate([one.earlier for one in counts]), self._orders)
        states = [State(last, last)]
        for back in range(1, settings.rounds + 1):
            before = self._limit(earlier, back)
            states.append(State(np.minimum(last, before), before))
        made = self._crowds.made([*states, State()], tick)
        self._everything = made[-1][0]
        self._rounds = [one for _, one in made[:-1] if one is not None]

    @property
    def words(self) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
        """See `Rounds`."""
        words = self._log.vocabularies
        return words.items, words.sites, words.regions

    def last(self) -> PartitionedRound:
        """See `Rounds`."""
        return self._rounds[0]

    def earlier(self, back: int) -> PartitionedRound:
        """See `Rounds`."""
        return self._rounds[back]

    def newest(self) -> PartitionedRound:
        """See `Rounds`."""
        limit = self._limit(self._orders, 1)
        made = self._crowds.made([State(limit, limit)], lambda share: None)[0][1]
        if made is None:
            raise ValueError("a round without questions was asked for")
        return made

    def everything(self) -> ItemCrowd:
        """See `Rounds`."""
        return self._everything

    def asked_last(self) -> Mask:
        """(customers,) who are asked for their last order."""
        return asked_last(self._orders, self._settings, self._seed, self._targets)

    def _limit(self, counts: NDArray[np.int32], back: int, *, least: int = 2) -> NDArray[np.int32]:
        """(customers,): the order `back` from the end of those who are asked, NEVER for the others."""
        mask = asked(
            counts,
            back,
            self._seed,
            least=least,
            most=self._settings.max_questions,
            target_customers=self._targets,
        )
        return np.where(mask, counts - back, NEVER).astype(np.int32)
