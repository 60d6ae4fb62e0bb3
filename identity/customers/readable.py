"""After a restore: how many customers of the database the keys that are here still open."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from identity.customers.departed import FILE, Departed
from identity.errors import KeyDestroyed, KeyFileDamaged
from identity.store.holders import holders_in
from identity.vault.keyfile import MASTER, NAME, KeyFile
from identity.vault.vault import Holder
from plumbing.storage.state import State
from plumbing.storage.tombstones import Tombstones


@dataclass(frozen=True)
class Readable:
    """Customers in the database: all; those who left and are erased again; those whose key is not here."""

    customers: int
    left: int
    lost: int
    keys: bool  # whether there are keys at all

    def in_words(self) -> str:
        """One sentence, or two, for the operator."""
        open_to = self.customers - self.left - self.lost
        if not self.customers:
            return "There are no customers in it."
        if not self.keys:
            return (
                f"The keys are missing: {self.customers} customers are lost, nobody of them is recognised again."
                " If there is a backup of the keys, put it back before a server is started: usual restore --keys."
            )
        said = f"{open_to} of {self.customers} customers can be recognised."
        said += f" {self.left} left after the backup and stay erased." if self.left else ""
        said += f" {self.lost} are lost: their keys are not here." if self.lost else ""
        return said


def readable(state: State, tombstones: Path | None = None) -> Readable:
    """Count the customers whom the keys of the state folder open. Makes no file and changes none."""
    home = state.home
    holders = [Holder(*each) for each in holders_in(state)]
    there = (home / NAME).exists() and (home / MASTER).exists()
    try:
        keys = KeyFile.in_home(home) if there else None
    except KeyFileDamaged:
        keys = None
    if keys is None:
        return Readable(len(holders), 0, len(holders), keys=False)
    with closing(keys):
        departed = Departed(Tombstones.of(home, tombstones, FILE), keys)
        left = {holder for holder in holders if departed.includes(holder.tenant, holder.customer_id)}
        lost = sum(not _opens(keys, holder) for holder in holders if holder not in left)
    return Readable(len(holders), len(left), lost, keys=True)


def _opens(keys: KeyFile, holder: Holder) -> bool:
    try:
        keys.key(holder.slot, holder.owner)
    except (KeyDestroyed, KeyFileDamaged):
        return False
    return True
