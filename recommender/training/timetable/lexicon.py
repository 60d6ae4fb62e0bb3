"""The words of schedules in English, German and Japanese, cut into tokens. All three are understood at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from recommender.training.timetable.calendar import LAST

Value = int | str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is one of: time, number, hours, part, daily, days, month_day, weekly, monthly, and, to, zone, noise.

    `value` is in minutes of the day for a time; a part of the day shifts a bare hour; days are 0 (Monday) to 6.
    """

    kind: str
    value: Value
    text: str


NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "one eine einer einen",
            "two zwei other second zweite",
            "three drei third dritte",
            "four vier",
            "five fünf",
            "six sechs",
            "seven sieben",
            "eight acht",
            "nine neun",
            "ten zehn",
            "eleven elf",
            "twelve zwölf",
        ),
        1,
    )
    for name in names.split()
}

_WEEKDAYS = (
    "mon monday mondays mo montag montags 月曜日 月曜",
    "tue tues tuesday tuesdays di dienstag dienstags 火曜日 火曜",
    "wed wednesday wednesdays mi mittwoch mittwochs 水曜日 水曜",
    "thu thur thurs thursday thursdays do donnerstag donnerstags 木曜日 木曜",
    "fri friday fridays fr freitag freitags 金曜日 金曜",
    "sat saturday saturdays sa samstag samstags sonnabend sonnabends 土曜日 土曜",
    "sun sunday sundays so sonntag sonntags 日曜日 日曜",
)
_OTHERS: dict[tuple[str, Value], str] = {
    ("daily", ""): "day days daily everyday täglich taeglich tag tage tags 毎日 日毎 日ごと",
    ("daily", "night"): "night nights nightly nacht nachts nächtlich 毎晩 毎夜 夜",
    ("daily", "morning"): "morning mornings morgen morgens früh 毎朝 朝",
    ("daily", "late"): "evening evenings afternoon afternoons abend abends nachmittag nachmittags 夕方 毎夕 晩",
    ("days", (0, 1, 2, 3, 4)): "weekday weekdays workday workdays werktag werktage werktags wochentags 平日",
    ("days", (5, 6)): "weekend weekends wochenende wochenenden 週末 土日",
    ("weekly", ""): "week weeks weekly woche wochen wöchentlich 毎週 週",
    ("monthly", ""): "month months monthly monat monats monatlich 毎月 月",
    ("month_day", LAST): "last letzter letzten letzte ultimo 月末日 月末 末日 最終日",
    ("month_day", 1): "first erster ersten erste",
    ("hours", 1): "hourly stündlich 毎時",
    ("time", 12 * 60): "noon midday mittag mittags 正午",
    ("time", 0): "midnight mitternacht mitternachts 真夜中 零時",
    ("and", ""): "and und sowie と 及び",
    ("to", ""): "to through until bis から",
    ("noise", ""): "at on the of in every each all um am den der dem des das im jeden jede jeder jedes alle"
    " uhr jeweils immer a an o'clock oclock clock from von に の は で まで 毎 時",
}


def _lexicon() -> dict[str, tuple[str, Value]]:
    found: dict[str, tuple[str, Value]] = {}
    for number, names in enumerate(_WEEKDAYS):
        found |= dict.fromkeys(names.split(), ("days", (number,)))
    for meaning, names in _OTHERS.items():
        found |= dict.fromkeys(names.split(), meaning)
    return found


LEXICON = _lexicon()
_JAPANESE = sorted((word for word in LEXICON if ord(word[0]) > 0x2FFF), key=len, reverse=True)
_WORD = "|".join(sorted(NUMBERS, key=len, reverse=True))
_KANJI_DAYS = "月火水木金土日"

PATTERNS = (
    ("space", re.compile(r"[\s.!。]+")),
    ("and", re.compile(r"[,;&+、・]")),
    ("zone", re.compile(r"[a-z]+(?:/[a-z0-9_+\-]+)+|utc\b|gmt\b")),
    (
        "minutes",
        re.compile(r"(?:every|alle|jede)\s+(?:\d+\s*)?(?:minutes?|mins?|minuten?)\b|\d+分(?:ごと|毎|おき)"),
    ),
    (
        "hours",
        re.compile(
            rf"(?:every|each|alle|jede)\s+(?:(?P<n>\d+|{_WORD})\s*)?(?:hours?|hrs?|h|stunden?|std)\b"
            r"|(?P<m>\d+)時間(?:ごと|毎|おき)"
        ),
    ),
    (
        "intervals",
        re.compile(
            rf"(?:every|each|alle)\s+(?:\d+|{_WORD})\s+(?:days?|weeks?|months?|tage|wochen|monate)\b"
            rf"|every other (?:day|week|month)|\d+(?:日|週間?|か月|ヶ月)(?:ごと|毎|おき)"
        ),
    ),
    ("kanji_days", re.compile(rf"[{_KANJI_DAYS}](?:[・、,と]?[{_KANJI_DAYS}])+曜日?")),
    (
        "clock",
        re.compile(
            r"(?P<half>午前|午後)?\s*(?P<h>\d{1,2})(?:[:.h](?P<m>\d{2})(?!\d)|時(?!間)(?:(?P<jm>\d{1,2})分|(?P<jh>半))?)"
            r"\s*(?P<ap>[ap]\.?m\b\.?)?(?:\s*uhr\b)?"
        ),
    ),
    ("clock", re.compile(r"(?P<h>\d{1,2})\s*(?P<ap>[ap]\.?m\b\.?)")),
    ("clock", re.compile(r"(?P<h>\d{1,2})\s*uhr\b(?:\s*(?P<m>\d{2})\b)?")),
    ("clock", re.compile(r"(?P<h>\d{2})(?P<m>\d{2})(?!\d)")),
    ("wrong_time", re.compile(r"\d{1,2}:\d?(?!\d)|\d+:\d+")),
    ("month_day", re.compile(r"(?P<n>\d{1,2})(?:st|nd|rd|th)\b|(?P<g>\d{1,2})\.(?=\s|$)|(?P<j>\d{1,2})日")),
    (
        "month_day_last",
        re.compile(
            r"(?:last|letzten?|letzter)\s+(?:day|tag)\b(?:\s+(?:of|des|in|im)\b)?"
            r"|end of (?:the|each) month|monatsende"
        ),
    ),
    ("number", re.compile(r"\d+")),
    ("to", re.compile(r"[-–—〜~]")),
)
_LATIN = re.compile(r"[a-zà-ÿ']+")


def tokens(text: str) -> list[Token]:
    """The tokens of a text, in its order.

    Raises:
        NotUnderstood: it names the words that no language has, and the times that no day has.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return list(_scan(plain))


def _scan(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        kind, match = next(
            ((kind, found) for kind, pattern in PATTERNS if (found := pattern.match(text, place))), ("", None)
        )
        if match is None:
            word, token = _word(text, place)
            place += len(word)
            yield token
            continue
        place = match.end()
        if kind != "space":
            yield _token(kind, match)


def _token(kind: str, match: re.Match[str]) -> Token:
    text = match.group().strip()
    given = {name: value for name, value in match.groupdict().items() if value is not None}
    if kind == "clock":
        return _clock(given, text)
    if kind == "hours":
        said = given.get("n") or given.get("m") or "1"
        return Token("hours", NUMBERS.get(said) or int(said), text)
    if kind == "month_day":
        number = int(next(iter(given.values())))
        return Token(kind if number else "unknown", number, text)
    if kind == "month_day_last":
        return Token("month_day", LAST, text)
    if kind == "kanji_days":
        days = text.split("曜")[0]
        return Token("days", tuple(_KANJI_DAYS.index(one) for one in days if one in _KANJI_DAYS), text)
    if kind == "number":
        return Token(kind, int(text[:9]), text)
    return Token(kind, text, text)


def _clock(given: dict[str, str], text: str) -> Token:
    """A time of the day, or the token `wrong_time`."""
    hour = int(given["h"])
    minute = 30 if "jh" in given else int(given.get("m") or given.get("jm") or 0)
    late = given.get("half") == "午後" or given.get("ap", "").startswith("p")
    early = given.get("half") == "午前" or given.get("ap", "").startswith("a")
    if ((late or early) and hour > 12) or hour > 23 or minute > 59:
        return Token("wrong_time", text, text)
    if late or early:
        hour = hour % 12 + 12 * late
    bare = not (late or early or "m" in given or "jm" in given or "jh" in given)
    return Token("hour" if bare else "time", 60 * hour + minute, text)


def _word(text: str, place: int) -> tuple[str, Token]:
    latin = _LATIN.match(text, place)
    if latin is not None:
        word = latin.group()
        kind, value = LEXICON.get(word, ("unknown", word))
        return word, Token(kind, value, word)
    for known in _JAPANESE:
        if text.startswith(known, place):
            kind, value = LEXICON[known]
            return known, Token(kind, value, known)
    end = place + 1
    while end < len(text) and not text[end].isspace() and not _begins(text, end):
        end += 1
    return text[place:end], Token("unknown", text[place:end], text[place:end])


def _begins(text: str, place: int) -> bool:
    return text[place].isascii() or any(text.startswith(known, place) for known in _JAPANESE)
