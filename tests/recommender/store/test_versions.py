"""Versions of models: written whole, checked when read, the one before when broken; wherever they lie."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from bench.standin import StandIn
from recommender.errors import ArtifactError, NoSuchVersion
from recommender.scene import DataCut, Report, Trained
from recommender.store.shelves.bucket import Stale
from recommender.store.shelves.errors import (
    CurrentChanged,
    VersionsDenied,
    VersionsUnreachable,
    VersionsUnusable,
)
from recommender.store.version_places import FolderPlace, open_place
from recommender.store.versions import VersionStore, finite
from tests.recommender.store.shelf_kinds import HOUSE, Kind, kind, s3

__all__ = ["kind", "s3"]

CUT = DataCut(lines=10, customers=2, until_us=5, sha256="0" * 64)


def report(value: float = 1.0) -> Report:
    return Report("counting", "it counts", "ndcg@10", value, 0.1, (0.0, 0.2), (), 1, 1)


def model(number: float = 1.0) -> Trained:
    return Trained({"b": np.arange(3), "a": np.array([number, np.nan])}, {"note": "ä"}, report(number))


def publish(on: VersionStore, number: float = 1.0, keep: int = 5) -> str:
    return on.publish(model(number), seed=0, cut=CUT, parent=on.current(), keep=keep)


def test_what_is_published_is_read_back(kind: Kind) -> None:
    """Arrays, texts, figures and cut come back; `current` names the version; nothing temporary stays."""
    on = kind.store()
    name = publish(on)
    version = on.load(name)
    assert on.current() == name == on.candidates()[0]
    assert version.arrays["b"].tolist() == [0, 1, 2]
    assert version.texts == {"note": "ä"}
    assert version.manifest["report"]["value"] == 1.0
    assert {file.split("/")[0] for file in kind.files()} == {name, "current"}
    assert len(kind.files()) == 4


def test_same_model_same_bytes(kind: Kind, tmp_path: Path) -> None:
    """Two installations that train on the same data hold the same bytes under the same name, in whatever place."""
    two = VersionStore(tmp_path / "2", "grill", "orders")
    name = publish(kind.store())
    assert publish(two) == name
    for file in ("arrays.npz", "texts.json"):
        assert kind.read(name, file) == (two.folder / name / file).read_bytes()
    manifest = json.loads(kind.read(name, "manifest.json"))
    manifest.pop("objects", None)
    assert manifest == json.loads((two.folder / name / "manifest.json").read_bytes())


def test_the_folder_of_a_home_holds_what_it_always_held(tmp_path: Path) -> None:
    """Without a bucket nothing is added to the layout: three files, and a line with the current name."""
    on = FolderPlace(tmp_path / "models").store("grill", "orders")
    name = publish(on)
    folder = tmp_path / "models" / "grill" / "orders"
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    inside = [f"models/grill/orders/{name}/{file}" for file in ("arrays.npz", "manifest.json", "texts.json")]
    assert found == [*inside, "models/grill/orders/current"]
    assert (folder / "current").read_bytes() == f"{name}\n".encode()
    manifest = json.loads((folder / name / "manifest.json").read_bytes())
    assert sorted(manifest) == ["cut", "files", "layout", "parent", "report", "seed"]


@pytest.mark.parametrize("file", ["arrays.npz", "texts.json", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "gone"])
def test_a_broken_version_is_known_as_broken(kind: Kind, file: str, harm: str) -> None:
    """Altered, cut short, emptied or deleted files never become a model."""
    on = kind.store()
    if kind.url is not None and harm not in ("flip", "gone") and file != "arrays.npz":
        return  # the bytes are checked by the same code in every place
    name = publish(on)
    content = kind.read(name, file)
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    kind.write(name, file, {"flip": flipped, "cut": content[:middle], "empty": b"", "gone": None}[harm])
    with pytest.raises(ArtifactError):
        on.load(name)
    assert on.names() == [name]
    on.drop(name)
    assert on.names() == []
    assert kind.files() == ["current"]


def test_a_manifest_that_admits_the_change_is_refused_too(kind: Kind) -> None:
    """A file and its checksum are altered: the version's name no longer matches."""
    on = kind.store()
    name = publish(on)
    manifest = json.loads(kind.read(name, "manifest.json")) | {"seed": 7}
    kind.write(name, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(ArtifactError):
        on.load(name)


def test_going_back_takes_the_newest_good_version(kind: Kind) -> None:
    """Back from 3 goes to 2; with 2 broken to 1; a version can be named; before the first there is nothing."""
    on = kind.store()
    first, second, third = publish(on, 1), publish(on, 2), publish(on, 3)
    assert on.roll_back() == second
    assert on.candidates() == [second, first]
    assert on.roll_back(third) == third
    kind.write(second, "texts.json", None)
    assert on.roll_back() == first
    with pytest.raises(NoSuchVersion):
        on.roll_back()
    with pytest.raises(NoSuchVersion):
        on.roll_back("../../etc")
    assert on.current() == first


def test_of_two_who_publish_at_once_one_wins_and_nothing_is_lost(kind: Kind) -> None:
    """The other one gets a named error; its version is kept, and can be served by going to it."""
    one, two = kind.store(), kind.again().store("grill", "orders")
    publish(one, 0)
    seen = two.pointed()
    first = publish(one, 1)
    with pytest.raises(CurrentChanged, match=first) as error:
        two.publish(model(2), seed=0, cut=CUT, parent=first, expected=seen)
    assert error.value.code == "current_changed"
    kept = two.names()[-1]
    assert one.current() == first
    assert one.load(kept).arrays["a"][0] == 2.0
    assert one.load(first).arrays["a"][0] == 1.0
    assert one.roll_back(kept) == kept


def test_going_back_from_what_is_not_current_any_more_is_refused(kind: Kind) -> None:
    """Also when the same version is current again: somebody went back and forth meanwhile."""
    on = kind.store()
    first, second = publish(on, 1), publish(on, 2)
    seen = on.pointed()
    third = publish(on, 3)
    with pytest.raises(CurrentChanged):
        on.roll_back(first, expected=seen)
    assert on.current() == third
    on.roll_back(second)
    assert on.pointed().name == seen.name
    with pytest.raises(CurrentChanged):
        on.point_at(first, seen)
    assert on.current() == second


def test_a_spoilt_pointer_leads_to_the_newest(kind: Kind) -> None:
    """`current` that is empty or names nothing does not lose the models, and the next one replaces it."""
    on = kind.store()
    name = publish(on)
    for content in (b"", b"\xff\xfe", b"../../../tmp\n", b'{"format": 1, "version": "../x"}'):
        kind.point(content)
        assert on.current() is None
        assert on.candidates() == [name]
    assert publish(on, 2) == on.current()


def test_old_versions_go_and_numbers_never_come_again(kind: Kind) -> None:
    """Only the last few are kept, numbered on; every byte of the others is gone."""
    on = kind.store()
    names = [publish(on, number, keep=2) for number in range(4)]
    assert on.names() == names[2:]
    assert [name[:4] for name in names] == ["0001", "0002", "0003", "0004"]
    assert {file.split("/")[0] for file in kind.files()} == {*names[2:], "current"}


def test_nothing_is_pickled(kind: Kind) -> None:
    """An array of Python objects is refused, and nothing of the version is left behind."""
    on = kind.store()
    kind.place.check()
    with pytest.raises(ArtifactError):
        on.publish(Trained({"o": np.array([{}], object)}, {}, report()), seed=0, cut=CUT, parent=None)
    assert on.names() == []


def test_rows_are_taken_out_and_nothing_of_the_old_ones_stays(kind: Kind) -> None:
    """The version keeps its name and can be read; it says that it is not what was published."""
    on = kind.store()
    name = publish(on)
    before, noted = kind.read(name, "arrays.npz"), list[str]()
    digest = on.rewrite(on.load(name), {"a": np.array([1.0]), "b": np.arange(2)}, noted.append)
    again = kind.again().store("grill", "orders").load(name)
    assert noted == [digest] == [again.digest]
    assert again.arrays["b"].tolist() == [0, 1]
    assert "redacted" in again.manifest
    assert len(kind.files()) == 4
    assert kind.read(name, "arrays.npz") != before
    twice = on.rewrite(again, {"a": np.array([1.0]), "b": np.arange(1)})
    assert on.load(name).digest == twice
    assert on.current() == name


def test_tenants_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A tenant named like a path gets a folder of its own inside the root."""
    for tenant in ("../up", "a/b", "..", "x--61", "ü"):
        folder = VersionStore(tmp_path, tenant, "orders").folder
        assert folder.parent.parent == tmp_path
    assert VersionStore(tmp_path, "x--61", "orders").folder != VersionStore(tmp_path, "a", "orders").folder


def test_tenants_cannot_leave_their_place(kind: Kind) -> None:
    """Each has its own versions, whatever it is called."""
    tenants = ("../up", "a/b", "..", "x--61", "a", "ü")
    names = [publish(kind.place.store(tenant, "orders"), number) for number, tenant in enumerate(tenants)]
    for tenant, name in zip(tenants, names, strict=True):
        assert kind.again().store(tenant, "orders").names() == [name]
    assert len(list(kind.place.stores())) == len(tenants)


def test_reports_become_strict_json() -> None:
    """numpy numbers are numbers, NaN and infinity are null, anything else is refused by name."""
    assert finite({"a": np.float32(0.5), "b": [float("nan"), np.inf], "c": np.arange(2)}) == {
        "a": 0.5,
        "b": [None, None],
        "c": [0, 1],
    }
    with pytest.raises(ArtifactError):
        finite({"a": object()})


# --- what a stand-in for S3 shows -------------------------------------------------------------------


def test_a_store_that_accepts_a_stale_write_is_refused(s3: StandIn, tmp_path: Path) -> None:
    """By one sentence, before anything is kept there; the object that was tried with is gone."""
    place = open_place(tmp_path, s3.bucket("forgetful"), HOUSE)
    with pytest.raises(VersionsUnusable, match="conditional writes"):
        place.check()
    with pytest.raises(VersionsUnusable):
        publish(place.store("grill", "orders"))
    assert list(place.stores()) == []


def test_a_bucket_that_keeps_what_was_deleted_is_refused(s3: StandIn, tmp_path: Path) -> None:
    """Rows of customers who left would stay in it."""
    with pytest.raises(VersionsUnusable, match="versioning off"):
        open_place(tmp_path, s3.bucket(versioning=True), HOUSE).check()


def test_wrong_credentials_and_a_wrong_name_are_named(s3: StandIn, tmp_path: Path) -> None:
    """And nobody waits for them."""
    began = time.monotonic()
    for url in (s3.bucket("denied"), "s3://there-is-no-such-bucket/usual"):
        place = open_place(tmp_path, url, HOUSE)
        with pytest.raises(VersionsDenied, match="credentials"):
            place.check_at_start()
        with pytest.raises(VersionsDenied):
            place.store("grill", "orders").names()
    assert time.monotonic() - began < 5


def test_a_bucket_that_cannot_be_reached_is_named_and_not_waited_for(
    s3: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server starts all the same; after the first try the others do not wait."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    place = open_place(tmp_path, "s3://bucket/usual", HOUSE)
    place.check_at_start()
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(VersionsUnreachable) as error:
            place.store("grill", "orders").names()
    assert time.monotonic() - began < 1
    assert "127.0.0.1" not in error.value.detail


def test_plain_http_has_to_be_allowed(s3: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions do not cross a line in the open by mistake."""
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(VersionsUnusable, match="AWS_ALLOW_HTTP"):
        open_place(tmp_path, s3.bucket(), HOUSE).check()


def test_an_answer_that_is_lost_is_no_defeat(s3: StandIn, tmp_path: Path) -> None:
    """The write was done, its answer did not come, it is sent again and refused: it was our own."""
    place = open_place(tmp_path, s3.bucket(), HOUSE)
    on = place.store("grill", "orders")
    publish(on)
    key = "grill/orders/current"
    tag = place._bucket.get(key)[1]  # type: ignore[attr-defined]
    written = place._bucket.swap(key, b"one", tag)  # type: ignore[attr-defined]
    assert place._bucket.swap(key, b"one", tag) == written  # type: ignore[attr-defined]
    with pytest.raises(Stale):
        place._bucket.swap(key, b"two", tag)  # type: ignore[attr-defined]
