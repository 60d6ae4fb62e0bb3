"""The routes behind the page of trainings: the schedule in words, pauses, runs page by page, cancelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import HOUR
from recommender.training.outcomes import cancelled
from tests.recommender.service_fixtures import NOON, Installation, World
from tests.recommender.training.test_trainer import visits

ROW: dict[str, Any] = {"scene": "orders", "text": "every night at 03:30", "timezone": None, "enabled": True}


def saved(world: World, *rows: dict[str, Any], **rest: Any) -> Any:
    return world.call("PUT", "/schedule", key="desk", json={"rows": list(rows)}, **rest)


def test_a_schedule_is_saved_in_words(world: World) -> None:
    """The answer says what was understood, the next three trainings, and one sentence for all of it."""
    reply = saved(world, ROW)
    assert reply.status_code == 200
    (row,) = reply.json["rows"]
    assert (row["text"], row["understood"], row["lines"]) == (ROW["text"], "every day at 03:30", "30 3 * * *")
    assert [one["at"] for one in row["next"]] == [f"2026-11-2{day}T03:30:00+00:00" for day in (4, 5, 6)]
    assert reply.json["sentence"] == "The next training of orders begins tomorrow at 03:30; there was none yet."
    again = world.call("GET", "/schedule?language=de", key="desk").json
    assert again["rows"][0]["understood"] == "jeden Tag um 03:30"
    assert again["rows"][0]["next"][0]["text"] == "Dienstag, 24. November 2026, 03:30"
    assert world.call("GET", "/schedule", key="stranger").json["rows"] == []
    assert world.call("GET", "/schedule", key="kiosk").json["code"] == "scope_missing"


def test_the_sentence_says_how_the_last_one_ended(world: World) -> None:
    saved(world, ROW)
    models = world.half.trainer.models
    run_id = models.begin("grill", "orders", NOON)
    models.progress("grill", run_id, "fitting", 0.4, NOON)
    sentence = world.call("GET", "/schedule", key="desk").json["sentence"]
    assert "A training of orders is running (40 % done)" in sentence
    models.end("grill", run_id, "published", "", NOON)
    world.time_us += 6 * HOUR
    sentence = world.call("GET", "/schedule", key="desk").json["sentence"]
    assert (
        sentence == "The next training of orders begins tonight at 03:30; the last one was published 6 hours ago."
    )


@pytest.mark.parametrize(
    ("rows", "field", "word"),
    [
        ([ROW, ROW | {"scene": "offers", "text": "every 31st at 25:00"}], "rows.1.text", "25:00"),
        ([ROW, ROW], "rows.1.text", "orders"),
        ([ROW | {"text": "30 3 * * 0"}], "rows.0.text", "0"),
        ([ROW | {"timezone": "Mars/Olympus"}], "rows.0.text", "Mars/Olympus"),
        ([ROW | {"text": ""}], "rows.0.text", "every night at 03:30"),
    ],
)
def test_what_is_not_understood_changes_nothing(
    still: World, rows: list[dict[str, Any]], field: str, word: str
) -> None:
    reply = saved(still, *rows)
    assert (reply.status_code, reply.json["code"]) == (422, "schedule_refused")
    (wrong,) = reply.json["fields"]
    assert (wrong["field"], word in wrong["message"]) == (field, True)
    assert still.call("GET", "/schedule", key="desk").json["rows"] == []


def test_two_who_save_at_once(world: World) -> None:
    """The second one saves on top of something that changed: nothing happens, and it is said."""
    tag = world.call("GET", "/schedule", key="desk").headers["ETag"]
    headers = {"X-API-Key": world.keys["desk"], "If-Match": tag}

    def put(text: str) -> int:
        body = {"rows": [ROW | {"text": text}]}
        return world.client.put("/recommender/v1/schedule", json=body, headers=headers).status_code

    assert (put("every night at 03:30"), put("every night at 04:30")) == (200, 412)
    assert world.call("GET", "/schedule", key="desk").json["rows"][0]["text"] == "every night at 03:30"


def test_an_entry_is_read_as_it_is_typed(still: World) -> None:
    """In the reader's language and the tenant's zone; nothing is saved."""
    query = {"text": "毎晩 03:30", "timezone": "Asia/Tokyo", "language": "ja"}
    reply = still.call("GET", "/schedule/reading", key="desk", query_string=query)
    assert reply.json["understood"] == "毎日 03:30"
    assert reply.json["next"][0] == {
        "at": "2026-11-23T18:30:00+00:00",
        "text": "2026年11月24日(火曜日) 03:30",
    }
    refused = still.call("GET", "/schedule/reading", key="desk", query_string={"text": "at 25:00"})
    assert (refused.status_code, "25:00" in refused.json["detail"]) == (422, True)
    zones = still.call("GET", "/schedule/zones", key="desk").json["regions"]
    assert "Europe/Berlin" in next(one["zones"] for one in zones if one["region"] == "Europe")
    assert still.call("GET", "/schedule", key="desk").json["rows"] == []


def test_a_pause_is_shown_and_ended(world: World) -> None:
    saved(world, ROW, ROW | {"scene": "destinations"})
    later = {"scene": "orders", "until": "2026-12-24T06:00:00+01:00"}
    rows = world.call("POST", "/schedule/pause", key="desk", json=later).json["rows"]
    paused = {row["scene"]: row["paused_until"] for row in rows if row["paused"]}
    assert paused == {"orders": "2026-12-24T05:00:00.000Z"}
    reply = world.call("POST", "/schedule/pause", key="desk", json={}).json
    assert [row["paused_until"] for row in reply["rows"]] == [None, None]
    assert reply["sentence"].startswith("All trainings by schedule are paused")
    reply = world.call("POST", "/schedule/resume", key="desk", json={"scene": "orders"}).json
    assert [row["scene"] for row in reply["rows"] if row["paused"]] == ["destinations"]
    past = world.call("POST", "/schedule/pause", key="desk", json={"until": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json["code"]) == (422, "schedule_refused")


def test_runs_are_listed_and_shown(world: World) -> None:
    """Page by page, with filters; one of them with its log; another tenant sees nothing."""
    visits(world, 3)
    for dry in ("true", "false", "false"):
        assert world.call("POST", f"/models/orders/train?dry_run={dry}", key="desk").status_code == 202
        world.time_us += HOUR
        world.run_trainings()
    first = world.call("GET", "/runs?n=2", key="desk").json
    assert [run["state"] for run in first["runs"]] == ["unchanged", "published"]
    rest = world.call("GET", f"/runs?n=2&cursor={first['next']}", key="desk").json
    assert ([run["state"] for run in rest["runs"]], rest["next"]) == (["tried"], None)
    found = world.call("GET", "/models/orders/runs?state=published,failed&kind=hand", key="desk").json["runs"]
    assert [run["state_text"] for run in found] == ["published"]
    whole = world.call("GET", f"/models/orders/runs/{found[0]['run_id']}", key="desk").json
    assert (whole["lines"], whole["seed"], whole["seconds"]) == (3, 0, 3600.0)
    assert whole["log"]
    assert world.call("GET", "/runs", key="stranger").json == {"runs": [], "next": None}
    for query in ("state=finished", "kind=magic", "cursor=1"):
        assert world.call("GET", f"/runs?{query}", key="desk").json["code"] == "no_such_choice"


def test_a_running_training_is_cancelled(installation: Installation, tmp_path: Path) -> None:
    """Who wanted it and who ended it are shown by name, also in the sentence."""
    world = installation.open(tmp_path / "state", name_of=lambda tenant, who: "ana" if who else "")
    visits(world, 3)
    run_id = world.call("POST", "/models/orders/train", key="desk").json["run_id"]
    assert world.call("POST", f"/models/orders/runs/{run_id}/cancel", key="stranger").status_code == 404
    reply = world.call("POST", f"/models/orders/runs/{run_id}/cancel", key="desk")
    assert (reply.status_code, reply.json["cancel"], reply.json["by"]) == (202, "ana", "ana")
    world.half.trainer.models.end("grill", run_id, "cancelled", cancelled("key:k1"), NOON)
    for language, words in (("en", "was cancelled by ana."), ("de", "von ana abgebrochen")):
        headers = {"X-API-Key": world.keys["desk"], "Accept-Language": language}
        whole: Any = world.client.get(f"/recommender/v1/models/orders/runs/{run_id}", headers=headers).json
        assert words in whole["why"]
    assert world.call("POST", f"/models/orders/runs/{run_id}/cancel", key="desk").json["code"] == "run_ended"
    world.close()
