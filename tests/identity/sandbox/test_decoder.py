"""Pictures are decoded behind a wall: the same pixels, no way out, and a hostile picture harms its sender."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.measure import family_of, processor_s
from identity.config import IdentityConfig
from identity.errors import FrameError, SuspiciousImage, TooHardToDecode, TooManyFailures
from identity.frames.decode import decode
from identity.sandbox.decoder import Decoder
from identity.sandbox.lockdown import MACHINES, PERMITTED, TIMER, filter_for
from tests.conftest import ROOT
from tests.identity import rogue_decoder as rogue
from tests.identity import rogues
from tests.identity.frames.test_decode import encoded, png_of
from tests.identity.halves import KIOSK, OTHER_DEVICE, TOKEN_KEY, World, pictures
from tests.identity.sandbox.test_pool import gone
from tests.pictures import with_exif

ROGUE = "tests.identity.rogue_decoder"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    decoder.start()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Decoder]:
    decoder = Decoder(program=ROGUE)
    decoder.start()
    yield decoder
    decoder.close()


def order(what: int) -> bytes:
    """A picture that the rogue obeys."""
    return encoded(".png", np.full((64, 64, 3), what, np.uint8))


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_pixels_are_the_same_as_without_the_wall(decoder: Decoder, kind: str) -> None:
    data = encoded(kind)

    assert np.array_equal(decoder.decode(data).pixels, decode(data).pixels)
    assert decoder.walls == ("limits", "system calls")


def test_a_picture_is_turned_upright_behind_the_wall(decoder: Decoder) -> None:
    data = with_exif(encoded(".png"), 6)

    assert decoder.decode(data).pixels.shape == (128, 96, 3)
    assert np.array_equal(decoder.decode(data).pixels, decode(data).pixels)


def test_a_bomb_is_refused_for_less_than_a_picture_costs(decoder: Decoder) -> None:
    """64 x 64 in the header, 40 MB behind it: refused at the first byte too many."""
    bomb = png_of(64, 64, 200_000)
    before = processor_s(decoder.processes[0])

    for _ in range(4):
        with pytest.raises(SuspiciousImage, match="unpacks to more"):
            decoder.decode(bomb)

    assert processor_s(decoder.processes[0]) - before < 0.2
    assert decoder.decode(encoded(".png")).pixels.shape == (96, 128, 3)


@pytest.mark.parametrize(
    "what", [rogue.SPIN, rogue.CRASH, rogue.FAULT, rogue.EAT, rogue.RAISE], ids=lambda n: f"order {n}"
)
def test_a_picture_that_kills_its_decoder_is_refused_and_the_next_is_fine(taken_over: Decoder, what: int) -> None:
    """After half a second of processor time at the latest, and without loading anything again."""
    taken_over.decode(order(1))
    before = taken_over.processes
    used = processor_s(before[0])

    with pytest.raises(TooHardToDecode) as refused:
        taken_over.decode(order(what))

    assert 400 <= refused.value.status < 500
    assert processor_s(before[0]) - used < 1.0
    assert taken_over.decode(order(2)).pixels[0, 0, 0] == 2
    assert taken_over.processes == before


@pytest.mark.parametrize("what", [rogue.SLEEP, rogue.BABBLE], ids=["hangs", "babbles"])
def test_a_decoder_that_hangs_or_babbles_is_replaced(what: int) -> None:
    decoder = Decoder(program=ROGUE)
    decoder.start()
    try:
        decoder.decode(order(1))
        decoder.timeout_s = 0.3
        before = family_of(decoder.processes[0])

        for data in [order(what), order(3)][: 1 + (what == rogue.BABBLE)]:
            with contextlib.suppress(
                FrameError
            ):  # the babble is read as an answer, or found before the next request
                decoder.decode(data)

        assert all(gone(pid) for pid in before)
        decoder.timeout_s = 20.0
        assert decoder.decode(order(4)).pixels[0, 0, 0] == 4
    finally:
        decoder.close()


def test_a_decoder_that_is_killed_refuses_one_picture_at_most(decoder: Decoder) -> None:
    decoder.decode(encoded(".png"))
    keeper = decoder.processes[0]
    (copy,) = family_of(keeper)[1:]
    os.kill(copy, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while copy in family_of(keeper) and time.monotonic() < deadline:
        time.sleep(0.005)

    refused = 0
    for _ in range(3):
        try:
            decoder.decode(encoded(".png"))
        except TooHardToDecode:
            refused += 1

    assert refused <= 1


def test_a_decoder_that_was_taken_over_gets_at_nothing(taken_over: Decoder) -> None:
    """It tries each way out that a malicious pack tries. The pixels of its own picture are its to write."""
    seen = taken_over.decode(order(rogue.TRY)).pixels[0, : len(rogues.ATTEMPTS), 0]

    own = {"write into the shared pixels", "make the shared pixels writable"}
    assert {what for what, was in zip(rogues.ATTEMPTS, seen.tolist(), strict=True) if was} <= own


def test_between_two_pictures_none_is_in_shared_memory(decoder: Decoder) -> None:
    decoder.decode(encoded(".png", np.full((300, 300, 3), 77, np.uint8)))

    maps = Path("/proc/self/maps").read_text().splitlines()
    ranges = [
        line.split()[0].split("-") for line in maps if "memfd:usual-decoded" in line or "usual-packed" in line
    ]
    assert len(ranges) >= 2
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for start, end in ranges:
            memory.seek(int(start, 16))
            assert not any(memory.read(int(end, 16) - int(start, 16)))


def test_a_timer_is_all_that_a_decoder_may_beside_computing() -> None:
    for machine, (column, _, _) in MACHINES.items():
        added = len(filter_for(machine, TIMER)) - len(filter_for(machine))
        assert added == 8 * len(TIMER)  # one step of the filter for each call
        assert TIMER["setitimer"][column] not in {numbers[column] for numbers in PERMITTED.values()}


def test_the_servers_half_decodes_nothing_itself(
    tmp_path: Path, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press with a challenge, an enrolment and an opt-out, while decoding in this process is an error."""
    world = World(tmp_path, decode=decoder.decode)
    frames = [pictures(1, 3), pictures(1, 1, first=50)]

    def refuse(*_: object) -> None:
        raise AssertionError("the server decoded a picture")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    world.enrol(1)
    assert world.recognise(1).decision == "matched"
    nonce, _ = world.service.press(KIOSK)
    world.service.recognise(KIOSK, nonce, frames[1], pictures(1, 4, first=60))
    nonce, _ = world.service.press(KIOSK)
    assert world.service.forget_face(KIOSK, nonce, frames[1]).decision == "forgotten"
    world.close()


def test_an_installation_decodes_behind_the_wall(tmp_path: Path, engine_cache: Path) -> None:
    """What is built from the settings of an installation: its decoder is the one in a process."""
    from identity.web.half import build
    from plumbing.access.access import Access
    from plumbing.access.access import migrations as access_tables
    from plumbing.storage.sqlite import SQLiteDatabase

    database = SQLiteDatabase(tmp_path / "access.db", access_tables)
    config = IdentityConfig(home=tmp_path, token_keys=(TOKEN_KEY,), cache=engine_cache)
    half = build(config, access=Access(database, lambda: 0), now_us=lambda: 0, forget_elsewhere=lambda token: None)

    assert half.decoder is not None
    assert half.service.decode == half.decoder.decode == half.calibrator.decode
    half.close()
    database.close()


def test_pictures_are_unpacked_in_one_file_alone() -> None:
    """Frames in one file, a menu's pictures in a process of their own, and an owner's folder that is evaluated."""
    calls = {
        str(path.relative_to(ROOT))
        for half in ("identity", "recommender", "plumbing", "screens", "doorway")
        for path in (ROOT / half).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in {"imdecode", "imread", "VideoCapture"})
        or (isinstance(node, ast.Import | ast.ImportFrom) and "PIL" in ast.dump(node))
    }

    assert calls == {
        "identity/frames/decode.py",
        "identity/evaluation/folder.py",
        "plumbing/pictures/process.py",
    }


def test_who_sends_bombs_pauses_only_their_own_device(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.enrol(1, OTHER_DEVICE)
    bomb = png_of(64, 64, 5_000)

    for _ in range(5):
        nonce, _ = world.service.press(KIOSK)
        with pytest.raises(FrameError):
            world.service.recognise(KIOSK, nonce, [bomb])

    with pytest.raises(TooManyFailures):
        world.service.press(KIOSK)
    assert world.recognise(1, OTHER_DEVICE).decision == "matched"
    world.close()
