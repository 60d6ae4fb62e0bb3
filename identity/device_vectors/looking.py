"""From pictures to what a device seals, at the device: the rules of a capture are the server's own.

A server that gets vectors never imports this: it needs OpenCV and an engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from prometheus_client import CollectorRegistry

from identity.capture.attempt import Attempt, capture_frames, liveness_of
from identity.capture.challenge import Step
from identity.capture.embed import Capture
from identity.device_vectors.message import Claims, Content, Purpose, Sight
from identity.engines.manifests import Pack
from identity.engines.protocol import FaceEngine
from identity.frames.decode import Decode
from identity.matching.tails import shipped_tail
from identity.matching.thresholds import ONE_PERSON, TEMPLATE_FRAMES
from identity.metrics import IdentityMetrics

ENROLLING: tuple[Purpose, ...] = ("enrol", "add_face")
NOBODY_ELSE = 1.01
"""A cosine that no two vectors have: a pack without figures of other people claims no moves."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The frames of one press, as files (JPEG, PNG or WebP); `moves` are those of the challenge's `steps`."""

    frames: Sequence[bytes]
    steps: tuple[Step, ...] = ()
    moves: Sequence[bytes] = ()


class Looking:
    """Looks at pictures with an engine pack. Nothing is kept between two looks."""

    def __init__(self, engine: FaceEngine, decode: Decode) -> None:
        self._engine = engine
        self._decode = decode
        self._metrics = IdentityMetrics(CollectorRegistry())  # nobody reads them

    @property
    def pack(self) -> Pack:
        """The pack whose vectors these are."""
        return self._engine.pack

    def content(self, pictures: Pictures, purpose: Purpose) -> Content:
        """What is sealed of the pictures of a press.

        Raises what `capture_frames` and `liveness_of` raise, EngineUnavailable.
        """
        enrolling = purpose in ENROLLING
        attempt = capture_frames(
            self._engine,
            pictures.frames,
            self._metrics,
            least=TEMPLATE_FRAMES if enrolling else 1,
            enrolling=enrolling,
            decode=self._decode,
        )
        sights = tuple(_sight(attempt, capture) for capture in attempt.captures)
        if not pictures.moves or not pictures.steps:
            return Content(sights)
        least, steps = one_person(self.pack), pictures.steps
        live = liveness_of(self._engine, steps, attempt, pictures.moves, least, decode=self._decode)
        return Content(sights, live, steps)


def one_person(pack: Pack) -> float:
    """The cosine that two pictures of one person have at least, as the pack's own figures say; what a site
    measures on a cohort of its own, the house alone knows."""
    tail = shipped_tail(pack.calibration)
    return NOBODY_ELSE if tail is None else tail.quantile(min(ONE_PERSON, tail.share / 2))


def _sight(attempt: Attempt, capture: Capture) -> Sight:
    """A capture with how many faces its frame shows."""
    [frame] = [number for number, one in enumerate(attempt.found) if one is capture]
    claims = Claims(**asdict(capture.quality), faces=len(attempt.detections[frame].faces))
    return Sight(capture.vector, claims, capture.masked)
