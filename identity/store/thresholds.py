"""SQL of the thresholds: numbers made from scores, never vectors.

Tables `calibrations`, `tails` and `tops`. Their column `frames` is always 1: the frames of a probe. The best
scores are sealed: the size of the gallery that they were taken from would say in which order customers joined.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from identity.errors import SealBroken
from identity.store.schema import Table
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Vault
from plumbing.storage.database import Database

TOPS = "top scores"
TOPS_READ = 20_000  # customers whose best scores make a threshold: enough to show a tail, and opened in .1 s

TailKind = Literal["single", "top", "vectors", "single_error", "vectors_error"]
"""`single`: the tail of single comparisons. `top`: the tail of best scores in a whole gallery. `vectors`: the tail
of single comparisons of vectors that devices made. `single_error` and `vectors_error`: by how much other cohorts
would differ; releases that do not know them leave them alone."""


class ThresholdStore(Table):
    """What a threshold is made from, and the threshold."""

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._seal = InstallationSeal(vault.keys, TOPS)

    def calibration(self, tenant: str, pack: str, frames: int) -> dict[str, Any] | None:
        """The stored calibration, or None."""
        row = self.database.row(
            "SELECT calibration FROM calibrations WHERE tenant = ? AND pack = ? AND frames = ?",
            (tenant, pack, frames),
        )
        return None if row is None else json.loads(row["calibration"])

    def keep_calibration(self, tenant: str, pack: str, frames: int, calibration: Mapping[str, Any]) -> None:
        """Replace the calibration for probes of `frames` frames."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO calibrations VALUES (?, ?, ?, ?)"
                " ON CONFLICT (tenant, pack, frames) DO UPDATE SET calibration = excluded.calibration",
                (tenant, pack, frames, json.dumps(calibration)),
            )

    def tail(self, tenant: str, pack: str, kind: TailKind) -> dict[str, Any] | None:
        """The tail that was measured on this tenant's own cohort, or None."""
        row = self.database.row(
            "SELECT tail FROM tails WHERE tenant = ? AND pack = ? AND kind = ?", (tenant, pack, kind)
        )
        return None if row is None else json.loads(row["tail"])

    def people(self, tenant: str, pack: str, kind: TailKind) -> int:
        """On how many people a tail was measured; 0 without one."""
        row = self.database.row(
            "SELECT people FROM tails WHERE tenant = ? AND pack = ? AND kind = ?", (tenant, pack, kind)
        )
        return 0 if row is None else int(row["people"])

    def keep_tail(
        self, tenant: str, pack: str, kind: TailKind, tail: Mapping[str, Any], *, people: int, now_us: int
    ) -> None:
        """Replace the tail that was measured on a cohort of `people`."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO tails VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, pack, kind) DO UPDATE"
                " SET tail = excluded.tail, people = excluded.people, made_us = excluded.made_us",
                (tenant, pack, kind, json.dumps(tail), people, now_us),
            )

    def keep_tops(
        self, tenant: str, pack: str, customer_id: str, frames: int, scores: Sequence[float], *, size: int
    ) -> None:
        """Best scores of a new customer's frames among `size` other customers, by probes of `frames` frames."""
        sealed = sealed_tops(self._seal, (tenant, customer_id, pack), size, [float(score) for score in scores])
        self.database.change(
            "INSERT INTO tops VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (tenant, pack, frames, customer_id) DO UPDATE SET sealed = excluded.sealed",
            (tenant, customer_id, pack, frames, sealed),
        )

    def tops(self, tenant: str, pack: str, frames: int, least_size: int) -> list[float]:
        """The stored best scores that were taken among at least `least_size` others, of TOPS_READ customers at
        most: their ids are random, so they are a sample."""
        found: list[float] = []
        for customer_id, sealed in self.database.rows(
            "SELECT customer_id, sealed FROM tops WHERE tenant = ? AND pack = ? AND frames = ?"
            " ORDER BY customer_id LIMIT ?",
            (tenant, pack, frames, TOPS_READ),
        ):
            size, scores = self._opened(tenant, customer_id, pack, sealed)
            found += scores if size >= least_size else ()
        return found

    def _opened(self, tenant: str, customer_id: str, pack: str, sealed: bytes) -> tuple[int, tuple[float, ...]]:
        """(size of the gallery, scores); none where the keys do not open them."""
        try:
            content = self._seal.open(sealed, tenant, customer_id, pack)
        except SealBroken:
            return 0, ()
        size, *scores = struct.unpack(f"<q{len(content) // 8 - 1}d", content)
        return size, tuple(scores)

    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Delete the best scores of a customer."""
        self.database.change("DELETE FROM tops WHERE tenant = ? AND customer_id = ?", (tenant, customer_id))

    def delete_pack(self, pack: str) -> None:
        """Delete every tenant's best scores and calibrations of a pack."""
        with self.database.write() as connection:
            for table in ("tops", "calibrations"):
                connection.execute(f"DELETE FROM {table} WHERE pack = ?", (pack,))  # noqa: S608 - our own names


def sealed_tops(seal: InstallationSeal, place: tuple[str, str, str], size: int, scores: Sequence[float]) -> bytes:
    """Best scores taken among `size` others, as stored for (tenant, customer id, pack)."""
    return seal.seal(struct.pack(f"<q{len(scores)}d", size, *scores), *place)
