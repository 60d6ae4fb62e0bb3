"""The desk's form for the brand of the screens: a pale colour is refused, a logo is kept, a screen gets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.desk_world import served

pytestmark = pytest.mark.browser
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20"/></svg>'


@pytest.mark.parametrize("size", [(1280, 800), (360, 640)], ids=["desk", "phone"])
def test_a_brand_is_set_at_the_desk_and_sent_to_the_screens(
    tmp_path: Path, open_page: OpenPage, size: tuple[int, int]
) -> None:
    with served(tmp_path, full=False) as desk:
        page = open_page(f"{desk.address}/desk/sign-in", size)
        desk.enter(page, "marketer")
        page.goto(f"{desk.address}/desk/settings")
        form = page.locator("#screens form")
        form.get_by_label("Name at the top").fill("Grill & Co")
        accent = form.get_by_label("Colour of what is pressed first")
        accent.fill("#ffcc00")
        form.get_by_role("button", name="Save").click()
        expect(form).to_contain_text("nearest colour that has it is #")
        expect(accent).to_have_attribute("aria-invalid", "true")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        accent.fill("#005a9c")
        form.locator("input[type=file]").set_input_files(
            {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": LOGO}
        )
        form.get_by_role("button", name="Save").click()
        expect(page.locator("#screens > p")).to_contain_text("The screens say “Grill & Co”")
        expect(form.locator("img.logo")).to_be_visible()
        sent: Any = desk.world.client.get("/v1/screen", headers={"X-API-Key": desk.world.keys["kiosk"]}).json

    assert sent["brand"]["name"] == "Grill & Co"
    assert sent["brand"]["colours"]["light"]["accent"] == "#005a9c"
    assert sent["brand"]["logo"].startswith("data:image/svg+xml;base64,")
