"""Covers are detected from edges, and a masked customer is recognised by a template of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from data.faces import people
from identity.capture.drawn_mask import MASKS, mask
from identity.capture.embed import embed_one
from identity.capture.quality import quality_of
from identity.cli import commands
from identity.engines.load import open_pack
from identity.engines.manifests import load_pack, masked_pack
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.errors import FaceCovered, TooFewFrames
from identity.evaluation.occlusions import sunglasses
from identity.frames.decode import Frame, decode
from identity.matching.matcher import masked_template
from identity.vectors import unit
from tests.identity.fakes import FAKE_PACK, FakeEngine, person_picture
from tests.identity.halves import KIOSK, World, pictures

# Pictures of two people with the same mask are much alike: .44 in the mean, at most .64 among 380 pairs.
ABOVE = {"start": 0.55, "shape": -0.1, "scale": 0.05, "share": 0.1, "scores": 1_000}
FIGURES = {"tail": FAKE_PACK.calibration["tail"], "masked": {"clear_share": 0.3, "tail": ABOVE}}
MASKING = replace(FAKE_PACK, calibration=FIGURES)

Draw = Callable[[Pixels, Face], Pixels]


@pytest.fixture
def masking(tmp_path: Path) -> Iterator[World]:
    """An installation whose pack has figures for masks."""
    world = World(tmp_path, engine=FakeEngine(pack=MASKING))
    yield world
    world.close()


def covered(data: bytes, engine: FaceEngine, draw: Draw = mask) -> bytes:
    """The frame with something drawn over its face."""
    pixels = decode(data).pixels
    done, out = cv2.imencode(".png", draw(pixels, engine.detect(pixels)[0]))
    assert done
    return out.tobytes()


def recognise(world: World, person: int, draw: Draw = mask, count: int = 1) -> str:
    nonce, _ = world.service.press(KIOSK)
    frames = [covered(data, world.engine, draw) for data in pictures(person, count, first=50)]
    return world.service.recognise(KIOSK, nonce, frames).decision


@pytest.mark.shared
def test_masks_and_sunglasses_are_detected_and_bare_faces_are_not(shared: Path, tmp_path: Path) -> None:
    """24 drawn people, masks of six colours: detected on every face that is found, and on no bare one."""
    engine = open_pack("open-model-zoo", shared / "models", tmp_path)

    def cover(pixels: Pixels) -> str:
        found = engine.detect(pixels)
        return quality_of(pixels, found[0]).cover if found else "nobody"

    bare = [people.draw_face(person, 0) for person in range(24)]
    faces = [engine.detect(pixels)[0] for pixels in bare]

    assert [cover(pixels) for pixels in bare] == ["none"] * 24
    masked = [mask(pixels, face, n % len(MASKS)) for n, (pixels, face) in enumerate(zip(bare, faces, strict=True))]
    seen = [cover(pixels) for pixels in masked]
    assert set(seen) <= {"mask", "nobody"}
    assert seen.count("mask") >= 20
    dark = [cover(sunglasses(pixels, face)) for pixels, face in zip(bare, faces, strict=True)]
    assert dark.count("sunglasses") >= 20


def test_a_masked_customer_is_greeted_by_the_masked_template_and_a_masked_stranger_is_not(masking: World) -> None:
    for person in range(4):
        masking.enrol(person)

    assert [recognise(masking, person) for person in range(4)] == ["matched"] * 4
    assert [recognise(masking, person) for person in range(60, 64)] == ["low_quality"] * 4
    assert masking.recognise(2).decision == "matched"


def test_three_masked_frames_are_judged_together(masking: World) -> None:
    masking.enrol(1)

    assert recognise(masking, 1, count=3) == "matched"


def test_a_mask_uses_a_threshold_of_its_own(masking: World) -> None:
    """A masked tail so high that nobody passes keeps masked customers out and leaves bare faces alone."""
    strict = {"start": 0.99, "shape": 0.0, "scale": 0.5, "share": 0.1, "scores": 1_000}
    twin = masked_pack(MASKING)
    assert twin is not None
    masking.half.stores.thresholds.keep_tail("north", twin.id, "single", strict, people=9, now_us=0)
    masking.enrol(1)

    assert recognise(masking, 1) == "low_quality"
    assert masking.recognise(1).decision == "matched"


def test_what_a_pack_ships_for_masks_says_nothing_about_a_cohort_of_ones_own(masking: World) -> None:
    """Where bare faces were measured on other strangers, masked ones are guests until they are, too."""
    rng = np.random.default_rng(3)
    masking.half.calibrator.calibrate(
        "north", [unit(rng.normal(size=(1, 192)) + 0.3 * rng.normal(size=(3, 192))) for _ in range(60)]
    )
    masking.enrol(1)

    assert masking.recognise(1).decision == "matched"
    assert recognise(masking, 1) == "low_quality"


def test_without_figures_for_masks_the_hint_says_what_to_do(world: World) -> None:
    """The face is compared at the ordinary threshold, which a mask never lowers; the hint is to uncover it."""
    world.enrol(1)

    assert recognise(world, 30) == "low_quality"
    assert [pack for _, pack, _ in world.half.stores.galleries.galleries("north")] == [FAKE_PACK.id]


def test_a_covered_face_is_not_enrolled(masking: World) -> None:
    frames = [covered(data, masking.engine) for data in pictures(1)]
    nonce, _ = masking.service.press(KIOSK)
    with pytest.raises(FaceCovered) as error:
        masking.service.enrol(
            KIOSK,
            nonce,
            frames,
            purposes={"orders": True},
            notice_version=masking.service.notice.version,
            age_confirmed=True,
        )

    assert error.value.hint == "take_off_what_covers_your_face"
    assert masking.engine.calls == 0
    assert not isinstance(error.value, TooFewFrames)


def test_the_mask_of_an_enrolment_is_drawn_in_memory_over_a_copy() -> None:
    """Two vectors of one face; the frame itself stays as it was."""
    engine = FakeEngine(pack=MASKING)
    frame = Frame(decode(person_picture(3)).pixels)
    before = frame.pixels.copy()
    capture = embed_one(engine, frame, enrolling=True)

    assert capture.masked is not None
    assert 0 < float(capture.vector @ capture.masked) < 0.99
    assert np.array_equal(frame.pixels, before)
    assert embed_one(engine, frame).masked is None


class CoverRecorder(FakeEngine):
    """Records for each embedding whether the face was marked as covered."""

    def __init__(self) -> None:
        super().__init__(pack=MASKING)
        self.covered: list[bool] = []

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        self.covered.append(face.covered)
        return super().embed(pixels, face)


def test_the_embedder_gets_a_flag_for_worn_and_drawn_masks() -> None:
    """Under a mask the refined landmarks would be worse."""
    engine = CoverRecorder()
    embed_one(engine, Frame(decode(person_picture(3)).pixels), enrolling=True)
    assert engine.covered == [True, False]  # the face with a drawn mask, the bare face

    pixels = decode(person_picture(3)).pixels
    embed_one(engine, Frame(mask(pixels, engine.detect(pixels)[0])))
    assert engine.covered[2:] == [True]


def test_who_opts_out_leaves_no_masked_template(masking: World) -> None:
    receipt = masking.enrol(1).receipt
    masking.enrol(2)
    masking.service.forget(KIOSK, receipt)

    assert recognise(masking, 1) == "low_quality"
    sizes = {pack: state.size for _, pack, state in masking.half.stores.galleries.galleries("north")}
    assert sizes == {"fake@1": 1, "fake-masked@1": 1}


def test_retiring_a_pack_retires_its_masked_templates_too(masking: World) -> None:
    masking.enrol(1)
    done = CliRunner().invoke(commands.identity, ["retire", "--home", str(masking.home), MASKING.id])

    assert "2 templates of fake@1 erased." in done.output
    assert masking.half.stores.database.rows("SELECT pack FROM templates") == []
    assert {state.size for _, _, state in masking.half.stores.galleries.galleries("north")} == {0}


def test_a_new_rotation_turns_masked_templates_too(masking: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "load_pack", lambda _: MASKING)
    masking.enrol(1)
    stored = masking.half.stores.database
    before = {row["pack"]: row["sealed"] for row in stored.rows("SELECT pack, sealed FROM templates")}
    done = CliRunner().invoke(commands.identity, ["rotate", "--home", str(masking.home)])
    after = {row["pack"]: row["sealed"] for row in stored.rows("SELECT pack, sealed FROM templates")}

    assert "2 templates have a new rotation" in done.output
    assert set(before) == set(after) == {"fake@1", "fake-masked@1"}
    assert all(before[pack] != after[pack] for pack in before)
    assert recognise(masking, 1) == "matched"
    assert masking.recognise(1).decision == "matched"


def test_a_masked_template_lies_between_both() -> None:
    twin = masked_pack(MASKING)
    assert twin is not None
    clear, under = unit(np.eye(4)[:2]), unit(np.eye(4)[2:])
    made = masked_template(clear, under, twin)

    assert made @ under[0] > made @ clear[0] > 0


@pytest.mark.parametrize("name", ["open-model-zoo"])
def test_a_pack_that_ships_figures_for_masks_ships_all_of_them(name: str) -> None:
    twin = masked_pack(load_pack(name))
    assert twin is not None

    assert set(twin.calibration) == {"clear_share", "scoring", "tail", "tops"}
    assert masked_pack(load_pack("dlib")) is None
