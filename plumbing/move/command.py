"""`usual move`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from plumbing.cli import errors_as_one_line, new_home_option, progress_bar
from plumbing.move.copying import Compared, held, make_equal, verify
from plumbing.move.places import FILES, NOTICES, MoveRefused, Part, Place, on_server
from plumbing.move.tables import Schema
from plumbing.problem import Problem
from plumbing.settings import place_of
from plumbing.storage.bytes_file import opened
from plumbing.storage.database import Database
from plumbing.storage.documents import Documents
from plumbing.storage.shred import shred
from plumbing.storage.state import Files


@click.command()
@new_home_option
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
        _require_no_password(source, target, keys or "")
        here, there = Place(source, home, keys), Place(target, home, keys)
        if not here.moved_to(there):
            tables, files = carry(here, there, parts)
            rows = sum(one.rows for one in tables)
            click.echo(f"{rows:,} rows in {len(tables)} tables and {files} files are the same in {there.name}.")
        if not delete_source and not _wants_deletion(here):
            click.echo(
                f"The older copy is still in {here.name}, with keys: erasures do not reach it. Delete it soon:"
                " the same command with --delete-source."
            )
            return
        here.delete(parts, keys=here.moves_keys(there))
        click.echo(f"The older copy in {here.name} is deleted.")


def _require_no_password(*addresses: str) -> None:
    """Raises MoveRefused."""
    for address in addresses:
        try:
            hidden = address.startswith("postgres") and urlsplit(address).password is not None
        except ValueError:
            hidden = True  # it cannot be read, and may hold one
        if hidden or "password=" in address:
            raise MoveRefused(
                "Everybody on this machine can read a password in a command: put the address into USUAL_DATABASE,"
                ' that of the keys into USUAL_KEYS_DATABASE, write "env" in its place, and change the password.'
            )


def _wants_deletion(here: Place) -> bool:
    sure = f"Delete the older copy in {here.name} now? Erasures do not reach it."
    return sys.stdin.isatty() and click.confirm(sure)


def carry(here: Place, there: Place, parts: Sequence[Part]) -> tuple[list[Compared], int]:
    """Copy everything, compare it, and make `there` the place that counts; the tables as they were compared, and
    how many files.

    Raises MoveRefused.
    """
    _check(here, there)
    here.require_migrated(parts)
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
        files = [copied for part in FILES for copied in _carry_files(here, there, part, stack)]
        _close(here, there, sources, files)
        there.set_begun(None)
    return compared, sum(one.count for one in files)


def _close(here: Place, there: Place, sources: Mapping[str, Database], files: Sequence[CopiedFiles]) -> None:
    """While all of it is still locked: what is here is the older copy from now on."""
    if not here.is_server:
        here.mark_moved(there.name)
        return
    from plumbing.storage.postgres import schema_of

    held_ones = {**sources, **{one.part: one.source for one in files if one.source is not None}}
    for name, database in held_ones.items():
        schema = schema_of(name)
        with database.write() as connection:  # the transaction that holds the rows
            connection.execute(f"REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} FROM CURRENT_ROLE")


def _check(here: Place, there: Place) -> None:
    if here.is_server == there.is_server:
        raise MoveRefused('One of --from and --to is "sqlite:FOLDER", the other one a PostgreSQL server.')
    if not here.exists():
        raise MoveRefused(f"There is no installation in {here.name}.")
    home, server = (here, there) if there.is_server else (there, here)
    if server.has_keys:
        if place_of(server.state.keys_url or "") == place_of(server.state.url or ""):
            raise MoveRefused("Keys need a database of their own, which no backup of the other one contains.")
        return
    if home.state.home.resolve() != server.state.home.resolve():
        raise MoveRefused(
            f"The keys stay in {home.state.home}, and the server would look for them in {server.state.home}:"
            " name the same folder with --home, or a database for keys with --keys."
        )
    if here.is_server and not here.keys_are_in(there.state.home):
        raise MoveRefused(
            f"{here.name} has customers, and their keys are not in {there.name}: name them by --keys."
        )


def _check_target(here: Place, there: Place, schemas: dict[str, Schema], targets: dict[str, Database]) -> None:
    begun = there.begun_from()
    if begun is None:
        full = [t.name for name, schema in schemas.items() for t in schema.tables if t.count(targets[name])]
        for part, (keys, _) in FILES.items():
            if not there.is_server and (not keys or here.moves_keys(there)):
                with there.files(part) as files:
                    full += there.names_in(part, files)
        if full:
            raise MoveRefused(f"{there.name} holds an installation already ({full[0]}). Name an empty place.")
    elif begun != here.name:
        raise MoveRefused(
            f"A move from {begun} to {there.name} is not finished. Finish it, or name an empty place."
        )


def _carry_part(schema: Schema, source: Database, target: Database, step: Callable[[int], None]) -> list[Compared]:
    make_equal(schema, source, target, step)
    return verify(schema, source, target, step)


@dataclass(frozen=True, slots=True)
class CopiedFiles:
    """How many files of a part were copied, and the database that they came from; None: a home."""

    part: str
    count: int
    source: Database | None


def _carry_files(here: Place, there: Place, part: str, stack: ExitStack) -> Iterator[CopiedFiles]:
    """Copy the files of a part, which stay locked until `stack` ends. Keys stay in the home where one end has no
    place for them."""
    if FILES[part][0] and not here.moves_keys(there):
        return
    source, target = stack.enter_context(here.files(part)), stack.enter_context(there.files(part))
    if source.database is not None:
        stack.enter_context(source.database.write())
    names = here.names_in(part, source)
    for name in names:
        _carry_file(source, target, name, stack)
    for name in set(there.names_in(part, target)) - set(names):  # of an earlier try
        _empty(target, name)
    if part == "identity-files":
        _carry_notices(source, target)
    yield CopiedFiles(part, len(names), source.database)


def _carry_notices(source: Files, target: Files) -> None:
    home, server = (source, target) if source.database is None else (target, source)
    folder = Documents(server).folder(home.home / NOTICES, whole=lambda: False)
    assert folder is not None, "one end is a server"
    if server is target:
        folder.send()
    else:
        folder.bring()


def _empty(files: Files, name: str) -> None:
    if files.database is None:
        shred(files.home / name)
        return
    file = opened(files.place(on_server(name)), bytes)
    with file.locked():
        file.cut(0)


def _carry_file(source: Files, target: Files, name: str, stack: ExitStack) -> None:
    one = opened(source.place(name if source.database is None else on_server(name)), bytes)
    if source.database is None:
        stack.callback(one.close)
    stack.enter_context(one.locked())
    other = opened(target.place(name if target.database is None else on_server(name)), bytes)
    with other.locked():
        content = one.read(one.size(), 0)
        other.cut(0)
        other.write(content, 0)
        other.sync()
        if other.read(other.size(), 0) != content:
            raise MoveRefused(f"The file {name} differs after it was copied. Start the same move again.")
