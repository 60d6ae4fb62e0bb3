"""What of a request or a command belongs in the security log, and which commands stand in the record of
changes."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from flask import request

from plumbing.access.access import route_of
from plumbing.access.caller import Caller
from plumbing.access.changes import COMMAND, ChangeRecord
from plumbing.access.record_key import REPLIES, record_key
from plumbing.access.roles import ADMINISTRATION
from plumbing.access.tables import migrations
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.settings import Config
from plumbing.storage.database import Database
from plumbing.storage.files import load_or_create_secret

COMMANDS = frozenset(
    {
        "access",
        "audit",
        "backup",
        "calibrate",
        "confirm-clock",
        "edge",
        "experiments",
        "export",
        "forget",
        "held",
        "import",
        "keys",
        "people",
        "publish",
        "restore",
        "upgrade",
        "retire",
        "rollback",
        "rotate",
        "rules",
        "schedule",
        "sign",
        "sites",
        "train",
        "unpin",
        "webhooks",
    }
)
"""Words of commands that are administration."""

WITHOUT_ROW = frozenset({"restore", "run", "upgrade"})
"""Of these the ones that have no row: a restore, or going back, replaces the record itself, a box that runs is no
change."""

WITHOUT_DELAY = frozenset({"access", "audit", "backup", "export", "forget", "held", "list", "confirm-clock"})
"""These go on although the row cannot be written: they change nothing, or carry out a right of a customer."""

SHOWN = frozenset(
    """accept_changed_data accept_smaller_log days device display key_id kind name off old overlap_hours pack
    page prepare replace restart role roles scene scopes scope seed site sites status templates version""".split()  # noqa: SIM905
)
"""Options of a command that its row shows; of the others nothing is kept."""


@contextmanager
def watched(log: SecurityLog, scopes: Sequence[str] | None) -> Iterator[None]:
    """Note an administrative request that was carried out, and a refusal whose Problem has a `security_event`."""
    try:
        yield
    except Problem as error:
        if error.security_event:
            _note(log, error.security_event, code=error.code)
        raise
    if scopes and request.method != "GET" and ADMINISTRATION.intersection(scopes):
        _note(log, "administration")


def _note(log: SecurityLog, event: str, **facts: str) -> None:
    caller = request.environ.get("usual.caller")
    tenant, key_id = (caller.tenant, caller.key_id) if isinstance(caller, Caller) else ("", "")
    log.note(event, tenant=tenant, key_id=key_id, route=route_of(request), **facts)


def user() -> str:
    """Who works at the command line: the user of the machine, and whose rights they took (sudo)."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user without a name
        name = str(os.geteuid())
    before = os.environ.get("SUDO_USER", "")
    return f"{before} as {name}" if before and before != name else name


def watch_command(context: click.Context, home: Path) -> None:
    """Note an administrative command on the state folder `home`: a row in the record before it works, a line in
    the security log at its end.

    Raises ClickException: the row cannot be written, and the command has to wait for that.
    """
    words = context.command_path.split()
    if not COMMANDS.intersection(words):
        return

    def note() -> None:
        if home.is_dir():
            log = SecurityLog.of(home, system_clock, Config.from_environment().security_log)
            tenant = str(context.params.get("tenant") or "")
            log.note("command", tenant=tenant, command=" ".join(words[-3:]), user=user())

    context.call_on_close(note)
    if not WITHOUT_ROW.intersection(words):
        context.with_resource(_in_the_record(context, home, words))


@contextmanager
def _in_the_record(context: click.Context, home: Path, words: Sequence[str]) -> Iterator[None]:
    """Around a command: its row. One for each command, also where it calls another one."""
    root = context.find_root()
    if root.meta.get(ROW):
        yield
        return
    route = "usual " + " ".join(words[1:])
    begun = _begin(
        home, route, str(context.params.get("tenant") or ""), must=not WITHOUT_DELAY.intersection(words)
    )
    root.meta[ROW] = True
    state, why = "failed", ""
    try:
        yield
        state = "done"
    except (click.exceptions.Exit, SystemExit) as ended:
        code = ended.exit_code if isinstance(ended, click.exceptions.Exit) else ended.code
        state = "failed" if code else "done"
        raise
    except (click.ClickException, click.Abort) as error:
        state, why = "refused", type(error).__name__
        raise
    finally:
        root.meta.pop(ROW, None)
        if begun is not None:
            shown = {
                name: value for name, value in context.params.items() if name in SHOWN and value not in _UNSAID
            }
            _end(home, begun, state, why, context.params, shown)


ROW = "usual.row"
_UNSAID: tuple[object, ...] = (None, "", (), False)


def _begin(home: Path, route: str, tenant: str, *, must: bool) -> tuple[str, str] | None:
    """Tenant and id of the new row; None where there is no folder yet, or the row may be missing."""
    if not home.is_dir() or not any((home / name).exists() for name in ("access.db", "replies.key")):
        return None
    try:
        with _record_of(home) as record:
            return tenant, record.begin(tenant, f"command:{user()}", route, kind=COMMAND, scopes=("operate",))
    except (Problem, sqlite3.Error, OSError) as error:
        if not must:
            return None
        why = error.detail if isinstance(error, Problem) else str(error)
        raise click.ClickException(f"Nothing was done: it cannot be put on record. {why}") from error


def _end(
    home: Path,
    begun: tuple[str, str],
    state: str,
    why: str,
    params: Mapping[str, object],
    shown: Mapping[str, object],
) -> None:
    tenant, change_id = begun
    subject = " ".join(str(params[name]) for name in ("scene", "name", "key_id", "page") if params.get(name))
    # The command is done; its row stays open, and is closed as "unknown" later.
    with suppress(Problem, sqlite3.Error, OSError), _record_of(home) as record:
        record.end(tenant, change_id, state, why, subject=subject, later=shown or None)


@contextmanager
def _record_of(home: Path) -> Iterator[ChangeRecord]:
    """The record of the state folder `home`, closed afterwards: the command itself may want it alone."""
    from plumbing.storage.state import State  # `usual --help` stays quick

    settings = Config.from_environment()
    database = State(home, settings.database, settings.keys_database).database("access", migrations)
    try:
        yield record_of(database, home, settings.changes_days)
    finally:
        database.close()


def record_of(database: Database, home: Path, keep_days: int) -> ChangeRecord:
    """The record in the `access` database of a state folder."""
    from cryptography.fernet import Fernet

    key = record_key(load_or_create_secret(home / REPLIES, Fernet.generate_key()))
    return ChangeRecord(database, system_clock, key, keep_days)
