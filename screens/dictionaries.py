"""The words of the pages: one JSON file for each folder of `words/`, addressed by what it is made of.

A sentence that a language lacks is taken from English, and the server's log says which: nobody reads an id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

import structlog
from babel.core import Locale, UnknownLocaleError, negotiate_locale
from werkzeug import Request

from plumbing import patterns
from plumbing.patterns import Pattern
from plumbing.words import Compiled, Words

FOLDER = Path(__file__).parent / "words"
VERSION = 1
"""Of the JSON: `{"v", "language", "direction", "messages", "english"}`; `english` are the ids that fell back."""
_NAME = re.compile(r"^language_name *= *(.+)$", re.MULTILINE)
_COMPILER = Path(patterns.__file__).read_bytes()
"""Another way to compile makes another content of the same sentences."""

log = structlog.get_logger(__name__)


class Dictionary:
    """One language as it is sent. It is compiled when it is first spoken: no start waits for any."""

    def __init__(self, words: Words, language: str, english: Dictionary | None = None) -> None:
        """`english` has the sentences that this language lacks; English itself has none."""
        self.language = language
        self._words, self._english = words, english or self
        self._sources = words.sources(language)
        said = _NAME.search("\n".join(self._sources))
        self.name = said[1].strip() if said else language
        """As its speakers write it."""
        made_of = (VERSION, language, self._english._sources, self._sources, _COMPILER)
        seen = hashlib.sha256(repr(made_of).encode())
        self.file = f"{language}.{seen.hexdigest()[:16]}.json"
        """Its file name: another content has another one, so that a browser may keep it for good."""

    @property
    def messages(self) -> Mapping[str, Pattern]:
        """What is said by the id of each sentence."""
        return self._content[0]

    @property
    def body(self) -> bytes:
        """The JSON."""
        return self._content[1]

    @cached_property
    def _own(self) -> Compiled:
        return self._words.compiled(self.language)

    @cached_property
    def _content(self) -> tuple[Mapping[str, Pattern], bytes]:
        """What is missing or cannot be read is logged once."""
        english, own = self._english._own.patterns, self._own
        missing = [name for name in english if name not in own.patterns]
        if missing or own.faults:
            log.warning("screen_words_incomplete", language=self.language, in_english=missing, faults=own.faults)
        messages = {name: own.patterns.get(name, pattern) for name, pattern in english.items()}
        content = {
            "v": VERSION,
            "language": self.language,
            "direction": _direction(self.language),
            "messages": messages,
            "english": missing,
        }
        return messages, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def dictionaries(folder: Path = FOLDER) -> Mapping[str, Dictionary]:
    """The languages that `folder` has, English first."""
    words = Words(folder)
    english = Dictionary(words, "en")
    return {name: english if name == "en" else Dictionary(words, name, english) for name in words.languages}


def language_for(request: Request, offered: Mapping[str, Dictionary]) -> str:
    """The language of `?lang=`, else the one that the browser asks for, else English."""
    wanted = [request.args.get("lang", ""), *request.accept_languages.values()]
    return negotiate_locale([name.replace("-", "_") for name in wanted if name], list(offered), sep="_") or "en"


def _direction(language: str) -> str:
    try:
        return "rtl" if Locale.parse(language, sep="-").character_order == "right-to-left" else "ltr"
    except (UnknownLocaleError, ValueError):
        return "ltr"
