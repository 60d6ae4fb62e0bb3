"""Nobody gives what they do not have; who is removed is out at once; somebody can always operate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plumbing.access.caller import Caller
from plumbing.access.roles import ROLES, scopes_of
from plumbing.access.tables import migrations as access_migrations
from plumbing.clock import DAY
from plumbing.people.errors import (
    InvitationRefused,
    LastOperator,
    NoSuchUser,
    RoleRefused,
    SignInRefused,
    SitesRefused,
    UserNotInvited,
    UserNotYours,
)
from plumbing.people.people import People, migrations
from plumbing.people.staff import NAME_KEPT_US
from plumbing.storage.state import State
from tests.plumbing.people.conftest import PASSWORD, Clock


def joined(people: People, name: str, *roles: str, sites: tuple[str, ...] = ()) -> Caller:
    """Somebody who has signed in."""
    caller = people.caller(people.accept(people.invite("grill", name, roles, sites=sites), PASSWORD))
    assert caller is not None
    return caller


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "own", [(role,) for role in ROLES] + [("marketer", "operator"), ("viewer", "privacy_officer")]
)
def test_a_role_is_given_by_who_has_all_its_rights(people: People, own: tuple[str, ...]) -> None:
    by = joined(people, "ana", *own)
    for number, role in enumerate(ROLES):
        if set(ROLES[role]) <= scopes_of(own):
            people.invite("grill", f"new-{number}", [role], by=by)
        else:
            with pytest.raises(RoleRefused):
                people.invite("grill", f"new-{number}", [role], by=by)
            with pytest.raises(RoleRefused):
                people.change("grill", by.user, [*own, role], by=by)


def test_sites_are_given_by_who_sees_them(people: People) -> None:
    by = joined(people, "ana", "marketer", sites=("market", "station"))
    people.invite("grill", "bob", ["viewer"], sites=["market"], by=by)
    for refused in ([], ["harbour"], ["market", "harbour"], ["two\nlines"], ["s" * 65], [" "]):
        with pytest.raises(SitesRefused):
            people.invite("grill", "carl", ["viewer"], sites=refused, by=by)
    with pytest.raises(SitesRefused):
        people.change("grill", by.user, ["marketer"], by=by)  # to all sites


def test_only_people_with_no_more_rights_and_sites_are_changed(people: People) -> None:
    marketer = joined(people, "ana", "marketer")
    of_market = joined(people, "bob", "marketer", sites=("market",))
    operator = joined(people, "olga", "operator")
    elsewhere = joined(people, "carl", "viewer", sites=("station",))
    for by, whom in ((marketer, operator), (operator, marketer), (of_market, marketer), (of_market, elsewhere)):
        for attempt in (
            lambda by=by, whom=whom: people.remove("grill", whom.user, by=by),
            lambda by=by, whom=whom: people.change("grill", whom.user, ["viewer"], sites=tuple(by.sites), by=by),
            lambda by=by, whom=whom: people.link("grill", whom.user, by=by),
        ):
            with pytest.raises(UserNotYours):
                attempt()
    with pytest.raises(NoSuchUser):
        people.remove("taxi", marketer.user, by=replace(operator, tenant="taxi"))
    people.remove("grill", elsewhere.user, by=marketer)
    assert people.named("grill", "bob")


def test_who_is_removed_is_out_at_once_and_their_name_is_free(people: People, clock: Clock) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"], display="Ana of the Grill"), PASSWORD)
    ana = people.caller(secret)
    assert ana is not None
    people.remove("grill", ana.user)

    assert people.caller(secret) is None
    assert people.why_ended(secret) == "removed"
    assert people.users("grill") == []
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD)
    for again in (people.remove, people.link, people.reset):
        with pytest.raises(NoSuchUser):
            again("grill", ana.user)
    assert people.invite("grill", "ana", ["viewer"])


def test_of_somebody_removed_the_name_goes_after_a_month(people: People, clock: Clock, state: State) -> None:
    ana = joined(people, "ana-example", "viewer")
    people.remove("grill", ana.user)

    assert people.user("grill", ana.user).display == "ana-example"
    clock.now += NAME_KEPT_US + DAY
    people.sweep(now=True)
    database = state.database("access", access_migrations, migrations)
    rows = [tuple(row) for row in database.rows("SELECT * FROM users")]
    database.close()

    assert people.user("grill", ana.user).display == ""
    assert "ana-example" not in repr(rows)
    assert ana.user in repr(rows)


def test_the_last_operator_stays_until_there_is_another(people: People) -> None:
    olga, ana = joined(people, "olga", "operator"), joined(people, "ana", "marketer", "operator")
    people.remove("grill", olga.user, by=ana)
    people.invite("grill", "oskar", ["operator"], by=ana)  # has not signed in: cannot operate
    joined(people, "oleg", "operator", sites=("market",))  # cannot operate all of it
    for attempt in (
        lambda: people.remove("grill", ana.user, by=ana),
        lambda: people.change("grill", ana.user, ["marketer"], by=ana),
        lambda: people.change("grill", ana.user, ["operator"], sites=["market"], by=ana),
    ):
        with pytest.raises(LastOperator):
            attempt()
    people.accept(people.reset("grill", people.named("grill", "oskar").user_id), PASSWORD)
    people.remove("grill", ana.user, by=ana)
    people.remove("grill", people.named("grill", "oskar").user_id)  # the command line may


def test_changed_rights_end_the_sessions_and_the_same_ones_do_not(people: People) -> None:
    secret = people.accept(people.invite("grill", "ana", ["marketer"]), PASSWORD)
    ana = people.caller(secret)
    assert ana is not None
    people.change("grill", ana.user, ["marketer"], display="Ana")
    assert people.caller(secret)
    people.change("grill", ana.user, ["viewer"], sites=["market"])
    later = people.caller(people.sign_in("ana", PASSWORD))

    assert people.caller(secret) is None
    assert people.why_ended(secret) == "rights"
    assert later
    assert later.sites == {"market"}
    assert "train" not in later.scopes


def test_another_link_ends_the_one_before_and_is_for_who_has_not_signed_in(people: People) -> None:
    first = people.invite("grill", "ana", ["viewer"])
    user = people.named("grill", "ana")
    second = people.link("grill", user.user_id)
    with pytest.raises(InvitationRefused):
        people.accept(first, PASSWORD)
    people.accept(second, PASSWORD)
    with pytest.raises(UserNotInvited):
        people.link("grill", user.user_id)


def test_a_reset_signs_out_and_the_earlier_password_is_good_until_the_link_is_used(people: People) -> None:
    secret = people.accept(people.invite("grill", "ana", ["viewer"]), PASSWORD)
    link = people.reset("grill", people.named("grill", "ana").user_id)

    assert people.caller(secret) is None
    assert people.sign_in("ana", PASSWORD)
    people.accept(link, "four words that differ")
    with pytest.raises(SignInRefused):
        people.sign_in("ana", PASSWORD)
    with pytest.raises(InvitationRefused):
        people.accept(link, PASSWORD)


def test_the_sites_of_devices_and_people_are_known(people: People, state: State) -> None:
    database = state.database("access", access_migrations, migrations)
    database.change("INSERT INTO devices VALUES ('grill', 'kiosk', 'market', 'kiosk', 1)")
    database.close()
    people.invite("grill", "ana", ["viewer"], sites=["station"])

    assert people.sites("grill") == ["market", "station"]
    assert people.sites("taxi") == []
