"""The counters of the identity half. No label has a tenant, a device or anything about a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


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
