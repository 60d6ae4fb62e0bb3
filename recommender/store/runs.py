"""Runs of trainings with progress and outcome. Models are files (versions.py), the schedule is schedules.py."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from plumbing.clock import MINUTE
from plumbing.sentence import stored
from plumbing.storage.database import Connection, Database, Row
from plumbing.storage.tenants import of_all
from recommender.errors import NoSuchRun, RunEnded, TrainingRunning
from recommender.store.run_locks import RunLocks
from recommender.store.run_tables import migrations
from recommender.store.schedules import ScheduleStore

__all__ = ["ModelStore", "Run", "migrations"]

LOST_AFTER_US = 15 * MINUTE
"""A run of an older release, which held no lock, is taken for lost after so long without progress."""

TRIES = 3
"""So often a scheduled training is begun when the process that runs it is killed each time."""

LOG_LINES = 200
"""The last lines of a training's log are kept with its run."""

LOST = "The process that ran this training ended before it was done."
DRY_RUN, BY_HAND, BY_SCHEDULE, FOR_FORGOTTEN = "dry run", "hand", "schedule", "forgotten"
KINDS = (BY_SCHEDULE, BY_HAND, DRY_RUN, FOR_FORGOTTEN)
STATES = ("running", "published", "unchanged", "tried", "refused", "failed", "cancelled", "lost")

COLUMNS = (
    "run_id, scene, state, stage, share, why, version, report, started_us, ended_us, kind, message, details,"
    " cancel"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One training. `state` is one of STATES, `kind` says what began it (KINDS; empty: an older release).

    `why` is the reason in English, `message` the same for other languages (`plumbing.sentence`). `details` has
    seed, cut, peak_mb, by; `cancel` says who asked it to end.
    """

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
    kind: str = ""
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    cancel: str = ""


class ModelStore:
    """Runs of all tenants, and their schedule."""

    def __init__(self, database: Database, locks: RunLocks) -> None:
        self._database = database
        self._locks = locks
        self.schedules = ScheduleStore(database)

    def begin(
        self,
        tenant: str,
        scene: str,
        now_us: int,
        run_key: str | None = None,
        *,
        kind: str = BY_HAND,
        by: str = "",
    ) -> str:
        """Open a run, which lasts until `end`, or until the process that works on it has ended; returns its id.

        `by` names who wants it, as the record of changes does.

        Raises:
            TrainingRunning: one is open for this tenant and scene, or `run_key` was used before. So the work is
                done once, even if several processes start it.
        """
        self.close_lost(now_us)
        run_id = secrets.token_hex(8)
        self._locks.take(run_id)  # before the row is there: nobody can find it without its lock
        details = json.dumps({"by": by} if by else {})
        try:
            with self._database.write() as connection:
                done = connection.execute(
                    "INSERT INTO runs (tenant, run_id, scene, run_key, state, open, stage, share, why, version,"
                    " report, started_us, seen_us, ended_us, kind, details)"
                    " VALUES (?, ?, ?, ?, 'running', 1, 'waiting', 0, '', '', '{}', ?, ?, NULL, ?, ?)"
                    " ON CONFLICT DO NOTHING RETURNING run_id",
                    (tenant, run_id, scene, run_key or run_id, now_us, now_us, kind, details),
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

    def progress(
        self, tenant: str, run_id: str, stage: str, share: float, now_us: int, lines: Collection[str] = ()
    ) -> str:
        """Store the stage, the share done (0..1) and further lines of the log. It also shows that the process is
        alive. Returns who asked the run to end; empty: nobody."""
        with self._database.write() as connection:
            if lines:
                _write_log(connection, tenant, run_id, lines)
            row = connection.execute(
                "UPDATE runs SET stage = ?, share = ?, seen_us = ? WHERE tenant = ? AND run_id = ? AND open = 1"
                " RETURNING cancel",
                (stage, round(min(max(share, 0.0), 1.0), 3), now_us, tenant, run_id),
            ).fetchone()
        return str(row["cancel"]) if row else ""

    def note(self, tenant: str, run_id: str, **details: Any) -> None:
        """Add to the details of a run: JSON, no personal data."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT details FROM runs WHERE tenant = ? AND run_id = ?", (tenant, run_id)
            ).fetchone()
            if row is not None:
                connection.execute(
                    "UPDATE runs SET details = ? WHERE tenant = ? AND run_id = ?",
                    (json.dumps(json.loads(row["details"]) | details), tenant, run_id),
                )

    def cancel(self, tenant: str, scene: str, run_id: str, who: str) -> None:
        """Ask a run to end: the process that works on it looks twice a second.

        Raises:
            NoSuchRun: there is none, or it is another tenant's.
            RunEnded: it has ended already.
        """
        asked = self._database.change(
            "UPDATE runs SET cancel = CASE WHEN cancel = '' THEN ? ELSE cancel END"
            " WHERE tenant = ? AND scene = ? AND run_id = ? AND open = 1 RETURNING run_id",
            (who, tenant, scene, run_id),
        )
        if not asked:
            raise RunEnded(self.run(tenant, scene, run_id).state)

    def cancelled_by(self, tenant: str, run_id: str) -> str:
        """Who asked an open run to end; empty: nobody."""
        row = self._database.row(
            "SELECT cancel FROM runs WHERE tenant = ? AND run_id = ? AND open = 1", (tenant, run_id)
        )
        return str(row["cancel"]) if row else ""

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
        details: Mapping[str, Any] | None = None,
        lines: Collection[str] = (),
    ) -> bool:
        """Close a run with its outcome; False when it is closed already. A `Sentence` as `why` is kept for every
        language; `details` and `lines` are added to what the run has."""
        with self._database.write() as connection:
            if details:
                self.note(tenant, run_id, **details)
            if lines:
                _write_log(connection, tenant, run_id, lines)
            closed = connection.execute(
                "UPDATE runs SET state = ?, open = 0, stage = 'done', share = 1, why = ?, message = ?,"
                " version = ?, report = ?, seen_us = ?, ended_us = ? WHERE tenant = ? AND run_id = ? AND open = 1",
                (state, str(why), stored(why), version, json.dumps(report or {}), now_us, now_us, tenant, run_id),
            ).rowcount
        self._locks.remove(run_id)
        return bool(closed)

    def run(self, tenant: str, scene: str, run_id: str) -> Run:
        """One run.

        Raises:
            NoSuchRun: there is none, or it is another tenant's.
        """
        row = self._database.row(
            f"SELECT {COLUMNS} FROM runs WHERE tenant = ? AND run_id = ? AND scene = ?",  # noqa: S608 - our own words
            (tenant, run_id, scene),
        )
        if row is None:
            raise NoSuchRun
        return _as_run(row)

    def log(self, tenant: str, run_id: str) -> list[str]:
        """The last lines of a run's log, at most LOG_LINES."""
        row = self._database.row("SELECT log FROM runs WHERE tenant = ? AND run_id = ?", (tenant, run_id))
        return str(row["log"]).splitlines() if row else []

    def runs(self, tenant: str, scene: str, n: int = 10) -> list[Run]:
        """The latest runs of a scene, newest first."""
        return self.page(tenant, scenes=(scene,), n=n)

    def page(
        self,
        tenant: str,
        *,
        scenes: Collection[str] = (),
        states: Collection[str] = (),
        kinds: Collection[str] = (),
        before: tuple[int, str] | None = None,
        n: int = 20,
    ) -> list[Run]:
        """Runs, newest first, of these scenes, states and kinds (empty: all); with `before`, the start and the id
        of a run, those that follow it in the list."""
        where, values = ["tenant = ?"], [tenant]
        for column, chosen in (("scene", scenes), ("state", states), ("kind", kinds)):
            if chosen:
                where.append(f"{column} IN ({', '.join('?' for _ in chosen)})")
                values += chosen
        if before is not None:
            where.append("(started_us < ? OR (started_us = ? AND run_id > ?))")
        later = () if before is None else (before[0], before[0], before[1])
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM runs WHERE {' AND '.join(where)}"  # noqa: S608 - our own words
            " ORDER BY started_us DESC, run_id LIMIT ?",
            (*values, *later, n),
        )
        return [_as_run(row) for row in rows]

    def ended(self, tenant: str, since_us: int, states: Collection[str] = ("failed", "refused")) -> list[Run]:
        """The runs that ended like this at `since_us` or later, oldest first: what an alert is made of."""
        marks = ", ".join("?" for _ in states)
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM runs WHERE tenant = ? AND ended_us >= ? AND state IN ({marks})"  # noqa: S608
            " ORDER BY ended_us, run_id",
            (tenant, since_us, *states),
        )
        return [_as_run(row) for row in rows]


def _write_log(connection: Connection, tenant: str, run_id: str, lines: Collection[str]) -> None:
    row = connection.execute("SELECT log FROM runs WHERE tenant = ? AND run_id = ?", (tenant, run_id)).fetchone()
    kept = [*str(row["log"]).splitlines(), *lines] if row else []
    connection.execute(
        "UPDATE runs SET log = ? WHERE tenant = ? AND run_id = ?",
        ("\n".join(kept[-LOG_LINES:]), tenant, run_id),
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
        kind=row["kind"],
        message=row["message"],
        details=json.loads(row["details"]),
        cancel=row["cancel"],
    )
