"""What commands share: progress bars for terminals only, errors as one line."""

from __future__ import annotations

import io
import re
import sys
from contextlib import nullcontext
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import app
from plumbing.cli import (
    RootGroup,
    errors_as_one_line,
    if_stopped,
    progress_bar,
    shared_datasets,
    state_options,
    track,
)
from plumbing.init_cli import begin
from plumbing.problem import Problem


class Terminal(io.StringIO):
    """Standard error that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_progress_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with progress_bar("training") as bar:
        bar.show("fitting", 0.5)
        bar.show("fitting again", 0.25)
        bar.update(25)
        bar.show("measuring", 0.75)

    drawn = terminal.getvalue()
    assert re.search(r"training: fitting: +50%", drawn)
    assert re.search(r"training: fitting again: +50%", drawn), "a bar does not go back"
    assert re.search(r"training: measuring: +75%", drawn)


def test_a_log_file_gets_no_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("training orders") as bar:
        bar.show("fitting", 0.5)
        bar.update(1)

    assert list(track([1, 2, 3], "counting")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_an_expected_error_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "token.key").touch(0o600)

    @click.command()
    @state_options
    def fail(home: Path, tenant: str) -> None:
        raise Problem(f"{tenant} has nothing in {home}.")

    done = CliRunner().invoke(fail, ["--home", str(tmp_path), "--tenant", "north"])

    assert (done.exit_code, done.output) == (1, f"Error: north has nothing in {tmp_path}.\n")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(KeyError), errors_as_one_line(ValueError):
        raise KeyError("a programming error")


def test_the_evaluation_data_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_SHARED", "/somewhere")

    assert shared_datasets() == Path("/somewhere/datasets")


@pytest.mark.parametrize("words", ["", "Nothing was stored; start it again."])
def test_a_command_that_is_stopped_says_what_became_of_its_work(words: str) -> None:
    root = RootGroup("usual")

    @root.command()
    def work() -> None:
        with if_stopped(words) if words else nullcontext():
            raise KeyboardInterrupt

    done = CliRunner().invoke(root, ["work"])

    assert (done.exit_code, done.stderr.strip()) == (130, f"Stopped. {words}".strip())


def test_an_import_that_is_stopped_stores_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recommender.exchange.files.import_file", stopped)
    begin(tmp_path / "home")
    (tmp_path / "menu.csv").write_text("item_id,name\ntea,Tea\n")

    done = CliRunner().invoke(
        app.assemble(), ["import", "items", str(tmp_path / "menu.csv"), "--home", str(tmp_path / "home")]
    )

    assert (done.exit_code, done.stderr.strip()) == (130, "Stopped. Nothing was stored; start it again.")
