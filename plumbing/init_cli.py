"""`usual init`: makes a state folder. Every other command refuses a folder that is none."""

from __future__ import annotations

from pathlib import Path

import click

from plumbing.cli import errors_as_one_line, existing_home, home_option_with, new_home_option
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.settings import Config
from plumbing.storage.files import is_home
from plumbing.storage.state import State


@click.command()
@new_home_option
def init(home: Path) -> None:
    """Make a state folder: its keys and the tables of devices and people. One that is there stays as it is."""
    made = begin(home)
    click.echo(f"{home} {'is a state folder of Usual now' if made else 'was a state folder already'}.")
    if made:
        click.echo(f"Next: usual doctor --home {home}, then usual serve --home {home}")


def begin(home: Path) -> bool:
    """Make the state folder `home`; False if it is one already.

    Raises ClickException: something else lies there, or it cannot be made.
    """
    from plumbing.shared import Shared

    if is_home(home):
        return False
    try:
        if home.exists() and any(path.suffix != ".log" for path in home.iterdir()):
            raise click.ClickException(f"{home} is not empty and no state folder. Name a new or an empty folder.")
        settings = Config.from_environment().model_copy(update={"home": home})
        with errors_as_one_line(Problem):
            log = SecurityLog.of(home, system_clock, settings.security_log)
            Shared.open(State.of(settings), system_clock, log).close()
    except OSError as error:
        raise click.ClickException(f"{home} cannot be made: {error.strerror}.") from None
    return True


def _served(context: click.Context, parameter: click.Parameter, home: Path) -> Path:
    if context.params.get("init"):
        begin(home)
    return existing_home(context, parameter, home)


served_home_option = home_option_with(_served)
"""--home of `usual serve`: with --init, which comes first, the folder is made."""
