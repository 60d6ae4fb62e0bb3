"""All SQL of the identity half, a class for each part of it."""

from __future__ import annotations

from dataclasses import dataclass

from identity.store.answers import AnswerStore
from identity.store.code_tries import CodeTryStore
from identity.store.consents import ConsentStore
from identity.store.customers import CustomerStore
from identity.store.galleries import GalleryStore
from identity.store.held import HeldStore
from identity.store.homes import RegionStore
from identity.store.migrations import migrations
from identity.store.thresholds import ThresholdStore
from identity.vault.vault import Vault
from plumbing.storage.database import Database
from plumbing.storage.state import State

__all__ = ["IdentityStores"]


@dataclass(frozen=True)
class IdentityStores:
    """What lasts. What a press needs for seconds is elsewhere (`PressStore`)."""

    database: Database
    customers: CustomerStore
    galleries: GalleryStore
    thresholds: ThresholdStore
    consents: ConsentStore
    answers: AnswerStore
    held: HeldStore
    code_tries: CodeTryStore
    regions: RegionStore

    @classmethod
    def open(cls, state: State, vault: Vault, *, durable: bool = True) -> IdentityStores:
        """Open or create the tables; `vault` has the keys of what is sealed in them.

        Without `durable` the last writes may be lost with the power.
        """
        database = state.database("identity", migrations(vault), durable=durable)
        galleries = GalleryStore(database, vault)
        return cls(
            database,
            CustomerStore(database, vault),
            galleries,
            ThresholdStore(database, vault),
            ConsentStore(database),
            AnswerStore(database),
            HeldStore(database),
            CodeTryStore(database, vault),
            RegionStore(database, galleries),
        )
