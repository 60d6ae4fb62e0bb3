"""The store of experiments gives the same answers on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from plumbing.clock import HOUR, MINUTE
from plumbing.storage.state import State
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.experiments.assignment import unit_of
from recommender.experiments.errors import ExperimentsOverlap, UnknownExperiment, WrongState
from recommender.store.experiment_visits import Done, Seen, Who
from tests.recommender.experiments.worlds import experiment

NOW = 1_795_435_200_000_000


@pytest.fixture
def stores(state: State) -> Iterator[RecommenderStores]:
    made = open_stores(RecommenderConfig(state.home, (), database=state.url))
    yield made
    made.models.close()
    made.database.close()


def test_the_life_of_an_experiment(stores: RecommenderStores) -> None:
    store = stores.experiments
    with pytest.raises(UnknownExperiment):
        store.get("grill", "exp-1")
    store.save_draft("grill", experiment(), NOW)
    store.save_draft("grill", experiment(name="Winter"), NOW + 1)
    assert [one.name for one in store.all("grill")] == ["Winter"]
    assert store.all("other") == []
    generation = stores.events.generation("grill", "experiments")
    begun = store.start("grill", "exp-1", NOW + 2)
    assert stores.events.generation("grill", "experiments") > generation
    assert (begun.state, begun.started_us, begun.stretch) == ("running", NOW + 2, (0.0, 1.0))
    ((running, salt),) = store.running("grill")
    assert (running, len(salt)) == (begun, 32)
    store.save_draft("grill", experiment(experiment_id="exp-2", traffic=0.5), NOW)
    with pytest.raises(ExperimentsOverlap):
        store.start("grill", "exp-2", NOW)
    for work in (store.start, store.decide):
        with pytest.raises(WrongState):
            work("grill", "exp-1", *((NOW,) if work == store.start else ("B", NOW)))
    store.mark_vanished("grill", "exp-1", ["B"], NOW)
    assert store.get("grill", "exp-1").vanished == ("B",)
    assert store.tenants() == ["grill"]
    assert store.due(NOW) == []
    ended = store.stop("grill", "exp-1", NOW + 5)
    assert (ended.state, ended.result and ended.result["visits"]) == ("stopped", 0)
    assert store.running("grill") == []
    assert store.decide("grill", "exp-1", "", NOW + 6).state == "decided"
    store.delete_draft("grill", "exp-2")
    assert [one.experiment_id for one in store.all("grill")] == ["exp-1"]


def test_what_is_counted(stores: RecommenderStores) -> None:
    store = stores.experiments
    store.save_draft("grill", experiment(), NOW)
    store.start("grill", "exp-1", NOW)
    ((_, salt),) = store.running("grill")
    ann, bob = (Who("grill", "exp-1", unit_of(salt, name * 64), name * 64) for name in "ab")
    stale = Who("grill", "exp-9", ann.unit, ann.hashed)
    store.count(
        [
            Seen(ann, NOW, "north", "lunch", ("tea", "bun"), 10.0),
            Seen(ann, NOW + MINUTE, "north", "lunch", ("pie",), 99.0),
            Done(ann, NOW + 2 * MINUTE, "ordered", "k1", ("bun",), 250),
            Done(ann, NOW + 2 * MINUTE, "ordered", "k1", ("bun",), 250),
            Done(ann, NOW + 9 * HOUR, "ordered", "k2", ("tea",), 400),
            Seen(ann, NOW + 10 * HOUR, "south", "dinner", ("tea",), 20.0),
            Done(ann, NOW + 10 * HOUR + 1, "ordered", "k3", ("tea",), 100),
            Done(ann, NOW + 10 * HOUR + 2, "ordered", "k4", ("pie",), 50),
            Done(bob, NOW, "ordered", "k5", ("tea",), 100),
            Seen(stale, NOW, "north", "lunch", ("tea",), 1.0),
        ]
    )
    people = store.people("grill", "exp-1")
    order = np.argsort(people.site)
    assert people.site[order].tolist() == ["north", "south"]
    sums = {name: column[order].tolist() for name, column in people.sums.items()}
    assert people.visits[order].tolist() == [1.0, 1.0]
    assert sums["value"] == [250.0, 150.0]
    assert (sums["first"], sums["any"], sums["completed"]) == ([0.0, 1.0], [1.0, 1.0], [1.0, 1.0])
    assert sums["answer_ms"] == [10.0, 20.0]
    assert store.visits_of("grill", ann.hashed)[0]["visits"] == 2
    assert store.visits_of("grill", bob.hashed) == []

    assert store.forget("grill", ann.hashed) == 3
    with stores.database.write() as connection:
        connection.execute("INSERT INTO tombstones VALUES (?, ?)", ("grill", bob.hashed))
    store.count([Seen(bob, NOW, "north", "lunch", ("tea",), 1.0)])
    assert len(store.people("grill", "exp-1").units) == 0


def test_two_processes_count_the_same_customer(stores: RecommenderStores) -> None:
    """What both noted adds up; a visit that one began goes on in the other."""
    store = stores.experiments
    store.save_draft("grill", experiment(), NOW)
    store.start("grill", "exp-1", NOW)
    who = Who("grill", "exp-1", "ab" * 16, "c" * 64)
    store.count([Seen(who, NOW, "north", "lunch", ("tea",), 10.0)])
    store.count([Done(who, NOW + 1, "ordered", "k1", ("tea",), 250)])
    store.count([Done(who, NOW + 1, "ordered", "k1", ("tea",), 250)])
    people = store.people("grill", "exp-1")
    assert (people.visits.tolist(), people.sums["value"].tolist()) == ([1.0], [250.0])
