"""The doorway: it knows both halves, wires them and assembles the commands. Routes of both are in `doorway/`."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Protocol

import click
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI

from identity.cli import COMMANDS as IDENTITY_COMMANDS
from plumbing import handover, openapi, other_half, web
from plumbing.access.token_keys import TokenKeys
from plumbing.cli import LazyGroup, RootGroup, state_of
from plumbing.clock import Clock, system_clock
from plumbing.configuration import file as settings_file
from plumbing.gate.gate import Gate
from plumbing.keys_cli import keys
from plumbing.problem import Problem
from plumbing.security import origins
from plumbing.security.access_log import AccessLog
from plumbing.security.log import SecurityLog
from plumbing.security.proxies import TrustedProxies, behind
from plumbing.serving import logs, metrics, server
from plumbing.serving.memory import give_back
from plumbing.serving.process import end_with_server
from plumbing.serving.silence import telemetry_off
from plumbing.serving.successor import say_ready
from plumbing.settings import Config, WrongSetting, hosts_of, origins_of
from plumbing.shared import Shared
from plumbing.storage.files import UMASK
from plumbing.storage.room import keep_reserve
from plumbing.storage.state import State
from plumbing.waiting import Waiting
from recommender.cli import COMMANDS as RECOMMENDER_COMMANDS

if TYPE_CHECKING:
    from doorway.edge.box import BoxServer
    from doorway.edge.centre import Centre
    from doorway.edge.copies import BoxCopies
    from identity.web.half import IdentityHalf
    from recommender.web.half import RecommenderHalf

telemetry_off()  # before anything heavy is imported, for every process that is started from here
MODULES = {
    "identity": ("identity.web.half", "identity.web.pages"),
    "recommender": ("recommender.web.half", "recommender.scenes.destinations"),
}
"""The halves, and what the server imports of each before its processes part."""

JOINING = (
    "doorway.attention",
    "doorway.dialects.compreface.routes",
    "doorway.dialects.gorse.routes",
    "doorway.dialects.peers",
    "doorway.dialects.square.routes",
    "doorway.dialects.switch",
    "doorway.dialects.toast.routes",
    "doorway.edge.copies",
    "doorway.edge.routes",
    "doorway.own_page",
    "doorway.rides",
    "doorway.visits",
    "doorway.webhooks",
    "screens.web",
)
"""What it imports for both together."""

COMMANDS = {
    "init": "plumbing.init_cli:init",
    "config": "plumbing.configuration.command:config",
    "doctor": "plumbing.doctor.command:doctor",
    "backup": "plumbing.backup_cli:backup",
    "restore": "plumbing.backup_cli:restore",
    "upgrade": "plumbing.upgrade_cli:upgrade",
    "evaluate town": "data.demo.evaluate_town:evaluate_town",
    "demo": "data.demo.command:demo",
    "month": "data.demo.month:month",
    "database": "plumbing.database_cli:database",
    "audit pack": "plumbing.audit_pack.command:pack",
    "audit changes": "plumbing.changes_cli:changes",
    "audit four-eyes": "plumbing.changes_cli:four_eyes",
    "move": "plumbing.move.command:move",
    "edge": "doorway.edge.command:edge",
    "screens fetch": "doorway.browser_engine.command:fetch",
    "people": "plumbing.people.cli:people",
    "webhooks": "plumbing.webhooks_cli:webhooks",
    "dialects": "doorway.dialects.command:dialects",
}
"""The commands of the plumbing and of the demo; each half has its own."""


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


@dataclass
class _House:
    """What an installation opens: one half or both, and what concerns store boxes."""

    recommender: RecommenderHalf | None = None
    identity: IdentityHalf | None = None
    box: BoxServer | None = None
    copies: BoxCopies | None = None
    broken: dict[str, web.Check] = field(default_factory=dict)

    @property
    def halves(self) -> dict[str, Half]:
        """Those that are open, by name."""
        both: dict[str, Half | None] = {"recommender": self.recommender, "identity": self.identity}
        return {name: half for name, half in both.items() if half is not None}


def create_app(config: Config, *, now_us: Clock = system_clock) -> OpenAPI:
    """The application. Nothing is started; tests hand in a folder and a clock."""
    app = openapi.new_app("Usual", "Recognise who asked for it, and offer the usual.")
    shared = Shared.open(State.of(config), now_us, SecurityLog.of(config.home, now_us, config.security_log))
    shared.access.record.keep_days = config.changes_days
    shared.webhooks.allowed = config.hosts_of_webhooks
    house = _opened(app, config, shared, now_us)
    halves = house.halves
    app.register_api(web.blueprint(shared, house.broken | {name: half.check for name, half in halves.items()}))
    for half in halves.values():
        app.register_api(half.blueprint)
    _put_together(app, shared, house)
    _put_pages_on(app, config, shared)
    openapi.publish(app)
    origins.register(app, origins.Origins(frozenset(origins_of(config.origins))))
    app.debug = False  # whatever FLASK_DEBUG says: a served application shows nothing of its inside
    trusted = TrustedProxies.parse(config.trusted_proxies)
    if trusted.any:
        setattr(app, "wsgi_app", behind(app.wsgi_app, trusted))  # noqa: B010 - mypy: "cannot assign to a method"
    app.extensions["usual"] = {**halves, "access": shared.access}
    app.extensions["usual_open"] = (*halves.values(), shared)
    return app


def _opened(app: OpenAPI, config: Config, shared: Shared, now_us: Clock) -> _House:
    """Open the halves that the settings name."""
    house = _House()
    if config.edge is not None:
        house.box = import_module("doorway.edge.box").BoxServer.of(config, now_us)
    if config.only is None:
        house.copies = import_module("doorway.edge.copies").BoxCopies(State.of(config), now_us)
    if config.only != "identity":
        from recommender.web.half import open_half as open_recommender

        house.recommender = open_recommender(config, shared)
    if config.only != "recommender":
        _open_identity(house, config, shared)
    if config.edge is None and house.recommender is not None:
        import_module("doorway.news").of_recommender(shared, house.recommender.service)
    if config.edge is None and house.identity is not None:
        import_module("doorway.news").of_identity(shared, house.identity.service.erasures)
    if house.box is not None and house.recommender is not None:
        house.recommender = house.box.wire(app, house.identity, house.recommender)
        house.broken["store box"] = house.box.check
    return house


def _open_identity(house: _House, config: Config, shared: Shared) -> None:
    """Open recognition. Without it guests are served, and readiness says why."""
    from identity.web.half import open_half as open_identity

    remote = handover.erasures(config.recommender_url, config.recommender_key, shared.token_keys)
    untrained = handover.waiting(config.recommender_url, shared.token_keys)
    if house.recommender is not None:
        remote, untrained = house.recommender.erase, house.recommender.service.waiting
    copies = house.copies if house.box is None else house.box.copies
    try:
        house.identity = open_identity(config, shared, remote, untrained, copies)
        shared.once.is_current = house.identity.service.customers.accounts.stands
    except Problem as error:  # a missing or altered engine pack; `try_once` has said so
        shared.access.log.note("pack_refused", code=error.code)
        house.broken["identity"] = partial(str, error.detail)


def _put_together(app: OpenAPI, shared: Shared, house: _House) -> None:
    """The routes that need both halves."""
    identity, recommender = house.identity, house.recommender
    if identity is None or recommender is None:
        return
    recommender.desk.others = import_module("doorway.attention").of_identity(identity, shared)
    app.register_api(import_module("doorway.visits").visits(shared, identity, recommender))
    waiting = Waiting(shared.rides.changed_since)
    atexit.register(waiting.close)
    places = recommender.service.stores.catalogue
    app.register_api(import_module("doorway.rides").rides(shared, places, waiting))
    app.register_api(import_module("doorway.webhooks").webhooks(shared))
    app.register_api(import_module("doorway.dialects.switch").dialects(shared))
    app.register_api(import_module("doorway.dialects.peers").peers(shared))
    app.register_api(import_module("doorway.dialects.square.routes").square(shared, recommender.service))
    app.register_api(import_module("doorway.dialects.toast.routes").toast(shared, recommender.service))
    app.register_api(import_module("doorway.dialects.compreface.routes").compreface(shared, identity.service))
    app.register_api(import_module("doorway.dialects.gorse.routes").gorse(shared, recommender.service))
    own_page = import_module("doorway.own_page").own_page
    app.register_api(own_page(shared, identity.own_page, recommender.own_page))
    if house.box is None and house.copies is not None:
        centre = _centre(house.copies, identity, recommender)
        app.register_api(import_module("doorway.edge.routes").edge(shared, centre))


def _put_pages_on(app: OpenAPI, config: Config, shared: Shared) -> None:
    """The first page, the errors' pages, the policy, the desk and the screens."""
    app.register_blueprint(import_module("doorway.front.pages").build())
    if config.only != "recommender":
        from identity.config import config_of
        from identity.web.pages import blueprint as policy_page

        app.register_blueprint(policy_page(config_of(config, shared.token_keys), config.least_people))
    app.register_blueprint(import_module("doorway.clients").clients())
    app.register_blueprint(import_module("desk.web").build())
    app.register_api(import_module("desk.sessions").routes(shared))
    app.register_api(import_module("desk.operations").routes(shared, config.home))
    app.register_api(import_module("desk.record").routes(shared))
    app.register_api(import_module("desk.oidc").routes(shared, config))
    app.register_api(import_module("desk.keys").routes(shared))
    if config.only is not None:
        app.register_blueprint(import_module("doorway.front.apart").build(config.only))
        return
    engine = import_module("screens.engine").EngineFolder.of(config.home)
    pages = import_module("screens.web").build(image_hosts=hosts_of(config.image_hosts), engine=engine)
    app.register_blueprint(pages)


def _centre(
    copies: BoxCopies, identity: IdentityHalf, recommender: RecommenderHalf
) -> Callable[[], Centre | None]:
    """What makes the centre's side of store boxes, when the first box was invited."""
    made: list[Centre] = []

    def centre() -> Centre | None:
        if not made and copies.any:
            kind = import_module("doorway.edge.centre").Centre
            made.append(kind(copies.boxes, identity, recommender, recommender.now_us))
        return made[0] if made else None

    return centre


def wsgi() -> OpenAPI:
    """The application of a worker process of the server, with what runs beside the requests."""
    end_with_server()
    metrics.join()
    logs.never_raise()
    app = create_app(Config.from_environment())
    *halves, shared = app.extensions["usual_open"]
    Finalize(None, shared.webhooks.start(), exitpriority=len(halves) + 1)
    for place, half in enumerate(halves):
        Finalize(None, half.start(), exitpriority=len(halves) - place)  # the first to start is the first to stop
    give_back()
    return app


def gate() -> Gate:
    """The same behind its gate: what the server runs."""
    app = wsgi()
    *halves, shared = app.extensions["usual_open"]
    config = Config.from_environment()
    lines = AccessLog.of(config.home, system_clock, config.access_log)
    made = Gate(app, shared.access, shared.registry, threads=config.threads, log=lines)
    Finalize(None, made.close, exitpriority=len(halves) + 1)  # before what its lanes work with
    say_ready()
    return made


def check_settings(config: Config) -> None:
    """What only the halves can say of settings. Raises WrongSetting, or the Problem of an engine pack."""
    if config.only == "recommender":
        return
    from identity.config import config_of
    from identity.engines.manifests import load_pack

    try:
        config_of(config, (b"not used",))
    except ValueError as error:
        raise WrongSetting(f"A setting of recognition, such as USUAL_NEEDS: {error}.") from error
    load_pack(config.pack)


def _warn_of_pack(config: Config) -> None:
    """Say that the engine pack cannot be used, or what it is not good for, before anybody is greeted by it."""
    if config.only == "recommender":
        return
    from identity.engines.manifests import checked_files, load_pack

    pack = load_pack(config.pack)
    try:
        if config.engines:  # without one, devices send vectors and nobody opens the files
            checked_files(pack, config.models, config.cache)
    except Problem as error:
        click.echo(f"Recognition is off, guests are served. {error.detail}", err=True)
        return
    if pack.grade != "production":
        click.echo(
            f"The engine pack {pack.name} is of grade {pack.grade}: good enough to suggest what a person then"
            ' confirms, not to greet anybody silently. README.md, "Going to production", names others.',
            err=True,
        )


def try_once(config: Config) -> None:
    """Open the recommender as `config` says, and close it: without it the server does not start.

    Raises WrongSetting, or any Problem that keeps it from opening.
    """
    check_settings(config)
    _warn_of_pack(config)
    if other_half.keys_agree(config, TokenKeys(config.home, system_clock)) is False:
        click.echo(handover.KEYS_DIFFER, err=True)
    keep_reserve(config.home)
    if config.only is None:
        import_module("screens.web").own_files()  # the worker processes share what is read
    if config.only == "identity":
        return
    if config.versions is None:
        open_once(config)
        return
    # What speaks to a bucket has threads that do not survive a fork, and the worker processes part from this one.
    words, given = "import app; app.open_apart()", os.environ | config.to_environment()
    done = subprocess.run([sys.executable, "-c", words], env=given, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise SystemExit(done.returncode)


def begin(config: Config) -> Callable[[], None]:
    """Large galleries are opened beside all other work of a start; what ends that in this process."""
    if config.only == "recommender":
        return lambda: None
    ended: Callable[[], None] = import_module("identity.web.beforehand").open_galleries(config)
    return ended


def open_once(config: Config) -> None:
    """Open the recommender, and close it. Raises any Problem that keeps it from opening."""
    for part in create_app(config.model_copy(update={"only": "recommender"})).extensions["usual_open"]:
        part.close()


def open_apart() -> None:
    """The same in a process of its own, which ends with the sentence of a Problem."""
    try:
        open_once(Config.from_environment())
    except Problem as error:
        raise SystemExit(f"{error.title}: {error.detail}") from None


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="usual")
@click.pass_context
def cli(context: click.Context) -> None:
    """Recognise the customer who asked to be recognised, and offer them the usual.

    \b
    Try it:       usual demo
    Serve:        usual serve, then usual keys pair kiosk
    The desk:     usual people invite NAME --role operator --role marketer
    Measure:      usual evaluate orders
    """
    if context.invoked_subcommand not in ("config", "doctor"):  # which name everything that is wrong themselves
        settings_file.apply(os.environ)
    context.obj = {
        "check_settings": check_settings,
        "doctor_parts": (
            lambda config: import_module("identity.cli.doctor").look(config),
            lambda config: import_module("doorway.doctor").look(config),
            lambda config: import_module("plumbing.other_half").look(config),
        ),
        "hand_over": lambda *given: import_module("doorway.commands").hand_over(*given),
        "elsewhere": lambda home: import_module("recommender.store.version_places").fetched(
            home, Config.from_environment().versions
        ),
        "waiting": lambda *given: import_module("doorway.commands").waiting(*given),
        "customers": lambda home, folder: (
            import_module("identity.customers.readable").readable(state_of(home), folder).in_words()
        ),
        "copies": lambda home: import_module("doorway.edge.copies").BoxCopies(state_of(home), system_clock),
        "own_history": lambda *given: import_module("doorway.commands").own_history(*given),
        "export_of": lambda *given: import_module("doorway.own_page").export_of(*given),
        "town": lambda: import_module("data.town.town").Town.build(),
        "month": lambda home, progress: import_module("data.demo.month").for_evaluation(home, progress),
        "paths": lambda *given: import_module("identity.cli.paths").in_words(*given),
        "went_back": lambda home: import_module("doorway.upgrade").went_back(home),
        "open_all": lambda home: import_module("doorway.upgrade").open_all(home),
        "parts": lambda: import_module("doorway.move").parts(),
        "people": lambda: import_module("data.faces.people").draw_face,
        "audit_parts": (
            lambda: import_module("identity.cli.audit_pack").IdentityPart(),
            lambda: import_module("recommender.cli.audit_pack").RecommenderPart(),
        ),
    }


def assemble() -> click.Group:
    """The command `usual`: the commands of both halves, of the plumbing and of the demo."""
    cli.add_command(
        server.serve_command("app:gate", wsgi, try_once=try_once, begin=begin, modules=MODULES, together=JOINING)
    )
    cli.add_command(LazyGroup("evaluate", help="Tables of figures, each method beside its peers in one run."))
    cli.add_command(
        LazyGroup("rules", help="The house's rules for what screens show: pin, hide, limit, sponsored.")
    )
    cli.add_command(LazyGroup("items", help="Dishes whose id changed, and what left the menu."))
    cli.add_command(LazyGroup("places", help="Places whose id changed, and those that are gone."))
    cli.add_command(LazyGroup("images", help="Pictures of dishes for the screens."))
    cli.add_command(LazyGroup("sites", help="The clock and the opening hours of each site."))
    cli.add_command(LazyGroup("screens", help="What the screens' own browsers run, beside the pages."))
    cli.add_command(LazyGroup("screen", help="How the screens look and behave: brand, light or dark, times."))
    cli.add_command(LazyGroup("batch", help="Answers for a whole file: same input, same bytes out."))
    cli.add_command(LazyGroup("desk", help="What the desk's pages show, in a terminal or as JSON."))
    cli.add_command(LazyGroup("audit", help="What an auditor or a data protection officer asks for."))
    cli.add_command(
        LazyGroup("schedule", help="When training happens by itself: show it, set it in words, pause, resume.")
    )
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
    except OSError as error:
        if error.filename is None:  # not about a file that somebody named: its traceback is needed
            raise
        raise SystemExit(f"{error.filename}: {error.strerror}") from None
