"""A decoder that a picture has taken over, for `Decoder(program=...)`: the first pixel says what it does."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time

import numpy as np

from identity.frames.decode import Frame, unpack
from identity.frames.header import Header
from identity.sandbox import decoder_process
from tests.identity import rogues

SPIN, SLEEP, CRASH, FAULT, EAT, RAISE, RESIZE, BABBLE, TRY = range(11, 20)
STATE = {"answers": -1, "loaded": 0}


def taken_over(header: Header) -> Frame:
    """Behave while the program is loaded; after that do what the picture says."""
    frame = unpack(header)
    order = int(frame.pixels[0, 0, 0]) if STATE["answers"] >= 0 else 0
    if order == SPIN:
        sum(itertools.repeat(1))  # a loop in C that no signal handler of Python could break
    elif order == SLEEP:
        time.sleep(600)
    elif order == CRASH:
        os._exit(3)
    elif order == FAULT:
        signal.raise_signal(signal.SIGSEGV)
        sys.exit(4)
    elif order == EAT:
        np.ones(2**31, np.uint8)
    elif order == RAISE:
        raise RuntimeError("no")
    elif order == RESIZE:
        return Frame(frame.pixels[:-1])
    elif order == BABBLE:
        os.write(STATE["answers"], b"\7" * 5_000)
    elif order == TRY:
        frame.pixels[0, : len(rogues.ATTEMPTS), 0] = [allowed(what) for what in rogues.ATTEMPTS]
    return frame


def allowed(what: str) -> bool:
    """Whether one of the attempts of a malicious pack succeeds."""
    try:
        rogues.attempt(what, np.zeros((1, 1, 3), np.uint8), "identity.db")
    except Exception:
        return False
    return True


def keep(
    packed: np.ndarray, pixels: np.ndarray, requests: int, answers: int, allowed: decoder_process.Allowed
) -> None:
    STATE["answers"] = answers
    REAL_KEEP(packed, pixels, requests, answers, allowed)


REAL_KEEP = decoder_process.keep

if __name__ == "__main__":
    decoder_process.unpack = taken_over  # type: ignore[attr-defined]  # what a picture would take over
    decoder_process.keep = keep
    decoder_process.main(sys.argv[1])
