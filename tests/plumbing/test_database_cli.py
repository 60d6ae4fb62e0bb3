"""`usual database`, and one sentence for everything that can be wrong with a server. No password is in any."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import errors
from sqlite_utils import Database

from app import assemble, try_once
from plumbing.access import access
from plumbing.settings import Config, WrongSetting
from plumbing.storage import postgres_roles, postgres_setup
from plumbing.storage.database import DatabaseUnusable
from plumbing.storage.postgres_statements import named
from plumbing.storage.room import DiskFull
from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from tests import postgres
from tests.recommender.service_fixtures import open_world, stock
from tests.recommender.store.test_events import NOW, order

SECRET = "hush-hush"
AS_U = "postgresql://u:"  # with what follows an address, which no line of this file holds


def run(*words: str) -> Result:
    return CliRunner().invoke(assemble(), ["database", *words])


@pytest.fixture
def own(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database for a test that spoils it, and the setting that names it."""
    with postgres.database(postgres_url) as url:
        monkeypatch.setenv("USUAL_DATABASE", url)
        yield url


def opened(url: str, home: Path) -> None:
    State(home, url).database("access", access.migrations).close()


def test_without_a_server_there_is_nothing_to_check() -> None:
    for command in ("check", "vacuum"):
        done = run(command)
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
        assert "USUAL_DATABASE is not set" in done.output
    assert "CREATE ROLE usual_identity NOLOGIN" in run("roles").output


def test_check_names_what_is_wrong_and_how_to_mend_it(own: str, tmp_path: Path) -> None:
    opened(own, tmp_path)

    done = run("check")

    assert done.exit_code == 1
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert "is an administrator" in lines["WRONG  login"]
    assert "set it to on" in lines["WRONG  fsync"], "the server of the tests may lose writes"
    assert "set it to terse" in lines["WRONG  log_error_verbosity"]
    assert "on all" in lines["ok     row-level security"]
    with closing(Database(memory=True)) as empty:
        newest = access.migrations.pending(empty)[-1].name
    assert f"access {newest}" in lines["ok     tables"]
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute("DROP POLICY own_tenant ON usual_access.keys")
    assert "missing on usual_access.keys" in run("check").stdout


def test_check_finds_keys_beside_the_state(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also under another name of the same place."""
    parts = urlsplit(own)
    monkeypatch.setenv("USUAL_KEYS_DATABASE", parts._replace(query=f"{parts.query}&port=5432&x=").geturl())
    assert isinstance(run("check").exception, WrongSetting)
    again = f"{own}/." if "?host=/" in own else own.replace("127.0.0.1", "localhost")
    monkeypatch.setenv("USUAL_KEYS_DATABASE", again)
    assert "in the same database as the state" in run("check").stdout


def test_vacuum_takes_deleted_bytes_out_of_the_tables(own: str, tmp_path: Path) -> None:
    stores = open_stores(RecommenderConfig(tmp_path, (), database=own))
    name = "ann-who-leaves"
    stores.events.record("grill", [order("a", "tea", customer=name)], NOW)
    stores.events.erase("grill", name, NOW)
    stores.models.close()
    stores.database.close()

    done = run("vacuum")

    assert done.exit_code == 0, done.output
    assert "checkpoint" in done.output
    with psycopg.connect(own) as admin:
        files = admin.execute(
            "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 'i', 't') AND relnamespace::regnamespace::text LIKE 'usual%'"
        )
        assert [table for table, content in files if name.encode() in bytes(content)] == []


# --- what can be wrong


def refused(url: str, tmp_path: Path) -> str:
    """The sentence with which a server of ours does not start."""
    with pytest.raises(DatabaseUnusable) as caught:
        try_once(Config(home=tmp_path, database=url))
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    assert "hush" not in said
    return said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"{AS_U}{SECRET}@127.0.0.1:1/x", r"127.0.0.1:1/x\) cannot be reached: Connection refused"),
        (f"{AS_U}{SECRET}@nowhere.invalid/x", r"nowhere.invalid/x\) cannot be reached"),
        (f"{AS_U}{SECRET}@x@127.0.0.1:1/x", "cannot be read as an address"),
        (f"{AS_U}{SECRET}/x@127.0.0.1:1/x", "cannot be read as an address"),
        (f"{AS_U}{SECRET}@h:port/x", "cannot be read as an address"),
        (f"{AS_U}{SECRET}@h/x?nonsense=1", "cannot be read as an address"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, says: str, tmp_path: Path) -> None:
    assert re.search(says, refused(url, tmp_path))


def test_a_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(
            'connection failed: connection to server at "10.0.0.1", port 5432 failed: FATAL:  password'
            f' authentication failed for user "u" ({SECRET})\nmore'
        )

    monkeypatch.setattr(psycopg, "connect", connect)
    assert 'password authentication failed for user "u"' in refused(f"{AS_U}{SECRET}@h/x", tmp_path)


def test_a_login_without_rights(own: str, tmp_path: Path) -> None:
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS usual_test_poor")
        admin.execute("CREATE ROLE usual_test_poor LOGIN")
        try:
            parts = urlsplit(own)
            poor = parts._replace(netloc=f"usual_test_poor@{parts.netloc.rpartition('@')[2]}").geturl()
            said = refused(poor, tmp_path)
            assert "usual_test_poor may not act as usual_" in said
            assert "usual database roles" in said
            for role in postgres_roles.ROLES:
                if admin.execute("SELECT to_regrole(%s)", (role,)).fetchone() != (None,):
                    admin.execute(f"GRANT {role} TO usual_test_poor".encode())
            assert "usual database" in refused(poor, tmp_path), "it may not make a schema"
        finally:
            admin.execute("DROP ROLE usual_test_poor")


def test_an_older_server(own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", 120_005)
    assert "PostgreSQL 12. Usual needs 13 or later" in refused(own, tmp_path)
    assert "WRONG  version" in run("check").stdout


def test_tables_of_a_newer_version(own: str, tmp_path: Path) -> None:
    opened(own, tmp_path)
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute(
            "INSERT INTO usual_access._sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('access', 'of_next_year', '')"
        )
    assert "a newer version of Usual (access: of_next_year)" in refused(own, tmp_path)


def test_a_database_that_is_not_utf8(own: str, tmp_path: Path) -> None:
    name = "usual_test_ascii"
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII'".encode())
        try:
            said = refused(urlsplit(own)._replace(path=f"/{name}").geturl(), tmp_path)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    assert "is encoded in SQL_ASCII. Make it with ENCODING 'UTF8'" in said


def test_a_copy_that_takes_no_writes(own: str, tmp_path: Path) -> None:
    name = urlsplit(own).path.strip("/")
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    assert "takes no writes" in refused(own, tmp_path)


def test_a_full_disk_at_the_server(own: str, tmp_path: Path) -> None:
    """Nothing is stored, and what could not be is said by its own name."""
    stores = open_stores(RecommenderConfig(tmp_path, (), database=own))
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        admin.execute("CREATE TRIGGER f BEFORE INSERT ON usual_recommender.lines EXECUTE FUNCTION full_disk()")
    with pytest.raises(DiskFull):
        stores.events.record("grill", [order("a", "tea")], NOW)
    assert stores.events.counts("grill") == {}
    stores.models.close()
    stores.database.close()


@pytest.mark.parametrize("url", ["mysql://u@h/x?password=hush-hush", "hush-hush", "sqlite:///hush-hush"])
def test_an_address_of_something_else(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_DATABASE", url)
    with pytest.raises(WrongSetting, match=r"USUAL_DATABASE: an address begins with postgresql://") as caught:
        Config.from_environment()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("keys", [f"{AS_U}x@h/u", f"{AS_U}hush-hush@h:5432/u", "postgresql:///u?host=h"])
def test_keys_in_the_database_of_the_state(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_DATABASE", f"{AS_U}x@h/u")
    monkeypatch.setenv("USUAL_KEYS_DATABASE", keys)
    with pytest.raises(WrongSetting, match=r"USUAL_KEYS_DATABASE: keys need a database of their own") as caught:
        Config.from_environment()
    assert "hush" not in str(caught.value)


def test_no_password_is_shown_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"{AS_U}{SECRET}@127.0.0.1:1/x"
    settings = Config(home=tmp_path, database=url, keys_database=url + "_keys")
    with caplog.at_level(logging.DEBUG):
        refused(url, tmp_path)
    shown = [
        repr(settings),
        str(settings),
        repr(State.of(settings)),
        repr(RecommenderConfig.of(settings)),
        caplog.text,
    ]
    assert not [text for text in shown if SECRET in text]
    assert SECRET in settings.to_environment()["USUAL_DATABASE"], "its own processes need it"


def test_errors_of_the_server_have_names_of_ours() -> None:
    assert isinstance(named(errors.DiskFull()), DiskFull)
    assert isinstance(named(errors.ReadOnlySqlTransaction()), DatabaseUnusable)
    assert postgres_setup.without_password(f"{AS_U}{SECRET}@h:5/x?password={SECRET}") == "postgresql://h:5/x"


def test_rights_that_were_taken_away_stop_no_guest(own: str, tmp_path: Path) -> None:
    """What is popular comes from memory; readiness says what is wrong."""
    world = open_world(tmp_path, database=own)
    stock(world)
    world.crowd("cola")
    assert world.suggest().json["items"][0]["item_id"] == "cola"
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute("REVOKE SELECT, UPDATE ON ALL TABLES IN SCHEMA usual_recommender FROM usual_recommender")
    for token in (None, world.token()):
        reply = world.suggest(token=token)
        assert (reply.status_code, reply.json["fallback"]) == (200, "database_busy")
        assert reply.json["items"][0]["item_id"] == "cola"
    assert "cannot be written" in str(world.half.check())
    world.close()
