"""The record in a real browser: two who save at once, a session that ends, four eyes, a provider's way back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.browser.signed_in import sign_in
from tests.desk.world import PASSWORD, Desk, Person, open_desk

pytestmark = pytest.mark.browser
SHARING = "/recommender/v1/desk/sharing"

FORM = """async (number) => {
  const { api } = await import("/desk/static/js/core/server.js");
  const { field, guard, submit } = await import("/desk/static/js/core/form.js");
  const { el } = await import("/desk/static/js/core/dom.js");
  let document_ = await api("GET", "%(path)s");
  const input = el("input", { type: "number", value: String(document_.least_people) });
  const form = el("form", { id: "probe" }, field("least_people", "People", input), el("button", {}, "Save"));
  const theirs = async () => (document_ = await api("GET", "%(path)s"));
  form.onsubmit = (event) => {
    event.preventDefault();
    const body = { least_people: Number(input.value) };
    const save = async () => { document_ = await api("PUT", "%(path)s", body, { tag: document_.etag }); };
    return submit(form, save, { theirs });
  };
  guard(form);
  document.getElementById("content").append(form);
}""" % {"path": SHARING}  # noqa: UP031 - braces of JavaScript


@dataclass
class Served:
    """A desk on a real port."""

    desk: Desk
    address: str

    def open(self, open_page: OpenPage, person: Person, path: str = "/desk/record", **options: Any) -> Page:
        """A page of the desk in the browser of a person."""
        page = open_page(f"{self.address}/desk/sign-in", **options)
        cookie = person.client.get_cookie("usual_desk")
        assert cookie is not None
        sign_in(page, self.address, cookie.value)
        page.goto(self.address + path)
        expect(page.locator("body[data-ready=true]")).to_be_visible()
        return page


@contextmanager
def served(home: Path, **settings: Any) -> Iterator[Served]:
    with open_desk(home, **settings) as desk, serve(desk.app) as address:
        yield Served(desk, address)


def type_and_save(page: Page, number: int) -> None:
    page.fill("#probe input", str(number))
    page.click("#probe button")


def least(person: Person) -> int:
    number: int = person.send("GET", SHARING).get_json()["least_people"]
    return number


def test_a_day_of_the_record(tmp_path: Path, open_page: OpenPage) -> None:
    """Two save at once; the second sees the first one's value and keeps the text; a session ends in the form; then
    changes need two people, one proposes, the other approves, and the record shows all of it."""
    with served(tmp_path) as there:
        ana, bob = there.desk.person("ana", password=PASSWORD), there.desk.person("bob")
        first, second = there.open(open_page, ana), there.open(open_page, bob)
        for page in (first, second):
            page.evaluate(FORM)

        type_and_save(first, 21)
        expect(first.locator("#notice")).to_have_text("Saved.")
        type_and_save(second, 34)
        expect(second.locator(".theirs")).to_contain_text("21")
        expect(second.locator("#probe input")).to_have_value("34")
        second.click("#probe button")
        expect(second.locator("#notice")).to_have_text("Saved.")
        assert least(bob) == 34

        _session_ends_in_the_form(there, first, ana)
        _two_people(there, first, second, ana, bob)
        type_and_save(first, 77)  # waits when the page is looked at
        expect(first.locator("#probe button")).to_be_enabled()
        _looked_at(there, open_page, ana)


def _session_ends_in_the_form(there: Served, page: Page, ana: Person) -> None:
    page.reload()
    expect(page.locator("body[data-ready=true]")).to_be_visible()
    page.evaluate(FORM)
    page.context.clear_cookies()
    type_and_save(page, 55)
    dialog = page.locator("dialog.again")
    expect(dialog).to_be_visible()
    expect(dialog.locator("input[name=name]")).to_have_value("ana")
    page.fill("dialog.again input[name=password]", "a wrong password")
    page.keyboard.press("Enter")
    expect(dialog.locator(".message")).not_to_be_empty()
    page.fill("dialog.again input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator("#notice")).to_have_text("Saved.")
    assert least(ana) == 55

    page.context.clear_cookies()
    type_and_save(page, 56)
    other = page.context.new_page()
    other.goto(f"{there.address}/desk/sign-in")
    other.fill("#sign-in input[name=name]", "ana")
    other.fill("#sign-in input[name=password]", PASSWORD)
    other.click("#sign-in button")
    other.wait_for_url("**/desk")
    other.close()
    page.click("dialog.again button.quiet")
    expect(page.locator("dialog.again")).to_have_count(0)
    expect(page.locator("#probe button")).to_be_enabled()
    assert least(ana) == 56


def _two_people(there: Served, first: Page, second: Page, ana: Person, bob: Person) -> None:
    first.check("#four-eyes input[name=settings]")
    first.click("#four-eyes button")
    expect(first.locator("#notice")).to_have_text("Saved.")
    type_and_save(first, 60)
    expect(first.locator("#notice")).to_contain_text("a second person has to approve it")
    assert least(ana) == 56
    second.reload()
    waiting = second.locator("#waiting .proposal")
    expect(waiting).to_contain_text("Ana wants to change")
    expect(waiting.locator(".differences")).to_contain_text("60")
    waiting.get_by_role("button", name="Approve").click()
    expect(second.locator("#notice")).to_contain_text("Approved and carried out")
    assert least(bob) == 60
    expect(second.locator("#changes tbody tr").filter(has_text="approved by Bob")).to_have_count(1)


def _looked_at(there: Served, open_page: OpenPage, ana: Person) -> None:
    """The answer in the first line, filters that stick, values side by side, nothing that axe would stop at."""
    page = there.open(open_page, ana)
    expect(page.locator("#answer")).to_contain_text("changes in the last 7 days")
    page.select_option("#record-filters select[name=kind]", "sign_in")
    page.click("#record-filters button")
    expect(page.locator("#changes tbody tr").first).to_contain_text("signed in")
    page.reload()
    expect(page.locator("#record-filters select[name=kind]")).to_have_value("sign_in")
    page.select_option("#record-filters select[name=kind]", "change")
    page.click("#record-filters button")
    page.locator("#changes details summary").first.click()
    expect(page.locator("#changes .differences").first).to_be_visible()
    assert axe_complaints(page) == []
    if folder := os.environ.get("USUAL_PICTURES"):  # to look at
        for width, height in ((390, 844), (1280, 800), (1920, 1080)):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=f"{folder}/record-{width}-{scheme}.png", full_page=True)


def test_in_by_the_provider_of_the_house(tmp_path: Path, browser: Browser) -> None:
    """From the provider's page, another site, back to ours: the strict cookie is there, the invitation is used."""
    with run_server_in_thread(require_nonce=True) as server:
        settings = {"oidc_issuer": f"http://localhost:{server.server_port}", "oidc_client_id": "usual-desk"}
        with served(tmp_path, **settings, oidc_client_secret="a secret", oidc_name="Grill accounts") as there:
            invitation = there.desk.shared.people.invite("grill", "ana", ["marketer"], display="Ana")
            page = browser.new_context(locale="en-GB").new_page()
            page.goto(f"{there.address}/desk/sign-in#invitation={invitation}")
            for _ in range(2):
                page.get_by_role("button", name="Sign in with Grill accounts").click()
                page.fill("#subject-input", "ana@grill")
                page.get_by_role("button", name="Authorize", exact=True).click()
                page.wait_for_url(f"{there.address}/desk")
                expect(page.locator("#signed-in-as")).to_have_text("Ana")
                page.click("#sign-out")
                page.wait_for_url(
                    "**/end_session?*"
                )  # of the provider, which leads back where it knows the address
                page.goto(f"{there.address}/desk/sign-in")
            page.context.close()
