"""A picture at the helper of a managed kiosk: the round trip of its page, beside the house's own pipeline.

The helper runs in a process of its own, as `usual edge kiosk` serves it; what stands in for the house answers a
press at once. The same picture goes in turn through decoder, engine and rules of a capture in their sandboxes
here, as a house does it for a device that sends pictures.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import ROOT, Row, in_turn, processor_s, resident_mb
from bench.visits import scene_frame
from doorway.kiosk_helper.command import HOST
from doorway.kiosk_helper.native import Native
from doorway.kiosk_helper.web import LOOKS, PRESSES
from identity.device_vectors.looking import Looking, Pictures
from identity.sandbox.connection import Launch
from plumbing.outbox.server import free_port

PEOPLE = 8
MOST_MS = 150.0  # as long as a browser of its own may take
PATIENCE_S = 120.0  # a pack that is converted for the first time takes a minute


def helper(models: Path | None, cache: Path, n: int) -> list[Row]:
    """`n` pictures with each pack; without `models` that of the package index alone."""
    frames = [scene_frame(person, 40) for person in range(PEOPLE)]
    packs = ["dlib", *(["open-model-zoo"] if models is not None else [])]
    return [row for pack in packs for row in _beside(Launch(pack, models, cache), frames, n)]


def _beside(launch: Launch, frames: list[bytes], n: int) -> list[Row]:
    native = Native(launch)
    try:
        house = native.start()  # also converts a pack before the helper needs it
        with _served(launch) as (process, port):
            page = _Page(port)
            used: list[float] = []

            def at_the_helper(k: int) -> None:
                began = processor_s(process.pid)
                page.look(frames[k % PEOPLE])
                used.append(1000 * (processor_s(process.pid) - began))

            helped, own = in_turn([at_the_helper, lambda k: _at_the_house(house, frames[k % PEOPLE])], n)
            held = resident_mb(process.pid)
    finally:
        native.close()
    section = f"A picture of 1280 x 960 at the helper of a kiosk, {launch.pack}, {n} pictures"
    load = f"load of the machine {os.getloadavg()[0]:.1f}"
    p95 = float(np.percentile(helped.ms, 95))
    ratio = float(np.median(helped.ms / own.ms))  # of each turn: what else runs hits both alike
    return [
        Row(section, "round trip at 127.0.0.1, median", helped.p50, "ms", note=load),
        Row(section, "round trip at 127.0.0.1, 95th percentile", p95, "ms", MOST_MS),
        Row(section, "the house's own pipeline, median", own.p50, "ms"),
        Row(section, "the house's own pipeline, 95th percentile", float(np.percentile(own.ms, 95)), "ms"),
        Row(section, "helper / the house's own pipeline", ratio, "x"),
        Row(section, "processor time of the helper for one", float(np.mean(used[-n:])), "ms"),
        Row(section, "memory of the helper, its two sandboxes included", held, "MB"),
    ]


def _at_the_house(house: Looking, frame: bytes) -> None:
    house.content(Pictures([frame]), "recognise")


class _Page:
    """What a kiosk's page asks of its helper."""

    def __init__(self, port: int) -> None:
        self._line = HTTPConnection(HOST, port, timeout=30)

    def look(self, frame: bytes) -> None:
        """A press, and one picture of it."""
        nonce = self._post(PRESSES, {})["nonce"]
        picture = base64.b64encode(frame).decode()
        self._post(LOOKS, {"nonce": nonce, "purpose": "recognise", "frames": [picture]})

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._line.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        reply = self._line.getresponse()
        said: dict[str, Any] = json.loads(reply.read())
        if reply.status not in (200, 201):
            raise RuntimeError(f"{path} answers {reply.status}: {said.get('detail')}")
        return said


@contextmanager
def _served(launch: Launch) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The helper in a process of its own, and where it answers."""
    port = free_port()
    arguments = [launch.pack, str(launch.models or ""), str(launch.cache), str(port)]
    process = subprocess.Popen([sys.executable, "-m", "bench.helper_process", *arguments], cwd=ROOT)
    try:
        until = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < until:
            line = HTTPConnection(HOST, port, timeout=1)
            with suppress(OSError):
                line.request("GET", "/watch/alive")
                line.getresponse().read()
                yield process, port
                return
            time.sleep(0.1)
        raise RuntimeError(f"the helper does not answer: {launch.pack}")
    finally:
        process.terminate()
        process.wait()
