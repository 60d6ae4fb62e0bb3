"""People under two names in an operator's folder: listed, and merged only when the operator says so."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from identity.cli import evaluate as evaluate_cli
from identity.cli.evaluate import evaluate_faces
from identity.evaluation.duplicates import MOST_SUSPECTS, merge, read_pairs, suspects
from identity.evaluation.folder import Picture
from identity.evaluation.identification import LabelledVectors
from identity.vectors import unit
from tests.identity.fakes import FakeEngine, person_picture


def album_of_names(twice: int, people: int = 60) -> tuple[LabelledVectors, list[str]]:
    """`people` with three pictures each; the first `twice` of them stand under a second name with one more."""
    rng = np.random.default_rng(4)
    bodies = np.concatenate([np.repeat(np.arange(people), 3), np.arange(twice)])
    numbers = np.concatenate([np.repeat(np.arange(people), 3), people + np.arange(twice)])
    centres = unit(rng.normal(size=(people, 64)))
    vectors = unit(centres[bodies] + 0.05 * rng.normal(size=(len(bodies), 64)))
    # As near as a second picture of one event.
    vectors[3 * people :] = unit(vectors[: 3 * twice : 3] + 0.01 * rng.normal(size=(twice, 64)))
    return LabelledVectors(vectors, numbers), [f"name {number}" for number in numbers]


def test_two_names_of_one_person_are_suspected_and_nobody_else() -> None:
    """Five of 60 people stand there twice: these pairs, and none of the 1,900 others."""
    album, names = album_of_names(5)

    assert sorted(suspects(album, names)) == [(f"name {n}", f"name {60 + n}") for n in range(5)]
    assert suspects(*album_of_names(0)) == []


def test_the_list_of_pairs_has_a_limit() -> None:
    assert len(suspects(*album_of_names(40))) == MOST_SUSPECTS


def test_people_with_one_picture_each_give_nothing_to_compare_with() -> None:
    assert suspects(LabelledVectors(unit(np.eye(4)), np.arange(4)), list("abcd")) == []


def test_names_are_merged_also_in_a_chain() -> None:
    """a = b and b = c make one person of three names; a pair of which one is not there is not counted."""
    shots = [Picture(number, Path(name) / "1.png") for number, name in enumerate("abcd")]

    assert merge(shots, [("a", "b"), ("b", "c"), ("d", "elsewhere")]) == [("a", "b"), ("b", "c")]
    assert [shot.person for shot in shots] == [0, 0, 0, 3]


@pytest.mark.parametrize("line", ["one name", "a,b,c", "a,", ",b"])
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "same.csv"
    file.write_text(f"a,b\n\n{line}\n")

    with pytest.raises(click.ClickException, match="not two names"):
        read_pairs(file)


def test_the_command_counts_them_as_two_without_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same face in the folders of `anna` and `anne`: named, counted as two; with --same as one."""
    monkeypatch.setattr(evaluate_cli, "open_pack", lambda *_: FakeEngine())
    for name, person, count in [("anna", 1, 4), ("anne", 1, 1), *((f"p{n}", n, 2) for n in range(2, 9))]:
        (tmp_path / "drawn" / name).mkdir(parents=True)
        for frame in range(count):
            picture = person_picture(person, 0 if name == "anne" else frame, 160, 120)
            (tmp_path / "drawn" / name / f"{frame}.png").write_bytes(picture)
    same, out = tmp_path / "same.csv", tmp_path / "out.json"
    same.write_text("anna,anne\n")
    options = ["--images", str(tmp_path / "drawn"), "--no-occlusion", "--json", str(out)]
    before = CliRunner().invoke(evaluate_faces, options)
    first = json.loads(out.read_text())
    after = CliRunner().invoke(evaluate_faces, [*options, "--same", str(same)])
    second = json.loads(out.read_text())

    assert "Perhaps one person under two names; check, and list them with --same: 1 (anna, anne)" in before.output
    assert "Counted as one person each (--same): 1 (anna, anne)" in after.output
    assert (first["people"], first["suspects"], first["same"]) == (9, [["anna", "anne"]], [])
    assert (second["people"], second["suspects"], second["same"]) == (8, [], [["anna", "anne"]])
    assert second["verification"]["pairs_same"] == first["verification"]["pairs_same"] + 4
