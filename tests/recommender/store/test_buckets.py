"""A bucket in the place of the folder: what must be refused, what a kill leaves, and two who write at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.settings import WrongSetting
from recommender.store.shelves import bucket as buckets
from recommender.store.shelves import objects
from recommender.store.shelves.bucket import Bucket
from recommender.store.shelves.errors import (
    CurrentChanged,
    VersionChanged,
    VersionsDenied,
    VersionsUnusable,
)
from recommender.store.version_places import fetched, open_place
from recommender.store.versions import VersionStore
from tests.recommender.store.shelf_kinds import HOUSE, Kind, bucket
from tests.recommender.store.test_versions import CUT, model, publish

__all__ = ["bucket"]

SMALLER = {"a": np.array([1.0]), "b": np.arange(2)}


# --- what is refused ---------------------------------------------------------------------------------


def test_another_installation_in_the_same_folder_is_refused(bucket: Kind) -> None:
    """It would take rows out of versions that it knows nothing about. Replicas have the same key."""
    publish(bucket.store())
    with pytest.raises(VersionsUnusable, match=r"recommender\.key"):
        bucket.again(house="b" * 32).check()
    bucket.again().check()
    bucket.bucket().put("usual-versions.json", b'{"format": 2, "house": "' + HOUSE.encode() + b'"}')
    with pytest.raises(VersionsUnusable, match="newer release"):
        bucket.again().check()


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "bucket/usual",
        "ftp://bucket",
        "file://usual/models",
        "file:models",
        "s3://a/../b",
        "memory:///",
        "[",
    ],
)
def test_an_address_that_is_none_is_a_wrong_setting(url: str, tmp_path: Path) -> None:
    """Before anything is sent."""
    with pytest.raises(WrongSetting, match="USUAL_VERSIONS"):
        open_place(tmp_path, url, HOUSE)


def test_a_secret_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """The address is shown in lists of processes and in errors; the variables of the store are not."""
    for url in ("s3://key:" + "hidden@bucket/usual", "az://container/usual?sig=hidden"):
        with pytest.raises(WrongSetting) as error:
            open_place(tmp_path, url, HOUSE)
        assert "hidden" not in str(error.value)


def test_a_shared_folder_that_is_not_mounted_is_named(tmp_path: Path) -> None:
    """It is not made on this machine's own disk."""
    with pytest.raises(VersionsDenied, match="mount it"):
        open_place(tmp_path, (tmp_path / "missing").as_uri(), HOUSE).check()
    assert not (tmp_path / "missing").exists()


def test_without_the_package_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without the setting nobody misses it."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "recommender.store.shelves.bucket")
    with pytest.raises(VersionsUnusable, match="pip install obstore"):
        open_place(tmp_path, "s3://bucket/usual", HOUSE)
    publish(open_place(tmp_path, None, HOUSE).store("grill", "orders"))


def test_a_search_of_the_house_finds_what_lies_in_the_bucket(bucket: Kind, tmp_path: Path) -> None:
    """`usual erasures verify` looks through every object; what it fetched is overwritten afterwards."""
    publish(bucket.store())
    home = tmp_path / "searched"
    with fetched(home, bucket.url):
        found = [path for path in home.rglob("*") if path.is_file()]
        assert sorted(path.suffix for path in found) == ["", ".json", ".json", ".json", ".npz"]
        held = next(path for path in found if path.suffix == ".npz").open("rb")
    with held:
        assert set(held.read()) == {0}
    assert list(home.iterdir()) == []


# --- killed in the middle ----------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing that comes after is done."""


def killed_after(monkeypatch: pytest.MonkeyPatch, place: Any, requests: int) -> Callable[[], int]:
    """From the request after so many on, the process of `place` is dead."""
    made = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Bucket, *given: Any, **named: Any) -> Any:
            nonlocal made
            if self is place._bucket:
                made += 1
                if made > requests:
                    raise Killed
            return method(self, *given, **named)

        return call

    for cls in (Bucket, buckets.SharedFolder):
        for name in ("get", "look", "list", "delete", "_write"):
            if name in vars(cls):
                monkeypatch.setattr(cls, name, counted(vars(cls)[name]))
    return lambda: made


def dies(place: Any, requests: int, work: Callable[[VersionStore], object]) -> bool:
    """Whether `work` needs more than so many requests; it is killed after them."""
    with pytest.MonkeyPatch.context() as patch:
        killed_after(patch, place, requests)
        try:
            work(place.store("grill", "orders"))
        except Killed:
            return True
    return False


def tidied(kind: Kind) -> None:
    """Whatever was left over goes, and nothing but whole versions stays."""
    on = kind.again().store("grill", "orders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "ABANDONED_S", -60.0)
        on.tidy()
        on.tidy()
    names = on.names()
    for name in names:
        on.load(name)
    folders = {file.split("/")[0] for file in kind.files()} - {"current"}
    assert folders == set(names)
    assert len(kind.files()) == 3 * len(names) + 1


def test_a_publisher_killed_at_any_request_leaves_a_whole_version_or_none(bucket: Kind) -> None:
    """What was current is current; what was left over goes at the next look."""
    bucket.place.check()
    first = publish(bucket.store())
    for requests in range(40):
        place = bucket.again()
        place.check()
        if not dies(place, requests, lambda on: publish(on, 2.0)):
            break
        on = bucket.again().store("grill", "orders")
        assert on.current() in (first, on.names()[-1])
        tidied(bucket)
        for name in on.names()[1:]:
            on.point_at(first)
            on.drop(name)
    assert requests > 8


def test_who_takes_rows_out_and_is_killed_at_any_request_leaves_a_version_that_can_be_read(bucket: Kind) -> None:
    """With the old rows or the new ones; the next one finishes it."""
    bucket.place.check()
    name = publish(bucket.store())
    for requests in range(40):
        place = bucket.again()
        place.check()
        version = place.store("grill", "orders").load(name)
        small = {"a": np.array([float(requests)]), "b": np.arange(2)}
        done = not dies(place, requests, lambda on, v=version, s=small: on.rewrite(v, s))  # type: ignore[misc]
        on = bucket.again().store("grill", "orders")
        found = on.load(name)
        on.settle(found)
        assert found.arrays["a"][0] in (version.arrays["a"][0], requests)
        tidied(bucket)
        if done:
            break
    assert requests > 3


# --- several at once ---------------------------------------------------------------------------------


def test_of_many_trainers_at_once_one_wins_each_time(bucket: Kind) -> None:
    """Every version is whole afterwards, and the one that won is current."""
    publish(bucket.store())
    ends: list[str | None] = []
    ready = threading.Barrier(4)

    def train(number: int) -> None:
        on = bucket.again().store("grill", "orders")
        seen = on.pointed()
        ready.wait()
        try:
            ends.append(on.publish(model(number), seed=0, cut=CUT, parent=None, keep=9, expected=seen))
        except CurrentChanged:
            ends.append(None)

    threads = [threading.Thread(target=train, args=(number,)) for number in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    on = bucket.again().store("grill", "orders")
    won = [name for name in ends if name]
    assert len(ends) == 4
    assert [on.current()] == won
    assert sorted(on.load(name).arrays["a"][0] for name in on.names()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_two_who_take_rows_out_at_once_do_not_undo_each_other(bucket: Kind) -> None:
    """The second one is in time while the first is at work: the first is refused, and does it again."""
    one, two = bucket.store(), bucket.again().store("grill", "orders")
    name = publish(one)

    def meanwhile(digest: str) -> None:
        found = two.load(name)
        assert two.settle(found)
        two.rewrite(two.load(name), SMALLER)

    with pytest.raises(VersionChanged):
        one.rewrite(one.load(name), {"a": np.array([9.0]), "b": np.arange(1)}, meanwhile)
    assert one.load(name).arrays["b"].tolist() == [0, 1]
    tidied(bucket)


def test_who_publishes_is_not_refused_because_somebody_leaves_meanwhile(bucket: Kind) -> None:
    """Taking rows out writes `current` again, for every machine to notice; that is no other version."""
    one, two = bucket.store(), bucket.again().store("grill", "orders")
    name = publish(one)
    seen = one.pointed()
    two.rewrite(two.load(name), SMALLER)
    assert two.pointed().tag != seen.tag
    second = one.publish(model(2), seed=0, cut=CUT, parent=name, expected=seen)
    assert two.current() == second
    with pytest.raises(CurrentChanged):
        two.point_at(name, seen)


def test_a_version_that_is_dropped_while_it_is_rewritten_stays_away(bucket: Kind) -> None:
    """Nothing of it is left."""
    one, two = bucket.store(), bucket.again().store("grill", "orders")
    publish(one)
    name = publish(one, 2)
    with pytest.raises(VersionChanged):
        one.rewrite(one.load(name), SMALLER, lambda digest: two.drop(name))
    assert name not in two.names()
    tidied(bucket)


def test_clearing_up_does_not_touch_who_is_at_work(bucket: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine clears up while a version is published and rewritten; who is slow by ten minutes does it
    again under the next number."""
    one, two = bucket.store(), bucket.again().store("grill", "orders")
    looked = list[bool]()

    def tidy(*given: object) -> None:
        looked.append(two.tidy())

    name = one.publish(model(), seed=0, cut=CUT, parent=None, before=tidy)
    one.rewrite(one.load(name), SMALLER, tidy)
    assert looked == [False, True]
    assert one.load(name).arrays["b"].tolist() == [0, 1]
    slow = iter([True])

    def tidy_as_if_abandoned(*given: object) -> None:
        if next(slow, False):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(objects, "ABANDONED_S", -60.0)
                assert two.tidy()

    second = one.publish(model(2), seed=0, cut=CUT, parent=None, before=tidy_as_if_abandoned)
    assert one.load(second).arrays["a"][0] == 2.0
    tidied(bucket)
