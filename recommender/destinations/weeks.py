"""A log of rides week by week: what each piece of work on it reads, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.signals.candidates import candidates
from recommender.destinations.signals.crowd import PlaceCrowd, Shared, crowd_of
from recommender.destinations.signals.kernel import Kernel
from recommender.destinations.visits import DAY_US, Positions, Visits, moments_at
from recommender.ranking.pairs import Pairs

REFRESH_US = 7 * DAY_US
"""How often the crowd is recomputed in training and in batches: as in service with weekly training."""

BLOCK = 2000


@dataclass(frozen=True, eq=False)
class Log:
    """What every piece of work reads: visits, where the places are, and what others may see of them."""

    visits: Visits
    positions: Positions
    shared: Shared | None = None

    def crowd(self, as_of_us: int) -> PlaceCrowd:
        """The crowd as it was at a moment."""
        return crowd_of(self.visits, self.positions.lat, self.positions.lon, as_of_us, self.shared)


def weeks_of(time_us: NDArray[np.int64], refresh_us: int = REFRESH_US) -> list[tuple[int, list[NDArray[np.intp]]]]:
    """The beginning of each week with moments, and its moments (indices into `time_us`) in blocks.

    A block has at most `BLOCK` moments, which bounds the memory.
    """
    week, found = time_us // refresh_us, []
    for number in np.unique(week):
        rows = np.flatnonzero(week == number)
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        found.append((int(number * refresh_us), blocks))
    return found


def week_of_candidates(
    log: Log, kernel: Kernel, as_of_us: int, blocks: Sequence[NDArray[np.intp]]
) -> list[tuple[Pairs, list[str]]]:
    """The candidates of some visits (rows), as they could be known just before, with the crowd of the week."""
    crowd, found = log.crowd(as_of_us), []
    for block in blocks:
        moments = moments_at(log.visits, block, log.positions.lat, log.positions.lon)
        found.append(candidates(log.visits, moments, crowd, log.positions, kernel))
    return found
