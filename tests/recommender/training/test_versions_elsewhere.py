"""A whole recommender with its versions in a bucket: the same promises as with a folder, for every machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import app
from plumbing.settings import Config
from recommender.cli.audit_pack import RecommenderPart
from recommender.scene import Event, OrderLine
from recommender.store.version_places import BucketPlace
from tests.recommender.service_fixtures import NOON, Installation, World
from tests.recommender.store.shelf_kinds import Kind, bucket
from tests.recommender.store.test_version_copies import silence, until
from tests.recommender.training.test_forgotten import (
    ONE,
    PEOPLE,
    fill,
    forget,
    n_rows_of,
    real,
    served_rows,
    train,
)

__all__ = ["bucket"]


@pytest.fixture
def kitchen(installation: Installation, bucket: Kind, tmp_path: Path) -> Iterator[World]:
    """The kitchen of `test_forgotten`, its versions in a folder that machines share."""
    made = opened(installation, tmp_path / "state", bucket)
    fill(made, PEOPLE)
    yield made
    made.close()


def opened(installation: Installation, home: Path, bucket: Kind) -> World:
    return installation.open(home, real, least_people=5, versions=bucket.url)


def place(world: World) -> BucketPlace:
    found = world.half.service.stores.rows.place
    assert isinstance(found, BucketPlace)
    return found


def n_rows(world: World, name: str) -> int:
    return n_rows_of(place(world).store("grill", "orders"), name)


def left_over(world: World, bucket: Kind, who: bytes) -> list[str]:
    """Where bytes of a row still are: in the bucket, and in the home."""
    paths = [*Path(bucket.home / "shared").rglob("*"), *world.home.rglob("*")]
    return [path.as_posix() for path in paths if path.is_file() and who in path.read_bytes()]


def test_who_leaves_is_in_no_version_and_in_no_copy_any_more(
    kitchen: World, installation: Installation, bucket: Kind
) -> None:
    """At once, the served version and the older ones, also in a process that had loaded it; and then it is trained
    without them."""
    first = train(kitchen, "orders")
    kitchen.half.service.events.record(
        "grill", [Event("late", "ordered", "orders", ONE, NOON, 12.0, 0, (OrderLine("cola"),))], NOON
    )
    second = train(kitchen, "orders")
    other = opened(installation, kitchen.home, bucket)
    rows = kitchen.half.service.stores.rows
    assert (served_rows(kitchen), served_rows(other)) == (14, 14)
    assert [held.version for held in rows.holds("grill", ONE)] == [first, second]
    data = place(kitchen).store("grill", "orders").load(second).arrays["neighbours.steep.data"].tobytes()
    assert len(left_over(kitchen, bucket, data)) == 2
    forget(kitchen)
    assert n_rows(kitchen, first) == n_rows(kitchen, second) == 13
    assert rows.holds("grill", ONE) == []
    assert left_over(kitchen, bucket, data) == []
    until(lambda: (served_rows(kitchen), served_rows(other)) == (13, 13))
    assert rows.pending("grill") == ["orders"]
    third = train(kitchen, "orders")
    until(lambda: kitchen.suggest().json["model_version"] == other.suggest().json["model_version"] == third)
    assert rows.trained_without("grill", rows.numbers("grill"))["orders"] == third
    other.close()


def test_a_bucket_that_is_silent_delays_the_objects_and_not_the_forgetting(kitchen: World, bucket: Kind) -> None:
    """The opt-out is done, its row is not served from the next request on; the objects lose it at the next try."""
    name = train(kitchen, "orders")
    assert served_rows(kitchen) == 14
    silence(place(kitchen))
    forget(kitchen)
    rows = kitchen.half.service.stores.rows
    assert served_rows(kitchen) == 13
    assert [held.version for held in rows.holds("grill", ONE)] == [name]
    assert rows.pending("grill") == []
    kitchen.half.retraining.look()
    until(lambda: "object storage" in (kitchen.half.check() or ""))
    silence(place(kitchen), False)
    kitchen.half.retraining.look()
    assert n_rows(kitchen, name) == 13
    assert rows.holds("grill", ONE) == []
    until(lambda: kitchen.half.check() is None and served_rows(kitchen) == 13)


def test_who_leaves_while_another_machine_publishes_is_not_in_what_it_publishes(
    kitchen: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of one machine does not hold up another one: the publisher looks again afterwards."""
    rows = kitchen.half.service.stores.rows
    label = rows.label

    def meanwhile(*given: object) -> None:
        label(*given)  # type: ignore[arg-type]
        rows.store.note("grill", "orders", ONE)

    monkeypatch.setattr(type(rows), "label", lambda self, *given: meanwhile(*given))
    name = train(kitchen, "orders")
    assert n_rows(kitchen, name) == 13


def test_a_training_that_comes_second_is_refused_by_name(kitchen: World, bucket: Kind) -> None:
    """Its run says which version is current; what it trained is kept."""
    first = train(kitchen, "orders")
    other = bucket.again(kitchen.home, house=place(kitchen)._house or "").store("grill", "orders")
    trainer, models = kitchen.half.trainer, kitchen.half.service.stores.models
    kitchen.half.service.events.record(
        "grill", [Event("late", "ordered", "orders", ONE, NOON, 12.0, 0, (OrderLine("cola"),))], NOON
    )
    label = kitchen.half.service.stores.rows.label

    def overtaken(*given: object) -> None:
        label(*given)  # type: ignore[arg-type]
        other.point_at(first)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(kitchen.half.service.stores.rows), "label", lambda self, *given: overtaken(*given))
        run_id = models.begin("grill", "orders", NOON)
        assert trainer.run("grill", "orders", run_id, seed=0) is None
    run = models.run("grill", "orders", run_id)
    assert (run.state, first in run.why, len(other.names())) == ("refused", True, 2)
    assert other.current() == first


def test_versions_of_the_home_move_into_the_bucket(
    installation: Installation, bucket: Kind, tmp_path: Path
) -> None:
    """When the setting is made: nothing is trained again, and an erasure finds them there."""
    before = installation.open(tmp_path / "state", real, least_people=5)
    fill(before, PEOPLE)
    name = train(before, "orders")
    before.close()
    kitchen = opened(installation, tmp_path / "state", bucket)
    assert not (kitchen.home / "models").exists()
    assert kitchen.suggest().json["model_version"] == name
    assert n_rows(kitchen, name) == served_rows(kitchen) == 14
    forget(kitchen)
    assert n_rows(kitchen, name) == 13
    kitchen.close()


def test_a_server_starts_and_serves_while_the_bucket_is_silent(
    kitchen: World, installation: Installation, bucket: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has what it served before; guests and customers get the same answers."""
    name = train(kitchen, "orders")
    assert kitchen.suggest().json["model_version"] == name
    (bucket.home / "shared").rename(bucket.home / "away")
    again = opened(installation, kitchen.home, bucket)
    assert again.suggest().json["model_version"] == name
    assert again.suggest(token=again.token(PEOPLE[0])).json["model_version"] == name
    again.close()
    (bucket.home / "away").rename(bucket.home / "shared")


def test_every_command_finds_them_there(kitchen: World, bucket: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """`versions`, `rollback`, `train` and the audit pack; a bucket that is away is one sentence."""
    first = train(kitchen, "orders")
    kitchen.half.service.events.record(
        "grill", [Event("late", "ordered", "orders", ONE, NOON, 12.0, 0, (OrderLine("cola"),))], NOON
    )
    second = train(kitchen, "orders")

    def call(*given: str) -> Result:
        where = ["--home", str(kitchen.home), "--tenant", "grill"]
        return CliRunner().invoke(app.assemble(), [*given, *where], env={"USUAL_VERSIONS": bucket.url})

    assert f"* {second}" in call("versions", "orders").output
    assert call("rollback", "orders").output.startswith(f"orders is served from version {first} now. It is pinned")
    assert f"* {first}" in call("versions", "orders").output
    monkeypatch.setenv("USUAL_VERSIONS", bucket.url or "")
    listed = json.loads(RecommenderPart().contents(kitchen.home)["models.json"]())
    assert [row["version"] for row in listed] == [f"grill/orders/{name}" for name in (first, second)]
    assert [row["current"] for row in listed] == [True, False]
    (bucket.home / "shared").rename(bucket.home / "away")
    for command in (("versions", "orders"), ("rollback", "orders"), ("train", "orders")):
        failed = call(*command)
        assert failed.exit_code == 1
        assert "mount" in str(failed.exception) + failed.output, failed.output
    (bucket.home / "away").rename(bucket.home / "shared")


def test_a_server_does_not_start_with_a_place_that_cannot_be_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One sentence. It is tried in a process of its own: the threads of obstore do not survive the parting of the
    worker processes."""
    with pytest.raises(SystemExit):
        app.try_once(Config(home=tmp_path / "state", versions=(tmp_path / "missing").as_uri()))
    assert "mount it" in capfd.readouterr().err
