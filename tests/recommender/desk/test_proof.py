"""What the desk says about offers: answers are sentences, figures come from the log, a wrong field is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from plumbing.clock import DAY, HOUR
from recommender.cli.commands import train
from recommender.cli.offers import evaluate_offers
from recommender.offers.answers import earnings
from recommender.offers.learning.confidence import adjusted, compare
from recommender.offers.learning.log import read_closed
from recommender.offers.settings import OfferSettings
from recommender.scene import Report
from tests.recommender.offers.world import SALT, cafe, row
from tests.recommender.service_fixtures import NOON, OFFER, World

HOUSE = OfferSettings(SALT, holdout_share=0.2)


def earnings_of(
    rows: list[dict[str, Any]], settings: OfferSettings = HOUSE, report: dict[str, Any] | None = None
) -> dict[str, Any]:
    published = Report.from_dict(report) if report is not None else None
    return earnings(read_closed(rows, settings), settings, published)


def good_only(n: int, gain: int = 300) -> list[dict[str, Any]]:
    """Visits with only the offer that earns `gain` more (minor units); one customer in five is left alone."""
    return [one for one in cafe(n, gain=gain) if one["arm"] != "poor"]


# --- sentences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["No offer has been decided about yet"]),
        ([row(1, "good", 0, open=1)], ["the one visit with a decision"]),
        (good_only(60), ["No verdict yet", "who never see offers are needed", "Each group needs 50"]),
        (good_only(1_200), ["more revenue per visit than showing none", "that is certain (between +€"]),
        (good_only(1_200, gain=12), ["No verdict yet (between −€", "more visits"]),
    ],
)
def test_the_answer_says_how_much_and_how_sure(rows: list[dict[str, Any]], words: list[str]) -> None:
    """No data, too little data, a certain result, or how many more visits are needed."""
    answer = earnings_of(rows)["answer"]
    assert all(word in answer for word in words), answer
    assert answer.endswith(".")


def test_a_holdout_of_the_wrong_size_is_an_alarm() -> None:
    """One customer in five was left alone instead of one in twenty: the other figures cannot be trusted."""
    fair, broken = (
        earnings_of(good_only(1_200))["ratio"],
        earnings_of(good_only(1_200), replace(HOUSE, holdout_share=0.05))["ratio"],
    )
    assert not fair["broken"]
    assert broken["broken"]
    assert "not chance" in broken["answer"]


def test_before_the_first_training_the_page_says_what_is_missing() -> None:
    """Without a version there is no policy to judge; the page says how many decisions are missing."""
    found = earnings_of(good_only(600))
    assert "first training" in found["best_single"]["answer"]
    assert "first training" in found["what_if"]["answer"]
    assert f"{2_000 - found['decisions']:,} more finished visits" in found["whom"]["answer"]


def test_history_ends_with_the_verdict() -> None:
    """The last point of the plot is the figure in the sentence."""
    found = earnings_of(good_only(1_200))
    last = found["history"][-1]
    assert (last["difference"], last["low"], last["high"]) == (found["difference"], found["low"], found["high"])
    assert [one["until_us"] for one in found["history"]] == sorted(one["until_us"] for one in found["history"])


# --- what was known before -------------------------------------------------------------------------------


def spenders(rng: np.random.Generator, n: int = 800, gain: float = 0.0) -> tuple[np.ndarray, ...]:
    """Customers who differ a lot; most of the difference is in what they spent before. Ten visits each."""
    before = rng.gamma(2.0, 500.0, (n, 1))
    treated = rng.random(n) < 0.8
    visits = np.full(n, 10.0)
    reward = 10 * (before[:, 0] + gain * treated + rng.normal(0, 100, n))
    return reward, visits, treated, before


def test_what_was_spent_before_narrows_the_interval_and_moves_nothing() -> None:
    """A gain of 80 that plain averages do not detect is certain after the adjustment for past spending."""
    reward, visits, treated, before = spenders(np.random.default_rng(3), gain=80.0)
    plain = compare(reward, visits, treated, scale=50)
    better = compare(reward, visits, treated, scale=50, before=before)

    assert not plain.decided
    assert better.decided
    assert better.low < 80 < better.high
    assert better.high - better.low < (plain.high - plain.low) / 3


def test_allowing_for_the_past_raises_no_false_alarms() -> None:
    """100 looks at 100 experiments in which nothing happens: at most 5 % ever claim a difference."""
    alarms = 0
    for run in range(100):
        rng = np.random.default_rng(run)
        before = rng.gamma(2.0, 500.0, (400, 2))
        treated = rng.random(400) < 0.5
        total, visits = np.zeros(400), np.zeros(400)
        claimed = False
        for _ in range(100):
            who = rng.integers(0, 400, 40)
            np.add.at(total, who, before[who, 0] + rng.normal(0, 300, 40))
            np.add.at(visits, who, 1)
            seen = visits > 0
            claimed |= compare(total[seen], visits[seen], treated[seen], scale=50, before=before[seen]).decided
        alarms += claimed
    assert alarms <= 5


def test_few_customers_are_left_as_they_are() -> None:
    """With twelve customers two slopes would fit noise, so nothing is adjusted."""
    reward, visits, _, before = spenders(np.random.default_rng(0), n=12)
    assert adjusted(reward, visits, np.column_stack([before, before**2])) is reward


# --- routes ----------------------------------------------------------------------------------------------


def test_the_proof_is_for_the_desk_alone(world: World) -> None:
    """A key that may train may read it; a kiosk's may not; another tenant gets its own, empty page."""
    assert world.call("GET", "/desk/offers").status_code == 403
    assert world.call("GET", "/desk/portfolio").status_code == 403
    other = world.call("GET", "/desk/portfolio", key="stranger").json
    assert other["rows"] == []
    assert "no offer yet" in other["answer"]
    assert world.call("GET", "/desk/offers", key="desk").json["answer"].startswith("No offer has been decided")


def test_looking_at_the_page_draws_no_salt(world: World) -> None:
    """Only the first decision draws the salt of the holdout, never a reader of the page."""
    world.call("GET", "/desk/offers", key="desk")
    assert world.count("offer_settings") == 0


def test_the_portfolio_says_what_was_used_up(world: World) -> None:
    """Counts and money: shown, reserved, redeemed."""
    world.call("PUT", "/offers/lunch", key="desk", json=OFFER | {"redemption_cost": 120, "budget_count": 5})
    shown = world.suggest("offers").json
    found = world.call("GET", "/desk/portfolio", key="desk").json
    assert shown["items"][0]["item_id"] == "lunch"
    assert found["rows"][0] | {"shown": 1, "reserved_count": 1, "reserved_money": 120} == found["rows"][0]
    assert {item["item_id"] for item in found["items"]} >= {"burger", "cola"}


def test_a_wrong_type_hides_no_other_wrong_field(world: World) -> None:
    """An hour that is a word, a budget below zero, an unknown dish: all are named, nothing is stored."""
    wrong = {"from_hour": "noon", "budget_money": -3, "items": ["pizza"], "cap_count": 0, "name": None}
    reply = world.call("PUT", "/offers/lunch", key="desk", json=OFFER | wrong)
    assert reply.status_code == 422
    assert {one["field"] for one in reply.json["fields"]} == set(wrong)
    assert world.call("GET", "/offers/lunch").json["name"] == OFFER["name"]


def test_changed_settings_apply_to_the_next_decision(world: World) -> None:
    """Settings apply from the next decision on; the salt is neither shown nor accepted."""
    before = world.call("GET", "/desk/settings", key="desk").json
    assert "salt" not in before
    reply = world.call(
        "PUT", "/desk/settings", key="desk", json={"holdout_share": 0.5, "share": 0.2, "nag_count": 1}
    )
    assert reply.status_code == 200, reply.json
    assert reply.json["fixed"] == []
    shown = sum(bool(world.suggest("offers", world.token(f"p{k}")).json["items"]) for k in range(120))
    assert 2 <= shown <= 30  # of 60 who are not left alone, a fifth
    again = world.call("GET", "/desk/settings", key="desk").json
    assert (again["holdout_share"], again["share"], again["exploration"]) == (0.5, 0.2, before["exploration"])


def test_every_wrong_setting_is_named_and_nothing_changes(world: World) -> None:
    """Out of range, wrong type, unknown, missing: all in one reply."""
    wrong = {
        "share": 2,
        "exploration": 0,
        "nag_days": 1.5,
        "margin_share": "all",
        "salt": "x" * 20,
        "window_hours": "3",
    }
    before = world.call("GET", "/desk/settings", key="desk").json
    reply = world.call("PUT", "/desk/settings", key="desk", json=wrong | {"nag_count": 3})
    assert (reply.status_code, reply.json["code"]) == (422, "invalid_settings")
    assert {one["field"] for one in reply.json["fields"]} == set(wrong)
    assert world.call("GET", "/desk/settings", key="desk").json == before


def test_the_holdout_stays_once_somebody_was_decided_about(world: World) -> None:
    """Another share would move customers between the groups; the rest may change, and sending it back is fine."""
    world.suggest("offers", world.token())
    now = world.call("GET", "/desk/settings", key="desk").json
    assert "holdout_share" in now["fixed"]
    moved = world.call("PUT", "/desk/settings", key="desk", json=now | {"holdout_share": 0.3, "share": 0.5})
    assert [one["field"] for one in moved.json["fields"]] == ["holdout_share"]
    assert world.call("PUT", "/desk/settings", key="desk", json=now | {"share": 0.5}).status_code == 200
    assert world.call("PUT", "/desk/settings", key="kiosk", json={}).status_code == 403


def teach(world: World, visits: int = 240) -> None:
    """Two offers at a counter: after `good` people spend 9.00 more."""
    for name in ("good", "poor"):
        world.call("PUT", f"/offers/{name}", key="desk", json={"offer_id": name, "name": name})
    world.call("DELETE", "/offers/lunch", key="desk")
    for visit in range(visits):
        token = world.token(f"p{visit}")
        arm = next((one["item_id"] for one in world.suggest("offers", token).json["items"]), "none")
        count = {"good": 6, "poor": 1}.get(arm, 2)
        at = "2026-11-23T12:00:01Z"
        items = [{"item_id": "cola", "quantity": count}]
        world.order("cola", token=token, event_id=f"e{visit}", occurred_at=at, items=items)
    world.time_us = NOON + 10 * DAY


def test_what_was_learned_decides_from_the_next_request_on(world: World) -> None:
    """Train by the route as the page does: the better offer leads, the log names the version, going back works."""
    teach(world)
    before = world.suggest("offers", world.token("new-1")).json["model_version"]
    assert world.call("POST", "/models/offers/train", key="desk").status_code == 202
    world.run_trainings()
    page = world.call("GET", "/desk/offers", key="desk").json
    assert page["runs"][0]["state"] == "published", page["runs"]
    assert page["version"].startswith("0001-")

    arms = [world.suggest("offers", world.token(f"new-{k}")).json for k in range(40)]
    shown = [reply["items"][0]["item_id"] for reply in arms if reply["items"]]
    assert shown.count("good") > 0.8 * len(shown)
    assert before == "none-yet"
    assert all(reply["model_version"].startswith("offers-") for reply in arms)
    assert page["what_if"]["rows"][0]["dr"]["value"] > page["what_if"]["rows"][-1]["dr"]["value"]
    assert "earned" in page["answer"] or "No verdict yet" in page["answer"]


def test_training_again_changes_nothing_and_going_back_is_possible(world: World) -> None:
    """The same log gives no second version; an earlier one can be made current again."""
    teach(world)
    for _ in range(2):
        world.call("POST", "/models/offers/train", key="desk")
        world.run_trainings()
    runs = world.call("GET", "/desk/offers", key="desk").json["runs"]
    assert sorted(run["state"] for run in runs) == ["published", "unchanged"]
    teach(world, 60)
    world.time_us += 30 * DAY
    world.call("POST", "/models/offers/train", key="desk")
    world.run_trainings()
    first, second = sorted(
        one["version"] for one in world.call("GET", "/desk/offers", key="desk").json["versions"]
    )
    assert world.call("POST", "/models/offers/rollback", key="desk", json={}).json["version"] == first
    assert second != first


def test_the_command_trains_and_judges_the_same_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`usual train offers` publishes; `usual evaluate offers --home` prints what the page shows."""
    teach(world)
    for module in ("recommender.cli.commands", "plumbing.clock"):
        monkeypatch.setattr(f"{module}.system_clock", world.now_us)
    home = ["--home", str(world.home), "--tenant", "grill"]
    done = CliRunner().invoke(train, ["offers", *home])
    assert done.exit_code == 0, done.output
    assert "the best single offer" in done.output
    evaluated = CliRunner().invoke(evaluate_offers, home)
    assert evaluated.exit_code == 0, evaluated.output
    page = world.call("GET", "/desk/offers", key="desk").json
    for answer in (page["answer"], page["best_single"]["answer"], page["ratio"]["answer"], "effective visits"):
        assert answer in evaluated.output


def test_a_new_offer_is_tried_by_a_policy_that_never_saw_it(world: World) -> None:
    """An offer created after the training is explored before the next training."""
    teach(world)
    world.call("POST", "/models/offers/train", key="desk")
    world.run_trainings()
    world.call("PUT", "/offers/fresh", key="desk", json={"offer_id": "fresh", "name": "Fresh"})
    arms = [world.suggest("offers", world.token(f"n{k}")).json["items"] for k in range(60)]
    assert any(items and items[0]["item_id"] == "fresh" for items in arms)


def test_a_log_that_lacks_a_propensity_trains_and_proves_nothing(world: World) -> None:
    """The row is named; the training is refused, the page says so, the current version stays."""
    teach(world, 20)
    with world.half.service.database.write() as connection:
        connection.execute(
            "UPDATE offer_decisions SET propensities = '{}' WHERE decision_id ="
            " (SELECT MIN(decision_id) FROM offer_decisions WHERE cell <> 'guest')"
        )
    world.call("POST", "/models/offers/train", key="desk")
    world.run_trainings()
    reply = world.call("GET", "/desk/offers", key="desk")
    assert (reply.status_code, reply.json["code"]) == (422, "unusable_log")
    run = world.half.trainer.models.runs("grill", "offers")[0]
    assert run.state == "refused"
    assert "Rows:" in run.why
    assert world.half.trainer.shelf("grill", "offers").names() == []


def test_too_little_to_learn_from_says_when(world: World) -> None:
    """All windows are open: the training is refused and its reason names the hours."""
    world.suggest("offers", world.token())
    world.call("POST", "/models/offers/train", key="desk")
    world.run_trainings()
    assert "hours after its decision" in world.half.trainer.models.runs("grill", "offers")[0].why


def test_a_clock_set_back_neither_trains_on_the_future_nor_breaks(world: World) -> None:
    """The log holds decisions of tomorrow: their windows are open, and the page still answers."""
    teach(world, 30)
    world.time_us = NOON - 2 * HOUR
    page = world.call("GET", "/desk/offers", key="desk").json
    assert page["decisions"] == 0
    assert page["open_windows"] > 0


def test_the_report_of_a_version_is_plain_json(world: World) -> None:
    """Whatever the page shows of a version lies in its manifest, without a NaN."""
    teach(world, 60)
    world.call("POST", "/models/offers/train", key="desk")
    world.run_trainings()
    shelf = world.half.trainer.shelf("grill", "offers")
    manifest = shelf.manifest(shelf.current() or "")
    assert manifest is not None
    json.dumps(manifest, allow_nan=False)
    assert manifest["report"]["cut"]["lines"] == world.call("GET", "/desk/offers", key="desk").json["decisions"]
