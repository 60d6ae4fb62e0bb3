"""What a version consists of, as bytes: the same wherever it is kept, and never pickled."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ArtifactError
from recommender.scene import DataCut, Trained

LAYOUT = 1
ARRAYS = "arrays.npz"
TEXTS = "texts.json"
MANIFEST = "manifest.json"
NAME = re.compile(r"^\d{4,}-[0-9a-f]{12}$")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

Manifest = dict[str, Any]


def number_of(name: str) -> int:
    """The place of a version in the sequence of versions."""
    return int(name.split("-")[0])


def in_order(names: set[str] | list[str]) -> list[str]:
    """Names of versions, oldest first."""
    return sorted(names, key=lambda name: (number_of(name), name))


def safe(name: str) -> str:
    """A tenant or a scene as the name of a folder; hexadecimal if it has anything but letters, digits, `_-.`."""
    plain = re.fullmatch(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*", name)
    return name if plain and not name.startswith("x--") else "x--" + name.encode().hex()


def as_json(value: Any) -> bytes:
    """Strict JSON whose bytes depend on the value alone."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def contents_of(trained: Trained, seed: int, cut: DataCut) -> tuple[dict[str, bytes], Manifest]:
    """The files of a version, and its manifest without `parent`.

    Raises:
        ArtifactError: an array would need pickling, or the report is not plain JSON.
    """
    files = {ARRAYS: pack(trained.arrays), TEXTS: as_json(dict(trained.texts))}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {
        "layout": LAYOUT,
        "files": digests,
        "cut": asdict(cut),
        "seed": seed,
        "report": finite(trained.report.to_dict()),
    }
    if trained.profile is not None:
        manifest["profile"] = finite(trained.profile)
    return files, manifest


def is_same(manifest: Mapping[str, Any], trained: Trained, *, seed: int, cut: DataCut) -> bool:
    """Whether publishing would write the version of `manifest` again. One that lost rows is another; a profile of
    the log, which an older release did not write, makes no difference."""
    ours = contents_of(trained, seed, cut)[1]
    if "profile" not in manifest:
        ours.pop("profile", None)
    return "redacted" not in manifest and content_hash(ours) == content_hash(manifest)


def content_hash(manifest: Mapping[str, Any]) -> str:
    """A hash of a version as it was published, without its place in the sequence of versions and on the shelf."""
    plain = {key: value for key, value in manifest.items() if key not in ("parent", "redacted", "objects")}
    if "redacted" in manifest:
        plain["files"] = {**plain["files"], **manifest["redacted"]["published"]}
    return hashlib.sha256(as_json(plain)).hexdigest()


def is_being_rewritten(manifest: Mapping[str, Any]) -> bool:
    """Whether a process replaces the arrays just now, or was killed while it did."""
    return bool(announced_files(manifest)) or bool(manifest.get("objects", {}).get("coming"))


def announced_files(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The files that are just being replaced, as the manifest announces them."""
    announced: Mapping[str, str] = manifest.get("redacted", {}).get("next", {})
    return announced


def announcing(manifest: Mapping[str, Any], held: str, coming: str) -> Manifest:
    """The manifest while arrays of the sha256 `held` are replaced by those of `coming`: it admits both."""
    files = {**manifest["files"], ARRAYS: held}
    return {**manifest, "files": files, "redacted": {"published": published(manifest), "next": {ARRAYS: coming}}}


def settled(manifest: Mapping[str, Any], held: str) -> Manifest:
    """The manifest of a version that was rewritten; it admits arrays of the sha256 `held` and no others."""
    files = {**manifest["files"], ARRAYS: held}
    return {**manifest, "files": files, "redacted": {"published": published(manifest)}}


def published(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """The sha256 of the arrays as they were published."""
    first: Mapping[str, str] = manifest.get("redacted", {}).get("published", {ARRAYS: manifest["files"][ARRAYS]})
    return first


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


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An .npz whose bytes depend on the arrays alone: sorted names, a fixed date, no compression.

    Raises:
        ArtifactError: an array would need pickling.
    """
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


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz. Raises ValueError, KeyError, OSError or BadZipFile."""
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        return {key: packed[key] for key in packed.files}
