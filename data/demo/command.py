"""`usual demo`: the town moves in, is served for real, and one visit of each kind runs and is printed."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from filelock import Timeout

from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.members import PIN, Member, purposes_of
from data.demo.server import Server, free_port, serving
from data.demo.setting import Setting, StageError, is_there, sweep
from data.demo.story import Story, StoryBroken
from data.demo.terminal import bars, say
from data.town import menu
from data.town.town import CUSTOMERS, Town
from plumbing.cli import WholeNumber
from plumbing.clock import SECOND, system_clock
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.storage.files import process_lock

ENROLLED = 28
FOLDER = Path("data/state/demo")


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the story: status 0 if every check of it passed.")
@click.option("--keep", is_flag=True, help="Serve the state of the last run, without the story.")
@click.option(
    "--month/--no-month", default=True, show_default=True, help="Thirty days of offers before the story."
)
@click.option("--port", default=8000, show_default=True, help="Port to listen on; another one if it is taken.")
@click.option("--customers", default=ENROLLED, show_default=True, help="How many opt in.", type=WholeNumber(8, 40))
@click.option("--seed", default=0, show_default=True, help="Another seed, another town.")
@click.option("--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack.")
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_MODELS",
    help="Folder of an engine pack that is not installed (USUAL_MODELS).",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="USUAL_CACHE",
    default=Path(".cache/models"),
    show_default=True,
    help="Where converted engine packs are kept (USUAL_CACHE).",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="The demo's own folder; emptied at each run.",
)
def demo(
    no_serve: bool,
    keep: bool,
    month: bool,
    port: int,
    customers: int,
    seed: int,
    pack: str,
    models: Path | None,
    cache: Path,
    folder: Path,
) -> None:
    """A town of drawn people walks through the product: opts in, orders, rides, opts out.

    Nobody in it exists. Everything else is real: the engine pack, the databases, the server, the models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = Config.from_environment()
    setting = Setting(
        folder.resolve(),
        pack,
        models.resolve() if models else None,
        cache.resolve(),
        system_clock,
        settings.database,
        settings.keys_database,
    )
    plan = Plan(setting, port, customers, seed, serve=not no_serve, keep=keep, month=month)
    with _only_demo_in(folder), _sigterm_as_ctrl_c():
        try:
            plan.run()
        except (StageError, StoryBroken, Problem) as error:
            raise click.ClickException(str(error)) from error
        except Refused as error:
            raise click.ClickException(f"The story stops here. {error}") from error
        except KeyboardInterrupt:
            click.echo("\nStopped. `usual demo` begins again from an empty state.")
            raise SystemExit(0 if plan.finished else 130) from None


@dataclass
class Plan:
    """One run of the demo."""

    setting: Setting
    port: int
    customers: int
    seed: int
    serve: bool
    keep: bool
    townsfolk: int = CUSTOMERS
    strangers: int = stage.COHORT
    month: bool = False
    finished: bool = False  # the story ran to its end

    def run(self) -> None:
        """Set the stage, run the story, then serve until Ctrl-C."""
        began = time.monotonic()
        if self.keep:
            return self._serve_kept()
        say("Usual: the demo", heading=True)
        say("Lindenholm is a town of people who do not exist. Their faces are drawn, their habits are made up.")
        town = self._town()
        sweep(self.setting)
        keys = stage.make_keys(self.setting)
        threshold = stage.calibrate_pack(self.setting, bars, self.strangers)
        say(f"The threshold measured on drawn strangers: {threshold:.3f}. None for real faces.")
        if self.month:
            say("Last month", heading=True)
            say(stage.run_month(self.setting, self.seed, bars))
        with serving(self.setting, free_port(self.port)) as server:
            with Client(server.url, keys["kiosk"]) as kiosk, Client(server.url, keys["taxi"]) as taxi:
                with Client(server.url, keys["office"]) as office:
                    members = self._move_in(town, kiosk, office)
                play(Story(town, members, say, self.setting.now_us), kiosk, taxi)
            self.finished = True
            stage.film(self.setting, members[0])
            say(f"All of it came true, in {time.monotonic() - began:.0f} s.", heading=True)
            if self.serve:
                self._wait(server)

    def _town(self) -> Town:
        """Ninety days until the day before yesterday: the story itself happens yesterday."""
        now = datetime.fromtimestamp(self.setting.now_us() / SECOND, ZoneInfo(menu.ZONE))
        return Town.build(self.seed, customers=self.townsfolk, last_day=now.date() - timedelta(days=2))

    def _move_in(self, town: Town, kiosk: Client, office: Client) -> list[Member]:
        """Catalogue, history, opting in, training. Rides are learned from while the others still opt in."""
        say("The town moves in", heading=True)
        stage.load_catalogue(office, town)
        stage.import_history(self.setting, town, town.customers[self.customers :], bars)
        riders = [k for k in range(self.customers) if "destinations" in purposes_of(k)]
        members = stage.opt_in(kiosk, town, riders, bars, self.setting)
        runs = {"destinations": stage.begin_training(office, "destinations")}
        members += stage.opt_in(
            kiosk, town, [k for k in range(self.customers) if k not in riders], bars, self.setting
        )
        agreed = {name: sum(name in m.purposes for m in members) for name in ("orders", "offers", "destinations")}
        say(f"{len(members)} opted in: " + ", ".join(f"{count} to {name}" for name, count in agreed.items()) + ".")
        runs["orders"] = stage.begin_training(office, "orders")
        for scene, run in stage.finish_training(office, runs, bars).items():
            if run["state"] != "published":
                raise StageError(f"The training of {scene} ended as {run['state']}: {run['why']}")
            say(f"{scene}: version {run['version']} is in force; {run['why'].rstrip('.')}.")
        begins = "goes on with last month" if self.month else "begins today"
        say(f"offers: decided from the log of decisions, which {begins}.")
        return members

    def _serve_kept(self) -> None:
        if not is_there(self.setting):
            raise StageError("There is nothing to go on with. Run `usual demo` without --keep first.")
        with serving(self.setting, free_port(self.port)) as server:
            self.finished = True
            self._wait(server)

    def _wait(self, server: Server) -> None:
        say("Three pages to try", heading=True)
        for page, link in stage.pairing_links(self.setting, server.url).items():
            say(f"{page:<10} {link}")
        say(f"Kiosk and taxi pair one browser, once. At the desk you are {stage.COLLEAGUE} and choose a password.")
        say(f"A drawn customer's PIN is {PIN}.")
        say("The threshold is that of drawn faces: yours is measured by `usual serve`, without the demo.")
        if self.setting.camera.exists():
            say("A browser whose camera sees a drawn customer:")
            say("  chromium --use-fake-device-for-media-stream \\")
            say(f"    --use-file-for-fake-video-capture={self.setting.camera}")
        say("Ctrl-C stops the server.")
        while server.running():
            time.sleep(0.3)
        raise StageError(f"The server ended with status {server.process.returncode}.\n{server.tail()}")


def play(story: Story, kiosk: Client, taxi: Client) -> None:
    """One visit of each kind."""
    say("A guest at the kiosk", heading=True)
    story.guest(kiosk)
    say("A customer at the kiosk", heading=True)
    story.order(kiosk)
    say("An offer", heading=True)
    story.offer(kiosk)
    say("A ride", heading=True)
    story.ride(taxi)
    say("A change of mind", heading=True)
    story.opt_out(kiosk)


@contextlib.contextmanager
def _only_demo_in(folder: Path) -> Iterator[None]:
    """Two demos in one folder would sweep each other's state away."""
    try:
        lock = process_lock(folder / "lock").acquire(blocking=False)
    except Timeout:
        raise click.ClickException(f"A demo is already running in {folder}. Stop it, or use --folder.") from None
    with lock:
        yield


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with the server stopped."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


__all__: Sequence[str] = ("demo",)
