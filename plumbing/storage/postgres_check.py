"""What an operator should know of a PostgreSQL server before it keeps the state; and how deleted rows leave it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql

from plumbing.storage.postgres_roles import ROLES
from plumbing.storage.postgres_setup import LEAST_VERSION, connected, without_password
from plumbing.storage.postgres_statements import named

Raw = psycopg.Connection[dict[str, Any]]

KEEPS = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply")}
"""Settings without which an acknowledged write can be lost with the power, and their good values."""

LOGS = {
    "log_statement": ("none",),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
    "log_error_verbosity": ("terse",),
    "debug_print_parse": ("off",),
    "debug_print_plan": ("off",),
}
"""Settings that write the content of rows into the server's log, and the values with which they do not."""

_TABLES = (
    "SELECT n.nspname AS schema, c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS guarded,"
    " EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant'"
    " AND NOT a.attisdropped) AS of_tenants,"
    " EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_tenant') AS has_policy,"
    " pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname LIKE 'usual\\_%' ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and a sentence about it."""

    good: bool
    what: str
    says: str


def look(url: str, keys_url: str | None) -> list[Finding]:
    """All findings. Raises DatabaseUnusable when there is no way in."""
    with connected(url) as raw:
        found = [*_server(raw, url), *_roles(raw), *_tables(raw), *_settings(raw)]
        found.append(_keys(raw, keys_url))
    return found


def _server(raw: Raw, url: str) -> Iterator[Finding]:
    version = raw.info.server_version // 10_000
    late = version >= LEAST_VERSION
    yield Finding(
        late, "version", f"PostgreSQL {version}" + ("" if late else f"; Usual needs {LEAST_VERSION} or later")
    )
    encoding = raw.info.parameter_status("server_encoding") or ""
    yield Finding(
        encoding == "UTF8",
        "encoding",
        encoding if encoding == "UTF8" else f"{encoding}; make a database with ENCODING 'UTF8'",
    )
    copy = _one(raw, "SELECT pg_is_in_recovery() AS value")
    yield Finding(
        not copy,
        "writes",
        "a read-only copy; name the primary server" if copy else f"{without_password(url)} takes them",
    )


def _roles(raw: Raw) -> Iterator[Finding]:
    login = str(_one(raw, "SELECT current_user AS value"))
    mine = []
    for role in ROLES:
        if _one(raw, "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s) AS value", role) and _one(
            raw, "SELECT pg_has_role(current_user, %s, 'MEMBER') AS value", role
        ):
            mine.append(role)
    needed = "usual_access" in mine and len(mine) >= 2
    yield Finding(
        needed,
        "roles",
        f"{login} may act as {', '.join(mine)}"
        if needed
        else f"{login} may act as {', '.join(mine) or 'none of ours'}; run what `usual database roles` prints",
    )
    above = _one(raw, "SELECT rolsuper OR rolbypassrls AS value FROM pg_roles WHERE rolname = current_user")
    yield Finding(
        not above,
        "login",
        f"{login} is an administrator, whom nothing holds back; give Usual a login of its own"
        if above
        else f"{login} is no administrator",
    )
    crossed = [
        f"{row['role']} in {row['other']}"
        for row in raw.execute(
            "SELECT m.role, o.other FROM unnest(%s::text[]) m(role) CROSS JOIN unnest(%s::text[]) o(other)"
            " WHERE m.role <> o.other AND to_regrole(m.role) IS NOT NULL AND to_regrole(o.other) IS NOT NULL"
            " AND pg_has_role(m.role, o.other, 'MEMBER')",
            (list(ROLES), list(ROLES)),
        )
    ]
    yield Finding(
        not crossed,
        "halves",
        f"one role is a member of another: {', '.join(crossed)}; REVOKE it"
        if crossed
        else "neither reads the other's",
    )


def _tables(raw: Raw) -> Iterator[Finding]:
    tables = raw.execute(_TABLES.encode()).fetchall()
    if not tables:
        yield Finding(True, "tables", "none yet; the first `usual serve` makes them")
        return
    newest = []
    for schema in sorted({row["schema"] for row in tables if row["name"] == "_sqlite_migrations"}):
        newest += _versions(raw, schema)
    yield Finding(
        True, "tables", f"{len(tables)}; last steps: {', '.join(newest) or 'not readable with this login'}"
    )
    open_to_all = [
        f"{row['schema']}.{row['name']}"
        for row in tables
        if row["of_tenants"] and not (row["guarded"] and row["has_policy"])
    ]
    yield Finding(
        not open_to_all,
        "row-level security",
        f"missing on {', '.join(open_to_all)}; start `usual serve` once"
        if open_to_all
        else f"on all {sum(row['of_tenants'] for row in tables)} tables with rows of tenants",
    )
    foreign = [f"{row['schema']}.{row['name']}" for row in tables if row["owner"] not in ROLES]
    yield Finding(
        not foreign,
        "owners",
        f"not ours: {', '.join(foreign)}; ALTER TABLE ... OWNER TO the role of their schema"
        if foreign
        else "ours",
    )


def _versions(raw: Raw, schema: str) -> list[str]:
    """The last step of each set of migrations, where this login may read it."""
    text = sql.SQL(
        "SELECT DISTINCT ON (migration_set) migration_set AS set, name FROM {} ORDER BY migration_set, id DESC"
    ).format(sql.Identifier(schema, "_sqlite_migrations"))
    try:
        with raw.transaction():
            raw.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(_owner(schema))))
            return [f"{row['set']} {row['name']}" for row in raw.execute(text)]
    except psycopg.Error:
        return []


def _owner(schema: str) -> str:
    """The role of a schema: `usual_identity_moments` belongs to `usual_identity`."""
    return "_".join(schema.split("_")[:2])


def _settings(raw: Raw) -> Iterator[Finding]:
    for names, why in ((KEEPS, "an acknowledged write may be lost with the power"), (LOGS, "the log shows rows")):
        for name, good in names.items():
            value = _one(raw, "SELECT current_setting(%s, true) AS value", name)
            if value is None:  # of a later version
                continue
            fine = value in good
            yield Finding(fine, name, value if fine else f"{value}: {why}; set it to {good[0]}")


def _keys(raw: Raw, keys_url: str | None) -> Finding:
    if keys_url is None:
        return Finding(True, "keys", "in a file of the home, which every machine needs a copy of")
    place = "SELECT current_database() || ' ' || coalesce(inet_server_addr()::text, '') || ' ' ||"
    place += " pg_postmaster_start_time()::text AS value"
    with connected(keys_url, "USUAL_KEYS_DATABASE") as keys:
        if _one(keys, place) == _one(raw, place):
            return Finding(False, "keys", "in the same database as the state; give them one of their own")
    return Finding(True, "keys", f"in {without_password(keys_url)}")


def _one(raw: Raw, query: str, *values: object) -> Any:
    row = raw.execute(query.encode(), values).fetchone()
    return None if row is None else row["value"]


# --- what is in it


def tables_in(url: str) -> list[tuple[str, str, tuple[tuple[str, str], ...], int]]:
    """Schema, name, (column, type) and the number of rows of each of our tables. Raises DatabaseUnusable."""
    with connected(url) as raw:
        return [
            (row["schema"], row["name"], _columns(raw, row["schema"], row["name"]), _rows(raw, row))
            for row in raw.execute(_TABLES.encode()).fetchall()
        ]


def _columns(raw: Raw, schema: str, name: str) -> tuple[tuple[str, str], ...]:
    rows = raw.execute(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        " WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        (schema, name),
    )
    return tuple((row["name"], row["type"]) for row in rows)


def _rows(raw: Raw, table: dict[str, Any]) -> int:
    with _as_owner(raw, table):
        count = sql.SQL("SELECT count(*) AS value FROM {}").format(sql.Identifier(table["schema"], table["name"]))
        found = raw.execute(count).fetchone()
    return 0 if found is None else int(found["value"])


@contextmanager
def _as_owner(raw: Raw, table: dict[str, Any]) -> Iterator[None]:
    """Inside, this login acts as the owner of a table, for all tenants."""
    try:
        raw.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(table["owner"])))
        raw.execute("SET usual.tenant = '*'")
        yield
        raw.execute("RESET ROLE")
    except psycopg.Error as error:
        raise named(error) from error


def copy_rows(url: str, folder: Path) -> None:
    """Write the rows of every table of ours into a file of `folder`, as the server gives them out in binary: for a
    search. Raises DatabaseUnusable, DiskFull."""
    with connected(url) as raw:
        for row in raw.execute(_TABLES.encode()).fetchall():
            table = sql.Identifier(row["schema"], row["name"])
            text = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT binary)").format(table)
            path = folder / f"{row['schema']}.{row['name']}.db"
            with path.open("wb") as file, _as_owner(raw, row), raw.cursor().copy(text) as rows:
                for part in rows:
                    file.write(part)


# --- what was deleted


def vacuum(url: str, show: Callable[[str, float], None]) -> int:
    """VACUUM FULL of our tables, each as its owner; returns how many. `show` gets a name and the share done.

    Raises DatabaseUnusable, DatabaseBusy, DiskFull.
    """
    with connected(url) as raw:
        tables = raw.execute(_TABLES.encode()).fetchall()
        for number, row in enumerate(tables):
            show(row["name"], number / len(tables))
            with _as_owner(raw, row):
                raw.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(row["schema"], row["name"])))
        return len(tables)


def checkpoint(url: str) -> bool:
    """Ask the server to write everything to its tables; False when this login may not."""
    with connected(url) as raw:
        try:
            raw.execute("CHECKPOINT")
        except errors.InsufficientPrivilege:
            return False
    return True
