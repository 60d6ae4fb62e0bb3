"""The server's own copies of pixels: erased after use, and their memory serves the next picture."""

from __future__ import annotations

import numpy as np

from identity.sandbox.buffers import KEPT_BYTES, PixelBuffers
from identity.sandbox.decoder import Decoder
from tests.identity.frames.test_decode import encoded

GREY = np.full((48, 64, 3), 7, np.uint8)


def test_a_picture_is_erased_when_nobody_looks_at_it_any_more() -> None:
    buffers = PixelBuffers(2)
    picture = buffers.copy(GREY)
    seen = np.asarray(memoryview(picture.base.base))[: GREY.size]
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
        seen = np.asarray(memoryview(frame.pixels.base.base))[: frame.pixels.size]
        assert seen.any()

        del frame

        assert not seen.any()
        assert decoder.decode(encoded(".jpg")).pixels.ctypes.data == address
    finally:
        decoder.close()
