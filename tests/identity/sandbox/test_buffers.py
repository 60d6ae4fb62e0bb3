"""The server's own copies of pixels: erased after use, and their memory serves the next picture."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from identity.capture.attempt import capture_frames
from identity.errors import CaptureError, SuspiciousImage
from identity.frames.decode import Frame
from identity.metrics import IdentityMetrics
from identity.sandbox.buffers import KEPT_BYTES, PixelBuffers
from identity.sandbox.decoder import Decoder
from tests.identity.fakes import FakeEngine
from tests.identity.frames.test_decode import encoded, png_of

GREY = np.full((48, 64, 3), 7, np.uint8)


def under(picture: Any) -> NDArray[np.uint8]:
    """The memory of a copy, seen without a reference to the copy."""
    return np.frombuffer(picture.base.base, np.uint8, picture.size)


def test_a_picture_is_erased_when_nobody_looks_at_it_any_more() -> None:
    buffers = PixelBuffers(2)
    picture = buffers.copy(GREY)
    seen = under(picture)
    assert (picture == GREY).all()
    assert (seen == 7).all()

    del picture

    assert not seen.any()


def test_who_looks_at_a_part_keeps_the_whole() -> None:
    buffers = PixelBuffers(2)
    part = buffers.copy(GREY)[10:20, 10:20].transpose(2, 0, 1)[None]

    others = [buffers.copy(np.zeros_like(GREY)) for _ in range(3)]

    assert (part == 7).all()
    assert not np.any(others)


def test_a_few_buffers_are_used_again_and_large_ones_are_not() -> None:
    buffers = PixelBuffers(2)
    first = buffers.copy(GREY)
    address = first.ctypes.data
    del first
    assert buffers.copy(GREY + 1).ctypes.data == address

    several = [buffers.copy(GREY) for _ in range(4)] + [buffers.copy(np.zeros((KEPT_BYTES + 3, 1, 1), np.uint8))]
    several.clear()

    assert [len(kept) for kept in buffers._free] == [KEPT_BYTES, KEPT_BYTES]


def test_a_decoder_puts_its_pictures_there() -> None:
    decoder = Decoder()
    try:
        frame = decoder.decode(encoded(".png"))
        address = frame.pixels.ctypes.data
        seen = under(frame.pixels)
        assert seen.any()

        del frame

        assert not seen.any()
        assert decoder.decode(encoded(".jpg")).pixels.ctypes.data == address
        assert references_left_by_a_refusal(decoder, png_of(64, 64, 200_000)) == 0
    finally:
        decoder.close()


def references_left_by_a_refusal(decoder: Decoder, bomb: bytes) -> int:
    """References to the file that wait for the garbage collector."""
    gc.disable()
    try:
        before = sys.getrefcount(bomb)
        with contextlib.suppress(SuspiciousImage):
            decoder.decode(bomb)
        return sys.getrefcount(bomb) - before
    finally:
        gc.enable()


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1]])
def test_a_refused_picture_is_erased_without_waiting_for_the_garbage_collector(sizes: list[int]) -> None:
    buffers = PixelBuffers(3)
    gc.disable()
    try:
        with contextlib.suppress(CaptureError):
            capture_frames(
                FakeEngine(faces=[]),
                [bytes(size) for size in sizes],
                IdentityMetrics(CollectorRegistry()),
                decode=lambda _: Frame(buffers.copy(np.zeros_like(GREY))),
            )
        assert len(buffers._free) == len(sizes)
    finally:
        gc.enable()
