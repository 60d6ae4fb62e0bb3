"""What a training reads: all of the log at once, or in parts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from recommender.scene import AnyScene, DataCut, Progress, Trained, TrainingInput
from recommender.store.events import EventStore
from recommender.training.checks import data_cut, what_is_missing
from recommender.training.gate.changes import Looks, looks_of
from recommender.training.gate.profile import Profile, known_until


@dataclass(frozen=True, slots=True)
class Log:
    """Where a training reads, and everything that it needs beside the events."""

    events: EventStore
    scene: AnyScene
    data: TrainingInput  # without its events
    until_us: int | None = None  # only what happened up to here: a pinned version is made again


class Reading(Protocol):
    """The log as one training has it."""

    @property
    def some(self) -> TrainingInput:
        """With the events of at least a few customers: a new model is tried on them."""
        ...

    @property
    def asked(self) -> TrainingInput:
        """With all events of at least some hundred customers: the gate asks for their last orders."""
        ...

    def looks(self, earlier: Profile | None, now_us: int) -> Looks | None:
        """The counts of the log, and of what the training of `earlier` could have read of it; None for a scene
        with a log of its own."""
        ...

    def missing(self) -> str | None:
        """What a training still needs, in a sentence; None when there is enough."""
        ...

    def train(self, seed: int, progress: Progress) -> Trained:
        """As `Scene.train`."""
        ...

    def cut(self) -> DataCut:
        """The size, the end and the hash of all that was read."""
        ...


Reads = Callable[[Log, Progress], AbstractContextManager[Reading]]
"""Reads the log; what it needs meanwhile is there inside of the context."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All of the log in one memory."""

    scene: AnyScene
    some: TrainingInput

    @property
    def asked(self) -> TrainingInput:
        """See `Reading`."""
        return self.some

    def looks(self, earlier: Profile | None, now_us: int) -> Looks | None:
        """See `Reading`."""
        return None if self.scene.learns_from is None else looks_of(self.some.interactions, earlier, now_us)

    def missing(self) -> str | None:
        """See `Reading`."""
        return what_is_missing(self.scene, self.some)

    def train(self, seed: int, progress: Progress) -> Trained:
        """See `Reading`."""
        return self.scene.train(self.some, seed=seed, progress=progress)

    def cut(self) -> DataCut:
        """See `Reading`."""
        return data_cut(self.some)


def at_once(log: Log, progress: Progress) -> AbstractContextManager[Reading]:
    """Reads everything into this process."""
    data = log.data
    if log.scene.learns_from is not None:
        seen = log.events.everything(data.tenant, log.scene.learns_from)
        seen = seen if log.until_us is None else known_until(seen, log.until_us)
        data = replace(data, interactions=seen)
    return nullcontext(Whole(log.scene, data))
