"""`usual upgrade`: what a newer release changes in a state folder, doing it, and going back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from plumbing.cli import errors_as_one_line, home_before_upgrade_option
from plumbing.problem import Problem
from plumbing.upgrade.aside import begin_back, kept_in_words, prepare
from plumbing.upgrade.formats import changes

IN_POSTGRES = (
    "The state is in PostgreSQL: the first process of a new release changes the tables there, and older ones are"
    " refused afterwards. An administrator copies the database before (pg_dump), and goes back with that copy."
)


@click.command()
@home_before_upgrade_option
@click.option(
    "--check", is_flag=True, help="Say what would change, and change nothing. Status 1: something would."
)
@click.option(
    "--back", is_flag=True, help="Put the copy from before back, for the older release. Stop the server first."
)
@click.pass_context
def upgrade(context: click.Context, home: Path, check: bool, back: bool) -> None:
    """Bring a state folder of an older release up to date, after a copy of what changes.

    Every command and server does the same by itself. Going back loses what was recorded since; who left since
    stays erased.
    """
    if check and back:
        raise click.UsageError("Give --check or --back.")
    if os.environ.get("USUAL_DATABASE"):
        if back:
            raise click.ClickException(IN_POSTGRES)
        click.echo(IN_POSTGRES)
        return
    known = context.find_object(dict) or {}
    with errors_as_one_line(Problem):
        if back:
            _back(home, known["went_back"])
            return
        due = changes(home)
        for change in due:
            click.echo(f"{change.file}: {', '.join(change.steps)}")
        if not due:
            click.echo(f"{home} is up to date.")
        if check:
            raise SystemExit(1 if due else 0)
        if due:
            if prepare(home):
                click.echo(kept_in_words(home))
            known["open_all"](home)
            prepare(home)
            click.echo(f"{home} is up to date now.")


def _back(home: Path, went_back: Callable[[Path], bool]) -> None:
    about = begin_back(home)
    went_back(home)
    click.echo(
        f"{home} is as it was on {about.day}. Who left since stays erased: the older release takes their rows"
        " out at its start. Else what was recorded since is gone; the newer audit log lies beside the older one."
        " Start the older release now: any other command of this one upgrades again."
    )
