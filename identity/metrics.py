"""The counters of the identity half. No label has a tenant, a device or anything about a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


class IdentityMetrics:
    """Counters in a registry of the caller: several applications may run in one process (tests do)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"usual_identity_{name}", text, labels, registry=registry)

        self.presses = counter("presses", "Presses that got a nonce")
        self.recognitions = counter("recognitions", "Recognitions by outcome", "outcome")
        self.enrolments = counter("enrolments", "Enrolments made")
        self.erasures = counter("erasures", "Customers who opted out, by the way they took", "way")
        self.embeddings = counter("embeddings", "Faces that became a vector")
        self.refusals = counter("refusals", "Captures without one usable face, by the hint given", "hint")
        self.undelivered = counter("erasures_undelivered", "Tries to hand on an erasure that failed")
        self.overdue = Gauge(
            "usual_identity_erasures_overdue",
            "Erasures that the recommender has not confirmed for more than a minute",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.not_me = counter("not_me", "Greetings that the person said were somebody else's: false matches")
        self.liveness = counter("liveness", "Challenges by what they showed", "state")
        self.day_limits = counter(
            "day_limits", "Times that a device that sends vectors met a daily limit", "limit"
        )
        self.seconds = Histogram(
            "usual_identity_seconds",
            "Time of each stage of a press: decode, detect, embed, match",
            ["stage"],
            registry=registry,
            buckets=BUCKETS,
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Around one stage of a press, whether it succeeds or not."""
        with self.seconds.labels(stage).time():
            yield
