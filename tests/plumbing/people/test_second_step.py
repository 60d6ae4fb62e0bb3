"""The codes of an app: asked for once it is on, good once, with recovery codes for a lost phone."""

from __future__ import annotations

import pyotp
import pytest
from cryptography.fernet import Fernet

from plumbing.access.caller import Caller
from plumbing.access.tables import migrations as access_migrations
from plumbing.clock import DAY, SECOND
from plumbing.people.errors import CodeNeeded, NotProven, SecondStepRefused, SignInRefused
from plumbing.people.people import People, migrations
from plumbing.people.sealing import Sealing
from plumbing.people.second_step import OFFER_US
from plumbing.storage.state import State
from tests.engines import stored
from tests.plumbing.people.conftest import PASSWORD, Clock

STEP = 30 * SECOND


def with_app(people: People, clock: Clock, name: str = "ana") -> tuple[Caller, pyotp.TOTP, list[str]]:
    """Somebody with a code app, and their recovery codes."""
    caller = people.caller(people.accept(people.invite("grill", name, ["viewer"]), PASSWORD))
    assert caller is not None
    offer = people.offer_code_app(caller, PASSWORD)
    app = pyotp.TOTP(offer.secret)
    codes, _ = people.switch_on_code_app(caller, offer.sealed, app.at(clock() // SECOND))
    clock.now += STEP
    return caller, app, codes


def test_with_an_app_the_password_alone_signs_nobody_in_and_a_code_is_good_once(
    people: People, clock: Clock
) -> None:
    _, app, _ = with_app(people, clock)
    code = app.at(clock() // SECOND)
    with pytest.raises(CodeNeeded):
        people.sign_in("ana", PASSWORD)
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD, "000000" if code != "000000" else "000001")
    with pytest.raises(SignInRefused):  # and not CodeNeeded: a wrong password says nothing about the app
        people.sign_in("ana", "wrong wrong wrong")
    assert people.caller(people.sign_in("ana", PASSWORD, f"{code[:3]} {code[3:]}"))
    for replayed in (code, app.at(clock() // SECOND - 30)):
        with pytest.raises(SignInRefused):
            people.sign_in("ana", PASSWORD, replayed)
    clock.now += STEP
    assert people.caller(people.sign_in("ana", PASSWORD, app.at(clock() // SECOND)))


def test_the_code_of_switching_on_is_not_good_for_signing_in(people: People, clock: Clock) -> None:
    _, app, _ = with_app(people, clock)
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD, app.at(clock() // SECOND - 30))


def test_ten_recovery_codes_are_good_once_each_and_for_their_owner(people: People, clock: Clock) -> None:
    ana, _, codes = with_app(people, clock)
    _, _, others = with_app(people, clock, "bob")
    assert len(set(codes)) == 10
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD, others[0])
    assert people.sign_in("ana", PASSWORD, codes[0].upper().replace("-", " "))
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD, codes[0])
    assert people.recovery_codes_left(ana) == 9
    fresh = people.new_recovery_codes(ana, PASSWORD, codes[1])
    assert people.recovery_codes_left(ana) == 10
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD, codes[2])
    people.switch_off_code_app(ana, PASSWORD, fresh[0])
    assert people.sign_in("ana", PASSWORD)


def test_switching_on_and_off_asks_for_the_password_and_a_code(people: People, clock: Clock) -> None:
    ana, _, codes = with_app(people, clock)
    bob = people.caller(people.accept(people.invite("grill", "bob", ["viewer"]), PASSWORD))
    assert bob is not None
    with pytest.raises(NotProven):
        people.offer_code_app(bob, "not the password")
    with pytest.raises(SecondStepRefused):
        people.offer_code_app(ana, PASSWORD)
    with pytest.raises(NotProven):
        people.switch_off_code_app(ana, "not the password", codes[0])
    with pytest.raises(NotProven):
        people.switch_off_code_app(ana, PASSWORD, "000000")
    offer = people.offer_code_app(bob, PASSWORD)
    with pytest.raises(SecondStepRefused):  # somebody else's offer
        people.switch_on_code_app(ana, offer.sealed, "000000")
    with pytest.raises(NotProven):
        people.switch_on_code_app(bob, offer.sealed, "abcdef")
    clock.now += OFFER_US + SECOND
    with pytest.raises(SecondStepRefused):
        people.switch_on_code_app(bob, offer.sealed, pyotp.TOTP(offer.secret).at(clock() // SECOND))


def test_a_link_of_somebody_with_an_app_needs_its_code_unless_the_operator_says_otherwise(
    people: People, clock: Clock
) -> None:
    ana, app, _ = with_app(people, clock)
    link = people.reset("grill", ana.user)
    assert people.invited(link).second_step
    with pytest.raises(CodeNeeded):
        people.accept(link, "four words that differ")
    with pytest.raises(SignInRefused):
        people.accept(link, "four words that differ", "000000")
    people.accept(link, "four words that differ", app.at(clock() // SECOND))
    lost = people.reset("grill", ana.user, without_code=True)
    people.accept(lost, PASSWORD)
    assert people.sign_in("ana", PASSWORD)


def test_a_code_that_was_used_under_a_clock_that_was_ahead_locks_nobody_out(people: People, clock: Clock) -> None:
    _, app, _ = with_app(people, clock)
    clock.now += 380 * DAY
    people.sign_in("ana", PASSWORD, app.at(clock() // SECOND))
    clock.now -= 379 * DAY

    assert people.sign_in("ana", PASSWORD, app.at(clock() // SECOND))


def test_neither_secret_nor_codes_nor_links_lie_open(people: People, clock: Clock, state: State) -> None:
    ana, app, codes = with_app(people, clock)
    session, link = people.sign_in("ana", PASSWORD, codes[0]), people.reset("grill", ana.user)
    kept = stored(state)

    for secret in (app.secret, *codes, *(code.replace("-", "") for code in codes), session, link, PASSWORD):
        assert secret.encode() not in kept


def test_a_secret_that_was_moved_to_another_row_or_another_key_opens_nothing(
    people: People, clock: Clock, state: State
) -> None:
    _, app, codes = with_app(people, clock)
    _, other_app, _ = with_app(people, clock, "bob")
    database = state.database("access", access_migrations, migrations)
    database.change("UPDATE users SET totp = (SELECT totp FROM users WHERE name = 'bob') WHERE name = 'ana'")
    for code in (app.at(clock() // SECOND), other_app.at(clock() // SECOND)):
        with pytest.raises(SignInRefused):
            people.sign_in("ana", PASSWORD, code)
    lost = People(database, clock, sealing=Sealing(Fernet.generate_key(), clock))
    with pytest.raises(SignInRefused):
        lost.sign_in("bob", PASSWORD, other_app.at(clock() // SECOND))
    assert lost.sign_in("ana", PASSWORD, codes[0])
    database.close()
