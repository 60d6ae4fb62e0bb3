"""The engine of a kiosk's own browser against the server's: the same pixels, refusals and vectors."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask, Response, request
from playwright.sync_api import Browser, Page, expect

from identity.capture.challenge import ORDERS, Pose, Step, judge, pose_of
from identity.capture.embed import Capture, detect, embed_detected
from identity.capture.hints import quality_hint
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.errors import CaptureError
from identity.evaluation.challenge_rates import head, performed, seen
from identity.frames.decode import Frame
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from screens.engine import EngineFolder
from screens.web import build
from tests.browser.conftest import ENGINE_CACHE, ENGINE_PACK, PATIENCE_MS, Camera
from tests.browser.engine_frames import frames
from tests.browser.fake_server import serve
from tests.browser.test_modules import run

pytestmark = [pytest.mark.browser, pytest.mark.shared]

COSINE = 0.9999
LIKE_MASKED = 0.999
MOST_BYTES = 4_600_000
MODULE = "document.querySelector('script[type=module]').src"
LOOK = f"""async ([number, asked]) => {{
  const {{ Engine }} = await import(new URL("engine/engine.js", {MODULE}));
  if (!window.engine) await (window.engine = new Engine()).start({MODULE});
  const reply = await fetch(`/pictures/${{number}}`);
  const [width, height] = reply.headers.get("Size").split(" ").map(Number);
  const data = new Uint8ClampedArray(await reply.arrayBuffer());
  try {{
    const {{ vectors, scales, masked, ...rest }} = await window.engine.look([{{ width, height, data }}], asked);
    const plain = ({{ numbers, scale }}) => ({{ numbers: [...numbers], scale }});
    return {{ ...rest, vectors: vectors.map((one) => [...one]), scales: [...scales], masked: masked.map(plain) }};
  }} catch (error) {{
    if (error.name !== "Refusal") throw error;
    return {{ refused: [error.code, error.hint, error.where] }};
  }}
}}"""


@pytest.fixture(scope="module")
def server(shared: Path) -> Iterator[EnginePool]:
    """The server's own engine, in its sandbox."""
    pool = EnginePool(Launch(ENGINE_PACK, shared / "models", ENGINE_CACHE), timeout_s=30.0)
    yield pool
    pool.close()


class Shown:
    """The pages, and pictures for them as a canvas has their pixels: nothing compresses or colours them."""

    def __init__(self, engine_folder: EngineFolder) -> None:
        self.pictures: list[Pixels] = []
        self.bytes = 0  # that were sent of engine and modules
        self.app = Flask("pages")
        self.app.register_blueprint(build(engine=engine_folder))
        self.app.add_url_rule("/pictures/<int:number>", view_func=self._picture)
        self.app.after_request(self._count)

    def _count(self, reply: Response) -> Response:
        if "/engine/" in request.path and reply.status_code != 304:
            self.bytes += len(reply.get_data())
        return reply

    def _picture(self, number: int) -> Response:
        pixels = self.pictures[number]
        solid = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        content = np.concatenate([pixels[:, :, ::-1], solid], axis=2).tobytes()
        size = f"{pixels.shape[1]} {pixels.shape[0]}"
        return Response(content, mimetype="application/octet-stream", headers={"Size": size})


Look = Callable[..., Mapping[str, Any]]


@pytest.fixture(scope="module")
def look(engine_folder: EngineFolder, browser: Browser) -> Iterator[Look]:
    """What the browser makes of a picture."""
    shown = Shown(engine_folder)
    with serve(shown.app) as address, engine_page(browser, address) as page:

        def look(pixels: Pixels, **asked: object) -> Mapping[str, Any]:
            shown.pictures.append(pixels)
            return dict(page.evaluate(LOOK, [len(shown.pictures) - 1, asked]))

        yield look


@contextmanager
def engine_page(browser: Browser, address: str, script: str = "") -> Iterator[Page]:
    """The page of the engine, after a script. It may complain of nothing."""
    complaints: list[str] = []
    with browser.new_context(permissions=["camera"], locale="en-GB") as context:
        context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/screens/engine")
        page.wait_for_selector("body[data-ready=true]")
        yield page
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


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
    cosine = cosine_of(seen, capture)
    found = {
        "pack": seen["pack"] == capture.pack,
        "cover": claimed["cover"] == quality.cover,
        "faces": claimed["faces"] >= 1,
        "hint": seen["claims"]["hint"] == quality_hint([quality]),
        "quality": np.allclose(its, own, rtol=2e-3, atol=0.02),
        f"cosine {cosine:.6f}": cosine >= COSINE,
        "bytes": max(map(abs, seen["vectors"][0])) == 127 and len(seen["vectors"][0]) == 256,
    }
    return [name for name, same in found.items() if not same]


def cosine_of(seen: Mapping[str, Any], capture: Capture) -> float:
    """Of the browser's whole numbers to the server's vector."""
    vector = np.array(seen["vectors"][0]) * seen["scales"][0]
    return float(vector @ capture.vector / np.linalg.norm(vector))


def compare(look: Look, server: FaceEngine, rounds: int) -> tuple[int, Counter[str], float]:
    """Number of pictures, how many had which refusal, and the least cosine. Fails where the two differ."""
    number, codes, wrong, least = 0, Counter[str](), list[str](), 1.0
    for kind, pixels in frames(server, rounds):
        seen, capture = look(pixels), at_server(server, pixels)
        number += 1
        wrong += [f"{number} ({kind}): {what}" for what in differences(seen, capture)]
        if isinstance(capture, list):
            codes[capture[0]] += 1
        elif "vectors" in seen:
            least = min(least, cosine_of(seen, capture))
    assert wrong == []
    return number, codes, least


def test_twenty_pictures_give_the_servers_vectors_and_refusals(look: Look, server: EnginePool) -> None:
    number, codes, _ = compare(look, server, 1)

    assert number == 20
    assert {"no_face", "several_faces", "face_too_small", "face_off_centre", "face_blurred"} <= set(codes)


@pytest.mark.slow
def test_two_hundred_pictures_give_the_servers_vectors_and_refusals(
    look: Look, server: EnginePool, capsys: pytest.CaptureFixture[str]
) -> None:
    number, codes, least = compare(look, server, 10)

    with capsys.disabled():
        sys.stdout.write(f"\n{number} pictures: the same refusals ({dict(codes)}), least cosine {least:.6f}\n")
    assert number == 200
    assert set(codes) == {
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


def test_who_joins_is_known_with_a_mask_as_at_the_server(look: Look, server: EnginePool) -> None:
    for kind, pixels in frames(server, 1):
        if kind in ("good", "near", "one behind"):
            capture = at_server(server, pixels, enrolling=True)
            assert isinstance(capture, Capture)
            assert capture.masked is not None
            [masked] = look(pixels, enrolling=True)["masked"]
            vector = np.array(masked["numbers"]) * masked["scale"]
            assert float(vector @ capture.masked / np.linalg.norm(vector)) >= LIKE_MASKED, kind


def test_an_operator_sees_whether_a_device_is_fast_enough(
    engine_folder: EngineFolder, browser: Browser, camera: Camera
) -> None:
    """The camera is on while it measures, nothing is sent, and a second visit fetches nothing again."""
    camera.show(3, range(3))
    shown = Shown(engine_folder)
    with serve(shown.app) as address, engine_page(browser, address) as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
        loads = []
        for _ in range(2):
            shown.bytes = 0
            page.click("#engine-start")
            expect(page.locator("#engine-result")).to_have_text(
                re.compile(r"It does. One picture takes [\d,]+ milliseconds")
            )
            loads.append(shown.bytes)
            page.reload()
            page.wait_for_selector("body[data-ready=true]")

    assert {line.split()[0] for line in sent} == {"GET"}
    assert sum(file.sent for file in engine_folder.files.values()) < loads[0] <= MOST_BYTES
    assert loads[1] == 0


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("WebAssembly.validate = () => false;", "no WebAssembly with SIMD"),
        ("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });", "Open it by https"),
        (
            "crypto.subtle.generateKey = async () => { throw new DOMException(); };",
            "X25519",
        ),
        ("window.OffscreenCanvas = undefined;", "no threads with pictures"),
    ],
)
def test_a_browser_that_lacks_something_says_what(
    engine_folder: EngineFolder, browser: Browser, script: str, said: str
) -> None:
    with serve(Shown(engine_folder).app) as address, engine_page(browser, address, script) as page:
        page.click("#engine-start")
        expect(page.locator("#engine-result")).to_contain_text(said)


def test_a_network_that_was_altered_on_its_way_does_not_run(engine_folder: EngineFolder, browser: Browser) -> None:
    """One bit of a weight: it would run, and give other vectors."""
    shown, sent = Shown(engine_folder), list[str]()

    @shown.app.after_request
    def alter(reply: Response) -> Response:
        if "/embedder." in request.path:
            content = bytearray((engine_folder.path / Path(request.path).name).read_bytes())
            content[len(content) // 2] ^= 1
            reply = Response(bytes(content), mimetype="application/octet-stream")
            sent.append(request.path)
        return reply

    with serve(shown.app) as address, engine_page(browser, address) as page:
        page.click("#engine-start")
        expect(page.locator("#engine-result")).to_contain_text("did not run here")
    assert len(sent) == 1


def test_a_server_without_the_engine_says_who_fetches_it(browser: Browser, tmp_path: Path) -> None:
    with serve(Shown(EngineFolder.of(tmp_path)).app) as address, engine_page(browser, address) as page:
        page.click("#engine-start")
        expect(page.locator("#engine-result")).to_contain_text("usual screens fetch")


def test_poses_and_moves_are_judged_as_at_the_server(page: Page) -> None:
    rng = np.random.default_rng(8)
    faces = [
        rng.normal([[-40, 0], [40, 0], [0, 40], [-30, 80], [30, 80]], 12).astype(np.float32) for _ in range(60)
    ]
    poses = [pose_of(Face((0, 0, 1, 1), landmarks, 1.0)) for landmarks in faces]
    given = json.dumps([landmarks.tolist() for landmarks in faces])
    its = run(page, "engine/challenge", f"{given}.map((landmarks) => m.poseOf({{ landmarks }}))")
    for one, pose in zip(its, poses, strict=True):
        own = [pose.yaw, pose.size, pose.drop, *pose.centre]
        assert np.allclose([one["yaw"], one["size"], one["drop"], *one["centre"]], own, atol=1e-3)

    asked: list[tuple[tuple[Step, ...], Pose, list[Pose | None]]] = []
    for n in range(600):
        steps, points = ORDERS[n % len(ORDERS)], head(rng)
        moves = [wobbled(pose, rng) for pose in performed(points, rng, steps)]
        asked.append((steps, seen(points, rng, 0.0, 1.0), moves))
    states = [judge(*one) for one in asked]
    plain = [[steps, asdict(first), [move and asdict(move) for move in moves]] for steps, first, moves in asked]
    given = json.dumps(plain)
    assert run(page, "engine/challenge", f"{given}.map((one) => m.judge(...one))") == states
    assert {"passed", "failed"} == set(states)


def wobbled(pose: Pose | None, rng: np.random.Generator) -> Pose | None:
    """A pose that a careless person makes: sometimes too little of it, and sometimes none."""
    if pose is None or rng.random() < 0.02:
        return None
    return replace(pose, yaw=pose.yaw * rng.uniform(0.6, 1.2), size=pose.size * rng.uniform(0.9, 1.1))
