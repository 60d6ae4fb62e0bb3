"""The marketing pages: no foreign files, no figures before pairing, and answers that are sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import recommender
from recommender.desk.models import explained, method_in_force, sentence
from recommender.desk.pages import PAGES
from tests.recommender.service_fixtures import World

STATIC = Path(recommender.__file__).parent / "web" / "static" / "recommender"

REPORT = {
    "in_force": "ranker",
    "method": "ranker with neighbours",
    "metric": "ndcg@10",
    "value": 0.77,
    "baseline_value": 0.67,
    "interval": [0.07, 0.13],
    "n_validation": 1189,
    "why": "it wins",
    "rows": [{"method": "counting", "hr@1": 0.51}, {"method": "ranker with neighbours", "hr@1": 0.72}],
}


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_the_pages_allow_nothing_from_elsewhere(still: World, path: str) -> None:
    """A strict policy, no inline script or style, no other host in any of its files, no figures in the page."""
    reply = still.client.get(path)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["Cache-Control"] == "no-store"
    page = reply.text
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)", page)
    for text in (page, *(file.read_text() for file in STATIC.iterdir())):
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)
        assert "innerHTML" not in text


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_every_file_a_page_names_is_served(still: World, path: str) -> None:
    """Scripts and styles come from the half's own folder, and so do the modules that scripts import."""
    page = still.client.get(path).text
    paths = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    scripts = [STATIC / Path(one).name for one in paths if one.endswith(".js")]
    assert scripts
    paths += [
        f"/recommender/static/{name}"
        for file in scripts
        for name in re.findall(r'"\./(.+\.js)"', file.read_text())
    ]
    assert len(paths) >= 3 + len(PAGES)
    for one in paths:
        with still.client.get(one) as reply:
            assert reply.status_code == 200, one


def test_a_paired_page_may_train_and_nothing_else(world: World) -> None:
    """The cookie of a pairing works with the page's own header only, and has no scope but `train`."""
    code = world.access.create_pairing("grill", "marketing", device="desk")
    _, key = world.access.pair(code)
    world.client.set_cookie("usual_marketing", key)
    header = {"X-Usual-Page": "marketing"}
    assert world.client.get("/recommender/v1/models").status_code == 401
    assert world.client.get("/recommender/v1/models", headers=header).status_code == 200
    assert world.client.get("/recommender/v1/schedule", headers=header).status_code == 200
    assert world.client.post("/recommender/v1/models/orders/train", headers=header).status_code == 202
    assert world.client.get("/recommender/v1/suggestions/orders", headers=header).status_code == 403


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["72 of 100 orders", "51", "0.770 against 0.670", "+0.070 to +0.130", "1,189 orders"]),
        ({"rows": []}, ["better than counting", "0.770 against 0.670"]),
        ({"interval": None, "rows": []}, ["0.770 against 0.670"]),
        ({"method": "counting", "why": "too few to prove a gain"}, ["Counting", "too few to prove a gain"]),
        ({"value": None}, ["Counting"]),
    ],
)
def test_the_answer_is_a_sentence(changes: dict[str, Any], words: list[str]) -> None:
    """The value, the baseline, the interval and the number of orders; or the reason why counting stays."""
    text = sentence("orders", REPORT | changes)
    assert text.endswith(".")
    for word in words:
        assert word in text


def test_without_a_model_the_page_says_what_happens_instead() -> None:
    """The empty state is a sentence too."""
    assert "No model of rides" in sentence("destinations", {})


def test_figures_are_explained() -> None:
    """The metric in plain words; an unknown metric by its name."""
    assert "how high up" in explained(REPORT)
    assert explained({"metric": "novel@3"}) == "novel@3"
    assert method_in_force({"in_force": "counting"}) == "counting"


def test_the_overview_counts_what_is_there(world: World) -> None:
    """Orders, rides and the catalogue; and how many more customers are needed."""
    for visit in range(2):
        world.order("cola", token=world.token(), event_id=f"e{visit}")
    overview = world.call("GET", "/models", key="desk").json
    assert overview["events"] == {"ordered": 2}
    assert overview["catalogue"] == {"items": 4, "places": 2, "offers": 1}
    orders, rides = overview["scenes"]
    assert orders["missing"].startswith("1 customer has at least 2 orders; 29 more are needed")
    assert rides["missing"].startswith("0 customers have at least 2 rides; 30 more are needed")
