"""The figures themselves, in worlds where the right answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.faces import people
from identity.cli import evaluate as evaluate_cli
from identity.cli.evaluate import evaluate_faces
from identity.evaluation import identification as evaluation
from identity.evaluation.challenge_rates import ATTACKS
from identity.evaluation.groups import by_group
from identity.evaluation.identification import Identification, LabelledVectors, labelled_vectors
from identity.evaluation.occlusion_figures import occlusion_plan, occlusion_row
from identity.evaluation.occlusions import KINDS
from identity.evaluation.promise import measure_promise
from identity.matching.tails import Scoring
from identity.vectors import unit
from tests.identity.fakes import FakeEngine, face_at, person_picture


def world(able: int, single: int, scatter: float, seed: int = 1, size: int = 64) -> LabelledVectors:
    """`able` people with 6 pictures and `single` with one; `scatter` is the noise of a picture."""
    rng = np.random.default_rng(seed)
    owners = np.concatenate([np.repeat(np.arange(able), 6), np.arange(able, able + single)])
    centres = unit(rng.normal(size=(able + single, size)))
    return LabelledVectors(unit(centres[owners] + scatter * rng.normal(size=(len(owners), size))), owners)


def test_people_far_apart_are_never_missed_nor_confused() -> None:
    """Pictures that hardly differ, people at random: FNIR 0, and strangers are greeted as often as promised."""
    rows = evaluation.identify(
        world(60, 1_200, 0.02),
        enrolled=3,
        frames=1,
        targets=(0.01,),
        size=60,
        rng=np.random.default_rng(2),
        scoring=Scoring(),
    )

    assert [row.fnir for row in rows] == [0.0]
    assert 0.005 < rows[0].fpir < 0.02
    assert rows[0].gallery == 60
    assert rows[0].fnir_interval[0] == pytest.approx(0, abs=1e-12)
    assert rows[0].fnir_interval[1] > 0.02  # 60 people cannot show that nobody is ever missed


def test_pictures_without_information_are_always_missed() -> None:
    """Vectors of noise: nobody is recognised, and strangers are greeted as rarely as promised."""
    rng = np.random.default_rng(4)
    owners = np.concatenate([np.repeat(np.arange(60), 4), np.arange(60, 1_260)])
    noise = LabelledVectors(unit(rng.normal(size=(len(owners), 64))), owners)
    (row,) = evaluation.identify(
        noise, enrolled=3, frames=1, targets=(0.01,), size=60, rng=rng, scoring=Scoring(0.6, 5)
    )

    assert row.fnir > 0.95
    assert 0.005 < row.fpir < 0.02


@pytest.fixture(scope="module")
def noisy() -> dict[tuple[int, int], Identification]:
    """(enrolled, frames) -> the figures of 400 people with 6 noisy pictures each, a gallery of 100."""
    album = world(400, 0, 0.16)
    found = {}
    for enrolled in (1, 3):
        for frames in (1, 3):
            (found[enrolled, frames],) = evaluation.identify(
                album,
                enrolled=enrolled,
                frames=frames,
                targets=(0.01,),
                size=100,
                rng=np.random.default_rng(3),
                scoring=Scoring(),
            )
    return found


@pytest.mark.parametrize(
    ("worse", "better"),
    [((1, 1), (3, 1)), ((1, 3), (3, 3)), ((1, 1), (1, 3)), ((3, 1), (3, 3))],
    ids=["enrolled, one frame", "enrolled, three frames", "frames, one enrolled", "frames, three enrolled"],
)
def test_more_enrolled_pictures_and_more_frames_miss_less(
    noisy: dict[tuple[int, int], Identification], worse: tuple[int, int], better: tuple[int, int]
) -> None:
    """Three are better than one, each for itself: the intervals of the customers missed do not meet."""
    assert noisy[better].fnir_interval[1] < noisy[worse].fnir_interval[0]


def test_fewer_misses_are_not_bought_with_more_greeted_strangers(
    noisy: dict[tuple[int, int], Identification],
) -> None:
    """All four have the same people in the gallery and among the strangers, and keep the promise of 1 %."""
    for row in noisy.values():
        assert (row.gallery, row.customers_probed, row.strangers, row.filled) == (100, 100, 300, 0)
        assert 0.005 < row.fpir < 0.015
        assert row.fpir_interval[0] < row.fpir_target < row.fpir_interval[1]


def test_too_few_comparisons_for_a_strict_promise_give_no_row() -> None:
    """Thirteen strangers and two customers are 26 comparisons: no threshold for one greeting in a hundred."""
    assert (
        evaluation.identify(
            world(3, 12, 0.1),
            enrolled=1,
            frames=1,
            targets=(0.01,),
            size=2,
            rng=np.random.default_rng(1),
            scoring=Scoring(),
        )
        == []
    )


@pytest.mark.parametrize(("single", "strangers"), [(5, []), (9, []), (10, [10])])
def test_too_few_strangers_give_no_row(single: int, strangers: list[int]) -> None:
    """Ten strangers give a row, with a warning; nine give none."""
    rows = evaluation.identify(
        world(4, single, 0.1),
        enrolled=3,
        frames=1,
        targets=(0.5,),
        size=4,
        rng=np.random.default_rng(0),
        scoring=Scoring(),
    )

    assert [row.strangers for row in rows] == strangers
    assert all("few" in row.warning for row in rows)


def test_strangers_share_nobody_with_the_gallery_nor_between_parts() -> None:
    """Eleven groups of people: each vector is the person's own one-hot direction, so overlap shows."""
    owners = np.repeat(np.arange(120), 6)
    album = LabelledVectors(np.eye(120, dtype=np.float32)[owners], owners)
    dealt = evaluation.split_people(album, 3, 1, 50, np.random.default_rng(1))
    assert dealt is not None
    parts = [dealt.strangers[dealt.stranger_parts == part] for part in range(evaluation.PARTS)]
    groups = [set(np.flatnonzero(vectors.max(axis=0) > 0.5)) for vectors in (dealt.gallery, *parts)]

    assert sum(len(group) for group in groups) == len(set.union(*groups)) == 120
    assert len(groups[0]) == 50
    assert all(groups[1:])


@pytest.mark.parametrize(("people", "target"), [(1_000, 0.01), (5_000, 0.001), (1_000, 0.001)])
def test_a_threshold_on_strangers_lets_as_many_of_others_through_as_it_promises(
    people: int, target: float
) -> None:
    """Scores of a known distribution (exponential): over 300 draws the mean of what lies beyond is the target."""
    rng = np.random.default_rng(3)
    beyond = [np.exp(-evaluation.threshold_on(rng.exponential(size=people), people, target)) for _ in range(300)]

    assert np.mean(beyond) == pytest.approx(target, rel=0.2)


def test_verification_of_a_world_without_overlap() -> None:
    """When every pair of one person is nearer than every pair of two, EER is 0 and TAR 1."""
    found = evaluation.verification(world(40, 40, 0.02), np.random.default_rng(1), 50_000)

    assert found["eer"] == pytest.approx(0, abs=1e-3)
    assert [point["tar"] for point in found["tar_at_far"]] == [1.0, 1.0, 1.0]


def test_the_products_own_threshold_keeps_its_promise_in_a_known_world() -> None:
    """Galleries of 100, promise 1 %: 6 splits greet between .4 and 1.6 of what was promised, and miss nobody."""
    rows = measure_promise(
        world(220, 1_000, 0.04), np.random.default_rng(5), Scoring(0.6, 10), (0.01,), splits=6, sizes=(100,)
    )
    first = next(row for row in rows if row["gallery"] == 100 and row["probe_frames"] == 1)

    assert 0.4 <= first["ratio"] <= 1.6
    assert first["ratio_interval"][0] <= first["ratio"] <= first["ratio_interval"][1]
    assert first["fnir"] == 0


def test_a_covered_probe_without_a_face_is_a_miss_and_greets_nobody() -> None:
    """None among the vectors counts against the customer, never against the stranger."""
    album = world(60, 400, 0.02)
    plan = occlusion_plan(album, np.random.default_rng(1), 50)
    assert plan is not None
    clear = [album.vectors[row] for row in plan.probes]
    blind = occlusion_row(album, plan, [None] * len(clear), [None] * len(plan.strangers), Scoring())
    seen = occlusion_row(album, plan, clear, [None] * len(plan.strangers), Scoring())

    assert (blind["fnir"], blind["fpir"], blind["detected"]) == (1.0, 0.0, 0.0)
    assert (seen["fnir"], seen["detected"]) == (0.0, 1.0)
    assert not set(plan.setters) & set(plan.strangers)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_over_a_face_stays_off_the_rest(kind: str) -> None:
    """Masks, hands and glasses change the face and leave the corners of the picture; light and blur change all."""
    pixels = people.draw_face(3, 0)
    face = face_at(220, 130, 200)
    covered = KINDS[kind](pixels, face)

    assert covered.shape == pixels.shape
    assert covered.dtype == np.uint8
    assert (covered[130:330, 220:420] != pixels[130:330, 220:420]).mean() > 0.1
    if kind in ("hand", "sunglasses"):
        assert np.array_equal(covered[:60], pixels[:60])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """14 people with 4 pictures each and 46 with one: blocks of colour, nobody."""
    for person in range(60):
        home = tmp_path / "drawn" / f"p{person:03d}"
        home.mkdir(parents=True)
        for frame in range(4 if person < 14 else 1):
            (home / f"{frame}.png").write_bytes(person_picture(person, frame, 160, 120))
    return tmp_path / "drawn"


def test_the_command_writes_figures_in_the_agreed_shape(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JSON holds identification, verification and occlusion with their fields, and no picture is written."""
    monkeypatch.setattr(evaluate_cli, "open_pack", lambda *_: FakeEngine())
    (folder / "p003" / "broken.png").write_bytes(b"no picture")
    (folder / "p004" / "notes.txt").write_text("not looked at")
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    out = tmp_path / "figures.json"
    groups = tmp_path / "groups.csv"
    groups.write_text("p000,north\np001,south\n\nsomebody else,south\n")
    before.append(groups)
    more = ["--groups", str(groups), "--plot", str(tmp_path / "curve.png")]
    done = CliRunner().invoke(evaluate_faces, ["--images", str(folder), "--json", str(out), *more])
    found = json.loads(out.read_text())

    assert done.exit_code == 0, done.output
    assert found["people"] == 60
    assert found["unreadable"] == ["p003/broken.png"]
    assert "p003/broken.png cannot be read" in done.output
    assert sum(found["hints"].values()) == found["images"] - 1
    assert {"enrolled_images", "probe_frames", "fpir_target", "gallery", "threshold", "fpir", "fnir"} <= set(
        found["identification"][0]
    )
    assert {row["kind"] for row in found["occlusion"]} == {"mask", *KINDS}
    assert {(row["kind"], row["tries"]) for row in found["liveness"]} == {(kind, 60) for kind in ATTACKS}
    assert all({"fpir", "fnir"} <= set(row) for row in found["occlusion"])
    assert "eer" in found["verification"]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        [*before, out, tmp_path / "curve.png"]
    )
    assert "enrolled  frames  gallery" in done.output


def test_figures_by_group_add_up_to_all() -> None:
    """One group misses everybody, the other nobody; a third has no customers."""
    rng = np.random.default_rng(8)
    centres = unit(rng.normal(size=(120, 64)))
    owners = np.concatenate([np.repeat(np.arange(40), 4), np.arange(40, 120)])
    blurred = (owners < 20)[:, None] * 3.0
    album = LabelledVectors(unit(centres[owners] + (0.05 + blurred) * rng.normal(size=(len(owners), 64))), owners)
    named = {person: "late" if person < 20 else "noon" if person < 40 else "strangers" for person in range(120)}
    late, noon, strangers = by_group(album, named, Scoring(), np.random.default_rng(1))

    assert (late["group"], noon["group"], strangers["group"]) == ("late", "noon", "strangers")
    assert late["fnir"] > 0.9
    assert noon["fnir"] == 0
    assert (late["fnir_people"], noon["fnir_people"], strangers["fnir_people"]) == (20, 20, 0)
    assert (late["fpir"], strangers["fpir_people"]) == (None, 80)


def test_a_folder_without_people_is_named(tmp_path: Path) -> None:
    """One sentence about what is expected."""
    done = CliRunner().invoke(evaluate_faces, ["--images", str(tmp_path), "--cache", str(tmp_path / "c")])

    assert done.exit_code == 1
    assert "DIR/<person>/<image>" in done.output


def test_a_vector_without_direction_does_not_enter_an_album() -> None:
    """Zero vectors are refused before they can count as a face."""
    with pytest.raises(ValueError, match="zero"):
        labelled_vectors([np.zeros(4, np.float32)], [0])
