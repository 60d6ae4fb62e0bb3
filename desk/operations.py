"""For the operator: what each device does, how long each stage takes, how much room the disk has."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, Field

from desk.common import BASE
from desk.web import WORDS
from plumbing.access.caller import Caller
from plumbing.access.device_figures import DeviceSummary
from plumbing.access.device_modes import DeviceMode
from plumbing.clock import DAY, MINUTE, SECOND
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.serving.metrics import exposition
from plumbing.shared import Shared
from plumbing.words import Message, language_of

SILENT_US = DAY
"""A device that was seen before and not for so long needs attention."""

ONLINE_US = 15 * MINUTE
NOT_ME_ALARM = 0.02
"""Of those who were greeted, the share of "not me" above which a device needs attention."""

CLOCK_ALARM_S = 60
"""A device's own clock may be wrong by so much before somebody should set it: the screens use the server's."""

LITTLE_ROOM = 0.05  # of the disk


class Period(BaseModel):
    days: int = Field(7, ge=1, le=30, description="today and the days before it")


class OperationsReply(BaseModel):
    answer: str
    attention: list[dict[str, Any]] = Field(description="what needs somebody, with its device")
    devices: list[dict[str, Any]]
    stages: list[dict[str, Any]] = Field(description="seconds by stage since the server started: le and count")
    disk: dict[str, int] = Field(description="bytes of the disk that has the state folder")


def routes(shared: Shared, home: Path) -> APIBlueprint:
    """The operator's routes that belong to neither half."""
    api = Api("operations", __name__, abp_tags=[Tag(name="desk", description="People who sign in")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)

    @door.route(
        "GET",
        BASE + "/operations",
        scopes=("operate",),
        sites="own",
        reply=OperationsReply,
        summary="Devices, times of the stages, disk",
    )
    def get_operations(caller: Caller, query: Period) -> Body:
        """What an operator looks at: each device with its requests and refusals, how long the stages take, the
        room on the disk.
        """
        language = language_of(request)
        rows = device_rows(shared, caller, query.days)
        room = shutil.disk_usage(home)
        found = list(attention(rows, room.free / room.total))
        return {
            "answer": WORDS.say(language, sentence(rows, found)),
            "attention": [{"about": about, "text": WORDS.say(language, message)} for about, message in found],
            "devices": rows,
            "stages": stages_of(shared),
            "disk": {"free": room.free, "total": room.total},
        }

    return api


def device_rows(shared: Shared, caller: Caller, days: int) -> list[dict[str, Any]]:
    """Every device of the tenant that the caller may see, with its figures of the last `days`."""
    assert shared.access.figures is not None
    figures, now = shared.access.figures.of(caller.tenant, days), shared.now_us()
    chosen = shared.access.modes.all(caller.tenant)
    rows = {}
    for key in shared.access.keys(caller.tenant):
        name, site = str(key["device"]), str(key["site"])
        if name and caller.may_see(site):
            summary = figures.get(name, DeviceSummary(name))
            rows[name] = _row(summary, site, str(key["page"]), now) | _sends(chosen.get(name, DeviceMode()))
    return [rows[name] for name in sorted(rows)]


def _row(summary: DeviceSummary, site: str, page: str, now_us: int) -> dict[str, Any]:
    ago_us = now_us - summary.seen_us
    state = "never" if not summary.seen_us else "online" if ago_us < ONLINE_US else "away"
    return {
        "device": summary.device,
        "site": site,
        "page": page,
        "state": "silent" if state == "away" and ago_us > SILENT_US else state,
        "seen_s": ago_us // SECOND if summary.seen_us else None,
        "requests": summary.counts["requests"],
        "refused": summary.counts["refused"],
        "failed": summary.counts["failed"],
        "decisions": dict(summary.decisions),
        "not_me_rate": summary.not_me_rate,
        "p50_ms": summary.time_ms(0.5),
        "p95_ms": summary.time_ms(0.95),
        "clock_ahead_s": summary.ahead_s,
        "daily_limits": summary.counts["daily_limit"],
    }


def _sends(mode: DeviceMode) -> dict[str, Any]:
    return {"sends": mode.mode, "attested": mode.attested}


def attention(rows: list[dict[str, Any]], free: float) -> Iterator[tuple[str, Message]]:
    """What needs somebody: the device, and a sentence."""
    if free < LITTLE_ROOM:
        yield "", Message.of("operations-disk", percent=round(100 * free))
    for row in rows:
        device = row["device"]
        if row["state"] == "silent":
            yield device, Message.of("operations-silent", device=device, days=row["seen_s"] * SECOND // DAY)
        if row["not_me_rate"] is not None and row["not_me_rate"] > NOT_ME_ALARM:
            yield device, Message.of("operations-not-me", device=device, percent=round(100 * row["not_me_rate"]))
        ahead_s = row["clock_ahead_s"] or 0
        if abs(ahead_s) > CLOCK_ALARM_S:
            how = "operations-clock-ahead" if ahead_s > 0 else "operations-clock-behind"
            yield device, Message.of(how, device=device, seconds=abs(ahead_s))
        if row["daily_limits"]:
            yield device, Message.of("operations-daily-limit", device=device, n=row["daily_limits"])
        if row["failed"] > 0.01 * row["requests"]:
            yield device, Message.of("operations-failed", device=device, n=row["failed"])


def sentence(rows: list[dict[str, Any]], found: list[tuple[str, Message]]) -> Message:
    """The answer to "is everything working?"."""
    states = Counter(row["state"] for row in rows)
    if not rows:
        return Message.of("operations-no-devices")
    if found:
        return Message.of("operations-attention", n=len(found), online=states["online"], devices=len(rows))
    if not states["online"]:
        return Message.of("operations-quiet", devices=len(rows))
    return Message.of("operations-well", online=states["online"], devices=len(rows))


def stages_of(shared: Shared) -> list[dict[str, Any]]:
    """The histograms of times, one row for each stage: decode, detect, embed, match, suggest."""
    text = exposition(shared.registry).decode()
    found: dict[str, list[dict[str, Any]]] = {}
    for family in text_string_to_metric_families(text):
        if family.name == "usual_identity_seconds":
            found |= _histograms(family, "stage")
        elif family.name == "usual_suggestion_seconds":
            found |= {f"suggest {scene}": row for scene, row in _histograms(family, "scene").items()}
    return [{"stage": stage, "buckets": buckets} for stage, buckets in found.items()]


def _histograms(family: Metric, label: str) -> Mapping[str, list[dict[str, Any]]]:
    """For each value of `label` the counts by upper bound (seconds; None: above all)."""
    cumulated: dict[str, dict[float, float]] = {}
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            bounds = cumulated.setdefault(sample.labels[label], {})
            bounds[float(sample.labels["le"])] = sample.value
    return {name: _apart(bounds) for name, bounds in cumulated.items()}


def _apart(cumulated: Mapping[float, float]) -> list[dict[str, Any]]:
    rows, before = [], 0.0
    for bound, count in sorted(cumulated.items()):
        rows.append({"le": None if bound == float("inf") else bound, "count": int(count - before)})
        before = count
    return rows
