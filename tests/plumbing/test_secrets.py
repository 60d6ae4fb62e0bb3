"""No secret in what is printed, in a traceback, or in the environment of a process that does not need it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from identity.config import IdentityConfig
from identity.sandbox.child import PASSED_ENVIRONMENT
from plumbing.clock import system_clock
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.worker import launch_process


def test_settings_and_halves_do_not_print_their_keys(tmp_path: Path) -> None:
    key = Fernet.generate_key()
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=(key,)))
    shared = Shared.open(State(tmp_path), system_clock)
    said = repr(
        (
            Config(recommender_key="usual-k1-secret"),
            IdentityConfig(home=tmp_path, token_keys=(key,)),
            RecommenderConfig(home=tmp_path, token_keys=(key,)),
            stores,
            shared,
        )
    )

    assert "usual-k1-secret" not in said
    assert key.decode() not in said
    assert repr(stores.secret)[2:-1] not in said
    assert shared.token_keys[0].decode() not in said
    stores.database.close()
    shared.close()


def test_a_training_gets_no_key_in_its_words_or_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    class Process:
        """In place of the training."""

        def __init__(self, command: list[str], env: dict[str, str], **_: Any) -> None:
            seen.append((command, env))

        def wait(self, _: float) -> int:
            return 0

    monkeypatch.setenv("USUAL_RECOMMENDER_KEY", "usual-k1-secret")
    monkeypatch.setenv("USUAL_TOMBSTONES", str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", Process)
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=()))

    launch_process(RecommenderConfig(home=tmp_path, token_keys=()), stores.models, system_clock)(
        "m", "orders", "r"
    )

    [(command, environment)] = seen
    assert not any("usual-k1-secret" in text for text in [*command, *environment.values()])
    assert environment["USUAL_TOMBSTONES"] == str(tmp_path)
    stores.database.close()


def test_an_engine_pack_gets_no_setting_of_ours() -> None:
    assert not [name for name in PASSED_ENVIRONMENT if name.startswith("USUAL_")]
