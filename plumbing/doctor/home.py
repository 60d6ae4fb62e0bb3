"""The state folder: whose it is, its keys, its databases."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from plumbing.access.token_keys import read_lines
from plumbing.backup.contents import READY
from plumbing.configuration.file import Found
from plumbing.configuration.reference import is_secret
from plumbing.doctor.finding import Finding, remark, well, wrong
from plumbing.problem import Problem
from plumbing.settings import Config
from plumbing.storage.files import UMASK, is_home
from plumbing.storage.moved import MOVED, UNFINISHED
from plumbing.upgrade.formats import changes

KEYS = ("token.key", "replies.key", "people.key")
"""Without these no server starts as the one that it was."""


def look(config: Config) -> Iterator[Finding]:
    """Every finding about the state folder and its database."""
    if not is_home(config.home):
        mend = f"Name the right one with --home or USUAL_HOME, or make one: usual init --home {config.home}"
        yield wrong("state folder", f"{config.home} is none", mend)
        return
    yield folder(config.home)
    yield formats(config.home)
    yield permissions(config.home)
    yield keys(config.home)
    yield from server(config) if config.database else databases(config.home)
    if config.database and not config.keys_database:
        mend = "Set `keys_database` to another database, which no backup of the state contains."
        yield remark("keys of customers", "they are files of this folder, while the state is on a server", mend)
    if config.tombstones is None:
        mend = "Set `tombstones` to a folder on another disk."
        yield remark("erasures", "they are remembered on the same disk as the state", mend)


def folder(home: Path) -> Finding:
    """Whether something was begun here and not ended."""
    if (home / MOVED).exists():
        return wrong("state folder", "its content was moved elsewhere", "Set `database` or `home` as it is now.")
    if (home / UNFINISHED).exists():
        return wrong("state folder", "a move to it did not end", "Give the same `usual move` again: it goes on.")
    if (home / READY).exists():
        return wrong("state folder", "a restore did not end", "Any other command goes on with it: usual keys list")
    return well("state folder", str(home.resolve()))


def formats(home: Path) -> Finding:
    """Whether the files are of the formats of this release."""
    try:
        due = changes(home)
    except Problem as error:
        return wrong("formats", error.detail, "Start the newer release.")
    if due:
        mend = "Stop the server of the older release; this one upgrades at its start, after a copy: usual upgrade"
        return remark("formats", f"of an older release: {', '.join(change.file for change in due)}", mend)
    return well("formats", "those of this release")


def permissions(home: Path) -> Finding:
    """Whether this user owns everything, and nobody else can read it."""
    foreign = open_ = 0
    for place, folders, files in os.walk(home):
        for path in (Path(place), *(Path(place, name) for name in (*folders, *files))):
            try:
                seen = path.stat()
            except OSError:
                continue
            foreign += seen.st_uid != os.geteuid()
            open_ += bool(stat.S_IMODE(seen.st_mode) & UMASK)
    if foreign:
        mend = f"Work as the user who owns the folder, or hand it over: chown -R {os.geteuid()} {home}"
        return wrong("permissions", f"{foreign} files and folders belong to other users", mend)
    if open_:
        return wrong("permissions", f"{open_} files and folders are open to others", f"chmod -R go= {home}")
    return well("permissions", "its owner alone can read it")


def keys(home: Path) -> Finding:
    """Whether the keys of the house are there and can be used."""
    missing = [name for name in KEYS if not (home / name).is_file()]
    if missing:
        mend = "Put them back from the file of keys: usual restore --keys FILE. A new key opens nothing of before."
        return wrong("keys", f"missing: {', '.join(missing)}", mend)
    empty = [name for name in KEYS if not (home / name).stat().st_size]
    try:
        read_lines((home / KEYS[0]).read_bytes())
    except (Problem, OSError, ValueError):
        empty.append(KEYS[0])
    if empty:
        return wrong(
            "keys", f"damaged: {', '.join(sorted(set(empty)))}", "Put them back: usual restore --keys FILE"
        )
    return well("keys", ", ".join(KEYS))


def databases(home: Path) -> Iterator[Finding]:
    """Whether each database of the folder can be read and is whole."""
    for path in sorted(home.glob("*.db")):
        what = f"database {path.name}"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
                said = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        except sqlite3.Error as error:
            said = [str(error)]
        if said == ["ok"]:
            yield well(what, f"whole, {path.stat().st_size / 1e6:.1f} MB")
        else:
            mend = "Stop the server, keep a copy of the folder, and go back to a backup: usual restore"
            yield wrong(what, said[0], mend)


def server(config: Config) -> Iterator[Finding]:
    """What `usual database check` says of PostgreSQL."""
    from plumbing.storage import postgres_check

    assert config.database is not None
    try:
        found = postgres_check.look(config.database, config.keys_database)
    except Problem as error:
        yield wrong("database", error.detail, "Start PostgreSQL, and look at `database` (USUAL_DATABASE).")
        return
    for one in found:
        what = f"database, {one.what}"
        yield well(what, one.says) if one.good else wrong(what, one.says, "See docs/operations.md.")


def settings_file(found: Found) -> Finding:
    """Whether a settings file with secrets in it is closed to others."""
    if found.path is None:
        return well("settings file", "none; variables and defaults")
    secrets = [key for key in found.values if is_secret(Config.model_fields[key])]
    if secrets and found.path.stat().st_mode & 0o077:
        says = f"{found.path} holds {', '.join(secrets)}, and others can read it"
        return wrong("settings file", says, f"chmod 600 {found.path}")
    return well("settings file", str(found.path))
