"""Routes of the models: train, look, go back; and when training happens by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.clock import HOUR
from plumbing.door import Body, Door
from plumbing.limits import Limits
from recommender.desk.models import overview, run_row
from recommender.errors import SceneUntrained
from recommender.metrics import RecommenderMetrics
from recommender.schemas import BASE, Id, SceneName, ScenePath, Strict
from recommender.service import RecommenderService
from recommender.training.schedule import parse_entry
from recommender.training.trainer import Launch, Trainer

TRAIN = ("train",)  # scopes


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


@dataclass(frozen=True)
class TrainingTools:
    """What these routes work with."""

    service: RecommenderService
    trainer: Trainer
    launch: Launch
    limits: Limits
    metrics: RecommenderMetrics
    trainings_per_hour: int
    """Of each tenant and scene."""


def routes(door: Door, tools: TrainingTools) -> None:
    """Put the routes on the door."""
    _model_routes(door, tools)
    _train_route(door, tools)
    _schedule_routes(door, tools.trainer)


def _model_routes(door: Door, tools: TrainingTools) -> None:
    service, trainer = tools.service, tools.trainer

    @door.route(
        "GET",
        BASE + "/models",
        scopes=TRAIN,
        reply=ModelsReply,
        summary="Every scene's versions, figures and trainings",
    )
    def all_models(caller: Caller) -> Body:
        return overview(service, trainer, caller.tenant)

    @door.route(
        "GET",
        BASE + "/models/<scene>/runs/<run_id>",
        scopes=TRAIN,
        reply=RunReply,
        summary="How a training is getting on",
    )
    def run(caller: Caller, path: RunPath) -> Body:
        return run_row(trainer.models.run(caller.tenant, path.scene, path.run_id))

    @door.route(
        "POST",
        BASE + "/models/<scene>/rollback",
        scopes=TRAIN,
        reply=RollbackReply,
        summary="Go back to an earlier version",
    )
    def rollback(caller: Caller, path: ScenePath, body: RollbackBody) -> Body:
        _check_trains(trainer, path.scene)
        version = trainer.shelf(caller.tenant, path.scene).roll_back(body.version)
        return {"scene": path.scene, "version": version}


def _train_route(door: Door, tools: TrainingTools) -> None:
    models, now_us = tools.trainer.models, tools.trainer.now_us

    @door.route(
        "POST",
        BASE + "/models/<scene>/train",
        scopes=TRAIN,
        status=202,
        reply=TrainReply,
        summary="Train now, in the background",
    )
    def train(caller: Caller, path: ScenePath) -> Body:
        tenant, scene = caller.tenant, path.scene
        _check_trains(tools.trainer, scene)
        # Counted here and not at the door: a repeated request with one Idempotency-Key starts nothing.
        tools.limits.allow(tenant, f"trainings of {scene}", most=tools.trainings_per_hour, window_us=HOUR)
        run_id = models.begin(tenant, scene, now_us())
        try:
            tools.launch(tenant, scene, run_id)
        except OSError as error:
            models.end(tenant, run_id, "failed", f"No process could be started: {error}", now_us())
            raise
        tools.metrics.trainings.labels(scene).inc()
        return {"run_id": run_id}


def _check_trains(trainer: Trainer, scene: str) -> None:
    """Raises SceneUntrained when there is nothing to train in `scene`."""
    if not trainer.trains(scene):
        raise SceneUntrained(scene)


def _schedule_routes(door: Door, trainer: Trainer) -> None:
    @door.route(
        "GET",
        BASE + "/schedule",
        scopes=TRAIN,
        reply=ScheduleBody,
        summary="When training happens by itself",
    )
    def schedule(caller: Caller) -> Body:
        return _schedule(trainer, caller.tenant)

    @door.route("PUT", BASE + "/schedule", scopes=TRAIN, reply=ScheduleBody, summary="Replace the schedule")
    def set_schedule(caller: Caller, body: ScheduleBody) -> Body:
        due = [parse_entry(row.scene, row.days, row.time, row.timezone, row.enabled) for row in body.rows]
        entries = list({one.scene: one for one in due}.values())
        trainer.models.set_schedule(caller.tenant, entries, trainer.now_us())
        return _schedule(trainer, caller.tenant)


def _schedule(trainer: Trainer, tenant: str) -> dict[str, object]:
    rows = trainer.models.schedule(tenant)
    return {
        "rows": [
            {"scene": d.scene, "days": list(d.days), "time": d.time, "timezone": d.timezone, "enabled": d.enabled}
            for d in rows
        ]
    }
