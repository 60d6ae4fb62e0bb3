"""When a scene is trained: words of three languages and cron lines, in every zone, on every night."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbing.words import LANGUAGES
from recommender.errors import ScheduleRefused
from recommender.store.schedules import ScheduleEntry
from recommender.training.schedule import entry_of
from recommender.training.timetable.calendar import DAYS, calendar_of
from recommender.training.timetable.moments import last_due, next_due, run_key
from recommender.training.timetable.problems import NotUnderstood
from recommender.training.timetable.reading import understand
from recommender.training.timetable.saying import ago_said, moment_said, said
from recommender.training.timetable.zones import regions

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
WORDS = {
    "every night at 03:30": "30 3 * * *",
    "every day at 03:30 and 15:30": "30 3,15 * * *",
    "Mondays 04:00": "0 4 * * mon",
    "weekdays at 5": "0 5 * * mon,tue,wed,thu,fri",
    "every 6 hours": "0 0,6,12,18 * * *",
    "on the 1st at 02:00": "0 2 1 * *",
    "on the last day at 02:00": "0 2 last * *",
    "30 3 * * mon-fri": "30 3 * * mon,tue,wed,thu,fri",
    "0 4 * * sat-mon": "0 4 * * mon,sat,sun",
    "Mondays 04:00 and Thursdays 05:30": "0 4 * * mon; 30 5 * * thu",
    "at 4:00 on mondays and at 5:30 on thursdays": "0 4 * * mon; 30 5 * * thu",
    "every evening at 8": "0 20 * * *",
    "5 in the morning": "0 5 * * *",
    "jede Nacht um 3:30": "30 3 * * *",
    "montags und donnerstags 4 Uhr": "0 4 * * mon,thu",
    "werktags um 5 Uhr 30": "30 5 * * mon,tue,wed,thu,fri",
    "alle sechs Stunden": "0 0,6,12,18 * * *",
    "am 1. um 2 Uhr": "0 2 1 * *",
    "毎晩 03:30": "30 3 * * *",
    "毎週月曜日の午後4時半": "30 16 * * mon",
    "月・水・金曜日 4:00": "0 4 * * mon,wed,fri",
    "平日5時": "0 5 * * mon,tue,wed,thu,fri",
    "6時間ごと": "0 0,6,12,18 * * *",
    "毎月1日 2時": "0 2 1 * *",
    "毎日 03:30": "30 3 * * *",
}
WRONG = {
    "every 31st at 25:00": "25:00",
    "every 31st at 03:00": "31st",
    "30 3 * * 1-5": "1-5",
    "30 3 * * 0": "0",
    "0 3 1 * mon": "1, mon",
    "0 3 30 * *": "30",
    "60 3 * * *": "60",
    "30 3 * *": "30 3 * *",
    "*/10 * * * *": "*/10 * * * *",
    "every day at 03:30 and 03:45": "03:45",
    "every day at 03:30 and Mondays 04:00": "04:00",
    "Sundays 23:30 and Mondays 00:15": "00:15",
    "on the 1st at 03:00 and Mondays 03:30": "03:30",
    "every 5 hours": "every 5 hours",
    "every 30 minutes": "every 30 minutes",
    "every 2 days at 3": "every 2 days",
    "every night at 03:30 in Mars/Olympus": "Mars/Olympus",
    "every night": "every night",
    "weekly at 3": "weekly",
    "Mittwochs um 25 Uhr": "25 Uhr",
    "every day at 3:5": "3:5",
    "manchmal um 3": "manchmal",
    "毎月31日 25時": "25時",
    "<b>": "<",
    "x" * 201: "xxx",
}
ZONES = sorted(zoneinfo.available_timezones())
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))
TEXTS = st.builds(
    "{1:02}:{2:02} on {0}".format,
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(", ".join),
    st.integers(0, 23),
    st.integers(0, 59),
)
entries = st.builds(entry_of, st.just("orders"), TEXTS, st.sampled_from(ZONES))


@pytest.mark.parametrize("text", WORDS)
def test_what_is_understood(text: str) -> None:
    """And what is answered in each language means the same when it is typed again."""
    calendar = understand(text).calendar
    assert calendar.text == WORDS[text]
    assert calendar_of(calendar.text) == calendar
    for language in LANGUAGES:
        assert understand(said(calendar, language)).calendar.text == calendar.text


@pytest.mark.parametrize("text", WRONG)
def test_what_is_refused_names_the_word_and_shows_an_example(text: str) -> None:
    examples = {"en": "For example", "de": "Zum Beispiel", "ja": "例"}
    with pytest.raises(NotUnderstood) as refused:
        entry_of("orders", text)
    for language, example in examples.items():
        sentence = refused.value.say(language)
        assert WRONG[text] in sentence
        assert example.lower() in sentence.lower()


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60) | st.from_regex(r"[\d*/, \-]{1,20}( [a-z0-9,\-]{1,8})?", fullmatch=True))
def test_no_text_is_a_mistake_of_ours(text: str) -> None:
    try:
        assert calendar_of(understand(text).calendar.text)
    except NotUnderstood:
        return


def test_a_zone_stands_in_the_text_or_beside_it() -> None:
    assert entry_of("orders", "every night at 3 in asia/tokyo").timezone == "Asia/Tokyo"
    assert entry_of("orders", "every night at 3", "Europe/Paris").timezone == "Europe/Paris"
    for zone in ("Mars/Olympus", "../../etc/passwd", "\0"):
        with pytest.raises(NotUnderstood):
            entry_of("orders", "every night at 3", zone)
    with pytest.raises(ScheduleRefused):
        entry_of("dreams", "every night at 3")


def test_zones_are_chosen_by_region() -> None:
    found = regions()
    assert "Europe/Berlin" in found["Europe"]
    assert found["UTC"] == ["UTC"]
    assert not {"Etc", "posix", "right", "US"} & set(found)


@given(day=st.sampled_from(DAYS))
def test_a_day_is_the_day_it_says(day: str) -> None:
    """Sunday is a Sunday, whichever way cron and APScheduler count."""
    (due,) = next_due(entry_of("orders", f"0 3 * * {day}", "UTC"), datetime(2026, 11, 23, tzinfo=UTC))
    assert (due.strftime("%a").lower(), due.hour) == (day, 3)


@settings(max_examples=40, deadline=None)
@given(entry=entries, start=MOMENTS)
def test_every_week_has_its_training_in_every_zone(entry: ScheduleEntry, start: datetime) -> None:
    """Over five weeks: moments grow, a day is due once, no gap is longer than the days ask for (and the one day
    that a zone may skip), and looking back finds the same moments as looking ahead."""
    days = calendar_of(entry.lines).lines[0].weekdays or tuple(range(7))
    moments = next_due(entry, start, 5 * len(days))
    found = [last_due(entry, at) for at in moments]
    assert [one[1] for one in found if one] == moments
    local = [one[0].date() for one in found if one]
    assert local == sorted(set(local))
    longest = max((b - a - 1) % 7 + 1 for a, b in zip(days, days[1:] + days[:1], strict=True))
    assert all(b - a <= timedelta(days=longest + 1) for a, b in pairwise(moments))
    assert moments[-1] - start < timedelta(days=44)


@pytest.mark.parametrize(
    ("zone", "time", "day", "expected"),
    [
        ("America/Santiago", "00:00", "sun", "2026-09-06T04:00"),  # midnight does not exist: it is 01:00 then
        ("Africa/Cairo", "00:00", "fri", "2026-04-23T22:00"),
        ("Europe/Berlin", "02:30", "sun", "2026-03-29T01:30"),  # 03:30 by the new time
        ("Europe/Berlin", "02:30", "sun", "2026-10-25T00:30"),  # twice: the first one
        ("Australia/Lord_Howe", "02:15", "sun", "2026-10-03T15:45"),  # half an hour is skipped
        ("Australia/Lord_Howe", "01:45", "sun", "2026-04-04T14:45"),  # and repeated
    ],
)
def test_a_midnight_that_does_not_exist_loses_no_week(zone: str, time: str, day: str, expected: str) -> None:
    entry = entry_of("orders", f"{time} on {day}", zone)
    at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    first, second = next_due(entry, at - timedelta(days=2), 2)
    assert first == at
    assert timedelta(days=7, hours=-1) <= second - at <= timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("zone", "night"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 20)),
        ("Europe/Berlin", datetime(2026, 10, 24, 20)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 12)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 12)),
        ("America/Santiago", datetime(2026, 9, 5, 20)),
    ],
)
def test_the_night_the_clocks_change_runs_once(zone: str, night: datetime) -> None:
    """Asked every five minutes of that night: a training of a day has one key, and one of every hour never
    begins twice at one moment."""
    for text, most in (("every night at 02:15", 1), ("every hour", 12)):
        entry = entry_of("orders", text, zone)
        begun: dict[str, datetime] = {}
        for minute in range(0, 12 * 60, 5):
            due = last_due(entry, night.replace(tzinfo=UTC) + timedelta(minutes=minute))
            assert due is not None
            if due[1] > night.replace(tzinfo=UTC):
                assert begun.setdefault(run_key(due[0]), due[1]) == due[1]
        assert len(begun) <= most
        assert len(set(begun.values())) == len(begun) >= most - 2


def test_the_key_is_the_local_day() -> None:
    """Half past midnight in Auckland is a new day although it is yesterday in UTC."""
    due = entry_of("orders", "every night at 00:30", "Pacific/Auckland")
    for hour, key in ((12, "schedule 2026-11-24 00:30"), (10, "schedule 2026-11-23 00:30")):
        found = last_due(due, datetime(2026, 11, 23, hour, tzinfo=UTC))
        assert found is not None
        assert run_key(found[0]) == key


def test_moments_in_words() -> None:
    now = datetime(2026, 11, 23, 17, tzinfo=UTC)  # 18:00 in Berlin
    tonight, tomorrow = datetime(2026, 11, 24, 2, 30, tzinfo=UTC), datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert moment_said(tonight, now, BERLIN, "en") == "tonight at 03:30"
    assert moment_said(tonight, now, BERLIN, "de") == "heute Nacht um 03:30"
    assert moment_said(tomorrow, now, BERLIN, "ja") == "明日 15:00"
    assert moment_said(tomorrow + timedelta(days=5), now, BERLIN, "en") == "Sunday, 29 November 2026, 15:00"
    assert ago_said(now - timedelta(hours=6), now, "en") == "6 hours ago"
    assert ago_said(now - timedelta(hours=6), now, "de") == "vor 6 Stunden"
