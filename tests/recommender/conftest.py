"""Fixtures of this half's tests."""

from tests.recommender.offers.world import close_stores
from tests.recommender.service_fixtures import installation, still, world

__all__ = ["close_stores", "installation", "still", "world"]
