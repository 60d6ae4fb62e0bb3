"""The snippets of README.md: Python runs, and every `usual` command exists with its options."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import app
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def calls(text: str) -> Iterator[list[str]]:
    """Each call of `usual` in a shell snippet or between backticks: its words, up to where the call ends."""
    for found in re.finditer(r"(?:^|[\s(/`])usual +([a-z][^\n`]*)", text, re.MULTILINE):
        words = re.split(r"[)|;&>#](?!\w)|\s#", found.group(1).replace("\\|", "/"))[0]
        yield shlex.split(words.replace("[", " ").replace("]", " "))


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words behind it. Fails where there is none."""
    command: click.Command = app.assemble()
    while words and isinstance(command, click.Group):
        context, choices = click.Context(command), words[0].split("/")
        found = [command.get_command(context, name) for name in choices]
        missing = [name for name, one in zip(choices, found, strict=True) if one is None]
        assert missing == [], f"{command.name} has no command {missing}"
        first = found[0]
        assert first is not None
        command, words = first, words[1:]
    return command, words


IN_SHELL = [words for block in blocks("sh") for words in calls(block)]
IN_TEXT = [words for span in re.findall(r"`(usual [^`]+)`", README) for words in calls(span)]


ALONE = [code for code in blocks("python") if "usual_client" not in code]
"""Snippets that need no server; tests/clients/test_readme.py runs the others."""


@pytest.mark.parametrize("code", ALONE)
def test_a_python_snippet_runs(code: str, tmp_path: Path) -> None:
    """In a process and a folder of its own, and it prints something."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("words", IN_SHELL + IN_TEXT, ids=" ".join)
def test_a_command_exists_with_its_options(words: list[str]) -> None:
    """Each option is one of the command's; a command that takes no argument is given none."""
    command, rest = command_of(words)
    known = {name for parameter in command.params for name in parameter.opts}
    arguments = [p for p in command.params if isinstance(p, click.Argument)]

    unknown = {word for word in rest if word.startswith("-")} - known - {"--help"}
    assert not unknown, f"{' '.join(words)}: there is no {', '.join(sorted(unknown))}"
    values = [word for word in rest if not word.startswith("-")]
    assert arguments or len(values) <= sum(word.startswith("-") for word in rest)
    for argument, value in zip(arguments, values, strict=False):
        if isinstance(argument.type, click.Choice):
            assert set(value.split("/")) <= set(argument.type.choices), f"{command.name} has no {value}"


def test_there_are_snippets_to_run() -> None:
    """The patterns above find what the page holds."""
    assert blocks("python")
    assert ["keys", "create"] in [words[:2] for words in IN_SHELL]
    assert len(IN_TEXT) > 15


@pytest.mark.parametrize("text", ["usual no-such-command", "usual train nothing", "usual serve --colour red"])
def test_a_command_that_is_not_there_is_noticed(text: str) -> None:
    """The check can fail."""
    (words,) = calls(text)
    with pytest.raises(AssertionError):
        test_a_command_exists_with_its_options(words)
