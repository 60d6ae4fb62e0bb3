"""The two engines that keep an installation's state, for tests that run on both.

A test that asks for the fixture `state` runs on both, and so does one marked `both_engines`. With
USUAL_TEST_ENGINE=postgresql every other one runs on PostgreSQL, too: so the whole suite can be tried there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from filelock import FileLock

from plumbing.storage.state import State
from tests import postgres

ENGINES = ("sqlite", "postgresql")
TEMPLATE = "usual_all_tables"
ENGINE = os.environ.get("USUAL_TEST_ENGINE", "sqlite")
"""The engine of tests that do not ask for one."""

both_engines = pytest.mark.both_engines
"""For a test or a module to be tried on both: what takes the fixture `engine`, or one that does, runs twice."""

needs_files = pytest.mark.sqlite
"""For tests of locks on files, PRAGMAs, older files and the like: they do not run on PostgreSQL."""


class _Homes:
    """Where each folder of this run has its state; a second process on a folder finds the same."""

    def __init__(self) -> None:
        self.engine = ENGINE
        self.spare: postgres.Spare | None = None
        self._urls: dict[Path, str | None] = {}

    def url(self, home: Path, like: Path | None = None) -> str | None:
        """The address of a folder's database, which is made when it is first asked for; None on SQLite."""
        home = home.resolve()
        if home not in self._urls:
            copied = None if like is None else self._urls.get(like.resolve())
            on_server = self.spare is not None and self.engine == "postgresql"
            self._urls[home] = self.spare.take(copied) if on_server and self.spare else None
        return self._urls[home]

    def replace(self, home: Path, url: str) -> None:
        before = self._urls[home.resolve()]
        if before is not None and self.spare is not None:
            self.spare.give_back(before)
        self._urls[home.resolve()] = url

    def known(self) -> set[Path]:
        return set(self._urls)

    def forget(self, homes: set[Path]) -> None:
        for home in homes:
            url = self._urls.pop(home)
            if url is not None and self.spare is not None:
                self.spare.give_back(url)


_homes = _Homes()


def copy_home(source: Path, target: Path) -> None:
    """Copy a state folder that nobody has open, with its state."""
    shutil.copytree(source, target)
    _homes.url(target, like=source)


def copied_database(home: Path) -> str | None:
    """A copy of a home's database as it is now, which nobody has open; None on SQLite: there it is files."""
    url = _homes.url(home)
    return None if url is None or _homes.spare is None else _homes.spare.take(url)


def put_database_back(home: Path, copy: str | None) -> None:
    """From now on the home has this copy."""
    if copy is not None:
        _homes.replace(home, copy)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a database TEMPLATE in which every table is made."""
    given = os.environ.get("USUAL_TEST_DATABASE")
    if given is None and postgres.binaries() is None:
        pytest.skip(postgres.WANTED)
    with ExitStack() as stack:
        # Short: a socket's path has 107 bytes at most. One folder for all workers of a run.
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
        folder = Path(tempfile.gettempdir()) / f"pg-{run}"
        url = given or stack.enter_context(postgres.shared_server(folder)).url
        folder.mkdir(exist_ok=True)
        with FileLock(folder / "template-lock"):
            _template(url, tmp_path_factory.mktemp("template"))
        yield url


def _template(url: str, home: Path) -> None:
    """Make the database that the others are copied from, once."""
    with psycopg.connect(url, autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
            return
        admin.execute(f"CREATE DATABASE {TEMPLATE}")
    from urllib.parse import urlsplit

    from app import create_app
    from plumbing.settings import Config

    made = urlsplit(url)._replace(path=f"/{TEMPLATE}").geturl()
    app = create_app(Config(home=home, database=made, only="recommender"))
    for part in app.extensions["usual_open"]:
        part.close()
    with psycopg.connect(made, autocommit=True) as admin:  # each test has secrets of its own
        for (name,) in admin.execute(_TABLES).fetchall():
            if name.endswith("_machines.secrets"):
                admin.execute(f"TRUNCATE {name}".encode())


_TABLES = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname LIKE 'usual%' ORDER BY 1"
)


def stored(state: State) -> bytes:
    """All that the state has: the bytes of the files, and the rows of all tables as text."""
    found = [path.read_bytes() for path in state.home.rglob("*") if path.is_file()]
    if state.url is not None:
        with psycopg.connect(state.url) as admin:
            for (name,) in admin.execute(_TABLES).fetchall():
                with admin.cursor().copy(f"COPY {name} TO STDOUT".encode()) as rows:
                    found += [bytes(row) for row in rows]
    return b"".join(found)


@pytest.fixture(scope="session", autouse=True)
def _states_on_the_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """A `State` without an address has one while the engine is PostgreSQL."""
    if ENGINE == "postgresql":
        request.getfixturevalue("_spare_databases")
    init = State.__init__

    def on_the_engine(self: State, home: Path, url: str | None = None, keys_url: str | None = None) -> None:
        init(self, home, _homes.url(home) if url is None else url, keys_url)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "__init__", on_the_engine)
        yield
    _homes.forget(_homes.known())


@pytest.fixture(scope="session")
def _spare_databases(postgres_url: str) -> Iterator[None]:
    with postgres.spare_databases(postgres_url, TEMPLATE) as _homes.spare:
        yield
    _homes.spare = None


@pytest.fixture(autouse=True)
def _homes_of_a_test(_states_on_the_engine: None) -> Iterator[None]:
    """The databases that a test made, and not those of wider fixtures, are free again when it ends."""
    before = _homes.known()
    yield
    _homes.forget(_homes.known() - before)


@pytest.fixture
def engine(request: pytest.FixtureRequest, _homes_of_a_test: None) -> Iterator[str]:
    """The engine of this test; both, one after the other, with `both_engines`."""
    chosen: str = getattr(request, "param", ENGINE)
    if chosen == "postgresql":
        request.getfixturevalue("_spare_databases")
    _homes.engine = chosen
    yield chosen
    _homes.engine = ENGINE


@pytest.fixture
def state(engine: str, tmp_path: Path) -> State:
    """An empty installation on each engine: a test that asks for it runs twice."""
    return State(tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`state` is for tests of both engines, also without `both_engines`."""
    marked = metafunc.definition.get_closest_marker("both_engines") is not None
    if "engine" in metafunc.fixturenames and (marked or "state" in metafunc.fixturenames):
        metafunc.parametrize("engine", ENGINES, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs a file of SQLite does not run on PostgreSQL, and the other way round."""
    out = [item for item in items if any(item.get_closest_marker(one) for one in ENGINES if one != _of(item))]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return ENGINE if callspec is None else str(callspec.params.get("engine", ENGINE))
