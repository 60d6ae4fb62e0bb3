"""Experiments at the desk and in the terminal: write, start, read, stop, decide; every step on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plumbing.words import LANGUAGES
from recommender.cli.experiments import experiments as commands
from recommender.desk.experiments import JOINED, Reader, detail
from recommender.experiments.readout import read_out
from recommender.store.tenant_settings import TenantSettings
from tests.recommender.experiments import worlds
from tests.recommender.service_fixtures import Installation, World

OFFERS: dict[str, Any] = {
    "name": "Without the lunch offer",
    "question": "Does it earn anything?",
    "scene": "offers",
    "metric": "value",
    "minimum_effect": 30,
    "variants": [
        {"label": "as now", "share": 0.5, "kind": "as_it_is"},
        {"label": "without", "share": 0.5, "kind": "offers", "settings": {"exploration": 0.1}, "off": ["lunch"]},
    ],
}
PATH = "/desk/experiments"


def desk(world: World, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
    own = {"X-API-Key": world.keys["desk"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return world.client.open(f"/recommender/v1{PATH}{path}", method=method, headers=own, json=body)


def test_write_start_read_stop_and_make_it_the_rule(world: World) -> None:
    made = desk(world, "POST", body=OFFERS)
    assert made.status_code == 201, made.json
    path = f"/{made.json['experiment_id']}"
    assert desk(world, "GET").json["answer"].startswith("No experiment is running")
    changed = desk(world, "PUT", path, OFFERS | {"name": "Lunch"}, If_Match=made.headers["ETag"])
    assert changed.json["name"] == "Lunch"
    assert desk(world, "PUT", path, OFFERS, If_Match=made.headers["ETag"]).status_code == 412

    started = desk(world, "POST", path + "/start", {})
    assert (started.status_code, started.json["state"]) == (200, "running")
    for k in range(30):
        world.suggest("offers", token=world.token(f"person {k}", token_id=f"t{k}"))
    shown = desk(world, "GET", path).json
    assert sum(row["customers"] or 0 for row in shown["variants"]) >= 20
    assert shown["variants"][1]["what"] == "other settings of offers, without Lunch for two"
    assert desk(world, "GET").json["answer"].startswith("“Lunch”: No verdict yet: variant ")
    assert [row["name"] for row in desk(world, "GET").json["experiments"]] == ["Lunch"]

    decided = desk(world, "POST", path + "/decide", {"winner": "B"})
    assert (decided.status_code, decided.json["state"]) == (200, "decided")
    assert decided.json["sentence"].startswith("Variant B was made the rule. ")
    store = world.half.service.stores.offers
    assert store.offer("grill", "lunch").status == "paused"
    assert store.settings_as_read("grill").exploration == 0.1
    assert desk(world, "POST", path + "/decide", {"winner": "B"}).json["code"] == "experiment_state"
    changes = world.access.record.latest("grill")
    done = {one.route.rsplit("experiments", 1)[-1]: one for one in changes if one.state == "done"}
    assert {"", "/<experiment_id>", "/<experiment_id>/start", "/<experiment_id>/decide"} <= set(done)
    later = {"state": "decided", "winner": "B", "settings": {"exploration": 0.1}, "paused": ["lunch"]}
    assert done["/<experiment_id>/decide"].later == later
    assert done["/<experiment_id>/start"].subject == f"experiment {path[1:]}"


def test_end_without_a_change(world: World) -> None:
    path = f"/{desk(world, 'POST', body=OFFERS).json['experiment_id']}"
    desk(world, "POST", path + "/start", {})
    assert desk(world, "POST", path + "/stop", {}).json["state"] == "stopped"
    ended = desk(world, "POST", path + "/decide", {"winner": ""}).json
    assert ended["sentence"].startswith("It ended without a change.")
    assert world.half.service.stores.offers.offer("grill", "lunch").status == "active"


def test_a_version_becomes_the_rule(installation: Installation, tmp_path: Path) -> None:
    world = installation.open(tmp_path / "state")
    shelf = world.half.trainer.shelf("grill", "orders")
    for item in ("cola", "burger"):
        for number in range(12):
            for time in range(2):
                world.order(item, token=world.token(f"p{number}"), event_id=f"{item}{number}{time}")
        runs = world.half.trainer.models
        world.half.trainer.run("grill", "orders", runs.begin("grill", "orders", world.time_us), seed=0)
    old, new = shelf.names()
    variants = [{"share": 0.5, "kind": "as_it_is"}, {"share": 0.5, "kind": "model", "version": old}]
    form = OFFERS | {"scene": "orders", "metric": "first", "minimum_effect": 0.05, "variants": variants}
    path = f"/{desk(world, 'POST', body=form).json['experiment_id']}"
    desk(world, "POST", path + "/start", {})
    assert shelf.current() == new
    desk(world, "POST", path + "/decide", {"winner": "B"})
    assert shelf.current() == old
    choices = world.call("GET", "/desk/experiment-choices", key="desk").json
    assert choices["versions"]["orders"][1] == {"version": old, "live": True}
    world.close()


def test_what_cannot_be_started(world: World) -> None:
    """A version or an offer that is not there; a second experiment of the same customers; a started one again."""
    gone = OFFERS | {"variants": [OFFERS["variants"][0], OFFERS["variants"][1] | {"off": ["dinner"]}]}
    path = f"/{desk(world, 'POST', body=gone).json['experiment_id']}"
    refused = desk(world, "POST", path + "/start", {})
    assert (refused.status_code, refused.json["code"]) == (409, "variant_missing")
    assert "no running offer dinner" in refused.json["detail"]
    assert desk(world, "DELETE", path).status_code == 204
    assert desk(world, "GET", path).json["code"] == "unknown_experiment"

    one, other = (f"/{desk(world, 'POST', body=OFFERS).json['experiment_id']}" for _ in range(2))
    assert desk(world, "POST", one + "/start", {}).status_code == 200
    assert desk(world, "POST", one + "/start", {}).json["code"] == "experiment_state"
    assert desk(world, "PUT", one, OFFERS).json["code"] == "experiment_state"
    assert desk(world, "DELETE", one).json["code"] == "experiment_state"
    overlap = desk(world, "POST", other + "/start", {})
    assert (overlap.status_code, overlap.json["code"]) == (409, "experiments_overlap")
    assert overlap.json["others"] == ["Without the lunch offer"]


@pytest.mark.parametrize(("language", "said"), [("en", "two to 5"), ("de", "zwei bis 5"), ("ja", "5つまで")])
def test_wrong_fields_are_named_in_the_readers_language(still: World, language: str, said: str) -> None:
    refused = desk(still, "POST", body=OFFERS | {"variants": []}, Accept_Language=language)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_experiment")
    assert said.lower() in refused.json["fields"][0]["message"].lower()
    assert desk(still, "POST", body=[1]).status_code in (400, 422)
    assert still.count("experiments") == 0


def test_who_may_do_what(still: World) -> None:
    """A kiosk sees nothing; another tenant sees nothing of this one."""
    assert still.call("GET", PATH, key="kiosk").status_code == 403
    assert still.call("GET", PATH, key="stranger").json["experiments"] == []


def test_how_long_it_takes_is_a_sentence(world: World) -> None:
    ask = "/desk/experiment-estimate?scene=orders&metric=value&minimum_effect=50"
    assert "nobody can say" in world.call("GET", ask, key="desk").json["sentence"]
    world.crowd("burger", "cola", n=30)
    world.crowd("cola", n=20)
    reply = world.call("GET", ask, key="desk").json
    assert reply["sentence"].startswith("With your traffic this takes about ")
    assert reply["days"] > 1
    first = world.call(
        "GET", "/desk/experiment-estimate?scene=orders&metric=first&minimum_effect=0.2", key="desk"
    ).json
    assert "40%" in first["sentence"]
    assert world.call("GET", ask + "&shares=half", key="desk").status_code == 422
    assert world.call("GET", ask.replace("orders", "destinations"), key="desk").status_code == 422


@pytest.fixture
def read(still: World) -> Any:
    """The detail of an experiment with these people, in a language."""

    def shown(language: str, figures: dict[str, Any], currency: str = "EUR", **changes: Any) -> dict[str, Any]:
        stopped = worlds.experiment(state="stopped", result=figures, **changes)
        reader = Reader(language, TenantSettings(currency=currency))
        found = detail(still.half.service, "grill", stopped, reader, still.time_us)
        return found | {"sentence": found["sentence"].replace(JOINED, "")}

    return shown


def test_the_verdict_in_three_languages(read: Any) -> None:
    figures: dict[str, Any] = {
        "variants": [],
        "verdict": {"kind": "better", "variant": "B", "difference": 31.2, "low": 10.4, "high": 52.0},
    }
    said = {one: read(one, figures, metric="value")["sentence"] for one in LANGUAGES}
    assert said["en"] == "Variant B is better: +€0.31 a visit (+€0.10 to +€0.52)."
    assert said["de"] == "Variante B ist besser: +0,31\xa0€ je Besuch (+0,10\xa0€ bis +0,52\xa0€)."
    assert "案Bの方が良い結果です" in said["ja"]
    assert "+¥31 a visit" in read("en", figures, "JPY", metric="value")["sentence"]
    figures["verdict"] |= {"kind": "open", "more_visits": 1_873, "more_days": 12, "low": -10.4}
    assert "about 1,900 more visits (about 12 days)" in read("en", figures, metric="value")["sentence"]
    assert "−€0.10 to +€0.52" in read("en", figures, metric="value")["sentence"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("customers", [0, 14, 300, 4_000])
def test_every_read_out_is_said(read: Any, language: str, customers: int) -> None:
    """No variable of a sentence is missing, whatever is known."""
    import numpy as np

    for metric, rates in (("first", (0.4, 0.4)), ("value", (0.4, 0.6)), ("first", (0.6, 0.4))):
        people = worlds.people(customers, np.random.default_rng(1), rates=rates)
        figures = read_out(worlds.experiment(metric=metric), people, 86_400_000_000, 0)
        shown = read(language, figures, metric=metric, vanished=("B",))
        texts = [shown["sentence"], shown["ratio"], shown["cost"], *shown["guards"], *shown["remarks"]]
        assert all(text and "{" not in text and "$" not in text for text in texts), texts
        lost = replace(people.where(np.arange(customers) % 2 == 0))
        assert read(language, read_out(worlds.experiment(), lost, 1, 0))["sentence"]


def test_the_terminal(world: World) -> None:
    """list, show, start and stop; a wrong id is one sentence."""
    path = desk(world, "POST", body=OFFERS).json["experiment_id"]

    def run(*words: str) -> str:
        result = CliRunner().invoke(commands, [*words, "--home", str(world.home), "--tenant", "grill"])
        return result.output or str(result.exception)

    assert "draft" in run("list")
    assert run("start", path) == f"{path} runs.\n"
    assert "without Lunch for two" in run("show", path)
    assert '"state": "running"' in run("show", path, "--json")
    assert "ohne Lunch for two" in run("show", path, "--language", "de")
    assert "No customer has been in this experiment yet." in run("stop", path)
    assert "There is no experiment 'exp-9'" in run("show", "exp-9")
