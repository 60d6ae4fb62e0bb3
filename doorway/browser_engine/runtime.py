"""The runtime of networks in a browser, from npm's package: pinned by its hash, each file of it by its own."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity.engines.fetch import Progress, fetch_file
from identity.engines.manifests import PackFile
from identity.errors import FetchFailed

MANIFEST = Path(__file__).with_name("runtime.json")
REGISTRY = "https://registry.npmjs.org/"
"""Where npm looks when its own configuration names nothing else."""


@dataclass(frozen=True)
class RuntimeFile:
    """One file of the package: where it lies in the archive, and what it must be."""

    path: str
    sha256: str
    bytes: int

    @property
    def ending(self) -> str:
        return Path(self.path).suffix


@dataclass(frozen=True)
class Runtime:
    """The manifest. `archive.path` is relative to a registry's address, the files' paths to the archive."""

    package: str
    version: str
    licence: str
    vendor: str
    archive: RuntimeFile
    files: dict[str, RuntimeFile]

    @classmethod
    def read(cls, manifest: Path = MANIFEST) -> Runtime:
        raw: dict[str, Any] = json.loads(manifest.read_text("utf-8"))
        archive, files = RuntimeFile(**raw.pop("archive")), raw.pop("files")
        return cls(archive=archive, files={role: RuntimeFile(**file) for role, file in files.items()}, **raw)


def registry() -> str:
    """The address of the registry that npm would ask: by its environment, its user's file, or as it comes."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if named := os.environ.get(name):
            return named
    own = Path(os.environ.get("NPM_CONFIG_USERCONFIG", Path.home() / ".npmrc"))
    if own.is_file():
        for line in own.read_text("utf-8").splitlines():
            key, sign, value = line.partition("=")
            if sign and key.strip() == "registry":
                return value.strip().strip("\"'")
    return REGISTRY


def fetch_runtime(runtime: Runtime, folder: Path, address: str, progress: Progress) -> dict[str, bytes]:
    """Role -> content of every file of the runtime. `folder` holds the archive while it is read.

    Raises FetchFailed: nothing answers at `address`, or what arrives is not what the manifest pins.
    """
    if not address.startswith(("https://", "http://")):
        raise FetchFailed(f"{address!r} is not an http(s) address.")
    wanted = runtime.archive
    name = wanted.path.rpartition("/")[2]
    file = PackFile("archive", name, wanted.sha256, wanted.bytes, runtime.licence, "fetched", wanted.path)
    archive = folder / name
    fetch_file(file, archive, address.rstrip("/") + "/" + wanted.path, progress)
    try:
        return unpack(runtime, archive)
    finally:
        archive.unlink()


def unpack(runtime: Runtime, archive: Path) -> dict[str, bytes]:
    """The files that the manifest names, out of an archive; nothing else of it is read.

    Raises FetchFailed when one of them is missing, or is another one.
    """
    found = {}
    with tarfile.open(archive, "r:gz") as package:
        for role, file in runtime.files.items():
            try:
                stream = package.extractfile(file.path)
            except KeyError:
                stream = None
            content = b"" if stream is None else stream.read(file.bytes + 1)
            if len(content) != file.bytes or hashlib.sha256(content).hexdigest() != file.sha256:
                raise FetchFailed(f"{file.path} of {runtime.package} is not the file that the manifest pins.")
            found[role] = content
    return found
