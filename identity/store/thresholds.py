"""SQL of the thresholds: numbers made from scores, never vectors.

Tables `calibrations`, `tails` and `tops`. Their column `frames` is always 1: the frames of a probe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from identity.store.schema import Table

TailKind = Literal["single", "top"]
"""`single`: the tail of single comparisons. `top`: the tail of best scores in a whole gallery."""


class ThresholdStore(Table):
    """What a threshold is made from, and the threshold."""

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
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO tops VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(tenant, pack, customer_id, frames, n, size, float(score)) for n, score in enumerate(scores)],
            )

    def tops(self, tenant: str, pack: str, frames: int, least_size: int) -> list[float]:
        """The stored best scores that were taken among at least `least_size` others."""
        rows = self.database.rows(
            "SELECT score FROM tops WHERE tenant = ? AND pack = ? AND frames = ? AND gallery_size >= ?",
            (tenant, pack, frames, least_size),
        )
        return [row["score"] for row in rows]

    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Delete the best scores of a customer."""
        self.database.change("DELETE FROM tops WHERE tenant = ? AND customer_id = ?", (tenant, customer_id))

    def delete_pack(self, pack: str) -> None:
        """Delete every tenant's best scores and calibrations of a pack."""
        with self.database.write() as connection:
            for table in ("tops", "calibrations"):
                connection.execute(f"DELETE FROM {table} WHERE pack = ?", (pack,))  # noqa: S608 - our own names
