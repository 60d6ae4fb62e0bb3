"""The promises, each with its tests and how these ended the last time they ran."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CITED = re.compile(r"`([\w/]+)\.py::(test_\w+)`")
RESULTS = "usual-test-results-1"
NOT_RUN = "not run here"


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of docs/promises.md. `tests` are (file without ending, name)."""

    section: str
    rule: str
    tests: tuple[tuple[str, str], ...]


def promises_in(text: str) -> list[Promise]:
    """The rows of the tables of docs/promises.md, in their order."""
    found, section = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and (tests := CITED.findall(line)):
            found.append(Promise(section, line.split("|")[1].strip(), tuple(tests)))
    return found


@dataclass(frozen=True, slots=True)
class Results:
    """How the tests ended. `ends` is by (file without ending, name); a test with several cases is as good as its
    worst. `made_on` is the day, "" when nothing is known."""

    made_on: str
    ends: Mapping[tuple[str, str], str]

    def of(self, test: tuple[str, str]) -> str:
        """How a test ended, or NOT_RUN."""
        return self.ends.get(test, NOT_RUN)


def results_in(path: Path) -> Results:
    """The results that the last run of the whole suite left at `path`; none when there is no such file.

    Raises ValueError: the file is no such record.
    """
    if not path.is_file():
        return Results("", {})
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != RESULTS:
            raise ValueError("of another format")
        ends = {}
        for test, end in content["tests"].items():
            file, _, name = test.partition(".py::")
            ends[file, name] = str(end)
        return Results(str(content["made_on"]), ends)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is no record of tests ({RESULTS})") from error


def as_markdown(promises: Sequence[Promise], results: Results) -> str:
    """A table: promise, its tests, how they ended."""
    when = f"The tests ran on {results.made_on}." if results.made_on else "The tests were not run here."
    lines = ["# Promises", "", f"Each promise with its tests and their last result. {when}", ""]
    section = ""
    for promise in promises:
        if promise.section != section:
            section = promise.section
            lines += ["", f"## {section}", "", "| promise | test | result |", "|---|---|---|"]
        for place, (file, name) in enumerate(promise.tests):
            rule = promise.rule if place == 0 else ""
            lines.append(f"| {rule} | `{file}.py::{name}` | {results.of((file, name))} |")
    return "\n".join(lines) + "\n"
