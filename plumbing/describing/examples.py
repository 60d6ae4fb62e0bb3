"""An example of a schema: its own, or one made of its fields and the vocabulary of field names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbing.describing.vocabulary import VALUES

Schema = Mapping[str, Any]
DEEPEST = 8
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


class Examples:
    """Examples of the schemas of one description."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def of(self, schema: Schema, name: str = "", deep: int = 0) -> Any:
        """An example of `schema`, of a field or parameter called `name`."""
        schema = self.resolved(schema)
        for known in self._known(schema, name):
            if self.fits(known, schema):
                return known
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                kinds = [one for one in schema[several] if one.get("type") != "null"]
                return self.of(kinds[0], name, deep) if kinds and deep < DEEPEST else None
        return self._of_type(schema, name, deep)

    def resolved(self, schema: Schema) -> Schema:
        """`schema`, or what it refers to; what stands beside the reference holds as well."""
        while "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._components[schema["$ref"].rpartition("/")[2]], **beside}
        return schema

    def fits(self, value: Any, schema: Schema) -> bool:
        """Whether the schema takes the value, as far as types, lists of values and lengths say. (A test holds the
        finished examples against the whole of JSON Schema, patterns included.)"""
        schema = self.resolved(schema)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return any(self.fits(value, one) for one in schema[several])
        if "enum" in schema:
            return value in schema["enum"]
        if "const" in schema:
            return bool(value == schema["const"])
        kind = schema.get("type")
        if kind is not None and (
            not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
        ):
            return False
        if isinstance(value, str):
            return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
        if isinstance(value, list):
            enough = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
            return enough and all(self.fits(one, schema.get("items", {})) for one in value)
        if isinstance(value, int | float):
            return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        if isinstance(value, dict):
            fields = schema.get("properties", {})
            return set(schema.get("required", ())) <= set(value) and all(
                self.fits(one, fields[name]) for name, one in value.items() if name in fields
            )
        return True

    def _is_known(self, schema: Schema, name: str) -> bool:
        """Whether there is something to say about a field that may be left out."""
        given = {**self.resolved(schema), "default": None}
        return any(self.fits(known, schema) for known in self._known(given, name))

    @staticmethod
    def _known(schema: Schema, name: str) -> list[Any]:
        found = [schema["example"]] if "example" in schema else []
        if name in VALUES:
            found.append(VALUES[name])
        if schema.get("default") is not None:
            found.append(schema["default"])
        return found

    def _of_type(self, schema: Schema, name: str, deep: int) -> Any:
        match schema.get("type"):
            case "object" | None:
                fields = schema.get("properties", {})
                needed = schema.get("required", ())
                return {
                    field: self.of(kind, field, deep + 1)
                    for field, kind in fields.items()
                    if field in needed or self._is_known(kind, field)
                }
            case "array":
                if deep >= DEEPEST and not schema.get("minItems"):
                    return []
                return [self.of(schema.get("items", {}), name, deep + 1)] * max(1, schema.get("minItems", 1))
            case "integer" | "number" as kind:
                least = max(1, schema.get("minimum", 1))
                return int(least) if kind == "integer" else least
            case "boolean":
                return True
            case "null":
                return None
        if schema.get("format") == "date":
            return "2026-05-04"
        text = name.replace("_", " ") or "text"
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
