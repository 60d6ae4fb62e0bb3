"""The texts of the policy page and of the sign at the door, from the settings that are active.

Pure functions: text in, text out. The texts are `policies/<language>.md`, with placeholders for the settings; HTML
is made in `identity/web/pages.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from identity.config import PURPOSES, IdentityConfig
from identity.consent.notices import Notice
from identity.errors import LanguageUnknown

POLICIES = Path(__file__).parent / "policies"
LANGUAGES = ("en", "de", "ja")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class PackFacts:
    """An engine pack as its manifest describes it. `files` are (name, licence, sha256)."""

    id: str
    vendor: str
    licence: str
    grade: str
    files: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the texts are made from. `liveness` names a passive model; `moves`: a challenge is asked for."""

    notice: Notice
    needs: Mapping[str, str]
    packs: Sequence[PackFacts]
    liveness: str | None
    moves: bool
    least_people: int
    promise: float
    token_minutes: int
    pin_tries: int


def facts_of(config: IdentityConfig, notice: Notice, packs: Sequence[PackFacts], least_people: int) -> Facts:
    """The facts of an installation; `least_people` stand behind what everybody sees."""
    return Facts(
        notice=notice,
        needs=config.needs,
        packs=packs,
        liveness=config.liveness,
        moves=config.asks_for_moves,
        least_people=least_people,
        promise=config.promise,
        token_minutes=config.token_life_us // 60_000_000,
        pin_tries=config.pin_tries,
    )


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page: `heading`, `paragraph` or `list`; a heading has the `name` of its section."""

    kind: str
    lines: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The policy in one language, filled with facts. `words` are the single sentences of its header."""

    language: str
    words: Mapping[str, str]
    blocks: tuple[Block, ...]

    @property
    def title(self) -> str:
        """Of the page."""
        return self.words["title"]


def policy(facts: Facts, language: str) -> PolicyText:
    """The policy in a language. Raises LanguageUnknown."""
    if language not in LANGUAGES:
        raise LanguageUnknown(language, LANGUAGES)
    _, head, body = (POLICIES / f"{language}.md").read_text("utf-8").split("---\n", 2)
    header = dict(line.split(": ", 1) for line in head.splitlines())
    values = _values(facts, header)
    words = {name: filled(text, values) for name, text in header.items()}
    return PolicyText(language, words, tuple(_block(part, values) for part in body.strip().split("\n\n")))


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced, once: what a setting puts in is never read as a placeholder."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _values(facts: Facts, header: Mapping[str, str]) -> dict[str, str]:
    notice, between = facts.notice, "：" if facts.notice.language == "ja" else " – "
    packs = [
        {"pack": pack.id, "vendor": pack.vendor, "licence": pack.licence, "grade": header[f"grade_{pack.grade}"]}
        for pack in facts.packs
    ]
    living = [filled(header["liveness_model"], {"name": facts.liveness})] if facts.liveness else []
    if facts.moves:
        living.append(header["liveness_moves"])
    return {
        "controller": notice.controller,
        "contact": notice.contact,
        "retention": notice.retention,
        "minimum_age": str(notice.minimum_age),
        "version": notice.version,
        "stop": notice.withdrawal,
        "people": str(facts.least_people),
        "needs": "\n".join(
            f"* {notice.purposes[name].rstrip('.。')}{between}{header[f'need_{facts.needs[name]}']}"
            for name in PURPOSES
        ),
        "packs": "\n".join(f"* {filled(header['pack_line'], pack)}" for pack in packs),
        "liveness": " ".join(living) or header["liveness_off"],
    }


def _block(part: str, values: Mapping[str, str]) -> Block:
    if part.startswith("## "):
        title, _, name = part[3:].partition(" {#")
        return Block("heading", (filled(title, values),), name.rstrip("}"))
    if part in ("{needs}", "{packs}"):
        part = filled(part, values)
    if part.startswith("* "):
        return Block("list", tuple(filled(line[2:], values) for line in part.splitlines()))
    return Block("paragraph", (filled(part, values),))
