"""Every command and snippet of the documentation runs, against one server with a house of its own.

README.md is run by tests/test_readme.py. A block that is not run says why, and is still read: its commands exist.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.deploy.served import USUAL, free_port, new_house, wait_for
from tests.docs.snippets import RUN, SHOWN, Snippet, pages, script, snippets
from tests.test_readme import calls, command_of

PAGES = {path.relative_to(ROOT).as_posix(): snippets(path) for path in pages()}
WITH_CODE = {
    name: found for name, found in PAGES.items() if any(one.language in RUN and not one.why_not for one in found)
}
WORDS = [
    (name, words)
    for name, found in PAGES.items()
    for one in found
    if one.language == "sh"
    for words in calls(one.code)
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a reader has set: the program on the path, a state folder, and a server (USUAL_PORT)."""
    folder, port = tmp_path_factory.mktemp("reader"), free_port()
    places = {"USUAL_HOME": str(folder / "home"), "USUAL_CACHE": str(ROOT / ".cache" / "models")}
    path = os.pathsep.join([str(Path(USUAL).parent), os.environ["PATH"]])
    given = os.environ | places | {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    new_house(folder / "home", given)
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [USUAL, "serve", "--port", str(port), "--workers", "1"],
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(port, "/health/ready", server, log)
        yield given | {"PORT_OF_THE_TEST": str(port)}
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_CODE)
def test_a_page_runs_from_top_to_bottom(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    order = script(WITH_CODE[name], python=sys.executable).replace(":8000", f":{environment['PORT_OF_THE_TEST']}")
    done = subprocess.run(
        ["bash", "-c", order],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", [name for name, found in PAGES.items() if found])
def test_a_block_is_of_a_language_that_is_checked(name: str) -> None:
    for one in PAGES[name]:
        assert one.language in (*RUN, *SHOWN), f"{name}:{one.line}"
        if one.language == "json":
            json.loads(one.code)
        elif one.language == "toml":
            tomllib.loads(one.code)
        elif one.language == "python":
            compile(one.code, name, "exec")
        elif one.language == "sh":
            assert subprocess.run(["bash", "-n"], input=one.code, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "words"), WORDS, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_a_command_on_a_page_exists_with_its_options(name: str, words: list[str]) -> None:
    command, rest = command_of(words)

    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in rest if word.startswith("--")} <= known, name


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    left = [one for found in PAGES.values() for one in found if one.language in RUN and one.why_not]

    assert len(left) <= 20
    assert all(len(one.why_not.split()) >= 4 for one in left)


def test_a_snippet_that_fails_is_noticed(tmp_path: Path) -> None:
    """The runner ends with the first block that fails, whichever language it is in."""
    good, bad = Snippet("sh", "true\n", 1), Snippet("python", "raise SystemExit(3)\n", 5)
    order = script([good, bad, Snippet("sh", "touch after\n", 9)], python=sys.executable)
    done = subprocess.run(["bash", "-c", order], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert done.stderr.split()[-1] == "5"
    assert not (tmp_path / "after").exists()
