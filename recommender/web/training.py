"""Routes of the models: look, go back. Trainings are in runs.py, their schedule in schedule.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.door import Body, Door
from plumbing.limits import Limits
from plumbing.words import language_of
from recommender.desk.models import overview
from recommender.desk.versions import NameOf, by_id
from recommender.errors import SceneUntrained
from recommender.metrics import RecommenderMetrics
from recommender.schemas import BASE
from recommender.service import RecommenderService
from recommender.training.trainer import Launch, Trainer

TRAIN = ("train",)  # scopes


class RunSummary(BaseModel):
    run_id: str
    scene: str
    state: str = Field(description="running, published, unchanged, held_back, refused, failed or lost")
    stage: str
    share: float = Field(description="0..1")
    why: str
    says: str = Field("", description="why, in the language of the request; empty for an older run")
    may_accept: bool = Field(False, description="refused for a changed log, which a person may accept")
    version: str
    started_at: str
    ended_at: str | None


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
    state: str = Field(description="live, pinned, earlier, held_back, refused or rolled_back")
    state_says: str
    says: str = Field(description="why it was published or not")
    gate: dict[str, Any] = Field(description="the gate's figures, for analysts")


class PinRow(BaseModel):
    version: str
    at: str
    who: str
    automatic: bool
    says: str


class SceneRow(BaseModel):
    scene: str
    version: str | None
    skipped: list[str] = Field(description="newer versions that failed their checks")
    sentence: str
    in_force: str = Field(description="the method of the table that is served")
    explained: str = Field(description="what the figure means")
    missing: str | None = Field(description="what is needed before there is something to show")
    methods: list[dict[str, Any]] = Field(description="the evaluation's table")
    pinned: PinRow | None = Field(description="the version that stays live until somebody unpins it")
    versions: list[VersionRow]
    runs: list[RunSummary]


class ModelsReply(BaseModel):
    events: dict[str, int]
    catalogue: dict[str, int]
    scenes: list[SceneRow]


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
    name_of: NameOf = by_id


def routes(door: Door, tools: TrainingTools) -> None:
    """Put the routes on the door."""
    _model_routes(door, tools)


def _model_routes(door: Door, tools: TrainingTools) -> None:
    service, trainer = tools.service, tools.trainer

    @door.route(
        "GET",
        BASE + "/models",
        scopes=TRAIN,
        reply=ModelsReply,
        summary="Every scene's versions, figures and trainings",
    )
    def list_models(caller: Caller) -> Body:
        """Each scene with its live version, the earlier ones and the last trainings."""
        return overview(service, trainer, caller.tenant, language_of(request), tools.name_of)


def check_trains(trainer: Trainer, scene: str) -> None:
    """Raises SceneUntrained when there is nothing to train in `scene`."""
    if not trainer.trains(scene):
        raise SceneUntrained(scene)
