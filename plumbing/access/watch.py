"""What of a request or a command belongs in the security log."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from flask import request

from plumbing.access.access import Caller, route_of
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.security.log import SecurityLog
from plumbing.settings import Config

ADMINISTRATION = frozenset({"train", "privacy", "admin"})
"""Scopes with which a request changes how the installation works, or what it holds of a person."""

COMMANDS = frozenset(
    {
        "access",
        "audit",
        "backup",
        "calibrate",
        "confirm-clock",
        "edge",
        "export",
        "forget",
        "held",
        "import",
        "publish",
        "restore",
        "retire",
        "rollback",
        "rotate",
        "sign",
        "train",
    }
)
"""Words of commands that are administration; `usual keys` notes each key by itself."""


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
    """Note at its end that an operator ran an administrative command on the state folder `home`."""
    words = context.command_path.split()
    if not COMMANDS.intersection(words):
        return

    def note() -> None:
        if home.is_dir():
            log = SecurityLog.of(home, system_clock, Config.from_environment().security_log)
            tenant = str(context.params.get("tenant") or "")
            log.note("command", tenant=tenant, command=" ".join(words[-3:]), user=user())

    context.call_on_close(note)
