"""Routes of versions: go back, unpin, compare two of them, accept a changed log."""

from __future__ import annotations

from typing import Any

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change, who_is
from plumbing.door import Body, Door
from plumbing.limits import TooManyRequests
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk.versions import NameOf, pin_row
from recommender.errors import NotAccepted, SceneUntrained, TrainingRunning
from recommender.scene import TrainingInput
from recommender.schemas import BASE, Id, ScenePath, Strict
from recommender.store.runs import BY_HAND
from recommender.training.differences import Differences, answer
from recommender.training.gate.changes import ABOUT_DATA
from recommender.training.outcomes import WORDS
from recommender.web.codes import TRAINING, VERSION
from recommender.web.runs import TrainReply, begin_run
from recommender.web.training import TrainingTools, check_trains

TRAIN, VIEW = ("train",), ("view",)


class RollbackBody(Strict):
    version: str | None = Field(None, max_length=64, description="default: the good one before the live one")


class PinReply(BaseModel):
    version: str
    at: str
    who: str
    automatic: bool = Field(description="nobody asked for it: acceptance had fallen")
    says: str


class RollbackReply(BaseModel):
    scene: str
    version: str
    pinned: PinReply = Field(description="the version stays live until somebody unpins it")


class UnpinReply(BaseModel):
    scene: str
    version: str = Field(description="which was pinned; it stays live until a training publishes")
    run_id: str | None = Field(
        description="the training that begins now; null: one is running, or it cannot begin"
    )


class VersionsQuery(Query, Strict):
    from_: str = Field(alias="from", max_length=64, description="the earlier version")
    to: str = Field(max_length=64, description="the later version")


class Group(BaseModel):
    group: str
    customers: int
    first: float
    five: float
    same: float


class Move(BaseModel):
    from_: str | None = Field(alias="from", description="null: all smaller groups together")
    to: str | None
    customers: int


class Asked(BaseModel):
    asked: int
    all: int


class DifferenceReply(BaseModel):
    scene: str
    from_: str = Field(alias="from")
    to: str
    says: list[str]
    customers: Asked
    error: float | None = Field(description="half of the 95 % interval of a share; 0 when everybody was asked for")
    first: float | None = Field(None, description="share of customers whose first suggestion changed")
    five: float | None = Field(None, description="share for whom one of the first five changed, or their order")
    same: float | None = Field(None, description="share for whom nothing changed")
    by_length: list[Group]
    by_daypart: list[Group]
    moves: list[Move] = Field(description="from which first suggestion to which, groups of at least 10 people")


class RunOfScene(ScenePath):
    run_id: Id


def routes(door: Door, tools: TrainingTools, name_of: NameOf) -> None:
    """Put the routes on the door. `name_of` says what to call a user of the desk."""
    _rollback_route(door, tools, name_of)
    _unpin_route(door, tools)
    _difference_route(door, tools)
    _accept_route(door, tools)


def _rollback_route(door: Door, tools: TrainingTools, name_of: NameOf) -> None:
    trainer = tools.trainer

    @door.route(
        "POST",
        BASE + "/models/<scene>/rollback",
        scopes=TRAIN,
        reply=RollbackReply,
        approval="rollback",
        summary="Go back to an earlier version and pin it: it stays live until somebody unpins it",
        errors=(*VERSION, *TRAINING),
    )
    def roll_back(caller: Caller, path: ScenePath, body: RollbackBody) -> Body:
        """The earlier version is live at once and stays so until `unpin_version`."""
        check_trains(tools.trainer, path.scene)
        earlier = trainer.shelf(caller.tenant, path.scene).current()
        target = trainer.pins.target(caller.tenant, path.scene, body.version)
        note_change(  # before the change is made: it may have to wait for a second person
            f"version {path.scene}", earlier={"version": earlier}, later={"version": target, "pinned": True}
        )
        pin = trainer.pins.go_back(caller.tenant, path.scene, target, who=who_is(caller))
        row = pin_row(pin, caller.tenant, language_of(request), name_of)
        return {"scene": path.scene, "version": pin.version, "pinned": row}


def _unpin_route(door: Door, tools: TrainingTools) -> None:
    trainer = tools.trainer

    @door.route(
        "DELETE",
        BASE + "/models/<scene>/pin",
        scopes=TRAIN,
        reply=UnpinReply,
        summary="Unpin the live version; a training begins, whose version goes through the gate",
        errors=(*TRAINING, "not_pinned"),
    )
    def unpin_version(caller: Caller, path: ScenePath) -> Body:
        """Trainings publish again; one begins now."""
        check_trains(tools.trainer, path.scene)
        pin = trainer.pins.unpin(caller.tenant, path.scene)
        note_change(
            f"version {path.scene}", earlier={"version": pin.version, "pinned": True}, later={"pinned": False}
        )
        try:
            run_id: str | None = begin_run(tools, caller.tenant, path.scene, kind=BY_HAND, by=who_is(caller))
        except (TrainingRunning, TooManyRequests, OSError):  # unpinned it is all the same
            run_id = None
        return {"scene": path.scene, "version": pin.version, "run_id": run_id}


def _difference_route(door: Door, tools: TrainingTools) -> None:
    @door.route(
        "GET",
        BASE + "/models/<scene>/diff",
        scopes=VIEW,
        reply=DifferenceReply,
        summary="For how many customers the suggestions of two versions differ, and how",
        errors=(*VERSION, *TRAINING),
    )
    def compare_versions(caller: Caller, path: ScenePath, query: VersionsQuery) -> Body:
        """Two versions are asked about the same customers: how many get other suggestions, and which."""
        check_trains(tools.trainer, path.scene)
        body = differences_of(tools, caller.tenant, path.scene).between(query.from_, query.to)
        language = language_of(request)
        return {"scene": path.scene, "says": [WORDS.say(language, one) for one in answer(body)], **body}


def differences_of(tools: TrainingTools, tenant: str, scene: str) -> Differences:
    """What compares two versions of a scene. Raises SceneUntrained for one that learns from a log of its own."""
    trainer = tools.trainer
    one = trainer.scenes[scene]
    if one.learns_from is None:
        raise SceneUntrained(scene)
    catalogue = trainer.catalogue.all(tenant, one.kind)
    data = TrainingInput(catalogue=catalogue, tenant=tenant, least_people=trainer.least_people(tenant))
    return Differences(one, trainer.rows, trainer.events, data)


def _accept_route(door: Door, tools: TrainingTools) -> None:
    trainer = tools.trainer

    @door.route(
        "POST",
        BASE + "/models/<scene>/runs/<run_id>/accept",
        scopes=TRAIN,
        status=202,
        reply=TrainReply,
        summary="Accept the changed log for which this training was refused: a new training begins",
        errors=(*TRAINING, "not_found", "run_ended", "too_many_requests"),
    )
    def accept_changed_log(caller: Caller, path: RunOfScene) -> Body:
        """A training was refused because the log had changed too much: somebody who knows why lets it through."""
        check_trains(tools.trainer, path.scene)
        run = trainer.models.run(caller.tenant, path.scene, path.run_id)
        message: Any = run.report.get("message") or {}
        if run.state != "refused" or message.get("id") not in ABOUT_DATA:
            raise NotAccepted
        note_change(f"version {path.scene}", earlier={"refused": message.get("id")}, later={"accepted": True})
        by = who_is(caller)
        return {"run_id": begin_run(tools, caller.tenant, path.scene, kind=BY_HAND, by=by, accepted=True)}
