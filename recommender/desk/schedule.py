"""The schedule as the desk shows it: what was understood, the next trainings, and one sentence for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from plumbing.clock import SECOND
from recommender.store.runs import DRY_RUN, ModelStore, Run
from recommender.store.schedules import UNTIL_RESUMED, ScheduleEntry
from recommender.times import from_us
from recommender.training.outcomes import WORDS
from recommender.training.schedule import WRONG, ZoneOf, at_home
from recommender.training.timetable.calendar import calendar_of
from recommender.training.timetable.moments import next_due
from recommender.training.timetable.saying import ago_said, day_said, moment_said, said

NEXT = 3
"""So many of the next trainings are shown."""


def schedule_rows(entries: Sequence[ScheduleEntry]) -> list[dict[str, Any]]:
    """What is edited: the document that a save replaces, in the order of its scenes."""
    return [
        {
            "scene": entry.scene,
            "text": entry.text,
            "timezone": entry.timezone or None,
            "enabled": entry.enabled,
        }
        for entry in sorted(entries, key=lambda entry: entry.scene)
    ]


def schedule_page(tenant: str, models: ModelStore, zone_of: ZoneOf, now_us: int, language: str) -> dict[str, Any]:
    """The body of GET /recommender/v1/schedule."""
    entries = models.schedules.entries(tenant)
    rows = [
        row | entry_row(entry, zone_of, now_us, language)
        for row, entry in zip(schedule_rows(entries), entries, strict=True)
    ]
    return {
        "timezone": zone_of(tenant),
        "sentence": sentence_of(entries, models, tenant, zone_of, now_us, language),
        "rows": rows,
    }


def entry_row(entry: ScheduleEntry, zone_of: ZoneOf, now_us: int, language: str) -> dict[str, Any]:
    """One entry: what it means, when it is due next, whether it rests."""
    entry = at_home(entry, zone_of)
    try:
        understood = said(calendar_of(entry.lines), language)
        upcoming = next_due(entry, _moment(now_us), NEXT) if entry.enabled else []
    except WRONG:  # a zone that is gone, an entry of a newer release
        understood, upcoming = entry.lines, []
    paused = entry.is_paused(now_us)
    return {
        "scene_text": WORDS.text(language, f"schedule-scene-{entry.scene}"),
        "lines": entry.lines,
        "understood": understood,
        "zone": entry.timezone,
        "next": [next_row(at, entry.timezone, language) for at in upcoming],
        "paused": paused,
        "paused_until": from_us(entry.paused_until_us)
        if paused and entry.paused_until_us < UNTIL_RESUMED
        else None,
        "paused_by": entry.paused_by if paused else "",
        "paused_text": _paused(entry, language) if paused else "",
    }


def next_row(at: datetime, zone: str, language: str) -> dict[str, str]:
    """One moment: for a machine, and for a reader in the zone."""
    return {"at": at.isoformat(timespec="seconds"), "text": day_said(at, ZoneInfo(zone), language)}


def sentence_of(
    entries: Sequence[ScheduleEntry],
    models: ModelStore,
    tenant: str,
    zone_of: ZoneOf,
    now_us: int,
    language: str,
) -> str:
    """When the next training is, and how the last one ended."""
    whole = _next_sentence(entries, models, tenant, zone_of, now_us, language)
    running = models.page(tenant, states=("running",), n=1)
    if not running:
        return whole
    scene = WORDS.text(language, f"schedule-scene-{running[0].scene}")
    share = round(100 * running[0].share)
    return WORDS.text(language, "schedule-running", scene=scene, share=share, next=whole).strip()


def _next_sentence(
    entries: Sequence[ScheduleEntry],
    models: ModelStore,
    tenant: str,
    zone_of: ZoneOf,
    now_us: int,
    language: str,
) -> str:
    enabled = [at_home(entry, zone_of) for entry in entries if entry.enabled]
    if not enabled:
        return WORDS.text(language, "schedule-none")
    now = _moment(now_us)
    upcoming: list[tuple[datetime, ScheduleEntry]] = []
    for entry in enabled:
        try:
            after = now if not entry.is_paused(now_us) else _moment(min(entry.paused_until_us, UNTIL_RESUMED - 1))
            upcoming += [(at, entry) for at in next_due(entry, after)]
        except WRONG:
            continue
    if not upcoming:
        last = _last(models.page(tenant, n=20), now, language)
        return WORDS.text(language, "schedule-next-none", last=last)
    at, first = min(upcoming, key=lambda one: one[0])
    last = _last(models.page(tenant, scenes=(first.scene,), n=20), now, language)
    when = moment_said(at, now, ZoneInfo(first.timezone), language)
    scene = WORDS.text(language, f"schedule-scene-{first.scene}")
    return WORDS.text(language, "schedule-next", scene=scene, when=when, last=last)


def _last(runs: Sequence[Run], now: datetime, language: str) -> str:
    ended = next((run for run in runs if run.ended_us is not None and run.kind != DRY_RUN), None)
    if ended is None or ended.ended_us is None:
        return WORDS.text(language, "schedule-last-never")
    ago = ago_said(_moment(ended.ended_us), now, language)
    published = ended.state == "published"
    return WORDS.text(language, "schedule-last-published" if published else "schedule-last-ended", ago=ago)


def _paused(entry: ScheduleEntry, language: str) -> str:
    if entry.paused_until_us >= UNTIL_RESUMED:
        return WORDS.text(language, "schedule-paused")
    until = day_said(_moment(entry.paused_until_us), ZoneInfo(entry.timezone), language)
    return WORDS.text(language, "schedule-paused-until", when=until)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / SECOND, UTC)
