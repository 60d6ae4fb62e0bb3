"""The settings of the recommender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbing.settings import Config, hosts_of
from plumbing.storage.state import State

LEAST_PEOPLE_FLOOR = 5
"""Nobody may set fewer: of two or three people each knows what the others chose, of five they must guess."""

LEAST_PEOPLE_CEILING = 1_000


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
        versions: address of a bucket with the versions of models; the home's models/ when left out.
        tombstones: the folder where erasures are remembered; the home when left out.
        least_people: so many different people must have chosen what others may see; a tenant may set another
            number on the desk, not below `LEAST_PEOPLE_FLOOR`.
        served_km: a position farther than this from every place of the catalogue is refused.
        image_hosts: from where pictures of dishes may come that are no files of the house.
    """

    home: Path
    token_keys: Sequence[bytes] = field(repr=False)
    seed: int = 0
    popular_from: int = 5_000
    history_lines: int = 2_000
    keep_versions: int = 5
    requests_per_minute: int = 60_000
    trainings_per_hour: int = 60
    versions: str | None = None
    tombstones: Path | None = None
    least_people: int = 10
    served_km: float = 40.0
    image_hosts: tuple[str, ...] = ()
    database: str | None = field(default=None, repr=False)  # as in `State`
    keys_database: str | None = field(default=None, repr=False)

    @property
    def state(self) -> State:
        """Where the state of the installation is."""
        return State(self.home, self.database, self.keys_database)

    @classmethod
    def of(cls, settings: Config, token_keys: Sequence[bytes] = (), *, seed: int = 0) -> RecommenderConfig:
        """From the settings of an installation."""
        return cls(
            home=settings.home,
            token_keys=token_keys,  # not a copy: they change when they are rotated
            seed=seed,
            least_people=settings.least_people,
            served_km=settings.served_km,
            image_hosts=hosts_of(settings.image_hosts),
            versions=settings.versions,
            tombstones=settings.tombstones,
            database=settings.database,
            keys_database=settings.keys_database,
        )
