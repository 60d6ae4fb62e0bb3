"""The process that decodes pictures: `python -m identity.sandbox.decoder_process`, started by `decoder.py`.

It is two processes. The keeper loads the libraries, starts the one that decodes as a copy of itself and waits. The
copy locks itself down, reads pictures and writes pixels. At a picture that takes too long the kernel ends it; the
keeper says so in its place and starts the next copy, in milliseconds: a new program would take half a second.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import sys
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from identity.errors import FrameError
from identity.frames.decode import shape_of, unpack
from identity.frames.header import Header
from identity.frames.opencv import cv2
from identity.sandbox import wire
from identity.sandbox.decoding import ANSWER, DONE, ORDER, REFUSED, TOO_HARD
from identity.sandbox.lockdown import TIMER, lock_down
from identity.sandbox.process import silence
from plumbing.serving.memory import give_back, keep_buffers
from plumbing.serving.process import die_with_parent

NOT_LOCKED = 77
"""The status of a copy that could not lock itself down."""
CODES = {kind.code: status for status, (kind, _) in REFUSED.items()}


class Allowed(NamedTuple):
    """Seconds of a processor and bytes of memory for one picture (`decoding.Work`)."""

    processor_s: float
    spare_bytes: int


def main(order_json: str) -> None:
    """`order_json` holds the numbers of the descriptors, and what a picture may take."""
    order = json.loads(order_json)
    die_with_parent(order["parent"])
    packed: NDArray[np.uint8] = np.frombuffer(
        mmap.mmap(order["packed"], order["packed_bytes"], prot=mmap.PROT_READ), np.uint8
    )
    pixels: NDArray[np.uint8] = np.frombuffer(mmap.mmap(order["pixels"], order["pixels_bytes"]), np.uint8)
    os.close(order["packed"])
    os.close(order["pixels"])
    decode_once()
    silence()
    keep_buffers()
    give_back()
    gc.freeze()  # or each copy would take memory for what it only looked through for garbage
    allowed = Allowed(order["processor_s"], order["spare_bytes"])
    keep(packed, pixels, order["requests"], order["answers"], allowed)


def decode_once() -> None:
    """One picture of each format: everything that is loaded lazily is loaded now."""
    for kind in (".jpg", ".png", ".webp"):
        data = cv2.imencode(kind, np.zeros((64, 64, 3), np.uint8))[1].tobytes()
        unpack(Header(64, 64, data))


def keep(
    packed: NDArray[np.uint8], pixels: NDArray[np.uint8], requests: int, answers: int, allowed: Allowed
) -> None:
    """Keep one copy decoding until the server closes the pipe."""
    greet = True
    while True:
        keeper = os.getpid()
        copy = os.fork()
        if copy == 0:
            be_the_copy(keeper, greet, packed, pixels, requests, answers, allowed)
        _, status = os.waitpid(copy, 0)
        if os.waitstatus_to_exitcode(status) == NOT_LOCKED:
            said = {"error": "The picture decoder cannot be locked down on this system."}
            wire.write_all(answers, json.dumps(said).encode().ljust(wire.LONGEST_HELLO))
        if os.waitstatus_to_exitcode(status) in (0, NOT_LOCKED):
            return
        wire.write_all(answers, np.array((TOO_HARD, 0, 0), ANSWER).tobytes())
        greet = False


def be_the_copy(
    keeper: int,
    greet: bool,
    packed: NDArray[np.uint8],
    pixels: NDArray[np.uint8],
    requests: int,
    answers: int,
    allowed: Allowed,
) -> NoReturn:
    """Lock down and decode. Never returns into the keeper's code."""
    status = NOT_LOCKED
    try:
        die_with_parent(keeper)
        walls = lock_down(allowed.spare_bytes, TIMER)
        status = 1
        if greet:
            wire.write_all(answers, json.dumps({"walls": walls}).encode().ljust(wire.LONGEST_HELLO))
        serve(packed, pixels, requests, answers, allowed.processor_s)
        status = 0
    finally:
        os._exit(status)


def serve(
    packed: NDArray[np.uint8], pixels: NDArray[np.uint8], requests: int, answers: int, processor_s: float
) -> None:
    """Decode until the server closes the pipe."""
    while True:
        try:
            order = np.frombuffer(wire.read_exactly(requests, ORDER.itemsize), ORDER)[0]
        except EOFError:
            return
        length, height, width, turned = order.item()
        # The kernel ends this process when the processor time is used up, in the middle of a library's loop too.
        signal.setitimer(signal.ITIMER_PROF, processor_s)
        header = Header(width, height, packed[:length].tobytes(), turned)
        status = decode_into(pixels, header)
        signal.setitimer(signal.ITIMER_PROF, 0)
        wire.write_all(answers, np.array((status, *shape_of(header)), ANSWER).tobytes())


def decode_into(pixels: NDArray[np.uint8], header: Header) -> int:
    """Write the pixels of a checked file; the status of the answer."""
    try:
        frame = unpack(header)
    except FrameError as error:
        return CODES[error.code]
    except MemoryError:
        return TOO_HARD
    pixels[: frame.pixels.size] = frame.pixels.ravel()
    return DONE


if __name__ == "__main__":
    main(sys.argv[1])
