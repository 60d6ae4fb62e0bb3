"""The words are held against the code: commands, settings, paths, help."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

import app
from identity.sandbox.lockdown import PERMITTED
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "data" / "README.md"]
TEXTS = {
    "",
    ".py",
    ".md",
    ".toml",
    ".json",
    ".txt",
    ".in",
    ".sh",
    ".ipynb",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".csv",
}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in small letters, split at white space, "_" and "-"; any other sign is a word."""
    return tuple(re.findall(r"[^\W_]+|[^\s_-]", text.casefold()))


def texts() -> Iterator[Path]:
    """Every text file of the project, without what is installed or made (.venv, caches, the demo's state)."""
    for top in ROOT.iterdir():
        for path in [top] if top.is_file() else top.rglob("*"):
            inside = path.relative_to(ROOT)
            hidden = inside.parts[0].startswith(".") and inside.parts[0] != ".ci"
            made = hidden or inside.is_relative_to("data/state")
            if path.is_file() and not made and path.suffix in TEXTS:
                yield path


ALL = dict(commands(app.assemble()))


@pytest.mark.parametrize("path", sorted(ALL), ids=" ".join)
def test_every_command_teaches_what_it_does(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app.assemble(), [*path, "--help"])

    assert result.exit_code == 0, result.output
    command = ALL[path]
    assert len((command.help or "").split()) >= 3, "a command needs a sentence"
    unexplained = [
        p.name for p in command.params if isinstance(p, click.Option) and not p.help and p.name != "help"
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", sorted({path[0] for path in ALL}))
def test_the_readme_names_every_command(name: str) -> None:
    assert re.search(rf"usual [^\n]*\b{name}\b", README), name


def test_the_paths_that_the_words_name_are_there() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        for path in re.findall(
            r"`((?:docs|identity|recommender|plumbing|screens|data|tests)/[\w./-]+\.\w+)`", page.read_text()
        )
    }
    assert named
    assert [(page, path) for page, path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_commands_in_the_readme_parse() -> None:
    shown = re.findall(r"^(?:\S+=\S+ )?(?:\.venv/bin/)?usual ([a-z][^\n|#]*)$", README, re.MULTILINE)

    for line in shown:
        words = tuple(word for word in line.split() if not word.startswith("-"))
        assert any(words[: len(path)] == path for path in ALL), line


def test_the_words_claim_no_more_than_is_so() -> None:
    """Nobody certified the challenge, and a rotation can be undone with its key."""
    sentences = [
        sentence for page in PAGES for sentence in re.split(r"(?<=[.:;|])\s", " ".join(page.read_text().split()))
    ]
    claims = [s for s in sentences if re.search(r"\b(certif(ied|ies|y|ication)|irreversib)", s, re.IGNORECASE)]

    assert any("We claim no liveness certification" in claim for claim in claims)
    assert any("is not irreversible" in claim for claim in claims)
    allowed = re.compile(r"\b(no|not|never|nobody|neither|without)\b", re.IGNORECASE)
    assert [claim for claim in claims if not allowed.search(claim)] == []


@pytest.mark.shared
def test_nobody_of_the_photographs_is_named(shared: Path) -> None:
    """The evaluation data shows people who did not consent; their names are the names of its folders."""
    names = {words_of(folder.name) for folder in (shared / "faces" / "lfw").iterdir()}
    names = {name for name in names if len(name) > 1}  # one word alone may mean something else
    assert len(names) > 1000
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for name in names:
        by_first.setdefault(name[0], []).append(name)

    named = []
    for path in texts():
        words = words_of(path.read_text())
        for at, word in enumerate(words):
            known = by_first.get(word, ())
            named += [(path.relative_to(ROOT), name) for name in known if words[at : at + len(name)] == name]
    assert named == []


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/architecture.py."""
    order = [sys.executable, str(ROOT / "scripts" / "architecture.py"), *arguments]
    return subprocess.run(order, capture_output=True, text=True, check=False)


def test_the_picture_of_the_house_is_up_to_date() -> None:
    done = script("--check")

    assert done.returncode == 0, done.stderr


def architecture() -> ModuleType:
    """scripts/architecture.py as a module."""
    spec = spec_from_file_location("architecture", ROOT / "scripts" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("way", [(("identity.attic", ""),), (("identity.web", ""), ("recommender.web", ""))])
def test_a_way_that_the_code_does_not_go_is_refused(way: tuple[tuple[str, str], ...]) -> None:
    """A room that does not exist, and a room that no earlier room imports."""
    house = architecture()

    with pytest.raises(house.OutOfDate, match="is a step of a way"):
        house.House.read().check_way(way)


def test_the_processes_are_those_of_the_code() -> None:
    layout = architecture().process_layout
    page = (ROOT / "docs" / "architecture.md").read_text()

    assert page.count("| a worker process") >= 2
    assert "`PATH`, `PYTHONPATH`, `LD_LIBRARY_PATH`" in page
    assert f"{len(PERMITTED)} system calls" in page
    for change in ({"module": "plumbing/nothing.py"}, {"needs": ("a word that is not there",)}):
        with pytest.raises(layout.NotInTheCode):
            layout.check(replace(layout.processes()[0], **change))


def test_every_decision_stands_in_the_index_once() -> None:
    folder = ROOT / "docs" / "decisions"
    linked = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())

    assert sorted(linked) == sorted(path.name for path in folder.glob("0*.md"))


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_is_half_a_page(path: Path) -> None:
    text = path.read_text()

    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert len(text) <= 30 * 115  # thirty lines


def test_the_version_is_a_heading_of_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_decision_is_numbered_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("0*.md"))]

    assert all(number.isdecimal() for number in numbers)
    assert len(numbers) == len(set(numbers)), numbers


def test_nothing_happens_when_the_modules_are_imported() -> None:
    for name in ("app", "identity.web.half", "recommender.web.half", "screens.web", "data.town.town"):
        assert import_module(name)
