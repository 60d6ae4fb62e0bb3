"""`usual move`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from plumbing.cli import errors_as_one_line, home_option, progress_bar
from plumbing.move.copying import Compared, held, make_equal, verify
from plumbing.move.places import FILES, MoveRefused, Part, Place
from plumbing.move.tables import Schema
from plumbing.problem import Problem
from plumbing.storage.database import Database


@click.command()
@home_option
@click.option("--from", "source", required=True, help='"sqlite:FOLDER", "postgresql://USER@HOST/NAME" or "env".')
@click.option("--to", "target", required=True, help='The same. "env" is what USUAL_DATABASE names.')
@click.option("--keys", help='The database for keys on the server: an address, or "env" for USUAL_KEYS_DATABASE.')
@click.option("--delete-source", is_flag=True, help="Delete the older copy afterwards, without asking.")
@click.pass_context
def move(
    context: click.Context, home: Path, source: str, target: str, keys: str | None, delete_source: bool
) -> None:
    """Move the state from SQLite to PostgreSQL, or back.

    Servers may run meanwhile: they read, and refuse to write with a sentence. Every row is compared after it was
    copied. Stopped in the middle (Ctrl-C, a crash), the source still counts; the same command goes on.

    \b
    usual move --from sqlite:data/state --to postgresql://usual@db/usual --keys postgresql://usual@db/usual_keys
    usual move --from env --to sqlite:data/state

    Models, notices and secrets stay in the state folder: copy it to every replica.
    """
    parts: Sequence[Part] = context.obj["parts"]()
    with errors_as_one_line(Problem, OSError):
        here, there = Place(source, home, keys), Place(target, home, keys)
        tables, files = carry(here, there, parts)
        rows = sum(one.rows for one in tables)
        click.echo(f"{rows:,} rows in {len(tables)} tables and {files} files are the same in {there.name}.")
        if not delete_source and not _wants_deletion(here):
            click.echo(
                f"The older copy is still in {here.name}, with keys: erasures do not reach it. Delete it soon:"
                " the same command with --delete-source."
            )
            return
        here.delete(parts)
        click.echo(f"The older copy in {here.name} is deleted.")


def _wants_deletion(here: Place) -> bool:
    sure = f"Delete the older copy in {here.name} now? Erasures do not reach it."
    return sys.stdin.isatty() and click.confirm(sure)


def carry(here: Place, there: Place, parts: Sequence[Part]) -> tuple[list[Compared], int]:
    """Copy everything, compare it, and make `there` the place that counts; the tables as they were compared, and
    how many files.

    Raises MoveRefused.
    """
    _check(here, there)
    there.make_ready(parts)
    parts = here.parts_in(parts)
    with ExitStack() as stack:
        sources = stack.enter_context(here.databases(parts))
        targets = stack.enter_context(there.databases(parts))
        schemas = {part.name: Schema.of(part) for part in parts}
        _check_target(here, there, schemas, targets)
        there.set_begun(here.name)
        there.open_for_writing(parts)
        for part in parts:
            stack.enter_context(held(schemas[part.name], sources[part.name]))
        total = sum(table.count(sources[name]) for name, schema in schemas.items() for table in schema.tables)
        bar = stack.enter_context(progress_bar("Moving", 2 * total, unit="rows"))
        compared = [
            one
            for name, schema in schemas.items()
            for one in _carry_part(schema, sources[name], targets[name], bar.update)
        ]
        files = sum(_carry_file(here, there, part, name) for part, (_, names) in FILES.items() for name in names)
        if here.is_server:
            here.fetch_notices(there.state.home)
        else:
            here.close_for_writing(there.name, parts)
        there.set_begun(None)
    if here.is_server:  # its rows were locked until here
        here.close_for_writing(there.name, parts)
    return compared, files


def _check(here: Place, there: Place) -> None:
    if here.is_server == there.is_server:
        raise MoveRefused('One of --from and --to is "sqlite:FOLDER", the other one a PostgreSQL server.')
    if not here.exists():
        raise MoveRefused(f"There is no installation in {here.name}.")


def _check_target(here: Place, there: Place, schemas: dict[str, Schema], targets: dict[str, Database]) -> None:
    begun = there.begun_from()
    if begun is None:
        full = [t.name for name, schema in schemas.items() for t in schema.tables if t.count(targets[name])]
        if full:
            raise MoveRefused(
                f"{there.name} holds an installation already (rows in {full[0]}). Name an empty place."
            )
    elif begun != here.name:
        raise MoveRefused(
            f"A move from {begun} to {there.name} is not finished. Finish it, or name an empty place."
        )


def _carry_part(schema: Schema, source: Database, target: Database, step: Callable[[int], None]) -> list[Compared]:
    make_equal(schema, source, target, step)
    return verify(schema, source, target, step)


def _carry_file(here: Place, there: Place, part: str, name: str) -> bool:
    """Copy one file; False when there is none, or it stays in the home: one end has no place for keys."""
    if not here.has_file(part, name) or (FILES[part][0] and not (here.has_keys and there.has_keys)):
        return False
    with here.file(part, name) as source, source.locked():
        content = source.read(source.size(), 0)
        if not content:
            return False
        with there.file(part, name) as target, target.locked():
            target.cut(0)
            target.write(content, 0)
            if target.read(target.size(), 0) != content:
                raise MoveRefused(f"The file {name} differs after it was copied. Start the same move again.")
    return True
