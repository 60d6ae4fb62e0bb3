"""What the commands of both halves share: options, errors as one line, progress bars."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from plumbing.access import access as access_module
from plumbing.access.access import Access
from plumbing.access.watch import watch_command
from plumbing.backup.contents import BEFORE, GOING_BACK, READY
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.settings import Config
from plumbing.storage.files import is_home, private_home
from plumbing.storage.moved import MOVED
from plumbing.storage.state import State
from plumbing.upgrade.formats import changes

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")
Command = TypeVar("Command", bound=Callable[..., Any])


def _opened(context: click.Context, parameter: click.Parameter, home: Path, *, older_too: bool = True) -> Path:
    """The state folder, closed to everybody but its owner; says so when it was not. Without `older_too` it is
    prepared for an upgrade, if one is due. Administrative commands are noted in the security log."""
    with errors_as_one_line(Problem):
        try:
            narrowed = private_home(home)
        except OSError as error:
            raise click.ClickException(f"{home} cannot be used as a state folder: {error.strerror}.") from None
        _finish_restore(context, home)
        if not older_too and not os.environ.get("USUAL_DATABASE") and not (home / MOVED).exists():
            _prepare_upgrade(home)
    if narrowed:
        click.echo(
            f"{home}: {narrowed} files and folders could be read by other users; now they cannot.", err=True
        )
    watch_command(context, home)
    return home


def _finish_restore(context: click.Context, home: Path) -> None:
    """Go on with a restore, or with going back, that was stopped: in between, nothing else may work on the state
    folder."""
    if (home / GOING_BACK).exists() and (known := context.find_object(dict)):
        known["went_back"](home)
    if (home / READY).exists():
        from plumbing.backup.restore import go_on
        from plumbing.backup.take import alone

        with alone(home):
            go_on(home, Config.from_environment().tombstones)


@contextmanager
def errors_as_one_line(*kinds: type[Exception]) -> Iterator[None]:
    """Report an error of `kinds` as its sentence, without a traceback, and end the command with status 1."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from error


def existing_home(context: click.Context, parameter: click.Parameter, home: Path) -> Path:
    """The state folder of an installation that is there: a mistyped name makes none.

    One of an older release is copied aside before anything of it changes. Raises ClickException: there is none.
    """
    return _there(context, parameter, home, older_too=False)


def _there(context: click.Context, parameter: click.Parameter, home: Path, *, older_too: bool = True) -> Path:
    if not is_home(home):
        raise click.ClickException(no_home(home))
    return _opened(context, parameter, home, older_too=older_too)


def _prepare_upgrade(home: Path) -> None:
    if not changes(home) and not (home / BEFORE).exists():
        return
    from plumbing.upgrade.aside import kept_in_words, prepare  # not at the top: rarely needed

    if prepare(home):
        click.echo(kept_in_words(home), err=True)


def no_home(home: Path) -> str:
    """What to say when `home` is no state folder."""
    return (
        f"{home} is no state folder of Usual. Name the right one with --home or USUAL_HOME, or make one:"
        f" usual init --home {shlex.quote(str(home))}"
    )


def home_option_with(
    callback: Callable[[click.Context, click.Parameter, Path], Path],
) -> Callable[[Command], Command]:
    """The option --home, whose value goes through `callback`."""
    return click.option(
        "--home",
        callback=callback,
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("data/state"),
        show_default=True,
        envvar="USUAL_HOME",
        help="Folder that holds the databases, keys and models (USUAL_HOME).",
    )


home_option = home_option_with(existing_home)
"""For commands that work on a house: none but a few makes one."""

home_before_upgrade_option = home_option_with(_there)
"""For the command that upgrades: it says what would change before anything does."""

new_home_option = home_option_with(_opened)
"""For the commands that may begin one."""

tenant_option = click.option(
    "--tenant",
    default="demo",
    show_default=True,
    envvar="USUAL_TENANT",
    is_eager=True,  # known when the state folder is opened: the command's row in the record names it
    help="The chain or fleet (USUAL_TENANT).",
)


class WholeNumber(click.IntRange):
    """A whole number between two bounds; what is none is answered with both."""

    name = "whole number"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        try:
            return super().convert(value, parameter, context)
        except click.BadParameter:
            span = f"from {self.min} to {self.max}" if self.max is not None else f"of at least {self.min}"
            self.fail(f"{value!r} is no whole number {span}.", parameter, context)


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def state_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options --home and --tenant as its first two arguments; report a Problem as one line."""

    @home_option
    @tenant_option
    @functools.wraps(command)
    def run(home: Path, tenant: str, **options: object) -> None:
        with errors_as_one_line(Problem):
            command(home, tenant, **options)

    return run


def shared_datasets() -> Path:
    """The evaluation data: `datasets` in USUAL_SHARED, or in `shared` beside the project. It may be absent."""
    shared = os.environ.get("USUAL_SHARED")
    return (Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared") / "datasets"


STOPPED = "usual.stopped"
INTERRUPTED = 130  # the status of a program that SIGINT ended, as shells have it


@contextmanager
def if_stopped(words: str) -> Iterator[None]:
    """Inside, Ctrl-C ends the command with `words`: what became of its work."""
    try:
        yield
    except KeyboardInterrupt:
        if (context := click.get_current_context(silent=True)) is not None:
            context.find_root().meta[STOPPED] = words
        raise


class LazyGroup(click.Group):
    """A group of commands that are imported when one of them is called or listed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._where: dict[str, str] = {}

    def add_lazily(self, path: str, where: str) -> None:
        """Add the command that `where` names as "module:attribute".

        A `path` of two words adds it to the group of the first word.
        """
        first, _, rest = path.partition(" ")
        if not rest:
            self._where[first] = where
            return
        group = self.commands[first]
        assert isinstance(group, LazyGroup), f"{first!r} is no group of commands"
        group.add_lazily(rest, where)

    def list_commands(self, context: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted({*super().list_commands(context), *self._where})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command of that name."""
        if name in self._where and name not in self.commands:
            module, _, attribute = self._where[name].partition(":")
            self.add_command(getattr(import_module(module), attribute), name)
        return super().get_command(context, name)


class RootGroup(LazyGroup):
    """The command `usual`: Ctrl-C in any of its commands is a sentence and a status of its own."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command that was given."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo(f"\nStopped. {context.meta.get(STOPPED, '')}".rstrip(" "), err=True)
            context.exit(INTERRUPTED)


class ProgressBar(Protocol):
    """A running progress bar; away from a terminal its methods do nothing."""

    def update(self, steps: float = 1) -> None:
        """Add `steps` to what is done."""

    def show(self, stage: str, share: float) -> None:
        """Name the present stage and set the share of the total that is done (0 to 1); it never goes back."""


@contextmanager
def progress_bar(label: str, total: float = 100, *, unit: str = "%") -> Iterator[ProgressBar]:
    """A bar on standard error while it is a terminal; nothing elsewhere, so that logs and files stay clean.

    Args:
        label: what is being done.
        total: steps until the end, in `unit`.
        unit: name of a step. "B" (bytes) is shown as kB, MB and so on.
    """
    from tqdm import tqdm  # not at the top: `usual --help` stays quick

    disabled = not sys.stderr.isatty()
    with tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "B", leave=False, disable=disabled) as bar:
        yield _Bar(label, total, bar)


class _Bar:
    """tqdm behind the interface that the project uses."""

    def __init__(self, label: str, total: float, bar: tqdm[None]) -> None:
        self._label, self._total, self._bar, self._stage = label, total, bar, ""

    def update(self, steps: float = 1) -> None:
        self._bar.update(steps)

    def show(self, stage: str, share: float) -> None:
        self._bar.update(max(self._total * share - self._bar.n, 0))
        if stage != self._stage:  # drawn at once; a larger share is drawn when tqdm next finds the time
            self._stage = stage
            self._bar.set_description(f"{self._label}: {stage}")


def track(items: Sequence[Item], label: str, *, unit: str = "it") -> Iterator[Item]:
    """Yield `items` one by one behind a progress bar."""
    with progress_bar(label, len(items), unit=unit) as bar:
        for item in items:
            yield item
            bar.update()


def open_access(home: Path) -> Access:
    """The keys of the state folder `home`."""
    settings = Config.from_environment()
    log = SecurityLog.of(home, system_clock, settings.security_log)
    database = state_of(home).database("access", access_module.migrations)
    if (context := click.get_current_context(silent=True)) is not None:
        context.call_on_close(database.close)  # when the command ends, not when its memory is given back
    return Access(database, system_clock, log)


def state_of(home: Path) -> State:
    """Where the state is that belongs to the folder `home`, as the environment says."""
    settings = Config.from_environment()
    return State(home, settings.database, settings.keys_database)
