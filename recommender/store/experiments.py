"""Experiments of all tenants, and the sums of the customers who were in them.

While an experiment runs, a salt ties customers to their sums. When it stops, the last figures are kept as numbers
and salt, visits and sums are deleted: then nothing leads to anybody any more.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plumbing.storage.database import Connection, Database
from plumbing.storage.tenants import of_tenant
from recommender.experiments.assignment import free_stretch, unit_of
from recommender.experiments.errors import ExperimentsOverlap, UnknownExperiment, WrongState
from recommender.experiments.plan import DECIDED, DRAFT, RUNNING, STOPPED, Experiment, from_dict, room_for
from recommender.experiments.readout import COLUMNS, People, explored, read_out
from recommender.store.events import raise_generation
from recommender.store.experiment_visits import Done, Seen, count

GENERATION = "experiments"
WORTH_HOLDING_S, HELD_TIMES = 0.1, 200
"""Figures that take longer are held for so many times what they took: a page that is looked at all the time takes
half a percent of a processor."""
_COLUMN = dict(
    zip(
        COLUMNS,
        ("first_taken", "any_taken", "value", "redeemed", "completed", "not_me", "answer_ms"),
        strict=True,
    )
)


class ExperimentStore:
    """All SQL about experiments. Each change raises the generation "experiments" of its tenant."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._held: dict[tuple[str, str], tuple[float, Experiment, dict[str, Any]]] = {}

    # --- the experiments -----------------------------------------------------------------------------

    def all(self, tenant: str) -> list[Experiment]:
        """All of a tenant, the latest change first."""
        rows = self._db.rows(
            "SELECT body FROM experiments WHERE tenant = ? ORDER BY changed_us DESC, experiment_id", (tenant,)
        )
        return [from_dict(json.loads(row["body"])) for row in rows]

    def get(self, tenant: str, experiment_id: str) -> Experiment:
        """One experiment. Raises UnknownExperiment."""
        row = self._db.row(
            "SELECT body FROM experiments WHERE tenant = ? AND experiment_id = ?", (tenant, experiment_id)
        )
        if row is None:
            raise UnknownExperiment(experiment_id)
        return from_dict(json.loads(row["body"]))

    def running(self, tenant: str) -> list[tuple[Experiment, str]]:
        """Those that run, with their salts."""
        rows = self._db.rows(
            "SELECT body, salt FROM experiments WHERE tenant = ? AND state = 'running' ORDER BY experiment_id",
            (tenant,),
        )
        return [(from_dict(json.loads(row["body"])), row["salt"]) for row in rows]

    def due(self, now_us: int) -> list[tuple[str, str]]:
        """(tenant, id) of the running ones whose end has come."""
        rows = self._db.rows("SELECT tenant, body FROM experiments WHERE state = 'running'")
        found = ((row["tenant"], from_dict(json.loads(row["body"]))) for row in rows)
        return [(tenant, e.experiment_id) for tenant, e in found if e.ends_us is not None and e.ends_us <= now_us]

    def tenants(self) -> list[str]:
        """The tenants with a running experiment."""
        return [row[0] for row in self._db.rows("SELECT DISTINCT tenant FROM experiments WHERE state = 'running'")]

    def save_draft(self, tenant: str, experiment: Experiment, now_us: int) -> Experiment:
        """Write a draft, or change one. Raises WrongState: it has begun."""
        with self._db.write() as connection:
            try:
                before = self.get(tenant, experiment.experiment_id)
            except UnknownExperiment:
                before = None
            if before is not None and before.state != DRAFT:
                raise WrongState(before.state, DRAFT)
            self._save(connection, tenant, experiment, now_us)
        return experiment

    def delete_draft(self, tenant: str, experiment_id: str) -> None:
        """Raises UnknownExperiment, WrongState."""
        with self._db.write() as connection:
            self._in_state(tenant, experiment_id, DRAFT)
            connection.execute(
                "DELETE FROM experiments WHERE tenant = ? AND experiment_id = ?", (tenant, experiment_id)
            )

    def start(self, tenant: str, experiment_id: str, now_us: int) -> Experiment:
        """Begin to assign customers: draw the salt, and take a free stretch of the scene's layer.

        Raises:
            UnknownExperiment, WrongState: it is no draft.
            ExperimentsOverlap: others of the scene have the customers.
        """
        with self._db.write() as connection:
            draft = self._in_state(tenant, experiment_id, DRAFT)
            others = [one for one, _ in self.running(tenant) if one.scene == draft.scene]
            stretch = free_stretch([one.stretch for one in others], draft.traffic)
            if stretch is None:
                raise ExperimentsOverlap([one.name for one in others], room_for(others, draft.scene))
            begun = replace(draft, state=RUNNING, begins=stretch[0], started_us=max(now_us, draft.starts_us or 0))
            self._save(connection, tenant, begun, now_us, salt=secrets.token_hex(16))
        return begun

    def stop(self, tenant: str, experiment_id: str, now_us: int) -> Experiment:
        """End it: keep the last figures, delete who was in it, and the salt. Everybody gets the control again.

        Raises:
            UnknownExperiment, WrongState: it does not run.
        """
        with self._db.write() as connection:
            running = self._in_state(tenant, experiment_id, RUNNING)
            ended = replace(
                running, state=STOPPED, stopped_us=now_us, result=self._figures(tenant, running, now_us)
            )
            self._unlink(connection, tenant, experiment_id)
            self._save(connection, tenant, ended, now_us)
            self._db.note_erased()
        self._db.scrub_soon()
        return ended

    def decide(self, tenant: str, experiment_id: str, winner: str, now_us: int) -> Experiment:
        """Note how a stopped one was decided: a variant's letter, or "" for no change. Raises as `stop` does."""
        with self._db.write() as connection:
            stopped = self._in_state(tenant, experiment_id, STOPPED)
            decided = replace(stopped, state=DECIDED, winner=winner)
            self._save(connection, tenant, decided, now_us)
        return decided

    def mark_vanished(self, tenant: str, experiment_id: str, names: Sequence[str], now_us: int) -> None:
        """Note that variants of a running experiment cannot be shown any more."""
        with self._db.write() as connection:
            running = self._in_state(tenant, experiment_id, RUNNING)
            if set(names) - set(running.vanished):
                marked = replace(running, vanished=tuple(sorted({*running.vanished, *names})))
                self._save(connection, tenant, marked, now_us)

    def _in_state(self, tenant: str, experiment_id: str, state: str) -> Experiment:
        found = self.get(tenant, experiment_id)
        if found.state != state:
            raise WrongState(found.state, state)
        return found

    def _save(
        self, connection: Connection, tenant: str, experiment: Experiment, now_us: int, salt: str | None = None
    ) -> None:
        body = json.dumps(experiment.to_dict(), sort_keys=True)
        connection.execute(
            "INSERT INTO experiments VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, experiment_id) DO UPDATE"
            " SET scene = excluded.scene, state = excluded.state, body = excluded.body,"
            " changed_us = excluded.changed_us",
            (tenant, experiment.experiment_id, experiment.scene, experiment.state, "", body, now_us),
        )
        if salt is not None:
            connection.execute(
                "UPDATE experiments SET salt = ? WHERE tenant = ? AND experiment_id = ?",
                (salt, tenant, experiment.experiment_id),
            )
        raise_generation(connection, tenant, GENERATION)

    @staticmethod
    def _unlink(connection: Connection, tenant: str, experiment_id: str) -> None:
        which = (tenant, experiment_id)
        connection.execute("DELETE FROM experiment_visits WHERE tenant = ? AND experiment_id = ?", which)
        connection.execute("DELETE FROM experiment_units WHERE tenant = ? AND experiment_id = ?", which)
        connection.execute("UPDATE experiments SET salt = '' WHERE tenant = ? AND experiment_id = ?", which)

    # --- the customers in them -----------------------------------------------------------------------

    def count(self, noted: Sequence[Seen | Done]) -> None:
        """Put into the sums what happened. Raises DatabaseBusy, DiskFull: nothing was counted."""
        for tenant in sorted({one.who.tenant for one in noted}):
            with of_tenant(tenant), self._db.write() as connection:
                count(connection, [one for one in noted if one.who.tenant == tenant])

    def forget(self, tenant: str, hashed: str) -> int:
        """Delete what is tied to a customer, named by the hash of their tombstone; returns how many rows."""
        gone = 0
        with self._db.write() as connection:
            for experiment, salt in self.running(tenant):
                which = (tenant, experiment.experiment_id, unit_of(salt, hashed))
                for table in ("experiment_visits", "experiment_units"):
                    gone += connection.execute(
                        f"DELETE FROM {table} WHERE tenant = ? AND experiment_id = ? AND unit = ?",  # noqa: S608
                        which,
                    ).rowcount
        return gone

    def forget_everywhere(self, hashes: Sequence[str]) -> None:
        """`forget` for hashes whose tenant nobody knows: after an older database was put back."""
        for tenant in self.tenants():
            for hashed in hashes:
                self.forget(tenant, hashed)

    def visits_of(self, tenant: str, hashed: str) -> list[Mapping[str, Any]]:
        """What is tied to a customer: {scene, name, question, visits, value} for each running experiment."""
        found: list[Mapping[str, Any]] = []
        for experiment, salt in self.running(tenant):
            row = self._db.row(
                "SELECT SUM(n_visits) AS visits, SUM(value) AS value FROM experiment_units"
                " WHERE tenant = ? AND experiment_id = ? AND unit = ?",
                (tenant, experiment.experiment_id, unit_of(salt, hashed)),
            )
            if row is not None and row["visits"]:
                found.append(
                    {
                        "scene": experiment.scene,
                        "name": experiment.name,
                        "question": experiment.question,
                        "visits": int(row["visits"]),
                        "value": int(row["value"]),
                    }
                )
        return found

    def people(self, tenant: str, experiment_id: str) -> People:
        """The sums of everybody who is in a running experiment."""
        rows = self._db.rows(
            f"SELECT unit, site, daypart, n_visits, {', '.join(_COLUMN.values())} FROM experiment_units"  # noqa: S608
            " WHERE tenant = ? AND experiment_id = ?",
            (tenant, experiment_id),
        )
        columns = list(zip(*map(tuple, rows), strict=True)) or [()] * (4 + len(_COLUMN))
        unit, site, daypart = (np.array(column, np.str_) for column in columns[:3])
        visits, *sums = (np.array(column, np.float64) for column in columns[3:])
        return People(unit, site, daypart, visits, dict(zip(COLUMNS, sums, strict=True)))

    def figures(self, tenant: str, experiment: Experiment, now_us: int) -> dict[str, Any]:
        """The read-out: of a running one as it is now, else the last one; a draft has none."""
        if experiment.state != RUNNING:
            return dict(experiment.result or {})
        held = self._held.get((tenant, experiment.experiment_id))
        began = time.monotonic()
        if held is not None and held[1] == experiment and began < held[0]:
            return held[2]
        figures = self._figures(tenant, experiment, now_us)
        took = time.monotonic() - began
        until = began + HELD_TIMES * took if took > WORTH_HOLDING_S else 0.0
        self._held[tenant, experiment.experiment_id] = (until, experiment, figures)
        return figures

    def _figures(self, tenant: str, experiment: Experiment, now_us: int) -> dict[str, Any]:
        people = self.people(tenant, experiment.experiment_id)
        figures = read_out(experiment, people, now_us, experiment.started_us)
        return figures | {name: explored(experiment, people, name) for name in ("site", "daypart")}
