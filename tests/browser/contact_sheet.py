"""Writes a sheet of pictures for each state of kiosk, taxi, driver's screen and the engine's check: six shapes,
two themes, three languages, and once in the language of tests/pseudo.py, from the right.

    python -m tests.browser.contact_sheet [folder] [--only ordering] [--measure] [--axe]

The folder is `contact-sheets/` unless another is named; Git ignores it. With `--measure` every text is measured as
well, and what is wrong with it is printed; with `--axe` what axe-core finds serious. Both look at more than the
pictures: at enlarged pages too, and at the language from the right in the dark.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path

import click
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from tests import pseudo
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS, Camera
from tests.browser.fake_server import Fake, serve
from tests.browser.looks import LANGUAGES, PASSING, SIZES, THEMES, Look, axe_complaints, every_look, make_patient
from tests.browser.steps import Walk
from tests.browser.walks import WALKS

ROW = 420  # pixels of a picture's height on the sheet
GAP = 10


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("contact-sheets"))
@click.option(
    "--only", multiple=True, help="A walk of tests/browser/walks.py, such as ordering. Repeat for several."
)
@click.option("--measure", is_flag=True, help="Measure every text as well.")
@click.option("--axe", is_flag=True, help="Let axe-core look at every page as well.")
def contact_sheet(folder: Path, only: tuple[str, ...], measure: bool, axe: bool) -> None:
    """Write a sheet for each state of kiosk, taxi, the driver's screen and the engine's check into FOLDER."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        raise click.ClickException("Chromium is not installed: apt install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    sheets = Sheets(folder, measure, axe)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        film = f"--use-file-for-fake-video-capture={Camera(Path(scratch) / 'film.mjpeg').path}"
        words = pseudo.words_with(Path(scratch))
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, film])
        for path, walk in WALKS:
            if not only or walk.__name__ in only:
                sheets.draw(browser, path, walk, words)
        browser.close()
    click.echo(sheets.said())


@dataclass
class Sheets:
    """What is drawn, and what was counted meanwhile."""

    folder: Path
    measure: bool
    axe: bool
    pictures: int = 0
    looks: int = 0
    findings: int = 0

    def said(self) -> str:
        checked = f", {self.looks} looks checked, {self.findings} findings" if self.measure or self.axe else ""
        return f"{self.pictures} pictures in {self.folder}{checked}"

    def draw(self, browser: Browser, path: str, walk: Walk, words: Path) -> None:
        """One walk: a sheet for each of its stops."""
        start = Look(SIZES["kiosk upright"], "en")
        fake = Fake(words=words, idle_seconds=3_600.0)  # a walk with all of its looks takes minutes
        with serve(fake.app()) as fake.address:
            width, height = start.size
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce"
            )
            page = context.new_page()
            make_patient(page, path)
            camera = context.new_cdp_session(page)
            page.goto(f"{fake.address}/{path}")
            page.wait_for_selector("body[data-ready=true]")
            for state in walk(page, fake):
                passing = page.get_attribute("body", "data-state") in PASSING
                name = f"{path}, {walk.__name__}, {state}"
                self._save(name, self._stop(page, camera, name, [start] if passing else every_look()))
                start.at(page)
            context.close()
        click.echo(f"{path}, {walk.__name__}: {self.said()}")

    def _stop(self, page: Page, camera: CDPSession, name: str, looks: list[Look]) -> dict[Look, Image.Image]:
        """Check and draw one page; its pictures by their look."""
        taken = {}
        state = page.get_attribute("body", "data-state")
        left = set()
        for look in looks:
            drawn = look in PICTURED
            if drawn or self.measure or self.axe:
                look.at(page)
            if drawn:
                taken[look] = _picture(camera, look)
            left |= {page.get_attribute("body", "data-state")} - {state}
            for complaint in self._complaints(page, look):
                self.findings += 1
                click.echo(f"{name}, {look}: {complaint}")
        if left and len(looks) > 1:
            self.findings += 1
            click.echo(f"{name}: it became {left} while it was drawn")
        self.pictures += len(taken)
        return taken

    def _complaints(self, page: Page, look: Look) -> list[str]:
        self.looks += self.measure or self.axe
        found = look.complaints(page) + look.barriers(page) if self.measure else []
        return found + (axe_complaints(page, "heading-order") if self.axe else [])

    def _save(self, name: str, taken: dict[Look, Image.Image]) -> None:
        rows = [
            [taken[look] for look in PICTURED if look in taken and look.size == size] for size in SIZES.values()
        ]
        file = name.replace(", ", "-").replace(" ", "-").replace("/", "-")
        _sheet([row for row in rows if row]).save(self.folder / f"{file}.jpg", quality=80)


PICTURED = [
    Look(size, language, theme)
    for size in SIZES.values()
    for theme, language in (*product(THEMES, LANGUAGES), ("light", pseudo.LANGUAGE))
]
"""In the order of a sheet."""


def _picture(camera: CDPSession, look: Look) -> Image.Image:
    """Painted as small as it is wanted: a third of the time of a whole picture that is made smaller."""
    width, height = look.size
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": ROW / height}
    shot = camera.send("Page.captureScreenshot", {"format": "jpeg", "quality": 90, "clip": clip})
    return Image.open(BytesIO(base64.b64decode(shot["data"])))


def _sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """A row for each shape; in it light, then dark, each in the three languages; the last one from the right."""
    width = max(sum(one.width + GAP for one in row) for row in rows) + GAP
    sheet = Image.new("RGB", (width, len(rows) * (ROW + GAP) + GAP), "#777777")
    for down, row in enumerate(rows):
        across = GAP
        for one in row:
            sheet.paste(one, (across, GAP + down * (ROW + GAP)))
            across += one.width + GAP
    ImageDraw.Draw(sheet).rectangle((0, 0, width - 1, sheet.height - 1), outline="#555555")
    return sheet


if __name__ == "__main__":
    contact_sheet()
