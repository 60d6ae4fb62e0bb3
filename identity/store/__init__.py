"""All SQL of the identity half, a class for each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity.store.answers import AnswerStore
from identity.store.consents import ConsentStore
from identity.store.customers import CustomerStore
from identity.store.galleries import GalleryStore
from identity.store.schema import migrations
from identity.store.thresholds import ThresholdStore
from plumbing.storage.database import Database

__all__ = ["IdentityStores"]


@dataclass(frozen=True)
class IdentityStores:
    """identity.db: what lasts. What a press needs for seconds is in another file (`PressStore`)."""

    database: Database
    customers: CustomerStore
    galleries: GalleryStore
    thresholds: ThresholdStore
    consents: ConsentStore
    answers: AnswerStore

    @classmethod
    def open(cls, path: Path, *, durable: bool = True) -> IdentityStores:
        """Open or create the file. Without `durable` the last writes may be lost with the power."""
        database = Database(path, migrations, durable=durable)
        return cls(
            database,
            CustomerStore(database),
            GalleryStore(database),
            ThresholdStore(database),
            ConsentStore(database),
            AnswerStore(database),
        )
