"""Four eyes: a change waits for a second person, and is carried out as the first one asked for it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumbing.access.approvals import PROPOSAL_US
from plumbing.clock import MINUTE
from plumbing.people.people import People
from recommender.experiments.plan import Variant
from recommender.scene import DataCut, Report, Trained
from recommender.store.versions import VersionStore
from tests.desk.world import Desk, Person, open_desk
from tests.recommender.experiments.worlds import experiment

SHARING = "/recommender/v1/desk/sharing"
SETTINGS = "/recommender/v1/desk/settings"
CHOICE = "/desk/v1/four-eyes"
ROLLBACK = "/recommender/v1/models/orders/rollback"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


@pytest.fixture
def desk(house: Desk) -> Desk:
    """Each test has a tenant of its own."""
    return replace(house, tenant=f"grill-{secrets.token_hex(4)}")


@pytest.fixture
def ana(desk: Desk) -> Person:
    return desk.person("ana")


@pytest.fixture
def bob(desk: Desk, ana: Person) -> Person:
    """A second marketer; with two of them settings, roll-backs and exports wait."""
    bob = desk.person("bob")
    reply = ana.send("PUT", CHOICE, {"kinds": ["rollback", "settings", "export"]})
    assert reply.status_code == 200, reply.text
    return bob


def least(person: Person) -> int:
    number: int = person.send("GET", SHARING).get_json()["least_people"]
    return number


def proposal(person: Person) -> dict[str, Any]:
    """The proposal that waits, or the latest."""
    found: dict[str, Any] = person.send("GET", "/desk/v1/proposals").get_json()["rows"][0]
    return found


def decide(person: Person, what: str, proposal_id: str = "") -> Any:
    return person.send("POST", f"/desk/v1/proposals/{proposal_id or proposal(person)['proposal_id']}/{what}")


def test_off_by_default_nothing_waits(ana: Person) -> None:
    assert ana.send("PUT", SHARING, {"least_people": 20}).status_code == 200
    assert least(ana) == 20


def test_a_change_waits_and_is_carried_out_with_both_names_on_record(ana: Person, bob: Person) -> None:
    reply = ana.send("PUT", SHARING, {"least_people": 20})
    assert reply.status_code == 202
    assert reply.get_json()["waits_for_approval"] is True
    assert least(ana) == 10

    waits = proposal(bob)
    assert (waits["who_name"], waits["state"], waits["may_approve"], waits["yours"]) == (
        "Ana",
        "waiting",
        True,
        False,
    )
    assert waits["differences"] == [{"field": "least_people", "earlier": "10", "later": "20"}]
    assert proposal(ana)["yours"]

    done = decide(bob, "approve").get_json()
    assert (done["state"], done["decided_by_name"]) == ("done", "Bob")
    assert least(ana) == 20
    row = next(one for one in bob.record() if one["second"])
    assert (row["who_name"], row["second_name"], row["state"]) == ("Ana", "Bob", "done")
    assert row["differences"] == [{"field": "least_people", "earlier": "10", "later": "20"}]


def test_nobody_approves_their_own_change(ana: Person, bob: Person) -> None:
    ana.send("PUT", SHARING, {"least_people": 20})
    reply = decide(ana, "approve")

    assert (reply.status_code, reply.get_json()["code"]) == (403, "own_proposal")
    assert least(ana) == 10
    assert decide(ana, "refuse").get_json()["state"] == "refused"  # taking it back


def test_a_change_whose_route_is_gone_hides_no_other_and_nobody_approves_it(
    desk: Desk, ana: Person, bob: Person
) -> None:
    """After an update that has no such route any more."""
    asked = ("PUT", "/recommender/v1/desk/of-an-earlier-release", "", "{}")
    said: dict[str, Any] = {"subject": "settings", "earlier": None, "later": None}
    old = desk.shared.access.approvals.propose(desk.tenant, "settings", f"user:{ana.user_id}", asked, **said)

    assert (proposal(bob)["proposal_id"], proposal(bob)["may_approve"]) == (old.proposal_id, False)
    assert decide(bob, "approve", old.proposal_id).get_json()["code"] == "no_such_proposal"
    assert decide(ana, "refuse", old.proposal_id).get_json()["state"] == "refused"


def test_who_lacks_the_right_of_the_route_cannot_approve(desk: Desk, ana: Person, bob: Person) -> None:
    carl = desk.person("carl", ["viewer"])
    ana.send("PUT", SHARING, {"least_people": 20})

    assert proposal(carl)["differences"] == []
    assert decide(carl, "approve").get_json()["code"] == "scope_missing"
    assert decide(carl, "refuse").get_json()["code"] == "scope_missing"
    assert least(ana) == 10


def test_a_key_gets_round_nothing(desk: Desk, ana: Person, bob: Person) -> None:
    key = desk.shared.access.create_key(desk.tenant, ["train", "suggest"])
    client = desk.app.test_client()
    reply = client.put(SHARING, json={"least_people": 20}, headers={"X-API-Key": key})
    ana.send("PUT", SHARING, {"least_people": 21})
    approve = f"/desk/v1/proposals/{proposal(bob)['proposal_id']}/approve"

    assert reply.get_json()["code"] == "two_people_needed"
    assert client.post(approve, headers={"X-API-Key": key}).get_json()["code"] == "two_people_needed"
    assert least(ana) == 10


def test_a_refused_change_is_not_made(ana: Person, bob: Person) -> None:
    ana.send("PUT", SHARING, {"least_people": 20})

    assert decide(bob, "refuse").get_json()["state"] == "refused"
    assert least(ana) == 10
    assert decide(bob, "approve").get_json()["code"] == "no_such_proposal"


def test_it_is_refused_when_the_document_changed_meanwhile(ana: Person, bob: Person) -> None:
    ana.send("PUT", SHARING, {"least_people": 20})
    first = proposal(bob)["proposal_id"]
    bob.send("PUT", SHARING, {"least_people": 30})
    second = next(one for one in bob.send("GET", "/desk/v1/proposals").get_json()["rows"] if one["yours"])
    assert decide(ana, "approve", second["proposal_id"]).get_json()["state"] == "done"

    assert decide(bob, "approve", first).get_json()["state"] == "outdated"
    assert least(ana) == 30


def test_it_ends_after_a_week(desk: Desk, ana: Person, bob: Person) -> None:
    ana.send("PUT", SHARING, {"least_people": 20})
    approvals = desk.shared.access.approvals
    (waits,) = approvals.proposals(desk.tenant)
    desk.clock.ahead_us += PROPOSAL_US + MINUTE

    (ended,) = approvals.proposals(desk.tenant)
    assert (waits.state, ended.state, ended.body) == ("waiting", "expired", "")


def test_turning_it_off_needs_four_eyes(ana: Person, bob: Person) -> None:
    assert ana.send("PUT", CHOICE, {"kinds": []}).status_code == 202
    assert len(ana.send("GET", CHOICE).get_json()["kinds"]) == 3
    assert decide(bob, "approve").get_json()["state"] == "done"
    assert ana.send("GET", CHOICE).get_json()["kinds"] == []
    assert ana.send("PUT", SHARING, {"least_people": 20}).status_code == 200


def test_one_person_alone_cannot_lock_themselves_out(ana: Person) -> None:
    reply = ana.send("PUT", CHOICE, {"kinds": ["settings"]})

    assert (reply.status_code, reply.get_json()["code"]) == (409, "nobody_to_approve")


def test_a_wrong_change_is_refused_at_once(ana: Person, bob: Person) -> None:
    assert ana.send("PUT", SETTINGS, {"nag_days": -1}).status_code >= 400
    assert ana.send("GET", "/desk/v1/proposals").get_json()["rows"] == []


def test_a_roll_back_waits(desk: Desk, ana: Person, bob: Person) -> None:
    shelf: VersionStore = desk.app.extensions["usual"]["recommender"].trainer.shelf(desk.tenant, "orders")
    report = Report("counting", "it counts", "ndcg@10", 1.0, 0.1, (0.0, 0.2), (), 1, 1)
    cut = DataCut(lines=10, customers=2, until_us=5, sha256="0" * 64)
    first, second = (
        shelf.publish(Trained({"a": np.arange(n)}, {}, report), seed=0, cut=cut, parent=None) for n in (2, 3)
    )
    reply = ana.send("POST", ROLLBACK, {})

    assert reply.status_code == 202
    assert shelf.current() == second
    waits = proposal(bob)
    assert waits["what"] == "the version in use (orders)"
    assert {"field": "version", "earlier": second, "later": first} in waits["differences"]
    assert decide(bob, "approve").get_json()["state"] == "done"
    assert shelf.current() == first


def test_a_roll_back_to_what_is_not_there_is_refused_at_once(ana: Person, bob: Person) -> None:
    """Nothing was trained here: nobody has to look at it."""
    reply = ana.send("POST", ROLLBACK, {})

    assert (reply.status_code, reply.get_json()["code"]) == (404, "version_not_found")
    assert ana.send("GET", "/desk/v1/proposals").get_json()["rows"] == []


def test_an_export_waits_and_is_good_once(ana: Person, bob: Person) -> None:
    address = "/desk/v1/changes.csv?kind=change"
    assert ana.send("GET", address).status_code == 202
    assert decide(bob, "approve").get_json()["state"] == "approved"

    assert bob.send("GET", address).status_code == 202  # Bob's own needs Ana
    assert ana.send("GET", address).mimetype == "text/csv"
    assert ana.send("GET", address).status_code == 202


def test_a_first_person_who_lost_the_right_changes_nothing(desk: Desk, ana: Person, bob: Person) -> None:
    ana.send("PUT", SHARING, {"least_people": 20})
    people: People = desk.shared.people
    desk.shared.databases[0].change("UPDATE users SET roles = 'viewer' WHERE user_id = ?", (ana.user_id,))
    assert people.user(desk.tenant, ana.user_id).roles == ("viewer",)

    assert decide(bob, "approve").get_json()["state"] == "failed"
    assert least(bob) == 10


def test_the_same_change_sent_twice_waits_once(ana: Person, bob: Person) -> None:
    first = ana.send("PUT", SHARING, {"least_people": 20}).get_json()["proposal_id"]

    assert ana.send("PUT", SHARING, {"least_people": 20}).get_json()["proposal_id"] == first


def test_two_who_approve_at_once_carry_it_out_once(desk: Desk, ana: Person, bob: Person) -> None:
    carl = desk.person("carl")
    ana.send("PUT", SHARING, {"least_people": 20})
    waits = proposal(bob)["proposal_id"]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda one=one: codes.append(decide(one, "approve", waits).status_code))
        for one in (bob, carl)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == [200, 404]
    assert len([row for row in bob.record() if row["second"]]) == 1


@pytest.mark.parametrize(("kind", "status"), [("model", 409), ("offers", 409), ("rules", 200), ("", 200)])
def test_an_experiment_is_no_way_round_a_second_person(
    desk: Desk, ana: Person, bob: Person, kind: str, status: int
) -> None:
    half = desk.app.extensions["usual"]["recommender"]
    other = Variant("B", "", 0.5, kind or "as_it_is", document="1", rules={"rules": []})
    store = half.service.stores.experiments
    store.save_draft(desk.tenant, experiment(variants=(Variant("A", "", 0.5), other)), half.now_us())
    store.start(desk.tenant, "exp-1", half.now_us())
    reply = ana.send("POST", "/recommender/v1/desk/experiments/exp-1/decide", {"winner": "B"})

    assert reply.status_code == status, reply.text
    assert status == 200 or reply.get_json()["code"] == "second_person_needed"
