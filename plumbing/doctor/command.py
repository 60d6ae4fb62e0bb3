"""`usual doctor`."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from plumbing.cli import home_option_with
from plumbing.configuration.file import apply, find, wrong_settings
from plumbing.doctor import home as state_folder
from plumbing.doctor import machine
from plumbing.doctor.finding import Finding, wrong
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.storage.files import is_home

SIGNS = {"ok": "ok    ", "remark": "REMARK", "wrong": "WRONG "}
Part = Callable[[Config], Iterable[Finding]]


@click.command()
@home_option_with(lambda context, parameter, home: home)
@click.option("--json", "as_json", is_flag=True, help="For a program: a list of findings.")
@click.pass_context
def doctor(context: click.Context, home: Path, as_json: bool) -> None:
    """Look at all that a server needs: settings, clock, disk, permissions, keys, databases, engine pack, port.

    Each thing that is wrong comes with what to do; status 1 if there is any. Nothing is changed; a server may
    run.
    """
    parts: Iterable[Part] = (context.find_object(dict) or {}).get("doctor_parts", ())
    found = list(examined(home, context.get_parameter_source("home"), parts))
    bad = sum(one.level == "wrong" for one in found)
    if as_json:
        click.echo(json.dumps({"version": 1, "wrong": bad, "findings": [asdict(one) for one in found]}, indent=1))
    else:
        for one in found:
            click.echo(
                f"{SIGNS[one.level]}  {one.what}: {one.says}" + (f"\n        {one.mend}" if one.mend else "")
            )
    if bad:
        raise SystemExit(1)


def examined(home: Path, source: object, parts: Iterable[Part]) -> Iterator[Finding]:
    """Every finding; where the settings are wrong there is nothing else to look at."""
    file = find(os.environ)
    mistakes = wrong_settings(file, os.environ)
    for sentence in mistakes:
        yield wrong("settings", sentence, "docs/settings.md lists what each setting may be.")
    if mistakes:
        return
    apply(os.environ)
    config = Config.from_environment()
    if source is not click.core.ParameterSource.DEFAULT:  # the settings file is read after the options
        config = config.model_copy(update={"home": home})
    yield state_folder.settings_file(file)
    yield from machine.look(config)
    yield from state_folder.look(config)
    if not is_home(config.home):
        return
    for part in parts:
        try:
            yield from part(config)
        except (Problem, OSError, sqlite3.Error) as error:
            says = error.detail if isinstance(error, Problem) else str(error)
            yield wrong("state", says, "Mend what is named above first.")
