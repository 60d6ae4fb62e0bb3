"""What the recommender half needs to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RecommenderConfig:
    """Settings of one installation; paths lie under `home`.

    Attributes:
        home: the state folder. Holds recommender.db, recommender-moments.db, recommender.key and models/.
        token_keys: Fernet keys of the recognition token, newest first; the same that identity mints with.
        seed: of training and of what is drawn at request time.
        popular_from: how many of the tenant's latest lines count for "popular here and now" without a model.
        history_lines: how many of a customer's latest lines are read for one answer.
        keep_versions: versions of a model that stay on disk for going back.
        requests_per_minute: per API key, for suggestions and events each; stops a device that runs wild.
        trainings_per_hour: per tenant and scene, started by the route.
    """

    home: Path
    token_keys: tuple[bytes, ...]
    seed: int = 0
    popular_from: int = 5_000
    history_lines: int = 2_000
    keep_versions: int = 5
    requests_per_minute: int = 60_000
    trainings_per_hour: int = 60
