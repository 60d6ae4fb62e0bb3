"""Thresholds that follow the gallery and the cohort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.config import IdentityConfig
from identity.customers.accounts import holder_of
from identity.matching.thresholds import ONE_FRAME
from plumbing.clock import MINUTE, SECOND
from tests.identity.fakes import FAKE_PACK
from tests.identity.halves import (
    TOKEN_KEY,
    World,
    row_of,
)


class TestCalibrate:
    def cohort(self, people: int, frames: int = 4, spread: float = 0.3) -> list[NDArray[np.float32]]:
        rng = np.random.default_rng(3)
        centres = rng.normal(size=(people, 1, 192))
        vectors = centres + spread * rng.normal(size=(people, frames, 192))
        return list((vectors / np.linalg.norm(vectors, axis=2, keepdims=True)).astype(np.float32))

    def test_a_cohort_takes_the_place_of_what_the_pack_ships(self, world: World) -> None:
        shipped = FAKE_PACK.calibration["tail"]["start"]
        world.enrol(1)

        made = world.half.calibrator.calibrate("north", self.cohort(60))

        assert made is not None
        assert 0.1 < made < 0.6
        kept = world.half.stores.thresholds.tail("north", FAKE_PACK.id, "single")
        assert kept is not None
        assert kept["start"] != shipped
        assert world.recognise(1).decision == "matched"

    def test_a_cohort_that_looks_like_each_other_gets_a_stricter_threshold(self, world: World) -> None:
        world.enrol(1)
        apart = world.half.calibrator.calibrate("north", self.cohort(60))
        siblings = [vectors + np.float32(0.1) for vectors in self.cohort(60)]

        alike = world.half.calibrator.calibrate("north", siblings)

        assert apart is not None
        assert alike is not None
        assert alike > apart + 0.1

    def test_a_promise_kept_by_the_cohorts_threshold(self, world: World) -> None:
        """Strangers never seen pass no more often than the promise of 1 %, with a factor of two for chance."""
        gallery = np.stack([v[:3].mean(axis=0) for v in self.cohort(60)])
        gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
        world.enrol(1)
        with world.half.databases[0].write() as connection:
            connection.execute("UPDATE galleries SET size = 60")
        made = world.half.calibrator.calibrate("north", self.cohort(120))
        assert made is not None
        strangers = np.random.default_rng(9).normal(size=(20_000, 192))
        strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)

        greeted = float(((strangers @ gallery.T).max(axis=1) >= made).mean())

        assert 0.002 < greeted < 0.02

    @pytest.mark.parametrize(("people", "frames"), [(3, 4), (60, 2)])
    def test_a_cohort_that_is_too_small_is_refused_and_changes_nothing(
        self, world: World, people: int, frames: int
    ) -> None:
        world.enrol(1)
        before = world.half.stores.thresholds.calibration("north", FAKE_PACK.id, 1)

        with pytest.raises(ValueError, match=r"needs 3 frames|too few"):
            world.half.calibrator.calibrate("north", self.cohort(people, frames))
        assert world.half.stores.thresholds.calibration("north", FAKE_PACK.id, 1) == before

    def test_a_cohort_leaves_numbers_and_no_vector(self, world: World) -> None:
        cohort = self.cohort(40)
        world.half.calibrator.calibrate("north", cohort)
        world.half.databases[0].scrub()

        content = (world.home / "identity.db").read_bytes()
        assert not any(vector.tobytes() in content for vectors in cohort for vector in vectors)

    def test_the_threshold_is_recomputed_when_the_gallery_grew(self, world: World) -> None:
        made = {}
        for person in range(30):
            world.enrol(person)
            kept = world.half.stores.thresholds.calibration("north", FAKE_PACK.id, 1)
            assert kept is not None
            made[kept["gallery_size"]] = kept["threshold"]

        assert sorted(made.values()) == list(made.values())
        assert set(range(1, 21)) <= set(made)  # up to 20 each customer is more than 5 %
        assert 21 not in made

    def test_the_threshold_follows_when_two_processes_forget_the_same_people(self, world: World) -> None:
        """Both expire customers who have not come for a year: one destroys the key, the other deletes the row."""
        receipts = [world.enrol(person).receipt for person in range(24)]
        rows = [row_of(world, receipt) for receipt in receipts[:4]]
        second = world.other()
        for row in rows:
            world.half.vault.keys.destroy(row.slot, holder_of(row).owner)
            second.service.erasures.erase(row, "expired")

        kept = world.half.stores.thresholds.calibration("north", FAKE_PACK.id, 1)
        second.close()

        assert kept is not None
        assert kept["gallery_size"] == 20
        assert world.half.calibrator.threshold("north") is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"pack": "opencv-zoo@1"},
        {"scoring": {"cohort_weight": 0.9}},
        {"scoring": {"of": "another version"}},
        {"threshold": None},
        {"threshold": "0.1"},
        {"threshold": float("nan")},
        {"of": "another version"},
    ],
    ids=str,
)
def test_a_calibration_from_another_pack_means_guest_until_it_is_recomputed(
    world: World, changes: dict[str, object]
) -> None:
    """Copied into this pack's place, as by a restored table: nobody is greeted by it, and nothing breaks."""
    world.enrol(1)
    kept = world.half.stores.thresholds.calibration("north", FAKE_PACK.id, ONE_FRAME)
    assert kept is not None
    world.half.stores.thresholds.keep_calibration("north", FAKE_PACK.id, ONE_FRAME, kept | changes)

    assert world.recognise(1).decision == "unknown"
    assert world.half.calibrator.threshold("north") is None
    world.enrol(2)
    assert world.recognise(1).decision == "matched"


def test_settings_that_break_a_promise_are_refused(world: World) -> None:
    settings: dict[str, Any] = {
        "press_life_us": 11 * SECOND,
        "token_life_us": 11 * MINUTE,
        "retention_months": 37,
        "promise": 0.6,
        "token_keys": (),
    }
    for name, value in settings.items():
        given: dict[str, Any] = {"home": world.home, "token_keys": (TOKEN_KEY,)} | {name: value}
        with pytest.raises(ValueError, match=r"\w"):
            IdentityConfig(**given)
