"""The library face: an engine by its name, enrolment and matching on arrays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import identity
from data.faces import people
from identity import Engine, enrol, match, read_picture
from identity.errors import FaceTooSmall, NoFace, UnknownPack, VectorInvalid
from identity.matching.calibration import Calibration
from identity.matching.decide import decide
from identity.vectors import mean_template, unit
from tests.conftest import ROOT
from tests.identity.fakes import FakeEngine, face_at, person_picture


@pytest.fixture(scope="module")
def engine(engine_cache: Path) -> Engine:
    return Engine("dlib", cache=engine_cache)


def drawn(person: int, moment: int) -> NDArray[np.uint8]:
    return read_picture(people.jpeg(people.draw_face(people.STRANGERS + person, moment)))


def imported(code: str) -> set[str]:
    """The modules that are loaded after `code` ran in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


class TestImport:
    def test_the_package_alone_loads_no_library(self) -> None:
        assert not imported("import identity") & {"numpy", "cv2", "flask", "sqlite3", "plumbing"}

    def test_the_library_loads_no_web_framework(self) -> None:
        loaded = imported("from identity import Engine, enrol, match, read_picture")

        assert "numpy" in loaded
        assert not loaded & {"flask", "flask_openapi3", "prometheus_client"}

    def test_only_what_is_named_is_exported(self) -> None:
        assert all(getattr(identity, name) for name in identity.__all__)
        with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
            identity.Nobody  # noqa: B018  # type: ignore[attr-defined]


class TestEngine:
    def test_pictures_of_one_person_are_nearer_than_those_of_two(self, engine: Engine) -> None:
        first, again, other = (engine.embed(drawn(*look)) for look in ((0, 0), (0, 1), (1, 0)))

        assert first.shape == (engine.size,)
        assert first.dtype == np.float32
        assert float(first @ first) == pytest.approx(1, abs=1e-5)
        assert first @ again > first @ other

    def test_a_detected_face_lies_in_the_picture(self, engine: Engine) -> None:
        pixels = drawn(0, 0)
        [face] = engine.detect(pixels)

        x, y, width, height = face.box
        assert 0 < x < x + width < pixels.shape[1]
        assert 0 < y < y + height < pixels.shape[0]

    def test_a_picture_of_nobody_is_refused_by_name(self, engine: Engine) -> None:
        with pytest.raises(NoFace):
            engine.embed(np.full((480, 640, 3), 128, np.uint8))

    def test_an_unknown_pack_is_refused_by_name(self) -> None:
        with pytest.raises(UnknownPack, match="dlib"):
            Engine("nothing of this name")

    @pytest.mark.parametrize("engine_of_pack", [FakeEngine([face_at(300, 200, 20)])])
    def test_the_picture_is_judged_as_at_a_device(
        self, engine_of_pack: FakeEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("identity.library.open_pack", lambda *_: engine_of_pack)

        with pytest.raises(FaceTooSmall):
            Engine().embed(read_picture(person_picture(1)))
        assert engine_of_pack.calls == 0

    def test_a_vector_that_is_not_finite_is_refused_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Broken(FakeEngine):
            def embed(self, pixels: NDArray[np.uint8], face: object) -> NDArray[np.float32]:
                return np.full(192, np.nan, np.float32)

        monkeypatch.setattr("identity.library.open_pack", lambda *_: Broken())

        with pytest.raises(VectorInvalid):
            Engine().embed(read_picture(person_picture(1)))


class TestEnrol:
    def test_the_template_is_the_mean_at_unit_length(self) -> None:
        vectors = unit(np.random.default_rng(1).normal(size=(3, 8)))

        template = enrol(vectors)

        assert np.array_equal(template, mean_template(vectors))
        assert float(np.linalg.norm(template)) == pytest.approx(1)

    @pytest.mark.parametrize("vectors", [np.zeros((0, 8)), np.ones(8), np.zeros((2, 8)), np.full((2, 8), np.nan)])
    def test_what_is_no_set_of_vectors_is_refused(self, vectors: NDArray[np.float64]) -> None:
        with pytest.raises(ValueError, match=r"shape|zero"):
            enrol(vectors)


class TestMatch:
    def test_it_decides_as_a_press_with_one_frame_does(self) -> None:
        rng = np.random.default_rng(2)
        templates = unit(rng.normal(size=(50, 16)))
        probes = unit(templates[rng.integers(0, 50, 3_000)] + rng.normal(0, 0.2, (3_000, 16)))
        calibration = Calibration("fake@1", 0.7, 50, 0.01, 0)

        decisions = match(probes, templates, 0.7)

        for probe, decision in zip(probes, decisions, strict=True):
            expected = decide(probe[None], templates, calibration)
            assert (decision.outcome, decision.index) == (expected.outcome, expected.index)
            assert decision.score == pytest.approx(expected.score, abs=1e-5)
        assert {decision.outcome for decision in decisions} == {"matched", "unknown", "ambiguous"}

    def test_without_templates_everybody_is_unknown(self) -> None:
        decisions = match(np.eye(4), np.zeros((0, 4)), 0.5)

        assert [(decision.outcome, decision.index) for decision in decisions] == [("unknown", None)] * 4

    def test_the_threshold_itself_matches(self) -> None:
        assert match(np.eye(2), np.eye(2), 1.0)[1].index == 1

    @pytest.mark.parametrize(
        ("probes", "templates"), [(np.eye(3), np.eye(4)), (np.ones(4), np.eye(4)), (np.zeros((1, 4)), np.eye(4))]
    )
    def test_what_does_not_fit_is_refused(
        self, probes: NDArray[np.float64], templates: NDArray[np.float64]
    ) -> None:
        with pytest.raises(ValueError, match=r"shape|\(n, d\)|zero"):
            match(probes, templates, 0.5)
