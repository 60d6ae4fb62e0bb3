"""Fluent messages as data that a page fills in by itself, with its browser's own rules for plurals and numbers.

A pattern is a text whose `{name}` is a value (`"One more, {name}"`), or a list of parts: a text as it stands,
`{"value": name, "number" | "date": options}`, or `{"select": name, "of": {key: pattern}, "default": key}`, with
`"ordinal": true` where the plural is one of order. Other messages and terms are written into the pattern.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fluent.syntax import ast

Pattern: TypeAlias = str | list[Any]
Entries: TypeAlias = Mapping[str, ast.Message | ast.Term]
"""Messages by id, and terms by id with their dash."""

_FORMATS = {"NUMBER": "number", "DATETIME": "date"}
_DEEPEST = 8  # a message that names itself never ends


class CannotCompile(ValueError):
    """A message uses something of Fluent that the pages do not know."""


def compile_message(message: ast.Message, entries: Entries) -> Pattern:
    """The pattern of a message; `entries` are what it may name.

    Raises:
        CannotCompile: a message without a text, or one that uses an unknown function, attribute or entry.
    """
    if message.value is None:
        raise CannotCompile(f"{message.id.name} has no text")
    try:
        return _joined(_parts(message.value, entries, 0))
    except CannotCompile as error:
        raise CannotCompile(f"{message.id.name}: {error}") from None


def _parts(pattern: ast.Pattern, entries: Entries, depth: int) -> list[Any]:
    parts: list[Any] = []
    for element in pattern.elements:
        if isinstance(element, ast.TextElement):
            parts.append(element.value)
        else:
            parts += _expression(element.expression, entries, depth)
    return parts


def _expression(expression: object, entries: Entries, depth: int) -> list[Any]:
    match expression:
        case ast.StringLiteral():
            return [expression.parse()["value"]]
        case ast.NumberLiteral():
            return [expression.value]
        case ast.VariableReference():
            return [{"value": expression.id.name}]
        case ast.FunctionReference():
            name, options = _call(expression)
            return [{"value": name, _FORMATS[expression.id.name]: options}]
        case ast.Placeable():
            return _expression(expression.expression, entries, depth)
        case ast.SelectExpression():
            return [_select(expression, entries, depth)]
        case ast.MessageReference(attribute=None) | ast.TermReference(attribute=None, arguments=None):
            dash = "-" if isinstance(expression, ast.TermReference) else ""
            return _named(dash + expression.id.name, entries, depth)
    raise CannotCompile(f"the pages do not know {type(expression).__name__} in this form")


def _named(name: str, entries: Entries, depth: int) -> list[Any]:
    entry = entries.get(name)
    if entry is None or entry.value is None:
        raise CannotCompile(f"it names {name}, which has no text")
    if depth == _DEEPEST:
        raise CannotCompile("messages name each other without an end")
    return _parts(entry.value, entries, depth + 1)


def _call(call: ast.FunctionReference) -> tuple[str, dict[str, str | float]]:
    """The variable and the options of `NUMBER($n, style: "percent")`."""
    if call.id.name not in _FORMATS or len(call.arguments.positional) != 1:
        raise CannotCompile(f"the pages know NUMBER and DATETIME of one value, not {call.id.name}")
    (value,) = call.arguments.positional
    if not isinstance(value, ast.VariableReference):
        raise CannotCompile(f"{call.id.name} is of a variable")
    options = {option.name.name: option.value.parse()["value"] for option in call.arguments.named}
    return value.id.name, options


def _select(select: ast.SelectExpression, entries: Entries, depth: int) -> dict[str, Any]:
    chosen = select.selector
    ordinal = False
    if isinstance(chosen, ast.FunctionReference):
        name, options = _call(chosen)
        ordinal = options.get("type") == "ordinal"
    elif isinstance(chosen, ast.VariableReference):
        name = chosen.id.name
    else:
        raise CannotCompile("a choice is made by a variable")
    of, default = {}, ""
    for variant in select.variants:
        key = variant.key.value if isinstance(variant.key, ast.NumberLiteral) else variant.key.name
        of[key] = _joined(_parts(variant.value, entries, depth))
        default = key if variant.default else default
    return {"select": name, "of": of, "default": default} | ({"ordinal": True} if ordinal else {})


def _joined(parts: list[Any]) -> Pattern:
    """Parts as one text where each is a text or a plain value, and no brace of a text would look like a value."""
    plain = [part if isinstance(part, str) else _blank(part) for part in parts if _is_plain(part)]
    if len(plain) == len(parts) and not any("{" in part for part in parts if isinstance(part, str)):
        return "".join(plain)
    return parts


def _blank(part: Mapping[str, str]) -> str:
    return "{" + part["value"] + "}"


def _is_plain(part: object) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and set(part) == {"value"})
