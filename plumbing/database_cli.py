"""`usual database`: look at the PostgreSQL that the settings name, prepare its roles, remove what was deleted."""

from __future__ import annotations

import click

from plumbing.cli import LazyGroup, errors_as_one_line, progress_bar
from plumbing.problem import Problem
from plumbing.settings import Config, place_of

UNSET = "USUAL_DATABASE is not set: the state is in SQLite files of the home, and no server keeps any of it."


@click.group(cls=LazyGroup)
def database() -> None:
    """Look at the PostgreSQL server that keeps the state, and look after it.

    \b
    With USUAL_DATABASE=postgresql://user@host:5432/name the state is in
    PostgreSQL 13 or later, where several machines share it. Without it the state
    is in SQLite files of the home, and nothing here is needed.

    \b
    1. usual database roles | psql     as an administrator of the server, once
    2. usual database check            says what is wrong, and how to mend it
    3. usual database vacuum           at night, so that deleted rows are gone
    """


@database.command()
def check() -> None:
    """Say what is wrong with the server, its roles and its settings; status 1 when something is.

    It looks at the version, the encoding, who may read what, the tables and their versions, row-level security,
    the settings that keep what was acknowledged, and those that would write customers' rows into the log.
    """
    settings = Config.from_environment()
    if settings.database is None:
        raise click.ClickException(UNSET)
    with errors_as_one_line(Problem):
        from plumbing.storage import postgres_check

        found = postgres_check.look(settings.database, settings.keys_database)
    for one in found:
        click.echo(f"{'ok   ' if one.good else 'WRONG'}  {one.what}: {one.says}")
    wrong = sum(not one.good for one in found)
    if wrong:
        raise click.ClickException(f"{wrong} of {len(found)} are wrong.")


@database.command()
def roles() -> None:
    """Print the SQL with which an administrator prepares the server; nothing is connected to.

    Three roles that nobody logs in as own the tables: of recognition, of the recommender, and of the keys of
    devices. Each half has a login that may act as its own role and as that of the keys, so neither reads the
    other's tables. The keys of customers are in a database of their own, which no backup of the other contains.

    \b
    usual database roles | psql -h HOST -U ADMINISTRATOR postgres
    """
    from plumbing.storage.postgres_roles import statements

    settings = Config.from_environment()
    name = place_of(settings.database or "")[2] or "usual"
    keys = place_of(settings.keys_database or "")[2] or f"{name}_keys"
    click.echo(statements(name, keys))


@database.command()
def vacuum() -> None:
    """Rewrite the tables, so that the bytes of deleted rows are gone from their files.

    Each table is locked while it is written: run it when little happens. What was erased is unreadable before
    that, for its keys are gone. The server recycles its own log of changes (WAL) by itself after the checkpoint at
    the end; copies of it (archives, replicas, backups) are the operator's to delete.
    """
    settings = Config.from_environment()
    if settings.database is None:
        raise click.ClickException(UNSET)
    with errors_as_one_line(Problem):
        from plumbing.storage import postgres_check

        tables = 0
        urls = [url for url in (settings.database, settings.keys_database) if url is not None]
        with progress_bar("vacuum", len(urls)) as bar:
            for url in urls:
                tables += postgres_check.vacuum(url, bar.show)
        is_written = all(postgres_check.checkpoint(url) for url in urls)
    click.echo(f"{tables} tables are rewritten. {CHECKPOINT if is_written else NO_CHECKPOINT} {COPIES}")


CHECKPOINT = "The server made a checkpoint and recycles its log of changes (WAL) by itself."
NO_CHECKPOINT = (
    "This login may not ask for a checkpoint: the server makes one within its checkpoint_timeout (5 minutes,"
    " unless somebody changed it), then it recycles its log of changes (WAL) by itself."
)
COPIES = "Archives of that log, other copies and backups are yours to delete."
