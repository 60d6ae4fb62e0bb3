"""One text of a notice, in one language: a file of a header and Markdown, with placeholders for the settings.

    ---
    format: usual-notice-1
    version: 2026-12
    language: en
    ...                      names of places, words for months, the purposes' texts (HEADER)
    ---
    Two paragraphs with the essentials: what happens, how long, how to stop, who is responsible.

    ## A heading {#its-name}

The name of a section is the same in every language, and is not shown. Placeholders: `{controller}`,
`{contact}`, `{place}`, `{retention}`, `{minimum_age}`, `{purposes}` and `{stop}`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import LEDGER_PURPOSES, PURPOSES
from identity.errors import NoticeIncomplete

FORMAT = "usual-notice-1"
LANGUAGES = ("en", "de", "ja")
"""What every version is written in: the languages of the screens. A version may have more."""

PLACES = ("restaurant", "taxi")
HEADER = ("no_controller", "no_contact", *PLACES, "month", "months", "stop", *LEDGER_PURPOSES)
"""What the header of every text says, beside format, version and language."""

PLACEHOLDERS = frozenset({"controller", "contact", "place", "retention", "minimum_age", "purposes", "stop"})
ESSENTIAL = frozenset({"controller", "contact", "retention", "stop"})
"""Placeholders of the first two paragraphs: a screen shows these without scrolling."""

MOST_ESSENTIALS = 600  # characters of the first two paragraphs, before the settings are put in
MOST_BYTES = 64_000
VERSION = re.compile(r"[0-9][0-9A-Za-z._-]{0,31}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_SECTION = re.compile(r"^## (.+?) \{#([a-z][a-z0-9-]*)\}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Filling:
    """What the settings put into a text. An empty controller or contact is replaced by words of the text."""

    controller: str
    contact: str
    place: str
    retention_months: int
    minimum_age: int


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A text as it was written. `sha256` is of the file's bytes."""

    version: str
    language: str
    header: Mapping[str, str]
    body: str
    sha256: str

    @classmethod
    def parse(cls, content: bytes, language: str) -> NoticeText:
        """The text in the file `LANGUAGE.md`. Raises NoticeIncomplete with everything that is wrong."""
        name = f"{language}.md"
        try:
            text = content.decode() if len(content) <= MOST_BYTES else ""
        except UnicodeDecodeError:
            text = ""
        start, _, rest = text.replace("\r\n", "\n").partition("---\n")
        head, mark, body = rest.partition("\n---\n")
        if start or not mark:
            raise NoticeIncomplete([f"{name} is no notice: UTF-8 with a header between two lines `---`."])
        header = dict(_header_line(line) for line in head.splitlines() if line.strip())
        made = cls(
            header.pop("version", ""),
            header.pop("language", ""),
            header,
            body.strip() + "\n",
            hashlib.sha256(content).hexdigest(),
        )
        if faults := [f"{name}: {fault}" for fault in made._faults(language)]:
            raise NoticeIncomplete(faults)
        return made

    def _faults(self, language: str) -> list[str]:
        faults = []
        if self.header.get("format") != FORMAT:
            faults.append(f"its format is not {FORMAT}.")
        if self.language != language or not LANGUAGE.fullmatch(language):
            faults.append(f"its header names the language {self.language!r}.")
        if not VERSION.fullmatch(self.version):
            faults.append("its version is not 1 to 32 letters, digits, dots and hyphens, with a digit first.")
        if missing := [name for name in HEADER if not self.header.get(name)]:
            faults.append(f"its header lacks {', '.join(missing)}.")
        if "{n}" not in self.header.get("months", "{n}"):
            faults.append("`months` needs {n}, the number of months.")
        if unknown := sorted(self.placeholders - PLACEHOLDERS):
            faults.append(f"unknown placeholders {', '.join(unknown)}.")
        if missing := sorted(PLACEHOLDERS - self.placeholders):
            faults.append(f"the placeholders {', '.join(missing)} are missing.")
        if missing := sorted(ESSENTIAL - set(_PLACEHOLDER.findall(self.essentials))):
            faults.append(f"the first two paragraphs lack {', '.join(missing)}.")
        if len(self.essentials) > MOST_ESSENTIALS:
            faults.append(f"the first two paragraphs have more than {MOST_ESSENTIALS} characters.")
        if self.body.count("\n## ") != len(self.sections):
            faults.append("a heading has no name, such as `## How long {#retention}`.")
        if len(set(self.sections)) != len(self.sections):
            faults.append("two headings have the same name.")
        return faults

    @property
    def essentials(self) -> str:
        """The first two paragraphs."""
        return "\n\n".join(self.body.split("\n\n")[:2])

    @property
    def placeholders(self) -> frozenset[str]:
        """What the text leaves to the settings."""
        return frozenset(_PLACEHOLDER.findall(self.body))

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of its headings, in order."""
        return tuple(name for _, name in _SECTION.findall(self.body))

    @property
    def purposes(self) -> Mapping[str, str]:
        """The text of each of LEDGER_PURPOSES."""
        return {name: self.header[name] for name in LEDGER_PURPOSES}

    def words(self, filling: Filling) -> dict[str, str]:
        """What stands in place of each placeholder."""
        months = "month" if filling.retention_months == 1 else "months"
        return {
            "controller": filling.controller or self.header["no_controller"],
            "contact": filling.contact or self.header["no_contact"],
            "place": self.header[filling.place],
            "retention": self.header[months].replace("{n}", str(filling.retention_months)),
            "minimum_age": str(filling.minimum_age),
            "purposes": "\n".join(f"* {self.header[name]}" for name in PURPOSES),
            "stop": self.header["stop"],
        }

    def filled(self, filling: Filling) -> str:
        """The text as a person reads it. What the settings put in is never read as a placeholder."""
        words = self.words(filling)
        plain = _SECTION.sub(r"## \1", self.body)
        return _PLACEHOLDER.sub(lambda found: words[found[1]], plain)


def differences(texts: Mapping[str, NoticeText]) -> list[str]:
    """What keeps the texts of one version, by language, from saying the same: a sentence for each."""
    faults = [f"{language}.md is missing." for language in LANGUAGES if language not in texts]
    if not texts:
        return faults
    first = texts.get("en") or next(iter(texts.values()))
    for language, text in texts.items():
        of_both = f"{first.language}.md and {language}.md"
        if text.version != first.version:
            faults.append(f"{of_both} have different versions.")
        if text.sections != first.sections:
            faults.append(f"{of_both} have different sections, or in another order.")
        if sorted(_PLACEHOLDER.findall(text.body)) != sorted(_PLACEHOLDER.findall(first.body)):
            faults.append(f"{of_both} do not use the same placeholders equally often.")
    return faults


def _header_line(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
