"""The doorway: the only file that knows both halves. It wires them and holds the one route where they meet."""

# No postponed annotations in this file: the route's models exist only where both halves do.
import gc
import json
import os
import resource
import sqlite3
import threading
import time
from dataclasses import replace
from importlib import import_module
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import click
import structlog
from cryptography.fernet import Fernet
from flask import Response, request
from flask_openapi3 import APIBlueprint, Info, OpenAPI, Tag
from prometheus_client import CollectorRegistry
from pydantic import Field

from plumbing import access as access_tables
from plumbing import handover, metrics, openapi
from plumbing import idempotency as idempotency_tables
from plumbing import limits as limit_tables
from plumbing import problem_json as problems
from plumbing import web as service_web
from plumbing.access import Access, Caller
from plumbing.cli import home_option, keys
from plumbing.clock import MINUTE, Clock, system_clock
from plumbing.database import Database
from plumbing.files import load_or_create_secret
from plumbing.idempotency import Idempotency, Reply
from plumbing.limits import Limits
from plumbing.memory import give_back
from plumbing.problem_json import Problem
from plumbing.settings import Config

log = structlog.get_logger(__name__)
HALVES = ("identity", "recommender")
BEFOREHAND = {
    "identity": ("identity.web.half",),
    "recommender": ("recommender.web.half", "lightgbm", "sklearn.neighbors"),
}


def create_app(config: Config, *, now_us: Clock = system_clock) -> OpenAPI:
    """The application: a list of introductions. Nothing is started; tests hand in a folder and a clock."""
    app = OpenAPI(
        "usual",
        info=Info(title="Usual", version="1", description="Recognise who asked for it, and offer the usual."),
        doc_prefix="/docs",
        validation_error_model=problems.ProblemReply,
        validation_error_callback=problems.invalid_request,
        security_schemes=openapi.SECURITY,
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = 16 * 2**20  # five frames of 2 MB as base64
    problems.register(app)
    access_database = Database(config.home / "access.db", access_tables.migrations)
    passing = (limit_tables.migrations, idempotency_tables.migrations)
    moments = Database(config.home / "access-moments.db", *passing, durable=False)
    access = Access(access_database, now_us)
    shared: dict[str, Any] = {"access": access, "now_us": now_us, "registry": CollectorRegistry()}
    token_keys = tuple(load_or_create_secret(config.home / "token.key", Fernet.generate_key() + b"\n").split())
    halves: dict[str, Any] = {}
    broken: dict[str, str] = {}
    if config.only != "identity":
        web, settings = import_module("recommender.web.half"), import_module("recommender.config")
        told = settings.RecommenderConfig(home=config.home, token_keys=token_keys)
        halves["recommender"] = web.build(told, **shared)
    if config.only != "recommender":
        web, settings = import_module("identity.web.half"), import_module("identity.config")
        told = _told_identity(config, token_keys, settings)
        erase = (
            halves["recommender"].erase
            if "recommender" in halves
            else handover.erasures(config.recommender_url, config.recommender_key)
        )
        try:
            halves["identity"] = web.build(told, forget_elsewhere=erase, **shared)
        except Problem as error:  # a missing or altered engine pack: guests are served, readiness says why
            log.error("recognition is not available", why=error.detail)
            broken["identity"] = error.detail
    limits, once = Limits(moments, now_us), Idempotency(moments, token_keys[0], now_us, keep_us=10 * MINUTE)
    checks = {name: half.check for name, half in halves.items()}
    checks |= {name: lambda why=why: why for name, why in broken.items()}
    app.register_api(
        service_web.blueprint(access=access, limits=limits, checks=checks, registry=shared["registry"])
    )
    for half in halves.values():
        app.register_api(half.blueprint)
    if len(halves) == len(HALVES):
        app.register_api(_visits(access, once, **halves))
    if config.only is None:
        app.register_blueprint(import_module("screens.web").build())
    openapi.publish(app)
    app.extensions["usual"] = {**halves, "access": access, "databases": (access_database, moments)}
    return app


def _told_identity(config: Config, token_keys: tuple[bytes, ...], settings: Any) -> Any:
    """The configuration of the identity half; `settings` is its module."""
    return settings.IdentityConfig(
        home=config.home,
        token_keys=token_keys,
        pack=config.pack,
        models_folder=config.models,
        cache=config.cache,
        engines=config.engines,
        liveness=config.liveness,
        needs=settings.needs_of(config.needs),
    )


def wsgi() -> OpenAPI:
    """What a worker process of the server calls: the application, its schedule, and who finishes what was left."""
    metrics.join()
    app = create_app(Config.from_environment())
    identity, recommender = (app.extensions["usual"].get(half) for half in HALVES)
    if recommender is not None:
        recommender.service.warm()  # or the first customer would wait for it
        scheduler = recommender.scheduler()
        scheduler.start()
        Finalize(None, scheduler.stop, exitpriority=2)
    if identity is not None:
        try:
            identity.warm()
        except Problem as error:  # guests are served meanwhile; readiness says why
            log.error("recognition is not available", why=error.detail)
        Finalize(None, identity.close, exitpriority=1)  # signs the audit
        threading.Thread(target=_finish_erasures, args=(identity,), name="erasures", daemon=True).start()
    give_back()
    return app


def _finish_erasures(identity: Any) -> None:
    """Hand over, minute by minute, the opt-outs that the recommender could not take yet; let retention expire."""
    while True:
        try:
            identity.service.erasures.due()
        except (Problem, sqlite3.Error, OSError) as error:
            log.warning("erasures are still to be finished", why=str(error))
        time.sleep(60)


def _visits(access: Access, once: Idempotency, identity: Any, recommender: Any) -> APIBlueprint:
    """POST /v1/visits: frames and a moment in, recognition and suggestions out."""
    from identity.web.half import RecognitionBody, RecognitionReply, recognition_reply
    from identity.web.routes import padded
    from recommender.errors import SecondFactorRequired, TokenError
    from recommender.schemas import ContextModel, SceneName, SuggestionsReply
    from recommender.service import SuggestRequest
    from recommender.web.suggestions import reply_as_json

    class VisitBody(RecognitionBody):
        """A recognition, and what is to be suggested afterwards."""

        scene: SceneName
        context: ContextModel = Field(default_factory=lambda: ContextModel.model_validate({}))
        n: int = Field(5, ge=1, le=50)

    class VisitReply(RecognitionReply):
        """A recognition's reply with suggestions; `second_factor_required` when the PIN would open more."""

        second_factor_required: bool
        suggestions: SuggestionsReply

    api = APIBlueprint("doorway", __name__, abp_tags=[Tag(name="doorway", description="A visit in one call")])

    def visited(caller: Caller, body: VisitBody) -> Reply:
        try:
            seen = recognition_reply(identity, caller, body)
        except Problem as error:
            if error.status < 500:
                raise  # the person can do something about it
            seen = {"decision": "unknown", "token": None, "expires_at": None, "purposes": []}
            seen |= {"hint": "go_on_without", "liveness": "not_run"}
        context, locked = body.context.to_context(caller.site), False
        guest = SuggestRequest(caller.tenant, caller.device, body.scene, None, context, body.n)
        try:
            told = recommender.service.suggest(replace(guest, token=seen["token"]))
        except TokenError as error:  # not agreed to, or a face is not enough: the guest's answer
            locked = isinstance(error, SecondFactorRequired)
            told = recommender.service.suggest(guest)
            told = replace(told, fallback="second_factor_required" if locked else error.code)
        recommender.metrics.suggested(told.scene, told.fallback, told.took_ms)
        answer = seen | {"second_factor_required": locked, "suggestions": reply_as_json(told), "padding": ""}
        # In steps of 4 KiB: a hit is not to be told from a miss by its size.
        return Reply(200, padded(answer, -(-(len(json.dumps(answer)) + 64) // 4_096) * 4_096))

    @api.post("/v1/visits", responses={"200": VisitReply}, summary="Recognise and suggest in one call")
    def visit(body: VisitBody) -> Response:
        caller = access.authenticate(request, "identify", "suggest")
        asked = body.model_dump_json(exclude={"frames"})
        reply = once.run(caller, request.headers.get("Idempotency-Key"), asked, lambda: visited(caller, body))
        return Response(
            json.dumps(reply.body, separators=(",", ":")),
            mimetype="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return api


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="usual")
@click.pass_context
def cli(context: click.Context) -> None:
    """Recognise the customer who asked to be recognised, and offer them the usual.

    \b
    Try it:       usual demo
    Serve:        usual serve, then usual keys pair kiosk
    Measure:      usual evaluate orders
    """
    context.obj = {
        "town": lambda: import_module("data.town.town").Town.build(),
        "month": lambda home, progress: import_module("data.demo.month").for_evaluation(home, progress),
        "people": lambda: import_module("data.faces.people").draw_face,
    }


@cli.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes: one for each processor (130 MB each).")
@click.option("--threads", default=3, show_default=True, help="Threads of each process.")
@click.option("--only", type=click.Choice(HALVES), help="Serve one half; the other runs elsewhere.")
@click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
@click.option("--plain", is_flag=True, help="Serve with waitress instead of granian, in one process.")
def serve(home: Path, host: str, port: int, workers: int, threads: int, only: str, pack: str, plain: bool) -> None:
    """Serve the API and the screens until stopped (Ctrl-C)."""
    from plumbing import server

    # No image is ever kept, also not in the memory dump of a crash.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    config = replace(Config.from_environment(), home=home, only=only, pack=pack)
    os.environ |= config.to_environment()
    with metrics.counted_together():
        _require_a_recommender(config)
        _import_beforehand(only)
        click.echo(f"Usual answers on http://{host}:{port}; stop it with Ctrl-C.")
        server.run("app:wsgi", wsgi, host=host, port=port, workers=workers, threads=threads, plain=plain)


def _require_a_recommender(config: Config) -> None:
    """Open it once, and close it: what keeps the server from starting is told here and not again and again by its
    processes, which must inherit no open database."""
    if config.only == "identity":
        return
    made = create_app(replace(config, only="recommender")).extensions["usual"]
    made["recommender"].close()
    for database in made["databases"]:
        database.close()


def _import_beforehand(only: str | None) -> None:
    """What the server's processes need, before they part from this one: then it lies in memory once."""
    for half in HALVES if only is None else (only,):
        for module in BEFOREHAND[half]:
            import_module(module)
    give_back()
    gc.freeze()  # or each process would copy what it only looked through for garbage


COMMANDS = {
    "models": "identity.cli.models:models",
    "identity": "identity.cli.commands:identity",
    "calibrate": "identity.cli.commands:calibrate",
    "keys rotate": "identity.cli.commands:rotate",
    "import": "recommender.cli.commands:import_command",
    "export": "recommender.cli.commands:export_command",
    "train": "recommender.cli.commands:train",
    "versions": "recommender.cli.commands:versions",
    "rollback": "recommender.cli.commands:rollback",
    "evaluate orders": "recommender.cli.orders:evaluate_orders",
    "evaluate destinations": "recommender.cli.destinations:evaluate_destinations",
    "evaluate offers": "recommender.cli.offers:evaluate_offers",
    "evaluate faces": "identity.cli.evaluate:evaluate_faces",
    "evaluate town": "data.demo.evaluate_town:evaluate_town",
    "batch orders": "recommender.cli.orders:batch_orders",
    "batch destinations": "recommender.cli.destinations:batch_destinations",
    "batch offers": "recommender.cli.offers:batch_offers",
    "demo": "data.demo.command:demo",
    "month": "data.demo.month:month",
}
"""Where each command lives; those of two words stand in a group."""


def assemble() -> click.Group:
    """The command `usual`: the commands of both halves, of the plumbing and of the demo under one roof."""
    groups = {
        "evaluate": click.Group("evaluate", help="Tables of figures, each method beside its peers in one run."),
        "batch": click.Group("batch", help="Answers for a whole file: same input, same bytes out."),
        "keys": keys,
    }
    for command in groups.values():
        cli.add_command(command)
    for path, where in COMMANDS.items():
        module, _, attribute = where.partition(":")
        group, _, name = path.rpartition(" ")
        groups.get(group, cli).add_command(getattr(import_module(module), attribute), name)
    return cli


def main() -> None:
    """Run it; an error of ours is one sentence, not a traceback."""
    try:
        assemble()()
    except Problem as error:
        raise SystemExit(f"{error.title}: {error.detail}") from None
