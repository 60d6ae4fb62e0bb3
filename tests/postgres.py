"""A PostgreSQL server for the tests: the one that USUAL_TEST_DATABASE names, else one that is started here.

Every test gets a database of its own, copied from one in which all tables are made: that takes 50 ms.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg
from filelock import FileLock

BINARIES = Path("/usr/lib/postgresql")
WANTED = "PostgreSQL is not installed: apt install postgresql"


def binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`; None where PostgreSQL is not installed."""
    newest = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if newest:
        return newest[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


class Server:
    """A server in a folder, reached through a socket in it. The user `postgres` runs it when root starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def start(self, *options: str) -> None:
        """Make it if it is not there, and start it; returns when it answers."""
        if not self.data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                user = pwd.getpwnam("postgres")
                for place in (self.folder, *self.folder.parents):  # the server's user must be able to enter
                    if place.stat().st_uid == 0 and place not in (Path("/"), Path("/tmp"), Path("/dev/shm")):
                        with suppress(OSError):
                            place.chmod(place.stat().st_mode | 0o011)
                os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._run("initdb", "-D", str(self.data), "-A", "trust", "-E", "UTF8", "--locale=C", "-U", "postgres")
        settings = " ".join((f"-k {self.folder} -c listen_addresses='' -c max_connections=300", *options))
        self._run("pg_ctl", "-D", str(self.data), "-o", settings, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; "immediate" is as if the power went."""
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None, WANTED
        command = [str(folder / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, capture_output=True, cwd="/")


@contextmanager
def shared_server(folder: Path) -> Iterator[Server]:
    """One server for all processes of a run, in `folder`: the first starts it, the last one stops it."""
    folder.mkdir(parents=True, exist_ok=True)
    users = folder / "users"
    server = Server(folder / "pg")
    with FileLock(folder / "lock"):
        users.mkdir(exist_ok=True)
        if not any(users.iterdir()):
            server.start("-c fsync=off -c full_page_writes=off")
        (mine := users / secrets.token_hex(6)).touch()
    try:
        yield server
    finally:
        with FileLock(folder / "lock"):
            mine.unlink()
            if not any(users.iterdir()):
                server.stop()


@contextmanager
def database(url: str, template: str = "template1") -> Iterator[str]:
    """A database of its own on the server of `url`, dropped afterwards; gives its address."""
    name = f"usual_test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def away(url: str) -> Iterator[None]:
    """Inside, the database of `url` does not answer: as if its server had been killed, for this one alone."""
    name, server = urlsplit(url).path[1:], urlsplit(url)._replace(path="/postgres").geturl()

    def answers(yes: bool) -> None:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {yes}")
            if not yes:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    answers(False)
    try:
        yield
    finally:
        answers(True)


def log_of(url: str) -> Path | None:
    """The log of a server that the tests started; None of another one."""
    host = dict(parse_qsl(urlsplit(url).query)).get("host", "")
    return path if host.startswith("/") and (path := Path(host) / "log").exists() else None


class Spare:
    """Databases that are emptied and used again: a fifth of what it costs to make one."""

    def __init__(self, url: str, template: str) -> None:
        self._url = url
        self._template = template
        self._free: list[str] = []
        self._all: list[str] = []
        self._shape: tuple[object, ...] | None = None
        self._admin = psycopg.connect(url, autocommit=True)

    def take(self, like: str | None = None) -> str:
        """The address of an empty one, or of a copy of another one that nobody has open."""
        if like is None and self._free:
            return self._free.pop()
        name = f"usual_test_{secrets.token_hex(6)}"
        template = self._template if like is None else self._left_alone(urlsplit(like).path[1:])
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        self._all.append(name)
        url = urlsplit(self._url)._replace(path=f"/{name}").geturl()
        if self._shape is None:
            with psycopg.connect(url) as own:
                self._shape = own.execute(_SHAPE).fetchone()
        return url

    def _left_alone(self, name: str) -> str:
        """Nobody is connected to it any more: PostgreSQL copies no other."""
        self._admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        return name

    def give_back(self, url: str) -> None:
        """Empty one; it is dropped when its tables or triggers are not those of the template any more."""
        name = self._left_alone(urlsplit(url).path[1:])
        with psycopg.connect(url, autocommit=True) as own:
            row = own.execute(_EMPTIED).fetchone()
            assert row is not None
            own.execute(row[0])
            shape = own.execute(_SHAPE).fetchone()
        if shape == self._shape:
            self._free.append(url)
        else:
            self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            self._all.remove(name)

    def close(self) -> None:
        """Drop them."""
        for name in self._all:
            self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        self._admin.close()


# Without triggers: one keeps the ledger from being deleted.
_EMPTIED = (
    "SELECT 'SET session_replication_role = replica; ' || string_agg(format('DELETE FROM %I.%I',"
    " schemaname, tablename), '; ') FROM pg_tables WHERE schemaname LIKE 'usual%'"
    " AND tablename NOT IN ('_sqlite_migrations', 'probe')"
)
_SHAPE = (
    "SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname LIKE"
    " 'usual%'), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_policy),"
    " (SELECT count(*) FROM pg_attribute)"
)


@contextmanager
def spare_databases(url: str, template: str) -> Iterator[Spare]:
    """Databases for the tests of one process, dropped at the end."""
    spare = Spare(url, template)
    try:
        yield spare
    finally:
        spare.close()
