"""Counters and times of the recommender for Prometheus. No label holds an identifier."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


class RecommenderMetrics:
    """In the given registry, so that two applications in one process do not collide."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.suggestions = Counter(
            "usual_suggestions", "Suggestion replies", ["scene", "fallback"], registry=registry
        )
        self.seconds = Histogram(
            "usual_suggestion_seconds", "Time to suggest", ["scene"], registry=registry, buckets=BUCKETS
        )
        self.events = Counter("usual_events", "Events recorded", registry=registry)
        self.erasures = Counter("usual_erasures", "Customers erased", registry=registry)
        self.trainings = Counter("usual_trainings", "Trainings started", ["scene"], registry=registry)

    def suggested(self, scene: str, fallback: str | None, took_ms: float) -> None:
        """Count one reply with suggestions, from any route."""
        self.suggestions.labels(scene, fallback or "").inc()
        self.seconds.labels(scene).observe(took_ms / 1_000)
