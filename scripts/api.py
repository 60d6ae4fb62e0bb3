"""Write down what clients rely on: `docs/api/openapi-1.json` and the catalogue of errors.

    .venv/bin/python scripts/api.py            write both
    .venv/bin/python scripts/api.py --check    say what would break a client, and fail if anything would

`docs/api/README.md` says what may change and what may not.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]  # also when a test loads this file by its path

from api_changes import breaking  # noqa: E402

from plumbing.problem import Problem  # noqa: E402

PRODUCT = ("plumbing", "identity", "recommender", "screens", "desk", "doorway")
DESCRIPTION = ROOT / "docs" / "api" / "openapi-1.json"
CATALOGUE = ROOT / "doorway" / "front" / "errors.json"


def problem_modules() -> list[str]:
    """The modules of the product in which a class has a `code`."""
    found = []
    for path in sorted(path for top in PRODUCT for path in (ROOT / top).rglob("*.py")):
        text = path.read_text()
        if "code = " not in text:
            continue
        classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        if any(_has_code(one) for one in classes):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def _has_code(one: ast.ClassDef) -> bool:
    return any(
        isinstance(row, ast.Assign) and isinstance(row.targets[0], ast.Name) and row.targets[0].id == "code"
        for row in one.body
    )


def problems() -> list[type[Problem]]:
    """Every error of the product that has a code, the bases of families too, by code."""
    for name in problem_modules():
        import_module(name)
    found = [one for one in _below(Problem) if one.__module__.partition(".")[0] in PRODUCT and "code" in vars(one)]
    return sorted(found, key=lambda one: (one.code, one.__module__, one.__name__))


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def catalogue() -> dict[str, dict[str, Any]]:
    """What `/docs/errors` shows, by code. Where two classes share a code, the first one speaks."""
    found: dict[str, dict[str, Any]] = {}
    for one in problems():
        means = " ".join(inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0].split())
        row = {"status": one.status, "title": one.title, "means": means, "what_to_do": _what_to_do(one)}
        found.setdefault(one.code, row)
    return found


def _what_to_do(error: type[Problem]) -> str:
    """As the nearest of the class and its bases says it."""
    for one in error.__mro__:
        if text := vars(one).get("what_to_do") or vars(one).get("says"):
            return str(text)
    return ""


def description() -> dict[str, Any]:
    """`/openapi.json` of an installation with both halves."""
    from app import create_app
    from plumbing.settings import Config

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config(home=Path(folder) / "home"))
        found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
        for part in app.extensions["usual_open"]:
            part.close()
    return found


def as_text(document: dict[str, Any]) -> str:
    """As it stands in the file: sorted, so that a difference shows what changed."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both files, or compare them."""
    now = description()
    if "--check" in sys.argv[1:]:
        raise SystemExit("\n".join(breaking(json.loads(DESCRIPTION.read_text()), now)) or 0)
    for path, document in ((CATALOGUE, catalogue()), (DESCRIPTION, now)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(document), encoding="utf-8")


if __name__ == "__main__":
    main()
