"""Routes of experiments: read, write, how long one takes, start, stop, decide."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change, who_is
from plumbing.clock import Clock
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk import experiments as desk
from recommender.desk.deciding import Deciding
from recommender.desk.experiments import Reader
from recommender.experiments.errors import NotTheWholeTenant, SecondPersonNeeded, UnknownExperiment
from recommender.experiments.plan import METRICS, MODEL, OFFERS, RULES, RUNNING, Experiment, Wrong, parse
from recommender.schemas import BASE, Id, SceneName, Strict
from recommender.service import RecommenderService
from recommender.training.trainer import Trainer
from recommender.web.codes import EXPERIMENT

APPROVALS = {MODEL: "rollback", OFFERS: "settings"}
"""What a variant that becomes the rule changes: where that needs two people, it is done on its own page."""

PATH = BASE + "/desk/experiments"
ONE = PATH + "/<experiment_id>"


class ExperimentPath(BaseModel):
    experiment_id: Id


_MOMENT = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def _field(schema: Mapping[str, Any], description: str | None = None) -> Any:
    """Described here, checked by `parse`: it names every wrong field in the reader's language."""

    def describe(found: dict[str, Any]) -> None:
        found.update(schema)
        found.pop("default", None)

    return Field(None, description=description, json_schema_extra=describe)


class ExperimentBody(BaseModel):
    """A draft. Every wrong field is named, in the reader's language."""

    model_config = ConfigDict(extra="allow")
    name: Any = _field({"type": "string", "maxLength": 500})
    question: Any = _field({"type": "string", "maxLength": 500})
    scene: Any = _field({"enum": list(METRICS)})
    metric: Any = _field(
        {"enum": ["first", "any", "value", "redeemed"]}, "what decides; not every one fits a scene"
    )
    minimum_effect: Any = _field({"type": "number"}, "a share, or minor units for value")
    traffic: Any = _field({"type": "number"}, "share of the customers who take part; left out: all")
    starts_us: Any = _field(_MOMENT, "microseconds UTC; null: when it is started")
    ends_us: Any = _field(_MOMENT, "microseconds UTC; null: when somebody stops it")
    variants: Any = _field({"type": "array", "items": {"type": "object"}}, "two to five; the first is the control")


class EstimateQuery(Query):
    scene: SceneName = "orders"
    metric: Literal["first", "any", "value", "redeemed"] = "first"
    minimum_effect: float = Field(0.02, gt=0, le=1e9)
    shares: str = Field("0.5,0.5", max_length=60, description="of the variants, with commas")
    traffic: float = Field(1.0, gt=0, le=1)


class EstimateReply(BaseModel):
    sentence: str
    days: int | None
    visits: int | None
    visits_per_day: float
    mean: float
    assumed: bool = Field(description="the log does not say how often there is a success")


class DecideBody(Strict):
    winner: str = Field("", max_length=1, description="a variant's letter; empty: end it without a change")


class ExperimentsReply(BaseModel):
    answer: str
    experiments: list[dict[str, Any]]
    currency: str


class ExperimentChoicesReply(BaseModel):
    versions: dict[str, list[dict[str, Any]]]
    offers: list[dict[str, str]]
    rules: list[str]
    currency: str
    digits: int


class ExperimentReply(BaseModel):
    model_config = ConfigDict(extra="allow")
    experiment_id: str
    name: str
    state: str
    sentence: str
    experiment: dict[str, Any]
    variants: list[dict[str, Any]]
    ratio: str
    cost: str
    guards: list[str]
    remarks: list[str]
    exploration: dict[str, list[dict[str, Any]]]
    currency: str


class _Desk:
    """What the routes work with."""

    def __init__(self, service: RecommenderService, trainer: Trainer, now_us: Clock) -> None:
        self.service, self.trainer, self.now_us = service, trainer, now_us
        self.store = service.stores.experiments

    def reader(self, caller: Caller) -> Reader:
        """Who reads."""
        return Reader(language_of(request), self.service.stores.tenants.get(caller.tenant), caller.sites)

    def detail(self, caller: Caller, experiment: Experiment) -> dict[str, Any]:
        """The body of one experiment; its tag is of what can be edited."""
        note_tag(experiment.to_dict())
        return desk.detail(self.service, caller.tenant, experiment, self.reader(caller), self.now_us())

    def drafted(self, caller: Caller, experiment_id: str, given: Mapping[str, Any]) -> Experiment:
        """The draft that a form describes. Raises InvalidExperiment, NotTheWholeTenant."""
        _of_all_sites(caller)
        draft, wrong = parse(given, experiment_id)
        reader = self.reader(caller)
        desk.refuse_wrong(wrong, reader)
        assert draft is not None
        rules, missing = self.service.experimenting.sources.rules, list[Wrong]()
        variants = []
        for at, variant in enumerate(draft.variants):
            content = rules.content(caller.tenant, variant.document) if variant.kind == RULES else {}
            if content is None:
                missing.append((f"variants.{at}.document", "needed", {}))
            variants.append(replace(variant, rules=content or {}))
        desk.refuse_wrong(missing, reader)
        return replace(draft, variants=tuple(variants))


def _of_all_sites(caller: Caller) -> None:
    """Raises NotTheWholeTenant."""
    if caller.sites:
        raise NotTheWholeTenant


def _subject(experiment: Experiment) -> str:
    return f"experiment {experiment.experiment_id}"


def experiment_routes(door: Door, service: RecommenderService, trainer: Trainer, now_us: Clock) -> None:
    """Put the routes on the door."""
    tools = _Desk(service, trainer, now_us)
    _read_routes(door, tools)
    _write_routes(door, tools)
    _state_routes(door, tools)
    _decide_route(door, tools)


def _read_routes(door: Door, tools: _Desk) -> None:
    @door.route(
        "GET",
        PATH,
        scopes=("view",),
        sites="own",
        reply=ExperimentsReply,
        summary="All experiments, the verdict first",
    )
    def list_experiments(caller: Caller) -> Body:
        """Every experiment of the tenant with its verdict."""
        return desk.overview(tools.service, caller.tenant, tools.reader(caller), tools.now_us())

    @door.route(
        "GET",
        ONE,
        scopes=("view",),
        sites="own",
        reply=ExperimentReply,
        summary="One experiment with its figures",
        errors=("unknown_experiment",),
    )
    def get_experiment(caller: Caller, path: ExperimentPath) -> Body:
        """One experiment: variants, figures with their intervals, the verdict in words."""
        return tools.detail(caller, tools.store.get(caller.tenant, path.experiment_id))

    @door.route(
        "GET",
        BASE + "/desk/experiment-estimate",
        scopes=("view",),
        reply=EstimateReply,
        summary="How long an experiment takes with the present traffic",
        errors=("invalid_experiment",),
    )
    def estimate_experiment(caller: Caller, query: EstimateQuery) -> Body:
        """How many visits and days an effect of this size needs before it can be told from chance."""
        shares = _shares(query.shares)
        reader = tools.reader(caller)
        if query.metric not in METRICS[query.scene]:
            desk.refuse_wrong([("metric", "metric", {})], reader)
        if shares is None:
            desk.refuse_wrong([("shares", "shares", {"least": 5})], reader)
            return None
        asked = (query.scene, query.metric, query.minimum_effect, shares, query.traffic)
        return desk.estimate(tools.service, caller.tenant, asked, reader, tools.now_us)

    @door.route(
        "GET",
        BASE + "/desk/experiment-choices",
        scopes=("view",),
        sites="none",
        reply=ExperimentChoicesReply,
        summary="What variants may differ in: versions, offers, documents of rules",
    )
    def list_experiment_choices(caller: Caller) -> Body:
        """What a variant can name: versions of a scene, offers, documents of rules."""
        return _choices(tools, caller.tenant)


def _shares(text: str) -> tuple[float, ...] | None:
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    fine = 2 <= len(shares) <= 5 and all(0.01 <= one < 1 for one in shares) and abs(sum(shares) - 1) < 0.02
    return shares if fine else None


def _choices(tools: _Desk, tenant: str) -> dict[str, Any]:
    settings = tools.service.stores.tenants.get(tenant)
    versions: dict[str, list[dict[str, Any]]] = {}
    for scene in METRICS:
        shelf = tools.trainer.shelf(tenant, scene)
        current = shelf.current()
        versions[scene] = [{"version": name, "live": name == current} for name in reversed(shelf.names())]
    offers = [one for one in tools.service.stores.offers.offers(tenant) if one.status != "ended"]
    return {
        "versions": versions,
        "offers": [{"offer_id": one.offer_id, "name": one.name} for one in offers],
        "rules": tools.service.experimenting.sources.rules.choices(tenant),
        "currency": settings.currency,
        "digits": settings.digits,
    }


def _write_routes(door: Door, tools: _Desk) -> None:
    @door.route(
        "POST",
        PATH,
        scopes=("train",),
        status=201,
        reply=ExperimentReply,
        summary="Write a draft",
        errors=("invalid_experiment",),
    )
    def create_experiment(caller: Caller, body: ExperimentBody) -> Body:
        """A draft; nothing is shown until it is started."""
        draft = tools.drafted(caller, "exp-" + secrets.token_hex(6), request.get_json())
        note_change(_subject(draft), later=draft.to_dict())
        tools.store.save_draft(caller.tenant, draft, tools.now_us())
        return tools.detail(caller, draft)

    @door.route(
        "PUT",
        ONE,
        scopes=("train",),
        reply=ExperimentReply,
        summary="Change a draft",
        errors=(*EXPERIMENT, "changed_meanwhile", "invalid_experiment"),
    )
    def change_experiment(caller: Caller, path: ExperimentPath, body: ExperimentBody) -> Body:
        """Only a draft can be changed."""
        draft = tools.drafted(caller, path.experiment_id, request.get_json())
        with tools.service.database.write():
            try:
                earlier = tools.store.get(caller.tenant, path.experiment_id).to_dict()
                require_unchanged(earlier)
            except UnknownExperiment:
                earlier = None
            note_change(_subject(draft), earlier=earlier, later=draft.to_dict())
            tools.store.save_draft(caller.tenant, draft, tools.now_us())
        return tools.detail(caller, draft)

    @door.route(
        "DELETE", ONE, scopes=("train",), status=204, reply=None, summary="Delete a draft", errors=EXPERIMENT
    )
    def delete_experiment(caller: Caller, path: ExperimentPath) -> Body:
        """Only a draft can be deleted."""
        _of_all_sites(caller)
        earlier = tools.store.get(caller.tenant, path.experiment_id)
        note_change(_subject(earlier), earlier=earlier.to_dict())
        tools.store.delete_draft(caller.tenant, path.experiment_id)
        return None


def _state_routes(door: Door, tools: _Desk) -> None:
    @door.route(
        "POST",
        ONE + "/start",
        scopes=("train",),
        reply=ExperimentReply,
        summary="Start a draft",
        errors=(*EXPERIMENT, "experiments_overlap", "variant_missing"),
    )
    def start_experiment(caller: Caller, path: ExperimentPath) -> Body:
        """From now on customers get a variant each, always the same one."""
        _of_all_sites(caller)
        draft = tools.store.get(caller.tenant, path.experiment_id)
        note_change(_subject(draft), earlier={"state": draft.state}, later={"state": RUNNING})
        desk.require_variants(tools.service, caller.tenant, draft, tools.reader(caller))
        return tools.detail(caller, tools.store.start(caller.tenant, path.experiment_id, tools.now_us()))

    @door.route(
        "POST",
        ONE + "/stop",
        scopes=("train",),
        reply=ExperimentReply,
        summary="Stop a running one",
        errors=EXPERIMENT,
    )
    def stop_experiment(caller: Caller, path: ExperimentPath) -> Body:
        """Nobody gets a variant any more; the figures stay."""
        _of_all_sites(caller)
        running = tools.store.get(caller.tenant, path.experiment_id)
        note_change(_subject(running), earlier={"state": running.state}, later={"state": "stopped"})
        tools.service.experimenting.flush()
        return tools.detail(caller, tools.store.stop(caller.tenant, path.experiment_id, tools.now_us()))


def _decide_route(door: Door, tools: _Desk) -> None:
    @door.route(
        "POST",
        ONE + "/decide",
        scopes=("train",),
        reply=ExperimentReply,
        summary="Make a variant the rule, or end it without a change; a running one is stopped",
        errors=(*EXPERIMENT, "second_person_needed", "variant_missing", "rules_conflict", "version_not_found"),
    )
    def decide_experiment(caller: Caller, path: ExperimentPath, body: DecideBody) -> Body:
        """The winner becomes the rule, or nothing changes; a running experiment is stopped."""
        _of_all_sites(caller)
        found = tools.store.get(caller.tenant, path.experiment_id)
        winner = found.variant(body.winner) if body.winner else None
        if winner is not None and door.needs_approval(caller.tenant, APPROVALS.get(winner.kind, "")):
            raise SecondPersonNeeded
        earlier, later = {"state": found.state}, {"state": "decided", "winner": body.winner}
        note_change(_subject(found), earlier=earlier, later=later)
        deciding = Deciding(
            tools.service, tools.trainer, caller.tenant, tools.reader(caller), who_is(caller), tools.now_us()
        )
        decided, (before, after) = deciding.end(found, body.winner)
        note_change(_subject(found), earlier={**earlier, **before}, later={**later, **after})
        return tools.detail(caller, decided)
