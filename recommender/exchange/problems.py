"""What is wrong in a file of any size: everything is counted, so much of it is kept."""

from __future__ import annotations

from collections import Counter
from heapq import heappush, heappushpop

from recommender.errors import BadRows, RowProblem
from recommender.store.import_log import MOST_ROWS

MOST_CAUSES = 1_000
"""Different messages that are counted one by one."""


class Problems:
    """The first `most` wrong rows of a file, in whichever order they are found."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.count = 0
        self._causes: Counter[str] = Counter()
        self._most = most
        self._kept: list[tuple[int, int, RowProblem]] = []  # the last row of them on top

    def add(self, problem: RowProblem) -> None:
        """Note one."""
        self.count += 1
        known = problem.message in self._causes or len(self._causes) < MOST_CAUSES
        self._causes[problem.message if known else "other causes"] += 1
        one = (-problem.row, -self.count, problem)
        if len(self._kept) < self._most:
            heappush(self._kept, one)
        else:
            heappushpop(self._kept, one)

    def first(self) -> list[RowProblem]:
        """Those that are kept, in the order of the file."""
        return [problem for _, _, problem in sorted(self._kept, reverse=True)]

    def require_none(self) -> None:
        """Raises BadRows: there are some."""
        if self.count:
            raise BadRows(self.first(), total=self.count, causes=self._causes)
