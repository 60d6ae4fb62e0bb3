"""An error that a caller can act on: the base of both halves' errors. `problem_json.py` turns it into a reply.

In a file of its own: a process that raises one, such as the sandbox of an engine, need not load a web framework.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Remark(str):
    """What a readiness check says that an operator should know, while every customer is served."""


class Problem(Exception):
    """Base of both halves' error families.

    A leaf sets `code` (stable, snake_case), `status` and `title`. The detail is a sentence that says what happened
    and what to do: the one given, or `says` of the class. `extra` is added to the reply (row numbers, fields).
    The docstring says what the code means: it stands in the catalogue of errors (`/docs/errors`), and beside it
    `what_to_do`, or `says` where that is the same for everybody.
    """

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request could not be carried out"
    says: ClassVar[str | None] = None
    what_to_do: ClassVar[str | None] = None
    security_event: ClassVar[str] = ""  # its name in the security log, if it belongs there
    retry_after: int | None = None

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or self.says or self.title
        super().__init__(self.detail)
        self.extra = extra
