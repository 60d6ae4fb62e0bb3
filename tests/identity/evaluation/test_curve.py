"""The curve that `usual identity calibrate` draws."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from identity.cli import commands as cli
from identity.evaluation.curve import Scored, cohort_scores, curve, in_words, point
from identity.matching.tails import Scoring
from identity.vectors import unit
from plumbing.init_cli import begin
from tests.identity.fakes import FAKE_PACK, FakeEngine
from tests.identity.halves import pictures


def cohort(people: int, frames: int = 4, spread: float = 0.2) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [unit(rng.normal(size=(1, 64)) + spread * rng.normal(size=(frames, 64))) for _ in range(people)]


def test_shares_are_counted_at_the_threshold() -> None:
    scores = Scored(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.35, 0.9, -np.inf]), 4)
    at = point(scores, 0.35)

    assert at.fpir == 0.25
    assert at.fnir == pytest.approx(1 / 3)
    assert at.fpir_interval[0] < 0.25 < at.fpir_interval[1]


def test_the_curve_falls_for_strangers_and_rises_for_customers() -> None:
    points = curve(cohort_scores(cohort(80), Scoring()))

    assert points[0].fpir == pytest.approx(0.5, abs=0.02)
    assert points[-1].fpir <= 0.01
    assert [p.fpir for p in points] == sorted((p.fpir for p in points), reverse=True)
    missed = [p.fnir for p in points if p.fnir is not None]
    assert missed == sorted(missed)


def test_people_far_apart_have_a_threshold_that_misses_nobody() -> None:
    """Pictures that hardly differ: between both curves there is room."""
    scores = cohort_scores(cohort(60, spread=0.05), Scoring())

    assert any(p.fpir == 0 and p.fnir == 0 for p in curve(scores))
    assert "of strangers 0.00 %" in in_words(scores, 0.8)


def test_a_person_taken_for_another_is_missed_at_every_threshold() -> None:
    """Two people with one face: the one with the lower score is never found."""
    (one,) = cohort(1, 6, 0.01)
    scores = cohort_scores([one[:3], one[3:], *cohort(20)[1:]], Scoring())

    assert np.isneginf(scores.own).sum() > 0


def test_the_command_measures_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 strangers in a folder: thresholds, one sentence, and a PNG that holds no face."""
    monkeypatch.setattr(cli, "load_pack", lambda _: FAKE_PACK)
    monkeypatch.setattr(cli, "open_pack", lambda *_: FakeEngine())
    for person in range(40):
        folder = tmp_path / "drawn" / str(person)
        folder.mkdir(parents=True)
        for n, data in enumerate(pictures(person, 3)):
            (folder / f"{n}.png").write_bytes(data)
    home, plot = tmp_path / "home", tmp_path / "curve.png"
    begin(home)
    options = ["--home", str(home), "--tenant", "mill", "--pack", "fake"]
    nothing = CliRunner().invoke(cli.calibrate, options)
    done = CliRunner().invoke(cli.calibrate, [*options, "--images", str(tmp_path / "drawn"), "--plot", str(plot)])

    assert nothing.exit_code == 0, nothing.output
    assert "everybody is a guest" in nothing.output
    assert done.exit_code == 0, done.output
    assert "Threshold 0." in done.output
    assert "over 40 people" in done.output
    picture = cv2.imread(str(plot))
    assert picture is not None
    assert picture.shape[0] > 200
