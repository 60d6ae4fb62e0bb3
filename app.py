"""The doorway: the only file that knows both halves. It wires them and holds the one route where they meet."""

# No postponed annotations in this file: the models of /v1/visits exist only where both halves do.
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import click
import structlog
from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from prometheus_client import Histogram
from pydantic import BaseModel, Field

from identity.cli import COMMANDS as IDENTITY_COMMANDS
from plumbing import handover, openapi, web
from plumbing.access.access import Caller
from plumbing.bearer import bearer_of
from plumbing.cli import LazyGroup
from plumbing.clock import SECOND, Clock, system_clock
from plumbing.demands import PICTURES
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.gate.gate import Gate
from plumbing.keys_cli import keys
from plumbing.pace import Pace
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.security.proxies import TrustedProxies, behind
from plumbing.serving import logs, metrics, server
from plumbing.serving.memory import give_back
from plumbing.serving.process import end_with_server
from plumbing.serving.silence import telemetry_off
from plumbing.settings import Config, WrongSetting
from plumbing.shared import Shared
from plumbing.storage.database import storage_is_named
from plumbing.storage.files import UMASK
from plumbing.storage.room import keep_reserve
from recommender.cli import COMMANDS as RECOMMENDER_COMMANDS

if TYPE_CHECKING:
    from identity.web.half import IdentityHalf
    from identity.web.me import OwnPageTools as IdentityOwnPage
    from recommender.service import RecommenderService
    from recommender.web.half import RecommenderHalf
    from recommender.web.me import OwnPageTools as RecommenderOwnPage

telemetry_off()  # before anything heavy is imported, for every process that is started from here
log = structlog.get_logger(__name__)
MODULES = {
    "identity": ("identity.web.half",),
    "recommender": ("recommender.web.half", "recommender.ranking.light", "scipy.spatial"),
}
"""The halves, and what the server imports of each before its processes part."""

COMMANDS = {
    "backup": "plumbing.backup_cli:backup",
    "restore": "plumbing.backup_cli:restore",
    "evaluate town": "data.demo.evaluate_town:evaluate_town",
    "demo": "data.demo.command:demo",
    "month": "data.demo.month:month",
    "audit pack": "plumbing.audit_pack.command:pack",
}
"""The commands of the plumbing and of the demo; each half has its own."""


HELD = "For how long answers to visits wait, so that their time shows nothing"
HELD_S = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1)


class Half(Protocol):
    """What the doorway needs of either half."""

    @property
    def blueprint(self) -> APIBlueprint:
        """The half's routes."""

    def check(self) -> str | None:
        """Readiness: None, or a sentence that says what is wrong."""

    def start(self) -> Callable[[], None]:
        """Prepare for the first customer, start what runs beside the requests; returns what ends it."""

    def close(self) -> None:
        """Release what is open, when no request is running any more."""


def create_app(config: Config, *, now_us: Clock = system_clock) -> OpenAPI:
    """The application. Nothing is started; tests hand in a folder and a clock."""
    app = openapi.new_app("Usual", "Recognise who asked for it, and offer the usual.")
    shared = Shared.open(config.home, now_us, SecurityLog.of(config.home, now_us, config.security_log))
    recommender: RecommenderHalf | None = None
    identity: IdentityHalf | None = None
    broken: dict[str, web.Check] = {}
    if config.only != "identity":
        from recommender.web.half import open_half as open_recommender

        recommender = open_recommender(config, shared)
    if config.only != "recommender":
        from identity.web.half import open_half as open_identity

        remote = handover.erasures(config.recommender_url, config.recommender_key, shared.token_keys)
        untrained = handover.waiting(config.recommender_url, shared.token_keys)
        if recommender is not None:
            remote, untrained = recommender.erase, recommender.service.waiting
        try:
            identity = open_identity(config, shared, remote, untrained)
            shared.once.is_current = identity.service.customers.accounts.stands
        except Problem as error:  # a missing or altered engine pack: guests are served, readiness says why
            log.error("recognition is not available", why=error.detail)
            shared.access.log.note("pack_refused", code=error.code)
            broken["identity"] = partial(str, error.detail)
    both: dict[str, Half | None] = {"recommender": recommender, "identity": identity}
    halves = {name: half for name, half in both.items() if half is not None}
    app.register_api(web.blueprint(shared, broken | {name: half.check for name, half in halves.items()}))
    for half in halves.values():
        app.register_api(half.blueprint)
    if identity is not None and recommender is not None:
        app.register_api(visits(shared, identity, recommender))
        if identity.own_page is not None and recommender.own_page is not None:
            app.register_api(own_page(shared, identity.own_page, recommender.own_page))
    if config.only != "recommender":
        from identity.config import config_of
        from identity.web.pages import blueprint as policy_page

        app.register_blueprint(policy_page(config_of(config, shared.token_keys), config.least_people))
    if config.only is None:
        app.register_blueprint(import_module("screens.web").build())
    openapi.publish(app)
    app.debug = False  # whatever FLASK_DEBUG says: a served application shows nothing of its inside
    trusted = TrustedProxies.parse(config.trusted_proxies)
    if trusted.any:
        setattr(app, "wsgi_app", behind(app.wsgi_app, trusted))  # noqa: B010 - mypy: "cannot assign to a method"
    app.extensions["usual"] = {**halves, "access": shared.access}
    app.extensions["usual_open"] = (*halves.values(), shared)
    return app


def visits(shared: Shared, identity: "IdentityHalf", recommender: "RecommenderHalf") -> APIBlueprint:
    """POST /v1/visits: frames and a moment in, recognition and suggestions out; and the same without a face."""
    from identity.web.routes import PICTURE_FIELDS, RECOGNITION_BYTES, by_code_reply, padded, recognition_reply
    from identity.web.schemas import ByCodeBody, RecognitionBody, RecognitionReply
    from recommender.errors import SecondFactorRequired, TokenError
    from recommender.schemas import ContextModel, SceneName, SuggestionsReply
    from recommender.service import SuggestRequest
    from recommender.web.reply_size import ReplySizes
    from recommender.web.suggestions import reply_as_json

    class Wanted(BaseModel):
        """What is to be suggested."""

        scene: SceneName
        context: ContextModel = Field(default_factory=lambda: ContextModel.model_validate({}))
        n: int = Field(5, ge=1, le=50)

    class VisitBody(Wanted, RecognitionBody):
        """A recognition, and what is to be suggested afterwards."""

    class CodeVisitBody(Wanted, ByCodeBody):
        """Code and PIN in place of a face, and what is to be suggested afterwards."""

    class VisitReply(RecognitionReply):
        """A recognition's reply with suggestions; `second_factor_required` when the PIN would open more."""

        second_factor_required: bool
        suggestions: SuggestionsReply

    pace, sizes = Pace(), ReplySizes(recommender.service)
    held = Histogram("usual_visit_held_seconds", HELD, buckets=HELD_S, registry=shared.registry)
    api = APIBlueprint("doorway", __name__, abp_tags=[Tag(name="doorway", description="A visit in one call")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once, pictures=PICTURE_FIELDS)

    @door.route(
        "POST",
        "/v1/visits",
        scopes=("identify", "suggest"),
        reply=VisitReply,
        size=PICTURES,
        lane="recognition",
        summary="Recognise and suggest in one call",
    )
    def visit(caller: Caller, body: VisitBody) -> Body:
        return answered(caller, body, lambda: recognition_reply(identity.service, caller, body))

    @door.route(
        "POST",
        "/v1/visits/by-code",
        scopes=("identify", "suggest"),
        reply=VisitReply,
        summary="Code and PIN in place of a face, and suggest, in one call",
    )
    def visit_by_code(caller: Caller, body: CodeVisitBody) -> Body:
        return answered(caller, body, lambda: by_code_reply(identity.service, caller, body))

    def answered(caller: Caller, body: Wanted, recognised: Callable[[], dict[str, object]]) -> Body:
        context, locked = body.context.to_context(caller.site), False  # before anybody is looked at
        pace.clear()
        try:
            with storage_is_named():
                seen = recognised()
        except Problem as error:
            if error.status < 500:
                raise  # the person can do something about it
            seen = {"decision": "unknown", "token": None, "expires_at": None, "purposes": []}
            seen |= {"hint": "go_on_without", "liveness": "not_run", "news": []}
        guest = SuggestRequest(caller.tenant, caller.device, body.scene, None, context, body.n)
        token = seen["token"]
        assert token is None or isinstance(token, str)
        try:
            reply = recommender.service.suggest(replace(guest, token=token))
        except TokenError as error:  # not agreed to, or a face is not enough: the guest's answer
            locked = isinstance(error, SecondFactorRequired)
            reply = recommender.service.suggest(guest)
            reply = replace(reply, fallback="second_factor_required" if locked else error.code)
        recommender.metrics.suggested(reply.scene, reply.fallback, reply.took_ms)
        answer = seen | {"second_factor_required": locked, "suggestions": reply_as_json(reply), "padding": ""}
        held.observe(pace.hold(str(seen["decision"])))  # the time must not show whether a customer was matched
        size = RECOGNITION_BYTES + sizes.bound(caller.tenant, body.scene, body.n)  # neither must the size
        return padded(answer, -(-(len(json.dumps(answer)) + 64) // size) * size)

    return api


def own_page(shared: Shared, identity: "IdentityOwnPage", recommender: "RecommenderOwnPage") -> APIBlueprint:
    """GET /v1/me: what both halves hold about the customer of a token, as one file, and its schema."""
    from identity.web.me_schemas import OwnDataReply
    from recommender.web.me_schemas import OwnHistoryReply

    class ExportReply(BaseModel):
        """All that is held about one customer, by both halves. Nothing in it is a number of a face."""

        format: Literal["usual-export-1"]
        made_at: str = Field(description="ISO 8601, UTC")
        identity: OwnDataReply
        recommender: OwnHistoryReply

    api = APIBlueprint("own page", __name__, abp_tags=[Tag(name="own page", description="A customer's own page")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "usual-export-1"}
    schema |= ExportReply.model_json_schema(mode="serialization")

    @door.route(
        "GET",
        "/v1/me",
        scopes=PUBLIC,
        token=True,
        limit=Limit("looks at one's own page", 60),
        lane="own_page",
        reply=ExportReply,
        summary="All that is held about the customer of the token, as one file",
    )
    def export() -> Body:
        token = bearer_of(request)
        return export_of(identity.held(token), recommender.held(token), shared.now_us())

    @door.route("GET", "/v1/me/schema", scopes=PUBLIC, reply=None, summary="The JSON schema of that file")
    def export_schema() -> Response:
        return jsonify(schema)

    return api


def export_of(identity: Mapping[str, Any], recommender: Mapping[str, Any] | None, now_us: int) -> dict[str, Any]:
    """One file of the two halves' parts, as `GET /v1/me` and `usual access` give it."""
    moment = datetime.fromtimestamp(now_us // SECOND, UTC).isoformat()
    return {"format": "usual-export-1", "made_at": moment, "identity": identity, "recommender": recommender}


def wsgi() -> OpenAPI:
    """The application of a worker process of the server, with what runs beside the requests."""
    end_with_server()
    metrics.join()
    logs.never_raise()
    app = create_app(Config.from_environment())
    *halves, _ = app.extensions["usual_open"]
    for place, half in enumerate(halves):
        Finalize(None, half.start(), exitpriority=len(halves) - place)  # the first to start is the first to stop
    give_back()
    return app


def hand_over(home: Path, token_keys: Sequence[bytes]) -> Callable[[str], handover.Forgotten]:
    """What hands an erasure token to the recommender from a command: to its own process, or into its database."""
    config = Config.from_environment()
    if config.recommender_url:
        return handover.erasures(config.recommender_url, config.recommender_key, token_keys)

    def erase(token: str) -> handover.Forgotten:
        with _recommender_of(home, token_keys) as service:
            return service.forget(token)

    return erase


def waiting(home: Path, token_keys: Sequence[bytes]) -> Callable[[str, Mapping[str, int]], Sequence[str]]:
    """What asks the recommender from a command which scenes were trained before an erasure."""
    config = Config.from_environment()
    if config.recommender_url:
        return handover.waiting(config.recommender_url, token_keys)

    def ask(tenant: str, marks: Mapping[str, int]) -> Sequence[str]:
        with _recommender_of(home, token_keys) as service:
            return service.waiting(tenant, marks)

    return ask


@contextmanager
def _recommender_of(home: Path, token_keys: Sequence[bytes]) -> "Iterator[RecommenderService]":
    """The recommender of a state folder, for a moment. Raises RecommenderUnreachable when it has none."""
    from recommender.assembly import open_stores
    from recommender.config import RecommenderConfig
    from recommender.service import service_of

    if not (home / "recommender.db").exists():
        raise handover.RecommenderUnreachable("It has no database in this folder.")
    own = RecommenderConfig(home=home, token_keys=token_keys, tombstones=Config.from_environment().tombstones)
    stores = open_stores(own)
    try:
        yield service_of(own, stores, system_clock)
    finally:
        stores.database.close()


def own_history(home: Path, token_keys: Sequence[bytes]) -> Callable[[str], dict[str, Any] | None]:
    """What puts the recommender's part of an export together for a command; None where it has no database."""
    from recommender.assembly import open_stores
    from recommender.config import RecommenderConfig
    from recommender.service import service_of
    from recommender.web.me import OwnHistory, OwnPageTools

    def held(token: str) -> dict[str, Any] | None:
        if not (home / "recommender.db").exists():
            return None
        own = RecommenderConfig(home=home, token_keys=token_keys, tombstones=Config.from_environment().tombstones)
        stores = open_stores(own)
        try:
            service = service_of(own, stores, system_clock)
            return (
                OwnPageTools(service, service, system_clock).held(token)
                if isinstance(service, OwnHistory)
                else None
            )
        finally:
            stores.database.close()

    return held


def gate() -> Gate:
    """The same behind its gate: what the server runs."""
    app = wsgi()
    *halves, shared = app.extensions["usual_open"]
    made = Gate(app, shared.access, shared.registry, threads=Config.from_environment().threads)
    Finalize(None, made.close, exitpriority=len(halves) + 1)  # before what its lanes work with
    return made


def try_once(config: Config) -> None:
    """Open the recommender as `config` says, and close it: without it the server does not start.

    Raises WrongSetting, or any Problem that keeps it from opening.
    """
    try:
        TrustedProxies.parse(config.trusted_proxies)
    except ValueError as error:
        raise WrongSetting(f"{error}.") from error
    if config.only != "recommender":
        from identity.config import config_of

        try:
            config_of(config, (b"not used",))
        except ValueError as error:
            raise WrongSetting(f"A setting of recognition, such as USUAL_NEEDS: {error}.") from error
    keep_reserve(config.home)
    if config.only != "identity":
        for part in create_app(config.model_copy(update={"only": "recommender"})).extensions["usual_open"]:
            part.close()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
        "hand_over": hand_over,
        "waiting": waiting,
        "customers": lambda home, folder: (
            import_module("identity.customers.readable").readable(home, folder).in_words()
        ),
        "own_history": own_history,
        "export_of": export_of,
        "town": lambda: import_module("data.town.town").Town.build(),
        "month": lambda home, progress: import_module("data.demo.month").for_evaluation(home, progress),
        "people": lambda: import_module("data.faces.people").draw_face,
        "audit_parts": (
            lambda: import_module("identity.cli.audit_pack").IdentityPart(),
            lambda: import_module("recommender.cli.audit_pack").RecommenderPart(),
        ),
    }


def assemble() -> click.Group:
    """The command `usual`: the commands of both halves, of the plumbing and of the demo."""
    cli.add_command(server.serve_command("app:gate", wsgi, try_once=try_once, modules=MODULES))
    cli.add_command(LazyGroup("evaluate", help="Tables of figures, each method beside its peers in one run."))
    cli.add_command(LazyGroup("batch", help="Answers for a whole file: same input, same bytes out."))
    cli.add_command(LazyGroup("audit", help="What an auditor or a data protection officer asks for."))
    cli.add_command(keys)
    for path, where in (COMMANDS | IDENTITY_COMMANDS | RECOMMENDER_COMMANDS).items():
        cli.add_lazily(path, where)
    return cli


def main() -> None:
    """Run it; an error of ours is one sentence, not a traceback."""
    os.umask(UMASK)  # before anything is written: databases, exports, logs, and what child processes write
    try:
        assemble()()
    except Problem as error:
        raise SystemExit(f"{error.title}: {error.detail}") from None
