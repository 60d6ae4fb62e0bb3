"""Versions of models: folders of plain arrays and texts, written atomically, checked when read, never pickled.

    models/<tenant>/<scene>/0007-3f9a2c41d0be/arrays.npz  texts.json  manifest.json
    models/<tenant>/<scene>/current                       the name of the version that is served

The same data and seed give the same bytes. Only `parent` in the manifest may differ.

Of a version that is on the disk, rows of customers can be taken out (`rewrite`). It keeps its name, which is a
hash of what was published; the manifest says so in `redacted`. What is replaced or deleted is overwritten first:
no earlier byte stays in a file or in a free block.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.files import sync_folder, write_atomic
from plumbing.storage.room import NO_ROOM
from plumbing.storage.shred import overwrite, shred, shred_folder
from recommender.errors import ArtifactError, NoSuchVersion
from recommender.scene import DataCut, Trained

LAYOUT = 1
ARRAYS = "arrays.npz"
_NAME = re.compile(r"^\d{4,}-[0-9a-f]{12}$")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that passed its checks."""

    name: str
    manifest: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    texts: Mapping[str, str]
    digest: str = ""  # sha256 of the arrays as they are in the file


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

    def publish(
        self,
        trained: Trained,
        *,
        seed: int,
        cut: DataCut,
        parent: str | None,
        keep: int = 5,
        before: Callable[[str, str], None] = lambda name, digest: None,
    ) -> str:
        """Write a version and make it current; returns its name. The newest `keep` versions stay on disk.

        Temporary folder, fsync of files and folder, rename, fsync: a reader sees all of a version or nothing.
        `before` is called with the version's name and the sha256 of its arrays, before anybody can see it.

        Raises:
            ArtifactError: an array would need pickling, or the report is not plain JSON.
        """
        files, body = _contents(trained, seed, cut)
        files["manifest.json"] = _json(body | {"parent": parent})
        name = f"{self._next_number():04d}-{content_hash(body)[:12]}"
        before(name, body["files"][ARRAYS])
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".draft-{secrets.token_hex(6)}"
        try:
            draft.mkdir()
            for file, content in files.items():
                write_atomic(draft / file, content)
            draft.rename(self.folder / name)
        finally:
            shred_folder(draft)
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
                if hashlib.sha256(content).hexdigest() not in (digest, _next(manifest).get(file)):
                    raise ArtifactError(f"{name}/{file} does not match its manifest.")
                contents[file] = content
            if not name.endswith(content_hash(manifest)[:12]):
                raise ArtifactError(f"{name}/manifest.json was altered.")
            with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as packed:
                arrays = {key: packed[key] for key in packed.files}
            texts = json.loads(contents["texts.json"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ArtifactError(f"{name} cannot be read: {error}") from error
        return Version(name, manifest, arrays, texts, hashlib.sha256(contents[ARRAYS]).hexdigest())

    def rewrite(
        self,
        version: Version,
        arrays: Mapping[str, NDArray[Any]],
        before: Callable[[str], None] = lambda digest: None,
    ) -> str:
        """Replace the arrays of a version that was loaded; its name and its other files stay. Returns the sha256
        of the new ones.

        The manifest announces the new arrays, they replace the old ones, the manifest admits nothing else: after a
        power cut at any point the version can be read, with the old arrays or the new ones. `before` is called
        with the sha256 of the new ones, before they are in place. On a full disk the old file is written over in
        place: a power cut in just that moment leaves a version that is known as broken.

        Raises:
            OSError: the folder cannot be written; the version is as it was.
        """
        folder, content = self.folder / version.name, _pack(arrays)
        digest, manifest = hashlib.sha256(content).hexdigest(), dict(version.manifest)
        published = manifest.get("redacted", {}).get("published", {ARRAYS: manifest["files"][ARRAYS]})
        files = {**manifest["files"], ARRAYS: version.digest}
        announced = {"files": files, "redacted": {"published": published, "next": {ARRAYS: digest}}}
        write_atomic(folder / "manifest.json", _json(manifest | announced))
        before(digest)
        _replace(folder / ARRAYS, content)
        self.settle(replace(version, manifest=manifest | announced, digest=digest))
        return digest

    def settle(self, version: Version) -> bool:
        """The manifest of a version that was rewritten admits the arrays that are there, and no others any more;
        whether it did.

        Raises OSError.
        """
        manifest = dict(version.manifest)
        if not is_being_rewritten(manifest):
            return False
        done = {
            "files": {**manifest["files"], ARRAYS: version.digest},
            "redacted": {"published": manifest["redacted"]["published"]},
        }
        write_atomic(self.folder / version.name / "manifest.json", _json(manifest | done))
        return True

    def tidy(self) -> None:
        """Overwrite and delete what a process that was killed left. Only while nobody publishes. Raises
        OSError."""
        for draft in self.folder.glob(".draft-*"):
            shred_folder(draft)
        for name in self.names():
            for path in (self.folder / name).glob(".*.draft"):
                shred(path)

    def drop(self, name: str) -> None:
        """Overwrite and delete a version. Raises OSError."""
        shred_folder(self.folder / name)
        sync_folder(self.folder)

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
                shred_folder(self.folder / name)
        for draft in self.folder.glob(".draft-*"):
            shred_folder(draft)


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file, and overwrite what was there; `tidy` ends it after a kill.

    Raises OSError.
    """
    earlier = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")  # its bytes keep a name until they go
    os.link(path, earlier)
    try:
        write_atomic(path, content)
    except OSError as error:
        earlier.unlink()
        if error.errno not in NO_ROOM or len(content) > path.stat().st_size:
            raise
        with path.open("r+b") as file:
            file.write(content)
            overwrite(file, start=len(content))
            file.truncate(len(content))
            os.fsync(file.fileno())
        return
    shred(earlier)


def is_being_rewritten(manifest: Mapping[str, Any]) -> bool:
    """Whether a process replaces the arrays just now, or was killed while it did."""
    return bool(_next(manifest))


def _next(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The files that are just being replaced, as the manifest announces them."""
    announced: Mapping[str, str] = manifest.get("redacted", {}).get("next", {})
    return announced


def _safe(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*", name)
    return name if plain and not name.startswith("x--") else "x--" + name.encode().hex()


def _json(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _contents(trained: Trained, seed: int, cut: DataCut) -> tuple[dict[str, bytes], dict[str, Any]]:
    files = {ARRAYS: _pack(trained.arrays), "texts.json": _json(dict(trained.texts))}
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
    """Whether publishing would write the version of `manifest` again. One that lost rows is another."""
    return "redacted" not in manifest and content_hash(_contents(trained, seed, cut)[1]) == content_hash(manifest)


def content_hash(manifest: Mapping[str, Any]) -> str:
    """A hash of a version as it was published, without its place in the sequence of versions."""
    plain = {key: value for key, value in manifest.items() if key not in ("parent", "redacted")}
    if "redacted" in manifest:
        plain["files"] = {**plain["files"], **manifest["redacted"]["published"]}
    return hashlib.sha256(_json(plain)).hexdigest()


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
