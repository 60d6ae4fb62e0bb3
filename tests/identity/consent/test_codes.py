"""The customer's code: a wrong sign is noticed, and old codes stay valid."""

from __future__ import annotations

import itertools
import secrets

import pytest

from identity.consent.codes import ALPHABET, GROUPS, check_sign, last_group, new_code, normal
from identity.errors import CodeMistyped

EARLIER = "-".join(("ABCDE", "FGHIJ", "KLMNO", "PQRST", "UVW27"))


def group_named(code: str) -> int:
    with pytest.raises(CodeMistyped) as caught:
        normal(code)
    group = caught.value.extra["group"]
    assert isinstance(group, int)
    assert f"group {group}" in caught.value.detail
    return group


def test_a_new_code_has_four_groups_of_five_and_is_normal() -> None:
    codes = {new_code() for _ in range(200)}

    assert len(codes) == 200
    for code in codes:
        assert [len(group) for group in code.split("-")] == [5] * GROUPS
        assert set(code) <= {*ALPHABET, "-"}
        assert normal(code) == code


def test_every_wrong_sign_is_noticed_and_its_group_named() -> None:
    code = new_code()
    for place, sign in itertools.product(range(len(code)), ALPHABET + "01ILO"):
        if code[place] not in ("-", sign):
            wrong = code[:place] + sign + code[place + 1 :]
            assert group_named(wrong) == place // 6 + 1


def test_every_swap_of_two_signs_of_a_group_is_noticed() -> None:
    for _ in range(20):
        groups = new_code().split("-")
        for number, (one, other) in itertools.product(range(GROUPS), itertools.combinations(range(5), 2)):
            signs = list(groups[number])
            if signs[one] != signs[other]:
                signs[one], signs[other] = signs[other], signs[one]
                swapped = [*groups[:number], "".join(signs), *groups[number + 1 :]]
                assert group_named("-".join(swapped)) == number + 1


def test_groups_in_another_order_are_noticed() -> None:
    groups = new_code().split("-")
    for order in itertools.permutations(groups):
        if list(order) != groups and len(set(groups)) == GROUPS:
            group_named("-".join(order))


@pytest.mark.parametrize("between", ["", " ", "-", " - ", ".", "–", "‐", "−", "ー", "\n"])
def test_it_may_be_typed_in_many_ways(between: str) -> None:
    code = new_code()
    assert normal(f"  {code.lower().replace('-', between)} ") == code


def test_wide_letters_of_a_japanese_keyboard_are_read() -> None:
    code = new_code()
    wide = "".join(sign if sign == "-" else chr(ord(sign) + 0xFEE0) for sign in code)
    assert normal(wide) == code


def test_a_missing_or_an_additional_sign_is_noticed() -> None:
    groups = new_code().split("-")
    assert group_named("-".join([groups[0], groups[1][:-1], *groups[2:]])) == 2
    assert group_named("-".join(groups[:3])) == 4
    assert group_named("-".join(groups) + "-" + groups[0][:3]) in range(1, 5)
    for nothing in ("", " ", "-", "x" * 10_000, "🙂", "\0", "A" * 24, "A" * 26):
        assert group_named(nothing) in range(1, 5)


def test_codes_of_earlier_releases_stay_valid() -> None:
    assert normal(EARLIER.lower()) == EARLIER
    assert normal(EARLIER.replace("-", "")) == EARLIER
    assert group_named(EARLIER.replace("27", "18")) == 5


def test_a_receipt_shows_the_last_group_alone() -> None:
    assert last_group("ABCDE-FGHJK-23456-789AB") == "789AB"


def test_figures_for_the_screen_that_checks_the_same() -> None:
    """What `screens/static/js/codes.js` must compute too."""
    checked = [check_sign(signs, number) for signs in ("2222", "ABCD", "ZZZZ") for number in (1, 4)]

    assert "".join(checked) == "DFRTFH"


def test_random_texts_are_hardly_ever_codes() -> None:
    wrong = 0
    for _ in range(300):
        text = "".join(secrets.choice(ALPHABET) for _ in range(20))
        try:
            normal(text)
        except CodeMistyped:
            wrong += 1
    assert wrong >= 299
