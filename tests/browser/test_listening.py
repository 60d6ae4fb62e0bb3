"""Kiosk and taxi hear what changed elsewhere: when they read it again, when a visit ends, how they wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fake_server import Fake
from tests.browser.test_kiosk import recognised
from tests.browser.test_modules import HERE

pytestmark = pytest.mark.browser

WORLD = """
  const world = {
    asked: [], read: [], left: 0, answers: [], moving: [],
    stage: { state: "attract", visit: { recognised: false, token: null },
      whenMoved: (work) => world.moving.push(work),
      go: (event) => { world.left += event === "leave" ? 1 : 0; world.move("attract", null); } },
    move(state, token = world.stage.visit.token) {
      Object.assign(world.stage, { state, visit: { recognised: token !== null, token } });
      for (const work of world.moving) work();
    },
    api: { news: (since, { token, signal }) => new Promise((answer, refuse) => {
      world.asked.push([since ?? null, token ?? null]);
      signal.addEventListener("abort", () => refuse(new Error("aborted")));
      const next = world.answers.shift();
      if (next === "cut") refuse(new Error("no line"));
      else if (next) answer(next);
      else world.answer = (events, id = "2.2") => answer({ id, events: events.map((event) => ({ event })) });
    }) },
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  };
  const read = (name) => async () => { world.read.push(name); };
  const reading = { settings_changed: read("settings_changed"), menu_changed: read("menu_changed") };
  const listen = (times) => {
    const { api, stage } = world;
    const made = new m.Listening({ api, stage, reading }, { spread: 0, early: 0, ...times });
    made.start();
    return made;
  };
"""


def run(page: Page, script: str) -> Any:
    """`script` with a `world` of a stage and an API that answers as it is set up, and `listen(times)`."""
    return page.evaluate(f"import(new URL('listening.js', {HERE})).then(async (m) => {{ {WORLD} {script} }})")


def test_what_changed_is_read_once_and_only_while_nobody_is_there(page: Page) -> None:
    script = """
      world.answers.push({ id: "1.1", events: [] });
      listen();
      await world.wait(5);
      world.move("menu");
      world.answer(["menu_changed", "settings_changed"]);
      await world.wait(5);
      world.answer(["menu_changed"], "2.3");
      await world.wait(20);
      const meanwhile = [...world.read];
      world.move("forget");
      world.move("attract");
      await world.wait(20);
      return [meanwhile, world.read, world.asked.map(([since]) => since)];
    """
    first = [None, "1.1", "2.2", "2.3"]
    assert run(page, script) == [[], ["menu_changed", "settings_changed"], first]


@pytest.mark.parametrize(("token_lasts", "left"), [(60_000, 1), (0, 0)], ids=["left elsewhere", "only run out"])
def test_a_visit_that_ended_elsewhere_ends_here_and_is_asked_about_no_more(
    page: Page, token_lasts: int, left: int
) -> None:
    """A token that is as old as a token gets may have run out alone: its person goes on."""
    script = f"""
      world.answers.push({{ id: "1.1", events: [] }});
      listen({{ token: {token_lasts} }});
      await world.wait(5);
      world.move("suggest", "t1");
      await world.wait(5);
      world.answer(["visit_ended"]);
      await world.wait(20);
      return [world.left, world.asked.map(([, token]) => token)];
    """
    assert run(page, script) == [left, [None, None, "t1", None]]


def test_the_end_of_an_earlier_visit_ends_no_later_one(page: Page) -> None:
    script = """
      world.answers.push({ id: "1.1", events: [] });
      listen();
      await world.wait(5);
      world.move("suggest", "t1");
      await world.wait(5);
      const late = world.answer;
      world.move("suggest", "t2");
      late(["visit_ended"]);
      await world.wait(10);
      return [world.left, world.asked.at(-1)[1]];
    """
    assert run(page, script) == [0, "t2"]


def test_without_a_line_it_asks_less_and_less_and_at_once_when_the_line_is_back(page: Page) -> None:
    script = """
      for (let n = 0; n < 50; n += 1) world.answers.push("cut");
      const listening = listen({ firstPause: 10, longestPause: 4000 });
      await world.wait(300);
      const asked = world.asked.length;
      world.answers.length = 0;
      listening.again();
      await world.wait(5);
      return [asked, world.asked.length - asked];
    """
    asked, at_once = run(page, script)
    assert 3 <= asked <= 7
    assert at_once == 1


def test_a_server_with_too_many_who_wait_is_asked_later(page: Page) -> None:
    script = """
      for (let n = 0; n < 50; n += 1) world.answers.push({ id: "1.1", events: [] });
      listen({ early: 1000, later: 4000 });
      await world.wait(50);
      return world.asked.length;
    """
    assert run(page, script) == 2  # the first one says where the news begins


def test_a_page_that_is_not_paired_asks_nothing(page: Page) -> None:
    script = """
      world.move("pairing");
      listen();
      await world.wait(10);
      const before = world.asked.length;
      world.move("attract");
      await world.wait(5);
      return [before, world.asked.length];
    """
    assert run(page, script) == [0, 1]


def test_a_kiosk_takes_over_a_new_look_and_menu_when_idle_and_forgets_who_left_elsewhere(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    recognised(page)
    shown = page.locator("#usual").inner_text()
    fake.screen = fake.screen | {"brand": fake.screen["brand"] | {"name": "Mill"}}
    fake.events += ["settings_changed", "menu_changed"]
    page.wait_for_timeout(100)
    assert page.locator("#usual").inner_text() == shown
    fake.events.append("visit_ended")
    expect(page.locator("body")).to_have_attribute("data-state", "attract")
    expect(page.locator("#brand")).to_contain_text("Mill")
    assert {None} < set(fake.listening)
