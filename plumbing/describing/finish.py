"""Completes the description of an application when all its routes are there.

To every operation: its scopes, its error codes, `Idempotency-Key`, how a list goes on, and examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbing.describing.examples import Examples
from plumbing.idempotency import LONGEST_KEY
from plumbing.problem_json import ERRORS, ProblemReply

CODES = "x-error-codes"
"""Of an operation in the description: a list of the codes that it can answer."""
SUNSET = "x-sunset"
"""The day after which a deprecated operation may be gone."""
PROBLEM = "application/problem+json"
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A random text of your own for this request. Sent again with the same key within ten minutes,"
    " the request is not carried out twice: the first reply is answered again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "example": "0b9f6f0e-6a3d-4c53-9f5e-6f0a4b7f6f51",
}
PAGES = (
    "The list comes page by page: send a reply's `next_cursor` as `cursor`; null says that this was the last page."
)

Operation = dict[str, Any]


def finish(description: dict[str, Any]) -> dict[str, Any]:
    """`description`, completed in place."""
    examples = Examples(description["components"]["schemas"])
    for method, operation in operations(description):
        operation["responses"].pop("422", None)  # the framework adds it; it is a problem like the others
        operation["responses"]["default"] = _problem(operation)
        operation["description"] = "\n\n".join(_paragraphs(operation))
        if method == "post" and "api_key" in str(operation.get("security")):
            operation.setdefault("parameters", []).append(dict(IDEMPOTENCY_KEY))
        _give_examples(operation, examples)
    return description


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    """(method, operation) of every operation."""
    for path in description["paths"].values():
        yield from path.items()


def scopes_of(operation: Operation) -> list[str]:
    """The scopes that a key needs for an operation; none where it needs no key."""
    return next((list(way["api_key"]) for way in operation.get("security") or [] if "api_key" in way), [])


def _paragraphs(operation: Operation) -> Iterator[str]:
    yield operation.get("description", "")
    security = operation.get("security") or []
    if scopes := scopes_of(operation):
        yield f"Scopes: {', '.join(f'`{one}`' for one in scopes)}."
    elif security:
        yield "Scopes: none. No API key is needed; send the customer's token."
    else:
        yield "Scopes: none. No API key is needed."
    if any(one["name"] == "cursor" for one in operation.get("parameters", ())):
        yield PAGES


def _problem(operation: Operation) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code in operation[CODES])
    return {
        "description": f"A problem; `{ERRORS}/CODE` says what each code means and what to do. Codes: {codes}.",
        "content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{ProblemReply.__name__}"}}},
    }


def _give_examples(operation: Operation, examples: Examples) -> None:
    """An example for the request's body, for each reply that has one, and for each parameter that is needed; for
    the others where nothing else shows what is sent or answered."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    shown = False
    for body in (*bodies, *operation["responses"].values()):
        for kind, content in (body.get("content") or {}).items():
            if kind != PROBLEM and "schema" in content:
                content.setdefault("example", examples.of(content["schema"]))
                shown = True
    for parameter in operation.get("parameters", ()):
        if parameter.get("required") or not shown:
            parameter.setdefault("example", examples.of(parameter["schema"], parameter["name"]))
