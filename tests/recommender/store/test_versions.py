"""Versions of models: written whole, checked when read, the one before when broken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recommender.errors import ArtifactError, NoSuchVersion
from recommender.scene import DataCut, Report, Trained
from recommender.store.versions import VersionStore, finite

CUT = DataCut(lines=10, customers=2, until_us=5, sha256="0" * 64)


def report(value: float = 1.0) -> Report:
    return Report("counting", "it counts", "ndcg@10", value, 0.1, (0.0, 0.2), (), 1, 1)


def model(number: float = 1.0) -> Trained:
    return Trained({"b": np.arange(3), "a": np.array([number, np.nan])}, {"note": "ä"}, report(number))


def shelf(folder: Path) -> VersionStore:
    return VersionStore(folder, "grill", "orders")


def publish(on: VersionStore, number: float = 1.0, keep: int = 5) -> str:
    return on.publish(model(number), seed=0, cut=CUT, parent=on.current(), keep=keep)


def test_what_is_published_is_read_back(tmp_path: Path) -> None:
    """Arrays, texts, figures and cut come back; `current` names the version; nothing temporary stays."""
    on = shelf(tmp_path)
    name = publish(on)
    version = on.load(name)
    assert on.current() == name == on.candidates()[0]
    assert version.arrays["b"].tolist() == [0, 1, 2]
    assert version.texts == {"note": "ä"}
    assert version.manifest["report"]["value"] == 1.0
    assert sorted(path.name for path in on.folder.iterdir()) == [name, "current"]


def test_same_model_same_bytes(tmp_path: Path) -> None:
    """Two installations that train on the same data hold the same bytes under the same name."""
    one, two = shelf(tmp_path / "1"), shelf(tmp_path / "2")
    assert publish(one) == publish(two)
    for path in sorted(one.folder.rglob("*.*")):
        assert path.read_bytes() == (two.folder / path.relative_to(one.folder)).read_bytes()


@pytest.mark.parametrize("file", ["arrays.npz", "texts.json", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone"])
def test_a_broken_version_is_known_as_broken(tmp_path: Path, file: str, harm: str) -> None:
    """Altered, cut short, emptied or deleted files never become a model."""
    on = shelf(tmp_path)
    name = publish(on)
    path = on.folder / name / file
    content = path.read_bytes()
    middle = len(content) // 2
    if harm == "gone":
        path.unlink()
    else:
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes({"flip": flipped, "cut": content[:middle], "empty": b""}[harm])
    with pytest.raises(ArtifactError):
        on.load(name)


def test_a_manifest_that_admits_the_change_is_refused_too(tmp_path: Path) -> None:
    """A file and its checksum are altered: the version's name no longer matches."""
    on = shelf(tmp_path)
    name = publish(on)
    path = on.folder / name / "manifest.json"
    manifest = json.loads(path.read_bytes()) | {"seed": 7}
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError):
        on.load(name)


def test_going_back_takes_the_newest_good_version(tmp_path: Path) -> None:
    """Back from 3 goes to 2; with 2 broken to 1; a version can be named; before the first there is nothing."""
    on = shelf(tmp_path)
    first, second, third = publish(on, 1), publish(on, 2), publish(on, 3)
    assert on.roll_back() == second
    assert on.candidates() == [second, first]
    assert on.roll_back(third) == third
    (on.folder / second / "texts.json").unlink()
    assert on.roll_back() == first
    with pytest.raises(NoSuchVersion):
        on.roll_back()
    with pytest.raises(NoSuchVersion):
        on.roll_back("../../etc")
    assert on.current() == first


def test_a_spoilt_pointer_leads_to_the_newest(tmp_path: Path) -> None:
    """`current` that is empty or names nothing does not lose the models."""
    on = shelf(tmp_path)
    name = publish(on)
    for content in (b"", b"\xff\xfe", b"../../../tmp\n"):
        on.pointer.write_bytes(content)
        assert on.current() is None
        assert on.candidates() == [name]


def test_old_versions_go_and_numbers_never_come_again(tmp_path: Path) -> None:
    """Only the last few stay on disk, numbered on."""
    on = shelf(tmp_path)
    names = [publish(on, number, keep=2) for number in range(4)]
    assert on.names() == names[2:]
    assert [name[:4] for name in names] == ["0001", "0002", "0003", "0004"]


def test_nothing_is_pickled(tmp_path: Path) -> None:
    """An array of Python objects is refused, and nothing of the version is left behind."""
    on = shelf(tmp_path)
    with pytest.raises(ArtifactError):
        on.publish(Trained({"o": np.array([{}], object)}, {}, report()), seed=0, cut=CUT, parent=None)
    assert on.names() == []


def test_tenants_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A tenant named like a path gets a folder of its own inside the root."""
    for tenant in ("../up", "a/b", "..", "x--61", "ü"):
        folder = VersionStore(tmp_path, tenant, "orders").folder
        assert folder.parent.parent == tmp_path
    assert VersionStore(tmp_path, "x--61", "orders").folder != VersionStore(tmp_path, "a", "orders").folder


def test_reports_become_strict_json() -> None:
    """numpy numbers are numbers, NaN and infinity are null, anything else is refused by name."""
    assert finite({"a": np.float32(0.5), "b": [float("nan"), np.inf], "c": np.arange(2)}) == {
        "a": 0.5,
        "b": [None, None],
        "c": [0, 1],
    }
    with pytest.raises(ArtifactError):
        finite({"a": object()})
