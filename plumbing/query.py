"""The base of what a route reads from the query of its address."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

from pydantic import BaseModel


class Query(BaseModel):
    """Parameters of an address.

    The framework asks each of them for its JSON schema on every request, to learn which are lists: two
    milliseconds. The answer is kept.
    """

    _schemas: ClassVar[dict[Any, dict[str, Any]]] = {}

    @classmethod
    def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
        """As pydantic's, made once. Whoever asks with arguments of their own gets a copy to change."""
        key = (cls, arguments, tuple(sorted(named.items(), key=lambda pair: pair[0])))
        if key not in cls._schemas:
            cls._schemas[key] = super().model_json_schema(*arguments, **named)
        return deepcopy(cls._schemas[key]) if arguments or named else cls._schemas[key]
