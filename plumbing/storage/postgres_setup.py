"""Makes what a part needs in PostgreSQL: its role, its schema, its tables in the order of the migrations, and the
rule that a session sees the rows of its tenant only.

Each half has a role of its own that owns its schemas and may read no other's. Who connects is a member of the
roles that it needs: for both halves in one process of all of them, for a half in a process of its own of that
half's and of `usual_access`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import DatabaseUnusable
from plumbing.storage.postgres import CLASS, schema_of
from plumbing.storage.postgres_statements import errors_named
from plumbing.storage.sql import for_postgres

LEAST_VERSION = 13
SETTING_UP = 1  # the advisory lock of who makes tables
OPENING_S = 30
UNREADABLE = "postgresql://..."
NO_ADDRESS = (
    "cannot be read as an address. One looks like postgresql://user@host:5432/name; signs such as"
    " @ and / in a password are written as %40 and %2F."
)


def role_of(name: str) -> str:
    """The role of a part: "identity-moments" belongs to `usual_identity`."""
    return f"usual_{name.split('-')[0]}"


def prepare(url: str, name: str, migrations: Sequence[Migrations], *, logged: bool) -> str:
    """Make the schema and the tables of a part, or bring them up to date; returns its role. Two processes may call
    it at once.

    Raises:
        DatabaseUnusable: a wrong address, an older server, no rights, or tables of a newer version.
    """
    role, schema = role_of(name), schema_of(name)
    with connected(url) as raw:
        _check_server(raw, url)
        with errors_named(), raw.transaction():
            raw.execute(f"SELECT pg_advisory_xact_lock({CLASS}, {SETTING_UP})".encode())
            _role(raw, role)
            _schema(raw, schema, role)
            raw.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            raw.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
            if not logged:
                raw.execute("SET LOCAL synchronous_commit = off")
            _migrate(raw, migrations, logged=logged)
            _only_own_tenant(raw, schema)
            raw.execute("CREATE TABLE IF NOT EXISTS probe (seen BIGINT NOT NULL)")
            raw.execute("INSERT INTO probe SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM probe)")
    return role


@contextmanager
def connected(url: str, setting: str = "USUAL_DATABASE") -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection outside of the pool; `setting` says where the address comes from. Raises DatabaseUnusable."""
    try:
        raw = psycopg.connect(url, autocommit=True, connect_timeout=5, row_factory=dict_row)
    except (psycopg.Error, ValueError) as error:
        named = without_password(url)
        if named == UNREADABLE or not isinstance(error, psycopg.OperationalError):
            raise DatabaseUnusable(f"{setting} {NO_ADDRESS}") from None  # its text may show a part of the password
        raise DatabaseUnusable(
            f"{setting} ({named}) cannot be reached: {_why(error, url)}. Check the address and the password."
        ) from None
    with raw:
        raw.execute(f"SET lock_timeout = '{OPENING_S}s'".encode())
        yield raw


def without_password(url: str) -> str:
    """An address for a message: no password, no options."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return UNREADABLE
    if parts.netloc.count("@") > 1 or "@" in parts.path:  # a password that is not quoted
        return UNREADABLE
    return f"{parts.scheme}://{parts.hostname or ''}{f':{port}' if port else ''}{parts.path}"


def _why(error: psycopg.Error, url: str) -> str:
    """What the server or the network says, in one line and without the password."""
    text = str(error).strip()
    said = text.splitlines()[0] if text else type(error).__name__
    secret = urlsplit(url).password
    for one in filter(None, (secret, unquote(secret or ""))):
        said = said.replace(one, "...")
    return said.rpartition("failed: ")[2].removeprefix("FATAL:  ").strip().rstrip(".")


def _check_server(raw: psycopg.Connection[dict[str, Any]], url: str) -> None:
    version = raw.info.server_version // 10_000
    if version < LEAST_VERSION:
        raise DatabaseUnusable(f"The server is PostgreSQL {version}. Usual needs {LEAST_VERSION} or later.")
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise DatabaseUnusable(f"{without_password(url)} is encoded in {encoding}. Make it with ENCODING 'UTF8'.")
    found = raw.execute("SELECT pg_is_in_recovery() AS copy").fetchone()
    if found is not None and found["copy"]:
        raise DatabaseUnusable(f"{without_password(url)} is a read-only copy. Name the primary server.")


def _role(raw: psycopg.Connection[dict[str, Any]], role: str) -> None:
    """The role, made if this login may; this login is a member of it. Raises DatabaseUnusable."""
    name = sql.Identifier(role)
    mine = raw.execute(
        "SELECT r.rolsuper OR r.rolcreaterole AS makes, r.rolname AS login,"
        " EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s) AS there"
        " FROM pg_roles r WHERE rolname = current_user",
        (role,),
    ).fetchone()
    assert mine is not None
    if not mine["there"]:
        if not mine["makes"]:
            raise DatabaseUnusable(_lacks(mine["login"], role))
        raw.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    member = raw.execute("SELECT pg_has_role(current_user, %s, 'MEMBER') AS yes", (role,)).fetchone()
    if member is not None and not member["yes"]:
        if not mine["makes"]:
            raise DatabaseUnusable(_lacks(mine["login"], role))
        raw.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))


def _lacks(login: str, role: str) -> str:
    return (
        f"The role {login} may not act as {role}. Run what `usual database roles` prints as an administrator,"
        f" then GRANT {role} TO {login}."
    )


def _schema(raw: psycopg.Connection[dict[str, Any]], schema: str, role: str) -> None:
    there = raw.execute(
        "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = %s", (schema,)
    ).fetchone()
    if there is None:
        raw.execute(
            sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(role))
        )
    elif there["owner"] != role:
        raise DatabaseUnusable(f"The schema {schema} belongs to {there['owner']}. It must belong to {role}.")


class _Steps:
    """What a migration works with: the calls of sqlite-utils that ours use, on PostgreSQL."""

    def __init__(self, raw: psycopg.Connection[dict[str, Any]], *, logged: bool) -> None:
        self._raw = raw
        self._logged = logged

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> psycopg.Cursor[tuple[Any, ...]]:
        text = for_postgres(statement)
        if not self._logged and text.startswith("CREATE TABLE"):
            text = "CREATE UNLOGGED TABLE" + text[len("CREATE TABLE") :]
        cursor = self._raw.cursor(row_factory=psycopg.rows.tuple_row)
        if parameters is None:
            return cursor.execute(text.replace("%%", "%").encode())
        return cursor.execute(text.encode(), list(parameters))

    def query(self, statement: str, params: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        return self._raw.execute(for_postgres(statement).encode(), list(params or ())).fetchall()

    def atomic(self) -> AbstractContextManager[Any]:
        return self._raw.transaction()

    def __getitem__(self, table: str) -> _Applied:
        return _Applied(self._raw, table)


@dataclass(frozen=True)
class _Index:
    columns: list[str]


class _Applied:
    """The table in which sqlite-utils notes the migrations that were applied."""

    def __init__(self, raw: psycopg.Connection[dict[str, Any]], name: str) -> None:
        self._raw = raw
        self._name = sql.Identifier(name)

    @property
    def pks(self) -> list[str]:
        return ["id"]

    @property
    def indexes(self) -> list[_Index]:
        return [_Index(["migration_set", "name"])]

    def exists(self) -> bool:
        found = self._raw.execute("SELECT to_regclass(%s) AS table", (self._name.as_string(),)).fetchone()
        return found is not None and found["table"] is not None

    def create(self, columns: dict[str, type], pk: str) -> None:
        self._raw.execute(
            sql.SQL(
                "CREATE TABLE {} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, migration_set TEXT NOT NULL,"
                " name TEXT NOT NULL, applied_at TEXT NOT NULL, UNIQUE (migration_set, name))"
            ).format(self._name)
        )

    def create_index(self, columns: Sequence[str], *, unique: bool) -> None:
        """It is made with the table."""

    def rows_where(self, where: str, values: Sequence[Any], order_by: str) -> Iterable[dict[str, Any]]:
        return self._raw.execute(
            sql.SQL("SELECT * FROM {} WHERE migration_set = %s ORDER BY id").format(self._name), list(values)
        ).fetchall()

    def insert(self, row: dict[str, str]) -> None:
        self._raw.execute(
            sql.SQL("INSERT INTO {} (migration_set, name, applied_at) VALUES (%s, %s, %s)").format(self._name),
            [row["migration_set"], row["name"], row["applied_at"]],
        )


def _migrate(raw: psycopg.Connection[dict[str, Any]], migrations: Sequence[Migrations], *, logged: bool) -> None:
    steps = cast(Utils, _Steps(raw, logged=logged))
    for one in migrations:
        applied = {found.name for found in one.applied(steps)}
        if newer := sorted(applied - {step.name for step in one._migrations}):
            raise DatabaseUnusable(
                f"The tables are of a newer version of Usual ({one.name}: {newer[-1]}). Update this machine first."
            )
        one.apply(steps)


def _only_own_tenant(raw: psycopg.Connection[dict[str, Any]], schema: str) -> None:
    """Row-level security on every table with a tenant, for its owner too. Costs one comparison for each row."""
    tables = raw.execute(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'"
        " WHERE n.nspname = %s AND c.relkind = 'r' AND NOT c.relrowsecurity",
        (schema,),
    ).fetchall()
    for table in tables:
        name = sql.Identifier(schema, table["name"])
        raw.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
        raw.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name))
        raw.execute(
            sql.SQL(
                "CREATE POLICY own_tenant ON {} USING ((SELECT current_setting('usual.tenant', true)) = '*'"
                " OR tenant IN ((SELECT current_setting('usual.tenant', true)), '')"
                " AND (SELECT current_setting('usual.tenant', true)) <> '')"
            ).format(name)
        )
