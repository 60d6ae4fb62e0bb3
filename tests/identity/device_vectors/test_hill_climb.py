"""The attack of a hacked device that has one matching vector: rebuild the template from answers, for a day.

Without limits some thousand answers are enough. The attackers here know the threshold, and pay with the clock
for every pause that the server asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from identity.customers.visits.day_limits import MATCHES, MISSES
from identity.errors import TooManyFailures, TooManyToday
from identity.vectors import Array, unit
from plumbing.clock import DAY, HOUR, SECOND
from tests.identity.fakes import FAKE_PACK, FakeEngine
from tests.identity.halves import World
from tests.identity.vector_devices import VectorDevice, of_vectors

SIZE = 256
START = 0.5  # cosine of the vector that the attacker has
REBUILT = 0.7
Ask = Callable[[Array], bool]


class DayIsOver(Exception):
    """The attacker gets no more answers."""


@dataclass
class Attacker:
    """Answers so far: vectors, and whether they matched. `ask` raises DayIsOver."""

    ask: Ask
    start: Array
    threshold: float
    bits: int
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))
    known: list[Array] = field(default_factory=list)

    def on_the_boundary(self, inside: Array, outside: Array) -> Array:
        """A vector whose cosine with the template is the threshold, between two."""
        for _ in range(self.bits):
            middle = unit(inside + outside)
            inside, outside = (middle, outside) if self.ask(middle) else (inside, middle)
        return unit(inside + outside)

    def attack(self) -> Array:
        """The best guess at the template: the shortest vector with the known products."""
        try:
            while len(self.known) < SIZE:
                away = self.random.normal(size=SIZE).astype(np.float32)
                away = unit(away - (away @ self.start) * self.start)
                self.known.append(self.on_the_boundary(self.start, away))
        except DayIsOver:
            pass
        products = np.array([START, *[self.threshold] * len(self.known)])
        found, *_ = np.linalg.lstsq(np.stack([self.start, *self.known]).astype(np.float64), products, rcond=1e-3)
        return unit(found)


class Thrifty(Attacker):
    """Spends few matches: from a vector on the boundary, steps so long that one in twenty matches. Then the
    template lies further along that step than along nineteen others."""

    STEP, FAR = 0.55, 0.115

    def attack(self) -> Array:
        guess = START * self.start.astype(np.float64)
        try:
            away = self.random.normal(size=SIZE)
            edge = self.on_the_boundary(self.start, unit(away - (away @ self.start) * self.start))
            while True:
                step = self.random.normal(size=SIZE)
                for known in (self.start, unit(edge - (edge @ self.start) * self.start)):
                    step -= float(step @ known) * known
                step /= np.linalg.norm(step)
                guess += (self.FAR if self.ask(unit(edge + self.STEP * step)) else -self.FAR / 20) * step
        except DayIsOver:
            return unit(guess)


def template_and_start() -> tuple[Array, Array]:
    random = np.random.default_rng(3)
    template = unit(random.normal(size=SIZE))
    drawn = random.normal(size=SIZE)
    beside = unit(drawn - (drawn @ template) * template)
    return template, unit(START * template + np.sqrt(1 - START**2) * beside)


@dataclass
class Victim:
    """A server with one customer, and the hacked device that asks it."""

    world: World
    template: Array
    answers: int = 0
    matches: int = 0

    def __post_init__(self) -> None:
        self.kiosk = VectorDevice(self.world)
        self.kiosk.enrols(of_vectors(self.template, self.template, self.template))
        self.ends_us = self.world.clock.now + DAY

    def recognises(self, vector: Array) -> bool:
        return self._answer(lambda: self.kiosk.shows(of_vectors(vector)).decision != "unknown")

    def _answer(self, ask: Callable[[], bool]) -> bool:
        while self.world.clock.now < self.ends_us:
            try:
                found = ask()
            except TooManyFailures as error:
                self.world.clock.now += (error.retry_after or 1) * SECOND
            except TooManyToday:
                self.world.clock.now += HOUR
            else:
                self.answers += 1
                self.matches += found
                return found
        raise DayIsOver


@pytest.fixture
def victim(world: World) -> Victim:
    world.close()
    made = World(world.home / "climb", engine=FakeEngine(pack=replace(FAKE_PACK, size=SIZE)))
    return Victim(made, template_and_start()[0])


def threshold_of(victim: Victim) -> float:
    found = victim.world.half.calibrator.threshold("north")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "bits"), [(Attacker, 12), (Attacker, 5), (Thrifty, 6)], ids=["12", "5", "thrifty"]
)
def test_a_day_of_answers_does_not_rebuild_a_template(victim: Victim, kind: type[Attacker], bits: int) -> None:
    template, start = template_and_start()

    found = kind(victim.recognises, start, threshold_of(victim), bits).attack()

    assert float(found @ template) < REBUILT
    assert victim.matches <= MATCHES
    assert victim.answers <= MISSES + MATCHES


def test_without_limits_the_same_attack_does() -> None:
    template, start = template_and_start()
    asked: list[Array] = []

    def ask(vector: Array) -> bool:
        asked.append(vector)
        return float(vector @ template) >= 0.35

    found = Attacker(ask, start, 0.35, 12).attack()

    assert float(found @ template) > 0.95
    assert len(asked) == 12 * SIZE
