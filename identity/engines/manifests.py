"""Manifests of engine packs: files, vendor, licence, input of the networks, calibration."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from identity.errors import PackAltered, PackDenied, PackMissing, UnknownPack

PACKS = Path(__file__).parent / "packs"
DETECTOR_WIDTH = 320  # pixels; the input of YuNet where a manifest gives none
# Vendors of weights for research only, or trained on people who did not consent. A manifest with one of them is
# refused.
DENIED_VENDORS = frozenset(
    {"insightface", "deepinsight", "clearview", "pimeyes", "megvii", "sensetime", "findface"}
)
ACCEPTED_LICENCES = frozenset({"Apache-2.0", "MIT", "BSD-3-Clause", "BSD-2-Clause", "CC0-1.0", "BSL-1.0"})


@dataclass(frozen=True)
class PackFile:
    """One file of a pack: where it comes from and what it must be."""

    role: str
    name: str
    sha256: str
    bytes: int
    licence: str
    source: str = "folder"  # folder (USUAL_MODELS) | fetched (cache, from url) | package (an installed one)
    url: str = ""
    package: str = ""


@dataclass(frozen=True)
class Pack:
    """A manifest. Every template is stored with the `id` of its pack and compared with no other pack's."""

    name: str
    version: str
    engine: str
    vendor: str
    licence: str
    grade: str  # demo | production
    size: int  # length of a vector
    files: tuple[PackFile, ...]
    input: Mapping[str, Any]
    calibration: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def id(self) -> str:
        """name@version, as stored with every template."""
        return f"{self.name}@{self.version}"


def pack_names(folder: Path = PACKS) -> list[str]:
    """The names of the packs that ship with the product, or of those in another folder, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.json"))


def load_pack(name: str, folder: Path = PACKS) -> Pack:
    """The manifest of pack `name`. Raises UnknownPack, or PackDenied for a vendor or licence not accepted."""
    if name not in {path.stem for path in folder.glob("*.json")}:
        raise UnknownPack(f"There is no engine pack {name!r}. There are: {', '.join(pack_names(folder))}.")
    raw = json.loads((folder / f"{name}.json").read_text("utf-8"))
    files = tuple(PackFile(**entry) for entry in raw.pop("files"))
    if raw["engine"] == "onnx" and "detector_side" not in raw["input"]:
        raw["input"].setdefault("detector_width", DETECTOR_WIDTH)
    pack = Pack(files=files, **raw)
    check_policy(pack)
    return pack


def is_denied(vendor: str) -> bool:
    """Whether a vendor is on the deny list, in upper or lower case."""
    return any(name in vendor.casefold() for name in DENIED_VENDORS)


def check_policy(pack: Pack) -> None:
    """Raises PackDenied when the vendor is on the deny list or a licence does not allow commercial use."""
    if is_denied(pack.vendor):
        raise PackDenied(f"Pack {pack.name!r} is refused: vendor {pack.vendor!r} is on the deny list.")
    for licence in (pack.licence, *(f.licence for f in pack.files)):
        if licence not in ACCEPTED_LICENCES:
            raise PackDenied(f"Pack {pack.name!r} is refused: licence {licence!r} is not accepted.")


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it (its import may be broken or unsafe)."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def path_of(pack: Pack, file: PackFile, models_folder: Path | None, cache: Path) -> Path | None:
    """Where a file of the pack should be; None when its folder is not known. Reads no content."""
    if file.source == "package":
        folder = package_folder(file.package)
        return None if folder is None else folder / file.name
    if file.source == "fetched":
        fetched = cache / pack.name / file.name
        beside = None if models_folder is None else models_folder / file.name
        return beside if beside is not None and not fetched.exists() and beside.exists() else fetched
    return None if models_folder is None else models_folder / file.name


def checked_files(pack: Pack, models_folder: Path | None, cache: Path) -> dict[str, Path]:
    """Role -> path of every file of the pack, each checked against its hash. Raises PackMissing or PackAltered,
    with the remedy in the text."""
    found = {}
    for file in pack.files:
        path = path_of(pack, file, models_folder, cache)
        if path is None or not path.is_file():
            raise PackMissing(f"Pack {pack.name!r} has no file {file.name}. {remedy(pack, file)}", file=file.name)
        if path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
            raise PackAltered(
                f"{file.name} of pack {pack.name!r} is not the file that its manifest pins; it was not loaded."
                f" {remedy(pack, file)}",
                file=file.name,
            )
        found[file.role] = path
    return found


def remedy(pack: Pack, file: PackFile) -> str:
    """What an operator does about a file that is missing or altered."""
    if file.source == "fetched":
        return f"Run `usual models fetch {pack.name}`."
    if file.source == "package":
        return f"Install the package {file.package}."
    return (
        f"Put it into the folder that USUAL_MODELS names: {file.bytes} bytes, sha256 {file.sha256}, as"
        f" {pack.vendor} publish it."
    )


MASKED_SUFFIX = "-masked"


def masked_pack(pack: Pack) -> Pack | None:
    """The variant of a pack for masked faces: the same files, with an id and a calibration of its own. None when
    the manifest has no calibration for masks."""
    calibration = pack.calibration.get("masked")
    return (
        None if calibration is None else replace(pack, name=f"{pack.name}{MASKED_SUFFIX}", calibration=calibration)
    )


def masked_id(pack: str) -> str:
    """The id of a pack's variant for masked faces, from the pack's own `name@version`; needs no manifest."""
    name, sign, version = pack.partition("@")
    return f"{name}{MASKED_SUFFIX}{sign}{version}"
