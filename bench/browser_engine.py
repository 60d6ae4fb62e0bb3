"""The engine of a kiosk's own browser in Chromium: what it weighs, and how long one picture takes.

In its thread as a kiosk runs it, and on the page's own thread with a sixth of the processor's speed: that is where
Chromium can slow it down.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from flask import Flask, Response, request
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from bench.measure import Row
from data.faces.people import draw_face
from doorway.browser_engine.prepare import prepare
from doorway.browser_engine.runtime import registry
from identity.engines.manifests import load_pack
from identity.errors import PackError
from screens.engine import EngineFolder
from screens.web import build

PACK = "open-model-zoo"
SIZE = (1280, 960)  # of a kiosk's pictures
PEOPLE = 8
WARM_MS, SLOW_MS, MOST_MB = 150.0, 500.0, 4.6
SLOWER = 6
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

MODULES = "document.querySelector('script[type=module]').src"
PICTURES = """const pictures = [];
  for (let n = 0; n < people; n += 1) {
    pictures.push(await createImageBitmap(await (await fetch(`/pictures/${n}`)).blob()));
  }"""
IN_ITS_THREAD = f"""async ([count, people]) => {{
  const {{ Engine }} = await import(new URL("engine/engine.js", {MODULES}));
  {PICTURES}
  const began = performance.now();
  const engine = new Engine();
  await engine.start({MODULES});
  const taken = [performance.now() - began];
  for (let n = 0; n < count; n += 1) {{
    const picture = await createImageBitmap(pictures[n % people]);
    const asked = performance.now();
    await engine.look([picture]);
    taken.push(performance.now() - asked);
  }}
  engine.stop();
  return taken;
}}"""
ON_THE_PAGE = f"""async ([count, people]) => {{
  const {{ openPress }} = await import(new URL("engine/open.js", {MODULES}));
  const {{ fromCanvas }} = await import(new URL("engine/pixels.js", {MODULES}));
  {PICTURES}
  const press = await openPress(await (await fetch("/screens/engine/engine.json")).json());
  const taken = [];
  for (let n = 0; n < count; n += 1) {{
    const {{ width, height }} = pictures[n % people];
    const pen = new OffscreenCanvas(width, height).getContext("2d", {{ willReadFrequently: true }});
    const asked = performance.now();
    pen.drawImage(pictures[n % people], 0, 0);
    await press.look([fromCanvas(pen.getImageData(0, 0, width, height))]);
    taken.push(performance.now() - asked);
  }}
  return taken;
}}"""


def browser_engine(models: Path | None, cache: Path, n: int) -> list[Row]:
    """`n` pictures in each way. Needs Chromium, the pack's files, and once the network; else there are no rows."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    folder = EngineFolder(cache.parent / "browser-engine")
    try:
        prepare(load_pack(PACK), models, cache, folder, registry(), lambda *_: None)
    except PackError as error:
        print(f"the browser's engine is not measured: {error.detail}", file=sys.stderr)
        return []
    if chromium is None:
        print("no Chromium: the browser's engine is not measured", file=sys.stderr)
        return []
    with _serving(folder) as (address, sent), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS])
        context = browser.new_context()
        loads = []
        for _ in range(2):  # a page of its own each time: what the first one fetched is in the browser's store
            sent.clear()
            page = _opened(context.new_page(), address)
            begun, *taken = page.evaluate(IN_ITS_THREAD, [n, PEOPLE])
            loads.append(sum(sent))
            page.close()
        slow = _slowed(browser.new_context(bypass_csp=True).new_page(), address, max(6, n // 4))
        browser.close()
    return _rows(loads, begun, taken, slow)


def _rows(loads: list[int], begun: float, taken: list[float], slow: list[float]) -> list[Row]:
    """Figures of the second load: a kiosk's browser has everything after its first day."""
    section = f"browser_engine: {len(taken)} pictures of {SIZE[0]} x {SIZE[1]}"
    load = f"load of the machine {os.getloadavg()[0]:.1f}"
    warm = np.percentile(taken[1:], [50, 95])
    return [
        Row(section, "first load, as sent", loads[0] / 1e6, "MB", MOST_MB),
        Row(section, "second load, as sent", loads[1] / 1e6, "MB", 0.0),
        Row(section, "runtime and networks are ready", begun, "ms"),
        Row(section, "first picture", taken[0], "ms", note=load),
        Row(section, "a warm picture, median", float(warm[0]), "ms", note=load),
        Row(section, "a warm picture, 95th percentile", float(warm[1]), "ms", WARM_MS, note=load),
        Row(section, f"at 1/{SLOWER} of the speed, median", float(np.median(slow[1:])), "ms", SLOW_MS, note=load),
    ]


def _slowed(page: Page, address: str, n: int) -> list[float]:
    """Milliseconds of `n` pictures on a page that has a sixth of the processor's speed."""
    _opened(page, address)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return list(page.evaluate(ON_THE_PAGE, [n, PEOPLE]))


def _opened(page: Page, address: str) -> Page:
    page.set_default_timeout(120_000)
    page.goto(f"{address}/screens/engine")
    page.wait_for_selector("body[data-ready=true]")
    return page


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the table is the output."""


@contextmanager
def _serving(folder: EngineFolder) -> Iterator[tuple[str, list[int]]]:
    """The pages and some pictures; the address, and how many bytes were sent of engine and modules."""
    app, sent = Flask("pages"), list[int]()
    app.register_blueprint(build(engine=folder))

    @app.get("/pictures/<int:person>")
    def picture(person: int) -> Response:
        return Response(cv2.imencode(".png", draw_face(person, 1, SIZE))[1].tobytes(), mimetype="image/png")

    @app.after_request
    def count(reply: Response) -> Response:
        if "/engine/" in request.path and reply.status_code == 200:
            sent.append(len(reply.get_data()))
        return reply

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
