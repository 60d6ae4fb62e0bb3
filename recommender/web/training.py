"""Routes of the models: train, look, go back; and when training happens by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from plumbing.access import Caller
from plumbing.clock import HOUR
from recommender.desk.models import overview, run_row
from recommender.errors import SceneUntrained
from recommender.schemas import BASE, Id, SceneName, ScenePath, Strict
from recommender.service import RecommenderService
from recommender.training.schedule import check_due
from recommender.training.trainer import Launch, Trainer


class RunPath(ScenePath):
    run_id: Id


class TrainReply(BaseModel):
    run_id: str


class RunReply(BaseModel):
    run_id: str
    scene: str
    state: str = Field(description="running, published, unchanged, refused, failed or lost")
    stage: str
    share: float = Field(description="0..1")
    why: str
    version: str
    started_at: str
    ended_at: str | None


class RollbackBody(Strict):
    version: str | None = Field(None, max_length=64, description="default: the one before the present")


class RollbackReply(BaseModel):
    scene: str
    version: str


class VersionRow(BaseModel):
    version: str
    current: bool
    parent: str | None
    in_force: str
    why: str
    metric: str
    value: float | None
    baseline_value: float | None
    interval: list[float | None]
    lines: int
    customers: int
    until: str | None
    seed: int
    published_at: str | None


class SceneRow(BaseModel):
    scene: str
    version: str | None
    skipped: list[str] = Field(description="newer versions that failed their checks")
    sentence: str
    in_force: str = Field(description="the method of the table that is served")
    explained: str = Field(description="what the figure means")
    missing: str | None = Field(description="what is needed before there is something to show")
    methods: list[dict[str, Any]] = Field(description="the evaluation's table")
    versions: list[VersionRow]
    runs: list[RunReply]


class ModelsReply(BaseModel):
    events: dict[str, int]
    catalogue: dict[str, int]
    scenes: list[SceneRow]


class DueModel(Strict):
    scene: SceneName
    days: list[str] = Field(min_length=1, max_length=7, description="mon, tue, wed, thu, fri, sat, sun")
    time: str = Field(max_length=5, description="03:00, local")
    timezone: str = Field("UTC", max_length=64)
    enabled: bool = True


class ScheduleBody(Strict):
    rows: list[DueModel] = Field(max_length=10)


def routes(api: APIBlueprint, door: Any, service: RecommenderService, trainer: Trainer, launch: Launch) -> None:
    """Put the routes on the blueprint; `door` is web.Door."""
    models, now_us = trainer.models, trainer.now_us

    def trained_here(scene: str) -> str:
        if not trainer.trains(scene):
            raise SceneUntrained(scene)
        return scene

    @api.get(
        BASE + "/models", responses={"200": ModelsReply}, summary="Every scene's versions, figures and trainings"
    )
    def all_models() -> Response:
        return door.answer("train", lambda caller: (200, overview(service, trainer, caller.tenant)))

    @api.post(
        BASE + "/models/<scene>/train", responses={"202": TrainReply}, summary="Train now, in the background"
    )
    def train(path: ScenePath) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            scene = trained_here(path.scene)
            door.limits.allow(
                caller.tenant, f"trainings of {scene}", most=door.config.trainings_per_hour, window_us=HOUR
            )
            run_id = models.begin(caller.tenant, scene, now_us())
            try:
                launch(caller.tenant, scene, run_id)
            except OSError as error:
                models.end(caller.tenant, run_id, "failed", f"No process could be started: {error}", now_us())
                raise
            door.metrics.trainings.labels(scene).inc()
            return 202, {"run_id": run_id}

        return door.answer("train", work)

    @api.get(
        BASE + "/models/<scene>/runs/<run_id>", responses={"200": RunReply}, summary="How a training is getting on"
    )
    def run(path: RunPath) -> Response:
        return door.answer("train", lambda c: (200, run_row(models.run(c.tenant, path.scene, path.run_id))))

    @api.post(
        BASE + "/models/<scene>/rollback",
        responses={"200": RollbackReply},
        summary="Go back to an earlier version",
    )
    def rollback(path: ScenePath, body: RollbackBody) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            version = trainer.shelf(caller.tenant, trained_here(path.scene)).roll_back(body.version)
            return 200, {"scene": path.scene, "version": version}

        return door.answer("train", work)

    _schedule_routes(api, door, trainer)


def _schedule_routes(api: APIBlueprint, door: Any, trainer: Trainer) -> None:
    @api.get(BASE + "/schedule", responses={"200": ScheduleBody}, summary="When training happens by itself")
    def schedule() -> Response:
        return door.answer("train", lambda caller: (200, _schedule(trainer, caller.tenant)))

    @api.put(BASE + "/schedule", responses={"200": ScheduleBody}, summary="Replace the schedule")
    def set_schedule(body: ScheduleBody) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            due = [check_due(row.scene, row.days, row.time, row.timezone, row.enabled) for row in body.rows]
            trainer.models.set_schedule(caller.tenant, list({one.scene: one for one in due}.values()))
            return 200, _schedule(trainer, caller.tenant)

        return door.answer("train", work)


def _schedule(trainer: Trainer, tenant: str) -> Mapping[str, Any]:
    rows = trainer.models.schedule(tenant)
    return {
        "rows": [
            {"scene": d.scene, "days": list(d.days), "time": d.time, "timezone": d.timezone, "enabled": d.enabled}
            for d in rows
        ]
    }
