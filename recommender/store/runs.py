"""Runs of trainings with progress and outcome, and their schedule. The models are files (versions.py)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import MINUTE
from plumbing.storage.database import Database, Row
from plumbing.storage.tenants import of_all
from recommender.errors import NoSuchRun, TrainingRunning
from recommender.store.run_locks import RunLocks

LOST_AFTER_US = 15 * MINUTE
"""A run of an older release, which held no lock, is taken for lost after so long without progress."""

TRIES = 3
"""So often a scheduled training is begun when the process that runs it is killed each time."""

LOST = "The process that ran this training ended before it was done."

migrations = Migrations("models")


@migrations()
def runs_and_schedule(db: Utils) -> None:
    """`open` is 1 while a run lasts. The partial index allows one open run for each tenant and scene."""
    db.execute(
        "CREATE TABLE runs (tenant TEXT NOT NULL, run_id TEXT NOT NULL, scene TEXT NOT NULL,"
        " run_key TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, stage TEXT NOT NULL,"
        " share REAL NOT NULL, why TEXT NOT NULL, version TEXT NOT NULL, report TEXT NOT NULL,"
        " started_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, ended_us BIGINT,"
        " PRIMARY KEY (tenant, run_id), UNIQUE (tenant, scene, run_key))"
    )
    db.execute("CREATE UNIQUE INDEX runs_open ON runs (tenant, scene) WHERE open = 1")
    db.execute("CREATE INDEX runs_latest ON runs (tenant, scene, started_us)")
    db.execute(
        "CREATE TABLE schedule (tenant TEXT NOT NULL, scene TEXT NOT NULL, days TEXT NOT NULL,"
        " time TEXT NOT NULL, timezone TEXT NOT NULL, enabled INTEGER NOT NULL, PRIMARY KEY (tenant, scene))"
    )


@migrations()
def schedule_since(db: Utils) -> None:
    """When an entry was saved: what was due before is not made up for."""
    db.execute("ALTER TABLE schedule ADD COLUMN since_us BIGINT NOT NULL DEFAULT 0")


@dataclass(frozen=True, slots=True)
class Run:
    """One training. `state` is running, published, unchanged, refused, failed or lost."""

    run_id: str
    scene: str
    state: str
    stage: str
    share: float
    why: str
    version: str
    report: Mapping[str, Any]
    started_us: int
    ended_us: int | None


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """One training in the schedule: at `time` ("03:00") of `timezone` on `days` ("mon", ..., "sun"); saved at
    `since_us` (microseconds UTC, 0: not known)."""

    scene: str
    days: tuple[str, ...]
    time: str
    timezone: str
    enabled: bool = True
    tenant: str = ""
    since_us: int = field(default=0, compare=False)


class ModelStore:
    """Runs and schedule of all tenants."""

    def __init__(self, database: Database, locks: RunLocks) -> None:
        self._database = database
        self._locks = locks

    def begin(self, tenant: str, scene: str, now_us: int, run_key: str | None = None) -> str:
        """Open a run, which lasts until `end`, or until the process that works on it has ended; returns its id.

        Raises:
            TrainingRunning: one is open for this tenant and scene, or `run_key` was used before. So the work is
                done once, even if several processes start it.
        """
        self.close_lost(now_us)
        run_id = secrets.token_hex(8)
        self._locks.take(run_id)  # before the row is there: nobody can find it without its lock
        try:
            with self._database.write() as connection:
                done = connection.execute(
                    "INSERT INTO runs VALUES (?, ?, ?, ?, 'running', 1, 'waiting', 0, '', '', '{}', ?, ?, NULL)"
                    " ON CONFLICT DO NOTHING RETURNING run_id",
                    (tenant, run_id, scene, run_key or run_id, now_us, now_us),
                ).fetchone()
                if done is None:
                    other = connection.execute(
                        "SELECT run_id FROM runs WHERE tenant = ? AND scene = ? AND (open = 1 OR run_key = ?)"
                        " ORDER BY open DESC LIMIT 1",
                        (tenant, scene, run_key),
                    ).fetchone()
                    raise TrainingRunning(other["run_id"])
        except BaseException:
            self._locks.remove(run_id)
            raise
        return run_id

    def begun(self, tenant: str, scene: str, run_key: str) -> bool:
        """Whether a run with this key was begun and not lost; or was lost so often that it is not tried again."""
        rows = self._database.rows(
            "SELECT run_key FROM runs WHERE tenant = ? AND scene = ? AND run_key >= ? AND run_key <= ?",
            (tenant, scene, run_key, f"{run_key} lost ~"),
        )
        return any(row["run_key"] == run_key for row in rows) or len(rows) >= TRIES

    def latest(self, tenant: str, scene: str, prefix: str) -> int | None:
        """When the latest run was begun whose key begins with `prefix`, microseconds UTC; None: there was none."""
        row = self._database.row(
            "SELECT MAX(started_us) AS at FROM runs WHERE tenant = ? AND scene = ?"
            " AND run_key >= ? AND run_key < ?",
            (tenant, scene, prefix, prefix + "\uffff"),
        )
        return row["at"] if row else None

    def close_lost(self, now_us: int) -> int:
        """Close the runs whose process has ended without closing them; returns how many. Their key is free
        again."""
        with of_all():
            return self._close_lost(now_us)

    def _close_lost(self, now_us: int) -> int:
        lost = 0
        for row in self._database.rows("SELECT tenant, run_id, seen_us FROM runs WHERE open = 1"):
            held = self._locks.is_held(row["run_id"])
            if held is None:
                held = 0 <= now_us - row["seen_us"] <= LOST_AFTER_US
            if not held:
                lost += self.lose(row["tenant"], row["run_id"], LOST)
        return lost

    def lose(self, tenant: str, run_id: str, why: str) -> bool:
        """Close a run as lost; False when it is closed already. A scheduled one may be begun again."""
        rows = self._database.change(
            "UPDATE runs SET state = 'lost', open = 0, ended_us = seen_us, why = ?,"
            " run_key = CASE WHEN run_key = run_id THEN run_key ELSE run_key || ' lost ' || run_id END"
            " WHERE tenant = ? AND run_id = ? AND open = 1 RETURNING run_id",
            (why, tenant, run_id),
        )
        self._locks.remove(run_id)
        return bool(rows)

    def descriptor(self, run_id: str) -> int | None:
        """The lock of a run that this process began, for the process that is started to do the work."""
        return self._locks.descriptor(run_id)

    def handed_on(self, run_id: str) -> None:
        """Another process has the lock of the run now."""
        self._locks.drop(run_id)

    def close(self) -> None:
        """This process ends: the runs that it did not hand on are lost."""
        self._locks.drop_all()

    def progress(self, tenant: str, run_id: str, stage: str, share: float, now_us: int) -> None:
        """Store the stage and the share done, 0..1. It also shows that the process is alive."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE runs SET stage = ?, share = ?, seen_us = ? WHERE tenant = ? AND run_id = ? AND open = 1",
                (stage, round(min(max(share, 0.0), 1.0), 3), now_us, tenant, run_id),
            )

    def end(
        self,
        tenant: str,
        run_id: str,
        state: str,
        why: str,
        now_us: int,
        *,
        version: str = "",
        report: Mapping[str, Any] | None = None,
    ) -> bool:
        """Close a run with its outcome; False when it is closed already."""
        with self._database.write() as connection:
            closed = connection.execute(
                "UPDATE runs SET state = ?, open = 0, stage = 'done', share = 1, why = ?, version = ?,"
                " report = ?, seen_us = ?, ended_us = ? WHERE tenant = ? AND run_id = ? AND open = 1",
                (state, why, version, json.dumps(report or {}), now_us, now_us, tenant, run_id),
            ).rowcount
        self._locks.remove(run_id)
        return bool(closed)

    def run(self, tenant: str, scene: str, run_id: str) -> Run:
        """One run.

        Raises:
            NoSuchRun: there is none, or it is another tenant's.
        """
        row = self._database.row(
            "SELECT * FROM runs WHERE tenant = ? AND run_id = ? AND scene = ?", (tenant, run_id, scene)
        )
        if row is None:
            raise NoSuchRun
        return _as_run(row)

    def runs(self, tenant: str, scene: str, n: int = 10) -> list[Run]:
        """The latest runs of a scene, newest first."""
        rows = self._database.rows(
            "SELECT * FROM runs WHERE tenant = ? AND scene = ? ORDER BY started_us DESC, run_id LIMIT ?",
            (tenant, scene, n),
        )
        return [_as_run(row) for row in rows]

    def schedule(self, tenant: str | None = None) -> list[ScheduleEntry]:
        """The schedule of one tenant, or of all."""
        where, values = ("WHERE tenant = ?", (tenant,)) if tenant is not None else ("", ())
        rows = self._database.rows(f"SELECT * FROM schedule {where} ORDER BY tenant, scene", values)  # noqa: S608
        return [
            ScheduleEntry(
                scene=row["scene"],
                days=tuple(row["days"].split()),
                time=row["time"],
                timezone=row["timezone"],
                enabled=bool(row["enabled"]),
                tenant=row["tenant"],
                since_us=row["since_us"],
            )
            for row in rows
        ]

    def set_schedule(self, tenant: str, entries: Sequence[ScheduleEntry], now_us: int = 0) -> None:
        """Replace the tenant's schedule at `now_us`. An entry that stays as it was keeps its time of saving."""
        with self._database.write() as connection:
            earlier = {replace(e, tenant=tenant): e.since_us for e in self.schedule(tenant)}
            since = [earlier.get(replace(e, tenant=tenant), now_us) for e in entries]
            connection.execute("DELETE FROM schedule WHERE tenant = ?", (tenant,))
            connection.executemany(
                "INSERT INTO schedule VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (tenant, e.scene, " ".join(e.days), e.time, e.timezone, int(e.enabled), saved_us)
                    for e, saved_us in zip(entries, since, strict=True)
                ],
            )


def _as_run(row: Row) -> Run:
    return Run(
        run_id=row["run_id"],
        scene=row["scene"],
        state=row["state"],
        stage=row["stage"],
        share=row["share"],
        why=row["why"],
        version=row["version"],
        report=json.loads(row["report"]),
        started_us=row["started_us"],
        ended_us=row["ended_us"],
    )
