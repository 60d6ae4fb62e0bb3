"""What all errors of the identity half have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from plumbing.problem import Problem


class IdentityError(Problem):
    """Base of the family."""

    code = "identity_error"


class Fixed(IdentityError):
    """An error that always says the same."""

    says: ClassVar[str]

    def __init__(self, **extra: Any) -> None:
        super().__init__(self.says, **extra)
