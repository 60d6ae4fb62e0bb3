"""Decodes pictures in a process of its own, which has no key, little memory and half a second for each.

A decoder is code in C that works on a stranger's bytes. So the server checks the structure of a file and passes on
the rest; the pixels come back in shared memory and are copied out of it. `decoder_process.py` is the other side.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from identity.errors import FrameError, TooHardToDecode
from identity.frames.decode import MOST_PIXELS, Frame, check, shape_of
from identity.frames.header import Header
from identity.sandbox import wire
from identity.sandbox.buffers import PixelBuffers
from identity.sandbox.child import Child, Shared
from identity.sandbox.decoding import ANSWER, DONE, FRAMES, ORDER, REFUSED, TOO_HARD, Work
from identity.sandbox.supervisor import EngineUnavailable, Owner, Workers

MOST_BUFFERS = 2  # as many presses are looked at at once
PROGRAM = "identity.sandbox.decoder_process"
WAIT_S = 5.0  # for an idle process


class DecoderProcess(Child):
    """One process that decodes. Used by one thread at a time. Pixels are copied into `buffers`."""

    def __init__(self, buffers: PixelBuffers, program: str = PROGRAM, work: Work = FRAMES) -> None:
        self._buffers = buffers
        packed, pixels = (
            Shared("usual-packed", work.limits.bytes),
            Shared("usual-decoded", 3 * MOST_PIXELS, writable=True),
        )
        self._packed, self._pixels = packed.octets, pixels.octets
        order = {"processor_s": work.processor_s, "spare_bytes": work.spare_bytes}
        super().__init__(program, order, {"packed": packed, "pixels": pixels})

    def wait_until_loaded(self) -> tuple[str, ...]:
        """Wait until it can decode; the walls around it. Raises NotLoaded, OSError, EOFError, ValueError."""
        walls = self.hello()["walls"]
        return tuple(map(str, walls)) if isinstance(walls, list) else ()

    def decode(self, header: Header, timeout_s: float) -> Frame:
        """The pixels of a checked file. Raises a FrameError, after which the process decodes the next picture; or
        OSError (such as TimeoutError), EOFError or WireError, after which it must not be used."""
        shape = (*shape_of(header), 3)
        length, count = len(header.stripped), shape[0] * shape[1] * 3
        self._packed[:length] = np.frombuffer(header.stripped, np.uint8)
        try:
            self.send(np.array((length, header.height, header.width, header.turned), ORDER).tobytes())
            reply = self.read(ANSWER.itemsize, time.monotonic() + timeout_s)
            status, *size = np.frombuffer(reply, ANSWER, 1)[0].item()
            if status == DONE and tuple(size) == shape[:2]:
                # A copy: the process could change the shared pixels while they are looked at.
                return Frame(self._buffers.copy(self._pixels[:count].reshape(shape)))
        finally:
            self._packed[:length] = 0
            self._pixels[:count] = 0  # between two requests the shared memory holds no picture
        if status not in REFUSED:
            raise wire.WireError("an unknown status, or pixels of another size than the header's")
        kind, why = REFUSED[status]
        raise kind(why)

    def end(self) -> None:
        """Kill the process and let go of the shared memory, into which it may have written up to its end."""
        super().end()
        self._packed = self._pixels = np.zeros(0, np.uint8)


class Decoder(Owner[DecoderProcess]):
    """Decodes in `count` processes. Safe with threads. Nothing is decoded in this process.

    `start` starts them, or the first picture does. `work` says how large pictures may be, FRAMES or PHOTOS.
    `timeout_s` is the longest wait for one picture, in seconds; `program` is the module that runs in them (tests).
    """

    def __init__(self, count: int = 1, work: Work = FRAMES, *, program: str = PROGRAM) -> None:
        self.timeout_s = work.answer_s
        self._limits = work.limits
        load = DecoderProcess.wait_until_loaded
        self._workers = Workers(
            partial(DecoderProcess, PixelBuffers(MOST_BUFFERS), program, work), load, count, "The picture decoder"
        )

    def decode(self, data: bytes) -> Frame:
        """The pixels of one JPEG, PNG or WebP, upright as EXIF's orientation says.

        Raises a FrameError, which is TooHardToDecode when the process was killed or hung at it; EngineUnavailable
        when no process is there.
        """
        header = check(data, self._limits)
        worker = self._workers.take(WAIT_S)
        refused: FrameError | None = None
        try:
            with self._workers.returning(worker):
                try:
                    return worker.decode(header, self.timeout_s)
                except FrameError as error:
                    refused = error
        except EngineUnavailable as error:
            raise TooHardToDecode(REFUSED[TOO_HARD][1]) from error
        try:
            raise refused
        finally:
            refused = None  # it refers to this call and the file: else both wait for the garbage collector
