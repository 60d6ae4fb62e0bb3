"""The fenced blocks of a page, and one script that runs them in order, as a reader would.

A block that the tests cannot run has a line before it that says why: `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>.+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
RUN = ("sh", "python")
SHOWN = ("text", "json", "toml", "ini", "mermaid", "yaml", "js", "html")
END = "END_OF_SNIPPET"


@dataclass(frozen=True)
class Snippet:
    """One block."""

    language: str
    code: str
    line: int
    why_not: str = ""


def snippets(path: Path) -> list[Snippet]:
    """The blocks of a page, in order."""
    text = path.read_text()
    return [
        Snippet(one["language"], one["code"], text.count("\n", 0, one.start("code")), one["why"] or "")
        for one in BLOCK.finditer(text)
    ]


def script(found: Sequence[Snippet], *, python: str) -> str:
    """One script of bash for the blocks that are run; the last line it notes is that of the block that failed."""
    lines = ["set -eu -o pipefail"]
    for one in found:
        if one.language not in RUN or one.why_not:
            continue
        lines.append(f"echo 'line {one.line}' >&2")
        if one.language == "sh":
            lines.append(one.code)
        else:
            lines.append(f"{shlex.quote(python)} -W error::DeprecationWarning - <<'{END}'\n{one.code}{END}")
    return "\n".join(lines)


def pages() -> list[Path]:
    """Every page of the site that a person writes, and those that it borrows."""
    more = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "deploy").rglob("README.md"))]
    return [*sorted((ROOT / "docs").rglob("*.md")), *more]
