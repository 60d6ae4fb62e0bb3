"""People are invited once, sign in with a password, and are signed out by time, by themselves or by others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plumbing.access.tables import migrations as access_migrations
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from plumbing.people import passwords
from plumbing.people.errors import (
    InvitationRefused,
    NoSuchSession,
    NotProven,
    PasswordRefused,
    RoleRefused,
    SignInRefused,
    UserNameRefused,
    UserNameTaken,
)
from plumbing.people.people import ABSOLUTE_US, IDLE_US, INVITATION_US, People, Where, migrations
from plumbing.people.sessions import browser_of
from plumbing.storage.state import State
from tests.conftest import ROOT
from tests.plumbing.people.conftest import PASSWORD, Clock


def test_an_invitation_works_once_and_signs_in(people: People) -> None:
    secret = people.invite("grill", "ana", ["marketer"], sites=["market"])
    caller = people.caller(people.accept(secret, PASSWORD))

    assert caller is not None
    assert caller.tenant == "grill"
    assert "train" in caller.scopes
    assert "privacy" not in caller.scopes
    assert caller.may_see("market")
    assert not caller.may_see("station")
    with pytest.raises(InvitationRefused):
        people.accept(secret, PASSWORD)


def test_an_invitation_ends_after_a_week(people: People, clock: Clock) -> None:
    secret = people.invite("grill", "ana", ["viewer"])
    clock.now += INVITATION_US + 1
    with pytest.raises(InvitationRefused):
        people.accept(secret, PASSWORD)


def test_a_refused_password_leaves_the_invitation_valid(people: People) -> None:
    secret = people.invite("grill", "ana-of-the-grill", ["viewer"])
    for refused in ("short", "Ana-of-the-grill"):
        with pytest.raises(PasswordRefused):
            people.accept(secret, refused)
    assert people.accept(secret, PASSWORD)


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(people: People) -> None:
    people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    for name, password in (("ana", "wrong wrong wrong"), ("bob", PASSWORD), ("ana", "")):
        with pytest.raises(SignInRefused):
            people.sign_in(name, password)
    assert people.caller(people.sign_in("ana", PASSWORD))


@pytest.mark.parametrize(("step", "times"), [(IDLE_US + 1, 1), (HOUR, ABSOLUTE_US // HOUR + 1), (-MINUTE, 1)])
def test_a_session_ends_when_idle_when_old_and_when_the_clock_goes_back(
    people: People, clock: Clock, step: int, times: int
) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    seen = []
    for _ in range(times):
        clock.now += step
        seen.append(people.caller(secret))

    assert seen[-1] is None


def test_a_replica_whose_clock_is_a_little_behind_knows_the_session(people: People, clock: Clock) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    clock.now -= SECOND
    assert people.caller(secret) is not None


def test_who_signs_out_is_out(people: People) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    people.sign_out(secret)

    assert people.caller(secret) is None


def test_names_are_taken_once_and_roles_exist(people: People) -> None:
    people.invite("grill", "ana", ["viewer"])
    with pytest.raises(UserNameTaken):
        people.invite("taxi", "ana", ["viewer"])
    with pytest.raises(RoleRefused):
        people.invite("grill", "bob", ["queen"])


def test_a_name_is_signed_in_with_however_it_is_written(people: People) -> None:
    people.accept(people.invite("grill", " Ana@Example.org ", ["viewer"]), PASSWORD)

    assert people.named("grill", "ANA@example.org").name == "ana@example.org"
    assert people.caller(people.sign_in("aNa@example.ORG", PASSWORD))
    for refused in ("", "ana maria", "ana\0", "a" * 101, "two\nlines"):
        with pytest.raises(UserNameRefused):
            people.invite("grill", refused, ["viewer"])


def test_a_name_is_taken_in_another_tenant_as_well_and_a_session_is_of_its_tenant(people: People) -> None:
    ana = people.caller(people.accept(people.invite("grill", "ana", ["marketer"]), PASSWORD))
    assert ana is not None
    with pytest.raises(UserNameTaken):
        people.invite("taxi", "ana", ["viewer"], by=None)
    assert people.users("taxi") == []


def test_a_new_password_ends_all_other_sessions_and_needs_the_present_one(people: People) -> None:
    first = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    second = people.sign_in("ana", PASSWORD)
    caller = people.caller(first)
    assert caller is not None
    with pytest.raises(NotProven):
        people.change_password(caller, "not the present one", "four words that differ")
    with pytest.raises(PasswordRefused):
        people.change_password(caller, PASSWORD, "short")
    fresh = people.change_password(caller, PASSWORD, "four words that differ")

    assert [people.caller(one) is not None for one in (first, second, fresh)] == [False, False, True]
    assert people.why_ended(second) == "elsewhere"
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD)
    assert people.sign_in("ana", "four words that differ")


def test_people_see_their_own_sessions_and_end_one_or_all(people: People) -> None:
    firefox = Where(browser=browser_of("Mozilla/5.0 (Windows NT 10.0; rv:146.0) Gecko/20100101 Firefox/146.0"))
    here = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD, where=firefox)
    there = people.sign_in("ana", PASSWORD)
    bob = people.caller(people.accept(people.invite("grill", "bob", ["viewer"]), PASSWORD))
    ana = people.caller(here)
    assert ana is not None
    assert bob is not None
    mine = people.sessions(ana, here)
    other = next(one for one in mine if not one.current)

    assert len(mine) == 2
    assert next(one.browser for one in mine if one.current) == "Firefox, Windows"
    with pytest.raises(NoSuchSession):
        people.sign_out_of(bob, other.session_id)
    people.sign_out_of(ana, other.session_id)
    assert people.caller(there) is None
    people.sign_out_everywhere(ana)
    assert people.caller(here) is None


def test_a_session_goes_on_under_a_new_secret_and_no_longer_than_before(people: People, clock: Clock) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    for _ in range(11):
        clock.now += HOUR
        assert people.caller(secret)
    fresh = people.fresh_secret(secret)

    assert fresh
    assert people.caller(fresh)
    assert people.caller(secret) is None
    clock.now += HOUR + MINUTE
    assert people.caller(fresh) is None
    assert people.fresh_secret(fresh) is None


def test_what_has_ended_is_swept_and_what_has_not_stays(people: People, clock: Clock, state: State) -> None:
    people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    people.invite("grill", "bob", ["viewer"])
    clock.now += INVITATION_US + DAY
    carl = people.invite("grill", "carl", ["viewer"])
    live = people.sign_in("ana", PASSWORD)
    people.sweep(now=True)
    database = state.database("access", access_migrations, migrations)

    assert database.row("SELECT COUNT(*) AS n FROM sessions")["n"] == 1
    assert [user.name for user in people.users("grill")] == ["ana", "bob", "carl"]
    clock.now += 24 * DAY
    assert people.invited(people.link("grill", people.named("grill", "carl").user_id))
    clock.now += 7 * DAY
    people.sweep(now=True)
    assert [user.name for user in people.users("grill")] == ["ana", "carl"]
    assert people.caller(live) is None
    with pytest.raises(InvitationRefused):
        people.invited(carl)
    database.close()


@pytest.mark.sqlite
def test_a_database_of_the_release_before_gets_people(tmp_path: Path, clock: Clock) -> None:
    shutil.copy(ROOT / "tests" / "fixtures" / "access-0.2.0.db", tmp_path / "access.db")
    database = State(tmp_path).database("access", access_migrations, migrations)
    people = People(database, clock)

    assert not people.any()
    assert people.caller(people.accept(people.invite("grill", "ana", ["operator"]), PASSWORD))
    database.close()


def test_a_name_that_is_not_there_costs_as_many_hashes_as_one_that_is(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    people.invite("grill", "invited", ["viewer"])
    plain, counted = passwords.matches, list[str]()

    def matches(stored: str, password: str) -> bool:
        counted.append(password)
        return plain(stored, password)

    monkeypatch.setattr(passwords, "matches", matches)
    for name in ("ana", "invited", "nobody", "no name at all", "x" * 200):
        with pytest.raises(SignInRefused):
            people.sign_in(name, "wrong wrong wrong")

    assert len(counted) == 5
