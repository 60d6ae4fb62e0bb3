"""The served version of a bucket: noticed within a second, copied, served on when the bucket is silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from recommender.errors import ArtifactError
from recommender.store import version_copies
from recommender.store.shelves.bucket import Bucket
from recommender.store.shelves.errors import VersionsDenied
from recommender.store.version_copies import Followed
from recommender.store.version_places import BucketPlace, Place
from tests.recommender.store.shelf_kinds import Kind, bucket
from tests.recommender.store.test_versions import publish

__all__ = ["bucket"]


@pytest.fixture
def replica(bucket: Kind, tmp_path: Path) -> Iterator[BucketPlace]:
    """Another machine, with a home of its own."""
    made = opened(bucket, tmp_path)
    yield made
    made.close()


def opened(bucket: Kind, tmp_path: Path) -> BucketPlace:
    (tmp_path / "replica").mkdir(exist_ok=True)
    made = bucket.again(tmp_path / "replica")
    assert isinstance(made, BucketPlace)
    return made


def served(place: Place) -> float | None:
    """What a request at `place` is answered from: the first version that can be read."""
    one = place.served("grill", "orders")
    for name in one.candidates():
        try:
            return float(one.load(name).arrays["a"][0])
        except ArtifactError:
            continue
    return None


def until(seen: Callable[[], bool], within_s: float = 3.0) -> float:
    """Wait for it; the seconds that it took."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < within_s
        time.sleep(0.01)
    return time.monotonic() - began


def silence(place: BucketPlace, silent: bool = True) -> None:
    """Let the bucket not answer this place any more, or answer again."""
    place._bucket._silent_until = float("inf") if silent else 0.0


def copied(tmp_path: Path) -> list[str]:
    """The versions that there is a copy of."""
    return sorted(path.parent.name for path in (tmp_path / "replica").rglob("arrays.npz"))


def test_a_new_version_is_noticed_within_a_second(bucket: Kind, replica: BucketPlace) -> None:
    """Published or gone back to; no request waits for it while requests come."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    publish(bucket.store(), 2)
    slowest = 0.0

    def asks() -> bool:
        nonlocal slowest
        began = time.perf_counter()
        replica.served("grill", "orders").stamp()
        slowest = max(slowest, time.perf_counter() - began)
        return served(replica) == 2.0

    assert until(asks) < 1.5  # half a second, on a machine that is busy with other tests
    assert slowest < 0.2
    bucket.store().roll_back()
    until(lambda: served(replica) == 1.0)


def test_the_first_request_after_a_quiet_time_is_answered_by_what_is_current(
    bucket: Kind, replica: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looked meanwhile: it waits for one look."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    monkeypatch.setattr(version_copies, "FRESH_S", 0.0)
    publish(bucket.store(), 2)
    assert served(replica) == 2.0


def test_nothing_is_asked_for_again_and_again(
    bucket: Kind, replica: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand requests: two conditional reads a second, nothing else; an idle server looks every 20 s."""
    publish(bucket.store(), 1)
    served(replica)
    asked: list[str] = []

    def counted(self: Bucket, key: str, seen: object) -> None:
        asked.append(key)

    monkeypatch.setattr(Bucket, "look", counted)
    monkeypatch.setattr(Bucket, "get", lambda *given: pytest.fail("it was read again"))
    monkeypatch.setattr(Bucket, "list", lambda *given: pytest.fail("it was listed again"))
    until_s = time.monotonic() + 1.0
    while time.monotonic() < until_s:
        replica.served("grill", "orders").stamp()
        time.sleep(0.001)
    assert len(asked) <= 3


def test_without_a_bucket_that_answers_the_same_version_goes_on(
    bucket: Kind, replica: BucketPlace, tmp_path: Path
) -> None:
    """In the running server, and in one that starts meanwhile; no request waits. Then the newer one is there."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    silence(replica)
    until(lambda: served(replica) == 1.0 and replica.trouble() is not None)
    publish(bucket.store(), 2)
    restarted = opened(bucket, tmp_path)
    silence(restarted)
    restarted.check_at_start()
    restarted.start()
    assert served(restarted) == 1.0
    began = time.monotonic()
    for _ in range(20):
        assert served(restarted) == 1.0
    assert time.monotonic() - began < 0.5
    silence(replica, False)
    silence(restarted, False)
    until(lambda: served(replica) == served(restarted) == 2.0 and not replica.trouble())
    restarted.close()


def test_a_damaged_object_is_refused_and_the_one_before_is_served(bucket: Kind, replica: BucketPlace) -> None:
    """As with a damaged file; what is damaged is never copied."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    name = publish(bucket.store(), 2)
    content = bucket.read(name, "arrays.npz")
    bucket.write(name, "arrays.npz", content[:-1] + bytes([content[-1] ^ 1]))
    other = bucket.again(replica._home.parent / "third")
    assert served(other) == 1.0
    other.close()


def test_a_damaged_copy_is_read_again(bucket: Kind, replica: BucketPlace, tmp_path: Path) -> None:
    """The copy is checked by its sums like the object."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    path = next((tmp_path / "replica").rglob("arrays.npz"))
    path.write_bytes(path.read_bytes()[:-1])
    assert served(replica) == 1.0
    restarted = opened(bucket, tmp_path)
    assert served(restarted) == 1.0
    restarted.close()
    until(lambda: len(path.read_bytes()) > 300)


def test_only_the_served_version_is_copied_and_the_others_are_overwritten(
    bucket: Kind, replica: BucketPlace, tmp_path: Path
) -> None:
    """They may hold rows of somebody who is erased by now."""
    publish(bucket.store(), 1)
    served(replica)
    with next((tmp_path / "replica").rglob("arrays.npz")).open("rb") as held:
        name = publish(bucket.store(), 2)
        until(lambda: served(replica) == 2.0)
        assert set(held.read()) == {0}
    assert copied(tmp_path) == [name]


def test_rows_that_are_taken_out_leave_every_copy_also_of_a_machine_without_requests(
    bucket: Kind, replica: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks by itself; the copy is overwritten, not only deleted."""
    monkeypatch.setattr(version_copies, "IDLE_LOOK_S", 0.1)
    monkeypatch.setattr(version_copies, "QUIET_S", 0.0)
    name = publish(bucket.store(), 1)
    served(replica)
    path = next((tmp_path / "replica").rglob("arrays.npz"))
    with path.open("rb") as held:
        on = bucket.store()
        digest = on.rewrite(on.load(name), {"a": np.array([7.0]), "b": np.arange(1)})
        followed = replica.served("grill", "orders")
        assert isinstance(followed, Followed)
        until(lambda: held.seek(0) == 0 and set(held.read()) == {0})
        until(lambda: followed.load(name).digest == digest)
    until(lambda: copied(tmp_path) == [name])


def test_a_version_that_is_withdrawn_is_not_served_any_more(
    bucket: Kind, replica: BucketPlace, tmp_path: Path
) -> None:
    """Because nobody is left to learn from: no copy stays."""
    name = publish(bucket.store(), 1)
    assert served(replica) == 1.0
    on = bucket.store()
    on.drop(name)
    on.point_at(None)
    until(lambda: served(replica) is None and copied(tmp_path) == [])


def test_an_empty_folder_in_the_place_of_a_mount_is_no_empty_shelf(
    bucket: Kind, replica: BucketPlace, tmp_path: Path
) -> None:
    """Nothing is forgotten because a disk is not mounted: what was served goes on; the check says what to do."""
    publish(bucket.store(), 1)
    assert served(replica) == 1.0
    (tmp_path / "shared").rename(tmp_path / "away")
    (tmp_path / "shared").mkdir()
    until(lambda: replica.trouble() is not None and served(replica) == 1.0)
    restarted = opened(bucket, tmp_path)
    with pytest.raises(VersionsDenied, match="mounted"):
        restarted.check()
    restarted.check_at_start()
    assert served(restarted) == 1.0
    assert not list((tmp_path / "shared").iterdir())
    restarted.close()


def test_a_full_disk_here_does_not_keep_a_new_version_away(
    bucket: Kind, replica: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is served from the bucket then."""
    publish(bucket.store(), 1)

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recommender.store.shelves.folder.write_atomic", full)
    assert served(replica) == 1.0
