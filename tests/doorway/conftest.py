"""A centre and a box beside it, shared by a module's tests, or a pair that one test may ruin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.edge.events import Taken
from tests.doorway.worlds import PEOPLE, BoxWorld, CentreWorld, Own
from tests.identity.halves import StoppedClock
from tests.recommender.service_fixtures import installation

__all__ = ["installation"]


@pytest.fixture(scope="module")
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, clock: StoppedClock) -> Iterator[CentreWorld]:
    """One centre for the tests that leave it and its clock as they were, but for people of their own."""
    made = CentreWorld(tmp_path_factory.mktemp("centre"), clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def one_box(tmp_path_factory: pytest.TempPathFactory, centre: CentreWorld) -> Iterator[BoxWorld]:
    made = BoxWorld(tmp_path_factory.mktemp("box"), tmp_path_factory.mktemp("memory"), centre)
    yield made
    made.close()


@pytest.fixture
def box(one_box: BoxWorld) -> BoxWorld:
    """The box of that centre, with a whole line and nothing in its outbox."""
    one_box.centre.whole = one_box.outbox.open = True
    one_box.deliver()
    one_box.tick(2)
    one_box.centre.deliveries.taken = Taken()
    return one_box


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    centre = CentreWorld(tmp_path / "centre", StoppedClock())
    box = BoxWorld(tmp_path / "box", tmp_path / "memory", centre)
    yield Own(centre, box)
    box.close()
    centre.close()


@pytest.fixture
def ann() -> int:
    """Somebody whom no other test knows."""
    return next(PEOPLE)
