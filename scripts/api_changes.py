"""What would break a client, between two descriptions of the API.

What a client sends must be taken as before: no operation, parameter or field goes, none becomes required, no value
is refused that was taken. What a client gets must be as before: no field goes or becomes optional, and none is of
a new type. Anything may be added; a client ignores fields and error codes that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from operator import gt, lt
from typing import Any, Literal

Schema = Mapping[str, Any]
Way = Literal["sent", "answered"]

CODES, SUNSET = "x-error-codes", "x-sunset"
LEAST = ("minLength", "minimum", "minItems", "minProperties", "exclusiveMinimum")
MOST = ("maxLength", "maximum", "maxItems", "maxProperties", "exclusiveMaximum")


def breaking(before: Mapping[str, Any], after: Mapping[str, Any], today: date | None = None) -> list[str]:
    """A sentence for each change that would break a client; empty when none would.

    `today`: an operation whose announced last day is over may go.
    """
    found: list[str] = []
    for path, methods in before["paths"].items():
        for method, old in methods.items():
            where = f"{method.upper()} {path}"
            new = after["paths"].get(path, {}).get(method)
            if new is not None:
                found += [f"{where}: {sentence}" for sentence in _Compared(before, after).operation(old, new)]
            elif not _is_over(old, today or date.today()):
                found.append(f"{where}: the operation is gone")
    return found


def _is_over(operation: Mapping[str, Any], today: date) -> bool:
    last = operation.get(SUNSET)
    return last is not None and date.fromisoformat(last) < today


class _Compared:
    """Two descriptions side by side."""

    def __init__(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self._before = before.get("components", {}).get("schemas", {})
        self._after = after.get("components", {}).get("schemas", {})
        self._seen: set[tuple[str, str, str]] = set()

    def operation(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"its id was {old.get('operationId')!r}"
        for scope in sorted(_scopes(new) - _scopes(old)):
            yield f"it needs the scope {scope!r}"
        for code in sorted(set(old.get(CODES, ())) - set(new.get(CODES, ()))):
            yield f"the error code {code!r} is gone"
        yield from self._parameters(old, new)
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        for status, reply in old["responses"].items():
            if status not in new["responses"]:
                yield f"the reply {status} is gone"
            else:
                yield from self._contents(reply, new["responses"][status], "answered", f"reply {status}")

    def _parameters(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        were, are = ({(p["in"], p["name"]): p for p in one.get("parameters", ())} for one in (old, new))
        for key, parameter in were.items():
            if key not in are:
                yield f"the parameter {key[1]!r} is gone"
                continue
            if are[key].get("required") and not parameter.get("required"):
                yield f"the parameter {key[1]!r} is required"
            yield from self._schema(parameter["schema"], are[key]["schema"], "sent", f"parameter {key[1]}")
        for key in are.keys() - were.keys():
            if are[key].get("required"):
                yield f"the new parameter {key[1]!r} is required"

    def _body(self, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
        if old is None:
            if new is not None and new.get("required"):
                yield "it needs a body"
        elif new is None:
            yield "it takes no body any more"
        else:
            if new.get("required") and not old.get("required"):
                yield "the body is required"
            yield from self._contents(old, new, "sent", "body")

    def _contents(self, old: Mapping[str, Any], new: Mapping[str, Any], way: Way, where: str) -> Iterator[str]:
        for kind, content in (old.get("content") or {}).items():
            other = (new.get("content") or {}).get(kind)
            if other is None:
                yield f"{where}: {kind} is gone"
            elif "schema" in content:
                yield from self._schema(content["schema"], other.get("schema", {}), way, where)

    def _schema(self, old: Schema, new: Schema, way: Way, where: str) -> Iterator[str]:
        names = (str(old.get("$ref", "")), str(new.get("$ref", "")), way)
        if all(names):
            if names in self._seen:
                return
            self._seen.add(names)
        old, new = _resolved(old, self._before), _resolved(new, self._after)
        were, are = _kinds(old, self._before), _kinds(new, self._after)
        if not (_within(were, are) if way == "sent" else _within(are, were)):
            yield f"{where}: {_listed(were)} became {_listed(are)}"
            return
        if way == "sent":
            yield from _narrower(old, new, where)
        yield from self._fields(old, new, way, where)
        if "items" in old and "items" in new:
            yield from self._schema(old["items"], new["items"], way, f"{where}[]")
        yield from self._alternatives(old, new, way, where)

    def _fields(self, old: Schema, new: Schema, way: Way, where: str) -> Iterator[str]:
        were, are = old.get("properties", {}), new.get("properties", {})
        needed, need = set(old.get("required", ())), set(new.get("required", ()))
        for name in were:
            if name not in are:
                yield f"{where}: the field {name!r} is gone"
            else:
                yield from self._schema(were[name], are[name], way, f"{where}.{name}")
        if way == "sent":
            for name in sorted(need - needed):
                yield f"{where}: the field {name!r} is required"
        else:
            for name in sorted((needed - need) & set(are)):
                yield f"{where}: the field {name!r} may be missing"

    def _alternatives(self, old: Schema, new: Schema, way: Way, where: str) -> Iterator[str]:
        several = [
            [one for one in schema.get("anyOf", schema.get("oneOf", ())) if one.get("type") != "null"]
            for schema in (old, new)
        ]
        for one, other in zip(*several, strict=False):
            yield from self._schema(one, other, way, where)


def _narrower(old: Schema, new: Schema, where: str) -> Iterator[str]:
    """What was taken and is refused now, of one value."""
    gone = set(map(str, _values(old))) - set(map(str, _values(new)))
    if _values(new) and (gone or not _values(old)):
        yield f"{where}: the values {', '.join(sorted(gone)) or 'beyond a list'} are refused"
    for bounds, worse in ((LEAST, gt), (MOST, lt)):
        for bound in bounds:
            if bound in new and (bound not in old or worse(new[bound], old[bound])):
                yield f"{where}: {bound} is {new[bound]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where}: the pattern is another one"
    closed, open_before = new.get("additionalProperties") is False, old.get("additionalProperties") is not False
    if closed and open_before and "properties" in new:
        yield f"{where}: unknown fields are refused"


def _values(schema: Schema) -> list[Any]:
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))


def _resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def _kinds(schema: Schema, components: Mapping[str, Schema]) -> frozenset[str]:
    """The JSON types that a schema allows; empty: all."""
    schema = _resolved(schema, components)
    several = schema.get("anyOf", schema.get("oneOf"))
    if several is not None:
        each = [_kinds(one, components) for one in several]
        return frozenset() if frozenset() in each else frozenset().union(*each)
    kind = schema.get("type")
    if kind is None:
        return frozenset(_kind_of(value) for value in _values(schema))
    return frozenset([kind] if isinstance(kind, str) else kind)


def _within(kinds: frozenset[str], others: frozenset[str]) -> bool:
    """Whether every value of `kinds` is one of `others`; empty stands for all."""
    if not others:
        return True
    return bool(kinds) and kinds <= (others | {"integer"} if "number" in others else others)


def _kind_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "object")


def _scopes(operation: Mapping[str, Any]) -> set[str]:
    """The scopes of the easiest way in."""
    ways = [set(one.get("api_key", ())) for one in operation.get("security") or [{}]]
    return min(ways, key=len)


def _listed(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds)) or "anything"
