"""Bystanders: their pixels carry a magic pattern, which is passed on nowhere on any path."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog
from prometheus_client import CollectorRegistry

from identity.capture.attempt import capture_frames, liveness_of
from identity.capture.challenge import ORDERS
from identity.engines.protocol import Face, Pixels
from identity.frames.decode import decode
from identity.metrics import IdentityMetrics
from tests.identity.capture.test_challenge import moved
from tests.identity.capture.test_cover import MASKING
from tests.identity.fakes import FakeEngine, face_at
from tests.identity.halves import KIOSK, World, picture
from tests.magic import BESIDE as MAGIC
from tests.magic import has_pixels

BESIDE = face_at(340, 80, 70)  # in frames of 420 x 320, within the crop that a face in the middle gets
MIDDLE = face_at(130, 80, 160)


def frame(person: int, number: int) -> bytes:
    pixels = decode(picture(person, number)).pixels.copy()
    pixels[80:150, 340:410] = MAGIC
    return cv2.imencode(".png", pixels)[1].tobytes()


def shows(array: Pixels) -> bool:
    return bool((array == MAGIC).all(axis=2).any())


@dataclass
class Beside(FakeEngine):
    """Sees the customer where `script` says, or in the middle, and always somebody beside them."""

    script: list[Face] = field(default_factory=list)

    def detect(self, pixels: Pixels) -> list[Face]:
        assert shows(pixels)  # detecting sees the whole frame: the pattern is there to be found
        self.detections += 1
        return [self.script.pop(0) if self.script else MIDDLE, BESIDE]


@pytest.fixture
def watched(tmp_path: Path) -> World:
    return World(tmp_path, engine=Beside(pack=MASKING))


def nowhere(world: World) -> bool:
    """Whether the pattern is in no crop that was embedded and in no file."""
    files = (path.read_bytes() for path in world.home.rglob("*") if path.is_file())
    return not any(map(shows, world.engine.seen)) and not any(map(has_pixels, files))


def test_an_enrolment_passes_nobody_elses_pixels_on(watched: World) -> None:
    """Three frames, each embedded as it is and with a mask drawn over it; then a recognition and an opt-out."""
    frames = [frame(1, n) for n in range(3)]
    with structlog.testing.capture_logs() as logged:
        nonce, _ = watched.service.press(KIOSK)
        made = watched.service.enrol(
            KIOSK,
            nonce,
            frames,
            purposes={"orders": True},
            notice_version=watched.service.notice.version,
            age_confirmed=True,
        )
        watched.service.confirm(KIOSK, made.receipt)
        assert len(watched.engine.seen) == 6
        nonce, _ = watched.service.press(KIOSK)
        assert watched.service.recognise(KIOSK, nonce, [frame(1, 50)]).decision == "matched"
        nonce, _ = watched.service.press(KIOSK)
        assert watched.service.forget_face(KIOSK, nonce, [frame(1, 51)]).decision == "forgotten"

    assert len(watched.engine.seen) == 8
    assert nowhere(watched)
    assert "141" not in str(logged)
    watched.close()


def test_a_challenge_passes_nobody_elses_pixels_on() -> None:
    """Landmarks of four moves, and two vectors of the one who moves."""
    steps = ORDERS[0]
    faces = [moved(step) for step in steps]
    engine = Beside(script=[MIDDLE, *faces])
    attempt = capture_frames(engine, [frame(1, 50)], IdentityMetrics(CollectorRegistry()))
    state = liveness_of(engine, steps, attempt, [frame(1, 60 + n) for n in range(4)], 0.3)

    assert state == "passed"
    assert len(engine.seen) == 2
    assert not any(map(shows, engine.seen))


def test_the_search_finds_what_is_there(watched: World) -> None:
    """Otherwise the tests above would show nothing."""
    assert nowhere(watched)
    (watched.home / "leak").write_bytes(np.full((4, 4, 3), MAGIC, np.uint8).tobytes())
    assert not nowhere(watched)
    (watched.home / "leak").unlink()
    watched.engine.seen.append(decode(frame(1, 0)).pixels)
    assert not nowhere(watched)
    watched.close()
