"""The schedule of each tenant: one entry for each scene, as it was typed and as it is understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from plumbing.storage.database import Database, Row

UNTIL_RESUMED = 2**62
"""`paused_until_us` of an entry that is paused until somebody resumes it."""

COLUMNS = "tenant, scene, timezone, enabled, since_us, lines, text, paused_until_us, paused_by"


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """When a scene is trained by itself.

    `lines` are cron lines with day names, joined by "; ". `timezone` is empty where the tenant's counts.
    `since_us` is when it was saved, `paused_until_us` until when it rests (microseconds UTC, 0: not).
    """

    scene: str
    lines: str
    text: str = ""
    timezone: str = ""
    enabled: bool = True
    tenant: str = ""
    since_us: int = field(default=0, compare=False)
    paused_until_us: int = field(default=0, compare=False)
    paused_by: str = field(default="", compare=False)

    def is_paused(self, now_us: int) -> bool:
        """Whether it rests at `now_us`."""
        return now_us < self.paused_until_us


class ScheduleStore:
    """The entries of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, tenant: str | None = None) -> list[ScheduleEntry]:
        """The schedule of one tenant, or of all."""
        where, values = ("WHERE tenant = ?", (tenant,)) if tenant is not None else ("", ())
        sql = f"SELECT {COLUMNS} FROM schedule {where} ORDER BY tenant, scene"  # noqa: S608 - our own words
        return [_as_entry(row) for row in self._database.rows(sql, values)]

    def replace(
        self,
        tenant: str,
        entries: Sequence[ScheduleEntry],
        now_us: int = 0,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Replace the tenant's schedule at `now_us`. An entry that means what it meant keeps its time of saving;
        a scene that was paused stays paused. `check` may refuse, by what is stored at this moment."""
        with self._database.write() as connection:
            check()
            earlier = {entry.scene: entry for entry in self.entries(tenant)}
            connection.execute("DELETE FROM schedule WHERE tenant = ?", (tenant,))
            connection.executemany(
                f"INSERT INTO schedule ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - as above
                [_as_row(tenant, _kept(entry, earlier.get(entry.scene), now_us)) for entry in entries],
            )

    def pause(self, tenant: str, scene: str | None, until_us: int, who: str) -> int:
        """Let one entry rest, or all of the tenant; returns how many. `until_us` of 0 resumes them."""
        where, values = ("", ()) if scene is None else (" AND scene = ?", (scene,))
        rows = self._database.change(
            f"UPDATE schedule SET paused_until_us = ?, paused_by = ? WHERE tenant = ?{where}"  # noqa: S608
            " RETURNING scene",
            (until_us, who if until_us else "", tenant, *values),
        )
        return len(rows)


def _kept(entry: ScheduleEntry, earlier: ScheduleEntry | None, now_us: int) -> ScheduleEntry:
    if earlier is None:
        return replace(entry, since_us=now_us)
    same = (earlier.lines, earlier.timezone, earlier.enabled) == (entry.lines, entry.timezone, entry.enabled)
    return replace(
        entry,
        since_us=earlier.since_us if same else now_us,
        paused_until_us=earlier.paused_until_us,
        paused_by=earlier.paused_by,
    )


def _as_row(tenant: str, entry: ScheduleEntry) -> tuple[object, ...]:
    return (
        tenant,
        entry.scene,
        entry.timezone,
        int(entry.enabled),
        entry.since_us,
        entry.lines,
        entry.text or entry.lines,
        entry.paused_until_us,
        entry.paused_by,
    )


def _as_entry(row: Row) -> ScheduleEntry:
    return ScheduleEntry(
        scene=row["scene"],
        lines=row["lines"],
        text=row["text"],
        timezone=row["timezone"],
        enabled=bool(row["enabled"]),
        tenant=row["tenant"],
        since_us=row["since_us"],
        paused_until_us=row["paused_until_us"],
        paused_by=row["paused_by"],
    )
