"""The engine of a kiosk's own browser against the server's: the same pixels, refusals and vectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, Page

from doorway.browser_engine.prepare import prepare
from doorway.browser_engine.runtime import registry
from identity.capture.embed import Capture, detect, embed_detected
from identity.capture.hints import quality_hint
from identity.engines.manifests import load_pack
from identity.engines.protocol import FaceEngine, Pixels
from identity.errors import CaptureError, FetchFailed
from identity.frames.decode import Frame
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from screens.engine import EngineFolder
from screens.web import build
from tests.browser.engine_frames import frames
from tests.browser.fake_server import serve
from tests.conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.shared]

PACK = "open-model-zoo"
CACHE = ROOT / ".cache" / "models"
COSINE = 0.9999
MODULE = "document.querySelector('script[type=module]').src"
LOOK = f"""async ([number, asked]) => {{
  const {{ Engine }} = await import(new URL("engine/engine.js", {MODULE}));
  if (!window.engine) await (window.engine = new Engine()).start({MODULE});
  const reply = await fetch(`/pictures/${{number}}`);
  const [width, height] = reply.headers.get("Size").split(" ").map(Number);
  const data = new Uint8ClampedArray(await reply.arrayBuffer());
  try {{
    const {{ vectors, scales, ...rest }} = await window.engine.look([{{ width, height, data }}], asked);
    return {{ ...rest, vectors: vectors.map((one) => [...one]), scales: [...scales] }};
  }} catch (error) {{
    if (error.name !== "Refusal") throw error;
    return {{ refused: [error.code, error.hint, error.where] }};
  }}
}}"""


@pytest.fixture(scope="module")
def folder(shared: Path, request: pytest.FixtureRequest) -> EngineFolder:
    """The engine as `usual screens fetch` puts it there: fetched by the first run, looked at by each."""
    found = EngineFolder(Path(request.config.cache.mkdir("browser-engine")))
    try:
        prepare(load_pack(PACK), shared / "models", CACHE, found, registry(), lambda *_: None)
    except FetchFailed as error:
        if os.environ.get("USUAL_NOTHING_SKIPPED"):
            raise
        pytest.skip(error.detail)
    return found


@pytest.fixture(scope="module")
def server(shared: Path) -> Iterator[EnginePool]:
    """The server's own engine, in its sandbox."""
    pool = EnginePool(Launch(PACK, shared / "models", CACHE), timeout_s=30.0)
    yield pool
    pool.close()


class Shown:
    """The pages, and pictures for them as a canvas has their pixels: nothing compresses or colours them."""

    def __init__(self, folder: EngineFolder) -> None:
        self.pictures: list[Pixels] = []
        self.asked: list[str] = []
        self.app = Flask("pages")
        self.app.register_blueprint(build(engine=folder))
        self.app.add_url_rule("/pictures/<int:number>", view_func=self._picture)

    def _picture(self, number: int) -> Response:
        pixels = self.pictures[number]
        solid = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        content = np.concatenate([pixels[:, :, ::-1], solid], axis=2).tobytes()
        size = f"{pixels.shape[1]} {pixels.shape[0]}"
        return Response(content, mimetype="application/octet-stream", headers={"Size": size})


Look = Callable[..., Mapping[str, Any]]


@pytest.fixture(scope="module")
def look(folder: EngineFolder, browser: Browser) -> Iterator[Look]:
    """What the browser makes of a picture."""
    shown = Shown(folder)
    with serve(shown.app) as address, browser.new_context() as context:
        page: Page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/screens/engine")
        page.wait_for_selector("body[data-ready=true]")

        def look(pixels: Pixels, **asked: object) -> Mapping[str, Any]:
            shown.pictures.append(pixels)
            return dict(page.evaluate(LOOK, [len(shown.pictures) - 1, asked]))

        yield look
        assert complaints == []


def at_server(engine: FaceEngine, pixels: Pixels, *, enrolling: bool = False) -> Capture | list[str]:
    """What the server makes of it: a capture, or code, hint and side of a refusal."""
    try:
        return embed_detected(engine, detect(engine, Frame(pixels)), enrolling=enrolling)
    except CaptureError as error:
        return [error.code, error.hint, error.extra.get("where", "")]


def differences(seen: Mapping[str, Any], capture: Capture | list[str]) -> list[str]:
    """In what an answer of the browser is not the server's."""
    if isinstance(capture, list) or "refused" in seen:
        return [] if seen.get("refused") == capture else [f"{seen.get('refused')} for {capture}"]
    quality, (claimed,) = capture.quality, seen["claims"]["qualities"]
    own = [quality.eye_distance, quality.yaw, quality.sharpness, quality.brightness, quality.contrast]
    its = [claimed[name] for name in ("eyeDistance", "yaw", "sharpness", "brightness", "contrast")]
    vector = np.array(seen["vectors"][0]) * seen["scales"][0]
    cosine = float(vector @ capture.vector / np.linalg.norm(vector))
    found = {
        "pack": seen["pack"] == capture.pack,
        "cover": claimed["cover"] == quality.cover,
        "hint": seen["claims"]["hint"] == quality_hint([quality]),
        "quality": np.allclose(its, own, rtol=2e-3, atol=0.02),
        f"cosine {cosine:.6f}": cosine >= COSINE,
        "bytes": set(map(type, seen["vectors"][0])) == {int} and len(vector) == 256,
    }
    return [name for name, same in found.items() if not same]


def compare(look: Look, server: FaceEngine, rounds: int) -> tuple[int, set[str]]:
    """Number of pictures, and the codes of all refusals. Fails where browser and server differ."""
    number, codes, wrong = 0, set(), []
    for kind, pixels in frames(server, rounds):
        capture = at_server(server, pixels)
        number += 1
        codes |= {capture[0]} if isinstance(capture, list) else set()
        wrong += [f"{number} ({kind}): {what}" for what in differences(look(pixels), capture)]
    assert wrong == []
    return number, codes


def test_twenty_pictures_give_the_servers_vectors_and_refusals(look: Look, server: EnginePool) -> None:
    number, codes = compare(look, server, 1)

    assert number == 20
    assert {"no_face", "several_faces", "face_too_small", "face_off_centre", "face_blurred"} <= codes


@pytest.mark.slow
def test_two_hundred_pictures_give_the_servers_vectors_and_refusals(look: Look, server: EnginePool) -> None:
    number, codes = compare(look, server, 10)

    assert number == 200
    assert codes == {
        "no_face",
        "several_faces",
        "face_too_small",
        "face_off_centre",
        "face_turned",
        "face_blurred",
        "too_dark",
        "too_bright",
    }


def test_who_joins_must_show_an_uncovered_face(look: Look, server: EnginePool) -> None:
    covered = {kind: pixels for kind, pixels in frames(server, 1) if kind in ("mask", "sunglasses")}
    for pixels in covered.values():
        assert look(pixels, enrolling=True)["refused"] == at_server(server, pixels, enrolling=True)
        assert look(pixels, enrolling=True)["refused"][0] == "face_covered"
