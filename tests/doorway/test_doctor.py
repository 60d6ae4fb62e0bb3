"""What `usual doctor` says of devices that send vectors; it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from doorway.doctor import look
from identity.cli.commands import open_half
from identity.device_vectors.seal_keys import FILE
from identity.device_vectors.sealing import public_key_of
from plumbing.access.access import Access
from plumbing.clock import system_clock
from plumbing.doctor.finding import Finding
from plumbing.init_cli import begin
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.state import State
from screens.engine import DESCRIPTION, VERSION, EngineFolder

PACK = "open-model-zoo"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("USUAL_PACK", PACK)
    begin(tmp_path / "home")
    open_half(tmp_path / "home", PACK).close()
    return Config(home=tmp_path / "home", pack=PACK)


@pytest.fixture
def access(config: Config) -> Iterator[Access]:
    shared = Shared.open(State(config.home), system_clock)
    shared.access.create_key("mill", ["identify"], device="till")
    yield shared.access
    shared.close()


def sending_vectors(access: Access) -> None:
    access.create_key("mill", ["identify"], device="front")
    access.modes.choose("mill", "front", "vectors")


def engine_of(config: Config, pack: str) -> None:
    folder = EngineFolder.of(config.home)
    folder.path.mkdir(parents=True)
    (folder.path / DESCRIPTION).write_text(json.dumps({"v": VERSION, "pack": pack, "files": {}}))


def found(config: Config) -> dict[str, Finding]:
    return {one.what: one for one in look(config)}


def test_a_house_without_such_devices_hears_nothing(config: Config, access: Access) -> None:
    assert found(config) == {}


def test_what_such_a_device_lacks_is_named_with_what_to_do(config: Config, access: Access) -> None:
    sending_vectors(access)
    said = found(config)

    assert {one.level for one in said.values()} == {"remark"}
    assert "usual screens fetch" in said["engine of browsers"].mend
    assert "usual edge kiosk" in said["engine of browsers"].mend
    assert "no key to sign" in said["device front of mill"].says
    assert "--vectors" in said["vectors of mill"].says
    assert not (config.home / FILE).exists()


def test_a_device_that_has_all_it_needs_is_well(config: Config, access: Access) -> None:
    sending_vectors(access)
    access.modes.register("mill", "front", public_key_of(generate_private_key(SECP256R1())))
    engine_of(config, f"{PACK}@1")
    said = found(config)

    assert said["engine of browsers"].level == "ok"
    assert "device front of mill" not in said


def test_an_engine_of_another_pack_and_keys_that_cannot_be_read_are_wrong(config: Config, access: Access) -> None:
    sending_vectors(access)
    engine_of(config, "other@1")
    (config.home / FILE).write_text("{")
    said = found(config)

    assert [said[what].level for what in ("engine of browsers", "vectors of mill")] == ["wrong"] * 2
    assert "other@1" in said["engine of browsers"].says
    assert "vector-keys" in said["vectors of mill"].mend


def test_a_pack_that_no_browser_runs_needs_a_helper(config: Config, access: Access) -> None:
    sending_vectors(access)

    assert "without a helper" in found(config.model_copy(update={"pack": "dlib"}))["engine of browsers"].says


def test_a_device_that_was_revoked_needs_nothing(config: Config, access: Access) -> None:
    sending_vectors(access)
    [key] = [row["key_id"] for row in access.keys("mill") if row["device"] == "front"]
    access.revoke_key("mill", str(key))

    assert found(config) == {}
