"""The two engines that keep an installation's state, for tests that run on both."""

from __future__ import annotations

import os
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


@pytest.fixture(params=ENGINES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """An empty installation on each engine: a test that asks for it runs twice."""
    if request.param == "sqlite":
        yield State(tmp_path)
        return
    url = request.getfixturevalue("postgres_url")
    with postgres.database(url, TEMPLATE) as own:
        yield State(tmp_path, own)
