"""A press looks through its site, then its region, then its tenant: the promise holds over all of it, and whom it
shows is the same as without stages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.evaluation.simulation import World
from identity.matching.calibration import Calibration, dependence, threshold_for
from identity.matching.decide import decide, top_scores
from identity.matching.stages import Stage, decide_in_stages, reaching, shares, stage_calibrations
from identity.matching.tails import Scoring, TopTail, fit_tail
from identity.vectors import unit

PROMISE, CUSTOMERS, SITES, REGIONS = 0.02, 4_000, 100, 25
PRESSES, STRANGERS = 500, 2_000
SCORINGS = {"plain": Scoring(), "cohort": Scoring(0.3, 4)}


def direction(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def stage(people: dict[str, float], threshold: float) -> Stage:
    """People at angles of the plane."""
    calibration = Calibration("toy@1", threshold, len(people), 0.01, 0)
    return Stage(tuple(people), direction(*people.values()), len(people), calibration)


EVERYBODY = {"ann": 0.0, "bob": 30.0, "eve": 90.0}


def test_at_home_less_is_enough_than_elsewhere() -> None:
    """Twelve degrees from Ann: near enough at her site, not near enough where she is one of all."""
    site, whole = stage({"ann": 0.0}, 0.9), stage(EVERYBODY, 0.99)

    assert decide_in_stages(direction(-12), [site, whole]) == ("matched", "ann")
    assert decide_in_stages(direction(-12), [whole]) == ("unknown", None)
    assert decide_in_stages(direction(-12), [stage({"bob": 30.0}, 0.7), whole]) == ("unknown", None)


def test_who_comes_from_elsewhere_is_not_taken_for_somebody_of_the_site() -> None:
    """Bob visits Ann's site: he is found among all, though she would be near enough there."""
    site, whole = stage({"ann": 0.0}, 0.8), stage(EVERYBODY, 0.95)

    assert decide_in_stages(direction(28), [site, whole]) == ("matched", "bob")
    assert decide_in_stages(direction(35), [stage({"ann": 0.0}, 0.8), stage(EVERYBODY, 0.999)]) == (
        "unknown",
        None,
    )


def test_a_near_tie_with_somebody_elsewhere_is_ambiguous() -> None:
    site, whole = stage({"ann": 0.0}, 0.9), stage(EVERYBODY | {"amy": 10.0}, 0.99)

    assert decide_in_stages(direction(4.9), [site, whole]) == ("ambiguous", None)
    assert reaching(direction(4.9), [site, whole]) == {"ann", "amy"}


def test_an_empty_stage_and_an_empty_gallery_know_nobody() -> None:
    empty = Stage((), np.empty((0, 2), np.float32), 0, Calibration("toy@1", 0.1, 1, 0.01, 0))

    assert decide_in_stages(direction(0), [empty]) == ("unknown", None)
    assert decide_in_stages(direction(0), [empty, stage({"ann": 0.0}, 0.9)]) == ("matched", "ann")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(0.3, 0.99), st.integers(0, 2**32 - 1), st.booleans())
def test_one_stage_decides_as_ever(count: int, threshold: float, seed: int, cohort: bool) -> None:
    """A tenant with one site: the same decisions as before there were stages."""
    rng = np.random.default_rng(seed)
    gallery = unit(rng.standard_normal((count, 6)))
    probe = unit(gallery[0] + 0.4 * rng.standard_normal(6))[None]
    scoring = Scoring(0.3, 2) if cohort else Scoring()
    calibration = Calibration("toy@1", threshold, count, 0.01, 0, scoring)
    ids = tuple(str(n) for n in range(count))

    before = decide(probe, gallery, calibration)

    found = decide_in_stages(probe, [Stage(ids, gallery, count, calibration)])
    assert found == (before.outcome, None if before.index is None else ids[before.index])


def test_the_shares_add_up_to_the_promise() -> None:
    for stages in (1, 2, 3):
        assert sum(shares(stages)) == pytest.approx(1)
        assert len(shares(stages)) == stages
    assert shares(1) == (1.0,)


@dataclass(frozen=True)
class Chain:
    """Simulated people of a chain: customer i enrolled at site i % SITES, in region i % REGIONS."""

    templates: np.ndarray
    own: np.ndarray  # a frame of each customer
    strangers: np.ndarray
    whole: Calibration
    staged: tuple[Calibration, ...]

    def decisions(self, probes: np.ndarray, sites: np.ndarray, *, staged: bool) -> list[tuple[str, str | None]]:
        rows, cosines = np.arange(CUSTOMERS), probes @ self.templates.T
        found: list[tuple[str, str | None]] = []
        for probe, scores, site in zip(probes, cosines, sites.tolist(), strict=True):
            parts = [rows[site::SITES], rows[site % REGIONS :: REGIONS], rows]
            stages = []
            for part, calibration in zip(parts, self.staged, strict=True) if staged else [(rows, self.whole)]:
                near = part[np.argpartition(-scores[part], 16)[:16]]
                stages.append(Stage(tuple(map(str, near)), self.templates[near], len(part), calibration))
            found.append(decide_in_stages(probe[None], stages))
        return found


@cache
def chain(kind: str) -> Chain:
    scoring, world = SCORINGS[kind], World(3, scatter=0.2)
    pack = unit(world.frames(400, 3).mean(axis=1))
    probes = world.frames(1_500, 1)[:, 0]
    tail = fit_tail(probes @ pack.T)
    tops = TopTail(400, fit_tail(top_scores(probes, pack, scoring)[1]))

    def shift(target: float) -> float:
        return dependence(target, tail, tops, scoring) if scoring.cohort_weight else 0.0

    frames = world.frames(CUSTOMERS, 4)
    templates = unit(frames[:, :3].mean(axis=1))
    own = top_scores(world.frames(1_000, 1)[:, 0], templates, scoring)[1]
    threshold = threshold_for(
        PROMISE, CUSTOMERS, pack_tail=tail, gallery_tops=own, scoring=scoring, shift=shift(PROMISE)
    )
    whole = Calibration("toy@1", threshold, CUSTOMERS, PROMISE, 0, scoring)
    sizes = (CUSTOMERS // SITES, CUSTOMERS // REGIONS)
    return Chain(
        templates,
        frames[:, 3],
        world.frames(STRANGERS, 1)[:, 0],
        whole,
        stage_calibrations(whole, sizes, tail, shift),
    )


@pytest.mark.parametrize("kind", SCORINGS)
def test_all_stages_together_keep_the_promise(kind: str) -> None:
    """2,000 strangers, each at a site: with stages no more are greeted than one search of the whole gallery at the
    same promise greets, and no more than it promises (with the scatter of a count)."""
    here, sites = chain(kind), np.arange(STRANGERS) % SITES

    plain, staged = (
        sum(outcome != "unknown" for outcome, _ in here.decisions(here.strangers, sites, staged=staged))
        for staged in (False, True)
    )

    promised = PROMISE * STRANGERS
    assert staged <= max(plain, promised)
    assert 0.3 * promised < staged < promised + 2 * np.sqrt(promised)


@pytest.mark.parametrize("kind", SCORINGS)
def test_stages_greet_more_at_home_about_as_many_elsewhere_and_nobody_wrongly(kind: str) -> None:
    """The same 500 presses with and without stages, side by side."""
    here, rows = chain(kind), np.arange(PRESSES)
    right, wrong = {}, {}
    for away in (0, 7):
        for staged in (False, True):
            found = here.decisions(here.own[:PRESSES], (rows + away) % SITES, staged=staged)
            right[away, staged] = sum(who == str(row) for row, (_, who) in enumerate(found))
            wrong[away, staged] = sum(who not in (None, str(row)) for row, (_, who) in enumerate(found))

    assert right[0, True] > right[0, False]
    assert right[7, True] >= right[7, False] - 0.02 * PRESSES
    assert all(wrong[away, True] <= wrong[away, False] for away in (0, 7))


def test_a_gallery_that_asks_for_a_higher_threshold_raises_every_stage() -> None:
    """Its own scores lie .05 beyond what the pack's tail says: so do the thresholds of its parts."""
    for kind, scoring in SCORINGS.items():
        world = World(4)
        tail = fit_tail(world.frames(1_000, 1)[:, 0] @ unit(world.frames(400, 3).mean(axis=1)).T)
        plain = threshold_for(PROMISE, CUSTOMERS, pack_tail=tail, scoring=scoring)
        sizes = (CUSTOMERS // SITES, 20)
        low, high = (
            stage_calibrations(
                Calibration("toy@1", at, CUSTOMERS, PROMISE, 0, scoring), sizes, tail, lambda _: 0.0
            )
            for at in (plain, plain + 0.05)
        )
        raised = [b.threshold - a.threshold for a, b in zip(low, high, strict=True)]
        assert raised[0] == raised[1] if kind == "plain" else raised[1] == pytest.approx(0.05 / 0.7)
        assert raised[-1] == pytest.approx(0.05)
        assert [one.target for one in high] == pytest.approx([0.1 * PROMISE, 0.1 * PROMISE, 0.8 * PROMISE])
