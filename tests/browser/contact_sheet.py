"""Writes a sheet of pictures for each state of kiosk, taxi and driver's screen: six shapes, two themes, three
languages, and once in the language of tests/pseudo.py, from the right.

    python -m tests.browser.contact_sheet [folder] [--only ordering] [--measure] [--axe]

The folder is `contact-sheets/` unless another is named; Git ignores it. With `--measure` every text of every
picture is measured as well, and what is wrong with it is printed; with `--axe` what axe-core finds serious.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import click
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from tests import pseudo
from tests.browser.conftest import ARGUMENTS, Camera
from tests.browser.fake_server import Fake, serve
from tests.browser.looks import LANGUAGES, SIZES, THEMES, Look, axe_complaints
from tests.browser.walks import DRIVER, KIOSK, TAXI, Walk

ROW = 420  # pixels of a picture's height on the sheet
GAP = 10
WrongIn = Callable[[Look, Page], list[str]]
PATIENT = """(() => {
  const own = window.setTimeout;
  window.setTimeout = (work, ms, ...rest) => own(work, ms >= 10_000 ? ms * 100 : ms, ...rest);
})()"""
"""A page that leaves by itself after seconds waits until all pictures of it are taken."""

PASSING = ("forget", "low_quality")  # gone before more than a few pictures are taken


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("contact-sheets"))
@click.option(
    "--only", multiple=True, help="A walk of tests/browser/walks.py, such as ordering. Repeat for several."
)
@click.option("--measure", is_flag=True, help="Measure every text as well.")
@click.option("--axe", is_flag=True, help="Let axe-core look at every picture as well.")
def contact_sheet(folder: Path, only: tuple[str, ...], measure: bool, axe: bool) -> None:
    """Write a sheet for each state of kiosk, taxi and the driver's screen into FOLDER."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        raise click.ClickException("Chromium is not installed: apt install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = wrong = 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        film = f"--use-file-for-fake-video-capture={Camera(Path(scratch) / 'film.mjpeg').path}"
        words = pseudo.words_with(Path(scratch))
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, film])
        for name, walks in (("kiosk", KIOSK), ("taxi", TAXI), ("driver", DRIVER)):
            for walk in walks:
                if not only or walk.__name__ in only:
                    made, found = _walk(browser, name, walk, folder, words, _looks_for(measure, axe))
                    pictures, wrong = pictures + made, wrong + found
        browser.close()
    click.echo(f"{pictures} pictures in {folder}" + (f", {wrong} findings" if measure or axe else ""))


def _looks_for(measure: bool, axe: bool) -> WrongIn:
    def wrong_in(look: Look, page: Page) -> list[str]:
        look.at(page)
        return (look.complaints(page) if measure else []) + (axe_complaints(page) if axe else [])

    return wrong_in


def _walk(
    browser: Browser, name: str, walk: Walk, folder: Path, words: Path, wrong_in: WrongIn
) -> tuple[int, int]:
    """How many pictures, and how many complaints."""
    start = Look(SIZES["kiosk upright"], "en")
    pictures = wrong = 0
    fake = Fake(words=words, idle_seconds=3_600.0)  # a walk with all of its looks takes minutes
    with serve(fake.app()) as fake.address:
        width, height = start.size
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce"
        )
        if name != "driver":  # its page asks again and again, with pauses
            context.add_init_script(PATIENT)
        page = context.new_page()
        page.goto(f"{fake.address}/{name}")
        page.wait_for_selector("body[data-ready=true]")
        for state in walk(page, fake):
            passing = page.get_attribute("body", "data-state") in PASSING
            taken: list[list[Image.Image]] = []
            for size in list(SIZES.values())[: 1 if passing else None]:
                row = []
                for look in _looks_at(size)[: 1 if passing else None]:
                    for complaint in wrong_in(look, page):
                        wrong += 1
                        click.echo(f"{name}, {state}, {look}: {complaint}")
                    look.at(page)
                    row.append(_picture(page))
                pictures += len(row)
                taken.append(row)
            _sheet(taken).save(
                folder / f"{name}-{walk.__name__}-{state.replace(', ', '-').replace(' ', '-')}.jpg", quality=80
            )
            start.at(page)
        context.close()
    return pictures, wrong


def _looks_at(size: tuple[int, int]) -> list[Look]:
    looks = [Look(size, language, theme) for theme in THEMES for language in LANGUAGES]
    return [*looks, Look(size, pseudo.LANGUAGE)]


def _picture(page: Page) -> Image.Image:
    shot = Image.open(BytesIO(page.screenshot(type="jpeg", quality=70)))
    return shot.resize((max(1, shot.width * ROW // shot.height), ROW), Image.Resampling.LANCZOS)


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
