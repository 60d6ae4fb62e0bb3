"""`usual audit changes` and `usual audit four-eyes`: the record of changes, and its check, for an operator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from plumbing.access import tables
from plumbing.access.approvals import KINDS as APPROVABLE
from plumbing.access.approvals import Approvals
from plumbing.access.changes import KINDS, Change, ChangeRecord, Wanted
from plumbing.access.watch import record_of
from plumbing.cli import WholeNumber, errors_as_one_line, home_option, state_of, tenant_option
from plumbing.clock import DAY, SECOND, system_clock
from plumbing.people import people as people_module
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.storage.database import Database


@contextmanager
def _opened(home: Path) -> Iterator[tuple[Database, ChangeRecord]]:
    with errors_as_one_line(Problem):
        database = state_of(home).database("access", tables.migrations, people_module.migrations)
        try:
            yield database, record_of(database, home, Config.from_environment().changes_days)
        finally:
            database.close()


@click.command("changes")
@home_option
@tenant_option
@click.option("--days", type=WholeNumber(1, 3_650), default=7, show_default=True, help="How far back.")
@click.option("--kind", type=click.Choice(KINDS), help="Only rows of one kind.")
@click.option("--who", default="", help="Only one person: user:ID, key:ID or command:NAME, as the rows show it.")
@click.option("-n", "most", type=WholeNumber(1, 100_000), default=200, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--check", is_flag=True, help="Check the chain of all tenants. Exit status 1 if a row was changed.")
@click.option(
    "--kept", metavar="TEXT", multiple=True, help="A line that an earlier --check printed; repeat for several."
)
def changes(
    home: Path,
    tenant: str,
    days: int,
    kind: str | None,
    who: str,
    most: int,
    as_json: bool,
    check: bool,
    kept: tuple[str, ...],
) -> None:
    """Who changed what: the latest changes, sign-ins and refusals, newest first.

    \b
    usual audit changes --days 30
    usual audit changes --check        whole, altered, cut off or put back?

    Keep the lines that --check prints on another machine, and give them with --kept the next time: so a whole
    database that was put back is found, too.
    """
    with _opened(home) as (database, record):
        if check:
            _check(record, kept)
            return
        since = system_clock() - days * DAY
        rows = record.latest(tenant, most, Wanted(who=who, kind=kind or "", since_us=since), nobodys=True)
        names = _names(database, tenant)
    for row in rows:
        click.echo(json.dumps(asdict(row), sort_keys=True) if as_json else _line(row, names))
    if not rows and not as_json:
        click.echo(f"Nothing in the last {days} days.", err=True)


def _check(record: ChangeRecord, kept: tuple[str, ...]) -> None:
    earlier = dict(_kept(line) for line in kept)
    wrong = False
    for tenant in sorted({*record.tenants(), *earlier}):
        found, head = record.check(tenant, earlier.get(tenant))
        name = tenant or "(no tenant)"
        for sentence in found:
            wrong = True
            click.echo(f"{name}: {sentence}")
        if not found:
            click.echo(
                f"{name}: whole, rows {head.first + 1} to {head.last}." if head.last else f"{name}: no rows."
            )
            click.echo(f"{tenant}:{head.kept()}")
    if wrong:
        raise click.exceptions.Exit(1)


def _kept(line: str) -> tuple[str, tuple[int, str]]:
    parts = line.strip().rsplit(":", 2)
    if len(parts) != 3 or not parts[1].isdecimal():
        raise click.BadParameter("give a line as `usual audit changes --check` prints it: TENANT:NUMBER:HASH.")
    return parts[0], (int(parts[1]), parts[2])


def _names(database: Database, tenant: str) -> dict[str, str]:
    users = people_module.People(database, system_clock).users(tenant)
    return {f"user:{one.user_id}": one.name for one in users}


def _line(row: Change, names: dict[str, str]) -> str:
    at = datetime.fromtimestamp(row.at_us / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    who = names.get(row.who, row.who) or "-"
    second = f" with {names.get(row.second, row.second)}" if row.second else ""
    times = f" x {row.times}" if row.times > 1 else ""
    why = f" ({row.why})" if row.why else ""
    sides = "" if row.earlier is None and row.later is None else f"  {_side(row.earlier)} -> {_side(row.later)}"
    return f"{at}  {who}{second}  {row.route}  {row.subject}  {row.state}{why}{times}{sides}"


def _side(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 120 else text[:119] + "…"


@click.command("four-eyes")
@home_option
@tenant_option
@click.option(
    "--off", is_flag=True, help="Nothing needs a second person any more: the way out when a colleague is gone."
)
def four_eyes(home: Path, tenant: str, off: bool) -> None:
    """Show which changes of a tenant need a second person; with --off none does any more.

    People turn it on at the desk (Record). There, turning it off needs two people as well.
    """
    with _opened(home) as (database, _):
        approvals = Approvals(database, system_clock)
        if off:
            approvals.choose(tenant, ())
        kinds = approvals.kinds(tenant)
    click.echo(
        f"A second person is needed for: {', '.join(kinds)}." if kinds else "No change needs a second person."
    )
    if not kinds and not off:
        click.echo(f"Possible: {', '.join(APPROVABLE)}; choose them at the desk, on the page Record.", err=True)
