"""How a training ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from plumbing.words import Message
from recommender.training.outcomes import sentence


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended. `state` is published, unchanged, held_back, tried (a dry run) or refused; `why` is
    `message` in English, or the report's own sentence."""

    state: str
    why: str
    version: str
    report: Mapping[str, Any]
    message: Message | None = None

    @classmethod
    def of(
        cls,
        state: str,
        message: Message,
        report: Mapping[str, Any],
        *,
        version: str = "",
        gate: Mapping[str, Any] | None = None,
    ) -> Self:
        """With its message; the report of the run gets the message and the gate's figures too."""
        more: dict[str, Any] = {"message": {"id": message.id, "values": dict(message.values)}}
        if gate is not None:
            more["gate"] = gate
        return cls(state, sentence(message.id, **message.values), version, {**report, **more}, message)
