"""Guessing is slow, from one place and from many; nobody is kept out of the browser that they use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plumbing.clock import HOUR, MINUTE, SECOND
from plumbing.people.errors import SignInPaused, SignInRefused
from plumbing.people.people import MARK_US, People, Where
from plumbing.people.throttle import MOST_FROM_ADDRESS, MOST_OF_NAME, MOST_WRONG, SHORT_US
from tests.plumbing.people.conftest import PASSWORD, Clock


def addresses() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"10.0.{number // 256}.{number % 256}"


def guess(people: People, name: str, where: Where) -> str:
    """What a wrong password is answered with: the code of the problem."""
    try:
        people.sign_in(name, "wrong wrong wrong", where=where)
    except (SignInRefused, SignInPaused) as error:
        return error.code
    raise AssertionError("signed in")


@pytest.fixture
def mark(people: People) -> str:
    """Of a browser in which ana has signed in."""
    caller = people.caller(people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD))
    assert caller is not None
    return people.mark_of(caller)


@pytest.mark.parametrize("name", ["ana", "nobody-of-this-name"])
def test_one_address_gets_ten_attempts_for_a_name_whether_it_is_there_or_not(
    people: People, clock: Clock, mark: str, name: str
) -> None:
    answers = [guess(people, name, Where("10.0.0.1")) for _ in range(MOST_FROM_ADDRESS + 5)]

    assert answers == ["sign_in_refused"] * MOST_FROM_ADDRESS + ["sign_in_paused"] * 5
    assert guess(people, name, Where("10.0.0.2")) == "sign_in_refused"
    clock.now += SHORT_US + MINUTE
    assert guess(people, name, Where("10.0.0.1")) == "sign_in_refused"


def test_ten_thousand_addresses_get_no_more_than_thirty_attempts_for_a_name_in_an_hour(
    people: People, clock: Clock, mark: str
) -> None:
    answers = [guess(people, "ana", Where(address)) for address, _ in zip(addresses(), range(60), strict=False)]

    assert answers.count("sign_in_refused") == MOST_OF_NAME
    with pytest.raises(SignInPaused) as paused:
        people.sign_in("ana", PASSWORD, where=Where("10.9.9.9"))
    assert 0 < (paused.value.retry_after or 0) <= HOUR // SECOND


def test_whoever_attacks_a_name_does_not_keep_its_owner_out_of_their_own_browser(
    people: People, clock: Clock, mark: str
) -> None:
    for address, _ in zip(addresses(), range(MOST_OF_NAME + 5), strict=False):
        guess(people, "ana", Where(address))

    assert people.sign_in("ana", PASSWORD, where=Where("10.0.0.1", mark=mark))
    with pytest.raises(SignInPaused):
        people.sign_in("ana", PASSWORD, where=Where("10.8.8.8", mark="made up"))
    link = people.reset("grill", people.named("grill", "ana").user_id)
    assert people.accept(link, PASSWORD, where=Where("10.8.8.8"))


def test_a_known_browser_guesses_no_more_than_another_and_only_for_its_owner(
    people: People, clock: Clock, mark: str
) -> None:
    people.accept(people.invite("grill", "bob", ["viewer"]), PASSWORD)
    answers = [
        guess(people, "ana", Where(address, mark=mark)) for address, _ in zip(addresses(), range(15), strict=False)
    ]
    assert answers.count("sign_in_refused") == MOST_FROM_ADDRESS
    bob = [
        guess(people, "bob", Where(address, mark=mark)) for address, _ in zip(addresses(), range(40), strict=False)
    ]
    assert bob.count("sign_in_refused") == MOST_OF_NAME
    clock.now += MARK_US
    assert guess(people, "ana", Where("10.7.7.7", mark=mark)) == "sign_in_refused"


def test_one_address_tries_a_hundred_wrong_passwords_in_an_hour_for_all_names(
    people: People, clock: Clock
) -> None:
    answers = [guess(people, f"user-{number}", Where("10.0.0.1")) for number in range(MOST_WRONG + 10)]

    assert answers.count("sign_in_refused") == MOST_WRONG


def test_who_signs_in_often_is_not_counted_as_wrong(people: People, mark: str) -> None:
    for _ in range(3 * MOST_FROM_ADDRESS):
        assert people.sign_in("ana", PASSWORD, where=Where("10.0.0.1", mark=mark))


def test_somebody_who_is_signed_in_cannot_guess_the_password_without_end(people: People, mark: str) -> None:
    caller = people.caller(people.sign_in("ana", PASSWORD))
    assert caller is not None
    for _ in range(MOST_FROM_ADDRESS):
        with pytest.raises(SignInRefused):
            people.offer_code_app(caller, "wrong wrong wrong")
    with pytest.raises(SignInPaused):
        people.offer_code_app(caller, PASSWORD)
    assert people.sign_in("ana", PASSWORD)  # and keeps nobody from signing in
