"""A passive liveness model of the operator: pinned, sandboxed, and combined with the challenge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from identity.capture.challenge import State
from identity.capture.embed import choose, detect
from identity.capture.passive_liveness import (
    ManifestFaulty,
    PassiveLiveness,
    live_share,
    load_passive_manifest,
    square,
)
from identity.engines import onnx_writer
from identity.engines.protocol import Face, Pixels, Vector
from identity.errors import PackAltered, PackDenied, PackMissing, UnknownPack
from identity.frames.decode import decode
from identity.sandbox.pool import EngineUnavailable
from plumbing.problem import Problem
from tests.identity.capture.test_challenge import EVERY, Moving, press_with_challenge
from tests.identity.fakes import FakeEngine, face_at
from tests.identity.halves import KIOSK, World, pictures
from tests.magic import BESIDE

SIDE = 8
NEEDS = {"orders": "face", "offers": "liveness", "destinations": "liveness_and_pin"}


def model() -> bytes:
    """Two outputs, 0 and k (mean of the middle - 100): what is bright is alive, say these weights."""
    weights = np.array([[0.0, 0.2 / 3]] * 3, np.float32)
    nodes = [
        onnx_writer.node("GlobalAveragePool", ["in"], "pooled"),
        onnx_writer.node("Flatten", ["pooled"], "flat"),
        onnx_writer.node("MatMul", ["flat", "weights"], "out"),
    ]
    return onnx_writer.model("bright", nodes, {"weights": weights}, ("in", (1, 3, SIDE, SIDE)), ("out", (1, 2)))


def plug(folder: Path, **changes: Any) -> Path:
    """A folder with the model and its manifest; `changes` are of the manifest's input and calibration."""
    folder.mkdir(exist_ok=True)
    content = model()
    (folder / "bright.onnx").write_bytes(content)
    file = {"role": "liveness", "name": "bright.onnx", "sha256": hashlib.sha256(content).hexdigest()}
    given: dict[str, Any] = {"side": SIDE, "margin": 0.0, "colour": "RGB", "mean": 100.0, "scale": 1.0}
    calibration: dict[str, Any] = {"live": 1, "logits": True, "threshold": 0.5, "alone": False}
    manifest: dict[str, Any] = {
        "name": "bright",
        "version": "1",
        "engine": "passive",
        "vendor": "usual",
        "licence": "Apache-2.0",
        "grade": "demo",
        "size": 2,
        "files": [file | {"bytes": len(content), "licence": "Apache-2.0"}],
        "input": given,
        "calibration": calibration,
    }
    for name, value in changes.items():
        next((part for part in (given, calibration) if name in part), manifest)[name] = value
    (folder / "bright.json").write_text(json.dumps(manifest))
    return folder


def dimmed(data: bytes, share: float = 0.55) -> bytes:
    """The same face in less light: FakeEngine sees the same person, the model sees nothing alive."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.imencode(".png", np.asarray(pixels * share, np.uint8))[1].tobytes()


def world_with(home: Path, **changes: Any) -> World:
    settings = {"needs": NEEDS, "models_folder": plug(home / "models", **changes), "liveness": "bright"}
    return World(home, engine=Moving(), settings=settings)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, World]]:
    """With a model that may only refuse (False), and one whose passing stands alone (True)."""
    worlds = {alone: world_with(tmp_path_factory.mktemp("plugged"), alone=alone) for alone in (False, True)}
    for world in worlds.values():
        model_of(world).workers.start()
        world.enrol(1, purposes=EVERY)
    yield worlds
    for world in worlds.values():
        world.close()


def model_of(world: World) -> PassiveLiveness:
    assert world.half.passive is not None
    return world.half.passive


def look(world: World, frames: list[bytes]) -> tuple[str, str, tuple[str, ...]]:
    nonce, _ = world.service.press(KIOSK)
    seen = world.service.recognise(KIOSK, nonce, frames)
    return seen.decision, seen.liveness, seen.purposes


def test_its_passing_opens_what_needs_a_living_head_where_its_manifest_says_so(worlds: dict[bool, World]) -> None:
    frames = pictures(1, 2, first=50)

    assert look(worlds[True], frames) == ("matched", "passed", EVERY)
    assert look(worlds[False], frames) == ("matched", "not_run", ("orders",))


@pytest.mark.parametrize("alone", [False, True])
def test_one_frame_that_fails_it_fails_the_press(worlds: dict[bool, World], alone: bool) -> None:
    """Also one of two; the face alone still opens orders."""
    frames = pictures(1, 2, first=50)

    assert look(worlds[alone], [frames[0], dimmed(frames[1])]) == ("matched", "failed", ("orders",))
    assert look(worlds[alone], [dimmed(frames[0])]) == ("matched", "failed", ("orders",))


def test_the_challenge_and_the_model_have_to_agree(worlds: dict[bool, World]) -> None:
    world = worlds[False]
    right = press_with_challenge(world, 1)
    assert (right.liveness, right.purposes) == ("passed", EVERY)
    wrong = press_with_challenge(worlds[True], 1, order=("closer", "closer", "closer", "closer"))
    assert (wrong.liveness, wrong.purposes) == ("failed", ("orders",))


def test_every_pair_of_verdicts_has_one_answer(worlds: dict[bool, World]) -> None:
    """Rows: the challenge not run, passed, failed; columns: the model's the same."""
    states: tuple[State, ...] = ("not_run", "passed", "failed")
    tables = {}
    for alone, world in worlds.items():
        model = model_of(world)
        tables[alone] = [[model.with_challenge(seen, challenge) for seen in states] for challenge in states]

    assert tables[False] == [["not_run", "not_run", "failed"], ["not_run", "passed", "failed"], ["failed"] * 3]
    assert tables[True] == [["not_run", "passed", "failed"], ["not_run", "passed", "failed"], ["failed"] * 3]


def test_no_model_is_not_run(world: World) -> None:
    world.enrol(1)

    assert world.half.passive is None
    assert world.recognise(1).liveness == "not_run"


def test_a_model_that_gives_no_answer_is_not_run_and_the_customer_still_gets_orders(
    worlds: dict[bool, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise EngineUnavailable("It is being started again.")

    monkeypatch.setattr(model_of(worlds[True]).workers, "embed", unavailable)

    assert look(worlds[True], pictures(1, 1, first=50)) == ("matched", "not_run", ("orders",))


def test_nonsense_is_not_run(worlds: dict[bool, World], monkeypatch: pytest.MonkeyPatch) -> None:
    workers = model_of(worlds[True]).workers
    monkeypatch.setattr(workers, "embed", lambda *_: np.array([np.nan, 9.0], np.float32))

    assert look(worlds[True], pictures(1, 1, first=50)) == ("matched", "not_run", ("orders",))


def test_it_runs_behind_the_walls_of_any_pack(worlds: dict[bool, World]) -> None:
    model = model_of(worlds[True])

    assert "limits" in model.workers.walls
    assert len(model.workers.processes) == 1
    assert worlds[True].half.check() is None


def test_bystanders_are_blank_before_it_sees_a_crop(
    worlds: dict[bool, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(worlds[True])
    seen: list[Pixels] = []
    frame = pictures(1, 1, first=50)[0]
    pixels = decode(frame).pixels.copy()
    near, far = face_at(130, 60, 180), face_at(340, 80, 70)
    pixels[80:150, 340:410] = BESIDE
    shown = cv2.imencode(".png", pixels)[1].tobytes()

    def embed(crop: Pixels, _: Face) -> Vector:
        seen.append(crop.copy())
        return np.zeros(2, np.float32)

    monkeypatch.setattr(model.workers, "embed", embed)
    model.judge([detect(FakeEngine([near, far]), decode(shown))])

    assert choose([near, far], pixels.shape[:2]) is near
    assert len(seen) == 1
    assert not (seen[0] == BESIDE).all(axis=2).any()


def test_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    folder = plug(tmp_path / "models")
    content = bytearray((folder / "bright.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "bright.onnx").write_bytes(content)

    with pytest.raises(PackAltered, match="not the file that its manifest pins"):
        PassiveLiveness("bright", folder, tmp_path)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"vendor": "SenseTime"}, PackDenied),
        ({"licence": "CC-BY-NC-4.0"}, PackDenied),
        ({"engine": "onnx"}, ManifestFaulty),
        ({"side": 0}, ManifestFaulty),
        ({"side": "wide"}, ManifestFaulty),
        ({"colour": "grey"}, ManifestFaulty),
        ({"threshold": 1.5}, ManifestFaulty),
        ({"threshold": float("nan")}, ManifestFaulty),
        ({"live": 2}, ManifestFaulty),
        ({"alone": "yes"}, ManifestFaulty),
        ({"files": []}, ManifestFaulty),
        ({"calibration": {}}, ManifestFaulty),
        ({"files": None}, ManifestFaulty),
    ],
)
def test_a_faulty_manifest_is_refused(tmp_path: Path, changes: dict[str, Any], error: type[Problem]) -> None:
    folder = plug(tmp_path / "models", **changes)

    with pytest.raises(error):
        load_passive_manifest("bright", folder)


def test_a_configured_model_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """An operator who configures a model must notice when it does not work."""
    folder = plug(tmp_path / "models")
    with pytest.raises(UnknownPack):
        PassiveLiveness("../models/bright", folder, tmp_path)
    with pytest.raises(ManifestFaulty, match="USUAL_MODELS names no folder"):
        PassiveLiveness("bright", None, tmp_path)
    (folder / "bright.onnx").unlink()
    with pytest.raises(PackMissing):
        PassiveLiveness("bright", folder, tmp_path)
    (folder / "bright.json").write_text("{")
    with pytest.raises(ManifestFaulty):
        PassiveLiveness("bright", folder, tmp_path)


def test_the_square_about_a_face_and_the_share_of_its_outputs(tmp_path: Path) -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[40:60, 100:120] = 200
    face = face_at(100, 40, 20)
    shown = square(pixels, face, 20, 0.0)
    assert (shown[1:-1, 1:-1] == 200).all()
    assert (square(pixels, face, 40, 0.5)[:, :, 0] > 100).mean() == pytest.approx(0.25, abs=0.03)
    pack = load_passive_manifest("bright", plug(tmp_path / "models"))
    assert live_share(np.array([0.0, np.log(3)], np.float32), pack) == pytest.approx(0.75)
    assert live_share(np.array([0.0, 1e30], np.float32), pack) == 1.0
    plain = load_passive_manifest("bright", plug(tmp_path / "models", logits=False))
    assert live_share(np.array([0.1, 0.9], np.float32), plain) == pytest.approx(0.9)
