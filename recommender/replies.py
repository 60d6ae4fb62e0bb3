"""What the service is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbing.problem import Problem
from recommender.order_lines import LineProblem
from recommender.scene import Context


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """One request for suggestions, as it came in."""

    tenant: str
    device: str
    scene: str
    token: str | None
    context: Context
    n: int
    sender: str = ""  # the device, or the key of a caller without one
    account: str = ""  # of the tenant's own (a dialect's user), in place of a token

    @property
    def asker(self) -> str:
        """Who asks, where a share is counted."""
        return self.sender or self.device


@dataclass(frozen=True, slots=True)
class SuggestReply:
    """The answer. `items` are ready for JSON; prices are the catalogue's, the same for everybody."""

    recommendation_id: str
    scene: str
    model_version: str | None
    fallback: str | None
    items: tuple[dict[str, Any], ...]
    took_ms: float
    excluded: Mapping[str, str]
    generation: int = 0  # of the catalogue


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch of events: how many were new and how many there already, and what was refused."""

    new: int
    duplicates: int
    refused: Mapping[int, Problem]
    problems: Sequence[LineProblem] = ()  # of single lines; the rest of their orders was taken
    waiting: Sequence[int] = ()  # events, by place, that take back an order which is not here yet
