"""Fixtures of this half's tests."""

from tests.recommender.service_fixtures import installation, still, world

__all__ = ["installation", "still", "world"]
