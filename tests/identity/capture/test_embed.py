"""One press, one face: who is chosen, who is refused with which hint, and what the embedder gets to see."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.faces import people
from identity import errors
from identity.capture.embed import choose, embed_one, isolate
from identity.capture.quality import RULES, Quality, check_quality, quality_of, yaw_of
from identity.engines.protocol import Face
from identity.frames.decode import Frame, decode
from tests import magic
from tests.identity.capture.test_cover import MASKING
from tests.identity.fakes import FakeEngine, face_at, person_picture

MAGIC = np.array(magic.BESIDE, np.uint8)


def scene(rng: np.random.Generator) -> list[Face]:
    """Zero to four faces of any size anywhere in a 640 x 480 frame, some turned away."""
    count = int(rng.integers(0, 5))
    return [
        face_at(rng.uniform(-40, 560), rng.uniform(-40, 400), rng.uniform(30, 330), turn=rng.uniform(-0.5, 0.5))
        for _ in range(count)
    ]


def expected_to_pass(faces: list[Face]) -> bool:
    """The capture rule once more, in the words of the promise: largest by 1.5x, centred, near, facing."""
    if not faces:
        return False
    first, *others = sorted(faces, key=lambda face: -face.area)
    x, y, w, h = first.box
    centred = 128 <= x + w / 2 <= 512 and 96 <= y + h / 2 <= 384
    alone = all(first.area >= 1.5 * other.area for other in others)
    apart = all(
        x >= o.box[0] + o.box[2] or o.box[0] >= x + w or y >= o.box[1] + o.box[3] or o.box[1] >= y + h
        for o in others
    )
    near = np.linalg.norm(first.eyes[1] - first.eyes[0]) >= 60
    return bool(centred and alone and apart and near and yaw_of(first) <= 25)


def outcome(engine: FakeEngine, frame: Frame) -> str:
    """`passed`, or the code of the refusal."""
    try:
        embed_one(engine, frame)
    except errors.CaptureError as error:
        return error.code
    return "passed"


def test_two_thousand_scenes_embed_at_most_one_face_each() -> None:
    """Whatever is before the camera: the embedder runs once for a clear scene, not at all for any other."""
    rng = np.random.default_rng(2026)
    frame = decode(person_picture(1))
    passed = 0
    for _ in range(2_000):
        faces = scene(rng)
        engine = FakeEngine(faces)
        code = outcome(engine, frame)

        assert engine.calls == (1 if code == "passed" else 0)
        if expected_to_pass(faces):
            # Light and blur are judged on the picture under the box, all the rest by the boxes alone.
            assert code in {"passed", "face_blurred", "too_dark"}
        else:
            assert code != "passed"
        passed += code == "passed"

    assert passed > 50  # the scenes are not all refused


def test_bystanders_are_blank_before_the_embedder_sees_the_crop() -> None:
    """Other faces carry a magic pattern; it is in no pixel that the embedder gets, in 300 scenes."""
    rng = np.random.default_rng(5)
    plain = decode(person_picture(2)).pixels
    shown = 0
    for _ in range(300):
        x, y = rng.uniform((180, 100), (220, 130)).tolist()
        chosen = face_at(x, y, rng.uniform(190, 220))
        others = [face_at(rng.uniform(-30, 600), rng.uniform(-30, 440), rng.uniform(25, 120)) for _ in range(3)]
        pixels = plain.copy()
        for other in others:
            x, y, w, h = (int(v) for v in other.box)
            pixels[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = MAGIC
        engine = FakeEngine([chosen, *others])
        try:
            embed_one(engine, Frame(pixels))
        except errors.SeveralFaces:
            continue  # a bystander before the customer's face
        shown += 1

        assert not (engine.seen[0] == MAGIC).all(axis=2).any()
    assert shown > 100


def test_the_crop_holds_the_chosen_face_untouched() -> None:
    """Blanking the neighbours changes no pixel of the customer's own box, and the landmarks move along."""
    pixels = decode(person_picture(3)).pixels
    chosen, other = face_at(220, 120, 200), face_at(430, 150, 100)
    crop, face = isolate(pixels, [chosen, other], chosen)
    x, y, w, h = (int(v) for v in face.box)

    assert np.array_equal(crop[y : y + h, x : x + w], pixels[120:320, 220:420])
    assert np.allclose(face.landmarks - face.box[:2], chosen.landmarks - chosen.box[:2])
    assert not np.shares_memory(crop, pixels)


def test_a_face_alone_is_a_part_of_the_frame_which_nobody_writes_to() -> None:
    """Not even the mask that an enrolment draws."""
    pixels = decode(person_picture(3)).pixels
    before, engine = pixels.copy(), FakeEngine([face_at(220, 120, 200)], pack=MASKING)

    embed_one(engine, Frame(pixels), enrolling=True)

    assert len(engine.seen) == 2
    assert np.shares_memory(engine.seen[-1], pixels)
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize(
    ("faces", "code"),
    [
        ([], "no_face"),
        ([face_at(60, 120, 200), face_at(360, 120, 200)], "several_faces"),
        ([face_at(200, 100, 220), face_at(330, 150, 160)], "several_faces"),
        ([face_at(-60, 120, 200)], "face_off_centre"),
        ([face_at(270, 190, 100)], "face_too_small"),
        ([face_at(220, 120, 200, turn=0.4)], "face_turned"),
    ],
)
def test_each_refusal_has_its_code_and_hint(faces: list[Face], code: str) -> None:
    """The embedder does not run, and the error has a hint for the person."""
    engine = FakeEngine(faces)
    with pytest.raises(errors.CaptureError) as refused:
        embed_one(engine, decode(person_picture(1)))

    assert refused.value.code == code
    assert refused.value.extra["hint"] == type(refused.value).hint
    assert engine.calls == 0


def drawn(**changes: float) -> Frame:
    """A drawn face; `light` multiplies it, `blur` smooths it (sigma in pixels)."""
    pixels = people.draw_face(4, 0)
    if "blur" in changes:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), changes["blur"]), np.uint8)
    lit = np.clip(pixels.astype(np.float32) * changes.get("light", 1.0), 0, 255)
    return Frame(lit.astype(np.uint8))


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"light": 0.15}, "too_dark"), ({"light": 6.0}, "too_bright"), ({"blur": 8.0}, "face_blurred")],
)
def test_bad_light_and_blur_have_codes_of_their_own(changes: dict[str, float], code: str) -> None:
    """The same drawn face, in the dark, in glaring light and out of focus."""
    engine = FakeEngine([face_at(210, 130, 220)])
    with pytest.raises(errors.CaptureError) as refused:
        embed_one(engine, drawn(**changes))

    assert refused.value.code == code
    assert engine.calls == 0


def test_sharpness_does_not_depend_on_light() -> None:
    """Half the light leaves the figure where it was; blur brings it down."""
    face = face_at(210, 130, 220)
    plain, dim, soft = (quality_of(drawn(**c).pixels, face) for c in ({}, {"light": 0.5}, {"blur": 5.0}))

    assert dim.sharpness == pytest.approx(plain.sharpness, rel=0.1)
    assert soft.sharpness < 0.6 * plain.sharpness


@pytest.mark.parametrize("degrees", [0, 10, 25, 40])
def test_yaw_is_estimated_from_five_points(degrees: float) -> None:
    """The yaw of a simulated head is estimated within 4 degrees."""
    turn = np.radians(degrees)
    head = np.array([[-1, 0, 0], [1, 0, 0], [0, 1, 1.2], [-0.7, 2, 0], [0.7, 2, 0]]) * 50
    x = head[:, 0] * np.cos(turn) + head[:, 2] * np.sin(turn)
    face = Face((0, 0, 200, 200), np.stack([x + 100, head[:, 1] + 50], axis=1).astype(np.float32), 1.0)

    assert yaw_of(face) == pytest.approx(degrees, abs=4)


def test_a_picture_almost_large_enough_without_an_edge_is_blurred_not_small() -> None:
    """Heavy blur draws the found eyes together; the hint stays "hold still"."""
    with pytest.raises(errors.FaceBlurred):
        check_quality(Quality(52.0, 3.0, 1.5, 120.0, 30.0))
    with pytest.raises(errors.FaceTooSmall):
        check_quality(Quality(30.0, 3.0, 1.5, 120.0, 30.0))


def test_the_larger_of_two_by_half_is_chosen_in_any_order() -> None:
    """The order in which a detector lists faces does not matter."""
    near, far = face_at(220, 140, 200), face_at(20, 20, 120)

    assert choose([far, near], (480, 640), RULES) is near
    assert choose([near, far], (480, 640), RULES) is near
