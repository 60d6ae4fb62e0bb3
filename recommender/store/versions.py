"""Versions of models: folders of plain arrays and texts, written atomically, checked when read, never pickled.

    models/<tenant>/<scene>/0007-3f9a2c41d0be/arrays.npz  texts.json  manifest.json
    models/<tenant>/<scene>/current                       the name of the version that is served

The same data and seed give the same bytes. Only `parent` in the manifest may differ.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import secrets
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.files import sync_folder, write_atomic
from recommender.errors import ArtifactError, NoSuchVersion
from recommender.scene import DataCut, Trained

LAYOUT = 1
_NAME = re.compile(r"^\d{4,}-[0-9a-f]{12}$")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that passed its checks."""

    name: str
    manifest: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    texts: Mapping[str, str]


class VersionStore:
    """The versions of one scene of one tenant.

    `tenant` is a folder name; if it has anything but letters, digits, `_`, `-` and `.`, it is hexadecimal.
    """

    def __init__(self, root: Path, tenant: str, scene: str) -> None:
        self.folder = root / _safe(tenant) / _safe(scene)

    @property
    def pointer(self) -> Path:
        """The file with the name of the current version."""
        return self.folder / "current"

    def current(self) -> str | None:
        """The name in the file `current`, None without one. The version itself is not checked."""
        try:
            name = self.pointer.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return name if _NAME.match(name) else None

    def names(self) -> list[str]:
        """All versions on disk, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(
            (path.name for path in self.folder.iterdir() if _NAME.match(path.name)),
            key=lambda name: (int(name.split("-")[0]), name),
        )

    def publish(self, trained: Trained, *, seed: int, cut: DataCut, parent: str | None, keep: int = 5) -> str:
        """Write a version and make it current; returns its name. The newest `keep` versions stay on disk.

        Temporary folder, fsync of files and folder, rename, fsync: a reader sees all of a version or nothing.

        Raises:
            ArtifactError: an array would need pickling, or the report is not plain JSON.
        """
        files, body = _contents(trained, seed, cut)
        files["manifest.json"] = _json(body | {"parent": parent})
        name = f"{self._next_number():04d}-{content_hash(body)[:12]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".draft-{secrets.token_hex(6)}"
        try:
            draft.mkdir()
            for file, content in files.items():
                write_atomic(draft / file, content)
            draft.rename(self.folder / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        sync_folder(self.folder)
        self.point_at(name)
        self._prune(keep)
        return name

    def point_at(self, name: str) -> None:
        """Make a version current."""
        write_atomic(self.pointer, (name + "\n").encode())

    def load(self, name: str) -> Version:
        """Read a version and check its files against its manifest.

        Raises:
            ArtifactError: missing, cut short or altered.
        """
        folder = self.folder / name
        try:
            manifest = json.loads((folder / "manifest.json").read_bytes())
            contents = {}
            for file, digest in manifest["files"].items():
                content = (folder / Path(file).name).read_bytes()
                if hashlib.sha256(content).hexdigest() != digest:
                    raise ArtifactError(f"{name}/{file} does not match its manifest.")
                contents[file] = content
            if not name.endswith(content_hash(manifest)[:12]):
                raise ArtifactError(f"{name}/manifest.json was altered.")
            with np.load(io.BytesIO(contents["arrays.npz"]), allow_pickle=False) as packed:
                arrays = {key: packed[key] for key in packed.files}
            texts = json.loads(contents["texts.json"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{name} cannot be read: {error}") from error
        return Version(name, manifest, arrays, texts)

    def manifest(self, name: str) -> dict[str, Any] | None:
        """The manifest of a version, unchecked; None when it cannot be read."""
        try:
            manifest = json.loads((self.folder / name / "manifest.json").read_bytes())
        except (OSError, ValueError):
            return None
        readable = isinstance(manifest, dict) and isinstance(manifest.get("report"), dict)
        return manifest if readable else None

    def candidates(self) -> list[str]:
        """The versions to try: the current one, then the older ones, newest first.

        Without a readable `current`: all, newest first.
        """
        names, current = self.names(), self.current()
        if current in names:
            names = names[: names.index(current) + 1]
        return names[::-1]

    def roll_back(self, version: str | None = None) -> str:
        """Make an earlier version current: `version`, or the newest good one before the current one.

        Raises:
            NoSuchVersion: no such version passes its checks.
        """
        now = self.current()
        wanted = [version] if version else [name for name in self.candidates() if name != now]
        for name in wanted:
            if name not in self.names():
                continue
            try:
                self.load(name)
            except ArtifactError:
                continue
            self.point_at(name)
            return name
        raise NoSuchVersion(self.folder.name, version)

    def _next_number(self) -> int:
        return max((int(name.split("-")[0]) for name in self.names()), default=0) + 1

    def _prune(self, keep: int) -> None:
        current = self.current()
        for name in self.names()[:-keep]:
            if name != current:
                shutil.rmtree(self.folder / name, ignore_errors=True)
        for draft in self.folder.glob(".draft-*"):
            shutil.rmtree(draft, ignore_errors=True)


def _safe(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*", name)
    return name if plain and not name.startswith("x--") else "x--" + name.encode().hex()


def _json(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _contents(trained: Trained, seed: int, cut: DataCut) -> tuple[dict[str, bytes], dict[str, Any]]:
    files = {"arrays.npz": _pack(trained.arrays), "texts.json": _json(dict(trained.texts))}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    body = {
        "layout": LAYOUT,
        "files": digests,
        "cut": asdict(cut),
        "seed": seed,
        "report": finite(trained.report.to_dict()),
    }
    return files, body


def is_same(manifest: Mapping[str, Any], trained: Trained, *, seed: int, cut: DataCut) -> bool:
    """Whether publishing would write the version of `manifest` again."""
    return content_hash(_contents(trained, seed, cut)[1]) == content_hash(manifest)


def content_hash(manifest: Mapping[str, Any]) -> str:
    """A hash of a version without its place in the sequence of versions."""
    return hashlib.sha256(_json({k: v for k, v in manifest.items() if k != "parent"})).hexdigest()


def finite(value: Any) -> Any:
    """A report as strict JSON: numpy scalars as numbers, NaN and infinities as null.

    Raises:
        ArtifactError: something in it is not JSON-able.
    """
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        return finite(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    raise ArtifactError(f"A report holds numbers and texts, not {type(value).__name__}.")


def _pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An .npz whose bytes depend on the arrays alone: sorted names, a fixed date, no compression."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = np.asarray(arrays[name])
            if array.dtype.hasobject:
                raise ArtifactError(f"The array {name!r} holds Python objects; those are never stored.")
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH), part.getvalue())
    return buffer.getvalue()
