"""Machines that share a state have the same secrets: one that has another is told which file to copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from plumbing.clock import system_clock
from plumbing.keys_cli import keys
from plumbing.shared import Shared
from plumbing.storage.machines import SecretDiffers, require_same
from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from tests.engines import stored

SECRETS = ("token.key", "replies.key", "recommender.key", "people.key")


def open_all(state: State) -> None:
    shared = Shared.open(state, system_clock)
    shared.close()
    stores = open_stores(RecommenderConfig(state.home, (), database=state.url))
    stores.models.close()
    stores.database.close()


@pytest.fixture
def other(state: State, tmp_path_factory: pytest.TempPathFactory) -> State:
    """A second machine: a home of its own, with copies of the secrets."""
    open_all(state)
    home = tmp_path_factory.mktemp("other")
    for name in SECRETS:
        shutil.copy(state.home / name, home / name)
    return State(home, state.url)


@pytest.mark.parametrize("name", SECRETS)
def test_another_secret_is_named_by_its_file(state: State, other: State, name: str) -> None:
    open_all(other)
    (other.home / name).write_bytes(Fernet.generate_key())
    if state.url is None:  # a state of its own
        open_all(other)
        return
    with pytest.raises(SecretDiffers, match=f"{name} is not the file that the other machines have"):
        open_all(other)


def test_what_is_kept_of_a_secret_opens_nothing(state: State, tmp_path: Path) -> None:
    open_all(state)
    for name in SECRETS:
        secret = (state.home / name).read_bytes().strip()
        (state.home / name).unlink()
        assert secret not in stored(state)


def test_keys_of_tokens_are_rotated_on_one_machine_after_the_other(
    state: State, other: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times without a start in between; then the file is copied."""
    if state.url is not None:
        monkeypatch.setenv("USUAL_DATABASE", state.url)
    for words in (("--prepare",), (), (), ()):
        done = CliRunner().invoke(keys, ["rotate", "token", *words, "--home", str(state.home)])
        assert done.exit_code == 0, done.output
    shutil.copy(state.home / "token.key", other.home / "token.key")

    open_all(other)


def test_a_file_without_a_secret_is_compared_with_nothing(state: State) -> None:
    require_same(state, "access", {"receipt-key": []})
    require_same(state, "access", {"receipt-key": [b"new"]})
    require_same(state, "access", {"receipt-key": []})
