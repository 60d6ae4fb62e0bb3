"""The challenge: what it asks, what it refuses, and how a press carries it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from identity.capture import challenge as liveness
from identity.capture.challenge import ORDERS, Pose, challenge, judge, pose_of
from identity.capture.quality import CaptureRules
from identity.config import IdentityConfig, needs_of
from identity.engines.protocol import Face, Pixels
from identity.evaluation import challenge_rates as liveness_rates
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
    """1,000 simulated heads and sheets each. A swap that keeps landmarks alone has to be told by the vector
    too."""
    passed = {row["kind"]: row["passed"] for row in liveness_rates.rates(np.random.default_rng(4), 1_000)}

    assert passed["live"] > 0.92
    assert passed["photograph"] < 0.003
    assert passed["bent_photograph"] < 0.04
    assert passed["recording"] < 0.08  # 1 in 18 by chance
    assert passed["swap"] < 0.7


class Moving(FakeEngine):
    """Sees what it is told to, frame after frame, and then one good face in the middle."""

    script: tuple[Face, ...] = ()

    def detect(self, pixels: Pixels) -> list[Face]:
        if not self.script:
            return super().detect(pixels)
        first, self.script = self.script[0], self.script[1:]
        self.detections += 1
        return [first]


def moved(step: str) -> Face:
    """The face of FakeEngine in a frame of 420 x 320 after a move."""
    if step == "closer":
        return face_at(104, 54, 212)
    return face_at(130, 80, 160, turn={"left": 0.3, "right": -0.3}[step])


class Held:
    """A press whose challenge is answered with frames of `person`, who comes closer as `near`."""

    def __init__(self, world: World, person: int, near: int | None = None, order: Any = None) -> None:
        assert isinstance(world.engine, Moving)
        nonce, _ = world.service.press(KIOSK)
        self.steps = world.service.challenge(nonce)
        shown = order or self.steps
        straight = world.engine.detect
        frame = pictures(person, 1, first=50)
        faces = tuple(moved(step) for step in shown)
        first = face_at(130, 80, 160)
        # One look for the recognition, one for the reference, one for each move, two for the comparison.
        near_at = faces[self.steps.index("closer")]
        world.engine.script = (first, first, *faces, first, near_at)
        moves = [pictures(person if near is None else near, 1, first=60 + n)[0] for n in range(4)]
        assert straight is not None
        self.seen = world.service.recognise(KIOSK, nonce, frame, moves)
        world.engine.script = ()


@pytest.fixture
def moving(tmp_path: Any) -> Any:
    needs = {"orders": "face", "offers": "liveness", "destinations": "liveness_and_pin"}
    world = World(tmp_path, engine=Moving(), settings={"needs": needs})
    yield world
    world.close()


EVERY = ("orders", "offers", "destinations")


def test_what_needs_a_living_head_is_open_after_the_challenge_alone(moving: World) -> None:
    moving.enrol(1, purposes=EVERY)

    without = moving.recognise(1)
    held = Held(moving, 1).seen

    assert (without.decision, without.liveness, without.purposes) == ("matched", "not_run", ("orders",))
    assert (held.decision, held.liveness, held.purposes) == ("matched", "passed", EVERY)
    assert claims_of(held).level == "face"


def test_the_pin_does_not_stand_in_for_a_living_head(moving: World) -> None:
    enrolled = moving.enrol(1, purposes=EVERY)
    moving.service.set_pin(KIOSK, enrolled.receipt, enrolled.pin_secret, "4711")

    bare, held = moving.recognise(1), Held(moving, 1).seen
    assert bare.token is not None
    assert held.token is not None

    assert moving.service.raise_level(KIOSK, bare.token, "4711").purposes == ("orders",)
    assert set(moving.service.raise_level(KIOSK, held.token, "4711").purposes) == set(EVERY)


def test_a_wrong_order_fails_and_opens_no_more_than_a_face(moving: World) -> None:
    moving.enrol(1, purposes=EVERY)
    seen = Held(moving, 1, order=("closer", "closer", "closer", "closer")).seen

    assert (seen.decision, seen.liveness, seen.purposes) == ("matched", "failed", ("orders",))


def test_somebody_else_who_answers_the_challenge_is_refused_by_the_vector(moving: World) -> None:
    """A photograph of a customer is recognised, somebody else moves as asked: landmarks agree, the face does
    not."""
    moving.enrol(1, purposes=EVERY)
    seen = Held(moving, 1, near=9).seen

    assert (seen.decision, seen.liveness, seen.purposes) == ("matched", "failed", ("orders",))


def test_a_challenge_costs_two_more_vectors_of_the_same_face(moving: World) -> None:
    """Landmarks are read of every move; only the straight one is compared."""
    moving.enrol(1)
    before = moving.engine.calls
    Held(moving, 1)

    assert moving.engine.calls - before == 3


def test_places_are_never_opened_by_less_than_the_pin(tmp_path: Any) -> None:
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


def test_a_press_tells_the_moves_where_a_purpose_needs_them_and_not_else(moving: World, tmp_path: Any) -> None:
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
