"""SQL of the codes that a device tried in vain. The rows are in identity.db: a restart forgives nothing."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

from sqlite_utils import Database as Utils

from identity.errors import SealBroken
from identity.store.schema import Table
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Vault
from plumbing.storage.database import Database

SHAPE = struct.Struct("<2q")


def code_tries(db: Utils) -> None:
    """A row for each device that ever took a code; when that was is sealed."""
    db.execute(
        "CREATE TABLE code_tries (tenant TEXT NOT NULL, device TEXT NOT NULL, sealed BLOB NOT NULL,"
        " PRIMARY KEY (tenant, device)) WITHOUT ROWID"
    )


@dataclass(frozen=True, slots=True)
class Tries:
    """Codes tried in vain on one device, in a row; and until when it takes none (microseconds UTC)."""

    failures: int = 0
    paused_until_us: int = 0


class CodeTryStore(Table):
    """Table `code_tries`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._seal = InstallationSeal(vault.keys, "code tries")

    def tries(self, tenant: str, device: str) -> Tries:
        """Those of a device; what the keys do not open counts as none."""
        row = self.database.row("SELECT sealed FROM code_tries WHERE tenant = ? AND device = ?", (tenant, device))
        try:
            return Tries() if row is None else Tries(*SHAPE.unpack(self._seal.open(row["sealed"], tenant, device)))
        except (SealBroken, struct.error):
            return Tries()

    def keep(self, tenant: str, device: str, tries: Tries) -> None:
        """Replace those of a device. A read and this write belong into one `writing()`."""
        self.database.change(
            "INSERT INTO code_tries VALUES (?, ?, ?) ON CONFLICT (tenant, device) DO UPDATE SET"
            " sealed = excluded.sealed",
            (tenant, device, self._seal.seal(SHAPE.pack(*astuple(tries)), tenant, device)),
        )

    def spoil(self, tenant: str, device: str) -> None:
        """Change nothing, by a write as large as the one that counts a wrong PIN: for a code that nobody has."""
        with self.writing():
            self.keep(tenant, device, self.tries(tenant, device))
