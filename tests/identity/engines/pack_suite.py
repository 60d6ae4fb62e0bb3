"""What every engine pack must promise. A pack's tests inherit `PackSuite` and provide two fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data.faces import people
from identity.engines.manifests import Pack
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.engines.warm_up import pattern, some_face
from identity.evaluation.conformance import examine_pack
from identity.frames.decode import LEAST_SIDE, MOST_ASPECT, MOST_PIXELS
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from identity.sandbox.wire import SCHEMES

SIZES = (
    (LEAST_SIDE, LEAST_SIDE),
    (LEAST_SIDE, LEAST_SIDE * MOST_ASPECT),
    (LEAST_SIDE * MOST_ASPECT, LEAST_SIDE),
    (481, 643),
    (MOST_PIXELS // 2_400, 2_400),
)
"""(height, width) of the smallest, the narrowest and the largest pictures that `frames.decode` accepts."""


def read_only(pixels: Pixels) -> Pixels:
    """The picture as an engine gets it in its sandbox: it cannot be written to."""
    pixels = pixels.copy()
    pixels.flags.writeable = False
    return pixels


def numbers_of(faces: list[Face]) -> list[tuple[object, ...]]:
    """All numbers of faces, to be compared exactly."""
    return [(face.box, face.landmarks.tolist(), face.score, face.scheme, face.covered) for face in faces]


class PackSuite:
    """The promises of an engine pack.

    A subclass provides the class-scoped fixtures `engine` (the pack in this process) and `launch` (how a sandboxed
    process opens the same pack). It may override `draw`.
    """

    def draw(self, person: int, moment: int) -> Pixels:
        """A picture of a person who does not exist, with one face that the engine finds."""
        return people.draw_face(person, moment)

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> FaceEngine:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def launch(cls) -> Launch:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def sandboxed(cls, launch: Launch) -> Iterator[EnginePool]:
        pool = EnginePool(launch, timeout_s=30.0)
        pool.start()
        yield pool
        pool.close()

    def test_it_implements_the_protocol(self, engine: FaceEngine) -> None:
        """The manifest is a Pack whose id is its name and version, and faces have the documented shapes."""
        pack = engine.pack
        (face, *_) = engine.detect(read_only(self.draw(0, 0)))

        assert isinstance(pack, Pack)
        assert pack.id == f"{pack.name}@{pack.version}"
        assert pack.size > 0
        assert len(face.box) == 4
        assert min(face.box[2:]) > 0
        assert face.landmarks.shape == (5, 2)
        assert face.landmarks.dtype == np.float32
        assert np.isfinite([*face.box, *face.landmarks.ravel(), face.score]).all()
        assert face.scheme in SCHEMES
        assert face.scheme == some_face(engine).scheme
        assert face.eyes[0, 0] < face.eyes[1, 0]  # the image-left eye comes first
        assert not face.covered

    def test_it_passes_the_conformance_checks(self, engine: FaceEngine, sandboxed: EnginePool) -> None:
        """`usual models check`: licence, vendor, shape, length, determinism, empty picture, speed."""
        findings = examine_pack(engine, second=sandboxed)

        assert [finding.name for finding in findings if not finding.passed] == []

    def test_faces_come_largest_first(self, engine: FaceEngine) -> None:
        faces = engine.detect(read_only(people.two_people(1, 2, equal=False)))

        assert [face.area for face in faces] == sorted((face.area for face in faces), reverse=True)

    def test_equal_pixels_give_equal_numbers(self, engine: FaceEngine) -> None:
        """Also when another picture was processed in between."""
        picture, other = self.draw(0, 0), self.draw(1, 0)
        found = engine.detect(read_only(picture))
        vector = engine.embed(read_only(picture), found[0])
        engine.embed(read_only(other), engine.detect(read_only(other))[0])
        again = engine.detect(read_only(picture))

        assert numbers_of(again) == numbers_of(found)
        assert np.array_equal(engine.embed(read_only(picture), again[0]), vector)

    @pytest.mark.parametrize("seed", range(3))
    def test_vectors_have_the_size_of_the_manifest_and_unit_length(self, engine: FaceEngine, seed: int) -> None:
        face = some_face(engine)
        for shown in (face, replace(face, covered=True)):
            vector = engine.embed(read_only(pattern(seed)), shown)

            assert vector.shape == (engine.pack.size,)
            assert vector.dtype == np.float32
            assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)

    def test_the_embedder_sees_differences(self, engine: FaceEngine) -> None:
        """Two people have other vectors, and one person in two pictures is nearer than two people."""
        vectors = {}
        for person in (0, 1):
            for moment in (0, 1):
                picture = self.draw(person, moment)
                vectors[person, moment] = engine.embed(picture, engine.detect(picture)[0])

        assert vectors[0, 0] @ vectors[0, 1] > vectors[0, 0] @ vectors[1, 0]
        assert vectors[1, 0] @ vectors[1, 1] > vectors[0, 0] @ vectors[1, 0]

    @pytest.mark.parametrize(("height", "width"), SIZES)
    def test_it_refuses_no_legal_picture(self, engine: FaceEngine, height: int, width: int) -> None:
        """Any size that `frames.decode` accepts, black, white and colourful: a list of faces, and a vector."""
        rng = np.random.default_rng(1)
        noise: NDArray[np.uint8] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        face = some_face(engine, min(height, width))
        for picture in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
            assert isinstance(engine.detect(read_only(picture)), list)
            assert np.isfinite(engine.embed(read_only(picture), face)).all()

    @pytest.mark.parametrize(("dx", "dy"), [(-120, 0), (0, -120), (120, 120)])
    def test_it_accepts_a_face_beyond_the_edge(self, engine: FaceEngine, dx: float, dy: float) -> None:
        """A box may reach over the edge of the picture (`protocol.Face`)."""
        vector = engine.embed(read_only(pattern()), some_face(engine).moved(dx, dy))

        assert vector.shape == (engine.pack.size,)
        assert np.isfinite(vector).all()

    def test_it_changes_no_pixel(self, engine: FaceEngine) -> None:
        picture = self.draw(2, 0)
        before = picture.copy()
        engine.embed(picture, engine.detect(picture)[0])

        assert np.array_equal(picture, before)

    def test_it_needs_no_file_network_or_program(self, engine: FaceEngine, sandboxed: EnginePool) -> None:
        """In its sandbox, where none can be opened, it returns the same numbers as here."""
        picture = self.draw(3, 0)
        here, there = engine.detect(picture), sandboxed.detect(picture)

        assert "limits" in sandboxed.walls
        assert numbers_of(there) == numbers_of(here)
        assert np.array_equal(sandboxed.embed(picture, there[0]), engine.embed(picture, here[0]))
