"""`usual config`: what is set, where it comes from, and whether it can be."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from pydantic import ValidationError

from plumbing.cli import errors_as_one_line, no_home
from plumbing.configuration.file import KEYS, find, given, origin, variable, wrong_settings
from plumbing.configuration.reference import is_secret
from plumbing.problem import Problem
from plumbing.sentence import ended
from plumbing.settings import Config
from plumbing.storage.files import is_home

MASK = "(set; not shown)"


@click.group()
def config() -> None:
    """The settings: of usual.toml, of the environment, and what was left to its default."""


@config.command()
@click.option("--all", "everything", is_flag=True, help="Those too that were left to their default.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def show(everything: bool, as_json: bool) -> None:
    """Each setting with its value and where it comes from; of a secret only that it is set."""
    found = find(os.environ)
    try:
        used = Config.model_validate({**found.values, **given(os.environ)}).model_dump(mode="json")
    except ValidationError:
        raise click.ClickException("A setting cannot be used; see: usual config check") from None
    rows = [_row(key, used[key], found.values, found.name) for key in KEYS]
    if as_json:
        click.echo(json.dumps({"file": str(found.path) if found.path else None, "settings": rows}, indent=1))
        return
    click.echo(f"Settings file: {found.name}")
    shown = [row for row in rows if everything or row["from"] != "default"]
    for row in shown:
        click.echo(f"  {row['key']} = {row['value']}  ({row['from']})")
    if not everything:
        click.echo(f"{len(rows) - len(shown)} more are left to their default: --all")


@config.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Name everything that is wrong with the settings; status 1 if anything is."""
    found = find(os.environ)
    wrong = wrong_settings(found, os.environ)
    named = given(os.environ)
    if not wrong:
        used = Config.model_validate({**found.values, **named})
        if not is_home(used.home) and ("home" in found.values or "home" in named):
            wrong.append(f"{origin('home', found, os.environ)}: {no_home(used.home)}")
    if not wrong:
        with errors_as_one_line(Problem):
            context.obj["check_settings"](used)
    for sentence in wrong:
        click.echo(ended(sentence), err=True)
    if wrong:
        raise click.ClickException(f"{len(wrong)} to mend; docs/settings.md lists what each setting may be.")
    file = f"{len(found.values)} set in {found.name}" if found.path else "there is no settings file"
    click.echo(f"All is well: {file}, {len(named)} set by variables, the rest left to its default.")


def _row(key: str, value: Any, in_file: Any, file: str) -> dict[str, Any]:
    source = file if key in in_file else "default"
    if os.environ.get(variable(key)):
        source = variable(key)
    if is_secret(Config.model_fields[key]) and value is not None:
        value = MASK
    return {"key": key, "value": value, "from": source}
