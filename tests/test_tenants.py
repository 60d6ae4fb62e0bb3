"""On PostgreSQL a request sees the rows of its own tenant, and a half the tables of its own role."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors, sql

from identity.store.migrations import migrations as identity_migrations
from identity.vault.keyfile import KeyFile, master_keys
from identity.vault.vault import Vault
from identity.web.opened import passing_database as identity_moments
from plumbing import idempotency, limits
from plumbing.access import access
from plumbing.storage import postgres_roles
from plumbing.storage.database import Database, RefusedByDatabase
from plumbing.storage.state import State
from plumbing.storage.tenants import of_all, of_tenant
from recommender.store import open_database, open_moments
from tests import postgres

_TABLES = (
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname LIKE 'usual%'"
)
_CHECKS = (
    "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint"
    " WHERE contype = 'c' AND connamespace::regnamespace::text LIKE 'usual%'"
)


@pytest.fixture(scope="module")
def url(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database in which every table of every part is made."""
    home = tmp_path_factory.mktemp("parts")
    with postgres.database(postgres_url) as made:
        state = State(home, made)
        vault = Vault(KeyFile(home / "identity-keys", lambda: master_keys(home / "master.key")))
        parts = [
            state.database("identity", identity_migrations(vault)),
            identity_moments(state),
            open_database(state),
            open_moments(state),
            state.database("access", access.migrations),
            state.passing("access-moments", limits.migrations, idempotency.migrations),
        ]
        for part in parts:
            part.close()
        vault.keys.close()
        yield made


def tables(admin: psycopg.Connection[Any], having: str = "true") -> list[tuple[str, str]]:
    return [(schema, name) for schema, name in admin.execute(f"{_TABLES} AND {having} ORDER BY 1, 2".encode())]


def test_every_table_with_a_tenant_is_guarded(url: str) -> None:
    has_tenant = "EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant')"
    has_policy = "EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)"
    guarded = f"c.relrowsecurity AND c.relforcerowsecurity AND {has_policy}"
    with psycopg.connect(url, autocommit=True) as admin:
        of_tenants = tables(admin, has_tenant)
        without = set(tables(admin)) - set(of_tenants)

        assert tables(admin, guarded) == of_tenants
    assert {schema for schema, _ in of_tenants} >= {"usual_identity", "usual_recommender", "usual_access"}
    assert {name for _, name in without} <= {"_sqlite_migrations", "probe", "receipts", "secrets"}, (
        "names no tenant"
    )


def test_another_tenants_rows_are_neither_seen_nor_written(url: str) -> None:
    """In all tables of all parts, whatever a statement says; and without a tenant nothing is seen."""
    tried = 0
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")  # rows are made up: no trigger, no foreign key,
        for (statement,) in admin.execute(_CHECKS).fetchall():  # and no check
            admin.execute(statement)
        for schema, name in tables(admin):
            columns = _columns(admin, schema, name)
            if "tenant" not in columns:
                continue
            tried += 1
            table = sql.Identifier(schema, name)
            insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                table,
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.Placeholder() * len(columns)),
            )
            made_up = {"text": "x", "bigint": 1, "bytea": b"x", "double precision": 0.5}
            row = [("other" if column == "tenant" else made_up[kind]) for column, kind in columns.items()]
            admin.execute(insert, row)
            admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier("_".join(schema.split("_")[:2]))))
            count = sql.SQL("SELECT count(*) FROM {}").format(table)
            for tenant, seen in (("*", 1), ("other", 1), ("grill", 0), ("", 0), (None, 0)):
                admin.execute("SELECT set_config('usual.tenant', %s, false)", (tenant,))
                assert admin.execute(count).fetchone() == (seen,), (name, tenant)
            admin.execute("SET usual.tenant = 'grill'")
            assert admin.execute(sql.SQL("DELETE FROM {}").format(table)).rowcount == 0, name
            assert admin.execute(sql.SQL("UPDATE {} SET tenant = 'grill'").format(table)).rowcount == 0, name
            with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
                admin.execute(insert, row)
            admin.execute("RESET ROLE")
            admin.execute(sql.SQL("TRUNCATE {} CASCADE").format(table))
    assert tried > 30


def _columns(admin: psycopg.Connection[Any], schema: str, name: str) -> dict[str, str]:
    rows = admin.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        (schema, name),
    )
    return dict(iter(rows))


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("usual_identity", ("usual_identity",)),
        ("usual_recommender", ("usual_recommender",)),
        ("usual_access", ("usual_access",)),
    ],
)
def test_a_role_reads_no_other_roles_tables(url: str, role: str, allowed: tuple[str, ...]) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for schema, name in tables(admin):
            mine = schema.startswith(allowed)
            for statement in ("SELECT 1 FROM {} LIMIT 1", "DELETE FROM {} WHERE false"):
                text = sql.SQL(statement).format(sql.Identifier(schema, name))
                if mine:
                    admin.execute(text)
                else:
                    with pytest.raises(errors.InsufficientPrivilege):
                        admin.execute(text)


def test_a_login_of_one_half_cannot_become_the_other(url: str) -> None:
    """As `usual database roles` makes them: neither by SET ROLE nor by asking."""
    name = urlsplit(url).path.strip("/")
    with psycopg.connect(url, autocommit=True) as admin:
        for line in postgres_roles.statements(name, name).splitlines():
            if not line.startswith("--") and "gexec" not in line:
                admin.execute(line.encode())
    for half, other in (("identity", "recommender"), ("recommender", "identity")):
        parts = urlsplit(url)
        login = parts._replace(netloc=f"usual_{half}_login@{parts.netloc.rpartition('@')[2]}").geturl()
        with psycopg.connect(login, autocommit=True) as mine:
            mine.execute(f"SET ROLE usual_{half}".encode())
            mine.execute("SET ROLE usual_access")
            mine.execute("RESET ROLE")
            with pytest.raises(errors.InsufficientPrivilege):
                mine.execute(f"SET ROLE usual_{other}".encode())
            for schema, table in tables(mine):
                if schema.startswith(f"usual_{other}"):
                    with pytest.raises(errors.InsufficientPrivilege):
                        mine.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(schema, table)))


@pytest.fixture
def opened(url: str, tmp_path: Path) -> Iterator[Database]:
    made = open_database(State(tmp_path, url))
    yield made
    made.close()


def test_a_request_of_one_tenant_changes_no_other(opened: Database) -> None:
    """Through the stores' own calls, also inside a transaction, and after one that was undone."""
    tenant, other = secrets.token_hex(4), secrets.token_hex(4)
    insert = "INSERT INTO generations VALUES (?, 'x', 1)"
    opened.change(insert, (other,))

    with of_tenant(tenant):
        opened.change(insert, (tenant,))
        assert [row["tenant"] for row in opened.rows("SELECT tenant FROM generations WHERE tenant <> ''")] == [
            tenant
        ]
        assert opened.change("UPDATE generations SET number = 2 WHERE tenant = ? RETURNING 1", (other,)) == []
        for shared in (True, False):
            with pytest.raises(RefusedByDatabase), opened.write(shared=shared) as connection:
                connection.execute(insert, (other,))
        with opened.write() as connection:
            with of_all():
                assert connection.execute("SELECT count(*) FROM generations").fetchone()[0] >= 2
            assert connection.execute("DELETE FROM generations WHERE tenant = ?", (other,)).rowcount == 0
        with suppress(ZeroDivisionError), opened.write() as connection, of_all():
            connection.execute(insert, ("x" + other,))
            raise ZeroDivisionError
        assert {row["tenant"] for row in opened.each("SELECT tenant FROM generations")} - {""} == {tenant}
    assert opened.row("SELECT number FROM generations WHERE tenant = ?", (other,))["number"] == 1
