"""A threshold knows whether pictures or vectors that devices made asked for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import app
from identity.cli.commands import vectors_in
from identity.matching.thresholds import Vectors
from identity.vectors import unit
from plumbing.cli import open_access
from tests.identity.halves import World


def strangers(alike: float, count: int = 60, seed: int = 4) -> list[Vectors]:
    """Three vectors of each; the larger `alike`, the nearer are people to each other."""
    random = np.random.default_rng(seed)
    common = random.normal(size=192)
    faces = [alike * common + random.normal(size=192) for _ in range(count)]
    return [unit(np.stack([face + 0.2 * random.normal(size=192) for _ in range(3)])) for face in faces]


@pytest.mark.parametrize(("pictures", "vectors", "path"), [(0.3, 0.6, "vectors"), (0.6, 0.3, "pictures")])
def test_the_stricter_of_both_paths_holds(world: World, pictures: float, vectors: float, path: str) -> None:
    world.enrol(1)
    calibrator, thresholds = world.half.calibrator, world.half.matchers.clear.thresholds
    by_pictures = calibrator.calibrate("north", strangers(pictures))
    calibrator.calibrate_on_vectors("north", strangers(vectors))

    found = thresholds.current("north", 1)

    assert found is not None
    assert by_pictures is not None
    assert found.path == path
    assert (found.threshold > by_pictures) == (path == "vectors")
    assert world.recognise(1).decision == "matched"  # nobody is asked again


def test_a_file_of_vectors(world: World, tmp_path: Path) -> None:
    people = strangers(0.3, 4)
    file = tmp_path / "cohort.npz"
    np.savez(file, vectors=np.concatenate(people), people=np.repeat(np.arange(4), 3))

    assert [one.shape for one in vectors_in(file, world.half)] == [(3, 192)] * 4
    np.savez(file, vectors=np.zeros((3, 8)), people=np.zeros(3))
    with pytest.raises(ValueError, match="192"):
        vectors_in(file, world.half)
    file.write_bytes(b"no file of arrays")
    with pytest.raises(ValueError, match="`people`"):
        vectors_in(file, world.half)


@pytest.mark.parametrize(
    ("vectors", "count", "found"),
    [
        (0.3, 200, "same"),  # two hundred others, of people who are as near to each other
        (0.8, 200, "differ"),
        (0.3, 20, "unknown"),  # too few to say either
    ],
)
def test_a_move_says_whether_customers_enrol_again(world: World, vectors: float, count: int, found: str) -> None:
    calibrator, thresholds = world.half.calibrator, world.half.matchers.clear.thresholds
    assert thresholds.agreement("north") == "unknown"
    calibrator.calibrate("north", strangers(0.3, count))
    assert thresholds.agreement("north") == "unknown"

    calibrator.calibrate_on_vectors("north", strangers(vectors, count, seed=5))

    assert thresholds.agreement("north") == found
    assert thresholds.agreement("south") == "unknown"


def test_a_cohort_of_before_has_no_error_and_says_nothing(world: World) -> None:
    calibrator, thresholds = world.half.calibrator, world.half.matchers.clear.thresholds
    calibrator.calibrate("north", strangers(0.3, 200))
    calibrator.calibrate_on_vectors("north", strangers(0.3, 200, seed=5))
    world.half.stores.database.change("DELETE FROM tails WHERE kind = 'single_error'")

    assert thresholds.agreement("north") == "unknown"


def test_the_command_that_moves_a_device_says_what_is_known(world: World) -> None:
    open_access(world.home).create_key("north", ("identify",), device="kiosk-9", site="market")
    asked = ["keys", "mode", "kiosk-9", "vectors", "--tenant", "north", "--home", str(world.home)]

    said = CliRunner().invoke(app.assemble(), asked).output

    assert "kiosk-9 sends vectors from its next press on." in said
    assert "too few strangers were measured both ways" in said
