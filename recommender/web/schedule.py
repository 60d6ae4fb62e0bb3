"""Routes of the schedule: when training happens by itself, in words; pause and resume."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change, who_is
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk.schedule import entry_row, schedule_page, schedule_rows
from recommender.errors import ScheduleRefused
from recommender.schemas import BASE, SceneName, Strict
from recommender.store.schedules import UNTIL_RESUMED, ScheduleEntry
from recommender.times import aware, to_us
from recommender.training.schedule import ZoneOf, entry_of
from recommender.training.timetable.problems import NotUnderstood, wrong
from recommender.training.timetable.zones import regions
from recommender.training.trainer import Trainer


class EntryBody(Strict):
    scene: SceneName
    text: str = Field(
        max_length=400, description="every night at 03:30; en, de, ja, or a cron line with day names"
    )
    timezone: str | None = Field(None, max_length=64, description="left out: the tenant's")
    enabled: bool = True


class ScheduleBody(Strict):
    rows: list[EntryBody] = Field(max_length=10, description="one for each scene")


class NextReply(BaseModel):
    at: str
    text: str


class ReadingReply(BaseModel):
    scene_text: str
    lines: str = Field(description="the cron lines that it means")
    understood: str
    zone: str
    next: list[NextReply] = Field(description="the next three trainings")
    paused: bool
    paused_until: str | None = Field(description="null while it is paused: until somebody resumes it")
    paused_by: str
    paused_text: str


class EntryReply(ReadingReply):
    scene: str
    text: str
    timezone: str | None
    enabled: bool


class ScheduleReply(BaseModel):
    timezone: str = Field(description="the tenant's")
    sentence: str
    rows: list[EntryReply]


class ReadingQuery(Query):
    text: str = Field(max_length=400)
    scene: SceneName = "orders"
    timezone: str = Field("", max_length=64)


class RegionReply(BaseModel):
    region: str
    zones: list[str]


class ZonesReply(BaseModel):
    regions: list[RegionReply]


class PauseBody(Strict):
    scene: SceneName | None = Field(None, description="left out: all scenes")
    until: str | None = Field(None, max_length=64, description="ISO 8601 with an offset; left out: until resumed")


class ResumeBody(Strict):
    scene: SceneName | None = None


@dataclass(frozen=True)
class ScheduleTools:
    """What these routes work with."""

    trainer: Trainer
    zone_of: ZoneOf

    def page(self, tenant: str) -> Body:
        """The whole reply, in the language of the request."""
        now_us = self.trainer.now_us()
        return schedule_page(tenant, self.trainer.models, self.zone_of, now_us, language_of(request))


def routes(door: Door, tools: ScheduleTools) -> None:
    """Put the routes on the door."""
    _document_routes(door, tools)
    _reading_routes(door, tools)
    _pause_routes(door, tools)


def _document_routes(door: Door, tools: ScheduleTools) -> None:
    models, now_us = tools.trainer.models, tools.trainer.now_us

    @door.route(
        "GET", BASE + "/schedule", scopes=("view",), reply=ScheduleReply, summary="When training happens by itself"
    )
    def get_schedule(caller: Caller) -> Body:
        """The entries of the schedule, each in words, with its next trainings."""
        note_tag(schedule_rows(models.schedules.entries(caller.tenant)))
        return tools.page(caller.tenant)

    @door.route(
        "PUT",
        BASE + "/schedule",
        scopes=("train",),
        reply=ScheduleReply,
        summary="Replace the schedule",
        errors=("changed_meanwhile", "schedule_refused"),
    )
    def set_schedule(caller: Caller, body: ScheduleBody) -> Body:
        """Replaces all entries; an entry is a sentence such as "every day at 03:00"."""
        entries = _entries(body.rows)

        def check() -> None:
            earlier = schedule_rows(models.schedules.entries(caller.tenant))
            require_unchanged(earlier)
            note_change("schedule", earlier=earlier, later=schedule_rows(entries))

        models.schedules.replace(caller.tenant, entries, now_us(), check)
        note_tag(schedule_rows(models.schedules.entries(caller.tenant)))
        return tools.page(caller.tenant)


def _entries(rows: list[EntryBody]) -> list[ScheduleEntry]:
    """The entries of a document. Raises ScheduleRefused, with a message for each wrong field."""
    language = language_of(request)
    found: list[ScheduleEntry] = []
    wrong_fields: list[dict[str, str]] = []
    for number, row in enumerate(rows):
        try:
            if any(one.scene == row.scene for one in found):
                raise wrong("twice", row.scene)
            found.append(entry_of(row.scene, row.text, row.timezone or "", row.enabled))
        except NotUnderstood as error:
            wrong_fields.append({"field": f"rows.{number}.text", "message": error.say(language)})
    if wrong_fields:
        raise ScheduleRefused(" ".join(one["message"] for one in wrong_fields), fields=wrong_fields)
    return found


def _reading_routes(door: Door, tools: ScheduleTools) -> None:
    @door.route(
        "GET",
        BASE + "/schedule/reading",
        scopes=("view",),
        reply=ReadingReply,
        summary="What an entry would mean, and its next three trainings",
        errors=("schedule_refused",),
    )
    def read_schedule_entry(caller: Caller, query: ReadingQuery) -> Body:
        """How a sentence is understood, before it is saved."""
        try:
            entry = entry_of(query.scene, query.text, query.timezone)
        except NotUnderstood as error:
            message = error.say(language_of(request))
            raise ScheduleRefused(message, fields=[{"field": "text", "message": message}]) from error
        entry = ScheduleEntry(entry.scene, entry.lines, entry.text, entry.timezone, tenant=caller.tenant)
        return entry_row(entry, tools.zone_of, tools.trainer.now_us(), language_of(request))

    @door.route(
        "GET", BASE + "/schedule/zones", scopes=("view",), reply=ZonesReply, summary="The zones to choose from"
    )
    def list_time_zones(caller: Caller) -> Body:
        """The time zones that a schedule can be in."""
        return {"regions": [{"region": region, "zones": names} for region, names in regions().items()]}


def _pause_routes(door: Door, tools: ScheduleTools) -> None:
    models = tools.trainer.models

    @door.route(
        "POST",
        BASE + "/schedule/pause",
        scopes=("train",),
        reply=ScheduleReply,
        summary="Let the schedule rest, until a moment or until somebody resumes it",
        errors=("schedule_refused", "time_without_zone"),
    )
    def pause_schedule(caller: Caller, body: PauseBody) -> Body:
        """Nothing is trained by itself until then. Trainings by hand go on."""
        until_us = UNTIL_RESUMED if body.until is None else _later(body.until, tools.trainer.now_us())
        note_change(_subject(body.scene), later={"paused": True, "until": body.until})
        models.schedules.pause(caller.tenant, body.scene, until_us, who_is(caller))
        return tools.page(caller.tenant)

    @door.route(
        "POST",
        BASE + "/schedule/resume",
        scopes=("train",),
        reply=ScheduleReply,
        summary="End the pause; what was missed is made up for once",
    )
    def resume_schedule(caller: Caller, body: ResumeBody) -> Body:
        """What was missed is made up for once."""
        note_change(_subject(body.scene), later={"paused": False})
        models.schedules.pause(caller.tenant, body.scene, 0, "")
        return tools.page(caller.tenant)


def _subject(scene: str | None) -> str:
    return f"schedule {scene}" if scene else "schedule"


def _later(text: str, now_us: int) -> int:
    """A moment that is still to come. Raises ScheduleRefused, TimeWithoutZone."""
    until_us = to_us(aware(text, "until"))
    if until_us <= now_us:
        message = wrong("until", text).say(language_of(request))
        raise ScheduleRefused(message, fields=[{"field": "until", "message": message}])
    return until_us
