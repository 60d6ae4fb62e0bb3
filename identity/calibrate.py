"""The operator's side of matching: measure a tenant's threshold, and show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from identity.capture.attempt import usable_captures
from identity.capture.embed import Capture
from identity.engines.protocol import FaceEngine
from identity.errors import CaptureError, FrameError
from identity.evaluation.curve import Scored, cohort_scores
from identity.frames.decode import Decode
from identity.matching.matcher import Matchers, masked_template
from identity.matching.thresholds import TEMPLATE_FRAMES, Vectors

Refused = Callable[[int, int, FrameError | CaptureError], None]


@dataclass(frozen=True)
class Calibrator:
    """On no route: only the command line and the demo call it."""

    engine: FaceEngine
    matchers: Matchers
    decode: Decode

    def calibrate(self, tenant: str, people: Iterable[Vectors]) -> float | None:
        """Measure a tenant's threshold on a cohort of strangers: (k, d) unit vectors of each, k >= 3 frames.

        Stores only numbers made from scores. Returns the threshold in force. Raises ValueError when the cohort is
        too small.
        """
        clear = self.matchers.clear
        clear.thresholds.learn(tenant, people, max(1, clear.galleries.current(tenant).size))
        return self.threshold(tenant)

    def calibrate_on_pictures(
        self, tenant: str, people: Iterable[Iterable[bytes]], refused: Refused | None = None
    ) -> Scored:
        """The same on pictures of each person, and for masked faces too if the pack ships figures for them.

        `refused` is told of each picture that is not used: number of the person, number of the picture, why.
        People with fewer than three usable pictures are left out. Returns the cohort's scores, for the curve.
        """
        cohort = self._seen(people, refused)
        vectors = [np.stack([capture.vector for capture in seen]) for seen in cohort]
        self.calibrate(tenant, vectors)
        masked = self.matchers.masked
        if masked is not None:
            twins = [np.stack([c.masked for c in seen if c.masked is not None]) for seen in cohort]
            templates = [masked_template(*pair, masked.pack) for pair in zip(vectors, twins, strict=True)]
            size = max(1, masked.galleries.current(tenant).size)
            masked.thresholds.learn(tenant, twins, size, np.stack(templates))
        return cohort_scores(vectors, self.matchers.clear.thresholds.scoring)

    def calibrate_on_vectors(self, tenant: str, people: Iterable[Vectors]) -> Scored:
        """The same on vectors that a device's own engine made of strangers: (k, d) of each, k >= 3. The threshold
        then holds for both, pictures and vectors. Returns the cohort's scores. Raises ValueError."""
        clear, cohort = self.matchers.clear, list(people)
        clear.thresholds.learn_vectors(tenant, cohort, max(1, clear.galleries.current(tenant).size))
        return cohort_scores(cohort, clear.thresholds.scoring)

    def calibrate_on_pictures_of_devices(
        self, tenant: str, people: Iterable[Iterable[bytes]], refused: Refused | None = None
    ) -> Scored:
        """As `calibrate_on_vectors`, on pictures as devices see people: of the same pixels the engine of a browser
        and that of a helper make the vectors that this one does. Raises ValueError."""
        cohort = self._seen(people, refused)
        return self.calibrate_on_vectors(tenant, [np.stack([one.vector for one in seen]) for seen in cohort])

    def _seen(self, people: Iterable[Iterable[bytes]], refused: Refused | None) -> list[list[Capture]]:
        """The usable faces of each person of whom there are enough."""
        captured = (
            usable_captures(
                self.engine, pictures, self.decode, None if refused is None else partial(refused, person)
            )
            for person, pictures in enumerate(people)
        )
        return [captures for captures in captured if len(captures) >= TEMPLATE_FRAMES]

    def threshold(self, tenant: str) -> float | None:
        """The threshold in force (a score); None: everybody is a guest."""
        clear = self.matchers.clear
        made = clear.thresholds.current(tenant, max(1, clear.galleries.current(tenant).size))
        return None if made is None else made.threshold

    def own_scores(self, tenant: str) -> Scored | None:
        """Recompute the threshold from the scores of the tenant's enrolments against each other. Returns these
        scores, or None when there are none yet."""
        clear = self.matchers.clear
        size = clear.galleries.current(tenant).size
        clear.thresholds.renew(tenant, size, always=True)
        tops = clear.thresholds.own(tenant, size)
        return Scored(tops, np.zeros(0), size) if len(tops) else None
