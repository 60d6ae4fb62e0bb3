"""The pure modules of the pages: states, hints, basket, words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from identity.consent import codes
from identity.errors import CodeMistyped
from plumbing.words import Words
from screens.dictionaries import FOLDER

pytestmark = pytest.mark.browser

HERE = "document.querySelector('script[type=module]').src"
"""The address of the page's own module: others beside it are the ones that the page uses."""
WORDS = Words(FOLDER)


def run(page: Page, module: str, expression: str) -> Any:
    """`expression` over a module `m`, evaluated in the page."""
    return page.evaluate(f"import(new URL('{module}.js', {HERE})).then((m) => {expression})")


DISH: dict[str, Any] = {
    "item_id": "latte",
    "name": "Latte",
    "price": 400,
    "names": {"de": "Milchkaffee", "zh-Hant": "拿鐵"},
    "texts": {"en": "With milk", "de": "Mit Milch"},
    "options": [
        {
            "id": "size",
            "name": "Size",
            "choose": "one",
            "choices": [{"id": "s", "name": "Small", "price": -50}, {"id": "l", "name": "Large", "price": 60}],
        },
        {
            "id": "extra",
            "name": "Extras",
            "choose": "many",
            "choices": [{"id": "shot", "name": "Shot", "names": {"de": "Espresso"}, "price": 80}, {"id": "oat"}],
        },
    ],
}


def test_an_item_speaks_the_readers_language_or_its_own(page: Page) -> None:
    """A regional language falls back to the wider one, a missing one to the plain name."""
    names = f"['de', 'de-AT', 'zh-Hant-TW', 'zh', 'ja', ''].map((one) => m.nameIn({json.dumps(DISH)}, one))"
    assert run(page, "item", names) == ["Milchkaffee", "Milchkaffee", "拿鐵", "Latte", "Latte", "Latte"]
    texts = f"['de', 'ja'].map((one) => m.textIn({json.dumps(DISH)}, one)).concat(m.textIn({{name: 'x'}}, 'de'))"
    assert run(page, "item", texts) == ["Mit Milch", "With milk", ""]


def test_choices_of_a_dish_hold_and_cost_what_the_catalogue_says(page: Page) -> None:
    """One of a group that takes one, the first unless another is said; what the dish does not have is left out."""
    dish = json.dumps(DISH)
    asked = [[], ["l"], ["s", "l", "gone"], ["oat", "shot"]]
    chosen = [["s"], ["l"], ["l"], ["s", "shot", "oat"]]
    assert run(page, "item", f"{json.dumps(asked)}.map((ids) => m.chosenOf({dish}, ids))") == chosen
    assert run(page, "item", f"{json.dumps(chosen)}.map((ids) => m.priceWith({dish}, ids))") == [
        350,
        460,
        460,
        430,
    ]
    assert run(page, "item", f"m.choiceNames({dish}, ['shot', 'l'], 'de')") == ["Large", "Espresso"]
    keys = f"[['l', 'oat'], ['oat', 'l'], ['l']].map((ids) => m.lineKey({dish}, ids))"
    same, again, other = run(page, "item", keys)
    assert same == again != other


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

    resting = {"attract", "pairing", "forget", "elsewhere", "setup"}
    assert {state for state, _, _ in moves} > resting
    for state, idle, leave in moves:
        assert idle == leave == (state if state in resting else "forget")


def test_an_event_that_does_not_belong_to_a_state_is_an_error(page: Page) -> None:
    said = run(page, "states", "{ try { m.next('attract', 'order'); } catch (error) { return error.message; } }")

    assert said == "order does not belong to the state attract"


def test_every_state_can_be_reached_and_left(page: Page) -> None:
    moves = run(page, "states", "m.STATES.map((s) => [s, m.eventsOf(s).map((event) => m.next(s, event))])")

    reached = {to for _, many in moves for to in many} | {"pairing", "forget", "elsewhere"}
    assert reached == {state for state, _ in moves}


def test_where_something_personal_is_shown_not_me_leads_to_the_guest(page: Page) -> None:
    states = run(
        page, "states", "m.PERSONAL_STATES.filter((s) => s !== 'matched').map((s) => m.next(s, 'not_me'))"
    )

    assert states == ["suggest"] * 6


def test_every_complaint_about_a_picture_has_a_sentence_and_others_have_none(page: Page) -> None:
    codes = ["no_face", "several_faces", "face_too_small", "face_off_centre", "face_turned", "face_blurred"]
    codes += ["too_dark", "too_bright"]
    hints = run(page, "states", f"{codes}.map((code) => m.hintFor({{ code }}))")

    assert len(set(hints)) == len(codes)
    assert run(page, "states", "m.hintFor({ code: 'some_new_one', hint: 'try_again' })") == "hint_again"
    assert run(page, "states", "m.hintFor({ code: 'bad_pack', hint: '' })") is None
    assert {*hints, "hint_again"} <= set(WORDS.variables("en"))


def test_an_answer_without_a_greeting_has_advice_in_every_language(page: Page) -> None:
    hints = ["come_closer", "look_straight_ahead", "hold_still", "more_light", "less_light", "try_again"]
    hints += ["use_your_code"]
    advice = run(page, "states", f"{[*hints, 'give_the_pin']}.map((hint) => m.adviceFor(hint))")

    assert len(set(advice)) == 8
    assert set(advice) <= set(WORDS.variables("en"))
    assert run(page, "states", "[m.adviceFor('go_on_without'), m.adviceFor(null)]") == [None, None]


def test_patterns_follow_the_plurals_numbers_and_days_of_a_language(page: Page) -> None:
    counted = [
        {"select": "n", "of": {"0": "none", "one": "one", "few": "few {n}", "other": "{n}"}, "default": "other"}
    ]
    place = [
        {
            "select": "n",
            "ordinal": True,
            "of": {"one": "{n}st", "two": "{n}nd", "other": "{n}th"},
            "default": "other",
        }
    ]
    named = [{"select": "how", "of": {"soon": "in a minute", "later": "later"}, "default": "later"}, ", {name} {"]
    share = [{"value": "n", "number": {"style": "percent"}}]
    day = [{"value": "d", "date": {"dateStyle": "long", "timeZone": "UTC"}}]

    def said(pattern: object, values: str, language: str) -> Any:
        return run(page, "fluent", f"m.format({json.dumps(pattern)}, {values}, '{language}')")

    assert [said(counted, f"{{ n: {n} }}", "en") for n in (0, 1, 2, 1234)] == ["none", "one", "2", "1,234"]
    assert [said(counted, f"{{ n: {n} }}", "pl") for n in (1, 3, 5)] == ["one", "few 3", "5"]
    assert said(counted, "{ n: 1234 }", "de") == "1.234"
    assert [said(place, f"{{ n: {n} }}", "en") for n in (1, 2, 3, 11)] == ["1st", "2nd", "3th", "11th"]
    assert said(named, "{ how: 'soon', name: 'Ana' }", "en") == "in a minute, {name} {"
    assert said(named, "{ how: 'never' }", "en") == "later, {name} {"
    assert said(share, "{ n: 0.25 }", "de") == "25\u00a0%"
    assert said(day, "{ d: new Date(Date.UTC(2026, 11, 1)) }", "ja") == "2026年12月1日"
    assert said("{a} and {b}", "{ a: 'x' }", "en") == "x and "


def test_a_reason_with_values_is_said_in_each_language(page: Page) -> None:
    def said(language: str, page_name: str, code: str, text: str = "") -> Any:
        return run(
            page, "reasons", f"m.reasonIn('{language}', '{page_name}', {{ code: '{code}', text: '{text}' }})"
        )

    counted = "you ordered this on 7 of your last 10 visits"
    assert said("de", "kiosk", "usual", counted) == "Bei 7 Ihrer letzten 10 Besuche bestellt"
    assert said("ja", "kiosk", "usual", counted) == "最近10回のうち7回ご注文いただきました"
    assert said("de", "kiosk", "offer_until", "Until 2026-12-01") == "Bis zum 1. Dezember"
    assert said("en", "kiosk", "popular_here", "popular here at lunchtime") == "popular here at lunchtime"
    assert said("de", "kiosk", "on_the_menu", "on the menu") == "Steht auf der Karte"
    assert said("de", "taxi", "on_the_map", "a place you can go to") == "Ein Ziel in der Umgebung"
    assert said("ja", "kiosk", "a_code_of_tomorrow", "some text") == "ただいまご用意できます"  # not English


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
          const {{ markdown, noticeParts }} = await import(new URL('markdown.js', {HERE}));
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
    joined = page.evaluate(
        f"import(new URL('markdown.js', {HERE})).then((m) => m.markdown('押す\\nか、A\\nB')[0].textContent)"
    )
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
        "{ const b = new m.Basket(); const tea = b.add({item_id: 'tea', price: 300}, 2);"
        " const bun = b.add({item_id: 'bun', price: 250}); [tea, bun, 'nothing'].forEach((key) => b.remove(key));"
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
    text = run(page, "usual", "m.localTime(new Date(2026, 4, 4, 8, 5, 9))")
    offset = int(page.evaluate("-new Date(2026, 4, 4, 8, 5, 9).getTimezoneOffset()"))

    assert text == f"2026-05-04T08:05:09{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def test_only_overload_and_slowness_mean_that_the_server_is_busy(page: Page) -> None:
    busy = run(
        page,
        "usual",
        "[new m.Problem(503, {code: 'overloaded'}), new m.TooSlow(), new m.Offline(),"
        " new m.Problem(503, {code: 'engine_unavailable'}), new m.Problem(429, {}), new Error()].map(m.isBusy)",
    )

    assert busy == [True, True, False, False, False, False]


def test_suggestions_are_asked_for_again_after_the_servers_pause_and_other_requests_are_not(page: Page) -> None:
    asked = run(
        page,
        "usual",
        "(async () => { const api = new m.Usual({ page: 'kiosk' }); let asked = 0;"
        " api.call = async () => { asked += 1; if (asked < 3 || asked > 3)"
        " throw new m.Problem(503, {code: 'overloaded', retry_after: 0.01}); return asked; };"
        " const got = await api.suggestions('orders', {n: 1});"
        " const refused = await api.visit({}).catch((error) => error.code);"
        " return [got, refused, asked]; })()",
    )

    assert asked == [3, "overloaded", 4]
