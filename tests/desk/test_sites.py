"""Whose account is for one site reads nothing of another: each route of the desk, from the table of routes."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from desk.sites import FOR_EVERY_SITE
from plumbing import problem_json
from plumbing.access.caller import Caller
from plumbing.access.changes import CHANGE
from plumbing.access.errors import SiteNeeded, SiteRefused
from plumbing.access.roles import ADMINISTRATION
from plumbing.demands import demand_of
from plumbing.door import Body, Door
from tests.desk.conftest import Browser, Desk

OTHER = "station-marker"
CALLS = "/recommender/v1/desk/calls"
RULES = "/recommender/v1/desk/rules"
EVERYTHING = ("marketer", "privacy_officer", "operator")


def of_the_desk(app: Flask, *methods: str) -> list[tuple[str, str]]:
    """Method and rule of the routes whose scopes people have."""
    found = []
    for rule in app.url_map.iter_rules():
        demand = demand_of(app, rule.endpoint)
        if demand and demand.scopes and {"view", *ADMINISTRATION}.intersection(demand.scopes):
            found += [(method, rule.rule) for method in sorted(rule.methods or ()) if method in methods]
    return sorted(found)


def address(rule: str) -> str:
    return re.sub(r"<[^>]+>", "orders", rule)


def test_no_route_shows_another_site_to_who_may_see_one(desk: Desk) -> None:
    """A new route is refused until it narrows what it shows, or stands in `desk/sites.py` with a reason."""
    desk.joined("olga", "operator", sites=(OTHER,))
    desk.access.create_key("grill", ["suggest"], device="till", site=OTHER)
    ana = desk.joined("ana", *EVERYTHING, sites=("market",))
    routes = of_the_desk(desk.app, "GET")
    refused = []
    for method, rule in routes:
        for query in ("", f"?site={OTHER}", "?site=market"):
            reply = ana.send(method, address(rule) + query)
            assert OTHER not in reply.text, (rule, query)
            if reply.status_code == 403:
                refused.append(rule)

    assert len(routes) > 10
    assert "/recommender/v1/desk/offers" in refused
    assert "/recommender/v1/models" not in refused


def test_what_changes_all_sites_is_not_for_who_may_see_one(desk: Desk) -> None:
    ana = desk.joined("ana", *EVERYTHING, sites=("market",))
    for method, rule in of_the_desk(desk.app, "POST", "PUT", "DELETE"):
        if rule.startswith(("/desk/v1/own", "/desk/v1/people", RULES, CALLS)):
            continue  # one's own; people, calls and rules of one's own sites have tests of their own
        reply = ana.send(method, address(rule), {"site": OTHER} if rule.endswith("/preview") else {})
        assert reply.status_code in (403, 422), (method, rule)  # 422: the body was looked at first
        if reply.status_code == 403:
            assert reply.get_json()["code"] == "site_refused", (method, rule)
    assert all(row.state == "refused" for row in desk.access.record.latest("grill") if row.kind == CHANGE)


def rules_of(*sites: str) -> dict[str, Any]:
    """A document that hides a dish, with one rule for each site."""
    return {"rules": [{"id": site, "kind": "hide", "item": "cola", "when": {"sites": [site]}} for site in sites]}


def test_rules_and_drafts_of_another_site_are_not_for_who_may_see_one(desk: Desk) -> None:
    """A person of some sites publishes, drafts and throws away rules of these sites alone."""
    for site in ("market", OTHER):
        desk.access.create_key("grill", ["suggest"], device=f"till of {site}", site=site)
    everywhere, ana = desk.joined("carl", "marketer"), desk.joined("ana", *EVERYTHING, sites=("market",))
    dish = {"item_id": "cola", "name": "Cola", "category": "drinks", "price": 300}
    assert everywhere.send("PUT", "/recommender/v1/items/cola", dish).status_code == 200
    assert everywhere.send("PUT", RULES, rules_of(OTHER)).status_code == 200
    assert everywhere.send("PUT", f"{RULES}/draft", rules_of()).status_code == 200
    changed = rules_of("market", OTHER)
    changed["rules"][1]["item"] = "tea"
    for method, path, body in (
        ("PUT", RULES, changed),
        ("PUT", f"{RULES}/draft", rules_of("market", OTHER)),
        ("DELETE", f"{RULES}/draft", None),
    ):
        reply = ana.send(method, path, body)
        assert (reply.status_code, reply.get_json()["code"]) == (403, "rules_of_other_sites"), (method, path)
    assert everywhere.send("GET", f"{RULES}/draft").get_json()["document"] is not None

    assert everywhere.send("DELETE", f"{RULES}/draft").status_code == 204
    both = rules_of("market", OTHER)
    assert ana.send("PUT", f"{RULES}/draft", both).status_code == 200
    assert ana.send("DELETE", f"{RULES}/draft").status_code == 204
    assert ana.send("PUT", RULES, both).status_code == 200


def test_rules_of_another_site_are_not_shown_and_stay_as_they_are(desk: Desk) -> None:
    """In every answer about rules; who may see one site saves their own, and the others are still there."""
    for site in ("market", OTHER):
        desk.access.create_key("grill", ["suggest"], device=f"till of {site}", site=site)
    everywhere, ana = desk.joined("carl", "marketer"), desk.joined("ana", *EVERYTHING, sites=("market",))
    dish = {"item_id": "cola", "name": "Cola", "category": "drinks", "price": 300}
    assert everywhere.send("PUT", "/recommender/v1/items/cola", dish).status_code == 200
    whole = {"id": "all", "kind": "limit", "category": "drinks", "most": 2}
    first = {"rules": [rules_of(OTHER)["rules"][0], whole]}
    assert everywhere.send("PUT", RULES, first).status_code == 200
    assert everywhere.send("PUT", f"{RULES}/draft", first).status_code == 200

    for path in (RULES, f"{RULES}/draft", f"{RULES}/history"):
        shown = ana.send("GET", path)
        assert shown.status_code == 200
        assert OTHER not in shown.text, path
        assert '"all"' in shown.text, path
    mine = {"rules": [whole, rules_of("market")["rules"][0]]}
    for path in (f"{RULES}/draft", RULES):  # publishing ends the draft
        reply = ana.send("PUT", path, mine)
        assert reply.status_code == 200
        assert OTHER not in reply.text
        stored = everywhere.send("GET", path).get_json()["document"]["rules"]
        assert [rule["id"] for rule in stored] == [OTHER, "all", "market"], path


def test_totals_of_all_sites_are_not_shown_and_it_says_why(desk: Desk) -> None:
    """Imports, and the figures of an experiment: in three languages a sentence in their place."""
    stores = desk.app.extensions["usual_open"][0].service.stores
    stores.import_log.begin("grill", "events", "orders.csv", 1)
    everywhere, ana = desk.joined("carl", "marketer"), desk.joined("ana", *EVERYTHING, sites=("market",))
    form = {"name": "More", "question": "?", "scene": "offers", "metric": "value", "minimum_effect": 30}
    without = {"label": "without", "share": 0.5, "kind": "offers", "settings": {"exploration": 0.3}}
    form |= {"variants": [{"label": "as now", "share": 0.5, "kind": "as_it_is"}, without]}
    made = everywhere.send("POST", "/recommender/v1/desk/experiments", form)
    assert made.status_code == 201, made.text
    one = "/recommender/v1/desk/experiments/" + made.get_json()["experiment_id"]
    assert everywhere.send("POST", f"{one}/start").status_code == 200

    for language, word in (("en", "your account"), ("de", "Ihr Konto"), ("ja", "アカウント")):
        data = ana.send("GET", f"/recommender/v1/desk/data?language={language}").get_json()
        assert data["imports"] == []
        assert word in data["imports_note"]
        found = ana.send("GET", f"{one}?language={language}").get_json()
        assert word in found["sentence"]
        assert (found["ratio"], found["cost"], found["guards"], found["visits"]) == ("", "", [], 0)
        assert all(row["visits"] is None for row in found["variants"])
        listed = ana.send("GET", f"/recommender/v1/desk/experiments?language={language}").get_json()
        assert word in listed["answer"]
    whole = everywhere.send("GET", "/recommender/v1/desk/data").get_json()
    assert (len(whole["imports"]), whole["imports_note"]) == (1, "")
    assert everywhere.send("GET", one).get_json()["ratio"]
    assert ana.send("GET", "/recommender/v1/desk/experiment-estimate").status_code == 403


def test_every_exception_is_a_route_and_has_a_reason(desk: Desk) -> None:
    rules = {f"{method} {rule.rule}" for rule in desk.app.url_map.iter_rules() for method in rule.methods or ()}

    assert set(FOR_EVERY_SITE) <= rules
    assert all(len(reason) > 20 for reason in FOR_EVERY_SITE.values())
    assert all(route.startswith("GET ") for route in FOR_EVERY_SITE)


class SiteQuery(BaseModel):
    site: str | None = None


def test_the_door_checks_the_site_of_a_query_and_fills_in_the_only_one(desk: Desk) -> None:
    app = Flask("extra")
    api, shared = APIBlueprint("extra", __name__), desk.shared
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    @door.route("GET", "/extra", scopes=("view",), reply=None, summary="Figures by site")
    def extra(caller: Caller, query: SiteQuery) -> Body:
        return {"site": query.site}

    app.register_blueprint(api)
    problem_json.register(app)
    one, two = (
        desk.joined("ana", "viewer", sites=("market",)),
        desk.joined("bob", "viewer", sites=("market", "quay")),
    )
    everywhere = desk.joined("carl", "viewer")

    def asked(browser: Browser, query: str = "") -> Any:
        elsewhere = Browser(app.test_client())
        elsewhere.client.set_cookie("usual_desk", browser.secret())
        return elsewhere.send("GET", "/extra" + query).get_json()

    assert asked(one) == {"site": "market"}
    assert asked(one, f"?site={OTHER}")["code"] == SiteRefused.code
    assert asked(two)["code"] == SiteNeeded.code
    assert asked(two, "?site=quay") == {"site": "quay"}
    assert asked(everywhere) == {"site": None}
