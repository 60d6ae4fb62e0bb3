"""The settings of the recommender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RecommenderConfig:
    """Settings of one installation.

    Attributes:
        home: the state folder with recommender.db, recommender-moments.db, recommender.key and models/.
        token_keys: Fernet keys of the recognition token, newest first; identity has the same keys.
        seed: of trainings, and of random numbers in requests.
        popular_from: how many of the tenant's latest lines count as popular while there is no model.
        history_lines: how many of a customer's latest lines are read for one answer.
        keep_versions: versions of a model that stay on disk for a rollback.
        requests_per_minute: per API key, for suggestions and events each; stops a faulty device.
        trainings_per_hour: per tenant and scene, of trainings started by the API.
        tombstones: the folder where erasures are remembered; the home when left out.
    """

    home: Path
    token_keys: Sequence[bytes]
    seed: int = 0
    popular_from: int = 5_000
    history_lines: int = 2_000
    keep_versions: int = 5
    requests_per_minute: int = 60_000
    trainings_per_hour: int = 60
    tombstones: Path | None = None
