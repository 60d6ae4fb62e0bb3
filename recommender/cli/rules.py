"""Commands of the house's rules: `usual rules show|check|set|history|restore`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plumbing.cli import EXISTING_FILE, WholeNumber
from plumbing.clock import system_clock
from plumbing.sentence import ended
from recommender.cli.commands import common

if TYPE_CHECKING:  # the rest is imported by the command that needs it: --help stays quick
    from pydantic_core import ErrorDetails

    from recommender.config import RecommenderConfig
    from recommender.desk.rules import RulesDesk
    from recommender.rules.document import RulesDocument


@contextmanager
def _desk(config: RecommenderConfig) -> Iterator[RulesDesk]:
    from recommender.assembly import open_stores
    from recommender.desk.rules import RulesDesk
    from recommender.service import service_of

    stores = open_stores(config)
    try:
        yield RulesDesk(service_of(config, stores, system_clock), system_clock)
    finally:
        stores.database.close()


def read_rules(path: Path) -> RulesDocument:
    """A document of rules from a JSON file. Raises ClickException: there is none; it names what is wrong."""
    from pydantic import ValidationError

    from plumbing import json_limits
    from recommender.rules.document import RulesDocument

    try:
        return RulesDocument.model_validate(json_limits.read(path.read_text("utf-8")))
    except ValidationError as error:
        rows = error.errors(include_url=False, include_input=False, include_context=False)
        found = ended("; ".join(map(_in_words, rows[:10])))
        raise click.ClickException(f"{path.name} is no document of rules: {found}") from error
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path.name} cannot be read as JSON: {error}.") from error


def _in_words(wrong: ErrorDetails) -> str:
    """What is wrong, and in which rule, counted from 1: "rule 2 (hide): the field 'item' is missing"."""
    from plumbing.wrong_fields import in_words, names_itself
    from recommender.rules.document import FIELDS, RulesDocument

    where = list(wrong["loc"])
    known = FIELDS.get(str(where[2]), ()) if len(where) > 2 else RulesDocument.model_fields
    says = in_words(wrong, known if len(where) in (1, 4) else ())
    if names_itself(wrong):
        where.pop()
    if where[:1] != ["rules"] or len(where) < 2:
        return f"{'.'.join(map(str, where))}: {says}" if where else says
    of = f"rule {int(where[1]) + 1}" + (f" ({where[2]})" if len(where) > 2 else "")
    return ": ".join([of, *(".".join(map(str, rest)) for rest in (where[3:],) if rest), says])


def _findings(desk: RulesDesk, tenant: str, document: RulesDocument) -> list[str]:
    checked = desk.checked(tenant, document, desk.words(tenant, "en"))
    for row in checked["rules"]:
        click.echo(f"{row['id']}: {row['sentence']} ({row['state_text']})")
    for remark in checked["remarks"]:
        click.echo(f"note: {remark['message']}")
    return [one["message"] for one in checked["conflicts"]]


@click.command("show")
@click.option("--json", "as_json", is_flag=True, help="The document itself, as `usual rules set` reads it.")
@common
def show(config: RecommenderConfig, tenant: str, as_json: bool) -> None:
    """What the house's rules are now, as sentences."""
    import json

    with _desk(config) as desk:
        shown = desk.shown(tenant, "en")
    if as_json:
        click.echo(json.dumps(shown["document"], indent=1))
        return
    click.echo(shown["answer"])
    for row in shown["rules"]:
        click.echo(f"{row['id']}: {row['sentence']} ({row['state_text']})")
    for remark in shown["remarks"]:
        click.echo(f"note: {remark['message']}")
    if shown["trouble"]:
        raise click.ClickException(shown["trouble"])


@click.command("check")
@click.argument("file", type=EXISTING_FILE)
@common
def check(config: RecommenderConfig, tenant: str, file: Path) -> None:
    """Look at the rules in a JSON FILE without publishing them; status 1 when they cannot hold together."""
    document = read_rules(file)
    with _desk(config) as desk:
        conflicts = _findings(desk, tenant, document)
    if conflicts:
        raise click.ClickException("\n".join(conflicts))
    click.echo("These rules can be published: usual rules set FILE")


@click.command("set")
@click.argument("file", type=EXISTING_FILE)
@click.option("--draft", is_flag=True, help="Save them as the draft of the desk, without effect.")
@common
def set_rules(config: RecommenderConfig, tenant: str, file: Path, draft: bool) -> None:
    """Publish the rules in a JSON FILE; they take the place of all rules, from the next suggestion on."""
    document, who = read_rules(file), f"command:{getpass.getuser()}"
    with _desk(config) as desk:
        if draft:
            desk.service.stores.rules.save_draft(tenant, document, who, system_clock())
            click.echo(f"{len(document.rules)} rules saved as the draft of {tenant}.")
            return
        desk.may_publish(tenant, document, "en", None)
        number = desk.publish(tenant, document, who)
        click.echo(f"{len(document.rules)} rules published as number {number} for {tenant}.")
        click.echo(desk.shown(tenant, "en")["answer"])


@click.command("history")
@common
def history(config: RecommenderConfig, tenant: str) -> None:
    """The documents that were published, newest first; the one that holds today has a star."""
    with _desk(config) as desk:
        rows = desk.history(tenant)
    if not rows:
        click.echo("No rules were published yet: usual rules set FILE")
    for row in rows:
        star = "*" if row["holds"] else " "
        rules = "unreadable" if not row["readable"] else f"{row['rules']} rules"
        dates = f"  {row['effective_from'] or ''} .. {row['expires_on'] or ''}" if row["readable"] else ""
        click.echo(f"{star} {row['number']}  {row['published_at']}  {row['who']}  {rules}{dates}")


@click.command("restore")
@click.argument("number", type=WholeNumber(1))
@common
def restore(config: RecommenderConfig, tenant: str, number: int) -> None:
    """Publish the document with this NUMBER of `usual rules history` again."""
    with _desk(config) as desk:
        document = desk.earlier(tenant, number)
        desk.may_publish(tenant, document, "en", None)
        fresh = desk.publish(tenant, document, f"command:{getpass.getuser()}")
        click.echo(f"The rules of number {number} hold again, as number {fresh}.")
