"""Engine packs: pinned files, equal to their reference, the same answer twice, nothing foreign."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from data.faces import people
from identity import errors
from identity.capture.embed import embed_one
from identity.capture.quality import eye_distance
from identity.engines.dlib_engine import DlibEngine
from identity.engines.dlib_int8 import Int8Graph
from identity.engines.dlib_network import CHIP, convert, to_onnx
from identity.engines.load import open_pack
from identity.engines.manifests import (
    DENIED_VENDORS,
    PACKS,
    checked_files,
    load_pack,
    pack_names,
    package_folder,
    sha256_of,
)
from identity.engines.onnx_engine import OnnxEngine
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.engines.warm_up import pattern, some_face
from identity.evaluation.conformance import examine_pack
from identity.frames.decode import decode
from tests.identity.fakes import FakeEngine, person_picture


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def dlib_pack(cache: Path) -> FaceEngine:
    return open_pack("dlib", None, cache)


@pytest.fixture(scope="module")
def zoo(shared: Path, cache: Path) -> FaceEngine:
    return open_pack("open-model-zoo", shared / "models", cache)


@pytest.fixture(scope="module")
def plain_dlib(cache: Path) -> FaceEngine:
    """The same pack as dlib itself computes: in float32, without the mirror image, with one margin."""
    pack = load_pack("dlib")
    pack = replace(pack, input={**pack.input, "network": "float32", "mirror": False, "paddings": [0.25]})
    return DlibEngine(pack, checked_files(pack, None, cache), cache)


def resnet() -> Path:
    folder = package_folder("face_recognition_models")
    assert folder is not None
    return folder / "models" / "dlib_face_recognition_resnet_model_v1.dat"


def test_the_converted_network_equals_dlib_on_drawn_faces(plain_dlib: FaceEngine) -> None:
    """Five drawn people through dlib's own pipeline and through ours: vectors within 1e-5."""
    import dlib

    reference = dlib.face_recognition_model_v1(str(resnet()))
    predictor = dlib.shape_predictor(str(resnet().with_name("shape_predictor_5_face_landmarks.dat")))
    for person in range(5):
        pixels = people.draw_face(person, 0)
        face = plain_dlib.detect(pixels)[0]
        rgb = np.ascontiguousarray(pixels[:, :, ::-1])
        x, y, w, h = (round(v) for v in face.box)
        shape = predictor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dlib.rectangle(x, y, x + w - 1, y + h - 1))
        chip = dlib.get_face_chip(rgb, shape, size=CHIP)
        theirs = np.array(reference.compute_face_descriptor(chip))

        assert np.abs(plain_dlib.embed(pixels, face) - theirs / np.linalg.norm(theirs)).max() < 1e-5


def test_whole_numbers_cost_next_to_nothing(plain_dlib: FaceEngine, cache: Path) -> None:
    """Drawn people in int8 are where they are in float32: cosine above .998, and their order is the same."""
    pack = replace(plain_dlib.pack, input={**plain_dlib.pack.input, "network": "int8"})
    small = DlibEngine(pack, checked_files(pack, None, cache), cache)
    pictures = [people.draw_face(person, frame) for person in range(3) for frame in range(2)]
    found = [plain_dlib.detect(pixels)[0] for pixels in pictures]
    exact = np.stack([plain_dlib.embed(*pair) for pair in zip(pictures, found, strict=True)])
    rounded = np.stack([small.embed(*pair) for pair in zip(pictures, found, strict=True)])

    assert ((exact * rounded).sum(axis=1) > 0.998).all()
    assert np.abs(exact @ exact.T - rounded @ rounded.T).max() < 0.01


def test_a_face_and_its_mirror_image_are_one_vector(dlib_pack: FaceEngine) -> None:
    """The pack averages both, so a mirrored picture gives nearly the same vector."""
    picture, face = pattern(), some_face(dlib_pack)
    points = face.landmarks.copy()
    points[:, 0] = picture.shape[1] - 1 - points[:, 0]
    x, y, w, h = face.box
    other = Face((picture.shape[1] - x - w, y, w, h), points[[3, 2, 1, 0, 4]], 1.0, face.scheme)
    mirrored = np.ascontiguousarray(picture[:, ::-1])

    assert dlib_pack.embed(picture, face) @ dlib_pack.embed(mirrored, other) > 0.999


@pytest.mark.parametrize("numbers", ["float32", "int8"])
def test_converting_twice_gives_the_same_bytes(numbers: str) -> None:
    """The ONNX file is pinned by its hash, so it must come out the same everywhere."""
    pack = load_pack("dlib")
    graph = Int8Graph(pack.input["ranges"]) if numbers == "int8" else None
    data = to_onnx(resnet().read_bytes(), graph)

    assert hashlib.sha256(data).hexdigest() == pack.input["converted_sha256"][numbers]


def test_a_damaged_conversion_is_converted_again(tmp_path: Path) -> None:
    """Whatever lies in the cache is trusted by its hash alone, and no draft is left beside it."""
    pinned = load_pack("dlib").input["converted_sha256"]["float32"]
    target = tmp_path / "dlib" / "dlib_resnet_float32.onnx"
    target.parent.mkdir()
    target.write_bytes(b"half a network")
    path = convert(resnet(), tmp_path, pinned)

    assert sha256_of(path) == pinned
    assert [p.name for p in target.parent.iterdir()] == ["dlib_resnet_float32.onnx"]


def test_a_cut_dlib_file_is_named(tmp_path: Path) -> None:
    """Half a .dat does not become half a network."""
    with pytest.raises(errors.PackAltered):
        to_onnx(resnet().read_bytes()[:1_000_000])


def test_the_dlib_pack_never_opens_the_68_point_predictor(
    dlib_pack: FaceEngine, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """No file of the pack is that one, and the engine loads the 5-point predictor only."""
    import dlib

    opened: list[str] = []
    real = dlib.shape_predictor

    def noted(path: str) -> object:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(dlib, "shape_predictor", noted)
    files = checked_files(dlib_pack.pack, None, cache)
    DlibEngine(dlib_pack.pack, files, cache)

    assert [Path(path).name for path in opened] == ["shape_predictor_5_face_landmarks.dat"]
    assert not any("68" in file.name for name in pack_names() for file in load_pack(name).files)


@pytest.mark.parametrize("size", [(640, 480), (1280, 960)])
def test_dlib_finds_drawn_faces_and_knows_them_again(dlib_pack: FaceEngine, size: tuple[int, int]) -> None:
    """Two frames of one drawn person are nearer than frames of two people, at the frame's own resolution."""
    vectors = [
        [embed_one(dlib_pack, decode(people.jpeg(people.draw_face(p, f, size)))).vector for f in range(2)]
        for p in range(3)
    ]
    same = [a @ b for a, b in vectors]
    others = [vectors[i][0] @ vectors[j][0] for i in range(3) for j in range(i)]

    assert min(same) > max(others)


@pytest.mark.shared
def test_open_model_zoo_finds_drawn_faces_and_knows_them_again(zoo: FaceEngine) -> None:
    """The same, for YuNet and the re-identification network."""
    vectors = [
        [embed_one(zoo, decode(people.jpeg(people.draw_face(p, f, (1280, 960))))).vector for f in range(2)]
        for p in range(5)
    ]
    same = [a @ b for a, b in vectors]
    others = [vectors[i][0] @ vectors[j][0] for i in range(5) for j in range(i)]

    assert min(same) > max(others)


@pytest.mark.shared
def test_yunet_decoded_here_equals_opencv(zoo: FaceEngine, shared: Path) -> None:
    """Boxes, landmarks and scores of drawn faces are those of cv2.FaceDetectorYN, to a hundredth of a pixel."""
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    reference = cv2.FaceDetectorYN.create(str(model), "", (320, 256), 0.7, 0.3)
    for person in range(3):
        pixels = people.draw_face(person, 1, (320, 256))
        _, rows = reference.detect(pixels)
        faces = zoo.detect(pixels)

        assert len(faces) == len(rows) == 1
        assert np.allclose(faces[0].box, rows[0][:4], atol=0.01)
        assert np.allclose(faces[0].landmarks.ravel(), rows[0][4:14], atol=0.01)


@pytest.mark.shared
def test_a_face_is_looked_at_again_before_it_is_embedded_unless_it_is_covered(zoo: FaceEngine) -> None:
    """Points a little off are put right; those of a covered face are taken as they are."""
    pixels = people.draw_face(3, 1, (640, 480))
    face = zoo.detect(pixels)[0]
    off = replace(face, landmarks=face.landmarks + np.array([9, -6], np.float32))
    right, moved = zoo.embed(pixels, face), zoo.embed(pixels, off)
    covered = zoo.embed(pixels, replace(off, covered=True))

    assert float(right @ moved) > 0.9999
    assert float(right @ covered) < 0.99


def test_every_face_of_a_group_is_detected_largest_first(zoo: FaceEngine) -> None:
    """Two drawn people side by side are two faces; an empty room is none."""
    both = zoo.detect(people.two_people(1, 2, equal=False))

    assert len(both) == 2
    assert both[0].area > both[1].area
    assert zoo.detect(people.empty_room()) == []


class Flawed(FakeEngine):
    """A pack with one fault, named by `flaw`."""

    flaw = ""

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        vector = super().embed(pixels, face)
        noise = np.random.default_rng(self.calls).normal(0, 1e-4, vector.shape).astype(np.float32)
        faulty: dict[str, Vector] = {
            "nan": np.full_like(vector, np.nan),
            "zero": np.zeros_like(vector),
            "short": vector[:-1],
            "double": cast(Vector, vector.astype(np.float64)),
            "long": 2 * vector,
            "moody": vector + noise,
            "blind": np.ones_like(vector) / np.float32(len(vector) ** 0.5),
        }
        return faulty[self.flaw]


@pytest.mark.parametrize(
    ("flaw", "named"),
    [
        ("nan", "length"),
        ("zero", "length"),
        ("short", "vector"),
        ("double", "vector"),
        ("long", "length"),
        ("moody", "the same picture twice"),
        ("blind", "another picture"),
        ("blind", "people are distinguished"),
    ],
)
def test_the_checks_name_the_fault_of_a_pack(flaw: str, named: str) -> None:
    engine = Flawed()
    engine.flaw = flaw

    failed = [finding.name for finding in examine_pack(engine, people.draw_face) if not finding.passed]

    assert named in failed


def test_a_pack_that_takes_masks_for_a_person_is_not_fit() -> None:
    """Bare faces are distinguished; every face with a mask looks like the first customer."""

    class Masked(FakeEngine):
        def embed(self, pixels: Pixels, face: Face) -> Vector:
            x, y, w, h = (round(v) for v in face.box)
            chin = pixels[y + 7 * h // 10 : y + 8 * h // 10, x + w // 4 : x + 3 * w // 4]
            return templates[0] if (chin.std(axis=(0, 1)) < 12).all() else super().embed(pixels, face)

    def draw(person: int, moment: int) -> Pixels:
        return decode(person_picture(person, moment)).pixels

    engine = Masked()
    templates: list[Vector] = [FakeEngine().embed(draw(0, 0), engine.detect(draw(0, 0))[0])]

    failed = {finding.name for finding in examine_pack(engine, draw) if not finding.passed}

    assert "mask: nobody looks more like somebody else" in failed
    assert "people are distinguished" not in failed


@pytest.mark.shared
def test_both_packs_give_the_eyes_in_the_same_order(zoo: FaceEngine, dlib_pack: FaceEngine) -> None:
    """The image-left eye comes first in both schemes, and the eye distances agree within 10 per cent."""
    pixels = people.draw_face(2, 0)
    ours, theirs = zoo.detect(pixels)[0], dlib_pack.detect(pixels)[0]

    assert ours.eyes[0, 0] < ours.eyes[1, 0]
    assert theirs.eyes[0, 0] < theirs.eyes[1, 0]
    assert eye_distance(ours) == pytest.approx(eye_distance(theirs), rel=0.1)


def test_a_network_with_another_scale_is_refused_by_name() -> None:
    """The engine feeds 0 to 255: a manifest that asks for anything else would get wrong vectors without a word."""
    pack = load_pack("open-model-zoo")
    for scale in ("-1..1", None):
        with pytest.raises(errors.ManifestUnfit, match=r"0\.\.255"):
            OnnxEngine(replace(pack, input={**pack.input, "scale": scale}), {})


def test_a_missing_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    """An operator reads which file is missing and what to do."""
    with pytest.raises(errors.PackMissing, match="USUAL_MODELS"):
        open_pack("open-model-zoo", tmp_path, tmp_path)
    with pytest.raises(errors.PackMissing, match="usual models fetch opencv-zoo"):
        open_pack("opencv-zoo", None, tmp_path)
    with pytest.raises(errors.UnknownPack, match="open-model-zoo"):
        open_pack("../secrets", None, tmp_path)


@pytest.mark.shared
def test_one_altered_byte_keeps_a_pack_out(shared: Path, tmp_path: Path) -> None:
    """Same name, same length, another byte: not loaded."""
    for file in load_pack("open-model-zoo").files:
        shutil.copy(shared / "models" / file.name, tmp_path / file.name)
    path = tmp_path / "yunet_s_dynamic.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(errors.PackAltered, match=r"yunet_s_dynamic\.onnx"):
        open_pack("open-model-zoo", tmp_path, tmp_path)


@pytest.mark.parametrize(
    "change", [{"vendor": "InsightFace"}, {"vendor": "Clearview AI"}, {"licence": "CC-BY-NC-SA-4.0"}]
)
def test_denied_vendors_and_licences_are_refused(tmp_path: Path, change: dict[str, str]) -> None:
    """A manifest cannot talk its way in."""
    raw = json.loads((PACKS / "dlib.json").read_text()) | change
    (tmp_path / "dlib.json").write_text(json.dumps(raw))

    with pytest.raises(errors.PackDenied):
        load_pack("dlib", tmp_path)


@pytest.mark.parametrize("name", pack_names())
def test_every_manifest_is_complete(name: str) -> None:
    """Each file has a full hash, a size and a licence; the grade is one of two; no vendor is denied."""
    pack = load_pack(name)

    assert pack.files
    assert all(len(file.sha256) == 64 and file.bytes > 0 and file.licence for file in pack.files)
    assert pack.grade in ("demo", "production")
    assert not any(vendor in pack.vendor.casefold() for vendor in DENIED_VENDORS)
