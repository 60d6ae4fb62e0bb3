"""Routes of trainings: train now or try, look, cancel."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change, who_is
from plumbing.clock import HOUR
from plumbing.door import Body, Door
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk.runs import run_details, run_row
from recommender.errors import NoSuchChoice
from recommender.schemas import BASE, Id, SceneName, ScenePath
from recommender.store.runs import BY_HAND, DRY_RUN, KINDS, STATES, Run
from recommender.training.outcomes import not_started
from recommender.web.codes import TRAINING
from recommender.web.training import TRAIN, TrainingTools, check_trains

VIEW = ("view",)


class RunPath(ScenePath):
    run_id: Id


class TrainQuery(Query):
    dry_run: bool = Field(False, description="train and judge, publish nothing")


class TrainReply(BaseModel):
    run_id: str


class RunRow(BaseModel):
    run_id: str
    scene: str
    scene_text: str
    kind: str = Field(description=", ".join(KINDS) + "; empty: an earlier release")
    kind_text: str
    state: str = Field(description=", ".join(STATES))
    state_text: str
    stage: str = Field(description="as the training names it")
    stage_text: str
    share: float = Field(description="0..1")
    why: str
    version: str
    by: str = Field(description="the name of who wanted it")
    cancel: str = Field(description="the name of who asked it to end")
    started_at: str
    ended_at: str | None
    seconds: float | None


class RunReply(RunRow):
    seed: int | None
    peak_mb: float | None = Field(description="the most memory that it had")
    lines: int | None = Field(description="of the log that it learned from")
    customers: int | None
    until: str | None
    sha256: str | None = Field(description="of all that it read")
    report: dict[str, Any] = Field(description="for analysts")
    log: list[str] = Field(description="the last lines")


class RunsQuery(Query):
    scene: SceneName | None = None
    state: str | None = Field(None, max_length=100, description="one of the states, or several with commas")
    kind: str | None = Field(None, max_length=100)
    n: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=80, description="`next` of the page before")


class RunsReply(BaseModel):
    runs: list[RunRow]
    next: str | None = Field(description="the cursor of the next page; null: this is the last one")


def routes(door: Door, tools: TrainingTools) -> None:
    """Put the routes on the door."""
    _train_route(door, tools)
    _list_routes(door, tools)
    _run_routes(door, tools)


def _train_route(door: Door, tools: TrainingTools) -> None:
    @door.route(
        "POST",
        BASE + "/models/<scene>/train",
        scopes=TRAIN,
        status=202,
        reply=TrainReply,
        summary="Train now, in the background; or only try",
        errors=(*TRAINING, "too_many_requests"),
    )
    def train(caller: Caller, path: ScenePath, query: TrainQuery) -> Body:
        """Starts a training of one scene in the background. It is published if it passes the gate; with
        `dry_run` it is only tried.
        """
        tenant, scene = caller.tenant, path.scene
        check_trains(tools.trainer, scene)
        kind = DRY_RUN if query.dry_run else BY_HAND
        note_change(f"training {scene}", later={"kind": kind})
        return {"run_id": begin_run(tools, tenant, scene, kind=kind, by=who_is(caller))}


def begin_run(tools: TrainingTools, tenant: str, scene: str, *, kind: str, by: str, accepted: bool = False) -> str:
    """Begin a training in the background; `accepted`: `by` accepts that the log is not what it was.

    Raises TrainingRunning, OSError, TooManyRequests.
    """
    models, now_us = tools.trainer.models, tools.trainer.now_us
    # Counted here and not at the door: a repeated request with one Idempotency-Key starts nothing.
    tools.limits.allow(tenant, f"trainings of {scene}", most=tools.trainings_per_hour, window_us=HOUR)
    run_id = models.begin(tenant, scene, now_us(), kind=kind, by=by)
    if accepted:
        tools.trainer.notes.accept(tenant, run_id, by, now_us())
    try:
        tools.launch(tenant, scene, run_id)
    except OSError as error:
        models.end(tenant, run_id, "failed", not_started(error), now_us())
        raise
    tools.metrics.trainings.labels(scene).inc()
    return run_id


def _list_routes(door: Door, tools: TrainingTools) -> None:
    @door.route(
        "GET",
        BASE + "/runs",
        scopes=VIEW,
        reply=RunsReply,
        summary="Trainings, newest first",
        errors=("no_such_choice",),
    )
    def list_runs(caller: Caller, query: RunsQuery) -> Body:
        """Trainings of all scenes, the newest first."""
        return _page(tools, caller.tenant, query, query.scene)

    @door.route(
        "GET",
        BASE + "/models/<scene>/runs",
        scopes=VIEW,
        reply=RunsReply,
        summary="Trainings of one scene",
        errors=("no_such_choice",),
    )
    def list_runs_of_scene(caller: Caller, path: ScenePath, query: RunsQuery) -> Body:
        """Trainings of one scene, the newest first."""
        return _page(tools, caller.tenant, query, path.scene)


def _page(tools: TrainingTools, tenant: str, query: RunsQuery, scene: str | None) -> Body:
    found = tools.trainer.models.page(
        tenant,
        scenes=(scene,) if scene else (),
        states=_chosen(query.state, STATES),
        kinds=_chosen(query.kind, KINDS),
        before=_place(query.cursor),
        n=query.n + 1,
    )
    shown, more = found[: query.n], len(found) > query.n
    language = language_of(request)
    return {
        "runs": [run_row(run, tenant, language, tools.name_of) for run in shown],
        "next": _cursor(shown[-1]) if more else None,
    }


def _chosen(text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(one.strip() for one in (text or "").split(",") if one.strip())
    unknown = [one for one in chosen if one not in known]
    if unknown:
        raise NoSuchChoice(f"There is no {unknown[0]!r} here; choose of: {', '.join(known)}.")
    return chosen


def _cursor(run: Run) -> str:
    return f"{run.started_us}.{run.run_id}"


def _place(cursor: str | None) -> tuple[int, str] | None:
    match = re.fullmatch(r"(\d{1,18})\.([0-9a-zA-Z_-]{1,60})", cursor or "")
    if cursor and match is None:
        raise NoSuchChoice("The cursor is not one of ours. Begin again without one.")
    return (int(match.group(1)), match.group(2)) if match else None


def _run_routes(door: Door, tools: TrainingTools) -> None:
    models = tools.trainer.models

    @door.route(
        "GET",
        BASE + "/models/<scene>/runs/<run_id>",
        scopes=VIEW,
        reply=RunReply,
        summary="How a training is getting on, and all that is kept of it",
        errors=("not_found",),
    )
    def get_run(caller: Caller, path: RunPath) -> Body:
        """State, progress, figures and the verdict of the gate of one training."""
        return _whole(tools, caller.tenant, path)

    @door.route(
        "POST",
        BASE + "/models/<scene>/runs/<run_id>/cancel",
        scopes=TRAIN,
        status=202,
        reply=RunReply,
        summary="End a running training; it publishes nothing",
        errors=("not_found", "run_ended"),
    )
    def cancel_run(caller: Caller, path: RunPath) -> Body:
        """The training ends soon; nothing is published."""
        note_change(f"training {path.scene}", later={"run_id": path.run_id, "cancelled": True})
        models.cancel(caller.tenant, path.scene, path.run_id, who_is(caller))
        return _whole(tools, caller.tenant, path)


def _whole(tools: TrainingTools, tenant: str, path: RunPath) -> Body:
    models = tools.trainer.models
    found, log = models.run(tenant, path.scene, path.run_id), models.log(tenant, path.run_id)
    return run_details(found, log, tenant, language_of(request), tools.name_of)
