"""A probe against a gallery: matched, unknown or ambiguous."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.matching.calibration import Calibration
from identity.matching.decide import decide, top_scores
from identity.matching.tails import Scoring
from identity.vectors import mean_template, unit


def at(threshold: float, scoring: Scoring | None = None) -> Calibration:
    return Calibration("toy@1", threshold, 4, 0.01, 0, scoring or Scoring())


def direction(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane: every cosine is the cosine of a visible angle."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_the_nearest_customer_above_the_threshold_is_matched() -> None:
    """10 degrees from the second customer, 80 and more from the others."""
    decision = decide(direction(100), direction(0, 90, 180, 270), at(0.9))

    assert (decision.outcome, decision.index) == ("matched", 1)
    assert decision.score == pytest.approx(np.cos(np.radians(10)))


def test_a_stranger_is_unknown() -> None:
    """45 degrees from two customers is nobody at a threshold of .9."""
    decision = decide(direction(45), direction(0, 90), at(0.9))

    assert (decision.outcome, decision.index) == ("unknown", None)


def test_a_near_tie_is_ambiguous_and_names_nobody() -> None:
    """Between two lookalikes, both above the threshold, nobody is guessed; clearly nearer to one, it is they."""
    decision = decide(direction(5.1), direction(0, 10), at(0.9))

    assert (decision.outcome, decision.index) == ("ambiguous", None)
    assert decide(direction(2), direction(0, 10), at(0.9)).index == 0


def test_an_empty_gallery_knows_nobody() -> None:
    """The first visitor of a new site is a guest."""
    assert decide(direction(0), np.empty((0, 2), np.float32), at(0.1)).outcome == "unknown"


def test_the_only_customer_can_be_matched() -> None:
    """With one customer there is no second to be confused with."""
    assert decide(direction(3), direction(0), at(0.9)).outcome == "matched"


def test_several_frames_score_what_they_score_in_the_mean() -> None:
    """Frames 20 degrees to either side of a customer score cos 20, not 1: several different frames of a stranger
    come no nearer to a customer than one."""
    decision = decide(direction(-20, 20), direction(0, 90), at(0.9))

    assert (decision.outcome, decision.index) == ("matched", 0)
    assert decision.score == pytest.approx(np.cos(np.radians(20)))
    assert decide(direction(-20, 20), direction(0, 90), at(0.95)).outcome == "unknown"


@given(seed=st.integers(0, 10**6), frames=st.integers(1, 3), threshold=st.floats(-1, 1))
@settings(max_examples=60, deadline=None)
def test_no_press_is_greeted_that_none_of_its_frames_would_be(seed: int, frames: int, threshold: float) -> None:
    """Law, without a cohort term: some frame alone comes at least as near to that customer as all together."""
    rng = np.random.default_rng(seed)
    gallery, probes = unit(rng.normal(size=(20, 8))), unit(rng.normal(size=(frames, 8)))
    decision = decide(probes, gallery, at(threshold))

    if decision.outcome == "matched":
        assert np.max(probes @ gallery[decision.index]) >= threshold - 1e-6


def test_the_cohort_term_lowers_the_score_of_common_faces() -> None:
    """Same best cosine, but one probe is near the next two customers as well, and scores less."""
    gallery = direction(0, 30, 40, *range(150, 280, 10))
    common, rare = top_scores(direction(10, -10), gallery, Scoring(0.5, 2))[1]

    assert common < rare
    assert top_scores(direction(10, -10), gallery, Scoring())[1] == pytest.approx(np.cos(np.radians(10)))


def test_a_small_gallery_has_no_cohort() -> None:
    """Among fewer than eight times as many customers the next ranks are anybody: plain cosines are used."""
    few = direction(0, 30, 40, *range(150, 270, 10))

    assert top_scores(direction(10), few, Scoring(0.5, 2))[1] == pytest.approx(np.cos(np.radians(10)))


@pytest.mark.parametrize("bad", [np.zeros((1, 4)), np.full((1, 4), np.nan), np.array([[np.inf, 0, 0, 0]])])
def test_a_vector_without_direction_is_refused(bad: np.ndarray) -> None:
    """Zero, NaN and infinite vectors never become a template."""
    with pytest.raises(ValueError, match="zero or not finite"):
        mean_template(bad)


@given(seed=st.integers(0, 10**6), people=st.integers(1, 40), size=st.sampled_from([2, 16, 128]))
@settings(max_examples=60, deadline=None)
def test_every_customer_is_matched_by_their_own_template(seed: int, people: int, size: int) -> None:
    """Law: a template of the gallery finds itself, wherever it stands, and scores 1."""
    gallery = unit(np.random.default_rng(seed).normal(size=(people, size)))
    index, score, margin = top_scores(gallery, gallery, Scoring())

    assert np.allclose(score, 1, atol=1e-5)
    assert np.array_equal(index[margin > 1e-5], np.arange(people)[margin > 1e-5])


@given(seed=st.integers(0, 10**6), threshold=st.floats(-1, 1), step=st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_a_higher_threshold_never_greets_more(seed: int, threshold: float, step: float) -> None:
    """Law: who is unknown at a threshold is unknown at every higher one."""
    rng = np.random.default_rng(seed)
    gallery, probe = unit(rng.normal(size=(20, 8))), unit(rng.normal(size=(1, 8)))
    low, high = decide(probe, gallery, at(threshold)), decide(probe, gallery, at(threshold + step))

    assert low.outcome != "unknown" or high.outcome == "unknown"
    assert high.index in (low.index, None)


def test_of_a_large_gallery_the_nearest_decide_as_all_would() -> None:
    """The cohort term applies by the size of the gallery, not by how many rows were fetched from it."""
    rng = np.random.default_rng(4)
    gallery = unit(rng.normal(size=(500, 32)))
    probes = unit(gallery[:40] + 0.5 * unit(rng.normal(size=(40, 32))))
    scoring = Scoring(0.3, 10)
    everybody = top_scores(probes, gallery, scoring)

    for n, probe in enumerate(probes):
        nearest = np.sort(np.argsort(-(gallery @ probe))[:16])
        index, score, margin = top_scores(probe[None], gallery[nearest], scoring, size=len(gallery))
        assert nearest[index[0]] == everybody[0][n]
        assert (score[0], margin[0]) == pytest.approx((everybody[1][n], everybody[2][n]), abs=1e-5)
