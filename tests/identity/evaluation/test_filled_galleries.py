"""Galleries larger than the number of people with enough pictures: they are filled, and the figures say so."""

from __future__ import annotations

import numpy as np
import pytest

from identity.cli.evaluate import identification_rows
from identity.evaluation import identification as evaluation
from identity.evaluation.identification import LabelledVectors
from identity.evaluation.masks import MOST_CUSTOMERS, Masked, mask_plan, mask_rows
from identity.evaluation.promise import measure_promise
from identity.matching.tails import Scoring
from tests.identity.evaluation.test_identification import world


def own_directions(pictures: list[int]) -> LabelledVectors:
    """People with so many pictures each, every one in the person's own direction: overlap shows."""
    owners = np.repeat(np.arange(len(pictures)), pictures)
    return LabelledVectors(np.eye(len(pictures), dtype=np.float32)[owners], owners)


def whose(vectors: np.ndarray) -> set[int]:
    """People whose directions these are."""
    return set(vectors.argmax(axis=1).tolist())


@pytest.mark.parametrize("frames", [1, 3])
def test_who_fills_a_gallery_is_never_probed_and_no_stranger(frames: int) -> None:
    """120 people with 6 pictures, 500 with one: a gallery of 300 has its probes from the first alone."""
    album = own_directions([6] * 120 + [1] * 500)
    dealt = evaluation.split_people(album, 3, frames, 300, np.random.default_rng(1))
    assert dealt is not None
    gallery, probed, strangers = whose(dealt.gallery), whose(dealt.probes), whose(dealt.strangers)

    assert len(gallery) == 300
    assert dealt.filled == 300 - len(probed) > 0
    assert max(probed) < 120
    assert not gallery & strangers
    assert probed < gallery
    assert len(dealt.customer_names) == 300


def test_enough_people_make_a_gallery_without_filling() -> None:
    """480 people with 4 pictures and 250 with one: all 480 are probed, the 250 are the strangers."""
    album = own_directions([4] * 480 + [1] * 250)
    dealt = evaluation.split_people(album, 3, 1, 480, np.random.default_rng(1))

    assert dealt is not None
    assert (len(dealt.gallery), dealt.filled, len(dealt.stranger_names)) == (480, 0, 250)
    assert evaluation.gallery_sizes(album, 3, 1) == [100, 300, 400, 480, 600]


def test_forty_people_give_a_row_with_a_warning() -> None:
    """40 people with 10 pictures each: a gallery of 20, 20 strangers, and a warning that these are few."""
    rng = np.random.default_rng(2)
    owners = np.repeat(np.arange(40), 10)
    centres = np.eye(40, 64, dtype=np.float32)
    album = evaluation.labelled_vectors(list(centres[owners] + 0.02 * rng.normal(size=(400, 64))), owners.tolist())
    rows = identification_rows(album, Scoring(0.6, 10), 6)

    assert {(row["gallery"], row["filled"], row["strangers"]) for row in rows} == {(20, 0, 20)}
    assert {row["warning"] for row in rows} == {"20 strangers are few"}
    assert all(row["fnir"] == 0 for row in rows)


def test_the_promise_is_met_in_filled_galleries_of_a_known_world() -> None:
    """150 people with 6 pictures, 1,400 with one; gallery 300, promise 1 %: .4 to 1.6 of it, one frame."""
    rows = measure_promise(
        world(150, 1_400, 0.04), np.random.default_rng(5), Scoring(0.6, 10), (0.01,), splits=4, sizes=(300,)
    )
    found = {(row["gallery"], row["probe_frames"]): row for row in rows}

    assert found[300, 1]["filled"] == 200
    assert 0.4 <= found[300, 1]["ratio"] <= 1.6
    assert (found[300, 3]["strangers"], found[300, 3]["filled"]) == (100, 275)
    assert found[300, 3]["ratio"] <= 1.6
    assert found[300, 3]["fnir"] == 0


def test_masks_are_measured_in_a_gallery_of_four_hundred() -> None:
    """90 people with 6 pictures: galleries of 100 and 400 are filled from the others, whose masks are drawn."""
    album = world(90, 900, 0.02)
    plan = mask_plan(album, np.random.default_rng(1))
    assert plan is not None
    fillers = {int(album.people[rows[0]]) for rows in plan.fillers}
    strangers = {int(album.people[rows[0]]) for rows in plan.others}
    seen = np.ones(len(album.vectors), bool)
    masked = Masked(album, plan, album.vectors, album.vectors, seen)
    rows = {row["kind"]: row for row in mask_rows(masked, 0.3, Scoring(), np.random.default_rng(2))}

    assert not fillers & strangers
    assert {int(album.people[row]) for row in plan.enrolments()} >= fillers
    assert {"mask", "mask_gallery_100", "mask_gallery_400", "mask_three_frames_gallery_400"} <= set(rows)
    assert rows["mask_gallery_400"]["gallery"] == MOST_CUSTOMERS == 90 + rows["mask_gallery_400"]["filled"]
    assert rows["mask_gallery_400"]["fnir"] == 0
    assert rows["mask_gallery_400"]["fpir"] < 0.03
