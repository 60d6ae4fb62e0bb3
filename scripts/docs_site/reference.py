"""The reference: commands, routes, errors and metrics, read from the running code."""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

COMMANDS, ROUTES, ERRORS, METRICS = (
    f"reference/{name}.md" for name in ("commands", "routes", "errors", "metrics")
)
PAGES = (COMMANDS, ROUTES, ERRORS, METRICS)
MADE = "*Made from the code of this version; do not edit it.*\n"
PACKAGES = ("identity", "recommender", "plumbing", "doorway", "desk", "screens")


def pages() -> dict[str, str]:
    """Page -> its Markdown."""
    import app
    from plumbing.settings import Config

    with tempfile.TemporaryDirectory() as home:
        server = app.create_app(Config(home=Path(home)))
        try:
            registry = server.extensions["usual_open"][-1].registry
            description = server.test_client().get("/openapi.json").get_json()
            return {
                COMMANDS: commands(app.assemble()),
                ROUTES: routes(description),
                ERRORS: errors(),
                METRICS: metrics(registry),
            }
        finally:
            for part in server.extensions["usual_open"]:
                part.close()


def cell(text: object) -> str:
    """A text in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def table(heads: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> str:
    """A table of Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(cell(one) for one in row) + " |" for row in rows)]) + "\n"


# --- commands


def commands(group: click.Group) -> str:
    """Every command with its options."""
    parts = ["# Commands\n", MADE, "`usual COMMAND --help` says the same in a terminal.\n"]
    for path, command in walk(group, click.Context(group, info_name="usual")):
        parts.append(f"## {' '.join(path)}\n")
        parts.append((command.help or "").replace("\b\n", "").replace("<", "&lt;") + "\n")
        options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
        arguments = [one.human_readable_name for one in command.params if isinstance(one, click.Argument)]
        parts.append(f"```text\n{' '.join([*path, '[OPTIONS]' if options else '', *arguments]).strip()}\n```\n")
        if options:
            parts.append(
                table(
                    ("option", "meaning", "default"),
                    ((_spelt(one), one.help or "", _default(one)) for one in options),
                )
            )
    return "\n".join(parts)


def walk(group: click.Group, context: click.Context) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with the words that call it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from walk(command, click.Context(command, parent=context, info_name=name))
        else:
            yield (*context.command_path.split(), name), command


def _spelt(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.type.name.upper()}"


def _default(option: click.Option) -> str:
    plain = (
        option.default is None
        or callable(option.default)
        or option.is_flag
        or not isinstance(option.default, str | int | float)
    )
    return "" if plain else f"`{option.default}`"


# --- routes


def routes(description: dict[str, Any]) -> str:
    """Every operation of the API."""
    parts = [
        "# Routes\n",
        MADE,
        "The whole description, with every field, is at `/openapi.json` of a server; `/docs/swagger` shows it.\n",
    ]
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append((method.upper(), path, operation))
    for tag, found in sorted(by_tag.items()):
        parts.append(f"## {tag}\n")
        parts.append(
            table(
                ("operation", "what it does", "takes"),
                ((f"`{method} {path}`", said(one), taken(one)) for method, path, one in found),
            )
        )
    return "\n".join(parts)


def said(operation: dict[str, Any]) -> str:
    """What an operation does, in a sentence or more."""
    words = [operation.get("summary", ""), operation.get("description", "")]
    return " ".join(dict.fromkeys(word.strip() for word in words if word and word.strip()))


def taken(operation: dict[str, Any]) -> str:
    """The names of its parameters and of its body's schema."""
    names = [f"`{one['name']}`" for one in operation.get("parameters", ())]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        names.append(f"body `{content.get('schema', {}).get('$ref', 'bytes').rsplit('/', 1)[-1]}`")
    return ", ".join(names)


# --- errors


def errors() -> str:
    """Every error that a reply or a command may name by its code."""
    from plumbing.problem import Problem

    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    found = {one.code: one for one in family(Problem) if one.code != Problem.code}
    rows = ((f"`{code}`", one.status, one.title, one.says or _first(one)) for code, one in sorted(found.items()))
    told = (
        "A reply that is no success is `application/problem+json`; `code` is stable, `detail` says what to do.\n"
    )
    return "\n".join(["# Errors\n", MADE, told, table(("code", "status", "title", "meaning"), rows)])


def family(kind: type[Any]) -> Iterator[type[Any]]:
    """A class and all that derive from it."""
    yield kind
    for one in kind.__subclasses__():
        yield from family(one)


def _first(kind: type[Any]) -> str:
    return (kind.__doc__ or "").strip().split("\n\n")[0]


# --- metrics


def metrics(registry: Any) -> str:
    """Every metric of /metrics."""
    rows = (
        (f"`{one.name}`", one.type, one.documentation)
        for one in sorted(registry.collect(), key=lambda one: one.name)
    )
    told = "`GET /metrics` with a key of scope `admin`, for Prometheus. No label names a person or a tenant.\n"
    return "\n".join(["# Metrics\n", MADE, told, table(("metric", "kind", "meaning"), rows)])
