"""The face matcher: a frame in, an opaque token out; of people who did not press, nothing is stored.

As a library, for measuring: `Engine` (faces to vectors), `enrol` and `match` on arrays, `read_picture`, and the
functions that notebook 05 shows: covers, thresholds, curves, simulations. All are imported on first use, so that
`import identity` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from identity.capture.drawn_mask import mask
    from identity.capture.quality import quality_of
    from identity.errors import CaptureError
    from identity.evaluation import challenge_rates, identification
    from identity.evaluation.curve import cohort_scores, curve, in_words
    from identity.evaluation.occlusions import KINDS
    from identity.evaluation.simulation import World, simulate_promise
    from identity.library import Engine, enrol, match, read_picture
    from identity.matching.calibration import threshold_for
    from identity.matching.tails import Scoring, fit_tail

__all__ = [
    "KINDS",
    "CaptureError",
    "Engine",
    "Scoring",
    "World",
    "challenge_rates",
    "cohort_scores",
    "curve",
    "enrol",
    "fit_tail",
    "identification",
    "in_words",
    "mask",
    "match",
    "quality_of",
    "read_picture",
    "simulate_promise",
    "threshold_for",
]

_WHERE = {
    "identity.capture.drawn_mask": ("mask",),
    "identity.capture.quality": ("quality_of",),
    "identity.errors": ("CaptureError",),
    "identity.evaluation": ("challenge_rates", "identification"),
    "identity.evaluation.curve": ("cohort_scores", "curve", "in_words"),
    "identity.evaluation.occlusions": ("KINDS",),
    "identity.evaluation.simulation": ("World", "simulate_promise"),
    "identity.library": ("Engine", "enrol", "match", "read_picture"),
    "identity.matching.calibration": ("threshold_for",),
    "identity.matching.tails": ("Scoring", "fit_tail"),
}


def __getattr__(name: str) -> object:
    for module, names in _WHERE.items():
        if name in names:
            found = import_module(module)
            return getattr(found, name) if hasattr(found, name) else import_module(f"{module}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
