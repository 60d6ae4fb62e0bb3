"""The challenge: which moves it requests, what it refuses, and how it is part of a press."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from identity.capture import challenge as liveness
from identity.capture.challenge import ORDERS, Pose, Step, challenge, judge, pose_of
from identity.capture.quality import CaptureRules
from identity.config import IdentityConfig, needs_of
from identity.engines.protocol import Face, Pixels, Vector
from identity.errors import VectorInvalid
from identity.evaluation import challenge_rates as liveness_rates
from identity.frames.decode import decode
from identity.frames.opencv import cv2
from identity.results import Recognition
from tests.identity.fakes import FakeEngine, face_at
from tests.identity.halves import KIOSK, TOKEN_KEY, World, claims_of, kiosk_of, pictures

STRAIGHT = Pose(0.0, 80.0, 40.0, (320.0, 200.0))
MOVES = {
    "left": Pose(26.0, 72.0, 40.0, (330.0, 200.0)),
    "right": Pose(-26.0, 72.0, 40.0, (310.0, 200.0)),
    "closer": Pose(1.0, 104.0, 52.0, (320.0, 205.0)),
}


def test_the_order_follows_from_the_nonce_and_the_secret_and_every_order_occurs() -> None:
    """18 orders about equally often; who has another secret gets another one."""
    seen = Counter(challenge(b"secret", str(n)) for n in range(3_600))

    assert len(ORDERS) == len(seen) == 18
    assert min(seen.values()) > 140
    assert all(set(order) == {"left", "right", "closer"} and len(order) == 4 for order in seen)
    assert challenge(b"secret", "7") == challenge(b"secret", "7")
    assert [challenge(b"other", str(n)) for n in range(9)] != [challenge(b"secret", str(n)) for n in range(9)]


def test_three_states() -> None:
    steps = ORDERS[0]

    assert judge(steps, STRAIGHT, []) == "not_run"
    assert judge(steps, STRAIGHT, [MOVES[step] for step in steps]) == "passed"
    assert judge(steps, STRAIGHT, [STRAIGHT] * 4) == "failed"


@pytest.mark.parametrize("n", range(4))
def test_one_wrong_missing_or_foreign_move_fails(n: int) -> None:
    steps = ORDERS[3]
    right = [MOVES[step] for step in steps]
    other = MOVES["left" if steps[n] != "left" else "right"]
    for wrong in (
        None,
        STRAIGHT,
        other,
        Pose(other.yaw, 300.0, 150.0, (320.0, 200.0)),
        Pose(0, 80, 40, (3000, 0)),
    ):
        assert judge(steps, STRAIGHT, [*right[:n], wrong, *right[n + 1 :]]) == "failed"
    assert judge(steps, STRAIGHT, right[:-1]) == "failed"


def test_a_turn_to_the_persons_own_left_is_a_turn_to_the_images_right() -> None:
    """Frames are not mirrored. Both landmark schemes."""
    assert pose_of(face_at(100, 100, 200, turn=0.3)).yaw > 20
    assert pose_of(face_at(100, 100, 200, turn=-0.3)).yaw < -20
    corners = np.array([(0, 0), (20, 0), (60, 0), (80, 0), (52, 40)], np.float32)
    assert pose_of(Face((0, 0, 90, 90), corners, 1.0, "eye_corners_nose")).yaw > 20


def test_photographs_recordings_and_swaps_are_refused_at_these_rates() -> None:
    """1,000 simulated heads and sheets each. A swap that agrees in its landmarks is refused by the
    vector."""
    passed = {row["kind"]: row["passed"] for row in liveness_rates.rates(np.random.default_rng(4), 1_000)}

    assert passed["live"] > 0.92
    assert passed["photograph"] < 0.003
    assert passed["bent_photograph"] < 0.04
    assert passed["recording"] < 0.08  # 1 in 18 by chance
    assert passed["swap"] < 0.7


class Moving(FakeEngine):
    """Sees in each picture the face that the test put there; in any other picture one good face in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.faces_of: dict[bytes, Face] = {}

    def put(self, picture: bytes, face: Face) -> None:
        """Let `detect` find `face` in this picture."""
        self.faces_of[decode(picture).pixels.tobytes()] = face

    def detect(self, pixels: Pixels) -> list[Face]:
        found = super().detect(pixels)
        face = self.faces_of.get(pixels.tobytes())
        return found if face is None else [face]


def moved(step: str) -> Face:
    """The face of FakeEngine in a frame of 420 x 320 after a move."""
    if step == "closer":
        return face_at(104, 54, 212)
    return face_at(130, 80, 160, turn={"left": 0.3, "right": -0.3}[step])


def press_with_challenge(
    world: World, person: int, moved_by: int | None = None, order: Sequence[Step] = ()
) -> Recognition:
    """A press of `person` whose challenge is answered by `moved_by` (the same person), in `order` (the right
    one)."""
    assert isinstance(world.engine, Moving)
    nonce, _ = world.service.press(KIOSK)
    frames = pictures(person, 1, first=50)
    moves = pictures(person if moved_by is None else moved_by, 4, first=60)
    world.engine.put(frames[0], face_at(130, 80, 160))
    for picture, step in zip(moves, order or world.service.challenge(nonce), strict=True):
        world.engine.put(picture, moved(step))
    return world.service.recognise(KIOSK, nonce, frames, moves)


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[World]:
    needs = {"orders": "face", "offers": "liveness", "destinations": "liveness_and_pin"}
    world = World(tmp_path, engine=Moving(), settings={"needs": needs})
    yield world
    world.close()


EVERY = ("orders", "offers", "destinations")


def test_what_needs_a_living_head_is_open_after_the_challenge_alone(moving: World) -> None:
    moving.enrol(1, purposes=EVERY)

    without = moving.recognise(1)
    challenged = press_with_challenge(moving, 1)

    assert (without.decision, without.liveness, without.purposes) == ("matched", "not_run", ("orders",))
    assert (challenged.decision, challenged.liveness, challenged.purposes) == ("matched", "passed", EVERY)
    assert claims_of(challenged).level == "face"


def test_the_pin_does_not_stand_in_for_a_living_head(moving: World) -> None:
    enrolled = moving.enrol(1, purposes=EVERY)
    moving.service.set_pin(KIOSK, enrolled.receipt, enrolled.pin_secret, "4711")

    bare, challenged = moving.recognise(1), press_with_challenge(moving, 1)
    assert bare.token is not None
    assert challenged.token is not None

    assert moving.service.raise_level(KIOSK, bare.token, "4711").purposes == ("orders",)
    assert set(moving.service.raise_level(KIOSK, challenged.token, "4711").purposes) == set(EVERY)


def test_a_wrong_order_fails_and_opens_no_more_than_a_face(moving: World) -> None:
    moving.enrol(1, purposes=EVERY)
    seen = press_with_challenge(moving, 1, order=("closer", "closer", "closer", "closer"))

    assert (seen.decision, seen.liveness, seen.purposes) == ("matched", "failed", ("orders",))


def test_somebody_else_who_answers_the_challenge_is_refused_by_the_vector(moving: World) -> None:
    """A photograph of a customer is recognised, somebody else makes the moves: landmarks agree, the face does
    not."""
    moving.enrol(1, purposes=EVERY)
    seen = press_with_challenge(moving, 1, moved_by=9)

    assert (seen.decision, seen.liveness, seen.purposes) == ("matched", "failed", ("orders",))


class Failing(Moving):
    """Gives no vector from the second face on."""

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        vector = super().embed(pixels, face)
        return vector if self.calls % 2 else np.full_like(vector, np.nan)


def test_an_engine_without_a_vector_for_a_move_is_a_named_error(tmp_path: Path) -> None:
    """The frame gives a vector, the move in which the person comes closer none."""
    world = World(tmp_path, engine=Failing())
    with pytest.raises(VectorInvalid):
        press_with_challenge(world, 1)
    world.close()


def test_each_frame_of_a_press_with_a_challenge_is_processed_once(
    moving: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One frame and four moves are five decodings and five detections. Two vectors: the frame's, and that of the
    move in which the person comes closer."""
    moving.enrol(1)
    decoded: list[int] = []
    imdecode = cv2.imdecode

    def counted(data: NDArray[np.uint8], flags: int) -> object:
        decoded.append(len(data))
        return imdecode(data, flags)

    nonce, _ = moving.service.press(KIOSK)
    frames, moves = pictures(1, 1, first=50), pictures(1, 4, first=60)
    assert isinstance(moving.engine, Moving)
    moving.engine.put(frames[0], face_at(130, 80, 160))
    for picture, step in zip(moves, moving.service.challenge(nonce), strict=True):
        moving.engine.put(picture, moved(step))
    detected, embedded = moving.engine.detections, moving.engine.calls
    monkeypatch.setattr(cv2, "imdecode", counted)
    seen = moving.service.recognise(KIOSK, nonce, frames, moves)

    assert (seen.decision, seen.liveness) == ("matched", "passed")
    assert len(decoded) == 5
    assert moving.engine.detections - detected == 5
    assert moving.engine.calls - embedded == 2


def test_a_first_frame_that_is_not_usable_fails_the_challenge(moving: World) -> None:
    """The second frame is recognised; the moves have nothing to be compared with."""
    moving.enrol(1, purposes=EVERY)
    assert isinstance(moving.engine, Moving)
    nonce, _ = moving.service.press(KIOSK)
    frames, moves = pictures(1, 2, first=50), pictures(1, 4, first=60)
    moving.engine.put(frames[0], face_at(10, 80, 160))
    for picture, step in zip(moves, moving.service.challenge(nonce), strict=True):
        moving.engine.put(picture, moved(step))
    seen = moving.service.recognise(KIOSK, nonce, frames, moves)

    assert (seen.decision, seen.liveness, seen.purposes) == ("matched", "failed", ("orders",))


def test_places_are_never_opened_by_less_than_the_pin(tmp_path: Path) -> None:
    """Nor is a purpose left out, or given a word that means nothing."""
    for needs in (
        {"orders": "face", "offers": "face", "destinations": "liveness"},
        {"orders": "face", "offers": "face", "destinations": "face"},
        {"orders": "face", "destinations": "pin"},
        {"orders": "face", "offers": "magic", "destinations": "pin"},
    ):
        with pytest.raises(ValueError, match="need"):
            IdentityConfig(home=tmp_path, token_keys=(TOKEN_KEY,), needs=needs)
    default = IdentityConfig(home=tmp_path, token_keys=(TOKEN_KEY,))
    assert default.needs == {"orders": "face", "offers": "face", "destinations": "pin"}


def challenge_sent(world: World) -> list[str]:
    """What POST /presses sends as the challenge."""
    body = kiosk_of(world).send("POST", "/presses", {}).json
    assert body is not None
    return list(body["challenge"])


def test_a_press_sends_the_moves_where_a_purpose_needs_them_and_not_else(moving: World, tmp_path: Path) -> None:
    moves = challenge_sent(moving)
    plain = World(tmp_path / "plain")
    none = challenge_sent(plain)
    plain.close()

    assert tuple(moves) in ORDERS
    assert none == []


def test_an_operator_writes_needs_as_pairs() -> None:
    assert needs_of(None) == {"orders": "face", "offers": "face", "destinations": "pin"}
    assert needs_of("offers=liveness, destinations=liveness_and_pin")["destinations"] == "liveness_and_pin"
    with pytest.raises(ValueError, match="purpose=need"):
        needs_of("offers")


def test_rules_of_a_move_are_looser_about_the_place_alone() -> None:
    """A challenge frame with two people is no move, as in any capture."""
    from identity.capture.attempt import CHALLENGE_RULES

    assert CaptureRules(middle=CHALLENGE_RULES.middle) == CHALLENGE_RULES
    assert liveness.RULES.turned > 10
