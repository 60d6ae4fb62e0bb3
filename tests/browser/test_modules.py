"""The pure modules of the pages: states, hints, basket, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import screens
from identity import consent
from identity.consent import codes
from identity.errors import CodeMistyped
from tests.browser.fake_server import Fake, serve

pytestmark = pytest.mark.browser

JS = "/screens/static/js/"
SCREENS = Path(screens.__file__).parent
EXPLAINED = ("unknown", "ambiguous", "low_quality", "no_camera", "wait", "failed", "already", "earlier_unknown")


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
    hints += ["use_your_code"]
    advice = run(page, "states", f"{[*hints, 'give_the_pin']}.map((hint) => m.adviceFor(hint))")
    words = run(page, "strings", "m.STRINGS")

    assert len(set(advice)) == 8
    assert all(sentence in language for sentence in advice for language in words.values())
    assert run(page, "states", "[m.adviceFor('go_on_without'), m.adviceFor(null)]") == [None, None]


def test_every_language_has_every_sentence_with_the_same_blanks(page: Page) -> None:
    words = run(page, "strings", "m.STRINGS")
    blanks = "Object.entries(language).map(([key, text]) => [key, (text.match(/\\{\\w+\\}/g) || []).sort()])"
    shapes = run(page, "strings", f"Object.values(m.STRINGS).map((language) => {blanks})")

    assert set(words) == {"en", "de", "ja"}
    assert all(dict(shape) == dict(shapes[0]) for shape in shapes)
    assert all(text.strip() for language in words.values() for text in language.values())


def test_a_language_is_complete_or_it_is_not_there(page: Page) -> None:
    """Each language has every sentence, none is left in English, and Japanese is written in Japanese."""
    words = run(page, "strings", "m.STRINGS")
    same = {key for key in words["en"] if len({language[key] for language in words.values()}) == 1}
    latin = {key for key, text in words["ja"].items() if not re.search("[\u3040-\u9fff]", text)}

    assert same == set()
    assert latin == set()
    assert {tuple(language) for language in words.values()} == {tuple(words["en"])}


def test_the_notice_names_the_button_as_the_screen_does(page: Page) -> None:
    words = run(page, "strings", "m.STRINGS")
    texts = sorted(Path(consent.__file__).parent.glob("texts/*/*.md"))

    assert {text.stem for text in texts} == set(words)
    for text in texts:
        assert words[text.stem]["forget_me"] in text.read_text(), text


def test_every_reason_of_the_server_has_a_sentence_in_every_other_language(page: Page) -> None:
    reasons = ["usual", "last_time", "had_before", "with_basket", "popular_here", "alike", "new", "suggested"]
    reasons.append("offer")
    said = run(
        page,
        "reasons",
        f"['de', 'ja'].map((language) => {reasons}.map((code) => m.reasonIn(language, 'kiosk', {{ code }})))",
    )

    assert all(len(set(sentences) - {""}) == len(reasons) for sentences in said)
    counted = run(
        page, "reasons", "m.reasonIn('ja', 'kiosk', { code: 'usual', text: 'on 7 of your last 10 visits' })"
    )
    assert "10" in counted
    assert "7" in counted


def test_every_sentence_that_the_page_asks_for_exists(page: Page) -> None:
    asked = page.evaluate("[...document.querySelectorAll('[data-i18n]')].map((e) => e.dataset.i18n)")
    files = [*(SCREENS / "static/js").glob("*.js"), *(SCREENS / "templates/screens").glob("*.html")]
    source = "".join(file.read_text() for file in files)

    known = set(run(page, "strings", "m.STRINGS.en"))
    assert set(asked) <= known
    built = {f"{name}_{kind}" for name in EXPLAINED for kind in ("title", "text")} | {"move_left", "move_right"}
    unused = {key for key in known - built if not re.search(f"[\"']{key}[\"']", source)}
    assert unused - {"taxi_without_sub", "kiosk_without_sub", "move_closer", "language_name"} == {
        f"purpose_{name}{more}" for name in ("orders", "offers", "destinations") for more in ("", "_text")
    }


def test_a_code_is_checked_as_the_server_checks_it(page: Page) -> None:
    made = [codes.new_code() for _ in range(40)]
    assert run(page, "codes", f"{made}.map((code) => m.complaint(code))") == [None] * 40

    wrong = []
    for number, code in enumerate(made):
        at = number % 23
        if code[at] != "-":
            other = codes.ALPHABET[(codes.ALPHABET.index(code[at]) + 1 + number % 29) % 31]
            wrong.append((code[:at] + other + code[at + 1 :], at // 6 + 1))
    swapped = made[0][1] + made[0][0] + made[0][2:]
    if swapped != made[0]:
        wrong.append((swapped, 1))
    found = run(page, "codes", f"{[code for code, _ in wrong]}.map((code) => m.mistypedGroup(code))")
    assert found == [group for _, group in wrong]
    for code, group in wrong:
        with pytest.raises(CodeMistyped) as refused:
            codes.normal(code)
        assert f"{group}" in str(refused.value)


def test_a_code_is_read_as_people_and_readers_write_it(page: Page) -> None:
    (code,) = [codes.new_code()]
    written = [code.lower(), code.replace("-", " "), f" {code} ", f"https://usual.example/me#{code}"]
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign != "-" else sign for sign in code)

    assert run(page, "codes", f"{[*written, wide]}.map(m.grouped)") == [code] * 5
    earlier = "AAAAA-BBBBB-CCCCC-DDDDD-22222"
    assert run(page, "codes", f"[m.complaint('{earlier}'), m.mistypedGroup('{earlier}')]") == [None, 0]
    keys = [run(page, "codes", f"m.complaint('{text}').key") for text in ("", code[:11], code[:-1] + "0")]
    assert keys == ["optout_code_missing", "code_incomplete", "code_group"]


def test_markdown_becomes_elements_and_never_markup(page: Page) -> None:
    text = (
        "One *two*\n**three**\n\n## Four {#four}\n\n* five <img src=x onerror=alert(1)>\n  six\n"
        "* [seven](/eight)\n\nNine"
    )
    made = page.evaluate(
        f"""async (text) => {{
          const {{ markdown, noticeParts }} = await import('{JS}markdown.js');
          const {{ essentials, rest }} = noticeParts(text);
          return [markdown(text).map((e) => e.outerHTML).join(''), essentials.length, rest.length];
        }}""",
        text,
    )

    assert made == [
        "<p>One <em>two</em> <strong>three</strong></p><h3>Four</h3>"
        "<ul><li>five &lt;img src=x onerror=alert(1)&gt; six</li><li>seven</li></ul><p>Nine</p>",
        4,
        0,
    ]
    joined = page.evaluate(f"import('{JS}markdown.js').then((m) => m.markdown('押す\\nか、A\\nB')[0].textContent)")
    assert joined == "押すか、A B"


def test_a_text_to_read_leads_back_to_where_it_was_opened(page: Page) -> None:
    back = run(
        page, "states", "Object.entries(m.READERS).map(([from, event]) => [from, m.next('reading', event)])"
    )

    assert all(start == end for start, end in back)


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
