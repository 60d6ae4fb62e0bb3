"""`usual identity held`: opt-outs that wait for a member of staff, and how they end."""

from __future__ import annotations

from pathlib import Path

import click

from identity.cli.commands import open_half
from identity.customers.leaving.held import Held
from identity.errors import HeldOfSeveral
from plumbing.cli import errors_as_one_line, home_option
from plumbing.problem import Problem


@click.command()
@home_option
@click.argument("reference", required=False)
@click.option("--erase", is_flag=True, help="Erase the person who asked, at once and for good.")
@click.option("--resume", is_flag=True, help="Nobody wants to leave: greet them as before.")
@click.option(
    "--everybody", is_flag=True, help="With --erase: all of several who look alike, without PIN or code."
)
def held(home: Path, reference: str | None, erase: bool, resume: bool, everybody: bool) -> None:
    """Opt-outs that wait for a member of staff: list them, or end the one with REFERENCE.

    The screen shows a reference when a face alone does not say who asks, and there is neither PIN nor code.
    Everybody who may be meant is paused until this command ends it, for 30 days at most. --erase asks for the
    code or the PIN when it may be one of several; they may type it themselves, it is not shown.
    """
    if int(reference is not None) != erase + resume:
        raise click.UsageError("Give a REFERENCE and one of --erase and --resume; or neither, for the list.")
    if everybody and not erase:
        raise click.UsageError("--everybody belongs to --erase.")
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    try:
        with errors_as_one_line(Problem):
            _done(half.service.customers.held, reference, resume, everybody)
    finally:
        half.close()


def _done(held: Held, reference: str | None, resume: bool, everybody: bool) -> None:
    if reference is None:
        _list(held)
    elif resume:
        click.echo(f"{held.resume(reference)} greeted as before.")
    else:
        click.echo(f"{_erased(held, reference, everybody)} erased.")


def _list(held: Held) -> None:
    waiting = held.waiting()
    for one in waiting:
        who = "1 customer" if one.customers == 1 else f"one of {one.customers} who look alike"
        pin = ", with a PIN" if one.with_pin else ""
        click.echo(f"{one.reference}  {one.tenant}: {who}{pin}")
    if not waiting:
        click.echo("Nobody waits.")


def _erased(held: Held, reference: str, everybody: bool) -> int:
    try:
        return held.erase(reference, everybody=everybody)
    except HeldOfSeveral as error:
        click.echo(error.detail, err=True)
        return held.erase(reference, click.prompt("Code or PIN", hide_input=True))
