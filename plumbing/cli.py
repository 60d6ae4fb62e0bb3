"""What the commands of both halves share: options, errors as one line, progress bars; and `usual keys`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from plumbing import access as access_module
from plumbing.access import PAGES, SCOPES, Access
from plumbing.clock import SECOND, system_clock
from plumbing.database import Database
from plumbing.problem import Problem

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/state"),
    show_default=True,
    envvar="USUAL_HOME",
    help="Folder that holds the databases, keys and models (USUAL_HOME).",
)
tenant_option = click.option(
    "--tenant", default="demo", show_default=True, envvar="USUAL_TENANT", help="The chain or fleet (USUAL_TENANT)."
)
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


@contextmanager
def errors_as_one_line(*kinds: type[Exception]) -> Iterator[None]:
    """Report an error of `kinds` as its sentence, without a traceback, and end the command with status 1."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from error


def shared_datasets() -> Path:
    """The evaluation data: `datasets` in USUAL_SHARED, or in `shared` beside the project. It may be absent."""
    shared = os.environ.get("USUAL_SHARED")
    return (Path(shared) if shared else Path(__file__).resolve().parents[2] / "shared") / "datasets"


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
    return Access(Database(home / "access.db", access_module.migrations), system_clock)


@click.group(cls=LazyGroup)
def keys() -> None:
    """Let servers and screens in, and out again."""


@keys.command()
@home_option
@tenant_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="Repeat for several."
)
@click.option("--device", default="", help="The device that the key belongs to; none for a server.")
@click.option("--site", default="", help="The site where that device stands.")
@click.option("--days", default=365, show_default=True, help="How long the key is good.")
def create(home: Path, tenant: str, scopes: tuple[str, ...], device: str, site: str, days: int) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    click.echo(open_access(home).create_key(tenant, scopes, device=device, site=site, days=days))


@keys.command(name="list")
@home_option
@tenant_option
def list_keys(home: Path, tenant: str) -> None:
    """Show the tenant's keys without their secrets."""
    for row in open_access(home).keys(tenant):
        until = datetime.fromtimestamp(int(str(row["expires_us"])) / SECOND, UTC).date()
        click.echo(f"{row['key_id']}  until {until}  {row['device'] or 'server':<16} {row['scopes']}")


@keys.command()
@home_option
@tenant_option
@click.argument("key_id")
def revoke(home: Path, tenant: str, key_id: str) -> None:
    """End a key at once."""
    if not open_access(home).revoke_key(tenant, key_id):
        raise click.ClickException(f"{tenant!r} has no key {key_id!r}; `usual keys list` shows them.")
    click.echo(f"{key_id} is refused from now on.")


@keys.command()
@home_option
@tenant_option
@click.option("--device", default="", help="Name of the device; the page's name when left out.")
@click.option("--site", default="", help="The site where it stands.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server answers.")
@click.argument("page", type=click.Choice(list(PAGES)))
def pair(home: Path, tenant: str, device: str, site: str, url: str, page: str) -> None:
    """Print a one-time link that turns a browser into PAGE. Good for a day."""
    code = open_access(home).create_pairing(tenant, page, device=device or page, site=site)
    click.echo(f"{url.rstrip('/')}/{page}#pair={code}")
