"""What people read in three languages: messages in Fluent files, a folder for each language.

A room that speaks to people has a folder `words/` with `en`, `de` and `ja`, each with `.ftl` files. The server
fills in a message where it has the figures; a page gets the simple messages (`Words.patterns`) and fills them in
itself. What is stored is the message and its values (`Message.to_json`), never a sentence of one language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from babel.core import negotiate_locale
from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast, parse
from werkzeug import Request

from plumbing.patterns import CannotCompile, Entries, Pattern, compile_message

LANGUAGES = ("en", "de", "ja")
VERSION = 1

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence without its language: the id in the Fluent files, and the values of its variables."""

    id: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def of(cls, message_id: str, **values: Value) -> Self:
        """A message with the values by name."""
        return cls(message_id, values)

    def to_json(self) -> str:
        """As it is stored: one line with a version."""
        return json.dumps({"v": VERSION, "id": self.id, "values": dict(self.values)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The inverse of `to_json`; None for a text that is no message, such as a sentence of an older release."""
        try:
            stored = json.loads(text)
        except ValueError:
            return None
        if not isinstance(stored, dict) or stored.get("v") != VERSION:
            return None
        return cls(str(stored["id"]), stored["values"])


@dataclass(frozen=True, slots=True)
class Compiled:
    """The messages of one language for a page (`plumbing/patterns.py`), and what could not be read, in words."""

    patterns: Mapping[str, Pattern]
    faults: tuple[str, ...]


class Words:
    """The messages of some folders. A message that a language lacks is shown in English."""

    def __init__(self, *folders: Path) -> None:
        """`folders` hold `en/*.ftl` and so on; a message id stands in one of them alone."""
        self._folders = folders

    def text(self, language: str, message_id: str, **values: Value) -> str:
        """The message in `language`; a language without a folder gets English.

        Raises:
            KeyError: no language has this message.
        """
        for name in dict.fromkeys((language, "en")):
            bundle = self._bundles.get(name)
            if bundle is not None and bundle.has_message(message_id):
                pattern = bundle.get_message(message_id).value
                if pattern is not None:
                    formatted, _ = bundle.format_pattern(pattern, dict(values))
                    return str(formatted)
        raise KeyError(message_id)

    def say(self, language: str, message: Message) -> str:
        """`text` of a `Message`."""
        return self.text(language, message.id, **message.values)

    def patterns(self, language: str, prefix: str = "") -> dict[str, str]:
        """The messages that a page can fill in itself (text and `{name}` alone), by id."""
        found: dict[str, str] = {}
        for name in ("en", language):
            for message in self._messages(name):
                text = _simple(message.value)
                if text is not None and message.id.name.startswith(prefix):
                    found[message.id.name] = text
        return found

    @property
    def languages(self) -> list[str]:
        """The languages that there is a folder for, English first."""
        names = {path.name for folder in self._folders for path in folder.glob("*/") if any(path.glob("*.ftl"))}
        return sorted(names, key=lambda name: (name != "en", name))

    def compiled(self, language: str) -> Compiled:
        """The messages of a language alone as a page evaluates them, without those that cannot be read."""
        bodies = [entry for tree in self._trees(language) for entry in tree.body]
        entries: Entries = {
            ("-" if isinstance(entry, ast.Term) else "") + entry.id.name: entry
            for entry in bodies
            if isinstance(entry, ast.Message | ast.Term)
        }
        patterns: dict[str, Pattern] = {}
        faults = [f"no Fluent: {(e.content or '').strip()[:60]}" for e in bodies if isinstance(e, ast.Junk)]
        for message in bodies:
            if not isinstance(message, ast.Message):
                continue
            try:
                patterns[message.id.name] = compile_message(message, entries)
            except CannotCompile as error:
                faults.append(str(error))
        return Compiled(patterns, tuple(faults))

    def variables(self, language: str) -> dict[str, frozenset[str]]:
        """The names of the variables of each message, by id: two languages must agree in them."""
        return {message.id.name: frozenset(_variables(message)) for message in self._messages(language)}

    @cached_property
    def _bundles(self) -> Mapping[str, FluentBundle]:
        bundles = {}
        for language in self.languages:
            bundle = bundles[language] = FluentBundle([language], use_isolating=False)
            for text in self.sources(language):
                bundle.add_resource(FluentResource(text))
        return bundles

    def sources(self, language: str) -> list[str]:
        """The Fluent files of a language as text."""
        return [path.read_text("utf-8") for path in self._files(language)]

    def _files(self, language: str) -> list[Path]:
        return [path for folder in self._folders for path in sorted((folder / language).glob("*.ftl"))]

    def _messages(self, language: str) -> list[ast.Message]:
        return [entry for tree in self._trees(language) for entry in tree.body if isinstance(entry, ast.Message)]

    def _trees(self, language: str) -> list[ast.Resource]:
        return [parse(text) for text in self.sources(language)]


def language_of(request: Request) -> str:
    """The language that a request asks for: `?language=`, else Accept-Language; else English."""
    asked = request.args.get("language")
    wanted = [asked] if asked else [name.replace("-", "_") for name in request.accept_languages.values()]
    found = negotiate_locale(wanted, LANGUAGES, sep="_")
    return found if found in LANGUAGES else "en"


def _simple(pattern: ast.Pattern | None) -> str | None:
    """Text and variables of a pattern as `text {name}`; None when it selects or calls."""
    parts = []
    for element in [] if pattern is None else pattern.elements:
        if isinstance(element, ast.TextElement):
            parts.append(element.value)
        elif isinstance(element.expression, ast.VariableReference):
            parts.append("{" + element.expression.id.name + "}")
        else:
            return None
    return "".join(parts) if parts else None


def _variables(node: object) -> set[str]:
    if isinstance(node, ast.VariableReference):
        return {node.id.name}
    if isinstance(node, list):
        return set().union(*map(_variables, node))
    if isinstance(node, ast.BaseNode):
        return set().union(*(_variables(value) for name, value in vars(node).items() if name != "span"))
    return set()
