"""Every installed engine pack, and the fake of the other tests, keeps the promises of `PackSuite`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from identity.engines.load import open_pack
from identity.engines.manifests import checked_files, load_pack, pack_names
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.errors import PackError
from identity.frames.decode import decode
from identity.sandbox.connection import Launch
from tests.conftest import ROOT
from tests.identity.engines.pack_suite import PackSuite
from tests.identity.fakes import FAKE_PACK, FakeEngine, open_fake, person_picture

CACHE = ROOT / ".cache" / "models"


def fetched(name: str) -> bool:
    """Whether `usual models fetch` has downloaded a pack here."""
    try:
        return bool(checked_files(load_pack(name), None, CACHE))
    except PackError:
        return False


class TestFake(PackSuite):
    """The engine of the other tests. It sees a face in every picture that is not of one colour."""

    def draw(self, person: int, moment: int) -> Pixels:
        return np.asarray(decode(person_picture(person, moment)).pixels, np.uint8)

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> FaceEngine:
        return open_fake("fake", None, CACHE)

    @pytest.fixture(scope="class")
    @classmethod
    def launch(cls, tmp_path_factory: pytest.TempPathFactory) -> Launch:
        folder = tmp_path_factory.mktemp("manifests")
        (folder / "fake.json").write_text(json.dumps(asdict(FAKE_PACK)))
        return Launch("fake", None, folder, "tests.identity.fakes:open_fake", manifests=folder)


class TestDlib(PackSuite):
    """The default pack."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, engine_cache: Path) -> FaceEngine:
        return open_pack("dlib", None, engine_cache)

    @pytest.fixture(scope="class")
    @classmethod
    def launch(cls, engine_cache: Path) -> Launch:
        return Launch("dlib", None, engine_cache)


@pytest.mark.shared
class TestOpenModelZoo(PackSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, shared: Path) -> FaceEngine:
        return open_pack("open-model-zoo", shared / "models", CACHE)

    @pytest.fixture(scope="class")
    @classmethod
    def launch(cls, shared: Path) -> Launch:
        return Launch("open-model-zoo", shared / "models", CACHE)


class TestOpencvZoo(PackSuite):
    """Collected where its files were downloaded."""

    __test__ = fetched("opencv-zoo")

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> FaceEngine:
        return open_pack("opencv-zoo", None, CACHE)

    @pytest.fixture(scope="class")
    @classmethod
    def launch(cls) -> Launch:
        return Launch("opencv-zoo", None, CACHE)


def test_every_pack_inherits_the_suite() -> None:
    """A manifest without a subclass here fails: TestDlib is of dlib, TestOpenModelZoo of open-model-zoo."""
    names = {suite.__name__.removeprefix("Test").casefold() for suite in PackSuite.__subclasses__()}

    assert names == {name.replace("-", "") for name in pack_names()} | {"fake"}


def test_the_suite_finds_a_fault() -> None:
    """A fake whose answers depend on how often it was called does not pass."""

    class Counting(FakeEngine):
        def detect(self, pixels: Pixels) -> list[Face]:
            (face,) = super().detect(pixels)
            return [face.moved(self.detections, 0)]

    with pytest.raises(AssertionError):
        TestFake().test_equal_pixels_give_equal_numbers(Counting())
