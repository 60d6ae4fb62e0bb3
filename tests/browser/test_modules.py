"""The pure modules of the pages: states, hints, basket, words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.fake_server import Fake, serve

pytestmark = pytest.mark.browser

JS = "/screens/static/js/"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for the module: no test changes it."""
    fake = Fake()
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address + "/kiosk")
        page.wait_for_selector("body[data-ready=true]")
        yield page


def run(page: Page, module: str, expression: str) -> Any:
    """`expression` over a module `m`, evaluated in the page."""
    return page.evaluate(f"import('{JS}{module}.js').then((m) => {expression})")


def test_the_states_have_the_names_of_the_design_and_follow_one_another(page: Page) -> None:
    way = [
        ("attract", "press"),
        ("press", "explained"),
        ("notice", "look"),
        ("capture", "matched"),
        ("matched", "greet"),
    ]
    way += [
        ("greet", "suggest"),
        ("suggest", "basket"),
        ("basket", "order"),
        ("done", "leave"),
        ("forget", "forgotten"),
    ]
    walked = run(page, "states", f"{[list(step) for step in way]}.map(([state, event]) => m.next(state, event))")

    assert walked == [state for state, _ in way[1:]] + ["attract"]


def test_idle_and_leaving_forget_from_every_state_that_can_hold_a_person(page: Page) -> None:
    moves = run(page, "states", "m.STATES.map((state) => [state, m.next(state, 'idle'), m.next(state, 'leave')])")

    resting = {"attract", "pairing", "forget"}
    assert {state for state, _, _ in moves} > resting
    for state, idle, leave in moves:
        assert idle == leave == (state if state in resting else "forget")


def test_an_event_that_does_not_belong_to_a_state_is_an_error(page: Page) -> None:
    said = run(page, "states", "{ try { m.next('attract', 'order'); } catch (error) { return error.message; } }")

    assert said == "order does not belong to the state attract"


def test_every_state_can_be_reached_and_left(page: Page) -> None:
    moves = run(page, "states", "m.STATES.map((s) => [s, m.eventsOf(s).map((event) => m.next(s, event))])")

    reached = {to for _, many in moves for to in many} | {"pairing", "forget"}
    assert reached == {state for state, _ in moves}


def test_where_something_personal_is_shown_not_me_leads_to_the_guest(page: Page) -> None:
    states = run(
        page, "states", "m.PERSONAL_STATES.filter((s) => s !== 'matched').map((s) => m.next(s, 'not_me'))"
    )

    assert states == ["suggest"] * 5


def test_every_complaint_about_a_picture_has_a_sentence_and_others_have_none(page: Page) -> None:
    codes = ["no_face", "several_faces", "face_too_small", "face_off_centre", "face_turned", "face_blurred"]
    codes += ["too_dark", "too_bright"]
    hints = run(page, "states", f"{codes}.map((code) => m.hintFor({{ code }}))")

    assert len(set(hints)) == len(codes)
    assert run(page, "states", "m.hintFor({ code: 'some_new_one', hint: 'try_again' })") == "hint_again"
    assert run(page, "states", "m.hintFor({ code: 'bad_pack', hint: '' })") is None
    words = run(page, "strings", "m.STRINGS")
    assert all(hint in language for hint in [*hints, "hint_again"] for language in words.values())


def test_an_answer_without_a_greeting_has_advice_in_every_language(page: Page) -> None:
    hints = ["come_closer", "look_straight_ahead", "hold_still", "more_light", "less_light", "try_again"]
    advice = run(page, "states", f"{[*hints, 'give_the_pin']}.map((hint) => m.adviceFor(hint))")
    words = run(page, "strings", "m.STRINGS")

    assert len(set(advice)) == 7
    assert all(sentence in language for sentence in advice for language in words.values())
    assert run(page, "states", "[m.adviceFor('go_on_without'), m.adviceFor(null)]") == [None, None]


def test_every_language_has_every_sentence_with_the_same_blanks(page: Page) -> None:
    words = run(page, "strings", "m.STRINGS")
    blanks = "Object.entries(language).map(([key, text]) => [key, (text.match(/\\{\\w+\\}/g) || []).sort()])"
    shapes = run(page, "strings", f"Object.values(m.STRINGS).map((language) => {blanks})")

    assert set(words) >= {"en", "de"}
    assert all(dict(shape) == dict(shapes[0]) for shape in shapes)
    assert all(text.strip() for language in words.values() for text in language.values())


def test_every_sentence_that_the_page_asks_for_exists(page: Page) -> None:
    asked = page.evaluate("[...document.querySelectorAll('[data-i18n]')].map((e) => e.dataset.i18n)")

    assert set(asked) <= set(run(page, "strings", "m.STRINGS.en"))


def test_the_basket_counts_adds_and_takes_away(page: Page) -> None:
    result = run(
        page,
        "basket",
        "{ const b = new m.Basket(); const tea = {item_id: 'tea', price: 300}; b.add(tea, 2);"
        " b.add({item_id: 'bun', price: 250}); b.remove('tea'); b.remove('bun'); b.remove('nothing');"
        " return [b.itemIds, b.count, b.total, b.empty]; }",
    )

    assert result == [["tea"], 1, 300, False]


def test_a_bundle_is_put_into_the_basket_with_its_quantities_and_costs_their_sum(page: Page) -> None:
    menu = "[{item_id: 'a', name: 'A', price: 100}, {item_id: 'b', name: 'B', price: 250}]"
    usual = (
        "{item_id: 'a', name: 'A', price: 100, bundle: [{item_id: 'a', quantity: 2}, {item_id: 'b', quantity: 1}]}"
    )
    result = run(
        page,
        "basket",
        f"[m.linesOf({usual}, {menu}).map((l) => [l.item.item_id, l.quantity]), m.priceOf({usual}, {menu})]",
    )

    assert result == [[["a", 2], ["b", 1]], 450]


def test_the_menu_is_grouped_and_leaves_out_what_is_sold_out_or_served_elsewhere(page: Page) -> None:
    rows = (
        "[{item_id: 'a', category: 'tea'}, {item_id: 'b', category: 'tea', available: false},"
        " {item_id: 'c', category: 'cake', sites: ['market']}, {item_id: 'd', category: 'cake', sites: ['quay']}]"
    )
    grouped = run(
        page,
        "basket",
        f"[...m.byCategory({rows}, 'quay')].map(([name, all]) => [name, all.map((r) => r.item_id)])",
    )

    assert grouped == [["tea", ["a"]], ["cake", ["d"]]]


def test_local_time_carries_its_offset(page: Page) -> None:
    text = run(page, "api", "m.localTime(new Date(2026, 4, 4, 8, 5, 9))")
    offset = int(page.evaluate("-new Date(2026, 4, 4, 8, 5, 9).getTimezoneOffset()"))

    assert text == f"2026-05-04T08:05:09{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def test_only_overload_and_slowness_mean_that_the_server_is_busy(page: Page) -> None:
    busy = run(
        page,
        "api",
        "[new m.Problem(503, {code: 'overloaded'}), new m.TooSlow(), new m.Offline(),"
        " new m.Problem(503, {code: 'engine_unavailable'}), new m.Problem(429, {}), new Error()].map(m.isBusy)",
    )

    assert busy == [True, True, False, False, False, False]


def test_suggestions_are_asked_for_again_after_the_servers_pause_and_other_requests_are_not(page: Page) -> None:
    asked = run(
        page,
        "api",
        "(async () => { const api = new m.Api('kiosk'); let asked = 0;"
        " api.call = async () => { asked += 1; if (asked < 3 || asked > 3)"
        " throw new m.Problem(503, {code: 'overloaded', retry_after: 0.01}); return asked; };"
        " const got = await api.suggestions('orders', {n: 1});"
        " const refused = await api.visit({}).catch((error) => error.code);"
        " return [got, refused, asked]; })()",
    )

    assert asked == [3, "overloaded", 4]
