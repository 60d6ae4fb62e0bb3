"""One look at the person who pressed: at pictures that were sent, or at vectors that the device made of them.

A device sends one or the other, as the operator chose (`plumbing.access.device_modes`), and is refused with the
other. Either way the press is used up before anything is looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from identity.capture.attempt import Attempt, capture_frames
from identity.capture.attempt import liveness_of as liveness_of_moves
from identity.capture.challenge import State, Step, challenge
from identity.capture.embed import Capture
from identity.capture.passive_liveness import PassiveLiveness
from identity.customers.visits.day_limits import DayLimits
from identity.customers.visits.presses import Presses
from identity.device_vectors import opening
from identity.device_vectors.message import Purpose
from identity.device_vectors.opening import Opener, Press, SealedVectors
from identity.engines.protocol import FaceEngine
from identity.errors import CaptureError, PicturesNotTaken, VectorsNotTaken
from identity.frames.decode import Decode
from identity.matching.thresholds import TEMPLATE_FRAMES, Thresholds
from identity.metrics import IdentityMetrics
from identity.results import Device
from plumbing.access.device_modes import DeviceMode, DeviceModes

LOOKS = 2  # presses whose pictures are decoded at once: one at the engine, one on the way; more only fill memory
ENROLLING = ("enrol", "add_face")

Sent = Sequence[bytes] | SealedVectors
"""Pictures as files, or a message."""


@dataclass(frozen=True)
class Camera:
    """What one look at a face needs. `passive` is the passive liveness model, if one is plugged in; `decode` makes
    pixels of a file, in a process of its own; `opener` opens messages with vectors."""

    engine: FaceEngine
    decode: Decode
    presses: Presses
    passive: PassiveLiveness | None
    challenge_key: bytes
    opener: Opener
    modes: DeviceModes
    limits: DayLimits


@dataclass(frozen=True, slots=True)
class Look:
    """The captures of a press, and their liveness. `seen`: we made the vectors ourselves, or the operator vouches
    for the device that did."""

    captures: list[Capture]
    live: State
    seen: bool = True


class Looks:
    """Looks at pictures, or opens a message. Safe with threads."""

    def __init__(self, camera: Camera, thresholds: Thresholds, metrics: IdentityMetrics) -> None:
        self.engine = camera.engine
        self._camera = camera
        self._thresholds = thresholds
        self._metrics = metrics
        self._looking = threading.BoundedSemaphore(LOOKS)

    def challenge(self, nonce: str) -> tuple[Step, ...]:
        """The moves that prove a living head for this press."""
        return challenge(self._camera.challenge_key, nonce)

    def look(
        self,
        device: Device,
        nonce: str,
        sent: Sent,
        purpose: Purpose,
        moves: Sequence[bytes] | None = None,
    ) -> Look:
        """Use up the press; the captures of what was sent, and their liveness: of pictures unless `moves` is None.

        Raises PicturesNotTaken, VectorsNotTaken, a PressError before anything is decoded or opened, then what the
        look itself raises.
        """
        camera = self._camera
        mode = camera.modes.of(device.tenant, device.name)
        vectors = isinstance(sent, SealedVectors)
        if vectors != (mode.mode == "vectors"):
            raise VectorsNotTaken if vectors else PicturesNotTaken
        camera.presses.claim(device.tenant, device.name, nonce)
        try:
            if isinstance(sent, SealedVectors):
                return self._at_vectors(Press(device.tenant, device.name, nonce, purpose), sent, mode)
            with self._looking:
                return self._at_pictures(device.tenant, nonce, sent, moves, enrolling=purpose in ENROLLING)
        except CaptureError:
            camera.presses.unjudged(device.tenant, device.name)
            raise

    def _at_pictures(
        self, tenant: str, nonce: str, frames: Sequence[bytes], moves: Sequence[bytes] | None, *, enrolling: bool
    ) -> Look:
        attempt = capture_frames(
            self.engine,
            frames,
            self._metrics,
            least=TEMPLATE_FRAMES if enrolling else 1,
            enrolling=enrolling,
            decode=self._camera.decode,
        )
        live: State = "not_run" if moves is None else self._live(tenant, nonce, attempt, moves)
        return Look(attempt.captures, live)

    def _live(self, tenant: str, nonce: str, attempt: Attempt, moves: Sequence[bytes]) -> State:
        """What the challenge shows, and the passive model where one is plugged in."""
        camera = self._camera
        if not moves and camera.passive is None:
            return "not_run"
        state: State = "not_run"
        if moves:
            least = self._thresholds.one_person(tenant)
            steps = self.challenge(nonce)
            state = liveness_of_moves(self.engine, steps, attempt, moves, least, decode=camera.decode)
        if camera.passive is not None:
            state = camera.passive.with_challenge(camera.passive.judge(attempt.detections), state)
        self._metrics.liveness.labels(state=state).inc()
        return state

    def _at_vectors(self, press: Press, sent: SealedVectors, mode: DeviceMode) -> Look:
        enrolling = press.purpose in ENROLLING
        with self._metrics.timed("open"):
            content = self._camera.opener.open(sent, press, mode)
        least = TEMPLATE_FRAMES if enrolling else 1
        captures = opening.captures_of(content, self._camera.opener.pack, least=least, enrolling=enrolling)
        self._camera.limits.begin(press.tenant, press.device, enrolling=enrolling)
        live = opening.liveness_of(content, self.challenge(press.nonce), attested=mode.attested)
        return Look(captures, live, seen=mode.attested)
