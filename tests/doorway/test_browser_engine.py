"""What `usual screens fetch` puts into a home: pinned, checked, and nothing else of the archive."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, Response

import app
from doorway.browser_engine.prepare import check_pack
from doorway.browser_engine.runtime import REGISTRY, Runtime, RuntimeFile, fetch_runtime, registry, unpack
from identity.engines.manifests import ACCEPTED_LICENCES, load_pack, pack_names
from identity.errors import FetchFailed, ManifestUnfit
from tests.browser.fake_server import serve

RUNTIME = b"export const runtime = 1;"
WASM = b"\0asm" + bytes(100)


def archive(**files: bytes) -> bytes:
    """A package with these files of `package/dist/`, as npm makes one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as package:
        for name, content in files.items():
            info = tarfile.TarInfo(f"package/dist/{name}")
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return out.getvalue()


def pinned(path: str, content: bytes) -> RuntimeFile:
    return RuntimeFile(path, hashlib.sha256(content).hexdigest(), len(content))


PACKAGE = archive(runtime=RUNTIME, wasm=WASM, other=b"never read")
FILES = {"runtime": pinned("package/dist/runtime", RUNTIME), "wasm": pinned("package/dist/wasm", WASM)}
MANIFEST = Runtime("runtime", "1.0.0", "MIT", "nobody", pinned("runtime/-/runtime-1.0.0.tgz", PACKAGE), FILES)


def fetched(served: bytes, folder: Path, runtime: Runtime = MANIFEST) -> dict[str, bytes]:
    """What comes of a registry that serves this archive."""
    pages = Flask("registry")
    pages.add_url_rule(f"/{runtime.archive.path}", view_func=lambda: Response(served))
    with serve(pages) as address:
        return fetch_runtime(runtime, folder, address, lambda *_: None)


def test_the_named_files_are_taken_out_of_the_archive_and_it_is_deleted(tmp_path: Path) -> None:
    assert fetched(PACKAGE, tmp_path / "engine") == {"runtime": RUNTIME, "wasm": WASM}
    assert list((tmp_path / "engine").iterdir()) == []


def test_an_archive_with_another_hash_is_refused_in_one_sentence(tmp_path: Path) -> None:
    other = bytearray(PACKAGE)
    other[-1] ^= 1
    with pytest.raises(FetchFailed, match=r"runtime-1\.0\.0\.tgz arrived with another content") as refused:
        fetched(bytes(other), tmp_path / "engine")

    assert "\n" not in refused.value.detail
    assert not (tmp_path / "engine").exists()


@pytest.mark.parametrize("wasm", [WASM[:-1], WASM[:-1] + b"x", WASM + b"x", None])
def test_a_file_of_the_archive_with_another_hash_is_refused(tmp_path: Path, wasm: bytes | None) -> None:
    content = archive(runtime=RUNTIME, **({} if wasm is None else {"wasm": wasm}))
    (tmp_path / "package.tgz").write_bytes(content)
    with pytest.raises(FetchFailed, match="package/dist/wasm of runtime is not the file"):
        unpack(MANIFEST, tmp_path / "package.tgz")


@pytest.mark.parametrize("address", ["file:///etc", "registry", ""])
def test_only_addresses_of_the_web_are_asked(tmp_path: Path, address: str) -> None:
    with pytest.raises(FetchFailed, match="is not an http"):
        fetch_runtime(MANIFEST, tmp_path, address, lambda *_: None)


def test_the_registry_is_the_one_that_npm_would_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    assert registry() == REGISTRY
    (tmp_path / "npmrc").write_text("//own.example/:_authToken=x\nregistry = https://own.example/npm/\n")
    assert registry() == "https://own.example/npm/"
    monkeypatch.setenv("npm_config_registry", "https://other.example/")
    assert registry() == "https://other.example/"


def test_the_runtime_is_pinned_and_may_be_used() -> None:
    runtime = Runtime.read()

    assert runtime.licence in ACCEPTED_LICENCES
    assert set(runtime.files) == {"runtime", "wasm"}
    for file in (runtime.archive, *runtime.files.values()):
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.bytes > 0
    assert runtime.version in runtime.archive.path


def test_a_pack_that_browsers_cannot_run_is_refused_by_name() -> None:
    check_pack(load_pack("open-model-zoo"))
    for name in {*pack_names()} - {"open-model-zoo"}:
        with pytest.raises(ManifestUnfit, match=f"The engine pack '{name}' runs at the server alone"):
            check_pack(load_pack(name))


def test_the_command_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USUAL_PACK", "open-model-zoo")
    monkeypatch.setenv("USUAL_MODELS", str(tmp_path))
    runner = CliRunner()
    assert runner.invoke(app.assemble(), ["init", "--home", str(tmp_path / "home")]).exit_code == 0
    looked = runner.invoke(app.assemble(), ["screens", "fetch", "--check", "--home", str(tmp_path / "home")])

    assert looked.exit_code == 1
    assert "has no file yunet_s_dynamic.onnx" in looked.output
