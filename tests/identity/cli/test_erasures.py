"""`usual erasures`: who was erased, and the search for anything left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import app
from identity.cli.erasures import erasures
from tests.identity.halves import KIOSK, World, claims_of


def run(world: World, *words: str) -> Result:
    return CliRunner().invoke(erasures, [words[0], "--home", str(world.home), *words[1:]])


@pytest.fixture
def gone(world: World) -> tuple[str, str]:
    """The number of an erasure, and the pseudonym that it erased."""
    made = world.enrol(1)
    pseudonym = claims_of(world.recognise(1)).pseudonym
    return world.service.opt_out(KIOSK, made.receipt).id, pseudonym


def test_list_and_show(world: World, gone: tuple[str, str]) -> None:
    number, _ = gone

    listed, shown = run(world, "list"), run(world, "show", number)

    assert listed.exit_code == shown.exit_code == 0, listed.output + shown.output
    assert f"{number}  2024-10-04  north  closed" in listed.output
    said = json.loads(shown.output)
    assert (said["format"], said["id"], said["closed"]) == ("usual-erasure-1", number, True)


def test_verify_finds_nothing_in_what_we_keep_and_what_is_planted(
    world: World, gone: tuple[str, str], tmp_path: Path
) -> None:
    number, pseudonym = gone
    brought = tmp_path / "brought.json"
    brought.write_text(run(world, "show", number).output)
    for name in (number, str(brought)):
        clean = run(world, "verify", name)
        assert clean.exit_code == 0, clean.output
        assert "nothing of them was found" in clean.output
        assert "databases" in clean.output

    (world.home / "export.csv").write_text(f"customer,item\n{pseudonym},soup\n")
    found = run(world, "verify", number)

    assert found.exit_code == 1
    assert "FOUND  export.csv, byte 14: text" in found.output
    (world.home / "export.csv").unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "old.log").write_text(pseudonym)
    assert run(world, "verify", "--also", str(elsewhere), number).exit_code == 1


def test_verify_overwrites_free_space_first(world: World, gone: tuple[str, str]) -> None:
    """A server that was killed has not done it; a second time nothing is owed."""
    number, _ = gone
    database = world.half.stores.database
    assert database.unclean() == 1

    assert "Free space of identity.db was to be overwritten, and is now." in run(world, "verify", number).output
    assert database.unclean() == 0
    assert "Free space" not in run(world, "verify", number).output


def test_verify_looks_into_object_storage_too_and_says_when_it_cannot(world: World, gone: tuple[str, str]) -> None:
    number, pseudonym = gone

    @contextmanager
    def fetched(home: Path) -> Iterator[None]:
        (home / "texts.json").write_text(pseudonym)
        yield
        (home / "texts.json").unlink()

    @contextmanager
    def silent(home: Path) -> Iterator[None]:
        raise OSError("the store is silent")
        yield

    words = ["verify", "--home", str(world.home), number]
    found = CliRunner().invoke(erasures, words, obj={"elsewhere": fetched})
    unsure = CliRunner().invoke(erasures, words, obj={"elsewhere": silent})

    assert (found.exit_code, unsure.exit_code) == (1, 1)
    assert "FOUND  texts.json" in found.output
    assert "nothing is proved: the store is silent" in unsure.output


def test_a_receipt_that_is_none_is_a_sentence(world: World, gone: tuple[str, str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text(run(world, "show", gone[0]).output[:200])

    codes = [getattr(run(world, "verify", name).exception, "code", "") for name in ("0" * 32, str(cut))]

    assert codes == ["erasure_receipt_unknown", "erasure_receipt_forged"]


@pytest.mark.parametrize("words", [("erasures", "list"), ("access", "AAAA"), ("identity", "held")])
def test_a_command_that_looks_into_a_house_makes_none(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app.assemble(), [*words, "--home", str(tmp_path / "mistyped")])

    assert result.exit_code == 1
    assert "is no state folder of Usual" in result.output
    assert list(tmp_path.iterdir()) == []
