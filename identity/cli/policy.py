"""`usual audit dpia`: the draft of an impact assessment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from identity.cli.live import config_at
from identity.consent.dpia import dpia as draft_of
from identity.consent.notice_text import LANGUAGES
from identity.consent.policy import Facts
from identity.web.pages import live_facts, printed_policy
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
        text = draft(home)
        if out is None:
            click.echo(text, nl=False)
        else:
            write_atomic(out, text.encode())
            click.echo(f"The draft is in {out}.")


def draft(home: Path) -> str:
    """The same as text. Raises what reading the notice raises."""
    day = datetime.fromtimestamp(system_clock() / SECOND, UTC).date().isoformat()
    return draft_of(_facts(home, "en"), day)


def pages(home: Path) -> dict[str, Callable[[], str]]:
    """The policy page in each language of the screens, by the name of its file."""
    return {f"policy-{one}.html": partial(_page, home, one) for one in LANGUAGES}


def _page(home: Path, language: str) -> str:
    return printed_policy(_facts(home, language), language)


def _facts(home: Path, language: str) -> Facts:
    return live_facts(config_at(home), language, Config.from_environment().least_people)
