"""The sandboxed process of an engine pack: `python -m identity.sandbox.process`, started by `connection.py`.

It loads the pack, computes once so that everything lazy is loaded, locks itself down, and then answers requests
until the pipe is closed. It can read one block of memory (the pixels) and one pipe, and write to another pipe.
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
from identity.sandbox.lockdown import lock_down
from plumbing.problem import Problem
from plumbing.serving.memory import give_back
from plumbing.serving.process import die_with_parent

Maker = Callable[[str, Path | None, Path], FaceEngine]


def main(order_json: str) -> None:
    """`order_json` holds the fields of a `connection.Launch` and the numbers of the descriptors."""
    order = json.loads(order_json)
    die_with_parent(order["parent"])
    requests, answers, pixels = order["requests"], order["answers"], order["pixels"]
    # Read-only: an engine cannot write anything into the server's memory.
    shared = mmap.mmap(pixels, order["pixels_bytes"], prot=mmap.PROT_READ)
    os.close(pixels)
    try:
        engine = load_engine(order)
        silence()
        hello = {"walls": lock_down(), "pack": engine.pack.id}
    except Problem as error:
        hello = {"error": error.detail[:300]}
    except Exception as error:  # any error of a pack is reported by the server
        hello = {"error": f"{type(error).__name__} while the pack was loaded"}
    wire.write_all(answers, json.dumps(hello).encode().ljust(wire.LONGEST_HELLO))
    if "error" not in hello:
        serve(engine, shared, requests, answers)


def load_engine(order: dict[str, str]) -> FaceEngine:
    """The engine, after one detection and one embedding: everything that it loads lazily is loaded now."""
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
    """Redirect standard input, output and error to nowhere: a pack cannot print into a log."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def serve(engine: FaceEngine, shared: mmap.mmap, requests: int, answers: int) -> None:
    """Answer requests until the server closes the pipe."""
    size = engine.pack.size
    while True:
        try:
            record = np.frombuffer(wire.read_exactly(requests, wire.REQUEST.itemsize), wire.REQUEST)[0]
        except EOFError:
            return
        shape = (int(record["height"]), int(record["width"]), 3)
        pixels: Pixels = np.frombuffer(shared, np.uint8, shape[0] * shape[1] * 3).reshape(shape)
        try:
            if record["kind"] == wire.DETECT:
                reply = wire.pack_answer(size, faces=engine.detect(pixels))
            else:
                reply = wire.pack_answer(size, vector=engine.embed(pixels, wire.unpacked(record["face"])))
        except Exception:  # a pack that fails at one picture may succeed at the next
            reply = wire.pack_answer(size)
        wire.write_all(answers, reply)


if __name__ == "__main__":
    main(sys.argv[1])
