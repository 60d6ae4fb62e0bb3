"""The process that an engine pack runs in: `python -m identity.sandbox.process`, started by `pool.py` alone.

It loads the pack, computes once so that everything lazy is loaded, gives up whatever it could do but compute,
and then answers questions until the pipe ends. It can read one block of memory (the pixels) and one pipe, and
write another.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from identity.engines.protocol import FaceEngine, Pixels
from identity.engines.warm_up import pattern, some_face
from identity.sandbox import wire
from identity.sandbox.lockdown import end_with, lock_down
from plumbing.memory import give_back
from plumbing.problem import Problem

Maker = Callable[[str, Path | None, Path], FaceEngine]


def main(told: str) -> None:
    """`told` is the JSON of a `workers.Launch` and the descriptors."""
    order = json.loads(told)
    end_with(order["parent"])
    questions, answers, pixels = order["questions"], order["answers"], order["pixels"]
    # Read only: an engine has no way to leave anything in what the server sees.
    shared = mmap.mmap(pixels, order["bytes"], prot=mmap.PROT_READ)
    os.close(pixels)
    try:
        engine = loaded(order)
        silence()
        hello = {"walls": lock_down(), "pack": engine.pack.id}
    except Problem as error:
        hello = {"error": error.detail[:300]}
    except Exception as error:  # whatever a pack throws is for the server to tell
        hello = {"error": f"{type(error).__name__} while the pack was loaded"}
    wire.write_all(answers, json.dumps(hello).encode().ljust(wire.LONGEST_HELLO))
    if "error" not in hello:
        serve(engine, shared, questions, answers)


def loaded(order: dict[str, str]) -> FaceEngine:
    """The engine, after it has looked at a picture of nothing: what it loads late is loaded now."""
    module, _, name = order["maker"].partition(":")
    maker: Maker = getattr(import_module(module), name)
    models = Path(order["models"]) if order["models"] else None
    engine = maker(order["pack"], models, Path(order["cache"]))
    picture = pattern()
    engine.detect(picture)
    engine.embed(picture, some_face(engine))
    give_back()
    return engine


def silence() -> None:
    """Standard input, output and error lead nowhere: a pack prints into no log."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def serve(engine: FaceEngine, shared: mmap.mmap, questions: int, answers: int) -> None:
    """Answer until the server hangs up."""
    size = engine.pack.size
    while True:
        try:
            record = np.frombuffer(wire.read_exactly(questions, wire.QUESTION.itemsize), wire.QUESTION)[0]
        except EOFError:
            return
        shape = (int(record["height"]), int(record["width"]), 3)
        pixels: Pixels = np.frombuffer(shared, np.uint8, shape[0] * shape[1] * 3).reshape(shape)
        try:
            if record["kind"] == wire.DETECT:
                reply = wire.answer(size, faces=engine.detect(pixels))
            else:
                reply = wire.answer(size, vector=engine.embed(pixels, wire.unpacked(record["face"])))
        except Exception:  # a pack that fails at one picture may do better at the next
            reply = wire.answer(size)
        wire.write_all(answers, reply)


if __name__ == "__main__":
    main(sys.argv[1])
