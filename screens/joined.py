"""The modules of a page, joined into one file: a browser asks for one, not for seventy.

Each module becomes a function that is called once, those that it imports before it. So the joined file does what
its modules do, with their names kept apart. Modules that a page loads later (`LATER`), and what these import, stay
files of their own: each module of a page is there once. What this cannot join is refused by name, when the server
starts.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

PAGES = ("js/kiosk.js", "js/taxi.js", "js/driver.js")
"""The first modules of the pages that are joined; the others have few."""

LATER = ("js/me/me.js",)
"""What a page loads only when it is needed, by `import(...)`."""

_IMPORT = re.compile(
    r'^import (?:(?:\{(?P<names>[^}]*)\}|\* as (?P<all>[\w$]+)) from )?"(?P<path>[^"]+)";[^\n]*\n', re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|const|class) (?P<name>[\w$]+))", re.MULTILINE)
_NOT_JOINED = re.compile(r"^(?:import|export|await|for await)\b.*|import\.meta", re.MULTILINE)


def name_of(entry: str) -> str:
    """The joined file's name: beside the page's own module."""
    return entry.removesuffix(".js") + ".joined.js"


def imported(folder: Path, name: str) -> list[str]:
    """The modules that a module imports, in its order; not those that it loads later."""
    if not name.endswith(".js"):
        return []
    return [_beside(name, found["path"]) for found in _IMPORT.finditer((folder / name).read_text("utf-8"))]


def needed(folder: Path, *entries: str) -> list[str]:
    """These modules and all that they import, each behind those that it imports."""
    found: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{name} imports itself, by way of {above[-1]}")
        if name not in found:
            for other in imported(folder, name):
                visit(other, (*above, name))
            found[name] = None

    for entry in entries:
        visit(entry, ())
    return list(found)


def apart(folder: Path, entry: str) -> list[str]:
    """The modules that a page's joined file imports: those that are also needed later."""
    later = set(_needed_later(folder))
    return [name for name in needed(folder, entry) if name in later]


def _needed_later(folder: Path) -> list[str]:
    return needed(folder, *(name for name in LATER if (folder / name).is_file()))


def joined(folder: Path, entry: str) -> str:
    """The text of a page's joined file.

    Raises ValueError: modules that import one another in a circle, or one with something that cannot be joined.
    """
    inside = needed(folder, entry)
    later = set(_needed_later(folder))
    outside = [name for name in inside if name in later]
    numbers = {name: number for number, name in enumerate([*outside, *inside])}
    lines = [f'import * as module_{numbers[name]} from "{_from(entry, name)}";\n' for name in outside]
    for name in inside:
        if name not in later:
            lines.append(f"// {name}\nconst module_{numbers[name]} = {_wrapped(folder, entry, name, numbers)};\n")
    return "".join(lines)


def _wrapped(folder: Path, entry: str, name: str, numbers: dict[str, int]) -> str:
    """A module as a function that has been called: an object of what it exports."""
    text = (folder / name).read_text("utf-8")

    def taken(found: re.Match[str]) -> str:
        module = f"module_{numbers[_beside(name, found['path'])]}"
        if found["all"]:
            return f"const {found['all']} = {module};\n"
        names = (found["names"] or "").replace(" as ", ": ").strip().rstrip(",")
        return f"const {{ {names} }} = {module};\n" if names else "\n"

    exports = [found["name"] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(taken, text))
    if refused := _NOT_JOINED.search(body):
        raise ValueError(f"{name} cannot be joined with the other modules of a page: {refused[0].strip()}")
    if "import(" in body and PurePosixPath(name).parent != PurePosixPath(entry).parent:
        raise ValueError(f"{name} loads a module later: that must be done beside {entry}")
    return f"(() => {{\n{body}return Object.freeze({{ {', '.join(exports)} }});\n}})()"


def _beside(name: str, path: str) -> str:
    """The name of a module that another one imports by a relative path."""
    parts = list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _from(entry: str, name: str) -> str:
    """The relative path of a module, in the folder of the page's own one or below."""
    return "./" + PurePosixPath(name).relative_to(PurePosixPath(entry).parent).as_posix()
