"""The base class of all errors of the identity half."""

from __future__ import annotations

from plumbing.problem import Problem


class IdentityError(Problem):
    """Base of the family."""

    code = "identity_error"
