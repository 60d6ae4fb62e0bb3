"""`usual audit dpia`: the draft of an impact assessment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from identity.cli.live import config_at
from identity.consent.dpia import dpia as draft_of
from identity.web.pages import live_facts
from plumbing.cli import FILE, errors_as_one_line, home_option
from plumbing.clock import SECOND, system_clock
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.storage.files import write_atomic


@click.command()
@home_option
@click.option("--out", type=FILE, help="Write it there; left out, it is printed.")
def dpia(home: Path, out: Path | None) -> None:
    """Draft the data protection impact assessment (GDPR, article 35) from the active settings, as Markdown.

    What only the controller can say is marked.
    """
    with errors_as_one_line(Problem, OSError):
        day = datetime.fromtimestamp(system_clock() / SECOND, UTC).date().isoformat()
        facts = live_facts(config_at(home), "en", Config.from_environment().least_people)
        text = draft_of(facts, day)
        if out is None:
            click.echo(text, nl=False)
        else:
            write_atomic(out, text.encode())
            click.echo(f"The draft is in {out}.")
